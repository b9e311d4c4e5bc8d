"""Low resolution logits to a class map: the fused upsample and argmax."""

import cv2
import numpy as np

import edgeinfer as ei
from agreement import FLOAT, agreement, require
from frames import FULL_HD
from networks import CLASSES, LOW_SIZE, SIZE

SIZES = {"512x512": SIZE, "1080x1920": FULL_HD}
STEP = 0.08


class Tail:
    params = (("float32", "uint8"), tuple(SIZES))
    param_names = ("dtype", "size")

    def setup(self, dtype: str, size: str) -> None:
        self.size = SIZES[size]
        rng = np.random.default_rng(0)
        # Smooth in space, as logits are: a neighbourhood has few candidates for the best class.
        coarse = rng.normal(0, 2, (CLASSES, 9, 9)).astype(np.float32)
        low = np.stack([cv2.resize(plane, LOW_SIZE[::-1]) for plane in coarse])[None]
        self.quant = None
        self.logits = low
        if dtype == "uint8":
            self.quant = (STEP, 128)
            self.logits = np.clip(np.rint(low / STEP) + 128, 0, 255).astype(np.uint8)
            low = (self.logits.astype(np.float32) - 128) * np.float32(STEP)
        upsampled = np.stack([cv2.resize(plane, self.size[::-1]) for plane in low[0]])[None]
        mask = ei.segment(self.logits, size=self.size, quant=self.quant).classes
        require(agreement(mask, upsampled, FLOAT.lead), FLOAT, f"tail {dtype} {size}")

    def time_segment(self, dtype: str, size: str) -> None:
        ei.segment(self.logits, size=self.size, quant=self.quant)
