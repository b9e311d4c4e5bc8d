"""Row: from a 1080p camera frame to the best of 1000 classes, MobileNetV2, static int8, one thread.

edgeinfer and the common way get the same S8S8 file; the hand-tuned way takes the faster of both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import onnx

import edgeinfer as ei
import operators
from classifiers import SCORES, SIZE
from frames import FULL_HD, natural_frame
from fused import moved_to
from layers import INPUT
from peers import MEAN, STD, Frame, Tensor, common_preprocess, one_thread_session
from peers.attendance import Attendance
from peers.onnxruntime_python import BoundSession
from peers.opencv import InPlace
from peers.whole import litert, openvino
from peers.whole import others as other_runtimes
from quantise_networks import classifier_files
from rows import Figure, Outcome, ceilings
from sides import Side, each_frame, require_one_thread, same_input
from timing import Timings, alternate

FRAME_SEEDS = range(6)
ROUNDS = 60
# Largest distance of two score vectors, as a share of the first one's standard deviation. On the
# same float file only the last bits of the folded recipe differ. On the same int8 file these now
# and then cross a rounding step at the input, which moves scores by a few steps of 1/255.
FLOAT = 1e-4
INT8 = 0.1
# Runtimes that round elsewhere, against the float file: as far as onnxruntime's own int8, and half.
OTHER = 1.5

OURS = "edgeinfer"
# What is left of each way if all but the network cost nothing.
NETWORKS = {
    "edgeinfer": "part: network alone, edgeinfer on S8S8",
    "U8S8": "part: network alone, onnxruntime on U8S8",
    "S8S8": "part: network alone, onnxruntime on S8S8",
}

# From a frame to (1, 1000) scores.
Scores = Callable[[Frame], Tensor]


class Ours:
    """``Preprocess`` writes the bound input, ``Binding.run`` the bound scores."""

    def __init__(self, model: Path) -> None:
        self.session = ei.Session(model, threads=1)
        self._binding = self.session.bind()
        self.run = self._binding.run
        self._recipe = ei.Preprocess(SIZE, resize=ei.Resize.CV2_LINEAR, mean=MEAN, std=STD)

    def prepare(self, frame: Frame) -> None:
        self._recipe(frame, out=self._binding.inputs[INPUT])

    def scores(self, frame: Frame) -> Tensor:
        self.prepare(frame)
        self.run()
        return self._binding.outputs[SCORES]

    def best(self, frame: Frame) -> int:
        return int(ei.classify(self.scores(frame), k=1).indices[0])


class HandTuned:
    """OpenCV and NumPy in place, and an I/O binding over the same buffers."""

    def __init__(self, model: Path) -> None:
        network = BoundSession(model)
        self.run = network.run
        self.prepare = InPlace(network.input)

    def scores(self, frame: Frame) -> Tensor:
        self.prepare(frame)
        return self.run()


def common_scores(model: Path) -> Scores:
    session = one_thread_session(model)
    return lambda frame: session.run(None, {INPUT: common_preprocess(frame, SIZE)})[0]


def best_of(scores: Scores) -> Callable[[Frame], int]:
    return lambda frame: int(np.argmax(scores(frame)))


def distance(found: Tensor, wanted: Tensor) -> float:
    return float(np.abs(found - wanted).max() / wanted.std())


def require_class(what: str, found: Tensor, wanted: Tensor, bound: float) -> float:
    """Raise AssertionError if scores are further than ``bound``, or another class wins clearly."""
    away = distance(found, wanted)
    lead = float(wanted.max() - wanted[0, int(np.argmax(found))]) / float(wanted.std())
    if away > bound or lead > bound:
        raise AssertionError(
            f"{what}: scores differ by {away:.2g} standard deviations, allowed {bound:.2g}; "
            f"the class found is {lead:.2g} below the best"
        )
    return away


def check(
    common: Mapping[str, Scores],
    same: Mapping[str, Mapping[str, Scores]],
    others: Mapping[str, Scores],
    frames: Sequence[Frame],
    same_as: Mapping[str, str],
) -> str:
    """Compare all score vectors on all frames; the worst distances, as text."""
    worst, worst_other = 0.0, 0.0
    for frame in frames:
        wanted = {name: scores(frame) for name, scores in common.items()}
        for name, beside in same.items():
            for what, scores in beside.items():
                reference = wanted[same_as[name] if what == OURS else name]
                bound = FLOAT if name == "float32" else INT8
                away = require_class(f"{what}, {name}", scores(frame), reference, bound)
                worst = max(worst, away)
        reference = wanted["float32"]
        allowed = OTHER * max(distance(wanted["S8S8"], reference), INT8)
        for what, scores in others.items():
            away = require_class(what, scores(frame), reference, allowed)
            worst_other = max(worst_other, away)
    return (
        "scores against onnxruntime's on the same file (edgeinfer's on S8S8 moved to uint8 against "
        "those of U8S8), in standard deviations: at most "
        f"{INT8:g} (float {FLOAT:g}), worst {worst:.2g}; the best class is the same unless it "
        f"leads by less; others, and S8S8, against the float file: worst {worst_other:.2g}"
    )


def figures(timings: Timings) -> tuple[Figure, ...]:
    ours, common = "edgeinfer, S8S8", "cv2 + onnxruntime, S8S8"
    tuned = min(
        (name for name in timings.samples_ms if name.startswith("hand-tuned")),
        key=lambda name: timings.summary(name).median_ms,
    )
    told = (
        *("OpenVINO, S8S8", "OpenVINO after cv2, S8S8", "OpenVINO after cv2, float32"),
        *("ncnn after cv2, float32", "MNN after cv2, float32"),
        "LiteRT after cv2, float32",
    )
    return (
        Figure(common, timings.ratio(common, ours), 2, 2.2),
        Figure(f"best hand-tuned: {tuned.split()[-1]}", timings.ratio(tuned, ours), 1),
        *(Figure(name, timings.ratio(name, ours)) for name in told if name in timings.samples_ms),
        *ceilings(timings, (common, tuned), tuple(NETWORKS.values())),
        Figure("(edgeinfer on U8S8)", timings.ratio("edgeinfer, U8S8", ours)),
    )


def profile() -> Sequence[str]:
    """Operators of the networks that the three ways run."""
    files = classifier_files()
    tensor = common_preprocess(natural_frame(0), SIZE)
    return operators.table(files.s8s8, files.u8s8, tensor)


def measure() -> Outcome:
    cv2.setNumThreads(1)
    attendance = Attendance()
    built = asdict(classifier_files())
    files = {"float32": built["float32"], "U8S8": built["u8s8"], "S8S8": built["s8s8"]}
    frames = [natural_frame(seed) for seed in FRAME_SEEDS]
    ours = {name: Ours(path) for name, path in files.items()}
    common = {name: common_scores(path) for name, path in files.items()}
    tuned = {name: HandTuned(files[name]) for name in ("U8S8", "S8S8")}
    others: dict[str, Scores] = dict(
        openvino({name: files[name] for name in ("float32", "S8S8")}, SIZE, FULL_HD, attendance)
    )
    others |= other_runtimes(files["float32"], SIZE, attendance)
    others |= litert(onnx.load(files["float32"]), attendance)
    same: dict[str, dict[str, Scores]] = {name: {OURS: way.scores} for name, way in ours.items()}
    for name, by_hand in tuned.items():
        same[name]["hand-tuned"] = by_hand.scores
    same_as = {name: moved_to(way.session, name) for name, way in ours.items()}
    checked = check(
        common, same, others | {"edgeinfer, S8S8": ours["S8S8"].scores}, frames, same_as
    )
    calls: dict[str, Callable[[Frame], int]] = {
        f"edgeinfer, {name}": way.best for name, way in ours.items()
    }
    calls |= {f"cv2 + onnxruntime, {name}": best_of(scores) for name, scores in common.items()}
    calls |= {f"hand-tuned, {name}": best_of(way.scores) for name, way in tuned.items()}
    calls |= {name: best_of(scores) for name, scores in others.items()}
    sides = {name: each_frame(call, frames) for name, call in calls.items()}
    parts: dict[str, Side] = {
        NETWORKS["edgeinfer"]: same_input(ours["S8S8"].run),
        NETWORKS["U8S8"]: same_input(tuned["U8S8"].run),
        NETWORKS["S8S8"]: same_input(tuned["S8S8"].run),
        "part: edgeinfer preprocess": each_frame(ours["S8S8"].prepare, frames),
        "part: hand-tuned preprocess": each_frame(tuned["U8S8"].prepare, frames),
    }
    sides |= parts
    require_one_thread(sides)
    timings = alternate(sides, rounds=ROUNDS)
    return Outcome(
        checked=checked,
        figures=figures(timings),
        sides={name: timings.summary(name) for name in sides},
        notes=tuple(attendance.notes),
    )
