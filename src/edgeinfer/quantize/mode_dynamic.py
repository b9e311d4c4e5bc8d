"""Ranges found in each run."""

from __future__ import annotations

from edgeinfer.quantize.dynamic import plan_dynamic
from edgeinfer.quantize.dynamic_nodes import write_dynamic
from edgeinfer.quantize.job import Job
from edgeinfer.quantize.layer_report import describe_layers
from edgeinfer.quantize.prepare import prepare
from edgeinfer.quantize.report import QuantizeReport

__all__ = ["quantize_dynamic"]


def quantize_dynamic(job: Job, *, force_convolutions: bool) -> QuantizeReport:
    """Prepare, decide, write, judge."""
    with job.timed("prepare"):
        prepared = prepare(job.model)
        decisions = plan_dynamic(prepared.network, job.exclude, force_convolutions)
    with job.timed("write"):
        data = job.marked(write_dynamic(prepared.network, decisions, job.target), "dynamic")
    layers = describe_layers(prepared.network, decisions, job.target)
    return job.finish(mode="dynamic", prepared=prepared, data=data, layers=layers)
