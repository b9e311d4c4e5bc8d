"""Work of the runner on one image file."""

import os
import warnings
from pathlib import Path

import numpy as np

import edgeinfer as ei
from edgeinfer.cli import main

MODEL_SIZE = (224, 224)


def warm() -> None:
    """Import all that decoding and preprocessing need, Pillow's four readers included."""
    from PIL import BmpImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    assert all((BmpImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin))
    ei.Preprocess(MODEL_SIZE)(np.zeros((8, 8, 3), np.uint8))
    # A warning that gets to the caller is a fault: he can neither expect nor place it.
    warnings.simplefilter("error")


def decode_file(path: str) -> list[float]:
    """Height, width and mean of the picture."""
    frame = ei.decode(path)
    assert frame.pixels.shape == (frame.height, frame.width, 3)
    assert frame.pixels.dtype == np.uint8
    return [frame.height, frame.width, float(frame.pixels.mean())]


def decode_and_preprocess(path: str) -> list[float]:
    """What a program does: as small as the model allows, then its input."""
    frame = ei.decode(path, at_least=MODEL_SIZE)
    tensor = ei.Preprocess(MODEL_SIZE)(frame).tensor
    assert tensor.shape == (1, 3, *MODEL_SIZE)
    assert np.isfinite(tensor).all()
    return [frame.height, frame.width, float(tensor.mean())]


def load_model() -> None:
    """Import what a run of the command needs, the runtime and one session included."""
    warm()
    with ei.Session(os.environ["HOSTILE_MODEL"], threads=1):
        pass


def run_command(path: str) -> int:
    """Exit status of ``edgeinfer run``."""
    model = Path(os.environ["HOSTILE_MODEL"])
    recipe = model.with_name("recipe.json")
    return main(["run", str(model), path, "--recipe", str(recipe), "--threads", "1"])
