"""From the start of a process to the first result, and the memory that takes.

Each side is a small program in a process of its own. It says when its first result was there, by
the clock that all processes of a machine share, so that the end of the process is not counted; the
parent says when it began. The sides take turns, and their answers are compared before anything is
told. The first turn warms the page cache and whatever caches a side keeps, and is dropped.

    python bench/cold_start.py MODEL.onnx [MODEL.tflite]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from peers.attendance import Attendance
from quantise_networks import classifier_files
from rows import Figure, Outcome
from timing import NS_PER_MS, Ratio, Timings

KB_PER_MB = 1024
ROUNDS = 15
# One network in two formats: the converter folds and orders sums anew.
CLOSE = 1e-3
# Of probabilities or logits: ours and onnxruntime's run the same kernels.
SAME = 1e-5

# Ends every program. The peak is read in the process itself: what wait4 tells of a child includes
# the memory of the parent that it was forked off.
_END = """
import time
first = time.monotonic_ns()
answer = np.ascontiguousarray(answer, np.float32)
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if "VmHWM" in line)
with open(sys.argv[3], "wb") as file:
    file.write(np.array([first, peak], np.int64).tobytes() + answer.tobytes())
"""

_ONNXRUNTIME = """
import sys
import numpy as np
import onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
spec = session.get_inputs()[0]
tensor = np.fromfile(sys.argv[2], np.float32).reshape(spec.shape)
answer = session.run(None, {spec.name: tensor})[0]
"""

# The session comes first: it loads beside NumPy's import, on a second core where there is one. The
# network runs in one thread, as on every side.
_EDGEINFER = """
import sys
import edgeinfer
session = edgeinfer.Session(sys.argv[1], threads=1)
import numpy as np
tensor = np.fromfile(sys.argv[2], np.float32).reshape(session.inputs[0].shape)
answer = session.run(tensor)[session.outputs[0].name]
"""

_NUMPY_FIRST = "import numpy\n" + _EDGEINFER

_LITERT = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
spec = interpreter.get_input_details()[0]
tensor = np.fromfile(sys.argv[2], np.float32).reshape(SHAPE)
if tensor.shape[1] == 3:  # a converter made the network read channels last
    tensor = tensor if spec["shape"][1] == 3 else np.ascontiguousarray(tensor.transpose(0, 2, 3, 1))
interpreter.set_tensor(spec["index"], tensor)
interpreter.invoke()
answer = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
"""


@dataclass(frozen=True)
class Program:
    """One side: the text of a program, the file that it loads, and how near its answer has to be.

    The text finds the model in ``sys.argv[1]`` and the input, float32, in ``sys.argv[2]``; it
    leaves its answer in ``answer`` and NumPy in ``np``.
    """

    text: str
    model: Path
    bound: float


@dataclass(frozen=True)
class ColdStarts:
    """Milliseconds to the first result, and peak memory in MB (2**20 bytes), by side."""

    times: Timings
    peaks_mb: Mapping[str, NDArray[np.float64]]

    def peak_mb(self, side: str) -> float:
        return float(np.median(self.peaks_mb[side]))

    def time_ratio(self, side: str, other: str) -> Ratio:
        return self.times.ratio(side, other)

    def peak_ratio(self, side: str, other: str) -> float:
        return self.peak_mb(side) / self.peak_mb(other)


def programs(model: Path, tflite: Path | None = None) -> dict[str, Program]:
    """The sides by name: onnxruntime, edgeinfer (NumPy imported behind it and before it), LiteRT.

    Args:
        model: ONNX file of one float32 input of fixed shape.
        tflite: the same network, converted; None leaves LiteRT out.
    """
    sides = {
        "onnxruntime": Program(_ONNXRUNTIME, model, SAME),
        "edgeinfer": Program(_EDGEINFER, model, SAME),
        "edgeinfer, numpy first": Program(_NUMPY_FIRST, model, SAME),
    }
    if tflite is not None:
        text = _LITERT.replace("SHAPE", repr(_input_shape(model)))
        sides["LiteRT"] = Program(text, tflite, CLOSE)
    return sides


