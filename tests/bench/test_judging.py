"""Verdicts over many seeds: noise alone is hardly ever a change, a change is seen."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgeinfer.bench.compare import judge, judge_few, stage_bound

Series = NDArray[np.float64]
Noise = Callable[[np.random.Generator, int], Series]

SEEDS = 150
FRAMES = 1000


def independent(rng: np.random.Generator, count: int) -> Series:
    return np.exp(0.05 * rng.normal(size=count))


def with_outliers(rng: np.random.Generator, count: int) -> Series:
    late = (rng.random(count) < 0.05) * rng.exponential(1.0, count)
    return 1 + 0.02 * rng.normal(size=count) ** 2 + late


def wandering(rng: np.random.Generator, count: int) -> Series:
    """Neighbours are alike: half of a difference is forgotten after 34 frames."""
    level, steps = np.empty(count), 0.006 * rng.normal(size=count)
    level[0] = 0.03 * rng.normal()
    for i in range(1, count):
        level[i] = 0.98 * level[i - 1] + steps[i]
    return np.exp(level + 0.01 * rng.normal(size=count))


def phases(rng: np.random.Generator, count: int, mean: int) -> Series:
    """Now and then 10 % slower, for a while."""
    slow, at, state = np.empty(count), 0, rng.random() < 0.5
    while at < count:
        length = 1 + int(rng.exponential(mean))
        slow[at : at + length] = 0.1 * state
        at, state = at + length, not state
    return np.exp(slow + 0.02 * rng.normal(size=count))


def short_phases(rng: np.random.Generator, count: int) -> Series:
    return phases(rng, count, count // 50)


def long_phases(rng: np.random.Generator, count: int) -> Series:
    return phases(rng, count, count // 10)


def verdicts(noise: Noise, factor: float, bound: float) -> list[str]:
    found = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        before, after = noise(rng, FRAMES), noise(rng, FRAMES) * factor
        found.append(judge(before, after, bound=bound).verdict)
    return found


@pytest.mark.parametrize(
    ("noise", "most"),
    [(independent, 1), (with_outliers, 1), (wandering, 1), (short_phases, 2), (long_phases, 4)],
)
def test_the_same_thing_twice_is_unclear_nearly_always(noise: Noise, most: int) -> None:
    wrong = sum(verdict != "unclear" for verdict in verdicts(noise, 1.0, 0.03))
    assert wrong <= most  # of 150


def test_the_interval_holds_the_true_ratio() -> None:
    held = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        one = judge(independent(rng, FRAMES), independent(rng, FRAMES) * 1.2)
        held += one.low <= 1.2 <= one.high
    assert held >= 0.96 * SEEDS  # 99 of 100 are promised


def test_blocks_that_contradict_each_other_make_it_unclear() -> None:
    """One long phase a side moves neither median, but says that blocks are no equal witnesses."""
    before, after = np.full(1000, 1.0), np.full(1000, 1.1)
    before[300:400], after[700:800] = 2.0, 0.5
    judgement = judge(before, after)
    assert judgement.low > 1.03
    assert (judgement.verdict, judgement.why) == ("unclear", "the noise comes in too long phases")


def test_drawing_single_samples_would_not_do() -> None:
    """The ruler itself: intervals from single samples are wrong again and again on such noise."""
    wrong = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        before, after = short_phases(rng, FRAMES), short_phases(rng, FRAMES)
        draws = [rng.choice(side, (200, FRAMES)) for side in (before, after)]
        ratios = np.median(draws[1], axis=1) / np.median(draws[0], axis=1)
        low, high = np.percentile(ratios, [0.5, 99.5])
        wrong += low > 1 or high < 1
    assert wrong > SEEDS // 10


@pytest.mark.parametrize("noise", [independent, with_outliers])
@pytest.mark.parametrize(("factor", "verdict"), [(1.05, "slower"), (1 / 1.05, "faster")])
def test_a_change_of_5_percent_is_seen(noise: Noise, factor: float, verdict: str) -> None:
    assert verdicts(noise, factor, 0.03).count(verdict) >= 0.95 * SEEDS


@pytest.mark.parametrize("noise", [wandering, short_phases, long_phases])
def test_a_large_change_is_seen_through_phases_or_called_unclear(noise: Noise) -> None:
    found = verdicts(noise, 1.5, 0.03)
    assert found.count("faster") == 0
    assert found.count("slower") >= 0.9 * SEEDS


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    counts=st.tuples(st.integers(20, 400), st.integers(20, 400)),
    factor=st.floats(0.2, 5.0),
    scale=st.floats(1e-3, 1e3),
)
def test_verdicts_do_not_depend_on_unit_or_order_of_sides(
    seed: int, counts: tuple[int, int], factor: float, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    before, after = independent(rng, counts[0]), independent(rng, counts[1]) * factor
    one = judge(before, after)
    assert one.low <= one.ratio <= one.high
    scaled = judge(before * scale, after * scale)
    assert scaled.verdict == one.verdict
    assert scaled.ratio == pytest.approx(one.ratio)
    back = judge(after, before)
    assert back.ratio == pytest.approx(1 / one.ratio)
    opposite = {"faster": "slower", "slower": "faster"}
    if one.verdict != "unclear" and abs(np.log(factor)) > 0.3 and min(counts) > 100:
        assert back.verdict == opposite[one.verdict]


def test_nothing_is_said_of_fewer_than_five_processes() -> None:
    assert judge_few([10.0] * 4, [1.0] * 4).verdict == "unclear"
    assert judge_few([10.0] * 5, [1.0] * 5).verdict == "faster"
    assert judge([10.0] * 5, [1.0] * 5).verdict == "faster"


def test_a_handful_that_overlaps_is_unclear() -> None:
    assert judge_few([10, 11, 12, 13, 14], [5, 6, 7, 8, 10.2]).verdict == "unclear"
    assert judge_few([10, 11, 12, 13, 14], [5, 6, 7, 8, 9.0]).verdict == "faster"
    assert judge_few([5, 6, 7, 8, 9.0], [10, 11, 12, 13, 14]).verdict == "slower"


def test_constant_times_have_an_interval_of_no_width() -> None:
    judgement = judge([2.0] * 100, [3.0] * 100)
    assert (judgement.low, judgement.high) == pytest.approx((1.5, 1.5))
    assert judgement.verdict == "slower"


def test_a_small_stage_needs_a_change_that_the_frame_feels() -> None:
    assert stage_bound(0.03, 8.0, 10.0) == 0.03
    assert stage_bound(0.03, 10.0, 10.0) == 0.03
    assert stage_bound(0.03, 0.1, 10.0) == pytest.approx(1.0)
    assert stage_bound(0.5, 1.0, 10.0) == 0.5
