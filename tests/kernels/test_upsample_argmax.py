"""The fused pass against float64, float32 in the stated order, PyTorch and ONNX Runtime."""

import hashlib
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeinfer import _core
from oracles import tail

KINDS = ("noise", "smooth", "integers", "wide range")


def make_logits(kind, shape, seed):
    rng = np.random.default_rng(seed)
    if kind == "noise":
        return rng.standard_normal(shape).astype(np.float32)
    if kind == "integers":
        return rng.integers(-3, 4, shape).astype(np.float32)
    if kind == "wide range":
        return (rng.standard_normal(shape) * 2.0 ** rng.integers(-40, 40, shape)).astype(np.float32)
    _, height, width = shape
    y, x = np.mgrid[:height, :width]
    centres = rng.uniform(0, 1, (shape[0], 2, 1, 1)) * [[[height]], [[width]]]
    logits = 10 - np.hypot(y - centres[:, 0], x - centres[:, 1])
    return (logits + 0.2 * rng.random(shape)).astype(np.float32)


@st.composite
def cases(draw, most_classes=40):
    shape = (
        draw(st.integers(1, most_classes)),
        draw(st.integers(1, 20)),
        draw(st.integers(1, 40)),
    )
    size = (draw(st.integers(1, 60)), draw(st.integers(1, 130)))
    logits = make_logits(draw(st.sampled_from(KINDS)), shape, draw(st.integers(0, 2**32 - 1)))
    return logits, size, draw(st.booleans())


def check_areas(mask, areas):
    assert areas.dtype == np.int64
    np.testing.assert_array_equal(areas, np.bincount(mask.ravel(), minlength=len(areas)))


@settings(deadline=None, max_examples=150)
@given(cases())
def test_each_pixel_has_a_class_that_is_best_in_float64_up_to_rounding(case):
    logits, size, align_corners = case
    mask, areas = _core.segment(logits, *size, align_corners=align_corners)
    volume = tail.upsampled(logits, size, align_corners)
    chosen = np.take_along_axis(volume, mask[None].astype(int), axis=0)[0]
    bound = tail.ROUNDING * np.abs(tail.limited(logits)).max()
    assert (chosen >= volume.max(axis=0) - bound).all()
    check_areas(mask, areas)


@settings(deadline=None, max_examples=150)
@given(cases())
def test_float32_in_the_stated_order_gives_the_same_mask_on_every_pixel(case):
    logits, size, align_corners = case
    mask, _ = _core.segment(logits, *size, align_corners=align_corners)
    volume = tail.upsampled(logits, size, align_corners, dtype=np.float32)
    np.testing.assert_array_equal(mask, volume.argmax(axis=0))


@settings(deadline=None, max_examples=60)
@given(cases(), st.sampled_from([np.uint8, np.int8]), st.sampled_from([1, 2, 4, 8]))
def test_ties_of_integer_logits_go_to_the_lowest_class(case, dtype, factor):
    # Weights are multiples of 1/16 here, so that float32 is exact and every tie is a true one.
    logits = (case[0].astype(np.float64) * 10).clip(-100, 100).astype(np.int8).astype(dtype)
    size = (logits.shape[1] * factor, logits.shape[2] * factor)
    mask, areas = _core.segment(logits, *size)
    np.testing.assert_array_equal(mask, tail.upsampled(logits, size).argmax(axis=0))
    check_areas(mask, areas)


@pytest.mark.parametrize("classes", [2, 21, 256, 257, 1000])
def test_a_mask_of_the_logits_own_size_is_their_argmax(classes):
    logits = make_logits("noise", (classes, 13, 19), classes)
    for align_corners in (False, True):
        mask, _ = _core.segment(logits, 13, 19, align_corners=align_corners)
        assert mask.dtype == (np.uint8 if classes <= 256 else np.uint16)
        np.testing.assert_array_equal(mask, logits.argmax(axis=0))


def test_the_greatest_number_of_classes_fits():
    logits = np.zeros((65536, 1, 2), np.float32)
    logits[65535, 0, 1] = 1
    mask, _ = _core.segment(logits, 1, 2)
    assert mask.tolist() == [[0, 65535]]


def test_one_class_covers_everything():
    mask, areas = _core.segment(np.full((1, 3, 4), np.nan, np.float32), 7, 9)
    assert not mask.any()
    assert areas.tolist() == [63]


LIBRARY_SHAPES = [
    ((21, 64, 64), (512, 512)),
    ((21, 65, 65), (513, 513)),
    ((5, 33, 47), (100, 301)),
    ((19, 40, 30), (17, 11)),
    ((3, 1, 7), (5, 70)),
]


def check_against_library(logits, size, align_corners, library):
    """Equal wherever the float32 positions of the library cannot decide."""
    mask, _ = _core.segment(logits, *size, align_corners=align_corners)
    volume = tail.upsampled(logits, size, align_corners)
    # Libraries compute positions in float32: each is off by up to 8 roundings of the length.
    off = 8 * 2.0**-24 * max(logits.shape[1:])
    bound = (tail.ROUNDING + 4 * off) * np.abs(logits).max()
    clear = tail.gap(volume) > bound
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(mask[clear], library.argmax(axis=0)[clear])