def cold_starts(
    sides: Mapping[str, Program], *, rounds: int = ROUNDS, warmup: int = 2, seed: int = 0
) -> ColdStarts:
    """Start every side once a round, in an order drawn anew, and compare all their answers.

    Raises:
        AssertionError: an answer is further from the first side's than its bound.
        RuntimeError: a program failed; the text is what it wrote to stderr.
    """
    rng = np.random.default_rng(seed)
    names = list(sides)
    reference: NDArray[np.float32] | None = None
    times = {name: np.empty(rounds) for name in names}
    peaks = {name: np.empty(rounds) for name in names}
    with tempfile.TemporaryDirectory() as folder:
        tensor = Path(folder, "input")
        shape = _input_shape(sides[names[0]].model)
        rng.standard_normal(shape).astype(np.float32).tofile(tensor)
        for number in range(-warmup, rounds):
            order = range(len(names)) if reference is None else rng.permutation(len(names))
            for index in order:
                name = names[index]
                took_ms, peak_mb, answer = _start(sides[name], tensor, Path(folder, "answer"))
                reference = answer if reference is None else reference
                _require_near(name, answer, reference, sides[name].bound)
                if number >= 0:
                    times[name][number], peaks[name][number] = took_ms, peak_mb
    return ColdStarts(Timings(times), peaks)


def _start(side: Program, tensor: Path, answer: Path) -> tuple[float, float, NDArray[np.float32]]:
    call = [sys.executable, "-c", side.text + _END, str(side.model), str(tensor), str(answer)]
    start = time.monotonic_ns()
    child = subprocess.run(call, stderr=subprocess.PIPE, text=True, check=False)
    if child.returncode != 0:
        raise RuntimeError(f"a side failed with status {child.returncode}:\n{child.stderr}")
    content = answer.read_bytes()
    first, peak_kb = np.frombuffer(content[:16], np.int64)
    took_ms = (int(first) - start) / NS_PER_MS
    return took_ms, int(peak_kb) / KB_PER_MB, np.frombuffer(content[16:], np.float32)


def _require_near(
    name: str, answer: NDArray[np.float32], reference: NDArray[np.float32], bound: float
) -> None:
    scale = max(1.0, float(np.abs(reference).max()))
    if answer.shape != reference.shape or np.abs(answer - reference).max() > bound * scale:
        raise AssertionError(f"{name}: another answer than the first side's")


def _input_shape(model: Path) -> tuple[int, ...]:
    spec = onnxruntime.InferenceSession(
        os.fspath(model), providers=["CPUExecutionProvider"]
    ).get_inputs()[0]
    return tuple(spec.shape)


def converted(model: Path, folder: Path, attendance: Attendance) -> Path | None:
    """The TFLite file of ``model`` in ``folder``; None where there is no LiteRT."""
    with attendance.of("LiteRT"):
        from peers.tflite_file import tflite_bytes

        target = folder / "model.tflite"
        target.write_bytes(tflite_bytes(onnx.load(model)))
        return target
    return None


def measure() -> Outcome:
    """The row of the table: MobileNetV2, float32; the turns that do not count fill the cache."""
    attendance = Attendance()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EDGEINFER_CACHE"] = folder
        model = classifier_files().float32
        sides = programs(model, converted(model, Path(folder), attendance))
        found = cold_starts(sides)
    memory = Timings(found.peaks_mb)

    def figure(
        of: str, timings: Timings, wanted: float | None, aim: float | None, *sides: str
    ) -> Figure:
        ratio = timings.ratio(*sides)
        return Figure(f"{of} / {sides[1]}'s", ratio, wanted, aim, at_most=True)

    figures = [
        figure("time", found.times, 0.65, None, "edgeinfer", "onnxruntime"),
        figure("peak memory", memory, 0.8, None, "edgeinfer", "onnxruntime"),
    ]
    if "LiteRT" in sides:
        figures += [
            figure("time", found.times, None, 1, "edgeinfer", "LiteRT"),
            figure("peak memory", memory, None, 1, "edgeinfer", "LiteRT"),
        ]
    first = figure(
        "time, NumPy imported first", found.times, None, None, "edgeinfer, numpy first",
        "onnxruntime",
    )  # fmt: skip
    return Outcome(
        checked=f"scores of all sides: at most {SAME:g} of the largest, LiteRT {CLOSE:g}",
        figures=(*figures, first),
        sides={name: found.times.summary(name) for name in sides}
        | {f"peak MB, {name}": memory.summary(name) for name in sides},
        notes=tuple(attendance.notes),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("tflite", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    sides = programs(arguments.model, arguments.tflite)
    found = cold_starts(sides, rounds=arguments.rounds)
    for name in sides:
        ratio = found.time_ratio(name, "onnxruntime")
        print(
            f"{name:24} {found.times.summary(name).median_ms:6.1f} ms"
            f"  {ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f}) of onnxruntime's"
            f"  {found.peak_mb(name):6.1f} MB  {found.peak_ratio(name, 'onnxruntime'):.2f}"
        )


if __name__ == "__main__":
    main()
