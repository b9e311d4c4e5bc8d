"""Preprocessing and tail alone, beside OpenCV, Pillow, NumPy and onnxruntime.

One function a row of the table: it makes the inputs and every side, raises AssertionError where
answers differ, and times. Sides write buffers of their own, made once, where the library allows it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper

import edgeinfer as ei
from agreement import FLOAT, agreement, require
from frames import natural_frame
from networks import CLASSES, LOW_SIZE, SIZE
from peers import MEAN, STD, ClassMap, Frame, Tensor, common_preprocess, one_thread_session
from peers.attendance import Attendance
from peers.opencv import RunningArgmax
from peers.pillow import pillow_preprocess
from rows import Figure, Outcome
from sides import Side, each_frame, require_one_thread
from timing import Timings, alternate

OURS = "edgeinfer"
KORNIA = "kornia-rs"
ROUNDS = 60
FRAME_SEEDS = range(3)
# The recipe is folded into one product and sum; a resize off by one level would give 0.017.
FOLDED_RECIPE = 5e-7
ONE_LEVEL = 1 / (255 * min(STD))
# Other libraries round weights and bytes in their own ways.
LEVELS_OF_OTHERS = 1.6


@dataclass(frozen=True)
class Wanted:
    """How often edgeinfer has to fit into the fastest of ``peers``."""

    against: str
    peers: tuple[str, ...]
    least: float
    aim: float

    def figure(self, timings: Timings) -> Figure:
        """The ratio of medians against the fastest peer, which is named where there are several."""
        fastest = min(self.peers, key=lambda peer: timings.summary(peer).median_ms)
        name = self.against if len(self.peers) == 1 else f"{self.against} ({fastest})"
        return Figure(name, timings.ratio(fastest, OURS), self.least, self.aim)


@dataclass(frozen=True)
class KernelRow:
    """What is timed: ``sides`` by name, edgeinfer's among them; each takes the round's number."""

    checked: str
    sides: Mapping[str, Side]
    wanted: tuple[Wanted, ...]
    notes: tuple[str, ...] = ()

    def measure(self) -> Outcome:
        """Alternating rounds in one thread each, after three that do not count."""
        cv2.setNumThreads(1)
        require_one_thread(self.sides, worker=(KORNIA,))
        timings = alternate(self.sides, rounds=ROUNDS)
        counted = {peer for wanted in self.wanted for peer in wanted.peers}
        told = [name for name in self.sides if name != OURS and name not in counted]
        return Outcome(
            checked=self.checked,
            figures=(
                *(wanted.figure(timings) for wanted in self.wanted),
                *(Figure(name, timings.ratio(name, OURS)) for name in told),
            ),
            sides={name: timings.summary(name) for name in self.sides},
            notes=self.notes,
        )


# --- the peers ---------------------------------------------------------------------------------


def normalised(resized: NDArray[np.uint8]) -> Tensor:
    """(height, width, 3) uint8 to (1, 3, height, width) float32, as tutorials write it."""
    scaled = resized.astype(np.float32) / 255
    values = (scaled - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


class InPlace:
    """cv2.resize into a kept buffer, then the planes by the fastest calls there are to do it."""

    SCALE = tuple(1 / (255 * std) for std in STD)
    BIAS = tuple(-mean / std for mean, std in zip(MEAN, STD, strict=True))

    def __init__(self) -> None:
        self.tensor = np.empty((1, 3, *SIZE), np.float32)
        self._resized = np.empty((*SIZE, 3), np.uint8)
        self._planes = tuple(np.empty(SIZE, np.uint8) for _ in range(3))
        levels = np.arange(256, dtype=np.float32)
        self._tables = [
            (levels * np.float32(scale) + np.float32(bias)).reshape(1, 256)
            for scale, bias in zip(self.SCALE, self.BIAS, strict=True)
        ]

    def _split(self, frame: Frame) -> None:
        cv2.resize(frame, SIZE[::-1], dst=self._resized, interpolation=cv2.INTER_LINEAR)
        cv2.split(self._resized, self._planes)

    def numpy(self, frame: Frame) -> Tensor:
        self._split(frame)
        for channel, plane in enumerate(self._planes):
            target = self.tensor[0, channel]
            np.multiply(plane, np.float32(self.SCALE[channel]), out=target, dtype=np.float32)
            target += np.float32(self.BIAS[channel])
        return self.tensor

    def tables(self, frame: Frame) -> Tensor:
        self._split(frame)
        for channel, plane in enumerate(self._planes):
            cv2.LUT(plane, self._tables[channel], dst=self.tensor[0, channel])
        return self.tensor

    def weighted(self, frame: Frame) -> Tensor:
        self._split(frame)
        for channel, plane in enumerate(self._planes):
            cv2.addWeighted(
                plane,
                self.SCALE[channel],
                plane,
                0,
                self.BIAS[channel],
                dst=self.tensor[0, channel],
                dtype=cv2.CV_32F,
            )
        return self.tensor

    def blob(self, frame: Frame) -> Tensor:
        cv2.resize(frame, SIZE[::-1], dst=self._resized, interpolation=cv2.INTER_LINEAR)
        parameters = cv2.dnn.Image2BlobParams()
        parameters.scalefactor = (*self.SCALE, 1.0)
        parameters.mean = tuple(255 * mean for mean in MEAN)
        cv2.dnn.blobFromImageWithParams(self._resized, self.tensor, parameters)
        return self.tensor


def graph_resize() -> Callable[[NDArray[np.float32]], ClassMap]:
    """The tail as exported networks have it: a Resize in the graph, then ``np.argmax``."""
    shape = (1, CLASSES, *LOW_SIZE)
    node = helper.make_node(
        "Resize",
        ["logits", "", "", "sizes"],
        ["full"],
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )
    sizes = helper.make_tensor("sizes", TensorProto.INT64, [4], [1, CLASSES, *SIZE])
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node],
        "tail",
        [value("logits", TensorProto.FLOAT, shape)],
        [value("full", TensorProto.FLOAT, (1, CLASSES, *SIZE))],
        [sizes],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="bench"
    )
    onnx.checker.check_model(model)
    session = one_thread_session(model.SerializeToString())

    def tail(logits: NDArray[np.float32]) -> ClassMap:
        full = session.run(None, {"logits": logits})[0]
        mask: ClassMap = np.argmax(full, axis=1)[0].astype(np.uint8)
        return mask

    return tail


# --- the rows ----------------------------------------------------------------------------------


def require_close(found: Tensor, wanted: ArrayLike, bound: float, what: str) -> None:
    worst = float(np.abs(found.astype(np.float64) - np.asarray(wanted)).max())
    if not worst <= bound:
        raise AssertionError(f"{what}: differs by {worst:.3g}, wanted at most {bound:.3g}")


def other_recipes(
    size: tuple[int, int], attendance: Attendance, *, antialias: bool
) -> dict[str, Callable[[Frame], Tensor]]:
    """Peers that are told and do not count: kornia-rs, which has two taps only, and torch."""
    recipes: dict[str, Callable[[Frame], Tensor]] = {}
    if not antialias:
        with attendance.of(KORNIA):
            from peers.kornia import KorniaRecipe

            recipes[KORNIA] = KorniaRecipe(size)
    with attendance.of("torch"):
        from peers.torch import TorchRecipe

        recipes["torch"] = TorchRecipe(size, antialias=antialias)
    return recipes


def cv2_linear() -> Outcome:
    """RGB 1080p to 512x512 float NCHW, ``CV2_LINEAR``."""
    frames = [natural_frame(seed) for seed in FRAME_SEEDS]
    recipe = ei.Preprocess(SIZE, resize=ei.Resize.CV2_LINEAR, mean=MEAN, std=STD)
    out = np.empty((1, 3, *SIZE), np.float32)
    in_place = InPlace()
    tuned = {
        "cv2 in place, np.multiply": in_place.numpy,
        "cv2 in place, cv2.LUT": in_place.tables,
        "cv2 in place, cv2.addWeighted": in_place.weighted,
        "cv2 in place, blobFromImage": in_place.blob,
    }
    attendance = Attendance()
    others = other_recipes(SIZE, attendance, antialias=False)
    for frame in frames:
        wanted = common_preprocess(frame).astype(np.float64)
        require_close(recipe(frame, out=out).tensor, wanted, 2 * FOLDED_RECIPE, "CV2_LINEAR")
        for name, side in tuned.items():
            require_close(side(frame), wanted, 2e-6, name)
        for name, other in others.items():
            require_close(other(frame), wanted, LEVELS_OF_OTHERS * ONE_LEVEL, name)
    sides = {
        OURS: each_frame(lambda frame: recipe(frame, out=out), frames),
        "cv2 + NumPy": each_frame(common_preprocess, frames),
    }
    sides |= {name: each_frame(side, frames) for name, side in (tuned | others).items()}
    goals = (
        Wanted("cv2 + NumPy as written", ("cv2 + NumPy",), 5, 6),
        Wanted("cv2 in place", tuple(tuned), 1.8, 2.2),
    )
    checked = (
        f"tensors against cv2 + NumPy: at most {2 * FOLDED_RECIPE:g} (bytes equal; the recipe is "
        f"folded), cv2 in place 2e-6, others {LEVELS_OF_OTHERS:g} levels of 255"
    )
    return KernelRow(checked, sides, goals, tuple(attendance.notes)).measure()


def nv12_of(frame: Frame) -> NDArray[np.uint8]:
    """(height * 3 / 2, width) uint8: luma, then interleaved chroma of half size."""
    height, width, _ = frame.shape
    planar = cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420)
    chroma = planar[height:].reshape(2, -1)
    nv12 = planar.astype(np.uint8)
    nv12[height:] = np.stack([chroma[0], chroma[1]], axis=-1).reshape(-1, width)
    return nv12


def by_planes(nv12: NDArray[np.uint8]) -> Tensor:
    """Planes resized as bytes by cv2, then BT.601, limited range, in float64."""
    height = nv12.shape[0] * 2 // 3
    pairs = nv12[height:].reshape(height // 2, -1, 2)
    luma = cv2.resize(nv12[:height], SIZE[::-1]).astype(np.float64)
    u, v = np.moveaxis(cv2.resize(pairs, SIZE[::-1]).astype(np.float64), -1, 0)
    y = (luma - 16) * 255 / 219
    red = y + 1.402 * 255 / 224 * (v - 128)
    green = y - 255 / 224 * (0.344136286 * (u - 128) + 0.714136286 * (v - 128))
    blue = y + 1.772 * 255 / 224 * (u - 128)
    return normalised(np.clip(np.rint(np.stack([red, green, blue], -1)), 0, 255).astype(np.uint8))


def nv12() -> Outcome:
    """NV12 1080p to 512x512 float NCHW, ``CV2_LINEAR`` on its planes."""
    images = [nv12_of(natural_frame(seed)) for seed in FRAME_SEEDS]
    height, width = images[0].shape[0] * 2 // 3, images[0].shape[1]
    frames = [ei.Frame(image, ei.PixelFormat.NV12, width=width, height=height) for image in images]
    recipe = ei.Preprocess(SIZE, resize=ei.Resize.CV2_LINEAR, mean=MEAN, std=STD)
    out = np.empty((1, 3, *SIZE), np.float32)

    def common(image: NDArray[np.uint8]) -> Tensor:
        return common_preprocess(cv2.cvtColor(image, cv2.COLOR_YUV2RGB_NV12).view(np.uint8))

    for image, frame in zip(images, frames, strict=True):
        found = recipe(frame, out=out).tensor
        require_close(found, by_planes(image), 1.01 * ONE_LEVEL, "NV12, plane by plane")
        # Chroma at its own size or at luma's: edges between colours differ, the picture does not.
        away = float(np.abs(found - common(image)).mean()) / ONE_LEVEL
        if away > 1:
            raise AssertionError(f"NV12: {away:.2f} levels from cv2's on average, wanted 1")
    peer = "cv2.cvtColor + resize + NumPy"
    sides = {
        OURS: each_frame(lambda frame: recipe(frame, out=out), frames),
        peer: each_frame(common, images),
    }
    checked = (
        "tensors against float64 on planes that cv2 resized: at most one level of 255; against "
        "cv2's way one level on average"
    )
    return KernelRow(checked, sides, (Wanted(peer, (peer,), 8, 10),)).measure()


def pil_bilinear(size_hw: tuple[int, int], least: float, aim: float) -> Outcome:
    frames = [natural_frame(seed) for seed in FRAME_SEEDS]
    recipe = ei.Preprocess(size_hw, resize=ei.Resize.PIL_BILINEAR, mean=MEAN, std=STD)
    out = np.empty((1, 3, *size_hw), np.float32)

    def common(frame: Frame) -> Tensor:
        return pillow_preprocess(frame, size_hw)

    attendance = Attendance()
    others = other_recipes(size_hw, attendance, antialias=True)
    for frame in frames:
        wanted = common(frame)
        require_close(recipe(frame, out=out).tensor, wanted, 2 * FOLDED_RECIPE, "PIL_BILINEAR")
        for name, side in others.items():
            require_close(side(frame), wanted, LEVELS_OF_OTHERS * ONE_LEVEL, name)
    peer = "Pillow + NumPy"
    sides = {
        OURS: each_frame(lambda frame: recipe(frame, out=out), frames),
        peer: each_frame(common, frames),
    }
    sides |= {name: each_frame(side, frames) for name, side in others.items()}
    checked = (
        f"tensors against Pillow + NumPy: at most {2 * FOLDED_RECIPE:g} (bytes equal; the recipe "
        f"is folded), others {LEVELS_OF_OTHERS:g} levels of 255"
    )
    goals = (Wanted(peer, (peer,), least, aim),)
    return KernelRow(checked, sides, goals, tuple(attendance.notes)).measure()


def pil_224() -> Outcome:
    """RGB 1080p to 224x224 float NCHW, ``PIL_BILINEAR``."""
    return pil_bilinear((224, 224), 8, 12)


def pil_512() -> Outcome:
    """RGB 1080p to 512x512 float NCHW, ``PIL_BILINEAR``."""
    return pil_bilinear((512, 512), 6, 9)


def smooth_logits(seed: int) -> NDArray[np.float32]:
    """(1, classes, 64, 64): smooth in space as a network's are, all classes present."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 2, (CLASSES, 9, 9)).astype(np.float32)
    low = np.stack([cv2.resize(plane, LOW_SIZE[::-1]) for plane in coarse])
    return (low + rng.normal(0, 0.05, low.shape).astype(np.float32))[None]