@pytest.mark.parametrize(("shape", "size"), LIBRARY_SHAPES)
@pytest.mark.parametrize("kind", ["noise", "smooth"])
@pytest.mark.parametrize("align_corners", [False, True])
def test_pytorch_gives_the_same_mask(shape, size, kind, align_corners):
    torch = pytest.importorskip("torch")
    logits = make_logits(kind, shape, 1)
    volume = torch.nn.functional.interpolate(
        torch.from_numpy(logits)[None], size=size, mode="bilinear", align_corners=align_corners
    )
    check_against_library(logits, size, align_corners, volume[0].numpy())


@pytest.mark.parametrize(("shape", "size"), LIBRARY_SHAPES)
@pytest.mark.parametrize("transformation", ["half_pixel", "pytorch_half_pixel", "align_corners"])
def test_onnx_runtime_gives_the_same_mask(shape, size, transformation):
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    logits = make_logits("smooth", shape, 2)
    helper = onnx.helper
    node = helper.make_node(
        "Resize",
        ["low", "", "", "sizes"],
        ["high"],
        mode="linear",
        coordinate_transformation_mode=transformation,
    )
    sizes = onnx.numpy_helper.from_array(np.array([1, shape[0], *size], np.int64), "sizes")
    graph = helper.make_graph(
        [node],
        "resize",
        [helper.make_tensor_value_info("low", onnx.TensorProto.FLOAT, [1, *shape])],
        [helper.make_tensor_value_info("high", onnx.TensorProto.FLOAT, [1, shape[0], *size])],
        [sizes],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = runtime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (volume,) = session.run(None, {"low": logits[None]})
    check_against_library(logits, size, transformation == "align_corners", volume[0])


def test_nan_never_wins_over_a_number():
    logits = np.zeros((3, 4, 4), np.float32)
    logits[0] = np.nan
    logits[1] = -1e30
    logits[2] = np.nan
    mask, _ = _core.segment(logits, 13, 13)
    assert (mask == 1).all()


def test_where_everything_is_nan_the_class_is_zero():
    mask, areas = _core.segment(np.full((9, 4, 4), np.nan, np.float32), 20, 20)
    assert not mask.any()
    assert areas[0] == 400


def test_a_class_masked_by_minus_infinity_never_wins_and_disturbs_nobody():
    rng = np.random.default_rng(4)
    logits = rng.standard_normal((12, 9, 9)).astype(np.float32)
    hidden = logits.copy()
    hidden[3] = -np.inf
    mask, _ = _core.segment(hidden, 70, 70)
    others, _ = _core.segment(np.delete(logits, 3, axis=0), 70, 70)
    np.testing.assert_array_equal(mask, others + (others >= 3))


def test_infinity_wins_wherever_it_has_weight():
    logits = np.zeros((2, 1, 3), np.float32)
    logits[1, 0, 1] = np.inf
    mask, _ = _core.segment(logits, 1, 5, align_corners=True)
    assert mask.tolist() == [[0, 1, 1, 1, 0]]


def test_logits_out_of_order_in_memory_are_read_rightly():
    logits = make_logits("noise", (6, 7, 5), 3)
    wanted, _ = _core.segment(logits, 20, 30)
    for other in (
        np.asfortranarray(logits),
        np.ascontiguousarray(logits[:, ::-1])[:, ::-1],
        np.repeat(logits, 2, axis=2)[:, :, ::2],
        logits[None],
    ):
        np.testing.assert_array_equal(_core.segment(other, 20, 30)[0], wanted)


def test_a_plan_is_safe_from_several_threads():
    inputs = [make_logits(KINDS[i % 4], (21, 16, 16), i) for i in range(8)]
    plan = _core.SegmentPlan(21, 16, 16, 100, 100)
    wanted = [plan(logits)[0] for logits in inputs]
    found = [[] for _ in inputs]

    def work(i):
        for _ in range(20):
            found[i].append(plan(inputs[i])[0])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, masks in enumerate(found):
        assert len(masks) == 20
        for mask in masks:
            np.testing.assert_array_equal(mask, wanted[i])


def digest_of_many_masks():
    digest = hashlib.sha256()
    for seed in range(120):
        rng = np.random.default_rng(seed)
        shape = (int(rng.integers(2, 300)), int(rng.integers(1, 12)), int(rng.integers(1, 20)))
        size = (int(rng.integers(1, 90)), int(rng.integers(1, 90)))
        logits = make_logits(KINDS[seed % 4], shape, seed)
        for values in (logits, (logits * 10).clip(-128, 127).astype(np.int8)):
            mask, areas = _core.segment(values, *size, align_corners=bool(seed % 3))
            digest.update(mask.tobytes())
            digest.update(areas.tobytes())
    return f"{_core.SegmentPlan(2, 1, 1, 1, 1).variant} {digest.hexdigest()}"


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_without_cpu_features_every_mask_is_the_same():
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "import importlib.util\n"
        f"spec = importlib.util.spec_from_file_location('masks', {__file__!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "print(module.digest_of_many_masks())\n"
    )
    variant, digest = run_python(code, EDGEINFER_CPU="none").split()
    assert variant == "scalar"
    assert digest == digest_of_many_masks().split()[1]


def test_the_upsampled_volume_is_never_made():
    # 150 classes at 1024 x 1024 would be 629 MB of float32.
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "import resource, numpy as np\n"
        "from edgeinfer import _core\n"
        "logits = np.random.default_rng(0).random((150, 64, 64), np.float32)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "_core.segment(logits, 1024, 1024)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(run_python(code)) * unit < 20_000_000
