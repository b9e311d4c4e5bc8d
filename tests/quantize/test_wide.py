"""Single results with 16 bits."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import edgeinfer
from edgeinfer import InputError
from oracles.integer_network import FloatNetwork

pytestmark = pytest.mark.filterwarnings("ignore::edgeinfer.CalibrationWarning")


@pytest.fixture
def spoilt() -> tuple[FloatNetwork, bytes]:
    """A result with one channel so large that 8 bits lose the others, which alone count."""
    net = FloatNetwork(shape=(1, 4, 8, 8))
    # First eight channels, one of them a thousand times the others.
    weight = net.rng.normal(0, 0.5, (8, 4, 1, 1))
    weight[0] *= 1000
    first = net.node("Relu", [net.node("Conv", ["x", net.constant(weight)])])
    weight = net.rng.normal(0, 0.5, (6, 8, 1, 1))
    weight[:, 0] = 0
    return net, net.model(net.node("Conv", [first, net.constant(weight)])).SerializeToString()


@pytest.mark.parametrize("target", ["a72", "a76", "x86-64", "x86-64-vnni"])
def test_16_bits_hold_what_8_lose(
    target: str, spoilt: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    net, model = spoilt
    given = [net.sample(i) for i in range(8)]
    sqnr = {}
    for wide in ((), ("n.t0",)):
        report = edgeinfer.quantize(
            model, tmp_path / "o.onnx", samples=given, method="minmax", wide=wide, target=target
        )
        sqnr[wide] = report.outputs[0].sqnr_db
    assert [layer.decision for layer in report.layers] == ["int16", "merged", "int8"]
    assert "16 bits" in report.layers[0].reason
    assert sqnr[()] < 20
    assert sqnr["n.t0",] > 30
    # What the file says is what the runtime computes, optimised and literally.
    made = onnx.load(tmp_path / "o.onnx")
    wide_nodes = [node for node in made.graph.node if node.domain == "com.microsoft"]
    assert [node.op_type for node in wide_nodes] == ["QuantizeLinear", "DequantizeLinear"]
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    literal = onnxruntime.InferenceSession(tmp_path / "o.onnx", options)
    (wanted,) = literal.run(None, {"x": given[0]})
    with edgeinfer.Session(tmp_path / "o.onnx", cache=False) as session:
        (found,) = session.run(given[0]).values()
    assert np.abs(found - wanted).max() < 0.02 * np.abs(wanted).max()
    assert not edgeinfer.inspect(tmp_path / "o.onnx").problems


def test_names_that_fit_nothing_or_what_stays_in_float_are_refused(
    spoilt: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    net, model = spoilt
    given = [net.sample()]
    for wide, text in (
        (("n.t9",), "wide: found 'n.t9', which fits no node"),
        ("n.t0", "wanted a list"),
    ):
        with pytest.raises(InputError, match=text):
            edgeinfer.quantize(model, tmp_path / "o.onnx", samples=given, wide=wide)
    with pytest.raises(InputError, match=r"'n\.t0', whose results stay in float"):
        edgeinfer.quantize(
            model, tmp_path / "o.onnx", samples=given, wide=["n.t0"], exclude=["n.t0", "n.t1"]
        )
    with pytest.raises(InputError, match="with mode 'weights8'"):
        edgeinfer.quantize(model, tmp_path / "o.onnx", mode="weights8", wide=["n.t0"])
    assert list(tmp_path.iterdir()) == []
