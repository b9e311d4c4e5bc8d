"""A legend drawn into a picture: colour, name and share of each class. Needs Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

__all__ = ["Entry", "draw"]

_PANEL: Final = (0, 0, 0, 168)  # dark enough that white text reads on snow
_TEXT: Final = (255, 255, 255, 255)
_FRAME: Final = (255, 255, 255, 160)  # around swatches: a dark colour would sink into the panel
_SMALLEST_TEXT: Final = 9  # pixels; below that letters are blots


@dataclass(frozen=True)
class Entry:
    """One line: RGB of the swatch, a name, and the share of the picture as text."""

    colour: tuple[int, int, int]
    name: str
    share: str


def draw(picture: NDArray[np.uint8], entries: Sequence[Entry]) -> NDArray[np.uint8]:
    """Draw a legend into the upper left corner of a copy of ``picture``.

    Text height follows the picture, about 1/30 of its shorter side. Lines that do not fit are
    summed up in a last line "+ N more", names that do not fit end in an ellipsis. A picture too
    small for one line is returned as it is.

    Args:
        picture: (H, W, 3) uint8 RGB.
        entries: lines, most important first.
    Returns:
        (H, W, 3) uint8 RGB.
    """
    height, width = picture.shape[:2]
    size = max(_SMALLEST_TEXT, round(min(height, width) / 30))
    pad = max(2, size // 2)
    line = round(size * 1.45)
    lines_that_fit = (height - 4 * pad) // line
    text_left = pad + size + pad  # inside the panel
    room = width - 4 * pad - text_left
    if not entries or lines_that_fit < 1 or room < 4 * size:
        return picture.copy()

    font = ImageFont.load_default(size)
    shown = list(entries)
    more = ""
    if len(shown) > lines_that_fit:
        shown = shown[: lines_that_fit - 1]
        more = f"+ {len(entries) - len(shown)} more"
    shares = [font.getlength(entry.share) for entry in shown]
    share_width = max(shares, default=0.0)
    room_for_name = room - share_width - pad
    names = [_shortened(_one_line(entry.name), font, room_for_name) for entry in shown]
    name_width = max([font.getlength(name) for name in names], default=0.0)
    text_width = max(name_width + pad + share_width, font.getlength(more))

    panel_width = round(text_left + text_width + pad)
    panel_height = (len(shown) + bool(more)) * line + pad
    panel = Image.new("RGBA", (panel_width, panel_height), _PANEL)
    pen = ImageDraw.Draw(panel)
    right = panel_width - pad
    for row, (entry, name) in enumerate(zip(shown, names, strict=True)):
        top = pad // 2 + row * line
        middle = top + line // 2
        swatch = (pad, middle - size // 2, pad + size, middle - size // 2 + size)
        pen.rectangle(swatch, fill=(*entry.colour, 255), outline=_FRAME)
        pen.text((text_left, middle), name, font=font, fill=_TEXT, anchor="lm")
        pen.text((right, middle), entry.share, font=font, fill=_TEXT, anchor="rm")
    if more:
        middle = pad // 2 + len(shown) * line + line // 2
        pen.text((text_left, middle), more, font=font, fill=_TEXT, anchor="lm")

    image = Image.fromarray(picture)
    image.paste(panel, (pad, pad), panel)
    return np.array(image)


def _one_line(name: str) -> str:
    return " ".join(name.split())


def _shortened(name: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room: float) -> str:
    if font.getlength(name) <= room:
        return name
    while name and font.getlength(name + "…") > room:
        name = name[:-1]
    return name.rstrip() + "…"
