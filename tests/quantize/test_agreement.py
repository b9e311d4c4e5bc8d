"""Whether two networks say the same: classes, masks, boxes, values."""

import numpy as np
import pytest

from edgeinfer.quantize.agreement import Agreement, overlaps, read_answer

Arrays = dict[str, np.ndarray]


def agreed(*pairs: tuple[Arrays, Arrays]) -> Agreement:
    agreement = Agreement()
    for want, have in pairs:
        agreement.add(read_answer(want), read_answer(have))
    return agreement


def scores(*best: int, classes: int = 4) -> Arrays:
    return {"p": np.eye(classes, dtype=np.float32)[list(best)]}


def test_classes_agree_by_the_share_of_pictures() -> None:
    found = agreed((scores(0), scores(0)), (scores(1), scores(2)), (scores(3), scores(3)))
    assert found.outputs() == {"p": pytest.approx(2 / 3)}
    assert found.worst == pytest.approx(2 / 3)


def test_masks_agree_by_the_share_of_pixels() -> None:
    want = np.zeros((1, 3, 4, 4), np.float32)
    want[0, 1] = 1
    have = want.copy()
    have[0, 2, :2] = 2
    assert agreed(({"m": want}, {"m": have})).worst == 0.5
    whole = {"classes": np.arange(8).reshape(1, 8)}
    assert agreed((whole, {"classes": np.arange(8).reshape(1, 8) // 2 * 2})).worst == 0.5


def detector(boxes: list[list[float]], ours: list[float]) -> Arrays:
    """Two corners each, and the score of the one class beside "nothing"."""
    face = np.array(ours, np.float32)
    return {
        "scores": np.stack([1 - face, face], axis=1)[None],
        "boxes": np.array([boxes], np.float32),
    }


ONE, OTHER = [0.1, 0.1, 0.3, 0.3], [0.6, 0.6, 0.8, 0.8]


def test_objects_agree_by_how_far_they_overlap() -> None:
    want = detector([ONE, [0.11, 0.1, 0.3, 0.3], OTHER], [0.9, 0.8, 0.2])
    assert agreed((want, want)).outputs() == {"boxes": 1.0}
    # Half as wide: half of the union.
    have = detector([[0.1, 0.1, 0.2, 0.3], ONE, OTHER], [0.9, 0.1, 0.2])
    assert agreed((want, have)).worst == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("ours", [[0.1, 0.0, 0.1], [0.9, 0.0, 0.9]])
def test_an_object_that_is_lost_or_made_up_counts_as_none(ours: list[float]) -> None:
    want = detector([ONE, ONE, OTHER], [0.9, 0.0, 0.2])
    have = detector([ONE, ONE, OTHER], ours)
    assert agreed((want, have)).worst == pytest.approx(0.0 if ours[0] < 0.5 else 0.5)


def test_pictures_without_objects_agree_and_are_known_to_say_little() -> None:
    empty = detector([ONE, ONE, OTHER], [0.1, 0.2, 0.2])
    found = agreed((empty, empty))
    assert (found.worst, found.objects) == (1.0, 0)


def test_boxes_of_middle_and_size_are_understood() -> None:
    want = detector([[0.5, 0.5, 0.2, 0.2], [0.5, 0.5, 0.2, 0.2]], [0.9, 0.1])
    have = detector([[0.5, 0.5, 0.1, 0.2], [0.5, 0.5, 0.2, 0.2]], [0.9, 0.1])
    assert agreed((want, have)).worst == pytest.approx(0.5, abs=1e-6)


def test_other_values_agree_by_their_error() -> None:
    want = {"v": np.full((1, 3, 7), 2.0, np.float32)}
    have = {"v": np.full((1, 3, 7), 1.8, np.float32)}
    assert agreed((want, have)).worst == pytest.approx(0.9, abs=1e-6)
    assert agreed((want, {"v": -10 * want["v"]})).worst == 0.0
    nothing = {"v": np.zeros((1, 3, 7), np.float32)}
    assert agreed((nothing, nothing)).worst == 1.0


def test_the_output_that_agrees_least_counts() -> None:
    want = {**scores(0, 1), "v": np.ones((1, 2, 2), np.float32)}
    have = {**scores(0, 2), "v": np.ones((1, 2, 2), np.float32)}
    found = agreed((want, have))
    assert found.outputs() == {"p": 0.5, "v": 1.0}
    assert found.worst == 0.5


def test_overlap_is_intersection_over_union() -> None:
    boxes = np.array([[0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 6, 6], [0, 0, 0, 0]], float)
    np.testing.assert_allclose(overlaps(boxes[0], boxes), [1, 1 / 7, 0, 0])
