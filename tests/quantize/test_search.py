"""Which layers stay in float: against all subsets, and with candidates that do not behave."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeinfer.quantize.search import choose_layers, fastest

SIX = range(6)
amounts = st.floats(0.001, 10)


def subsets() -> list[frozenset[int]]:
    return [frozenset(one) for n in range(7) for one in itertools.combinations(SIX, n)]


@given(
    error=st.lists(amounts, min_size=6, max_size=6),
    loss=st.lists(amounts, min_size=6, max_size=6),
    share=st.floats(0.01, 1.2),
)
def test_the_set_loses_at_most_one_layers_time_more_than_the_best_of_all_subsets(
    error: list[float], loss: list[float], share: float
) -> None:
    def drop(in_float: frozenset[int]) -> float:
        return sum(error[i] for i in SIX if i not in in_float)

    def cost(in_float: frozenset[int]) -> float:
        return sum(loss[i] for i in in_float)

    allowed = share * sum(error)
    found = choose_layers(
        SIX,
        error=dict(enumerate(error)),
        cost_of=cost,
        drop_of=drop,
        max_drop=allowed,
    )
    # One layer stays in integers.
    fitting = [one for one in subsets() if len(one) < 6 and drop(one) <= allowed]
    assert found.holds == bool(fitting)
    assert found.drop == drop(found.in_float)
    if fitting:
        best = min(map(cost, fitting))
        assert drop(found.in_float) <= allowed
        assert cost(found.in_float) <= best + max(loss) + 1e-9


@given(st.lists(st.floats(0, 1), min_size=64, max_size=64), st.floats(0, 1))
def test_a_set_that_is_said_to_hold_was_judged_so_whatever_candidates_do(
    drops: list[float], allowed: float
) -> None:
    """Each subset has a drop of its own that follows from nothing."""
    table = dict(zip(subsets(), drops, strict=True))
    judged: list[frozenset[int]] = []

    def drop(in_float: frozenset[int]) -> float:
        judged.append(in_float)
        return table[in_float]

    found = choose_layers(
        SIX,
        error=dict.fromkeys(SIX, 1.0),
        cost_of=lambda in_float: float(len(in_float)),
        drop_of=drop,
        max_drop=allowed,
    )
    assert found.in_float in judged
    assert found.drop == table[found.in_float]
    assert found.holds == (found.drop <= allowed)
    assert len(judged) == len(set(judged)) == found.tried
    if not found.holds:
        assert found.drop == min(table[one] for one in judged)


def test_candidates_are_bounded_and_told_before_each_is_looked_at() -> None:
    told: list[tuple[int, int]] = []
    looked = []

    def drop(in_float: frozenset[int]) -> float:
        looked.append(in_float)
        assert len(told) == len(looked)
        return 0.0 if in_float >= frozenset(range(60)) else 1.0

    found = choose_layers(
        range(100),
        error={i: 100.0 - i for i in range(100)},
        cost_of=lambda in_float: float(len(in_float)),
        drop_of=drop,
        max_drop=0.5,
        most=20,
        progress=lambda done, total: told.append((done, total)),
    )
    assert found.in_float == frozenset(range(60))
    assert found.tried == len(looked) <= 20
    assert [done for done, _ in told] == list(range(len(told)))
    assert all(total > done for done, total in told)


def test_layers_that_need_not_be_in_float_are_taken_back() -> None:
    # Alone each is bad; but it is the second and the fifth that matter together.
    found = choose_layers(
        SIX,
        error={i: 6.0 - i for i in SIX},
        cost_of=lambda in_float: float(len(in_float)),
        drop_of=lambda in_float: 0.0 if in_float >= {1, 4} else 1.0,
        max_drop=0.0,
    )
    assert found.in_float == {1, 4}


def test_a_layer_without_which_nothing_holds_is_found_however_dear_it_is() -> None:
    found = choose_layers(
        SIX,
        error={0: 10.0, 1: 1.0, 2: 1.0, 3: 1.0, 4: 1.0, 5: 1.0},
        cost_of=lambda in_float: sum(1000.0 if i == 0 else 1.0 for i in in_float),
        drop_of=lambda in_float: 0.0 if 0 in in_float else 1.0,
        max_drop=0.1,
    )
    assert (found.holds, found.in_float) == (True, {0})


def test_layers_that_are_faster_in_float_begin_there() -> None:
    slower = {i: 0.5 if i < 4 else 2.0 for i in SIX}
    assert fastest(SIX, lambda one: sum(slower[i] if i in one else 1.0 for i in SIX)) == {
        0,
        1,
        2,
        3,
    }
    assert fastest(SIX, lambda one: float(len(one))) == frozenset()


def test_layers_that_win_only_together_with_their_neighbours_are_found() -> None:
    def cost(in_float: frozenset[int]) -> float:
        borders = sum((i in in_float) != (i + 1 in in_float) for i in range(5))
        return borders * 1.0 + sum(0.8 if i in in_float else 1.0 for i in SIX)

    assert all(cost(frozenset({i})) > cost(frozenset()) for i in SIX)
    assert fastest(SIX, cost) == min(subsets(), key=cost) == frozenset(SIX)


@pytest.mark.parametrize("error", [{}, dict.fromkeys(SIX, math.inf), dict.fromkeys(SIX, 0.0)])
def test_errors_that_tell_nothing_do_not_stop_the_search(error: dict[int, float]) -> None:
    found = choose_layers(
        SIX,
        error=error,
        cost_of=lambda in_float: float(len(in_float)),
        drop_of=lambda in_float: 0.0 if 3 in in_float else 1.0,
        max_drop=0.0,
    )
    assert found.holds
    assert found.in_float == {3}
