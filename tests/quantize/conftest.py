"""A float network's ranges without calibration: what onnxruntime computes, seen by NumPy."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from edgeinfer.quantize.candidate import choose_grids
from edgeinfer.quantize.plan import make_plan
from edgeinfer.quantize.prepare import prepare
from edgeinfer.quantize.static import write_static
from edgeinfer.quantize.targets import choose_target
from oracles.integer_network import FloatNetwork
from quantize.written import Written

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


@pytest.fixture
def written(tensors_of: Callable) -> Callable[..., Written]:
    """Quantise with the extremes over three samples."""

    def write(
        network: FloatNetwork, *outputs: str, target: str = "x86-64-vnni", exclude: tuple = ()
    ) -> Written:
        prepared = prepare(network.model(*outputs).SerializeToString())
        plan = make_plan(prepared.network, exclude)
        samples = [network.sample(i) for i in range(3)]
        seen = tensors_of(prepared.network.model, samples)
        spans = {name: (float(v.min()), float(v.max())) for name, v in seen.items()}
        kind = choose_target(target)
        grids = choose_grids(prepared.network, plan, spans.__getitem__, kind)
        model = write_static(prepared.network, plan, grids, kind)
        onnx.checker.check_model(model, full_check=True)
        return model, plan, prepared.network

    return write


@pytest.fixture
def small() -> tuple[FloatNetwork, bytes]:
    """Two convolutions, some 6000 weights."""
    net = FloatNetwork(shape=(1, 3, 16, 16))
    first = net.node("Relu", [net.conv("x", 64, 3, kernel=3)])
    return net, net.model(net.conv(first, 64, 64, kernel=1)).SerializeToString()


@pytest.fixture
def folder(small: tuple[FloatNetwork, bytes], tmp_path: Path) -> Path:
    """A float model, samples, and an older file where the new one goes."""
    net, model = small
    work = tmp_path / "work"
    work.mkdir()
    (work / "model.onnx").write_bytes(model)
    (work / "out.onnx").write_bytes(b"old")
    for i in range(3):
        np.save(work / f"{i}.npy", net.sample(i))
    return work
