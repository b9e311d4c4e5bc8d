"""NNCF's post-training quantisation of ONNX files: its defaults, fast bias correction included.

Its default preset is symmetric for networks without signed activation functions.
"""

from collections.abc import Iterable
from pathlib import Path

import nncf
import numpy as np
import onnx
from numpy.typing import NDArray


def quantise(
    model: Path, out: Path, feeds: Iterable[dict[str, NDArray[np.float32]]], samples: int
) -> None:
    """Write the int8 file."""
    quantised = nncf.quantize(onnx.load(model), nncf.Dataset(feeds), subset_size=samples)
    onnx.save(quantised, out)
