"""ncnn on the float network, in the precision that it chooses for this CPU."""

from pathlib import Path

import ncnn
import numpy as np

from peers.arrays import Tensor
from peers.converted import ncnn_files


class NcnnNetwork:
    """(1, 3, height, width) float32 to (1, ...) float32."""

    def __init__(self, model: Path) -> None:
        graph, weights = ncnn_files(model)
        self._network = ncnn.Net()
        self._network.opt.num_threads = 1
        if self._network.load_param(str(graph)) or self._network.load_model(str(weights)):
            raise RuntimeError(f"ncnn cannot load {graph.name}")

    def __call__(self, tensor: Tensor) -> Tensor:
        extractor = self._network.create_extractor()
        extractor.input("in0", ncnn.Mat(tensor[0]))
        _, output = extractor.extract("out0")
        # A view would die with the extractor.
        answer: Tensor = np.array(output, np.float32)[None]
        return answer
