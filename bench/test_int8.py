"""The rulers of ``./dev bench quantize``: run with ``pytest bench``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import apart
from int8 import whole_row
from int8.accuracy_rows import or_equal
from int8.calibration_rows import over, require_same
from int8.tasks import AGREEMENT, Boxes, Classes, LargestObject, Masks, lost, overlap, redrawn
from peers.attendance import Attendance
from rows import Figure, Outcome
from table import TABLES, figure_lines
from timing import Ratio


def painted(box: NDArray[Any], size: int = 40) -> NDArray[np.bool_]:
    """The pixels of a box of whole numbers."""
    pixels = np.zeros((size, size), bool)
    x1, y1, x2, y2 = box.astype(int)
    pixels[y1:y2, x1:x2] = True
    return pixels


def test_the_overlap_of_boxes_is_that_of_their_pixels_counted() -> None:
    rng = np.random.default_rng(7)
    seen = set()
    for _ in range(500):
        corners = rng.integers(0, 41, (2, 2, 2))
        a, b = (np.concatenate([np.sort(c, axis=0)[0], np.sort(c, axis=0)[1]]) for c in corners)
        both, either = painted(a) & painted(b), painted(a) | painted(b)
        wanted = both.sum() / either.sum() if either.any() else 0.0
        assert overlap(a / 40, b / 40) == pytest.approx(wanted, abs=1e-12)
        seen.add(wanted > 0)
    assert seen == {True, False}


def test_a_box_with_its_corners_swapped_has_no_area_to_share() -> None:
    upright, swapped = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.8, 0.8, 0.2, 0.2])
    assert overlap(upright, swapped) == 0
    assert overlap(swapped, swapped) == 0


def test_of_overlapping_boxes_the_best_is_kept_and_none_at_the_score_itself() -> None:
    rows = np.array(
        [
            [0.6, 0.0, 0.0, 0.5, 0.5],
            [0.9, 0.0, 0.0, 0.5, 0.45],  # the same object, seen better
            [0.7, 0.6, 0.6, 0.9, 0.9],
            [0.5, 0.0, 0.8, 0.2, 1.0],  # not above 0.5
        ]
    )
    np.testing.assert_array_equal(Boxes(0.9).kept(rows), rows[[1, 2], 1:])


def box(*corners: float) -> NDArray[np.float64]:
    return np.array([corners])


def test_a_box_that_is_not_found_again_is_lost_and_counts_as_no_overlap() -> None:
    exact = [np.concatenate([box(0, 0, 0.4, 0.4), box(0.5, 0.5, 1, 1)]), box(0, 0, 1, 1)]
    found = [box(0, 0, 0.4, 0.4), np.concatenate([box(0, 0, 1, 0.75), box(0, 0.8, 0.1, 1)])]
    mean, gone, new = Boxes(0.9).figures([None, None], exact, found)
    assert mean.ratio.value == pytest.approx((1 + 0 + 0.75) / 3)
    assert mean.missed
    assert gone.ratio.value == 1
    assert gone.missed
    assert new.ratio.value == 1


def test_no_face_at_all_is_no_pass() -> None:
    nothing = [np.zeros((0, 4))]
    with pytest.raises(ValueError, match="at least one"):
        Boxes(0.9).figures([None], nothing, nothing)


def answers(*classes: int) -> list[NDArray[Any]]:
    return [np.asarray(one) for one in classes]


def test_top_1_is_lost_by_pictures_that_were_right_and_agreement_by_all_that_changed() -> None:
    truths = [(1, 5), (2,), (3,), (4,)]
    drop, same = Classes(0, 0.3, 0.5).figures(truths, answers(5, 2, 3, 9), answers(1, 2, 9, 4))
    assert drop.ratio.value == 0  # one lost, one won
    assert not drop.missed
    assert same.ratio.value == 0.25
    assert same.missed
    (drop, _) = Classes(0, 0.2).figures(truths, answers(5, 2, 3, 9), answers(5, 2, 9, 9))
    assert drop.ratio.value == 0.25
    assert drop.missed


def test_the_background_is_no_object_however_large() -> None:
    task = LargestObject(0.01)
    mask, empty = np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    mask[0] = (7, 7, 3, 0)
    drop, same = task.figures([(7,), (7,)], [mask, mask], [mask, empty])
    assert drop.ratio.value == 0.5
    assert same.ratio.value == pytest.approx((1 + 13 / 16) / 2)


def test_mean_iou_is_of_the_pixels_of_all_pictures_together() -> None:
    truth = [np.array([[0, 1]], np.uint8), np.array([[1, 1]], np.uint8)]
    wrong = [truth[0], np.array([[1, 0]], np.uint8)]
    drop, same = Masks(0.01).figures(truth, truth, wrong)
    # Class 0: 1 of 2 pixels in either mask; class 1: 2 of 3.
    assert drop.ratio.value == pytest.approx(1 - (1 / 2 + 2 / 3) / 2)
    assert same.ratio.value == 0.75


def test_the_interval_over_redrawn_pictures_is_as_wide_as_theory_says() -> None:
    right = np.arange(400) < 280
    ratio = redrawn(lambda drawn: float(right[drawn].mean()), 400)
    assert ratio.value == 0.7
    width = 2 * 1.96 * (0.7 * 0.3 / 400) ** 0.5
    assert ratio.high - ratio.low == pytest.approx(width, rel=0.15)
    # Redrawn in pairs: what both sides got wrong alike adds no width.
    paired = lost("top-1", right, right, 0.0).ratio
    assert (paired.low, paired.high) == (0, 0)


def test_the_agreement_of_a_peer_is_enough_only_where_it_is_less() -> None:
    ours = Figure(AGREEMENT, Ratio(0.93, 0.9, 0.95), 0.94)
    assert or_equal(ours, Figure(AGREEMENT, Ratio(0.92, 0.9, 0.95))).wanted == 0.92
    assert or_equal(ours, Figure(AGREEMENT, Ratio(0.96, 0.9, 0.98))).wanted == 0.94
    assert or_equal(ours, Figure("top-1", Ratio(0.1, 0.1, 0.1))).wanted == 0.94


def test_extremes_that_differ_are_named_with_the_tensor() -> None:
    ours = {"a": (0.0, 2.0), "b": (-1.0, 4.0), "mine alone": (0.0, 9.0)}
    said = require_same(ours, {"a": (0.5, 2.0), "b": (-1.0, 4.0)})  # ours hold zero
    assert "2 tensors" in said
    with pytest.raises(AssertionError, match=r"^b: "):
        require_same(ours, {"a": (0.5, 2.0), "b": (-1.0, 4.1)})
    with pytest.raises(AssertionError, match="no tensor"):
        require_same(ours, {"another": (0.0, 1.0)})


def test_one_measurement_over_several_has_their_range_as_interval() -> None:
    assert over(30.0, [2.0, 1.0, 3.0]) == Ratio(15.0, 10.0, 30.0)


def test_work_apart_is_timed_from_the_start_and_its_memory_counted_at_the_peak(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work_apart.py").write_text(
        "def nothing(): return {}\n"
        "def much(megabytes):\n"
        "    one = bytearray(megabytes << 20)\n"
        "    one[::4096] = bytes(len(one[::4096])).replace(b'\\0', b'x')\n"
        "    return {'given': megabytes}\n"
        "def wrong(): assert False, 'another answer'\n"
        "def broken(): raise KeyError('lost')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    little, much = apart.call("work_apart:nothing"), apart.call("work_apart:much", megabytes=200)
    assert much.told == {"given": 200}
    assert 195 < much.peak_mb - little.peak_mb < 215
    assert little.seconds > 0.005  # no interpreter starts faster
    with pytest.raises(AssertionError, match="another answer"):
        apart.call("work_apart:wrong")
    with pytest.raises(RuntimeError, match="lost"):
        apart.call("work_apart:broken")
    with pytest.raises(MemoryError, match="found"):
        apart.call("work_apart:nothing", needs_mb=1e9)


def test_a_peer_without_the_memory_it_needs_is_named_and_leaves_the_row_standing() -> None:
    attendance = Attendance()
    with attendance.of("a large one"):
        apart.call("work_apart:nothing", needs_mb=1e9)
    (note,) = attendance.notes
    assert note.startswith("without a large one: MemoryError: needs 1000000000 MB")


def test_only_the_step_of_repairs_is_taken_off_the_whole_and_the_peers_time_is_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def call(function: str, **_: Any) -> apart.Apart:
        if function.endswith("quantise_nncf"):
            raise RuntimeError("no nncf here")
        if function.endswith("quantise_onnxruntime"):
            return apart.Apart(24.0, 8000.0, {"seconds": 22.0})
        steps = {"calibrate": 2.0, "repair": 3.0, "judge": 1.0}
        return apart.Apart(7.0, 300.0, {"steps": steps, "repairs": {"bias": 1.5, "last": 0.5}})

    monkeypatch.setattr(apart, "call", call)
    outcome = whole_row.measure()
    figures = {figure.name: figure.ratio.value for figure in outcome.figures}
    assert figures["onnxruntime's, ours without repairs"] == 24 / (7 - 3)
    assert figures["onnxruntime's, repairs included"] == 24 / 7
    assert figures["ours, repairs alone, seconds"] == 3
    assert [figure.wanted for figure in outcome.figures if figure.wanted] == [6]
    assert any(note.startswith("without nncf: RuntimeError: no nncf") for note in outcome.notes)


def test_a_peer_that_missed_a_run_leaves_its_column_empty() -> None:
    ours, theirs = Figure("ours", Ratio(2.0, 1.9, 2.1), 1.5), Figure("theirs", Ratio(3, 3, 3), 2)
    outcomes = [Outcome("", (ours, theirs)), Outcome("", (ours,)), Outcome("", (ours, theirs))]
    first, second = figure_lines(outcomes)
    assert first.count("2.00 [") == 3
    assert second.count("3.00 [") == 2
    blank = second.index(" - ") + 1
    assert first[blank - 3 : blank + 1] == "2.00"  # below the run's own column
    assert second.endswith("reached")


def test_a_row_has_one_name_in_all_tables() -> None:
    names = [row.name for rows in TABLES.values() for row in rows]
    assert len(set(names)) == len(names)
