"""Upsampling, argmax and ranking written the slow, obvious way. Imports nothing of edgeinfer."""

import numpy as np

LIMIT = 2.0**126

# Two values of float32 arithmetic can change places if they are closer than this share of the
# greatest logit: 8 roundings of 2^-24 for either value (two products, two sums, and the weights).
ROUNDING = 16 * 2.0**-24


def positions(samples, pixels, align_corners):
    """Left sample of each pixel and the weight of the right one, in float64."""
    at = np.arange(pixels, dtype=np.float64)
    if align_corners:
        at = at * (samples - 1) / (pixels - 1) if pixels > 1 else np.zeros(1)
    else:
        at = np.clip(((2 * at + 1) * samples - pixels) / (2 * pixels), 0, samples - 1)
    left = np.floor(at).astype(int)
    return left, at - left


def limited(logits):
    """What becomes of NaN and infinity before any arithmetic."""
    return np.clip(np.nan_to_num(logits, nan=-LIMIT, posinf=LIMIT, neginf=-LIMIT), -LIMIT, LIMIT)


def _along(values, axis, pixels, align_corners, dtype):
    left, far = positions(values.shape[axis], pixels, align_corners)
    right = np.minimum(left + 1, values.shape[axis] - 1)
    shape = [1, 1, 1]
    shape[axis] = pixels
    near = (1 - far).astype(dtype).reshape(shape)
    far = far.astype(dtype).reshape(shape)
    return np.take(values, left, axis) * near + np.take(values, right, axis) * far


def upsampled(logits, size, align_corners=False, dtype=np.float64):
    """The (C, H, W) volume that the fused pass never makes."""
    values = limited(logits.astype(dtype))
    values = _along(values, 2, size[1], align_corners, dtype)
    return _along(values, 1, size[0], align_corners, dtype)


def gap(volume):
    """Distance of the best value of each pixel to the second best."""
    best = np.sort(volume, axis=0)
    return best[-1] - best[-2]


def ranked(scores):
    """Class indices, best first, equal ones by index, NaN last."""
    key = np.where(np.isnan(scores), -np.inf, scores)
    return np.lexsort((np.arange(len(scores)), -key, np.isnan(scores)))


def softmax(scores):
    """Probabilities of finite scores."""
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()
