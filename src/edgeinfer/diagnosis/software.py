"""Findings about what is installed: Python, packages, the compiled core, the runtime's library."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from edgeinfer.diagnosis.findings import Finding
from edgeinfer.errors import EdgeInferError

__all__ = ["core_findings", "package_findings", "runtime_findings"]

_LEAST_PYTHON: Final = (3, 11)
_TRIED_RUNTIME: Final = (1, 31)  # the newest that the tests have seen
_LEAST_NUMPY: Final = (1, 26)


def package_findings() -> Iterator[Finding]:
    """Python and the packages that frames and pictures need."""
    yield _python()
    yield _package(
        "numpy",
        "numpy",
        absent=Finding(
            "numpy",
            "failed",
            "not installed",
            "NumPy 1.26 or newer",
            "pip install --upgrade numpy",
        ),
        least=_LEAST_NUMPY,
    )
    yield _package(
        "pillow",
        "PIL.Image",
        absent=Finding(
            "pillow",
            "warning",
            "not installed",
            "Pillow for image files; arrays need none",
            "pip install --upgrade pillow",
        ),
    )
    yield _package(
        "ml_dtypes",
        "ml_dtypes",
        absent=Finding(
            "ml_dtypes", "ok", "not installed; only bfloat16, float8 and 4 bits need it"
        ),
    )


def core_findings() -> Iterator[Finding]:
    """The compiled core: whether it loads, and what it makes of the CPU."""
    try:
        core = import_module("edgeinfer._core")
    except ImportError as error:
        yield Finding("core", "failed", _one_line(error), "edgeinfer._core", _core_remedy())
        return
    installed = _version("edgeinfer")
    if installed is not None and installed != core.__version__:
        yield Finding(
            "core",
            "failed",
            f"compiled core {core.__version__} beside edgeinfer {installed}",
            "one version",
            "pip install --force-reinstall edgeinfer",
        )
    else:
        yield Finding("core", "ok", f"edgeinfer {core.__version__}")
    yield _cpu()


def runtime_findings() -> Iterator[Finding]:
    """ONNX Runtime's library: found where and why, how old, alone, and silent."""
    before = _mapped("libonnxruntime")
    try:
        from edgeinfer._library import PATH_VARIABLE, carried, open_library

        path, version = open_library()
    except ImportError:
        yield Finding(
            "onnxruntime", "failed", "not looked for, as the core does not load", "", "see core"
        )
        return
    except EdgeInferError as error:
        yield Finding(
            "onnxruntime",
            "failed",
            _one_line(error),
            "ONNX Runtime 1.20 or newer",
            "unset EDGEINFER_ONNXRUNTIME, or correct it"
            if os.environ.get("EDGEINFER_ONNXRUNTIME")
            else "pip install --upgrade onnxruntime",
        )
        return
    if os.environ.get(PATH_VARIABLE):
        why = f"named by {PATH_VARIABLE}"
    elif path in before:
        why = "the process held it already"
    elif path in carried():
        why = "carried by the onnxruntime package"
    else:
        why = "the system's"
    found = f"{version}, {path} ({why})"
    if _numbers(version) > _TRIED_RUNTIME:
        newest = ".".join(map(str, _TRIED_RUNTIME))
        yield Finding(
            "onnxruntime",
            "note",
            found,
            f"up to {newest}, the newest that edgeinfer's tests have seen",
            f"if something is odd, compare with `pip install 'onnxruntime<={newest}.99'`",
        )
    else:
        yield Finding("onnxruntime", "ok", found)
    yield _second_runtime()
    yield _telemetry()


def _python() -> Finding:
    bits = 64 if sys.maxsize > 1 << 32 else 32
    found = f"{platform.python_version()}, {bits} bits, {platform.machine()}"
    wanted = "Python 3.11 or newer of 64 bits"
    if sys.version_info[:2] < _LEAST_PYTHON or bits != 64:
        return Finding(
            "python",
            "failed",
            found,
            wanted,
            "a 64-bit operating system with a newer Python, such as Raspberry Pi OS (64-bit)",
        )
    return Finding("python", "ok", found)


