"""The file that is written for LiteRT is the ONNX network: run with ``pytest bench``."""

import numpy as np
import onnx
import pytest

import classifiers
import networks
from layers import INPUT, Graph
from peers import one_thread_session

pytest.importorskip("ai_edge_litert", reason="LiteRT is a peer of bench/ and not installed")

from peers.tflite_file import tflite_bytes


def litert(model: onnx.ModelProto, tensor: np.ndarray) -> np.ndarray:
    """The first output, as LiteRT lays it out."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=tflite_bytes(model), num_threads=1)
    interpreter.allocate_tensors()
    index = interpreter.get_input_details()[0]["index"]
    interpreter.set_tensor(index, np.ascontiguousarray(tensor.transpose(0, 2, 3, 1)))
    interpreter.invoke()
    return np.array(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


@pytest.mark.parametrize("name", ["classifier", "segmentation"])
def test_litert_computes_what_onnxruntime_does(name: str) -> None:
    if name == "classifier":
        model, size = classifiers.mobilenet_v2(), classifiers.SIZE
    else:
        model, size = networks.without_upsample(networks.segmentation_network()), networks.SIZE
    tensor = np.random.default_rng(0).standard_normal((1, 3, *size)).astype(np.float32)
    (wanted,) = one_thread_session(model.SerializeToString()).run(None, {INPUT: tensor})
    found = litert(model, tensor)
    if found.ndim == 4:
        found = found.transpose(0, 3, 1, 2)
    assert np.abs(found - wanted).max() < 1e-5 * np.abs(wanted).max()


def test_an_operator_without_a_rule_is_named() -> None:
    graph = Graph(np.random.default_rng(0))
    graph.node("Selu", [INPUT], "y")
    with pytest.raises(ValueError, match="Selu"):
        tflite_bytes(graph.model("other", (8, 8), "y", (1, 3, 8, 8)))


def test_a_convolution_that_no_rule_writes_is_refused() -> None:
    # Left out of the file, the holes of its kernel would give another network without a word.
    graph = Graph(np.random.default_rng(0))
    output = graph.conv(INPUT, "y", (3, 4), kernel=3, activation=False)
    graph.nodes[-1].attribute.append(onnx.helper.make_attribute("dilations", [2, 2]))
    with pytest.raises(ValueError, match="dilations"):
        tflite_bytes(graph.model("other", (8, 8), output, (1, 4, 6, 6)))
