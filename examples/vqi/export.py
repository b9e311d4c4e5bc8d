"""The trained network as a self-contained ONNX file, checked against PyTorch."""

from __future__ import annotations

import copy
import hashlib
import json
import platform
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import PIL
import torch
from dataset import to_input
from network import MEAN, SIZE_HW, STD
from numpy.typing import NDArray
from render import CLASSES
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

OPSET = 17
PARITY = 1e-4  # logits; both runtimes use float32 but sum in different orders


def fold(model: nn.Module) -> nn.Module:
    """A copy in evaluation mode whose batch normalisations are folded into the convolutions."""
    folded = copy.deepcopy(model).eval()
    for block in folded.modules():
        if not isinstance(block, nn.Sequential) or len(block) < 2:
            continue
        first, second = block[0], block[1]
        if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
            block[0], block[1] = fuse_conv_bn_eval(first, second), nn.Identity()
    return folded


def export(model: nn.Module, path: Path) -> str:
    """Write ``model`` to ``path`` for one picture of SIZE_HW; return the file's SHA-256."""
    folded = fold(model).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    with warnings.catch_warnings():
        # The TorchScript exporter needs no further package; its successor wants onnxscript.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            folded,
            (torch.zeros(1, 3, *SIZE_HW),),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=["image"],
            output_names=["logits"],
        )
    graph = onnx.load(path)
    onnx.checker.check_model(graph, full_check=True)
    kinds = {node.op_type for node in graph.graph.node}
    if "BatchNormalization" in kinds or graph.graph.node[-1].op_type != "Resize":
        raise RuntimeError(f"export: expected folded convolutions ending in Resize, found {kinds}")
    graph.producer_name, graph.producer_version = "edgeinfer examples/vqi", ""
    graph.graph.name = "vqi_light"
    data = graph.SerializeToString(deterministic=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def parity(model: nn.Module, path: Path, images: NDArray[np.uint8]) -> float:
    """Largest difference of the logits between PyTorch and ONNX Runtime over ``images``.

    Raises:
        RuntimeError: it exceeds PARITY.
    """
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    model.eval()
    worst = 0.0
    for image in images:
        pixels = to_input(image[None])
        with torch.no_grad():
            wanted = model(pixels).numpy()
        (found,) = session.run(None, {"image": np.ascontiguousarray(pixels.numpy())})
        worst = max(worst, float(np.abs(found - wanted).max()))
    if worst > PARITY:
        raise RuntimeError(f"parity: logits differ by {worst:.2e}, allowed {PARITY:.0e}")
    return worst


def write_recipe(folder: Path) -> None:
    """labels.txt and recipe.json: all a caller needs to feed the model and name its classes."""
    recipe = {
        "size": list(SIZE_HW),
        "resize": "PIL_BILINEAR",
        "fit": "STRETCH",
        "color": "RGB",
        "scale": 1 / 255,
        "mean": list(MEAN),
        "std": list(STD),
    }
    (folder / "recipe.json").write_text(json.dumps(recipe, indent=2) + "\n")
    (folder / "labels.txt").write_text("\n".join(CLASSES) + "\n")


def versions() -> dict[str, str]:
    """Versions that the result depends on."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "torch": torch.__version__,
        "onnx": onnx.__version__,
        "onnxruntime": onnxruntime.__version__,
        "machine": platform.machine(),
    }
