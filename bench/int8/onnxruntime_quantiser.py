"""onnxruntime's own calibration and static quantisation, as its documentation tells to use them.

Its pre-processing (shape inference and optimisation) comes first; weights are int8 with a scale for
each channel, activations uint8 where this CPU multiplies such, else int8.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    create_calibrator,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

Feed = dict[str, NDArray[np.float32]]
METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
}


class _Samples(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
    def __init__(self, feeds: Iterable[Feed]) -> None:
        self._feeds: Iterator[Feed] = iter(feeds)

    def get_next(self) -> Feed | None:
        return next(self._feeds, None)


def calibrate(
    model: Path, feeds: Iterable[Feed], method: str, scratch: Path
) -> dict[str, tuple[float, float]]:
    """Least and greatest value of each tensor that it observes, seen on the way to its ranges."""
    calibrator = create_calibrator(
        model,
        augmented_model_path=str(scratch / "augmented.onnx"),
        calibrate_method=METHODS[method],
    )
    calibrator.collect_data(_Samples(feeds))
    calibrator.compute_data()
    seen: dict[str, Any] = calibrator.collector.histogram_dict
    return {name: (float(one[2]), float(one[3])) for name, one in seen.items()}


def quantise(
    model: Path, out: Path, feeds: Iterable[Feed], *, method: str, unsigned: bool, scratch: Path
) -> None:
    """Write the int8 file."""
    prepared = scratch / "prepared.onnx"
    quant_pre_process(model, prepared)
    quantize_static(
        prepared,
        out,
        _Samples(feeds),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8 if unsigned else QuantType.QInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=METHODS[method],
    )
