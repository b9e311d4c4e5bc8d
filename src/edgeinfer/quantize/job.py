"""What every mode does alike: time its steps, judge the new file, write it, report."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from onnx import ModelProto

from edgeinfer.calibrate import Ranges
from edgeinfer.calibrate.samples import preparing
from edgeinfer.inspection import inspect
from edgeinfer.preprocess import Preprocess
from edgeinfer.quantize.advice import no_gain
from edgeinfer.quantize.album import Album
from edgeinfer.quantize.compact import compact
from edgeinfer.quantize.judge import Judge, judge
from edgeinfer.quantize.prepare import MARK, Prepared, require_equal
from edgeinfer.quantize.report import LayerReport, MaskPictures, QuantizeReport
from edgeinfer.quantize.samples_kept import FirstSamples
from edgeinfer.quantize.targets import Target, choose_target
from edgeinfer.quantize.writing import write_model

__all__ = ["Job"]

# Of 7-bit weights, said once for the whole file.
_NARROW: Final = "weights have 7 bits, since this target would saturate with 8"
_MOST_BYTES: Final = 1 << 28


@dataclass
class Job:
    """What stays the same from step to step; ``edgeinfer.quantize`` tells the arguments."""

    model: str | os.PathLike[str] | bytes
    out: Path
    target: Target
    exclude: Sequence[str]
    samples: FirstSamples
    preprocess: Preprocess | None
    threads: int | None
    progress: Callable[[str, int, int | None], object]
    wide: Sequence[str] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Tell that a step begins, and keep how long it took."""
        self.progress(step, 0, None)
        begin = time.perf_counter()
        yield
        self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - begin

    def marked(self, model: ModelProto, mode: str, **facts: Any) -> bytes:
        """The model's bytes, with a word on how it was made."""
        compact(model)
        text = json.dumps({"mode": mode, "target": self.target.name, **facts}, allow_nan=False)
        entry = model.metadata_props.add()
        entry.key, entry.value = MARK, text
        data: bytes = model.SerializeToString()
        return data

    def inputs(self, prepared: Prepared) -> list[dict[str, Any]]:
        """The first samples as the network takes them, a quarter of a gigabyte at most."""
        make = preparing(inspect(prepared.model), self.preprocess)
        found: list[dict[str, Any]] = []
        size = 0
        for item in self.samples.items():
            inputs = make(item, True).inputs or {}
            size += sum(array.nbytes for array in inputs.values())
            if found and size > _MOST_BYTES:
                break
            found.append(inputs)
        return found

    def finish(
        self,
        *,
        mode: str,
        prepared: Prepared,
        data: bytes,
        layers: tuple[LayerReport, ...],
        ranges: Ranges | None = None,
    ) -> QuantizeReport:
        """Compare the file with the float one on the first samples, put it in place, report."""
        verdict = Judge()
        pictures: tuple[MaskPictures, ...] = ()
        with self.timed("judge"):
            inputs = self.inputs(prepared)
            if inputs:
                require_equal(self.model, prepared, inputs[0], self.threads)
                album = Album(self.samples.names(), inputs, self.preprocess)
                verdict = judge(
                    self.model, data, self._told(inputs), threads=self.threads, shown=album.add
                )
                pictures = album.pictures()
        with self.timed("save"):
            write_model(self.out, data)
        # Of a file for another processor a time taken here would tell nothing.
        here = self.target.activations == "float32" or self.target == choose_target(None)
        times = verdict.milliseconds() if here else None
        float_bytes = self._float_bytes()
        return QuantizeReport(
            mode=mode,
            target=self.target.name,
            activations="uint8" if mode == "dynamic" else self.target.activations,
            weight_bits=self.target.weight_bits,
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
            notes=(_NARROW,) if self.target.weight_bits == 7 else (),
            float_ms=None if times is None else times[0],
            int8_ms=None if times is None else times[1],
            advice="" if times is None else no_gain("this CPU", *times, len(data) / float_bytes),
            pictures=pictures,
        )

    def _float_bytes(self) -> int:
        if isinstance(self.model, bytes):
            return len(self.model)
        path = Path(self.model)
        beside = {path.parent / name for name in inspect(path).external_files}
        return sum(one.stat().st_size for one in (path, *beside))

    def _told(self, inputs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for done, one in enumerate(inputs):
            self.progress("judge", done, len(inputs))
            yield one
