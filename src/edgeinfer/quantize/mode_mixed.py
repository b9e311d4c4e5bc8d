"""Fixed ranges, and as many layers in float as the wanted exactness asks for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from numpy.typing import NDArray

from edgeinfer.calibrate import Ranges
from edgeinfer.errors import InputError, ModelError
from edgeinfer.options import SessionOptions
from edgeinfer.quantize.advice import no_gain
from edgeinfer.quantize.agreement import Agreement, read_answer
from edgeinfer.quantize.candidate import Candidate, make_candidate
from edgeinfer.quantize.job import Job
from edgeinfer.quantize.layer_error import LayerError
from edgeinfer.quantize.layer_report import describe_layers, multiply_adds
from edgeinfer.quantize.layer_time import HERE, LayerTimes
from edgeinfer.quantize.measured import measure
from edgeinfer.quantize.mode_static import gather, repair
from edgeinfer.quantize.network import Network
from edgeinfer.quantize.plan import Plan
from edgeinfer.quantize.report import QuantizeReport
from edgeinfer.quantize.score import Evaluate, score_of
from edgeinfer.quantize.search import Choice, Layers, choose_layers, fastest
from edgeinfer.quantize.subset import heads, leave_in_float, rounded_values, weighted_places
from edgeinfer.session import Session

__all__ = ["quantize_mixed"]

Inputs = Mapping[str, NDArray[Any]]

_ERROR_SAMPLES: Final = 12
_FASTER: Final = "faster in float"


def quantize_mixed(
    job: Job,
    *,
    ranges: Ranges | None,
    method: str,
    parameter: float | None,
    repairs: str | tuple[str, ...],
    max_drop: float,
    evaluate: Evaluate | None,
    profile: Any,
) -> QuantizeReport:
    """Prepare, decide, calibrate, measure layers, choose, write, judge."""
    prepared, material = gather(job, ranges, method, parameter)
    # Which layers stay in float is what the search finds.
    chosen = repair(job, prepared, material, repairs, without=("first", "last"))
    material, names = chosen.material, chosen.names
    network, plan = material.network, material.plan
    inputs = job.inputs(prepared)
    if not inputs:
        raise InputError("samples: found none, wanted some to compare networks on in mode 'mixed'")
    whole = make_candidate(material, repairs=names)
    measured = measure(
        job, material, whole, inputs[:_ERROR_SAMPLES], repairs=names, profile=profile
    )
    errors, times = measured.errors, measured.times
    layers = frozenset(heads(network, plan).values())
    cost_of = _cost(network, plan, times)
    begin = fastest(layers, cost_of)
    pays = bool(weighted_places(network, plan) - begin)
    if not pays:
        begin = frozenset()

    def made(in_float: Layers) -> Candidate:
        reasons = {i: _FASTER if i in begin else _reason(errors[i]) for i in sorted(in_float)}
        return make_candidate(material, repairs=names, in_float=reasons)

    with job.timed("search"):
        answers = math.inf
        if evaluate is None:
            comparison = _Comparison(job, inputs)
            answers = comparison.answers
            judge: Callable[[bytes], float] = comparison.drop_of
            score = None
        else:
            score = score_of(job.model, evaluate, job.threads)
            judge = _scorer(score, evaluate, job.threads)
        choice = choose_layers(
            layers,
            error={place: _noise(one.network_db) for place, one in errors.items()},
            cost_of=cost_of,
            drop_of=lambda in_float: judge(made(in_float).model.SerializeToString()),
            max_drop=max_drop,
            begin=begin,
            progress=lambda done, total: job.progress("search", done, total),
        )
    if not choice.holds:
        raise _missed(choice, max_drop, len(layers), evaluate is not None)
    final = made(choice.in_float)
    data = job.marked(
        final.model,
        "mixed",
        method=material.ranges.method,
        parameter=material.ranges.parameter,
        samples=material.ranges.samples,
        max_drop=max_drop,
        drop=choice.drop,
    )
    reports = describe_layers(
        network, final.plan.decisions, job.target, final.plan, final.grids, material.ranges
    )
    report = job.finish(
        mode="mixed",
        prepared=prepared,
        data=data,
        layers=measured.tell(reports),
        ranges=material.ranges,
    )
    advice = report.advice
    notes = [*report.notes, f"{choice.tried} candidates were looked at"]
    if 0 < max_drop * answers < 1:
        notes.append(
            f"{max_drop:g} of {answers:g} answers compared is less than one: a single answer "
            f"decides about layers; give {math.ceil(1 / max_drop)} or more, or evaluate"
        )
    if times is None:
        notes.append(
            f"{measured.timing} for {job.target.name}: layers were ranked by multiply-adds"
        )
    elif times.source != HERE:
        before, after = _total(times.float_ms), cost_of(choice.in_float)
        notes.append(f"by {times.source} a run takes {before:.2f} ms in float, {after:.2f} ms so")
        advice = no_gain(f"the machine of {times.source}", before, after, report.size_ratio)
    return replace(
        report,
        repairs=chosen.reports,
        timing=measured.timing,
        max_drop=max_drop,
        drop=choice.drop,
        float_score=score,
        score=None if score is None else score - choice.drop,
        notes=tuple(notes),
        advice=advice,
    )


class _Comparison:
    """How often a candidate says something else than the float network."""

    def __init__(self, job: Job, inputs: Sequence[Inputs]) -> None:
        self._job, self._inputs = job, inputs
        self._wanted = [read_answer(results) for results in self._run(job.model)]

    @property
    def answers(self) -> float:
        """How many are compared, of the output with the fewest; infinite where values are."""
        counts: dict[str, int] = {}
        for one in self._wanted:
            for name, classes in one.classes.items():
                counts[name] = counts.get(name, 0) + int(classes.size)
            for name, pictures in one.objects.items():
                counts[name] = counts.get(name, 0) + sum(len(found.boxes) for found in pictures)
        return min(counts.values(), default=math.inf)

    def drop_of(self, model: bytes) -> float:
        agreement = Agreement()
        for wanted, results in zip(self._wanted, self._run(model), strict=True):
            agreement.add(wanted, read_answer(results))
        return 1.0 - agreement.worst

    def _run(self, model: Any) -> Any:
        options = SessionOptions(fuse_tail=False)
        with Session(model, threads=self._job.threads, options=options, cache=False) as session:
            for inputs in self._inputs:
                yield session.run(inputs)


def _scorer(score: float, evaluate: Evaluate, threads: int | None) -> Callable[[bytes], float]:
    return lambda model: score - score_of(model, evaluate, threads)


def _cost(network: Network, plan: Plan, times: LayerTimes | None) -> Callable[[Layers], float]:
    """Milliseconds with some layers in float; where nothing is known, their multiply-adds."""
    head = heads(network, plan)
    products = [multiply_adds(network, node) or 0 for node in network.nodes]

    def cost(in_float: Layers) -> float:
        left = leave_in_float(network, plan, dict.fromkeys(in_float, ""))
        total = 0.0
        for place, decision in enumerate(left.decisions):
            if times is None:
                total += products[place] if place in in_float else 0.0
            elif head.get(place, place) == place:
                took = times.int8_ms if decision.kind == "int8" else times.float_ms
                total += took.get(place, 0.0)
        if times is not None:
            total += rounded_values(network, left) * times.rounding_ms / 1e6
        return total

    return cost


def _total(times: Mapping[int, float]) -> float:
    return sum(times.values())


def _noise(decibels: float) -> float:
    """Power of the error as a share of the signal's."""
    return math.inf if decibels == -math.inf else 10.0 ** (-decibels / 10)


def _reason(error: LayerError) -> str:
    return f"in integers it alone leaves the results at {error.network_db:.1f} dB"


def _missed(choice: Choice, max_drop: float, layers: int, scored: bool) -> ModelError:
    what = "score" if scored else "agreement with float"
    return ModelError(
        f"mixed: found a drop of {choice.drop:.4g} in {what} at best, with "
        f"{len(choice.in_float)} of {layers} layers in float, wanted at most {max_drop:.4g}; allow "
        "a larger max_drop, give more samples like those of deployment, or use the float file"
    )
