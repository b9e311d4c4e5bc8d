"""edgeinfer runs quantised ONNX vision models fast and safely on small devices.

Names are loaded on first use, so that ``import edgeinfer`` stays light.
"""

from __future__ import annotations

import sys
from importlib import import_module

# As type checkers take it too: importing typing takes as long as starting the interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from edgeinfer._core import __version__ as __version__
    from edgeinfer._runtime import RuntimeInfo as RuntimeInfo
    from edgeinfer._runtime import open_runtime as open_runtime
    from edgeinfer.binding import Binding as Binding
    from edgeinfer.binding import StageTimes as StageTimes
    from edgeinfer.calibrate import Ranges as Ranges
    from edgeinfer.calibrate import TensorRange as TensorRange
    from edgeinfer.calibrate import calibrate as calibrate
    from edgeinfer.cancellation import Cancellation as Cancellation
    from edgeinfer.decode import decode as decode
    from edgeinfer.diagnosis import Diagnosis as Diagnosis
    from edgeinfer.diagnosis import Finding as Finding
    from edgeinfer.diagnosis import doctor as doctor
    from edgeinfer.errors import BusyError as BusyError
    from edgeinfer.errors import CalibrationWarning as CalibrationWarning
    from edgeinfer.errors import EdgeInferError as EdgeInferError
    from edgeinfer.errors import InputError as InputError
    from edgeinfer.errors import ModelError as ModelError
    from edgeinfer.errors import ModelWarning as ModelWarning
    from edgeinfer.errors import PackageError as PackageError
    from edgeinfer.errors import RunError as RunError
    from edgeinfer.frame import Frame as Frame
    from edgeinfer.frame import PixelFormat as PixelFormat
    from edgeinfer.inspection import ModelFacts as ModelFacts
    from edgeinfer.inspection import inspect as inspect
    from edgeinfer.options import SessionOptions as SessionOptions
    from edgeinfer.placement import Placement as Placement
    from edgeinfer.postprocess.classification import classify as classify
    from edgeinfer.postprocess.segmentation import segment as segment
    from edgeinfer.preprocess import Fit as Fit
    from edgeinfer.preprocess import Prepared as Prepared
    from edgeinfer.preprocess import Preprocess as Preprocess
    from edgeinfer.preprocess import Resize as Resize
    from edgeinfer.quantize import QuantizeReport as QuantizeReport
    from edgeinfer.quantize import quantize as quantize
    from edgeinfer.result import Classes as Classes
    from edgeinfer.result import Mask as Mask
    from edgeinfer.session import Session as Session
    from edgeinfer.specs import QuantizedInput as QuantizedInput
    from edgeinfer.specs import TensorSpec as TensorSpec
    from edgeinfer.stats import SessionStats as SessionStats

_HOME = {
    "__version__": "_core",
    "RuntimeInfo": "_runtime",
    "open_runtime": "_runtime",
    "Binding": "binding",
    "StageTimes": "binding",
    "Ranges": "calibrate",
    "TensorRange": "calibrate",
    "calibrate": "calibrate",
    "Cancellation": "cancellation",
    "decode": "decode",
    "Diagnosis": "diagnosis",
    "Finding": "diagnosis",
    "doctor": "diagnosis",
    "BusyError": "errors",
    "CalibrationWarning": "errors",
    "EdgeInferError": "errors",
    "InputError": "errors",
    "ModelError": "errors",
    "ModelWarning": "errors",
    "PackageError": "errors",
    "RunError": "errors",
    "Frame": "frame",
    "PixelFormat": "frame",
    "ModelFacts": "inspection",
    "inspect": "inspection",
    "SessionOptions": "options",
    "classify": "postprocess.classification",
    "segment": "postprocess.segmentation",
    "Fit": "preprocess",
    "Placement": "placement",
    "Prepared": "preprocess",
    "Preprocess": "preprocess",
    "Resize": "preprocess",
    "QuantizeReport": "quantize",
    "quantize": "quantize",
    "Classes": "result",
    "Mask": "result",
    "QuantizedInput": "specs",
    "Session": "session",
    "TensorSpec": "specs",
    "SessionStats": "stats",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'edgeinfer' has no attribute {name!r}")
    value = getattr(import_module(f"edgeinfer.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(type(sys)):  # type: ignore[misc]
    """Keeps ``edgeinfer.decode`` a function: an import enters each module under its own name."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _HOME or not isinstance(value, type(sys)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
