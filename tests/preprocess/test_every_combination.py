"""Every allowed format x resize x fit x layout x dtype against Pillow, OpenCV and NumPy float64."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeinfer import _core
from edgeinfer.errors import InputError
from edgeinfer.frame import Frame, PixelFormat
from edgeinfer.preprocess import Fit, Preprocess, Resize
from oracles import frames as oracle

LAYOUTS = ("NCHW", "NHWC")
# dtype and quant, with values that make sense together.
IMAGENET = {"scale": 1 / 255, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
KINDS = {
    "float32": IMAGENET,
    "uint8": {"dtype": "uint8", "scale": 1},
    "uint8 quantised": {"dtype": "uint8", "quant": (0.0186584, 114), **IMAGENET},
    "int8": {"dtype": "int8", "scale": 1, "mean": (128, 128, 128)},
    "int8 quantised": {"dtype": "int8", "quant": (0.0247, -14), **IMAGENET},
}
EVERY = list(itertools.product(oracle.FORMATS, Resize, Fit, LAYOUTS, KINDS))


def test_the_lists_are_whole():
    assert set(oracle.FORMATS) == {format.name for format in PixelFormat}
    assert len(EVERY) == 9 * 4 * 3 * 2 * 5


def flat_bytes(picture, padding):
    """The bytes of a driver and their stride: rows at one stride, chroma behind luma.

    Nothing lies behind the last row, so reading on would be reading outside.
    """
    stride = picture.width * PixelFormat[picture.name].channels + padding
    stride += stride % 2 if picture.name == "I420" else 0
    data = bytearray()
    for number, plane in enumerate(picture.planes):
        pitch = stride // 2 if picture.name == "I420" and number else stride
        for row in plane.reshape(plane.shape[0], -1):
            data += row.tobytes() + bytes(pitch - row.size)
            end = len(data) - (pitch - row.size)
    return bytes(data[:end]), stride


def padded(plane, padding):
    """The same plane in rows that lie apart."""
    wide = np.zeros((plane.shape[0], plane.shape[1] + padding, *plane.shape[2:]), np.uint8)
    wide[:, : plane.shape[1]] = plane
    return wide[:, : plane.shape[1]]


@st.composite
def cases(draw, name):
    """Random planes; the frame made of them in one of the ways that cameras have; YUV settings."""
    height, width = (2 * draw(st.integers(1, 20)) for _ in range(2))
    if name not in oracle.YUV:
        width -= draw(st.integers(0, 1))
    if name not in oracle.YUV or name == "YUYV":
        height -= draw(st.integers(0, 1))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shapes = oracle.plane_shapes(name, height, width)
    planes = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]
    if draw(st.booleans()):  # reaches the ends, where rounding and clipping show
        planes = [np.where(plane < 128, 0, 255).astype(np.uint8) for plane in planes]
    picture = oracle.Picture(name, height, width, planes)
    video = {"matrix": draw(st.sampled_from(["bt601", "bt709"])), "full_range": draw(st.booleans())}
    given = {"width": width, "height": height, **video}
    padding = draw(st.integers(0, 9))
    if draw(st.booleans()):
        data, stride = flat_bytes(picture, padding)
        return picture, video, Frame(data, PixelFormat[name], stride=stride, **given)
    apart = tuple(padded(plane, padding) for plane in planes)
    return picture, video, Frame(apart if len(apart) > 1 else apart[0], PixelFormat[name], **given)


def in_layout(rgb, layout):
    return rgb[None] if layout == "NHWC" else rgb.transpose(2, 0, 1)[None]


def wanted_tensor(x, values):
    """The formula in NumPy: float32 as documented, then QuantizeLinear."""
    std = np.array(values.get("std", (1, 1, 1)), np.float64)
    a = (values["scale"] / std).astype(np.float32)
    b = (-np.array(values.get("mean", (0, 0, 0)), np.float64) / std).astype(np.float32)
    tensor = x.astype(np.float32) * a + b
    dtype = values.get("dtype", "float32")
    if dtype == "float32":
        return tensor
    scale, zero_point = values.get("quant", (1, 0))
    info = np.iinfo(dtype)
    whole = np.rint(tensor / np.float32(scale)) + zero_point
    return whole.clip(info.min, info.max).astype(dtype)


SIZES = st.tuples(st.integers(1, 30), st.integers(1, 30))


def sizes_for(height, width):
    """Any size of the model, and often one that keeps or halves the frame's."""
    return st.one_of(
        SIZES,
        st.just((height, width)),
        st.just((max(height // 2, 1), max(width // 2, 1))),
        st.tuples(st.just(height), st.integers(1, 30)),
    )


@pytest.mark.parametrize(
    ("name", "resize", "fit", "layout", "kind"),
    EVERY,
    ids=[f"{n}-{r.name}-{f.name}-{layout}-{k}" for n, r, f, layout, k in EVERY],
)
def test_every_combination_is_the_oracles(name, resize, fit, layout, kind):
    @settings(deadline=None, max_examples=8, database=None)
    @given(data=st.data())
    def check(data):
        picture, video, frame = data.draw(cases(name))
        size = data.draw(sizes_for(picture.height, picture.width))
        color = data.draw(st.sampled_from(["RGB", "BGR"]))
        pad = data.draw(st.integers(0, 255))
        recipe = {"resize": resize, "fit": fit, "pad": pad}
        exact, bound = oracle.exact_rgb(picture, resize.name, fit.name, size, {"pad": pad, **video})
        x = Preprocess(size, layout="NHWC", dtype="uint8", scale=1, **recipe)(frame).tensor[0]
        assert np.abs(x - exact).max() <= bound

        values = KINDS[kind]
        plan = Preprocess(size, layout=layout, color=color, **recipe, **values)
        ordered = x if color == "RGB" else x[..., ::-1]
        wanted = in_layout(wanted_tensor(ordered, values), layout)
        out = np.zeros(plan.shape, plan.dtype)
        found = plan(frame, out=out).tensor
        assert found is out
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted)

    check()


def plan_of(size, frame_settings, scalar):
    return _core.PreprocessPlan(
        height=size[0], width=size[1], color="RGB", scalar=scalar, **frame_settings
    )


@pytest.mark.parametrize("name", oracle.FORMATS)
@pytest.mark.parametrize("resize", Resize)
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_variants_of_this_cpu_give_what_scalar_gives(name, resize, data):
    _, video, frame = data.draw(cases(name))
    size = data.draw(sizes_for(frame.height, frame.width))
    layout = data.draw(st.sampled_from(LAYOUTS))
    values = {"mean": (0, 0, 0), "std": (1, 1, 1), **data.draw(st.sampled_from([*KINDS.values()]))}
    recipe = {"resize": resize.name, "fit": data.draw(st.sampled_from(Fit)).name, "layout": layout}
    shape = (1, 3, *size) if layout == "NCHW" else (1, *size, 3)
    tensors = []
    for scalar in (True, False):
        out = np.zeros(shape, values.get("dtype", "float32"))
        plan_of(size, {**recipe, **values}, scalar).run(
            frame.planes, frame.format.name, out, video["matrix"], video["full_range"]
        )
        tensors.append(out)
    np.testing.assert_array_equal(*tensors)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"dtype": "float32", "quant": (0.1, 3)}, "quant is for uint8 and int8"),
        ({"dtype": "uint8"}, r"leave 2 different values; wanted quant=.*scale=1 for the bytes"),
        ({"dtype": "int8"}, r"leave 2 different values; wanted quant=.*128"),
        ({"dtype": "int8", "scale": 1}, "from 0.* to 255.*beyond the type"),
        ({"dtype": "uint8", "scale": 1, "mean": (104, 117, 123)}, "from -104.* beyond the type"),
        ({"dtype": "uint8", "scale": 1 / 127.5, "mean": (1, 1, 1)}, "beyond the type|different"),
        ({"dtype": "uint8", "quant": (0.0, 3)}, "wanted a finite float32 above 0"),
        ({"dtype": "uint8", "quant": (-0.1, 3)}, "wanted a finite float32 above 0"),
        ({"dtype": "uint8", "quant": (float("nan"), 3)}, "wanted a finite float32 above 0"),
        ({"dtype": "uint8", "quant": (1e-60, 3)}, "wanted a finite float32 above 0"),
        ({"dtype": "uint8", "quant": (1e60, 3)}, "wanted a finite float32 above 0"),
        ({"dtype": "uint8", "quant": (0.1, -1)}, r"zero point of -1; wanted one within 0\.\.255"),
        ({"dtype": "int8", "quant": (0.1, 128)}, r"of 128; wanted one within -128\.\.127"),
        ({"dtype": "uint8", "quant": (0.1, 2**70)}, "zero point"),
        ({"dtype": "uint8", "quant": (0.1, 1.5)}, "wanted a whole number"),
        ({"dtype": "uint8", "quant": (0.1, True)}, "wanted a whole number"),
        ({"dtype": "uint8", "quant": ("0.1", 1)}, "wanted a number"),
        ({"dtype": "uint8", "quant": 0.1}, r"wanted \(scale, zero_point\)"),
        ({"dtype": "float16"}, "supported: 'float32', 'uint8', 'int8'"),
        ({"layout": "CHW"}, "supported: 'NCHW', 'NHWC'"),
    ],
)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fit", Fit)
def test_combinations_that_are_not_allowed_raise_at_construction(values, text, layout, fit):
    with pytest.raises(InputError, match=text):
        Preprocess((4, 5), fit=fit, **{"layout": layout, **values})


@pytest.mark.parametrize("name", ["NV12", "NV21", "I420", "YUYV"])
def test_yuv_of_gray_is_gray_everywhere(name):
    shapes = oracle.plane_shapes(name, 30, 40)
    planes = tuple(np.full(shape, 128, np.uint8) for shape in shapes)
    for matrix, full_range in itertools.product(("bt601", "bt709"), (False, True)):
        frame = Frame(
            planes if len(planes) > 1 else planes[0],
            PixelFormat[name],
            width=40,
            height=30,
            matrix=matrix,
            full_range=full_range,
        )
        level = 128 if full_range else round((128 - 16) / 219 * 255)
        p = Preprocess((17, 19), dtype="uint8", scale=1)
        assert (p(frame).tensor == level).all()
        assert (frame.to_rgb() == level).all()
