"""Data that hypothesis makes, and how it is cut."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BINS = (16, 100, 2048)

# A busy machine is no failure; where each example searches ranges, fewer will do.
often = settings(deadline=None)
seldom = settings(deadline=None, max_examples=40)


def floats(draw: st.DrawFn) -> Floats:
    """What tensors are like: some spread and scale, often cut at zero, now and then an outlier."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    size = draw(st.integers(1, 3000))
    scale = np.float32(2.0) ** draw(st.integers(-60, 60))
    shift = draw(st.sampled_from([0.0, 0.0, 1.0, -3.0, 100.0]))
    values = (random.standard_normal(size) + shift).astype(np.float32) * scale
    if draw(st.booleans()):
        values = np.maximum(values, 0)
    if draw(st.booleans()):
        values[random.integers(size)] *= np.float32(1000)
    if draw(st.booleans()):
        hand_made = draw(
            st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=20)
        )
        values = np.concatenate([values, np.array(hand_made, np.float32)])
    return values


@st.composite
def tensors(draw: st.DrawFn) -> Floats:
    """Flat float32 arrays, one value or more, all finite."""
    return floats(draw)


@st.composite
def parts(draw: st.DrawFn) -> tuple[Floats, list[Floats]]:
    """An array, and the same values in another order, cut anywhere."""
    values = floats(draw)
    mixed = np.random.default_rng(draw(st.integers(0, 2**32))).permutation(values)
    cuts = sorted(draw(st.lists(st.integers(0, values.size), max_size=6)))
    return values, np.split(mixed, cuts)
