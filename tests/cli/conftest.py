"""Real processes, and models small enough to know the answer by heart."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def edgeinfer() -> Run:
    """``python -m edgeinfer ARGUMENTS``, which never prints a traceback, whatever happens."""

    def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "edgeinfer", *map(str, arguments)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=False, cwd=cwd
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return done

    return run


def save(path: Path, nodes: list[onnx.NodeProto], outputs: list[tuple[str, list[object]]]) -> Path:
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scores are the means of red, green and blue, 0 to 1."""
    pool = helper.make_node("GlobalAveragePool", ["image"], ["pooled"])
    flat = helper.make_node("Flatten", ["pooled"], ["scores"])
    path = tmp_path_factory.mktemp("models") / "classifier.onnx"
    return save(path, [pool, flat], [("scores", [1, 3])])


@pytest.fixture(scope="session")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logits are red, green and blue, at a quarter of the size and upsampled again."""
    pool = helper.make_node("AveragePool", ["image"], ["low"], kernel_shape=[4, 4], strides=[4, 4])
    scales = helper.make_node("Constant", [], ["scales"], value_floats=[1.0, 1.0, 4.0, 4.0])
    up = helper.make_node(
        "Resize",
        ["low", "", "scales"],
        ["logits"],
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )
    path = tmp_path_factory.mktemp("models") / "segmenter.onnx"
    return save(path, [pool, scales, up], [("logits", [1, 3, 32, 32])])


@pytest.fixture(scope="session")
def bytes_classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scores are the means of red, green and blue bytes, 0 to 255; channels last, uint8."""
    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("GlobalAveragePool", ["planes"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "bytes",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 32, 32, 3])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path_factory.mktemp("models") / "bytes.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture(scope="session")
def dequantizing_classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scores are the means of red, green and blue, 0 to 1, of an int8 input of its own scale."""
    nodes = [
        helper.make_node("DequantizeLinear", ["image", "scale", "zero"], ["floats"]),
        helper.make_node("GlobalAveragePool", ["floats"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "dequantizing",
        [helper.make_tensor_value_info("image", TensorProto.INT8, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 3])],
        [
            helper.make_tensor("scale", TensorProto.FLOAT, [], [1 / 200]),
            helper.make_tensor("zero", TensorProto.INT8, [], [-100]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path_factory.mktemp("models") / "dequantizing.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture(scope="session")
def two_outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image itself and its logarithm, which is not finite where the image is black."""
    same = helper.make_node("Identity", ["image"], ["same"])
    log = helper.make_node("Log", ["image"], ["log"])
    shape: list[object] = [1, 3, 32, 32]
    path = tmp_path_factory.mktemp("models") / "two.onnx"
    return save(path, [same, log], [("same", shape), ("log", shape)])


COLOURS = {"red": (250, 10, 5), "green": (10, 240, 5), "blue": (5, 10, 230)}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder: red.png, green.jpg, blue.bmp, a text, and a folder with halves.webp."""
    folder = tmp_path / "pictures"
    (folder / "deeper").mkdir(parents=True)
    for (name, colour), suffix in zip(COLOURS.items(), (".png", ".jpg", ".bmp"), strict=True):
        Image.new("RGB", (64, 48), colour).save(folder / f"{name}{suffix}")
    (folder / "notes.txt").write_text("not an image")
    halves = np.empty((40, 40, 3), np.uint8)
    halves[:, :20], halves[:, 20:] = COLOURS["red"], COLOURS["blue"]
    Image.fromarray(halves).save(folder / "deeper" / "halves.webp", lossless=True)
    return folder


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.txt"
    path.write_text("red\ngreen\nblue\n")
    return path
