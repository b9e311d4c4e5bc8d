import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeinfer.errors import InputError
from edgeinfer.preprocess import Placement, Preprocess

SIDES = st.integers(1, 2000)


@given(frame=st.tuples(SIDES, SIDES), model=st.tuples(SIDES, SIDES))
def test_the_frame_fills_the_model_input_and_comes_back(frame, model):
    scale_y, scale_x = model[0] / frame[0], model[1] / frame[1]
    placement = Placement(scale_x, scale_y, 0.0, 0.0, frame, model)
    whole_model = [0, 0, model[1], model[0]]
    whole_frame = [0, 0, frame[1], frame[0]]
    np.testing.assert_allclose(placement.to_frame(whole_model), whole_frame, rtol=1e-15)
    np.testing.assert_allclose(placement.to_model(whole_frame), whole_model, rtol=1e-15)


def test_points_and_boxes_of_any_leading_shape_are_mapped():
    placement = Placement(0.5, 0.25, 10.0, 20.0, (400, 200), (140, 120))
    np.testing.assert_array_equal(placement.to_model([4, 8]), [12, 22])
    points = np.zeros((2, 5, 2), np.float32)
    assert placement.to_frame(points).shape == (2, 5, 2)
    assert placement.to_frame(points).dtype == np.float64
    np.testing.assert_array_equal(placement.to_frame([[10, 20, 20, 30]]), [[0, 0, 20, 40]])


@pytest.mark.parametrize("shape", [(), (3,), (2, 5)])
def test_coordinates_of_another_width_are_refused(shape):
    placement = Placement(1, 1, 0, 0, (4, 4), (4, 4))
    with pytest.raises(InputError, match="points xy"):
        placement.to_frame(np.zeros(shape))


@pytest.mark.parametrize(
    ("coordinates", "found"),
    [
        ("ab", "<U2"),
        (["1", "2"], "<U1"),
        (b"ab", "|S2"),
        ([[1, 2], [3]], "list"),
        ([1j, 2], "complex128"),
        (np.zeros((2, 2), np.complex64), "complex64"),
        ([True, False], "bool"),
        (np.zeros(2, "M8[s]"), "datetime64"),
        ([None, 2], "object"),
        ([{}, 2], "object"),
        ([10**400, 2], "object"),
    ],
)
@pytest.mark.parametrize("way", ["to_frame", "to_model"])
def test_coordinates_that_are_no_real_numbers_are_refused(way, coordinates, found):
    placement = Placement(1, 1, 0, 0, (4, 4), (4, 4))
    with pytest.raises(InputError) as caught:
        getattr(placement, way)(coordinates)
    assert str(caught.value).startswith(f"coordinates: found {found}")
    assert str(caught.value).endswith("; wanted real numbers")


def test_preprocess_hands_out_the_placement_of_the_frame():
    placement = Preprocess((30, 40))(np.zeros((60, 120, 3), np.uint8)).placement
    assert placement == Placement(40 / 120, 0.5, 0.0, 0.0, (60, 120), (30, 40))