def _package(
    name: str, module: str, *, absent: Finding, least: tuple[int, int] | None = None
) -> Finding:
    """A package that is there, or ``absent``; imported, as a wheel of another ABI fails then."""
    found = _version(name)
    try:
        imported = import_module(module)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and found is None:
            return absent
        return Finding(
            name,
            "failed" if absent.state == "failed" else "warning",
            f"{found or 'installed'}, but it does not load: {_one_line(error)}",
            f"a {name} built for this Python and this system",
            f"pip install --force-reinstall {name}",
        )
    found = found or str(getattr(imported, "__version__", "unknown version"))
    if least is not None and _numbers(found) < least:
        wanted = ".".join(map(str, least))
        return Finding(name, "failed", found, f"{wanted} or newer", f"pip install --upgrade {name}")
    return Finding(name, "ok", found)


def _core_remedy() -> str:
    here = Path(__file__).resolve().parents[1]
    built = sorted(path.name for path in here.glob("_core*.so"))
    if not built:
        return (
            f"no compiled module lies in {here}: install a wheel (pip install edgeinfer) rather "
            "than running from the source tree"
        )
    tag = sys.implementation.cache_tag
    return (
        f"there is {', '.join(built)}, this Python is {tag} on {platform.machine()}: "
        "pip install --force-reinstall --no-cache-dir edgeinfer"
    )


def _cpu() -> Finding:
    from edgeinfer import _core

    mask = os.environ.get("EDGEINFER_CPU")
    try:
        features = _core.cpu_features()
    except EdgeInferError as error:
        return Finding(
            "cpu features", "failed", _one_line(error), "", "unset EDGEINFER_CPU, or correct it"
        )
    found = features or "none"
    if mask is not None:
        return Finding(
            "cpu features",
            "note",
            f"{found}, limited by EDGEINFER_CPU={mask}",
            f"all that the CPU has: {_core.cpu_features(limited=False) or 'none'}",
            "unset EDGEINFER_CPU, unless this is a test",
        )
    if not features:
        return Finding(
            "cpu features",
            "note",
            "none that the kernels know",
            "AVX2 or NEON; the scalar kernels give the same results, slower",
        )
    return Finding("cpu features", "ok", found)


def _second_runtime() -> Finding:
    modules = _mapped("onnxruntime_pybind11_state")
    if "onnxruntime" in sys.modules or modules:
        return Finding(
            "second runtime",
            "warning",
            "the Python module onnxruntime is imported too: it holds a runtime of its own",
            "one runtime in memory; the second takes some 30 MB and threads of its own",
            "do not import onnxruntime in this process; docs/from-onnxruntime.md",
        )
    return Finding("second runtime", "ok", "none: the module onnxruntime is not imported")


def _telemetry() -> Finding:
    # open_runtime has set the variable, unless somebody had.
    value = os.environ.get("ORT_DISABLE_TELEMETRY", _c_environment("ORT_DISABLE_TELEMETRY"))
    if value == "1":
        return Finding("telemetry", "ok", "the runtime's usage reporting is off")
    return Finding(
        "telemetry",
        "note",
        f"ORT_DISABLE_TELEMETRY={value}: the runtime decides about its usage reporting",
        "1, which edgeinfer sets where nothing is said",
        "unset ORT_DISABLE_TELEMETRY",
    )


def _c_environment(name: str) -> str | None:
    """What C code has set in the environment, which Python copied when it started."""
    import ctypes

    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_char_p
    value: bytes | None = getenv(name.encode())
    return None if value is None else value.decode(errors="replace")


def _mapped(part: str) -> set[str]:
    """Paths of the files in this process's memory whose name holds ``part``."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as lines:
            paths = {line.split(None, 5)[-1].strip() for line in lines if part in line}
    except OSError:
        return set()
    return {path for path in paths if path.startswith("/")}


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
