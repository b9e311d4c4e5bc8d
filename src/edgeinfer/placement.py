"""Where a frame lies in a model's input, and the way back for points, boxes and masks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgeinfer.errors import InputError
from edgeinfer.result import Mask

__all__ = ["Placement"]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a frame lies in the model's input: ``model = frame * scale + pad``, per axis.

    Coordinates are continuous, in pixels, with pixel centres at .5: the frame's left edge is 0 and
    its right edge is its width.

    Attributes:
        scale_x, scale_y: model pixels per frame pixel.
        pad_x, pad_y: model pixels left of and above the frame.
        frame_size, model_size: (height, width), pixels.
    """

    scale_x: float
    scale_y: float
    pad_x: float
    pad_y: float
    frame_size: tuple[int, int]
    model_size: tuple[int, int]

    def to_frame(self, coordinates: ArrayLike) -> NDArray[np.float64]:
        """Model coordinates as frame coordinates.

        Args:
            coordinates: (..., 2) points xy or (..., 4) boxes xyxy, in model pixels.

        Returns:
            The same shape in float64, in frame pixels; not clipped to the frame.

        Raises:
            InputError: no real numbers, or the last axis holds neither 2 nor 4 of them.
        """
        values, scale, pad = self._arguments(coordinates)
        return (values - pad) / scale

    def to_model(self, coordinates: ArrayLike) -> NDArray[np.float64]:
        """Frame coordinates as model coordinates: the inverse of `to_frame`."""
        values, scale, pad = self._arguments(coordinates)
        return values * scale + pad

    @property
    def covers(self) -> bool:
        """Whether the whole frame fills the whole input, as with ``Fit.STRETCH``."""
        (frame_height, frame_width), (height, width) = self.frame_size, self.model_size
        filled = (round(self.scale_y * frame_height), round(self.scale_x * frame_width))
        return self.pad_x == self.pad_y == 0 and filled == (height, width)

    def mask_to_frame(self, mask: Mask, *, unseen: int | None = None) -> Mask:
        """A mask of the model's input as one of the frame's size.

        Each frame pixel takes the class of the mask's pixel that its centre lies in (nearest), so
        letterbox pads are cut away. A mask of another size than the input is taken to cover it.

        Args:
            mask: of the whole model input, any size.
            unseen: class of the frame's pixels that a crop left out. None: the highest value of
                ``classes.dtype``, which is no class and counts for no area; uint8 classes become
                uint16 where 255 is one.

        Returns:
            ``Mask`` of ``frame_size``, with areas of its own and the labels of ``mask``.

        Raises:
            InputError: ``unseen`` is no class of the mask, or ``mask`` is no `Mask`.
        """
        if not isinstance(mask, Mask):
            raise InputError(
                f"mask: found {type(mask).__name__}; wanted an edgeinfer.Mask, as segment gives it"
            )
        classes = mask.classes
        count = len(mask.areas)
        whole = isinstance(unseen, int | np.integer) and not isinstance(unseen, bool)
        if unseen is not None and not (whole and 0 <= unseen < count):
            raise InputError(f"unseen: found {unseen!r}; wanted None or a class below {count}")
        if unseen is None and count > np.iinfo(classes.dtype).max:
            classes = classes.astype(np.uint16)
        rows, seen_rows = self._nearest(0, classes.shape[0])
        columns, seen_columns = self._nearest(1, classes.shape[1])
        found = classes[rows][:, columns]
        fill = np.iinfo(classes.dtype).max if unseen is None else unseen
        found[~seen_rows] = fill
        found[:, ~seen_columns] = fill
        areas = np.bincount(found.reshape(-1), minlength=count)[:count]
        return Mask(found, areas.astype(np.int64), mask.labels)

    def _nearest(self, axis: int, pixels: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Per row (axis 0) or column of the frame: one of the mask's, and whether it is seen."""
        scale = (self.scale_y, self.scale_x)[axis]
        pad = (self.pad_y, self.pad_x)[axis]
        model = self.model_size[axis]
        position = (np.arange(self.frame_size[axis]) + 0.5) * scale + pad
        nearest = np.floor(position * (pixels / model)).astype(np.intp)
        return nearest.clip(0, pixels - 1), (position >= 0) & (position < model)

    def _arguments(
        self, coordinates: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        values = _real_numbers(coordinates)
        if values.ndim == 0 or values.shape[-1] not in (2, 4):
            raise InputError(
                f"coordinates: found shape {values.shape}; wanted (..., 2) points xy or (..., 4) "
                "boxes xyxy"
            )
        repeats = values.shape[-1] // 2
        scale = np.array((self.scale_x, self.scale_y) * repeats)
        pad = np.array((self.pad_x, self.pad_y) * repeats)
        return values, scale, pad


def _real_numbers(coordinates: ArrayLike) -> NDArray[np.float64]:
    try:
        found = np.asarray(coordinates)
        # NumPy would convert truth values, complex numbers, text, times, and None among objects.
        if found.dtype.kind not in "bcSTUMmO":
            return found.astype(np.float64, copy=False)
        what = f"{found.dtype} {found.shape}"
    except (TypeError, ValueError, OverflowError) as error:
        what = f"{type(coordinates).__name__} ({error})"
    raise InputError(f"coordinates: found {what}; wanted real numbers")
