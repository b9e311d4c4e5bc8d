"""Only the weights are rounded: for large products, and for the size of the file."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from edgeinfer.quantize.job import Job
from edgeinfer.quantize.layer_report import describe_layers
from edgeinfer.quantize.prepare import prepare
from edgeinfer.quantize.report import QuantizeReport
from edgeinfer.quantize.targets import Target
from edgeinfer.quantize.weights_only import plan_weights, write_weights

__all__ = ["quantize_weights_only"]

_TARGETS: Final = {
    bits: Target("any", "float32", bits, "computes in float, whatever the processor")
    for bits in (8, 4)
}
_NONE_IN_4: Final = (
    "no weights have 4 bits: only products (MatMul, Gemm) of constant matrices can, and this file "
    "is that of weights8"
)


def quantize_weights_only(job: Job, *, bits: int) -> QuantizeReport:
    """Prepare, decide, write, judge."""
    job = replace(job, target=_TARGETS[bits])
    mode = f"weights{bits}"
    with job.timed("prepare"):
        prepared = prepare(job.model)
        decisions = plan_weights(prepared.network, job.exclude, bits)
    with job.timed("write"):
        made, decisions = write_weights(prepared.network, decisions)
        data = job.marked(made, mode)
    layers = describe_layers(prepared.network, decisions, job.target)
    report = job.finish(mode=mode, prepared=prepared, data=data, layers=layers)
    if bits == 4 and not report.count("weights4"):
        report = replace(report, notes=(*report.notes, _NONE_IN_4))
    return report
