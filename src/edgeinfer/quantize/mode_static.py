"""Fixed ranges, found by calibration."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from edgeinfer.calibrate import Ranges, calibrate
from edgeinfer.errors import InputError, ModelError
from edgeinfer.quantize.candidate import Material, make_candidate
from edgeinfer.quantize.job import Job
from edgeinfer.quantize.layer_report import describe_layers
from edgeinfer.quantize.measured import measure
from edgeinfer.quantize.plan import Plan, is_weighted, make_plan
from edgeinfer.quantize.prepare import Prepared, prepare
from edgeinfer.quantize.repair.choice import Chosen, choose_repairs
from edgeinfer.quantize.report import QuantizeReport
from edgeinfer.quantize.wide import wide_tensors

__all__ = ["gather", "quantize_static", "repair"]

_REPAIR_SAMPLES: Final = 16

# Samples for a look at the errors of layers.
_LOOKED_AT: Final = 4


def quantize_static(
    job: Job,
    *,
    ranges: Ranges | None,
    method: str,
    parameter: float | None,
    repairs: str | tuple[str, ...],
    analyse: bool,
    profile: str | os.PathLike[str] | None,
) -> QuantizeReport:
    """Prepare, decide, calibrate, write, judge."""
    prepared, material = gather(job, ranges, method, parameter)
    chosen = repair(job, prepared, material, repairs)
    material, ranges = chosen.material, chosen.material.ranges
    with job.timed("write"):
        made = make_candidate(material, repairs=chosen.names)
        settings = {"method": ranges.method, "parameter": ranges.parameter}
        data = job.marked(
            made.model, "static", **settings, samples=ranges.samples, repairs=chosen.names
        )
    layers = describe_layers(
        material.network, made.plan.decisions, job.target, made.plan, made.grids, ranges
    )
    inputs = job.inputs(prepared) if analyse else []
    timing = ""
    if inputs:
        measured = measure(
            job, material, made, inputs[:_LOOKED_AT], repairs=chosen.names, profile=profile
        )
        layers, timing = measured.tell(layers), measured.timing
    report = job.finish(mode="static", prepared=prepared, data=data, layers=layers, ranges=ranges)
    return replace(report, timing=timing, repairs=chosen.reports)


def gather(
    job: Job, ranges: Ranges | None, method: str, parameter: float | None
) -> tuple[Prepared, Material]:
    """Prepare, decide and calibrate: what candidates are made of."""
    with job.timed("prepare"):
        prepared = prepare(job.model)
        plan = make_plan(prepared.network, job.exclude)
        wide = wide_tensors(prepared.network, plan, job.wide)
    if not any(decision.kind == "int8" for decision in plan.decisions):
        reasons = sorted({decision.reason for decision in plan.decisions})
        raise ModelError(
            f"found no layer to quantise, wanted Conv, Gemm or MatMul with constant weights; "
            f"what there is stays in float: {'; '.join(reasons[:5])}"
        )
    with job.timed("calibrate"):
        if ranges is None:
            ranges = _calibrated(job, prepared, plan, method, parameter)
        else:
            _refuse_foreign(job, ranges, prepared)
    return prepared, Material(prepared.network, plan, ranges, job.target, job.exclude, wide)


def repair(
    job: Job,
    prepared: Prepared,
    material: Material,
    repairs: str | tuple[str, ...],
    without: tuple[str, ...] = (),
) -> Chosen:
    """Choose repairs on a few of the samples that are judged on; of "auto", some left out."""
    with job.timed("repair"):
        inputs = job.inputs(prepared)[:_REPAIR_SAMPLES]
        return choose_repairs(
            material,
            repairs,
            inputs,
            without=without,
            threads=job.threads,
            progress=lambda done, total: job.progress("repair", done, total),
        )


def _calibrated(
    job: Job, prepared: Prepared, plan: Plan, method: str, parameter: float | None
) -> Ranges:
    measured = plan.measured(prepared.network)
    return calibrate(
        prepared.model,
        job.samples.all(),
        method=method,
        parameter=parameter,
        preprocess=job.preprocess,
        tensors=[*dict.fromkeys((*measured, *_multiplied(prepared, plan)))],
        threads=job.threads,
        progress=lambda done, total: job.progress("calibrate", done, total),
    )


def _refuse_foreign(job: Job, ranges: Ranges, prepared: Prepared) -> None:
    file = job.model if isinstance(job.model, bytes) else Path(job.model).read_bytes()
    known = [hashlib.sha256(data).hexdigest() for data in (file, prepared.model)]
    if ranges.model_digest not in known:
        raise InputError(
            f"ranges: found those of the model {ranges.model_digest[:12]}, wanted those of "
            f"{known[0][:12]}; calibrate this one"
        )


def _multiplied(prepared: Prepared, plan: Plan) -> list[str]:
    """What is multiplied by weights: its mean tells what their rounding does."""
    return [
        node.input[0]
        for node, decision in zip(prepared.network.nodes, plan.decisions, strict=True)
        if decision.kind == "int8" and is_weighted(node)
    ]
