"""What speaks against the figures of a measurement, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgeinfer.diagnosis.findings import Finding
from edgeinfer.machine import Machine

__all__ = ["doubts"]

_MOST_OTHERS: Final = 0.05  # of the cores' time
_MOST_SPREAD: Final = 0.10
_MOST_DRIFT: Final = 0.03
_MOST_WARMING_C: Final = 5.0
_FEWEST: Final = 100


def doubts(
    before: Machine, after: Machine, times_ms: NDArray[np.float64], others: float | None
) -> tuple[Finding, ...]:
    """Why not to trust the figures; empty when nothing speaks against them.

    Args:
        before, after: the machine when measuring began and when it ended.
        times_ms: of whole frames, in their order.
        others: the share of the cores' time that other programs took; None: not known.
    """
    return (*_machine(before, after, others), *_figures(times_ms))


def _machine(before: Machine, after: Machine, others: float | None) -> Iterator[Finding]:
    if others is not None and others > _MOST_OTHERS:
        yield Finding(
            "load",
            "warning",
            f"other programs took {others:.0%} of the cores' time",
            f"at most {_MOST_OTHERS:.0%}",
            "end what `top` shows, and measure again",
        )
    elif others is None and before.load is not None and before.load > before.usable / 4:
        yield Finding(
            "load",
            "warning",
            f"load {before.load:.2f} when measuring began",
            f"below {before.usable / 4:.2f}",
            "end what `top` shows, wait a minute, and measure again",
        )
    if before.governors and before.governors != ("performance",):
        yield Finding(
            "governor",
            "warning",
            "/".join(before.governors),
            "performance: another one changes the clock while measuring",
            "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
        )
    yield from _throttled(before, after)
    if before.temperature_c is not None and after.temperature_c is not None:
        rise = after.temperature_c - before.temperature_c
        if rise > _MOST_WARMING_C:
            yield Finding(
                "temperature",
                "warning",
                f"rose from {before.temperature_c:.1f} to {after.temperature_c:.1f} degrees "
                "Celsius",
                f"a rise of at most {_MOST_WARMING_C:.0f}: warm boards are slower",
                "measure for longer (--seconds 600), or cool the board",
            )


def _throttled(before: Machine, after: Machine) -> Iterator[Finding]:
    if before.throttling is None or after.throttling is None:
        return
    newly = set(after.throttling.since_boot) - set(before.throttling.since_boot)
    words = sorted({*before.throttling.now, *after.throttling.now, *newly})
    if words:
        yield Finding(
            "throttling",
            "warning",
            f"while measuring: {', '.join(words)} (0x{after.throttling.bits:x})",
            "none: the firmware lowers the clock",
            "the board's own power supply, a heat sink or a fan; see `edgeinfer doctor`",
        )


def _figures(times_ms: NDArray[np.float64]) -> Iterator[Finding]:
    p10, median, p90 = np.percentile(times_ms, [10, 50, 90])
    spread = (p90 - p10) / median
    if spread > _MOST_SPREAD:
        yield Finding(
            "spread",
            "warning",
            f"the middle 80% of the frames lie {spread:.0%} of the median apart",
            f"at most {_MOST_SPREAD:.0%}",
            "a quiet machine, or --threads 1 where threads wait for each other",
        )
    third = len(times_ms) // 3
    drift = float(np.median(times_ms[-third:]) / np.median(times_ms[:third])) - 1
    if abs(drift) > _MOST_DRIFT:
        way = "slower" if drift > 0 else "faster"
        yield Finding(
            "drift",
            "warning",
            f"the last third of the frames was {abs(drift):.0%} {way} than the first",
            f"at most {_MOST_DRIFT:.0%}: figures depend on when they are taken",
            "measure for longer (--seconds 60)",
        )
    if len(times_ms) < _FEWEST:
        yield Finding(
            "frames",
            "warning",
            f"{len(times_ms)} frames",
            f"{_FEWEST} for the 99th percentile",
            "measure for longer (--seconds 60)",
        )
