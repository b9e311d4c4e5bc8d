"""Masks before and after quantising, over the picture that the network was given."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgeinfer.palette import colours
from edgeinfer.postprocess.segmentation import segment
from edgeinfer.preprocess import Preprocess
from edgeinfer.quantize.report import ClassShare, MaskPictures

__all__ = ["Album"]

Arrays = Mapping[str, NDArray[Any]]

_MOST_CLASSES: Final = 256  # of a PNG with a palette
_LEAST_SIDE: Final = 8  # smaller results are no masks for the eye
_LARGEST_SIDE: Final = 640  # a page holds three of them, for a phone too
_TINT: Final = 176  # of 255: the picture stays visible below
_CHANGED: Final = (225, 0, 152)  # a colour that photographs hardly have


class _Pair(NamedTuple):
    """Classes of one sample by both networks."""

    sample: int
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    agreement: float


class Album:
    """Collects masks, and keeps three: the one that changed most, a typical one, the one least.

    Networks that give no masks are let through; their album stays empty.

    Args:
        names: of the samples, in the order they come.
        inputs: of the network, for each.
        preprocess: that made them; None: arrays were given.
    """

    def __init__(
        self, names: Sequence[str], inputs: Sequence[Arrays], preprocess: Preprocess | None
    ) -> None:
        self._names = names
        self._inputs = inputs
        self._preprocess = preprocess
        self._pairs: list[_Pair] = []
        self._next = 0

    def add(self, wanted: Arrays, found: Arrays) -> None:
        """The results of both networks for the next sample."""
        number, self._next = self._next, self._next + 1
        tensor = _picture_tensor(self._inputs[number])
        if tensor is None:
            return
        for name, result in wanted.items():
            before, after = _classes(result, tensor), _classes(found[name], tensor)
            if before is not None and after is not None:
                share = float((before == after).mean())
                self._pairs.append(_Pair(number, before, after, share))
                return

    def pictures(self) -> tuple[MaskPictures, ...]:
        """At most three, the one that changed most first."""
        order = sorted(self._pairs, key=lambda pair: pair.agreement)
        if len(order) > 3:
            order = [order[0], order[len(order) // 2], order[-1]]
        return tuple(self._drawn(pair) for pair in order)

    def _drawn(self, pair: _Pair) -> MaskPictures:
        tensor = _picture_tensor(self._inputs[pair.sample])
        assert tensor is not None
        frame = _pixels(tensor, self._preprocess)
        largest = max(pair.before.shape)
        size = tuple(
            max(1, round(side * min(1.0, _LARGEST_SIDE / largest)))
            for side in reversed(pair.before.shape)
        )
        present = sorted({*np.unique(pair.before).tolist(), *np.unique(pair.after).tolist()})
        palette = colours(max(present) + 1)
        # Class 0 is the background of most networks.
        alphas = bytes([0, *[_TINT] * (len(palette) - 1)])
        changed = (pair.before != pair.after).astype(np.uint8)
        marks = np.array([(0, 0, 0), _CHANGED], np.uint8)
        return MaskPictures(
            name=self._names[pair.sample],
            width=size[0],
            height=size[1],
            frame=_jpeg(frame, size),
            float_mask=_png(pair.before, palette, alphas, size),
            int8_mask=_png(pair.after, palette, alphas, size),
            difference=_png(changed, marks, bytes([0, 255]), size),
            agreement=pair.agreement,
            classes=tuple(
                ClassShare(
                    number,
                    "#{:02x}{:02x}{:02x}".format(*palette[number].tolist()),
                    float((pair.before == number).mean()),
                    float((pair.after == number).mean()),
                )
                for number in present
            ),
        )


def _picture_tensor(inputs: Arrays) -> NDArray[Any] | None:
    """The first input that looks like a picture, (height, width, channels)."""
    for array in inputs.values():
        if array.ndim == 4 and array.shape[1] in (1, 3):
            array = np.moveaxis(array, 1, -1)
        if array.ndim == 4 and array.shape[3] in (1, 3) and array.size:
            first: NDArray[Any] = array[0]
            return first
    return None


def _pixels(tensor: NDArray[Any], preprocess: Preprocess | None) -> NDArray[np.uint8]:
    """RGB bytes again; without a recipe black is the least value and white the largest."""
    values = tensor.astype(np.float64)
    if preprocess is not None:
        recipe = preprocess.to_recipe()
        values = (values * recipe["std"] + recipe["mean"]) / recipe["scale"]
        if recipe["color"] == "BGR":
            values = values[..., ::-1]
    else:
        low, high = float(values.min()), float(values.max())
        values = (values - low) * (255 / (high - low) if high > low else 0)
    bytes_ = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return np.repeat(bytes_, 3, axis=2) if bytes_.shape[2] == 1 else bytes_


def _classes(result: NDArray[Any], tensor: NDArray[Any]) -> NDArray[np.uint8] | None:
    """Class of each pixel of the first picture of a batch; None where the result is no mask.

    Scores smaller than the input are brought to its size, as they are for a mask.
    """
    if result.ndim < 3 or result.size == 0:
        return None
    rows, columns = tensor.shape[:2]
    if result.ndim == 4 and np.issubdtype(result.dtype, np.floating):
        scores = np.ascontiguousarray(result[0], np.float32)
        channels, height, width = scores.shape
        if not 2 <= channels <= _MOST_CLASSES or min(height, width) < _LEAST_SIDE:
            return None
        smaller = height < rows and width < columns
        mask = segment(scores, size=(rows, columns) if smaller else (height, width))
        return mask.classes.astype(np.uint8)
    flat = result[0, 0] if result.ndim == 4 and result.shape[1] == 1 else result[0]
    if flat.ndim != 2 or not np.issubdtype(flat.dtype, np.integer) or min(flat.shape) < _LEAST_SIDE:
        return None
    return flat.astype(np.uint8) if flat.min() >= 0 and flat.max() < _MOST_CLASSES else None


def _jpeg(pixels: NDArray[np.uint8], size: tuple[int, ...]) -> bytes:
    from PIL import Image

    image = Image.fromarray(pixels)
    if image.size != size:
        image = image.resize((size[0], size[1]), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()


def _png(
    classes: NDArray[np.uint8], palette: NDArray[np.uint8], alphas: bytes, size: tuple[int, ...]
) -> bytes:
    from PIL import Image

    image = Image.fromarray(classes)
    image.putpalette(palette.tobytes())
    if image.size != size:
        image = image.resize((size[0], size[1]), Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True, transparency=alphas)
    return file.getvalue()
