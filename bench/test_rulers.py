"""The rulers themselves: run with ``pytest bench``."""

import time

import numpy as np
import pytest

from agreement import FLOAT, INT8, Bound, agreement, require
from timing import Timings, alternate


def logits(*pixels: tuple[float, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """One row of pixels, each given by its classes' logits, as (1, classes, 1, pixels)."""
    return np.array(pixels, np.float32).T[None, :, None, :]


def test_agreement_excuses_a_shared_first_place_and_nothing_else() -> None:
    ground = logits((3, 1, 2), (5, 5, 0), (5, 5, 0), (0, 1, 4))
    found = agreement(np.array([[0, 0, 1, 1]], np.uint8), ground, INT8.lead)
    assert (found.equal, found.shared, found.wrong) == (0.5, 0.5, 0.25)


def test_require_names_the_side_and_refuses_one_wrong_pixel() -> None:
    found = agreement(np.array([[1, 0]], np.uint8), logits((1, 0), (1, 0)), FLOAT.lead)
    with pytest.raises(AssertionError, match=r"left.*5\.00e-01"):
        require(found, FLOAT, "left")
    require(found, Bound(lead=0, wrong=0.5), "left")


def test_ratio_is_of_medians_and_lies_in_its_interval() -> None:
    rng = np.random.default_rng(3)
    noise = rng.gamma(2.0, 0.05, 200)
    timings = Timings({"slow": 3 * (1 + noise), "fast": (1 + noise)})
    ratio = timings.ratio("slow", "fast")
    assert ratio.value == pytest.approx(3)
    # Rounds are redrawn for both sides together, so noise both share leaves no width at all.
    assert ratio.low == pytest.approx(3)
    assert ratio.high == pytest.approx(3)


def test_ratio_interval_covers_the_truth_when_sides_are_noisy_apart() -> None:
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(40):
        slow, fast = 2 * rng.lognormal(0, 0.1, 60), rng.lognormal(0, 0.1, 60)
        ratio = Timings({"slow": slow, "fast": fast}).ratio("slow", "fast")
        covered += ratio.low <= 2 <= ratio.high
    assert covered >= 33


def test_alternate_runs_every_side_once_a_round_and_drops_the_warmup() -> None:
    calls: list[tuple[str, int]] = []
    sides = {name: lambda number, name=name: calls.append((name, number)) for name in "ab"}
    timings = alternate(sides, rounds=8, warmup=2)
    assert {len(samples) for samples in timings.samples_ms.values()} == {8}
    rounds = list(zip(calls[::2], calls[1::2], strict=True))
    assert [{number for _, number in pair} for pair in rounds] == [{n} for n in range(-2, 8)]
    assert len({tuple(name for name, _ in pair) for pair in rounds}) == 2, "order never changed"


def test_alternate_measures_milliseconds() -> None:
    def busy(_: int) -> None:
        end = time.perf_counter() + 0.004
        while time.perf_counter() < end:
            pass

    median = alternate({"busy": busy}, rounds=3).summary("busy").median_ms
    assert 4 <= median < 40


@pytest.mark.parametrize(("rounds", "warmup"), [(1, 1), (2, 0)])
def test_alternate_refuses_too_little(rounds: int, warmup: int) -> None:
    with pytest.raises(ValueError, match="rounds >= 2"):
        alternate({"a": lambda _: None}, rounds=rounds, warmup=warmup)
