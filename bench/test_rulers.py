"""The rulers themselves: run with ``pytest bench``."""

import json
import time
from dataclasses import asdict

import numpy as np
import pytest

from agreement import FLOAT, INT8, Bound, agreement, require
from operators import totals
from rows import Figure, Outcome, ceilings
from sides import require_one_thread
from table import figure_lines, outcome_from_json
from timing import Ratio, Summary, Timings, alternate


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


def figure(value: float, wanted: float | None, aim: float | None, *, at_most: bool) -> Figure:
    return Figure("a side", Ratio(value, value, value), wanted, aim, at_most=at_most)


@pytest.mark.parametrize(
    ("value", "wanted", "aim", "at_most", "verdict"),
    [
        (1.99, 2, 3, False, "MISSED"),
        (2.0, 2, 3, False, "reached"),
        (3.0, 2, 3, False, "aim reached"),
        (0.61, 0.6, 0.5, True, "MISSED"),
        (0.6, 0.6, 0.5, True, "reached"),
        (0.5, 0.6, 0.5, True, "aim reached"),
        (1.1, None, 1, True, "aim missed"),
        (1.0, None, None, False, ""),
        (float("nan"), 1, None, False, "MISSED"),
        (float("nan"), 1, None, True, "MISSED"),
    ],
)
def test_a_figure_is_judged_by_what_was_wanted_of_it(
    value: float, wanted: float | None, aim: float | None, at_most: bool, verdict: str
) -> None:
    found = figure(value, wanted, aim, at_most=at_most)
    assert found.verdict == verdict
    assert found.missed == (verdict == "MISSED")


def test_a_figure_missed_once_is_missed_and_shows_every_run() -> None:
    runs = [Outcome("", (figure(value, 2, 3, at_most=False),), {}) for value in (3.5, 1.75, 2.25)]
    (line,) = figure_lines(runs)
    assert "MISSED in 1 of 3" in line
    assert all(number in line for number in ("3.50", "1.75", "2.25"))
    (line,) = figure_lines(runs[::2])
    assert " reached" in line


def test_an_outcome_comes_back_from_the_process_that_measured_it() -> None:
    sent = Outcome(
        "masks",
        (figure(2.5, 2, 3, at_most=False),),
        {"a side": Summary(3, 2, 4)},
        ("without x",),
        ("Conv 90 %",),
    )
    assert outcome_from_json(json.dumps(asdict(sent))) == sent


def test_runs_disagree_where_their_intervals_do_not_meet() -> None:
    def runs(*ratios: Ratio) -> list[Outcome]:
        return [Outcome("", (Figure("a side", ratio, 2),)) for ratio in ratios]

    (line,) = figure_lines(runs(Ratio(2.0, 1.9, 2.1), Ratio(2.3, 2.05, 2.5)))
    assert "disagree" not in line
    (line,) = figure_lines(runs(Ratio(1.8, 1.7, 1.9), Ratio(2.7, 2.5, 2.9)))
    assert line.endswith("MISSED in 1 of 2 (runs disagree: 50% apart)")
    assert line.index("miss") < line.index("pass"), "each run says what it reached"


def test_a_ceiling_is_the_whole_of_a_peer_over_the_fastest_network_alone() -> None:
    samples = {"peer": 6.0, "ours alone": 2.0, "theirs alone": 3.0}
    timings = Timings({name: np.full(3, value) for name, value in samples.items()})
    (found,) = ceilings(timings, ("peer",), ("ours alone", "theirs alone"))
    assert (found.ratio.value, found.wanted) == (3.0, None)


def test_operators_are_summed_over_nodes_and_of_a_node_the_median_run_counts() -> None:
    def event(operator: str, node: str, us: int, cat: str = "Node") -> dict[str, object]:
        return {"cat": cat, "name": node, "dur": us, "args": {"op_name": operator}}

    first = [event("Conv", "a_kernel_time", us) for us in (9000, 1000, 2000)]
    others = [event("Conv", "b_kernel_time", 500), event("Add", "c_kernel_time", 250)]
    ignored = [event("Conv", "a_fence_before", 700), event("", "model_run", 800, "Session")]
    assert totals([*first, *others, *ignored]) == {"Conv": 2.5, "Add": 0.25}


@pytest.mark.parametrize(("elsewhere", "refused"), [((5, 0, 5), False), ((5, 4, 3), True)])
def test_a_thread_that_works_is_seen_in_every_attempt(
    elsewhere: tuple[int, ...], refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, thread = [], []
    for spent in elsewhere:  # of 100 s of the processor
        process += [0.0, 100.0]
        thread += [0.0, 100.0 - spent]
    monkeypatch.setattr(time, "process_time", iter(process).__next__)
    monkeypatch.setattr(time, "thread_time", iter(thread).__next__)
    if refused:
        with pytest.raises(AssertionError, match="a side: 3% of the processor time"):
            require_one_thread({"a side": lambda _: None})
    else:
        require_one_thread({"a side": lambda _: None})
