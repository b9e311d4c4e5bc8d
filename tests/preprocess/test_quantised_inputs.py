"""Integer tensors against QuantizeLinear as ONNX Runtime computes it, and in a bound input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

import edgeinfer as ei
from edgeinfer.preprocess import Preprocess

KINDS = {"uint8": (TensorProto.UINT8, 0, 255), "int8": (TensorProto.INT8, -128, 127)}


def quantizer(kind):
    """y = QuantizeLinear(x, scale, zero_point), both given with x."""
    number = KINDS[kind][0]
    node = helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["y"])
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 1, 256]),
        helper.make_tensor_value_info("scale", TensorProto.FLOAT, []),
        helper.make_tensor_value_info("zero", number, []),
    ]
    outputs = [helper.make_tensor_value_info("y", number, [1, 3, 1, 256])]
    graph = helper.make_graph([node], "quantizer", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


@pytest.mark.parametrize("kind", KINDS)
def test_integer_tensors_equal_the_runtimes_own_quantize_linear(kind):
    _, least, most = KINDS[kind]
    every_byte = np.arange(256, dtype=np.uint8).reshape(1, 256)
    finite = st.floats(-3, 3)
    with ei.Session(quantizer(kind), threads=1) as session:

        @settings(deadline=None, max_examples=300)
        @given(
            # Powers of two too: their quotients are often exactly halfway.
            scale=st.one_of(st.floats(1e-4, 2), st.integers(-9, 1).map(lambda n: 2.0**n)),
            zero=st.integers(least, most),
            factor=st.one_of(finite, st.integers(-9, 1).map(lambda n: 2.0**n)),
            mean=st.tuples(finite, finite, finite),
            std=st.tuples(*[st.floats(0.01, 3)] * 3),
        )
        def check(scale, zero, factor, mean, std):
            values = {"scale": factor, "mean": mean, "std": std}
            floats = Preprocess((1, 256), **values)(every_byte).tensor
            found = Preprocess((1, 256), dtype=kind, quant=(scale, zero), **values)(every_byte)
            given_to = {"x": floats, "scale": np.float32(scale), "zero": np.dtype(kind).type(zero)}
            wanted = session.run({name: np.array(value) for name, value in given_to.items()})["y"]
            np.testing.assert_array_equal(found.tensor, wanted)

        check()


def test_a_quantised_frame_is_written_straight_into_the_bound_input():
    scale, zero = 0.02, 117
    nodes = [helper.make_node("DequantizeLinear", ["x", "scale", "zero"], ["y"])]
    weights = [
        helper.make_tensor("scale", TensorProto.FLOAT, [], [scale]),
        helper.make_tensor("zero", TensorProto.UINT8, [], [zero]),
    ]
    graph = helper.make_graph(
        nodes,
        "dequantizer",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [1, 20, 30, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 20, 30, 3])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    values = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "layout": "NHWC"}
    frame = np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    floats = Preprocess((20, 30), **values)(frame).tensor
    with ei.Session(model.SerializeToString(), threads=1) as session:
        binding = session.bind()
        p = Preprocess((20, 30), dtype="uint8", quant=(scale, zero), **values)
        p(frame, out=binding.inputs["x"])
        binding.run()
        assert np.abs(binding.outputs["y"] - floats).max() <= scale / 2 + 1e-5
