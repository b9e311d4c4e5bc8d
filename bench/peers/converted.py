"""Files for runtimes that read no ONNX, converted once and kept beside the ONNX file."""

import contextlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT_S = 120


def mnn_file(model: Path) -> Path:
    """``model`` as MNN's own converter writes it."""
    return _kept(model, ".mnn", ["mnnconvert", "-f", "ONNX", "--bizCode", "bench"], "--modelFile")


def ncnn_files(model: Path) -> tuple[Path, Path]:
    """Graph and weights of ``model`` by pnnx, float32."""
    graph = _kept(model, ".ncnn.param", ["pnnx"], "")
    return graph, graph.with_suffix(".bin")


def _kept(model: Path, suffix: str, command: list[str], flag: str) -> Path:
    kept = model.with_name(model.stem + suffix)
    if kept.exists():
        return kept
    program = shutil.which(command[0], path=str(Path(sys.executable).parent))
    if program is None:
        raise ImportError(f"{command[0]} is not installed")
    with tempfile.TemporaryDirectory(dir=model.parent, ignore_cleanup_errors=True) as scratch:
        source = Path(shutil.copy(model, scratch))
        made = source.with_name(kept.name)
        if flag:
            arguments = [program, *command[1:], flag, source.name, "--MNNModel", made.name]
        else:
            arguments = [program, source.name, "fp16=0"]
        done = subprocess.run(
            arguments, cwd=scratch, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        if not made.exists():
            raise RuntimeError(f"{command[0]} cannot convert: {(done.stdout + done.stderr)[-200:]}")
        # The graph goes last: a file that is there has its weights beside it.
        weights = made.with_suffix(".bin")
        for file in (weights, made):
            with contextlib.suppress(FileNotFoundError):
                file.replace(kept.with_name(file.name))
    return kept
