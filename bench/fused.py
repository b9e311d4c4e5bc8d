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


def moved_to(session: ei.Session, file: str) -> str:
    """The file whose results ``session`` gives: U8S8, where S8S8 was moved to uint8 at load.

    The two are one network with zero points 128 apart, so moved integers are the same integers. On
    x86 onnxruntime computes part of the S8S8 file in float, which rounds elsewhere: its results for
    the two files differ by more than any bound that would find an error.
    """
    moved = session.describe().get("uint8", {}).get("moved", 0)
    return "U8S8" if file == "S8S8" and moved else file
