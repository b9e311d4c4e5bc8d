"""Our way from a frame to a mask, as the guide shows it: public names only, buffers reused."""

from pathlib import Path

import numpy as np

import edgeinfer as ei
from networks import SIZE
from peers import MEAN, STD, ClassMap, Frame, Tensor


class FusedWay:
    """``Preprocess`` into a kept buffer, then ``Session.segment``: network and fused tail."""

    def __init__(self, model: Path) -> None:
        self.session = ei.Session(model, threads=1)
        self.recipe = ei.Preprocess(SIZE, resize=ei.Resize.CV2_LINEAR, mean=MEAN, std=STD)
        self.input: Tensor = np.empty((1, 3, *SIZE), np.float32)

    def preprocess(self, frame: Frame) -> None:
        self.recipe(frame, out=self.input)

    def segment(self) -> ClassMap:
        classes: ClassMap = self.session.segment(self.input).classes
        return classes

    def __call__(self, frame: Frame) -> ClassMap:
        self.preprocess(frame)
        return self.segment()
