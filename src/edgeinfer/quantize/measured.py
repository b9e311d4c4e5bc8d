"""What each layer costs in exactness and in time, gathered for the report and the search."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from edgeinfer.quantize.candidate import Candidate, Material, channel_means
from edgeinfer.quantize.job import Job
from edgeinfer.quantize.layer_error import LayerError, layer_errors
from edgeinfer.quantize.layer_profile import read_profile
from edgeinfer.quantize.layer_time import LayerTimes, measure_layers
from edgeinfer.quantize.report import LayerReport
from edgeinfer.quantize.targets import choose_target

__all__ = ["Measured", "measure"]


@dataclass(frozen=True)
class Measured:
    """By place of the layer.

    Attributes:
        errors: of each layer that could be in integers.
        times: None where the target is another machine and no profile of it is there.
    """

    errors: Mapping[int, LayerError]
    times: LayerTimes | None

    @property
    def timing(self) -> str:
        """Where the times come from, in words."""
        return "no timing known" if self.times is None else self.times.source

    def tell(self, layers: Sequence[LayerReport]) -> tuple[LayerReport, ...]:
        """The reports with these measures; what is merged counts to the layer it is in."""
        return tuple(
            layer if layer.decision == "merged" else self._tell(place, layer)
            for place, layer in enumerate(layers)
        )

    def _tell(self, place: int, layer: LayerReport) -> LayerReport:
        error, times = self.errors.get(place), self.times
        return replace(
            layer,
            sqnr_db=None if error is None else error.own_db,
            network_sqnr_db=None if error is None else error.network_db,
            # What the runtime fuses into another layer takes no time of its own.
            float_ms=None if times is None else times.float_ms.get(place, 0.0),
            int8_ms=None if times is None else times.int8_ms.get(place, 0.0),
        )


def measure(
    job: Job,
    material: Material,
    whole: Candidate,
    inputs: Sequence[Mapping[str, NDArray[Any]]],
    *,
    repairs: Collection[str],
    profile: str | os.PathLike[str] | None,
) -> Measured:
    """Run the network layer by layer.

    Args:
        whole: the candidate with as many layers in integers as there can be.
        inputs: samples, at least one; see ``layer_errors`` for how many.

    Cost: 1 s a sample for MobileNetV2 on two cores.
    """
    network, plan = material.network, material.plan
    # First, since a file that does not fit should not cost the time of the rest.
    times = None if profile is None else read_profile(profile, network, plan)
    with job.timed("layers"):
        errors = layer_errors(
            network,
            plan,
            whole.grids,
            job.target,
            inputs,
            mean_of=channel_means(material) if "bias" in repairs else None,
            threads=job.threads,
            progress=lambda done, total: job.progress("layers", done, total),
        )
    if times is None and job.target == choose_target(None):
        with job.timed("time"):
            times = measure_layers(network, plan, job.target, inputs[0], threads=job.threads)
    return Measured(errors, times)
