"""The search for settings, on machines whose speed and noise are known."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeinfer.bench.tune import Candidate, Tuning, challengers, duel, tune

SEEDS = 40
CORES = 4
Cost = Callable[[Candidate], float]


class Machine:
    """A clock that frames move on, by their cost and by noise in phases."""

    def __init__(self, cost: Cost, seed: int, answers: Callable[[Candidate], float]) -> None:
        self.now = 0
        self.open = 0
        self.most_open = 0
        self._cost, self._answers = cost, answers
        self._rng = np.random.default_rng(seed)
        self._slow, self._left = 1.0, 0

    def clock(self) -> int:
        return self.now

    @contextlib.contextmanager
    def opened(self, candidate: Candidate) -> Iterator["Machine.Frames"]:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            yield Machine.Frames(self, candidate)
        finally:
            self.open -= 1

    def spend(self, milliseconds: float) -> None:
        if self._left == 0:
            # A phase of some hundred frames, up to a tenth slower.
            self._left = 1 + int(self._rng.exponential(200))
            self._slow = 1 + 0.1 * self._rng.random()
        self._left -= 1
        noise = 1 + 0.02 * abs(self._rng.normal())
        self.now += int(milliseconds * 1e6 * self._slow * noise)

    class Frames:
        stages = ("network",)

        def __init__(self, machine: "Machine", candidate: Candidate) -> None:
            self._machine, self._candidate = machine, candidate

        def frame(self) -> tuple[int, ...]:
            self._machine.spend(self._machine._cost(self._candidate))
            return (0,)

        def answer(self) -> list[NDArray[Any]]:
            return [np.full(8, self._machine._answers(self._candidate), np.float32)]


def search(
    cost: Cost,
    seed: int = 0,
    *,
    tail: bool = True,
    head: bool = False,
    answers: Callable[[Candidate], float] = lambda candidate: 1.0,
) -> tuple[Tuning, Machine]:
    machine = Machine(cost, seed, answers)
    groups = challengers(CORES, tail=tail, head=head)
    tuning = tune(machine.opened, groups, seconds=12, expected=7, clock=machine.clock)
    return tuning, machine


def test_where_nothing_is_faster_the_default_stays() -> None:
    for seed in range(SEEDS):
        tuning, _ = search(lambda candidate: 5.0, seed)
        assert tuning.best == Candidate()
        assert tuning.confirmed is None


def test_what_is_little_faster_than_the_noise_is_not_taken() -> None:
    for seed in range(SEEDS):
        tuning, _ = search(lambda candidate: 5.0 if candidate == Candidate() else 4.95, seed)
        assert tuning.best == Candidate()


def cost_of_threads_and_spin(candidate: Candidate) -> float:
    threads = {None: 5.0, 1: 8.0, 2: 5.5, 3: 4.4, 4: 5.0}[candidate.threads]
    return threads * (0.9 if candidate.spin == "on" else 1.0) * (1 if candidate.fuse_tail else 1.5)


def test_the_fastest_of_all_is_found() -> None:
    found = [search(cost_of_threads_and_spin, seed)[0].best for seed in range(SEEDS)]
    assert found.count(Candidate(threads=3, spin="on")) >= 0.95 * SEEDS


def test_the_winner_met_the_default_in_the_end() -> None:
    tuning, _ = search(cost_of_threads_and_spin)
    assert tuning.confirmed is not None
    assert tuning.confirmed is tuning.duels[-1]
    assert tuning.confirmed.best == Candidate()
    assert tuning.confirmed.challenger == tuning.best
    assert tuning.confirmed.judgement is not None
    assert tuning.confirmed.judgement.ratio == pytest.approx(4.4 * 0.9 / 5.0, rel=0.03)


def test_a_candidate_that_answers_otherwise_is_not_measured() -> None:
    tuning, _ = search(
        lambda candidate: 5.0 if candidate.fuse_tail else 1.0,
        answers=lambda candidate: 1.0 if candidate.fuse_tail else 1.5,
    )
    assert tuning.best == Candidate()
    (refused,) = [one for one in tuning.duels if not one.challenger.fuse_tail]
    assert refused.note == "other results"
    assert refused.judgement is None


@pytest.mark.parametrize(
    ("answer", "agrees"), [(1.0005, True), (1.01, False), (np.nan, False), (np.inf, False)]
)
def test_answers_may_differ_by_another_order_of_sums_only(answer: float, agrees: bool) -> None:
    machine = Machine(lambda _: 5.0, 0, lambda candidate: 1.0 if candidate.fuse_tail else answer)
    other = Candidate(fuse_tail=False)
    one = duel(machine.opened, Candidate(), other, seconds=1, clock=machine.clock)
    assert (one.note == "") is agrees


def test_a_cut_head_is_measured_and_never_taken() -> None:
    tuning, _ = search(lambda candidate: 2.0 if candidate.cut_head else 5.0, head=True)
    (cut,) = [one for one in tuning.duels if one.challenger.cut_head]
    assert cut.won
    assert tuning.best == Candidate()


def test_never_more_than_two_sessions_are_open_and_all_are_closed() -> None:
    _, machine = search(cost_of_threads_and_spin, head=True)
    assert machine.most_open == 2
    assert machine.open == 0


@pytest.mark.parametrize("cores", [1, 2, 3, 4, 8, 64])
def test_threads_tried_fit_the_machine(cores: int) -> None:
    groups = challengers(cores, tail=False, head=False)
    counts = [candidate.threads for candidate in next(groups)]
    assert counts[0] == 1
    assert counts[-1] == cores
    assert counts == sorted(set(counts))


def test_on_one_core_spinning_is_not_tried() -> None:
    groups = challengers(1, tail=False, head=False)
    next(groups)
    with pytest.raises(StopIteration):
        groups.send(Candidate(threads=1))
