"""A float network's ranges without calibration: what onnxruntime computes, seen by NumPy."""

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

Seen = dict[str, NDArray[np.float32]]


@pytest.fixture(scope="session")
def tensors_of() -> Callable[[onnx.ModelProto, list[NDArray[np.float32]]], Seen]:
    """Every float tensor of a model on the samples, stacked along axis 0."""

    def run(model: onnx.ModelProto, samples: list[NDArray[np.float32]]) -> Seen:
        whole = onnx.ModelProto()
        whole.CopyFrom(model)
        have = {value.name for value in whole.graph.output}
        names = [name for node in whole.graph.node for name in node.output if name]
        whole.graph.output.extend(
            onnx.ValueInfoProto(name=name) for name in names if name not in have
        )
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(whole.SerializeToString(), options)
        runs = [session.run(names, {"x": sample}) for sample in samples]
        seen = {name: np.stack([one[i] for one in runs]) for i, name in enumerate(names)}
        return {"x": np.stack(samples), **seen}

    return run
