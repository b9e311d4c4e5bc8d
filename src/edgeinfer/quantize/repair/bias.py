"""Biases that take back what the rounding of weights does to the mean of each channel.

Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, 2019;
with means that calibration saw, instead of assumed ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeinfer.quantize.grid import Weights

__all__ = ["mean_shift"]


def mean_shift(
    weights: NDArray[np.float32], made: Weights, mean: NDArray[np.float64], groups: int
) -> NDArray[np.float64] | None:
    """Mean of (float result - rounded result) for each channel, from the input's channel means.

    None where the means are not those of what the weights multiply, as behind a Flatten of planes.
    Borders count as if the picture went on: there the sum has fewer terms.
    """
    shape = [-1 if i == made.axis else 1 for i in range(weights.ndim)]
    error = weights - made.values * made.scales.astype(np.float64).reshape(shape)
    if made.axis == 1:
        error = error.T
    summed = error.reshape(*error.shape[:2], -1).sum(axis=2)  # (outputs, inputs of a group)
    outputs, inputs = summed.shape
    if mean.size != inputs * groups:
        return None
    by_group = summed.reshape(groups, outputs // groups, inputs)
    shift = np.einsum("goi,gi->go", by_group, mean.reshape(groups, inputs))
    return np.asarray(shift.reshape(-1), np.float64)