def tail(dtype: str) -> Outcome:
    floats = [smooth_logits(seed) for seed in FRAME_SEEDS]
    step, zero = 0.08, 128 if dtype == "uint8" else 0
    quant = None if dtype == "float32" else (step, zero)
    logits: Sequence[NDArray[np.generic]] = floats
    if quant is not None:
        limits = np.iinfo(dtype)
        logits = [
            np.clip(np.rint(low / step) + zero, limits.min, limits.max).astype(dtype)
            for low in floats
        ]
        # The peers get floats for nothing; who has integers pays for that as well.
        floats = [(low.astype(np.float32) - zero) * np.float32(step) for low in logits]
    in_graph = graph_resize()
    full = np.empty((CLASSES, *SIZE), np.float32)

    def in_opencv(low: NDArray[np.float32]) -> ClassMap:
        for index in range(CLASSES):
            cv2.resize(low[0, index], SIZE[::-1], dst=full[index])
        mask: ClassMap = np.argmax(full, axis=0).astype(np.uint8)
        return mask

    best, plane = RunningArgmax(SIZE), np.empty(SIZE, np.float32)

    def running(low: NDArray[np.float32]) -> ClassMap:
        return best(cv2.resize(one, SIZE[::-1], dst=plane).view(np.float32) for one in low[0])

    for low, given in zip(floats, logits, strict=True):
        mask = ei.segment(given, size=SIZE, quant=quant).classes
        upsampled = np.stack([cv2.resize(plane, SIZE[::-1]) for plane in low[0]])[None]
        for name, found in (
            (OURS, mask),
            ("OpenCV", in_opencv(low)),
            ("OpenCV, running argmax", running(low)),
            ("graph", in_graph(low)),
        ):
            require(agreement(found, upsampled, FLOAT.lead), FLOAT, f"tail {dtype}, {name}")
    sides = {
        OURS: each_frame(lambda given: ei.segment(given, size=SIZE, quant=quant), logits),
        "OpenCV + NumPy": each_frame(in_opencv, floats),
        "OpenCV, running argmax": each_frame(running, floats),
        "graph Resize + NumPy": each_frame(in_graph, floats),
    }
    goals = (
        Wanted("OpenCV + NumPy", ("OpenCV + NumPy",), 6, 8),
        Wanted("graph Resize + NumPy", ("graph Resize + NumPy",), 8, 11),
    )
    checked = (
        f"masks against argmax of planes that cv2 upsampled: none differs where one class leads by "
        f"more than {FLOAT.lead:g}"
    )
    return KernelRow(checked, sides, goals).measure()


def tail_float32() -> Outcome:
    """Float logits 21x64x64 to a class map of 512x512."""
    return tail("float32")


def tail_int8() -> Outcome:
    """Int8 logits 21x64x64 to a class map of 512x512."""
    return tail("int8")


def tail_uint8() -> Outcome:
    """Uint8 logits 21x64x64 to a class map of 512x512."""
    return tail("uint8")
