"""Rows: preprocessing alone, beside OpenCV, Pillow, kornia-rs and torch."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

import edgeinfer as ei
from frames import natural_frame
from kernel_row import FRAME_SEEDS, KORNIA, OURS, KernelRow, Wanted
from networks import SIZE
from peers import MEAN, STD, Frame, Tensor, common_preprocess
from peers.attendance import Attendance
from peers.opencv import BIAS, SCALE, InPlace
from peers.pillow import pillow_preprocess
from rows import Outcome
from sides import each_frame

# The recipe is folded into one product and sum; a resize off by one level would give 0.017.
FOLDED_RECIPE = 5e-7
ONE_LEVEL = 1 / (255 * min(STD))
# Other libraries round weights and bytes in their own ways.
LEVELS_OF_OTHERS = 1.6


class InPlaceOtherwise:
    """cv2.resize into a kept buffer, then other calls than ``InPlace`` makes."""

    def __init__(self) -> None:
        self.tensor = np.empty((1, 3, *SIZE), np.float32)
        self._resized = np.empty((*SIZE, 3), np.uint8)
        self._planes = tuple(np.empty(SIZE, np.uint8) for _ in range(3))
        levels = np.arange(256, dtype=np.float32)
        self._tables = [
            (levels * np.float32(scale) + np.float32(bias)).reshape(1, 256)
            for scale, bias in zip(SCALE, BIAS, strict=True)
        ]

    def _split(self, frame: Frame) -> None:
        cv2.resize(frame, SIZE[::-1], dst=self._resized, interpolation=cv2.INTER_LINEAR)
        cv2.split(self._resized, self._planes)

    def numpy(self, frame: Frame) -> Tensor:
        self._split(frame)
        for channel, plane in enumerate(self._planes):
            target = self.tensor[0, channel]
            np.multiply(plane, np.float32(SCALE[channel]), out=target, dtype=np.float32)
            target += np.float32(BIAS[channel])
        return self.tensor

    def tables(self, frame: Frame) -> Tensor:
        self._split(frame)
        for channel, plane in enumerate(self._planes):
            cv2.LUT(plane, self._tables[channel], dst=self.tensor[0, channel])
        return self.tensor

    def blob(self, frame: Frame) -> Tensor:
        cv2.resize(frame, SIZE[::-1], dst=self._resized, interpolation=cv2.INTER_LINEAR)
        parameters = cv2.dnn.Image2BlobParams()
        parameters.scalefactor = (*SCALE, 1.0)
        parameters.mean = tuple(255 * mean for mean in MEAN)
        cv2.dnn.blobFromImageWithParams(self._resized, self.tensor, parameters)
        return self.tensor


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
    otherwise = InPlaceOtherwise()
    tuned: dict[str, Callable[[Frame], Tensor]] = {
        "cv2 in place, np.multiply": otherwise.numpy,
        "cv2 in place, cv2.LUT": otherwise.tables,
        "cv2 in place, cv2.addWeighted": InPlace(np.empty((1, 3, *SIZE), np.float32)),
        "cv2 in place, blobFromImage": otherwise.blob,
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


def normalised(resized: NDArray[np.uint8]) -> Tensor:
    """(height, width, 3) uint8 to (1, 3, height, width) float32, as tutorials write it."""
    scaled = resized.astype(np.float32) / 255
    values = (scaled - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


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
