"""1080p RGB frame to a normalised 512x512 tensor, by the library whose resize is matched."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

import edgeinfer as ei
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


class Preprocess:
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
        resized = np.asarray(RESIZES[resize](self.frame), np.float64)
        expected = ((resized / 255 - MEAN) / STD).transpose(2, 0, 1)[None]
        np.testing.assert_allclose(self.tensor, expected, rtol=0, atol=FOLDED_RECIPE)

    def time_preprocess(self, resize: str) -> None:
        self.recipe(self.frame, out=self.tensor)
