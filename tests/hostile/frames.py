"""Work on frames that takes more memory than a test allows."""

import numpy as np

from edgeinfer.frame import Frame, PixelFormat
from edgeinfer.preprocess import Preprocess


def work(what: str) -> str:
    """Do what the argument says; each of it needs over 100 MB."""
    if what == "prepare":
        return str(Preprocess((65535, 65535))(np.zeros((4, 4, 3), np.uint8)).tensor.shape)
    if what == "to_rgb":
        pixels = np.zeros((6000, 6000), np.uint8)
        return str(Frame(pixels, PixelFormat.GRAY, width=6000, height=6000).to_rgb().shape)
    if what == "to_rgb of a view":
        pixels = np.zeros((8000, 8001), np.uint8)[:, :8000]
        return str(Frame(pixels, PixelFormat.GRAY, width=8000, height=8000).to_rgb().shape)
    raise ValueError(what)


def warm() -> None:
    """Make what the first frame makes once."""
    Preprocess((2, 2))(np.zeros((4, 4, 3), np.uint8))
