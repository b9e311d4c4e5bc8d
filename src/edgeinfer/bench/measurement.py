"""One measurement: samples of frames, and the machine before and after."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from edgeinfer.bench.stages import Samples, Workload, measure
from edgeinfer.bench.trust import doubts
from edgeinfer.diagnosis.findings import Finding
from edgeinfer.machine import Machine, busy_seconds, read_machine

__all__ = ["Measurement", "take"]


@dataclass(frozen=True)
class Measurement:
    """Samples, and what the machine did meanwhile.

    ``others`` is the share of the cores' time that other programs took, None where the system does
    not tell.
    """

    samples: Samples
    before: Machine
    after: Machine
    others: float | None

    @property
    def doubts(self) -> tuple[Finding, ...]:
        """What speaks against the figures."""
        return doubts(self.before, self.after, self.samples.whole, self.others)


def take(
    workload: Workload,
    *,
    seconds: float,
    warmup: int | None = None,
    tick: Callable[[float], object] = lambda share: None,
) -> Measurement:
    """Measure a workload, as ``stages.measure``, and watch the machine."""
    before = read_machine()
    busy, own, begin = busy_seconds(), _own_seconds(), time.monotonic()
    samples = measure(workload, seconds=seconds, warmup=warmup, tick=tick)
    now, elapsed = busy_seconds(), time.monotonic() - begin
    others = None
    if busy is not None and now is not None:
        foreign = now - busy - (_own_seconds() - own)
        others = max(foreign, 0.0) / (elapsed * before.cores)
    # Read at once, while the clock still shows what the work made of it.
    return Measurement(samples, before, read_machine(), others)


def _own_seconds() -> float:
    times = os.times()
    return times.user + times.system
