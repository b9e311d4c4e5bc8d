"""What a network found: frozen, NumPy arrays inside, in frame coordinates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .frame import as_frame

if TYPE_CHECKING:
    from .frame import Frame

__all__ = ["Classes", "Mask"]


@dataclass(frozen=True, eq=False)
class Mask:
    """A class for each pixel.

    Attributes:
        classes: (H, W) class of each pixel, uint8, or uint16 with more than 256 classes. A value of
            C or more is no class: a pixel that the network did not see.
        areas: (C,) int64, pixels of each class.
        labels: name of each class, at least C of them; None when unknown.
    Raises:
        InputError: fewer labels than classes.
    """

    classes: NDArray[np.uint8] | NDArray[np.uint16]
    areas: NDArray[np.int64]
    labels: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if self.labels is not None and len(self.labels) < len(self.areas):
            raise InputError(
                f"labels: found {len(self.labels)} names for {len(self.areas)} classes; "
                "give one name a class, in the order of the classes"
            )

    @property
    def fractions(self) -> NDArray[np.float64]:
        """(C,) share of each class, 0 to 1; their sum is 1, or less where pixels were not seen."""
        return self.areas / self.classes.size

    def overlay(
        self,
        frame: Frame | NDArray[np.uint8],
        *,
        alpha: float = 0.5,
        palette: NDArray[np.uint8] | None = None,
        legend: bool = True,
        untinted: Sequence[int] = (),
    ) -> NDArray[np.uint8]:
        """The frame tinted by class.

        A mask of another size than the frame is sampled to the frame's: frame pixel (y, x) takes
        the class at row floor((y + 0.5) * H / rows) and likewise along x (nearest).

        Args:
            frame: a ``Frame`` of any format, or (rows, cols, 3) uint8 RGB.
            alpha: how much of the colour, 0 (frame alone) to 1 (colour alone).
            palette: (n, 3) uint8 RGB with n >= C; by default ``edgeinfer.palette.colours(C)``.
            legend: draw the present classes with name and share of the mask into a corner, the
                largest first. Needs Pillow, imported here; pictures below about 60 pixels get none.
            untinted: classes whose pixels stay as they are, such as a background.
        Returns:
            A new (rows, cols, 3) uint8 array; (frame * (256 - a) + colour * a + 128) // 256 with
            a = round(256 * alpha).
        Raises:
            InputError: the frame, the palette or alpha does not fit.
        Cost: for the eye, not for each frame of a stream: some 10 ms a megapixel.
        """
        pixels = as_frame(frame).to_rgb()
        if not 0 <= alpha <= 1:
            raise InputError(f"alpha: found {alpha}, wanted 0 (frame alone) to 1 (colour alone)")
        colours = self._colours(palette)
        weights = np.full((len(colours), 1), round(256 * alpha), dtype=np.uint16)
        weights[[c for c in untinted if 0 <= c < len(weights)]] = 0
        # What is no class stays as photographed.
        others = max(int(self.classes.max(initial=0)) + 1 - len(colours), 0)
        weights = np.concatenate((weights, np.zeros((others, 1), np.uint16)))
        colours = np.concatenate((colours, np.zeros((others, 3), np.uint8)))
        shares = colours * weights + np.uint16(128)

        classes = self._sampled(pixels.shape[0], pixels.shape[1])
        tinted = pixels * (np.uint16(256) - weights)[classes]
        tinted += shares[classes]
        picture = (tinted >> 8).astype(np.uint8)
        return self._with_legend(picture, colours) if legend else picture

    def to_dict(self) -> dict[str, Any]:
        """Size and present classes, largest first, of JSON values only; without the pixels."""
        height, width = self.classes.shape
        fractions = self.fractions
        return {
            "height": height,
            "width": width,
            "classes": [
                {
                    "index": index,
                    "label": _label(self.labels, index),
                    "pixels": int(self.areas[index]),
                    "share": float(fractions[index]),
                }
                for index in self._present()
            ],
        }

    def _present(self) -> list[int]:
        order = np.argsort(-self.areas, kind="stable")
        return [int(index) for index in order if self.areas[index] > 0]

    def _colours(self, palette: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
        if palette is None:
            from .palette import colours

            return colours(len(self.areas))
        palette = np.asarray(palette)
        count = len(self.areas)
        if palette.dtype != np.uint8 or palette.shape[1:] != (3,) or len(palette) < count:
            raise InputError(
                f"palette: found {palette.dtype} {palette.shape}, wanted uint8 RGB of shape "
                f"({count}, 3) or longer; one row a class"
            )
        return palette

    def _sampled(self, rows: int, cols: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
        height, width = self.classes.shape
        if (height, width) == (rows, cols):
            return self.classes
        y = (2 * np.arange(rows) + 1) * height // (2 * rows)
        x = (2 * np.arange(cols) + 1) * width // (2 * cols)
        sampled: NDArray[np.uint8] | NDArray[np.uint16] = self.classes[y[:, None], x]
        return sampled

    def _with_legend(
        self, picture: NDArray[np.uint8], colours: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:
        from .legend import Entry, draw

        fractions = self.fractions
        entries = []
        for index in self._present():
            red, green, blue = (int(value) for value in colours[index])
            name = _label(self.labels, index) or f"class {index}"
            entries.append(Entry((red, green, blue), name, _percent(float(fractions[index]))))
        return draw(picture, entries)


@dataclass(frozen=True, eq=False)
class Classes:
    """The best classes of a frame, best first.

    Attributes:
        indices: (k,) int64 class indices.
        scores: (k,) float32, as the network gives them or probabilities after softmax.
        labels: names of all classes, by class index; None when unknown.
    Raises:
        InputError: a class without a label.
    """

    indices: NDArray[np.int64]
    scores: NDArray[np.float32]
    labels: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if self.labels is not None and int(self.indices.max(initial=-1)) >= len(self.labels):
            raise InputError(
                f"labels: found {len(self.labels)} names, wanted one for class "
                f"{int(self.indices.max())} too; give one name a class, in the order of the classes"
            )

    @property
    def top(self) -> tuple[int, float]:
        """Index and score of the best class."""
        return int(self.indices[0]), float(self.scores[0])

    def to_dict(self) -> dict[str, Any]:
        """Index, label and score of each class, of JSON values only; a score not finite is None."""
        return {
            "classes": [
                {
                    "index": int(index),
                    "label": _label(self.labels, int(index)),
                    "score": float(score) if math.isfinite(score) else None,
                }
                for index, score in zip(self.indices, self.scores, strict=True)
            ]
        }


def _label(labels: Sequence[str] | None, index: int) -> str | None:
    return None if labels is None else labels[index]


def _percent(share: float) -> str:
    # A small defect is what some models are for: it must not read 0.0 %.
    return f"{share * 100:.1f} %" if share >= 0.001 else "< 0.1 %"
