"""Bytes to float planes against NumPy: the stated float32 steps exactly, float64 within a bound."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeinfer import _core

CHANNELS = {"RGB": 3, "BGR": 3, "RGBA": 4, "GRAY": 1}
IMAGENET = {"scale": 1 / 255, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}

# Of x * a + b against float64, in units of the larger of 255 * |a| and |b|: a, the product, b and
# (twice, since it may be as large as both together) the sum are each rounded by 2^-24.
ROUNDING = 5 * 2.0**-24


def tensor_of(frame, name, color, values, scalar):
    height, width = frame.shape[:2]
    plan = _core.PreprocessPlan(
        height=height, width=width, resize="PIL_BILINEAR", color=color, scalar=scalar, **values
    )
    out = np.full((1, 3, height, width), np.nan, np.float32)
    plan.run(frame, name, out)
    return out[0]


def channels_of(frame, name, color):
    """The bytes of every tensor channel, in NumPy."""
    if name == "GRAY":
        return np.stack([frame.reshape(frame.shape[:2])] * 3)
    planes = frame[:, :, :3].transpose(2, 0, 1)
    return planes[::-1] if (name == "BGR") != (color == "BGR") else planes


@st.composite
def cases(draw):
    name = draw(st.sampled_from(sorted(CHANNELS)))
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 200))
    left = draw(st.integers(0, 65))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    buffer = rng.integers(0, 256, (height, left + width, CHANNELS[name]), dtype=np.uint8)
    finite = st.floats(-300, 300, allow_nan=False)
    positive = st.floats(1e-3, 300)
    values = {
        "scale": draw(finite),
        "mean": draw(st.tuples(finite, finite, finite)),
        "std": draw(st.tuples(positive, positive, positive)),
    }
    return name, buffer[:, left:], draw(st.sampled_from(["RGB", "BGR"])), values


@pytest.mark.parametrize("scalar", [True, False], ids=["scalar", "best"])
@settings(deadline=None, max_examples=200)
@given(case=cases())
def test_pack_planar_multiplies_then_adds_in_float32_to_the_last_bit(case, scalar):
    name, frame, color, values = case
    found = tensor_of(frame, name, color, values, scalar)
    std = np.array(values["std"])
    a = (values["scale"] / std).astype(np.float32)[:, None, None]
    b = (-np.array(values["mean"]) / std).astype(np.float32)[:, None, None]
    wanted = channels_of(frame, name, color).astype(np.float32) * a + b
    # array_equal, so that -0.0 and 0.0 count as one value
    np.testing.assert_array_equal(found, wanted)


@settings(deadline=None, max_examples=200)
@given(case=cases())
def test_pack_planar_is_the_formula_in_float64_up_to_rounding(case):
    name, frame, color, values = case
    found = tensor_of(frame, name, color, values, scalar=False)
    mean = np.array(values["mean"])[:, None, None]
    std = np.array(values["std"])[:, None, None]
    exact = (channels_of(frame, name, color) * values["scale"] - mean) / std
    largest = np.maximum(np.abs(255 * values["scale"] / std), np.abs(mean / std))
    tiny = np.finfo(np.float32).tiny  # below it float32 keeps fewer bits
    assert (np.abs(found - exact) <= ROUNDING * largest + tiny).all()


def test_imagenet_values_are_within_a_millionth_of_the_formula():
    frame = np.arange(256, dtype=np.uint8).reshape(1, 256, 1).repeat(3, axis=2)
    found = tensor_of(frame, "RGB", "RGB", IMAGENET, scalar=False)
    mean, std = (np.array(IMAGENET[key])[:, None, None] for key in ("mean", "std"))
    exact = (np.arange(256)[None, None, :] / 255 - mean) / std
    assert np.abs(found - exact).max() < 1e-6
