"""Colour of all 2^24 triples of luma and chroma against exact fractions, in NumPy integers."""

import numpy as np
import pytest

from edgeinfer import _core

# Triples with a byte that is not the exact value rounded, as the kernel's header states them.
DIFFERENT = {
    ("bt601", False): 98,
    ("bt601", True): 23,
    ("bt709", False): 87,
    ("bt709", True): 102,
}
PARTS = 10000  # of which luma has so many of red and blue:
WEIGHTS = {"bt601": (2990, 1140), "bt709": (2126, 722)}


@pytest.fixture(scope="module")
def triples():
    """An I420 frame: each U and V beside each Y, four Y to a chroma sample."""
    sample = np.arange(1 << 22).reshape(2048, 2048)
    u, v, quarter = sample >> 14, sample >> 6 & 255, sample & 63
    luma = np.empty((4096, 4096), np.uint8)
    for k in range(4):
        luma[k // 2 :: 2, k % 2 :: 2] = 4 * quarter + k
    return luma, u.astype(np.uint8), v.astype(np.uint8)


def rounded(numerator, denominator):
    """To the nearest integer, ties to even, then into 0..255."""
    whole, rest = np.divmod(2 * numerator + denominator, 2 * denominator)
    return (whole - ((rest == 0) & (whole % 2 == 1))).clip(0, 255)


def exact_rgb(y, u, v, matrix, full_range):
    """Bytes R, G, B of integers Y, U, V: every value is a fraction with one denominator."""
    red, blue = WEIGHTS[matrix]
    green = PARTS - red - blue
    unit = 219 * 224 * PARTS * green
    light = y * unit if full_range else (y - 16) * (unit // 219 * 255)
    chroma = (unit if full_range else unit // 224 * 255) // PARTS
    to_red = 2 * (PARTS - red) * (v - 128) * chroma
    to_blue = 2 * (PARTS - blue) * (u - 128) * chroma
    to_green = -(red * to_red + blue * to_blue) // green
    return [rounded(light + change, unit) for change in (to_red, to_green, to_blue)]


def colours(planes, matrix, full_range, scalar):
    # Both sides keep their size or double exactly, so NEAREST changes no value.
    plan = _core.PreprocessPlan(
        height=4096,
        width=4096,
        resize="NEAREST",
        color="RGB",
        scale=1.0,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        dtype="uint8",
        scalar=scalar,
    )
    found = np.empty((1, 3, 4096, 4096), np.uint8)
    plan.run(planes, "I420", found, matrix, full_range)
    return found[0]


def test_the_frame_holds_every_triple_once(triples):
    luma, u, v = (plane.astype(np.int32) for plane in triples)
    wide = [plane.repeat(2, 0).repeat(2, 1) for plane in (u, v)]
    assert np.bincount((luma << 16 | wide[0] << 8 | wide[1]).ravel(), minlength=1 << 24).max() == 1


@pytest.mark.parametrize(("matrix", "full_range"), DIFFERENT)
def test_yuv_rgb_is_the_exact_value_rounded_but_for_the_stated_triples(triples, matrix, full_range):
    found = colours(triples, matrix, full_range, scalar=False)
    assert np.array_equal(found, colours(triples, matrix, full_range, scalar=True))
    luma, u, v = triples
    different = 0
    for top in range(0, 4096, 256):  # the whole in 64 bits would not fit a small machine
        y = luma[top : top + 256].astype(np.int64)
        half = slice(top // 2, top // 2 + 128)
        wide = [plane[half].astype(np.int64).repeat(2, 0).repeat(2, 1) for plane in (u, v)]
        exact = np.stack(exact_rgb(y, *wide, matrix, full_range))
        distance = np.abs(found[:, top : top + 256] - exact).max(axis=0)
        assert distance.max() <= 1
        different += np.count_nonzero(distance)
    assert different == DIFFERENT[matrix, full_range]
