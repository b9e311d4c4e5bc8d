"""One model on its way: prepared, calibrated, written, judged."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from edgeinfer.calibrate import Ranges, calibrate
from edgeinfer.calibrate.samples import Item, open_samples, preparing
from edgeinfer.errors import InputError, ModelError
from edgeinfer.inspection import inspect
from edgeinfer.preprocess import Preprocess
from edgeinfer.quantize.dynamic import plan_dynamic, write_dynamic
from edgeinfer.quantize.grid import Grid
from edgeinfer.quantize.judge import Judge, judge
from edgeinfer.quantize.network import label
from edgeinfer.quantize.plan import Decision, Plan, is_weighted, make_plan
from edgeinfer.quantize.prepare import Prepared, prepare, require_equal
from edgeinfer.quantize.report import LayerReport, QuantizeReport
from edgeinfer.quantize.static import choose_grids, write_static
from edgeinfer.quantize.targets import Target, choose_target
from edgeinfer.quantize.writing import write_model

__all__ = ["Job"]

# Of 7-bit weights, said once for the whole file.
_NARROW = "weights have 7 bits, since this target would saturate with 8"


@dataclass
class Job:
    """What stays the same from step to step; ``edgeinfer.quantize`` tells the arguments."""

    model: str | os.PathLike[str] | bytes
    out: Path
    target: str | None
    exclude: Sequence[str]
    threads: int | None
    progress: Callable[[str, int, int | None], object]
    seconds: dict[str, float] = field(default_factory=dict)

    def static(
        self,
        samples: Any,
        preprocess: Preprocess | None,
        judged: int,
        ranges: Ranges | None,
        method: str,
        parameter: float | None,
        correct_bias: bool,
    ) -> QuantizeReport:
        """Fixed ranges."""
        target = choose_target(self.target)
        with self._timed("prepare"):
            prepared = prepare(self.model)
            plan = make_plan(prepared.network, self.exclude)
        measured = plan.measured(prepared.network)
        if not any(decision.kind == "int8" for decision in plan.decisions):
            reasons = sorted({decision.reason for decision in plan.decisions})
            raise ModelError(
                f"found no layer to quantise, wanted Conv, Gemm or MatMul with constant weights; "
                f"what there is stays in float: {'; '.join(reasons[:5])}"
            )
        first = _First(samples, judged)
        with self._timed("calibrate"):
            if ranges is None:
                ranges = calibrate(
                    prepared.model,
                    first.all(),
                    method=method,
                    parameter=parameter,
                    preprocess=preprocess,
                    tensors=[*dict.fromkeys((*measured, *_multiplied(prepared, plan)))],
                    threads=self.threads,
                    progress=lambda done, total: self.progress("calibrate", done, total),
                )
            else:
                self._refuse_foreign(ranges, prepared)
        with self._timed("write"):
            whole, ends = ranges.with_method("minmax"), plan.ends(prepared.network)

            def range_of(name: str) -> tuple[float, float]:
                return whole.range(name) if name in ends else ranges.range(name)

            grids = choose_grids(prepared.network, plan, range_of, target)
            means = _means(ranges) if correct_bias else None
            made = write_static(prepared.network, plan, grids, target, means)
            settings = {"method": ranges.method, "parameter": ranges.parameter}
            data = self._marked(made, "static", target, **settings, samples=ranges.samples)
        layers = _layers(prepared, plan.decisions, grids, plan, target)
        return self._finished(
            mode="static",
            target=target,
            prepared=prepared,
            data=data,
            layers=layers,
            first=first,
            preprocess=preprocess,
            ranges=ranges,
        )

    def dynamic(
        self, samples: Any, preprocess: Preprocess | None, judged: int, force_convolutions: bool
    ) -> QuantizeReport:
        """Ranges found in each run."""
        target = choose_target(self.target)
        with self._timed("prepare"):
            prepared = prepare(self.model)
            decisions = plan_dynamic(prepared.network, self.exclude, force_convolutions)
        with self._timed("write"):
            made = write_dynamic(prepared.network, decisions, target)
            data = self._marked(made, "dynamic", target)
        return self._finished(
            mode="dynamic",
            target=target,
            prepared=prepared,
            data=data,
            layers=_layers(prepared, decisions, {}, None, target),
            first=_First(samples, judged),
            preprocess=preprocess,
            ranges=None,
        )

    def _finished(
        self,
        *,
        mode: str,
        target: Target,
        prepared: Prepared,
        data: bytes,
        layers: tuple[LayerReport, ...],
        first: _First,
        preprocess: Preprocess | None,
        ranges: Ranges | None,
    ) -> QuantizeReport:
        verdict = Judge()
        with self._timed("judge"):
            make = preparing(inspect(prepared.model), preprocess)
            inputs = [make(item, True).inputs or {} for item in first.items()]
            if inputs:
                require_equal(self.model, prepared, inputs[0], self.threads)
                verdict = judge(self.model, data, self._told(inputs), threads=self.threads)
        with self._timed("save"):
            write_model(self.out, data)
        float_bytes = len(self.model) if isinstance(self.model, bytes) else _bytes_of(self.model)
        return QuantizeReport(
            mode=mode,
            target=target.name,
            activations="uint8" if mode == "dynamic" else target.activations,
            weight_bits=target.weight_bits,
            method=None if ranges is None else ranges.method,
            parameter=None if ranges is None else ranges.parameter,
            samples=0 if ranges is None else ranges.samples,
            float_bytes=float_bytes,
            int8_bytes=len(data),
            prepared=prepared.steps,
            layers=layers,
            judged=verdict.samples,
            outputs=verdict.outputs(),
            seconds=self.seconds,
            notes=(_NARROW,) if target.weight_bits == 7 else (),
        )

    def _refuse_foreign(self, ranges: Ranges, prepared: Prepared) -> None:
        file = self.model if isinstance(self.model, bytes) else Path(self.model).read_bytes()
        known = [hashlib.sha256(data).hexdigest() for data in (file, prepared.model)]
        if ranges.model_digest not in known:
            raise InputError(
                f"ranges: found those of the model {ranges.model_digest[:12]}, wanted those of "
                f"{known[0][:12]}; calibrate this one"
            )

    def _marked(self, model: ModelProto, mode: str, target: Target, **facts: Any) -> bytes:
        """The model's bytes, with a word on how it was made."""
        text = json.dumps({"mode": mode, "target": target.name, **facts}, allow_nan=False)
        entry = model.metadata_props.add()
        entry.key, entry.value = "edgeinfer.quantize", text
        data: bytes = model.SerializeToString()
        return data

    def _told(self, inputs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for done, one in enumerate(inputs):
            self.progress("judge", done, len(inputs))
            yield one

    @contextlib.contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        self.progress(step, 0, None)
        begin = time.perf_counter()
        yield
        self.seconds[step] = time.perf_counter() - begin


class _First:
    """The first samples of many, which may come once only."""

    def __init__(self, samples: Any, count: int) -> None:
        self._samples = samples
        self._count = count
        self._kept: list[Any] = []
        self._source = None if samples is None else open_samples(samples)

    def all(self) -> Any:
        """The samples, of which the first are kept if they cannot be read again."""
        if self._source is None or self._source.again:
            return self._samples
        return self._keeping(self._samples)

    def _keeping(self, samples: Iterable[Any]) -> Iterator[Any]:
        for value in samples:
            if len(self._kept) < self._count:
                self._kept.append(value)
            yield value

    def items(self) -> Iterator[Item]:
        """The first ones."""
        if self._source is None:
            return iter(())
        if self._source.again or not self._kept:
            return itertools.islice(self._source.items(), self._count)
        return itertools.starmap(Item, ((f"sample {i}", v) for i, v in enumerate(self._kept, 1)))


def _multiplied(prepared: Prepared, plan: Plan) -> list[str]:
    """What is multiplied by weights: its mean tells what their rounding does."""
    return [
        node.input[0]
        for node, decision in zip(prepared.network.nodes, plan.decisions, strict=True)
        if decision.kind == "int8" and is_weighted(node)
    ]


def _means(ranges: Ranges) -> Callable[[str], NDArray[np.float64] | None]:
    observed = {tensor.name for tensor in ranges.tensors}

    def mean_of(name: str) -> NDArray[np.float64] | None:
        return ranges.statistics(name).channel_mean() if name in observed else None

    return mean_of


def _layers(
    prepared: Prepared,
    decisions: Sequence[Decision],
    grids: dict[str, Grid],
    plan: Plan | None,
    target: Target,
) -> tuple[LayerReport, ...]:
    network = prepared.network
    reports = []
    for node, decision in zip(network.nodes, decisions, strict=True):
        weights = network.constants.get(node.input[1]) if is_weighted(node) else None
        grid = None if plan is None else grids.get(plan.owner.get(node.output[0], ""))
        reports.append(
            LayerReport(
                name=label(node),
                op=node.op_type,
                decision=decision.kind,
                reason=decision.reason,
                weights=None if weights is None else tuple(weights.dims),
                low=None if grid is None else (target.lowest - grid.zero_point) * grid.scale,
                high=None if grid is None else (target.highest - grid.zero_point) * grid.scale,
            )
        )
    return tuple(reports)


def _bytes_of(path: str | os.PathLike[str]) -> int:
    return Path(path).stat().st_size
