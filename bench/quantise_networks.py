"""Build the benchmark's model files: float, U8S8 and S8S8, by onnxruntime's own quantiser.

    python bench/quantise_networks.py      prints the paths

The int8 files are plain ``quantize_static`` output (QDQ, weights int8 per channel, MinMax,
everything else default), since that is what people run. The default also quantises around the
final Resize, so the segmentation files end in

    Add -> QuantizeLinear -> DequantizeLinear -> Resize
        -> QuantizeLinear -> DequantizeLinear -> logits

with one scale for both pairs. U8S8 and S8S8 differ in the activation type alone.

Files are kept under ``bench/.cache/<network>-<digest>/``, the digest covering these sources and the
versions of onnx and onnxruntime, so a change of either builds anew.
"""

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

import classifiers
import networks
from frames import natural_frame
from layers import INPUT
from peers import common_preprocess, one_thread_session

BENCH = Path(__file__).resolve().parent
SOURCES = (
    "frames.py",
    "classifiers.py",
    "layers.py",
    "mobilenet.py",
    "networks.py",
    "peers/arrays.py",
    "peers/opencv.py",
    "quantise_networks.py",
)
# Apart from the seeds of the timed frames, so that no file was fitted to what it is timed on.
CALIBRATION_SEEDS = range(1000, 1016)
# The quantiser's name for the dequantised low resolution logits, the input of the last Resize.
QUANTISED_LOW_LOGITS = f"{networks.LOW_LOGITS}_DequantizeLinear_Output"


@dataclass(frozen=True)
class NetworkFiles:
    """Paths of one network in three number formats."""

    float32: Path
    u8s8: Path
    s8s8: Path


def network_files() -> NetworkFiles:
    """The segmentation network, built on the first call (about a minute) and cached after."""
    return _quantised(_kept("segmentation", _build_segmentation))


def classifier_files() -> NetworkFiles:
    """MobileNetV2, built on the first call (half a minute) and cached after."""
    return _quantised(_kept("mobilenet_v2", _build_mobilenet_v2))


def resnet50_file() -> Path:
    """ResNet50, float32, 102 MB."""
    return _kept("resnet50", _build_resnet50) / "float32.onnx"


def _quantised(folder: Path) -> NetworkFiles:
    return NetworkFiles(*(folder / f"{name}.onnx" for name in ("float32", "u8s8", "s8s8")))


def _kept(name: str, build: Callable[[Path], None]) -> Path:
    folder = BENCH / ".cache" / f"{name}-{_digest()}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        # Built aside and renamed: an interrupted build leaves no folder that looks complete.
        with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as scratch:
            build(Path(scratch))
            with contextlib.suppress(FileExistsError):  # another process was faster
                Path(scratch).rename(folder)
    return folder


def _digest() -> str:
    digest = hashlib.sha256(f"onnx {onnx.__version__} onnxruntime {ort.__version__}".encode())
    for source in SOURCES:
        digest.update((BENCH / source).read_bytes())
    return digest.hexdigest()[:16]


def _calibration(size: tuple[int, int]) -> list[NDArray[np.float32]]:
    return [common_preprocess(natural_frame(seed), size) for seed in CALIBRATION_SEEDS]


def _build_segmentation(folder: Path) -> None:
    inputs = _calibration(networks.SIZE)
    model = networks.segmentation_network()
    networks.standardise_classifier(model, *_class_moments(model, inputs))
    _save(model, inputs, folder)


def _build_mobilenet_v2(folder: Path) -> None:
    inputs = _calibration(classifiers.SIZE)
    model = classifiers.mobilenet_v2()
    session = one_thread_session(model.SerializeToString())
    scores = [session.run(None, {INPUT: tensor})[0] for tensor in inputs]
    classifiers.centre_scores(model, scores)
    _save(model, inputs, folder)


def _build_resnet50(folder: Path) -> None:
    onnx.save(classifiers.resnet50(), folder / "float32.onnx")


def _save(model: onnx.ModelProto, inputs: list[NDArray[np.float32]], folder: Path) -> None:
    """The float file and the two that are quantised from it, activations calibrated on inputs."""
    float_file = folder / "float32.onnx"
    onnx.save(model, float_file)
    for name, activations in (("u8s8", QuantType.QUInt8), ("s8s8", QuantType.QInt8)):
        quantize_static(
            float_file,
            folder / f"{name}.onnx",
            _Samples(inputs),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=activations,
            weight_type=QuantType.QInt8,
        )


def _class_moments(
    model: onnx.ModelProto, inputs: Iterable[NDArray[np.float32]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of the low resolution logits, per class."""
    session = one_thread_session(networks.without_upsample(model).SerializeToString())
    logits = np.concatenate([session.run(None, {INPUT: tensor})[0] for tensor in inputs])
    return logits.mean((0, 2, 3)), logits.std((0, 2, 3))


class _Samples(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
    def __init__(self, inputs: Iterable[NDArray[np.float32]]) -> None:
        self._inputs = iter(inputs)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        tensor = next(self._inputs, None)
        return None if tensor is None else {INPUT: tensor}


if __name__ == "__main__":
    built = (*asdict(network_files()).values(), *asdict(classifier_files()).values())
    for path in (*built, resnet50_file()):
        print(path, path.stat().st_size, "bytes")
