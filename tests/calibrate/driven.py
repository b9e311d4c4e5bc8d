"""A small network, and samples of every kind that say the same."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

import edgeinfer as ei

SIZE = (16, 16)
RECIPE = ei.Preprocess(SIZE, scale=1 / 127.5, mean=(1, 1, 1))


def network(seed: int = 1, batch: int | str = 1) -> bytes:
    """Conv, Relu, GlobalAveragePool, Flatten, Gemm on (1, 3, 16, 16)."""
    random = np.random.default_rng(seed)
    weights = {
        "w": random.standard_normal((4, 3, 3, 3)).astype(np.float32),
        "d": random.standard_normal((4, 5)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["conv"], name="first", strides=[2, 2]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("GlobalAveragePool", ["relu"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "d"], ["y"], name="last"),
    ]
    return serialised(nodes, weights, [batch, 3, *SIZE], [batch, 5])


def serialised(
    nodes: list[onnx.NodeProto],
    weights: dict[str, NDArray[Any]],
    taken: list[int | str],
    given: list[int | str],
) -> bytes:
    """A model from x to y."""
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, taken)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, given)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def pictures(count: int, seed: int = 5) -> list[NDArray[np.uint8]]:
    """Noise with as much red as blue, no two alike."""
    random = np.random.default_rng(seed)
    return [random.integers(0, 256, (20, 24, 3)).astype(np.uint8) for _ in range(count)]


def photo_folder(folder: Path, count: int = 40) -> Path:
    """The pictures as PNG files, some of them in a folder inside, and a file that is none."""
    (folder / "more").mkdir(parents=True)
    for number, pixels in enumerate(pictures(count)):
        # Folders inside come behind the files beside them.
        inside = folder / "more" if number >= count - 4 else folder
        Image.fromarray(pixels).save(inside / f"{number:04}.png")
    (folder / "notes.md").write_text("no picture")
    return folder


def arrays(count: int = 40) -> list[dict[str, NDArray[Any]]]:
    """The same, ready to run."""
    return [{"x": RECIPE(pixels).tensor} for pixels in pictures(count)]


def states(ranges: ei.Ranges) -> dict[str, bytes]:
    """Everything that is known of each tensor, to the last bit."""
    return {one.name: ranges.statistics(one.name).state() for one in ranges.tensors}
