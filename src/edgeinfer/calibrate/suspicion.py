"""What is strange about samples: reason to warn, never to refuse."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from edgeinfer.errors import CalibrationWarning

__all__ = ["Look", "Suspicion", "look_at"]

# docs/calibration.md has the sweep.
_FEW: Final = 32
# A level is 1/255 of white. Photographs are redder than blue on average: by 8 to 42 levels in five
# sets of photographs that were looked at, and bluer in at most a third of the pictures of each.
_BLUER_LEVELS: Final = 6.0
_BLUER_PICTURE_LEVELS: Final = 4.0
_BLUER_SHARE: Final = 0.5
_PICTURES_FOR_COLOUR: Final = 8
# What is left of 0..1 where 1/255 was applied twice.
_NARROW: Final = 1 / 64
_BYTES: Final = 100.0


class Look(NamedTuple):
    """What one sample's image looks like: extremes, and means of its channels."""

    low: float
    high: float
    means: tuple[float, float, float]


def look_at(inputs: Mapping[str, Any]) -> Look | None:
    """Look at the one input that is an image of three channels; None: there is none."""
    images = [one for one in inputs.values() if _channels(one) is not None]
    if len(images) != 1 or images[0].dtype != np.float32 or images[0].size == 0:
        return None
    image = images[0]
    axis = _channels(image)
    means = image.mean(axis=tuple(i for i in range(4) if i != axis), dtype=np.float64)
    first, second, third = (float(mean) for mean in means)
    return Look(float(image.min()), float(image.max()), (first, second, third))


def _channels(array: Any) -> int | None:
    if getattr(array, "ndim", 0) != 4:
        return None
    return 1 if array.shape[1] == 3 else 3 if array.shape[3] == 3 else None


class Suspicion:
    """Adds looks up, and warns at the end.

    Args:
        recipe: of the preprocessing; None: arrays were given.
    """

    def __init__(self, recipe: Mapping[str, Any] | None) -> None:
        self._recipe = recipe
        self._low, self._high = np.inf, -np.inf
        self._means: list[tuple[float, float, float]] = []

    def add(self, look: Look) -> None:
        """One more sample."""
        self._low, self._high = min(self._low, look.low), max(self._high, look.high)
        self._means.append(look.means)

    def warn(self, samples: tuple[str, ...], stacklevel: int) -> None:
        """Issue what there is to say, each as a CalibrationWarning.

        Args:
            samples: the digest of each.
        """
        for text in (_few(samples), _twice(samples), self._range(), self._colour()):
            if text:
                warnings.warn(text, CalibrationWarning, stacklevel=stacklevel + 1)

    def _range(self) -> str:
        if not self._means:
            return ""
        found = f"the input's values lie between {self._low:.4g} and {self._high:.4g}"
        if self._low == self._high:
            return f"{found}: all are the same; look at the samples"
        if self._low >= 0 and self._high > _BYTES:
            return (
                f"{found}: bytes that were neither scaled nor centred; most networks take 0 to 1, "
                "-1 to 1 or centred values. Give scale, mean and std of the training, unless it "
                "was made with bytes"
            )
        if self._high - self._low < _NARROW:
            return (
                f"{found}: a range as narrow as if the pixels had been scaled twice; give scale, "
                "mean and std of the training"
            )
        return ""

    def _colour(self) -> str:
        if len(self._means) < _PICTURES_FOR_COLOUR:
            return ""
        levels = self._redder_levels(np.array(self._means))
        if levels is None or levels.mean() > -_BLUER_LEVELS:
            return ""
        share = float((levels < -_BLUER_PICTURE_LEVELS).mean())
        if share < _BLUER_SHARE:
            return ""
        return (
            f"{share:.0%} of the pictures have more blue than red, {-levels.mean():.0f} levels of "
            "255 on average; photographs have less. If red and blue are swapped, give frames as "
            "Frame(..., PixelFormat.BGR), or color= to Preprocess; skies and water do look so"
        )

    def _redder_levels(self, means: Any) -> Any:
        """Red over blue for each picture, in levels of a byte; None where it cannot be told."""
        if self._recipe is not None:
            recipe = self._recipe
            pixels = (means * np.array(recipe["std"]) + np.array(recipe["mean"])) / recipe["scale"]
            red, blue = (0, 2) if recipe["color"] == "RGB" else (2, 0)
            return pixels[:, red] - pixels[:, blue]
        # Arrays: the usual ways to scale, told by what they reach.
        if self._low >= 0:
            factor = 255.0 if self._high <= 1.01 else 1.0 if self._high > _BYTES else None
        else:
            factor = 127.5 if -1.01 <= self._low <= -0.5 and self._high <= 1.01 else None
        return None if factor is None else (means[:, 0] - means[:, 2]) * factor


def _few(samples: tuple[str, ...]) -> str:
    if len(samples) >= _FEW:
        return ""
    return (
        f"found {len(samples)} samples; ranges from less than {_FEW} may miss what deployment "
        "brings. Use 100 or more, of all that the network is to see"
    )


def _twice(samples: tuple[str, ...]) -> str:
    first: dict[str, int] = {}
    pairs = []
    for number, digest in enumerate(samples, 1):
        earlier = first.setdefault(digest, number)
        if earlier != number:
            pairs.append((earlier, number))
    if not pairs:
        return ""
    earlier, number = pairs[0]
    return (
        f"{len(pairs)} of {len(samples)} samples were seen before (number {number} is number "
        f"{earlier}): they count twice and tell nothing new. Leave them out"
    )
