"""The public names, and that importing them stays light."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import edgeinfer

HEAVY = {"onnx", "onnxruntime", "google.protobuf", "PIL", "torch", "cv2", "ml_dtypes"}

PUBLIC = {
    "Binding", "BusyError", "CalibrationWarning", "Cancellation", "Classes", "Diagnosis",
    "EdgeInferError", "Finding", "Fit", "Frame", "InputError", "Mask", "ModelError", "ModelFacts",
    "ModelWarning", "PackageError", "PixelFormat", "Placement", "Prepared", "Preprocess",
    "QuantizeReport", "QuantizedInput", "Ranges", "Resize", "RunError", "RuntimeInfo", "Session",
    "SessionOptions", "SessionStats", "StageTimes", "TensorRange", "TensorSpec", "__version__",
    "calibrate", "classify", "decode", "doctor", "inspect", "open_runtime", "quantize", "segment",
}  # fmt: skip


def imported_by(code: str) -> set[str]:
    """Names of the modules that a fresh interpreter holds after running code."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_public_names_are_these() -> None:
    assert set(edgeinfer.__all__) == PUBLIC
    assert set(dir(edgeinfer)) == PUBLIC


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_name_loads(name: str) -> None:
    assert getattr(edgeinfer, name) is not None


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        edgeinfer.nothing  # noqa: B018


def test_import_loads_neither_numpy_nor_the_core() -> None:
    modules = imported_by("import edgeinfer, edgeinfer.errors")
    assert "numpy" not in modules
    assert "edgeinfer._core" not in modules


def test_session_loads_nothing_heavy() -> None:
    modules = imported_by("import edgeinfer; edgeinfer.Session; edgeinfer.Preprocess")
    assert modules & HEAVY == set()
    assert "edgeinfer._core" in modules


def test_running_a_model_loads_nothing_heavy(project: Path) -> None:
    model = project / "examples" / "vqi" / "model" / "vqi_light.onnx"
    modules = imported_by(
        "import numpy as np, edgeinfer as ei\n"
        f"s = ei.Session({str(model)!r}, threads=1)\n"
        "p = ei.Preprocess((320, 320))\n"
        "s.segment(p(np.zeros((48, 64, 3), np.uint8)).tensor)\n"
        "s.run(p(np.zeros((48, 64, 3), np.uint8)).tensor)"
    )
    assert modules & HEAVY == set()


def test_versions_agree(project: Path) -> None:
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    declared = re.search(r'^version = "(.+)"$', text, re.MULTILINE)
    assert declared is not None
    assert edgeinfer.__version__ == declared.group(1)


def test_error_tree() -> None:
    for name in ("InputError", "ModelError", "PackageError", "RunError", "BusyError"):
        assert issubclass(getattr(edgeinfer, name), edgeinfer.EdgeInferError)
    assert issubclass(edgeinfer.InputError, ValueError)
    assert edgeinfer.RunError("text", "timeout").reason == "timeout"


def test_a_session_can_be_named_before_numpy_is_there() -> None:
    code = (
        "import sys, edgeinfer; edgeinfer.Session; edgeinfer.SessionOptions; "
        "wrong = {'numpy', 'concurrent.futures', 'logging'} & set(sys.modules); "
        "assert not wrong, wrong"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_takes_long_to_import_waits_for_the_first_session() -> None:
    modules = imported_by("import edgeinfer; edgeinfer.Session")
    # Before the library opens; the first session imports them beside that.
    late = {"typing", "dataclasses", "inspect", "re", "importlib.util", "glob", "pathlib"}
    assert modules & late == set()
    assert "edgeinfer.options" not in modules


def test_a_module_never_takes_the_name_of_a_function() -> None:
    code = (
        "from edgeinfer.calibrate import Ranges\n"
        "from edgeinfer.decode import decode\n"
        "import edgeinfer as ei\n"
        "assert ei.decode is decode and ei.Ranges is Ranges\n"
        "assert callable(ei.calibrate) and callable(ei.decode)"
    )
    assert "edgeinfer.calibrate" in imported_by(code)


def test_calibrating_loads_nothing_heavy(tmp_path: Path, shared_data: Path) -> None:
    model = shared_data / "models" / "vww_mobilenet_v1_0.25_96.onnx"
    modules = imported_by(
        "import numpy as np, edgeinfer as ei\n"
        "frames = list(np.random.default_rng(0).integers(0, 256, (33, 9, 9, 3), np.uint8))\n"
        f"ei.calibrate({str(model)!r}, frames, preprocess=ei.Preprocess((96, 96)))"
        f".save({str(tmp_path / 'vww.ranges')!r})"
    )
    assert modules & HEAVY == set()
