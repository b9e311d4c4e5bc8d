import json
import os
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest

from edgeinfer import _core
from edgeinfer.errors import InputError
from edgeinfer.frame import Frame, PixelFormat
from edgeinfer.preprocess import Preprocess, Resize
from oracles import resize

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


def camera(seed=0, shape=(48, 64, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("method", [Resize.PIL_BILINEAR, Resize.CV2_LINEAR])
@pytest.mark.parametrize("color", ["RGB", "BGR"])
@pytest.mark.parametrize("format", [PixelFormat[name] for name in ("RGB", "BGR", "RGBA", "GRAY")])
def test_a_tensor_is_the_resized_bytes_scaled_and_normalised(method, color, format):
    pixels = camera(shape=(48, 64, format.channels))
    frame = Frame(pixels, format, width=64, height=48)
    tensor, _ = Preprocess((30, 41), resize=method, color=color, **IMAGENET)(frame)

    rgb = pixels[:, :, :3]
    if format is PixelFormat.BGR:
        rgb = rgb[:, :, ::-1]
    library = resize.pillow_bilinear if method is Resize.PIL_BILINEAR else resize.opencv_linear
    resized = library(rgb, (30, 41)).repeat(3 // rgb.shape[2], axis=2)
    if color == "BGR":
        resized = resized[:, :, ::-1]
    wanted = (resized / 255 - np.array(IMAGENET["mean"])) / np.array(IMAGENET["std"])
    assert tensor.dtype == np.float32
    assert tensor.shape == (1, 3, 30, 41)
    np.testing.assert_allclose(tensor[0], wanted.transpose(2, 0, 1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", Resize)
@pytest.mark.parametrize("size", [(48, 64), (24, 32), (20, 64), (48, 20), (100, 90), (10, 60)])
def test_a_view_with_strided_rows_gives_what_its_copy_gives(method, size):
    buffer = camera(shape=(70, 99, 3))
    view = buffer[10:58, 5:69]
    p = Preprocess(size, resize=method)
    np.testing.assert_array_equal(p(view).tensor, p(view.copy()).tensor)


def test_out_is_written_in_place_and_returned():
    p = Preprocess((30, 40))
    wanted = p(camera()).tensor
    out = np.full((1, 3, 30, 40), np.nan, np.float32)
    prepared = p(camera(), out=out)
    assert prepared.tensor is out
    np.testing.assert_array_equal(out, wanted)


@pytest.mark.parametrize(
    "out",
    [
        np.empty((3, 30, 40), np.float32),
        np.empty((1, 3, 30, 41), np.float32),
        np.empty((1, 3, 30, 40), np.float64),
        np.empty((1, 30, 40, 3), np.float32).transpose(0, 3, 1, 2),
        np.empty((2, 3, 30, 80), np.float32)[:1, :, :, ::2],
        np.frombuffer(bytes(4 * 3 * 30 * 40), np.float32).reshape(1, 3, 30, 40),
        np.frombuffer(bytearray(4 * 3 * 30 * 40 + 1), np.uint8)[1:]
        .view(np.float32)
        .reshape(1, 3, 30, 40),
        [1.0],
    ],
    ids=["rank", "shape", "dtype", "transposed", "strided", "read-only", "unaligned", "list"],
)
def test_an_out_that_cannot_be_written_is_refused_with_both_shapes(out):
    with pytest.raises(InputError, match=r"out: found .*float32.*\(1, 3, 30, 40\)"):
        Preprocess((30, 40))(camera(), out=out)


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_out_of_another_layout_or_type_is_refused_for_every_recipe(layout, dtype):
    values = {"uint8": {"scale": 1}, "int8": {"quant": (0.1, 0)}}.get(dtype, {})
    p = Preprocess((30, 40), layout=layout, dtype=dtype, **values)
    good = np.zeros(p.shape, dtype)
    p(camera(), out=good)
    assert good.any()
    read_only = good.copy()
    read_only.flags.writeable = False
    wrong = [
        good.astype("int16"),
        good.astype("uint8" if dtype == "int8" else "int8"),
        good.astype(good.dtype.newbyteorder(">")) if dtype == "float32" else good[0],
        np.zeros((1, 30, 40, 3) if layout == "NCHW" else (1, 3, 30, 40), dtype),
        np.zeros((2, *p.shape[1:]), dtype)[::2][:, ..., ::-1],
        np.asfortranarray(good),
        read_only,
        [1.0],
    ]
    shape = ", ".join(map(str, p.shape))
    for out in wrong:
        before = out.copy() if isinstance(out, np.ndarray) else out
        with pytest.raises(InputError, match=rf"out: found .*{dtype}.*\({shape}\)"):
            p(camera(), out=out)
        if isinstance(out, np.ndarray):
            np.testing.assert_array_equal(out, before)


def test_an_out_in_the_memory_of_the_frame_is_refused():
    p = Preprocess((20, 30), layout="NHWC", dtype="uint8", scale=1)
    buffer = np.zeros(3 * 20 * 30 + 2 * 1800, np.uint8)
    frame = buffer[1800:3600].reshape(20, 30, 3)
    for start in (1, 1800, 3599):
        with pytest.raises(InputError, match="out: found memory that the frame lies in"):
            p(frame, out=buffer[start : start + 1800].reshape(1, 20, 30, 3))
    for start in (0, 3600):
        p(frame, out=buffer[start : start + 1800].reshape(1, 20, 30, 3))


@pytest.mark.parametrize(
    "frame",
    [camera()[:, :, ::-1], camera()[::-1], camera()[:, ::2], camera().transpose(1, 0, 2)],
    ids=["channels", "rows", "columns", "transposed"],
)
def test_other_layouts_are_refused_with_their_strides_and_the_remedy(frame):
    p = Preprocess((30, 40))
    with pytest.raises(InputError) as caught:
        p(frame)
    assert str(frame.strides) in str(caught.value)
    assert "numpy.ascontiguousarray" in str(caught.value)
    p(np.ascontiguousarray(frame))


@pytest.mark.parametrize("shape", [(1, 65536, 3), (65536, 1, 3)])
def test_a_side_over_the_limit_is_refused(shape):
    with pytest.raises(InputError, match=r"within 1\.\.65535"):
        Preprocess((2, 2))(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"size": (0, 4)}, "height 0"),
        ({"size": (4, 65536)}, "65536"),
        ({"size": 4}, "size: found 4"),
        ({"size": (4.0, 4)}, "size: found"),
        ({"size": (True, 4)}, r"size: found \(True, 4\)"),
        ({"size": (2**70, 2)}, r"height 1180591620717411303424, width 2; wanted both within 1\.\."),
        ({"size": (4, 10**5000)}, "width a value of type int that is too long to print; wanted"),
        ({"resize": "bilinear"}, "Resize.PIL_BILINEAR, Resize.CV2_LINEAR"),
        ({"fit": "stretch"}, "Fit.STRETCH"),
        ({"color": "GBR"}, "supported: 'RGB', 'BGR'"),
        ({"layout": "HWC"}, "supported: 'NCHW', 'NHWC'"),
        ({"dtype": "float16"}, "supported: 'float32', 'uint8', 'int8'"),
        ({"quant": (0.1, 3)}, "quant is for uint8 and int8"),
        ({"pad": True}, r"0\.\.255"),
        ({"pad": 256}, r"0\.\.255"),
        ({"pad": "gray"}, r"0\.\.255"),
        ({"scale": float("nan")}, "finite"),
        ({"scale": "1/255"}, "wanted a number"),
        ({"scale": float("-inf")}, "scale: found -inf; wanted a finite number"),
        ({"scale": 10**400}, "scale: found 10+…; wanted a number that float64 holds"),
        ({"scale": 10**5000}, "scale: found a value of type int that is too long"),
        ({"scale": np.complex64(1j)}, "scale: found .*1j.*; wanted a number"),
        ({"mean": (0, np.complex128(1), 0)}, "mean: found .*; wanted a number"),
        ({"std": (np.clongdouble(1), 1, 1)}, "std: found .*; wanted a number"),
        ({"mean": (0, -(10**400), 0)}, "mean: found -10+…; wanted"),
        ({"std": (10**400, 1, 1)}, "std: found 10+…; wanted"),
        ({"quant": (10**400, 0), "dtype": "uint8"}, "quant: scale: found 10+…; wanted"),
        ({"quant": (0.1, 10**5000), "dtype": "uint8"}, "quant: found a zero point of a value of"),
        ({"pad": 10**5000}, "pad: found a value of type int"),
        ({"mean": (1, 2)}, "three numbers"),
        ({"mean": 0.5}, "three numbers"),
        ({"mean": (1, 2, float("inf"))}, "mean: found inf for channel 2; wanted three finite"),
        ({"std": (1, 0, 1)}, "std: found 0"),
        ({"std": (1, 1e-320, 1)}, "channel 1 is beyond float32"),
        ({"mean": (1e300, 1, 1)}, "channel 0 is beyond float32"),
    ],
)
def test_values_out_of_range_are_refused_with_what_is_supported(settings, text):
    values = {"size": (4, 4)} | settings
    with pytest.raises(InputError, match=text):
        Preprocess(values.pop("size"), **values)


def test_one_plan_serves_many_threads_and_frame_sizes_at_once():
    p = Preprocess((50, 60))
    frames = [camera(i, (20 + 13 * i, 30 + 7 * i, 3)) for i in range(8)]
    wanted = [p(frame).tensor for frame in frames]
    start = threading.Barrier(len(frames))
    wrong = []

    def work(i):
        start.wait()
        for _ in range(30):
            if not np.array_equal(p(frames[i]).tensor, wanted[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(frames))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_call_with_out_allocates_nothing_of_the_size_of_a_frame_in_python():
    p, frame = Preprocess((512, 512)), camera(shape=(480, 640, 3))
    out = np.empty((1, 3, 512, 512), np.float32)
    p(frame, out=out)
    tracemalloc.start()
    p(frame, out=out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000


PRINT_TENSORS = """
import hashlib, json, sys
import numpy as np
from edgeinfer.preprocess import Preprocess, Resize
frame = np.random.default_rng(5).integers(0, 256, (97, 213, 3), dtype=np.uint8)
found = {}
for method in Resize:
    for size in ((97, 213), (64, 64), (48, 106), (200, 300), (10, 200)):
        p = Preprocess(size, resize=method, mean=(0.4, 0.5, 0.6))
        found[f"{method.name} {size}"] = hashlib.sha256(p(frame).tensor.tobytes()).hexdigest()
variants = " ".join(Preprocess((4, 4), resize=method).variants for method in Resize)
print(json.dumps({"tensors": found, "variants": variants}))
"""


def run_with(cpu):
    environment = {key: value for key, value in os.environ.items() if key != "EDGEINFER_CPU"}
    if cpu is not None:
        environment["EDGEINFER_CPU"] = cpu
    done = subprocess.run(
        [sys.executable, "-c", PRINT_TENSORS], env=environment, capture_output=True, check=True
    )
    return json.loads(done.stdout)


def test_masked_features_are_not_used_and_the_tensors_stay_the_same():
    masked, free = run_with("none"), run_with(None)
    assert masked["tensors"] == free["tensors"]
    assert {pair.split("=")[1] for pair in masked["variants"].split()} == {"scalar"}
    features = _core.cpu_features(limited=False).split(",")
    if "avx2" in features:
        half = run_with("avx2")
        assert half["tensors"] == free["tensors"]
        for operation in ("resize_columns", "lerp_rows", "area_columns", "yuv_rgb", "pack_planar"):
            assert f"{operation}=avx2" in half["variants"]
    if {"avx512", "vnni"} <= set(features):
        assert "resize_columns=avx512_vnni" in free["variants"]


def test_a_real_picture_equals_pillow_and_opencv(shared_data):
    from PIL import Image

    paths = sorted(path for path in shared_data.rglob("*.jpg"))[:3]
    if not paths:
        pytest.skip("no pictures in the shared data")
    for path in paths:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        for method, library in (
            (Resize.PIL_BILINEAR, resize.pillow_bilinear),
            (Resize.CV2_LINEAR, resize.opencv_linear),
        ):
            tensor = Preprocess((224, 224), resize=method, scale=1.0)(pixels).tensor[0]
            wanted = library(pixels, (224, 224))
            if method is Resize.PIL_BILINEAR and resize.pillow_bound(pixels.shape[:2], (224, 224)):
                continue
            np.testing.assert_array_equal(tensor.transpose(1, 2, 0), wanted)
