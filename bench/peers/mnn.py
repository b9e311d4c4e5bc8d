"""MNN on the float network."""

from pathlib import Path

import MNN
import numpy as np

from peers.arrays import Tensor
from peers.converted import mnn_file


class MnnNetwork:
    """(1, 3, height, width) float32 to the first output, which the next call overwrites."""

    def __init__(self, model: Path) -> None:
        self._interpreter = MNN.Interpreter(str(mnn_file(model)))
        self._session = self._interpreter.createSession({"backend": "CPU", "numThread": 1})
        self._input = self._interpreter.getSessionInput(self._session)
        self._output = self._interpreter.getSessionOutput(self._session)
        # MNN keeps the address of this array and no reference to it.
        self._answer = np.empty(self._output.getShape(), np.float32)
        self._host = MNN.Tensor(
            self._answer.shape,
            MNN.Halide_Type_Float,
            self._answer,
            MNN.Tensor_DimensionType_Caffe,
        )

    def __call__(self, tensor: Tensor) -> Tensor:
        given = MNN.Tensor(
            tensor.shape, MNN.Halide_Type_Float, tensor, MNN.Tensor_DimensionType_Caffe
        )
        self._input.copyFrom(given)
        self._interpreter.runSession(self._session)
        self._output.copyToHostTensor(self._host)
        answer: Tensor = np.asarray(self._host.getNumpyData(), np.float32)
        return answer.reshape(self._answer.shape)
