"""A frame to a normalised 512x512 tensor, one thread: by resize, and by format and camera mode."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

import edgeinfer as ei
from formats import FORMATS, SIZES, picture
from frames import natural_frame
from networks import SIZE
from peers import MEAN, STD, Frame

RESIZES: dict[str, Callable[[Frame], ArrayLike]] = {
    "PIL_BILINEAR": lambda frame: np.asarray(
        Image.fromarray(frame).resize(SIZE[::-1], Image.Resampling.BILINEAR)
    ),
    "CV2_LINEAR": lambda frame: cv2.resize(frame, SIZE[::-1], interpolation=cv2.INTER_LINEAR),
    "CV2_AREA": lambda frame: cv2.resize(frame, SIZE[::-1], interpolation=cv2.INTER_AREA),
}
# The recipe is folded into one product and sum; a resize off by one level would give 0.017.
FOLDED_RECIPE = 5e-7
ONE_LEVEL = 1 / (255 * min(STD))


def normalised(levels: ArrayLike) -> NDArray[np.float64]:
    values: NDArray[np.float64] = (np.asarray(levels, np.float64) / 255 - MEAN) / STD
    return values.transpose(2, 0, 1)[None]


class Resizes:
    params = tuple(RESIZES)
    param_names = ("resize",)

    def setup(self, resize: str) -> None:
        if resize not in ei.Resize.__members__:
            # asv skips on this error: its history reaches back to versions with fewer modes.
            raise NotImplementedError(f"this version has no Resize.{resize}")
        self.frame = natural_frame(0)
        self.recipe = ei.Preprocess(SIZE, resize=ei.Resize[resize], mean=MEAN, std=STD)
        self.tensor = np.empty((1, 3, *SIZE), np.float32)
        self.recipe(self.frame, out=self.tensor)
        expected = normalised(RESIZES[resize](self.frame))
        np.testing.assert_allclose(self.tensor, expected, rtol=0, atol=FOLDED_RECIPE)

    def time_preprocess(self, resize: str) -> None:
        self.recipe(self.frame, out=self.tensor)


class Formats:
    """``CV2_LINEAR``, which reads two rows and two pixels for each it writes."""

    params = (FORMATS, tuple(SIZES))
    param_names = ("format", "size")
    timeout = 300

    def setup_cache(self) -> dict[str, Frame]:
        # The largest takes seconds to make, once a size and not once a format.
        return {name: natural_frame(0, size_hw) for name, size_hw in SIZES.items()}

    def setup(self, frames: dict[str, Frame], format_name: str, size: str) -> None:
        shown = picture(frames[size], format_name)
        self.frame = shown.frame
        self.recipe = ei.Preprocess(SIZE, resize=ei.Resize.CV2_LINEAR, mean=MEAN, std=STD)
        self.tensor = np.empty((1, 3, *SIZE), np.float32)
        self.recipe(self.frame, out=self.tensor)
        bound = shown.levels * 1.01 * ONE_LEVEL + FOLDED_RECIPE
        expected = normalised(shown.resized(SIZE))
        np.testing.assert_allclose(self.tensor, expected, rtol=0, atol=bound)

    def time_preprocess(self, frames: dict[str, Frame], format_name: str, size: str) -> None:
        self.recipe(self.frame, out=self.tensor)
