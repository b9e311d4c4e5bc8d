"""Our way from a frame to a mask, as the guide shows it: public names only, buffers reused."""

from pathlib import Path

import edgeinfer as ei
from layers import INPUT
from networks import SIZE
from peers import MEAN, STD, ClassMap, Frame


class FusedWay:
    """``Preprocess`` writes the bound input; ``Binding.segment`` runs network and fused tail."""

    def __init__(self, model: Path) -> None:
        self.session = ei.Session(model, threads=1)
        self.binding = self.session.bind()
        self.input = self.binding.inputs[INPUT]
        self.recipe = ei.Preprocess(SIZE, resize=ei.Resize.CV2_LINEAR, mean=MEAN, std=STD)

    def preprocess(self, frame: Frame) -> None:
        self.recipe(frame, out=self.input)

    def segment(self) -> ClassMap:
        classes: ClassMap = self.binding.segment().classes
        return classes

    def __call__(self, frame: Frame) -> ClassMap:
        self.preprocess(frame)
        return self.segment()
