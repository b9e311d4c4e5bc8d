"""The five classes of the example, their label values and the colours of overlays."""

from __future__ import annotations

from typing import Final

CLASSES: Final = ("sky", "ground", "tower", "cable", "insulator")
SKY, GROUND, TOWER, CABLE, INSULATOR = range(5)

# RGB, one per class, told apart on both bright and dark pictures.
COLORS: Final = ((70, 130, 200), (110, 150, 70), (235, 120, 40), (250, 225, 60), (215, 50, 160))
