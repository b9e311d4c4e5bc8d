"""Row: from a 1080p camera frame to a class map, static int8, one thread.

The network (networks.py) comes in three files; the S8S8 one is what guides recommend for Arm and
people then run on x86 as well. edgeinfer is timed on that very file; the hand-tuned peers get the
U8S8 one, which is theirs to choose. The row counts against hand-tuned with np.argmax, and against
OpenVINO with its own preprocessing. A stronger hand-tuned way, with a running argmax, and what
OpenVINO gains from OpenCV's preprocessing are told beside it (README.md says why).
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import onnx

import edgeinfer as ei
import networks
import operators
from agreement import FLOAT, INT8, agreement, require
from frames import FULL_HD, natural_frame
from fused import FusedWay, moved_to
from peers import ClassMap, CommonWay, Frame, HandTunedWay, common_preprocess
from peers.attendance import Attendance
from peers.onnxruntime_python import BoundSession
from peers.opencv import RunningArgmax
from peers.whole import Network, litert, openvino
from peers.whole import others as other_runtimes
from quantise_networks import QUANTISED_LOW_LOGITS, network_files
from rows import Figure, Outcome, ceilings
from sides import Side, each_frame, require_one_thread, same_input
from timing import Timings, alternate

FRAME_SEEDS = range(3)
ROUNDS = 30
# Share of pixels by which another runtime's int8 mask may be further from the float mask than
# onnxruntime's on the same file: it rounds elsewhere, and is as good if it is as close.
AS_CLOSE = 0.02
# OpenVINO computes a float file in bfloat16 where the CPU can: 3 to 5 % of the pixels then differ.
BFLOAT16 = 0.08

# The networks without their upsample: what is left of each way if all else cost nothing.
NETWORKS = {
    "edgeinfer": "part: network alone, edgeinfer on S8S8",
    "U8S8": "part: network alone, onnxruntime on U8S8",
    "S8S8": "part: network alone, onnxruntime on S8S8",
}
COMMON = "cv2 + onnxruntime, S8S8"
TUNED = "hand-tuned with np.argmax, U8S8"
STRONGEST = "hand-tuned with a running argmax, U8S8"

Way = Callable[[Frame], ClassMap]


def as_mask(network: Network) -> Way:
    """The class map of a network whose output has full size already."""
    best = RunningArgmax(networks.SIZE)
    return lambda frame: best(network(frame)[0])


def upsampled_mask(network: Network) -> Way:
    """The class map of a network that ends before the upsample."""
    best, plane = RunningArgmax(networks.SIZE), np.empty(networks.SIZE, np.float32)

    def mask(frame: Frame) -> ClassMap:
        low = np.ascontiguousarray(network(frame)[0])
        return best(cv2.resize(one, networks.SIZE[::-1], dst=plane).view(np.float32) for one in low)

    return mask


def check_ours(
    common: Mapping[str, CommonWay],
    ways: Mapping[str, Mapping[str, Way]],
    frames: Sequence[Frame],
    same_as: Mapping[str, str],
) -> str:
    """Compare, by file, masks with onnxruntime's logits on the file that ``same_as`` names.

    The worst shares found, as text.
    """
    worst = dict.fromkeys(ways, 1.0)
    for frame in frames:
        for name, beside in ways.items():
            reference = common[same_as[name]]
            logits = reference.run(reference.preprocess(frame))
            bound = FLOAT if name == "float32" else INT8
            for what, way in beside.items():
                found = agreement(way(frame), logits, bound.lead)
                require(found, bound, f"{what}, {name}")
                worst[name] = min(worst[name], found.equal)
    shares = ", ".join(f"{name} {share:.2%}" for name, share in worst.items())
    files = ", ".join(f"{name} by {same_as[name]}" for name in ways)
    return (
        f"masks against onnxruntime's ({files}), wherever one class leads: "
        f"at most {INT8.wrong:g} differ (float: none); equal in all pixels, ties included: {shares}"
    )


def check_others(
    others: Mapping[str, Way], common: Mapping[str, CommonWay], frames: Sequence[Frame]
) -> str:
    """Hold other runtimes to the float mask, as close as onnxruntime is; the worst, as text."""
    worst = 0.0
    for frame in frames:
        reference = common["float32"](frame)
        away = {name: float((way(frame) != reference).mean()) for name, way in common.items()}
        for name, way in others.items():
            found = float((way(frame) != reference).mean())
            file = name.rpartition(", ")[2]
            bound = BFLOAT16 if file == "float32" else away[file] + AS_CLOSE
            if found > bound:
                raise AssertionError(
                    f"{name}: {found:.3f} of the pixels are unlike the float mask, "
                    f"allowed {bound:.3f}"
                )
            worst = max(worst, found)
    return (
        f"others, and S8S8, against the float mask: int8 at most {AS_CLOSE:g} further than "
        f"onnxruntime's on the same file, float at most {BFLOAT16:g}; worst {worst:.3f}"
    )


def parts_around(ours: FusedWay, tuned: HandTunedWay, frames: Sequence[Frame]) -> dict[str, Side]:
    """What is done around the networks, by itself."""
    return {
        "part: edgeinfer preprocess": each_frame(ours.preprocess, frames),
        "part: hand-tuned preprocess": each_frame(tuned.preprocess, frames),
        "part: upsample, running argmax": same_input(tuned.tail),
        "part: upsample, np.argmax": same_input(tuned.numpy_tail),
    }


def figures(timings: Timings) -> tuple[Figure, ...]:
    """What counts first, then what it would be with other files or helpers."""

    def figure(
        name: str, slower: str, wanted: float | None = None, aim: float | None = None
    ) -> list[Figure]:
        if slower not in timings.samples_ms:
            return []
        return [Figure(name, timings.ratio(slower, "edgeinfer, S8S8"), wanted, aim)]

    fastest_float = min(
        (name for name in timings.samples_ms if name.startswith("OpenVINO") and "float" in name),
        key=lambda name: timings.summary(name).median_ms,
        default="",
    )
    return (
        *figure(COMMON, COMMON, 2.7, 2.9),
        *figure(TUNED, TUNED, 1.5, 1.6),
        *figure(STRONGEST, STRONGEST),
        *figure("OpenVINO, own preprocessing, S8S8", "OpenVINO, S8S8", 2),
        *figure(f"fastest float: {fastest_float}", fastest_float, 1),
        *figure("OpenVINO after cv2, S8S8", "OpenVINO after cv2, S8S8"),
        *figure("ncnn after cv2, float32", "ncnn after cv2, float32"),
        *figure("MNN after cv2, float32", "MNN after cv2, float32"),
        *figure("LiteRT after cv2, cut, float32", "LiteRT after cv2, float32"),
        *ceilings(timings, (COMMON, TUNED, STRONGEST), tuple(NETWORKS.values())),
        *figure("(edgeinfer on float32)", "edgeinfer, float32"),
        *figure("(edgeinfer on U8S8)", "edgeinfer, U8S8"),
    )


def cut_off(model: Path) -> bytes:
    """An int8 file up to its low resolution logits."""
    cut = networks.without_upsample(onnx.load(model), QUANTISED_LOW_LOGITS)
    content: bytes = cut.SerializeToString()
    return content


def profile() -> Sequence[str]:
    """Operators of the networks that the three ways run, without their upsample."""
    files = network_files()
    tensor = common_preprocess(natural_frame(0), networks.SIZE)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, path.name) for path in (files.s8s8, files.u8s8)]
        for path, whole in zip(paths, (files.s8s8, files.u8s8), strict=True):
            path.write_bytes(cut_off(whole))
        return operators.table(paths[0], paths[1], tensor)


def measure() -> Outcome:
    cv2.setNumThreads(1)
    attendance = Attendance()
    built = asdict(network_files())
    files = {"float32": built["float32"], "U8S8": built["u8s8"], "S8S8": built["s8s8"]}
    frames = [natural_frame(seed) for seed in FRAME_SEEDS]
    common = {name: CommonWay(path) for name, path in files.items()}
    fused = {name: FusedWay(path) for name, path in files.items()}
    cut = {name: cut_off(files[name]) for name in ("U8S8", "S8S8")}
    tuned = HandTunedWay(cut["U8S8"])
    alone = {
        "edgeinfer": ei.Session(cut["S8S8"], threads=1, cache=False).bind().run,
        "U8S8": tuned.run,
        "S8S8": BoundSession(cut["S8S8"]).run,
    }
    ways: dict[str, dict[str, Way]] = {name: {"edgeinfer": way} for name, way in fused.items()}
    ways["U8S8"] |= {
        TUNED.rpartition(", ")[0]: tuned.with_numpy_tail,
        STRONGEST.rpartition(", ")[0]: tuned,
    }
    whole = openvino(
        {name: files[name] for name in ("float32", "S8S8")}, networks.SIZE, FULL_HD, attendance
    )
    whole |= other_runtimes(files["float32"], networks.SIZE, attendance)
    others = {name: as_mask(network) for name, network in whole.items()}
    low = litert(networks.without_upsample(onnx.load(files["float32"])), attendance)
    others |= {name: upsampled_mask(network) for name, network in low.items()}
    same_as = {name: moved_to(way.session, name) for name, way in fused.items()}
    others_and_ours = others | {"edgeinfer, S8S8": fused["S8S8"]}
    checked = (
        check_ours(common, ways, frames, same_as),
        check_others(others_and_ours, common, frames),
    )
    calls: dict[str, Way] = {
        f"{what}, {name}": way for name, beside in ways.items() for what, way in beside.items()
    }
    calls |= {f"cv2 + onnxruntime, {name}": way for name, way in common.items()}
    sides = {name: each_frame(call, frames) for name, call in (calls | others).items()}
    sides |= {NETWORKS[name]: same_input(run) for name, run in alone.items()}
    sides |= parts_around(fused["S8S8"], tuned, frames)
    require_one_thread(sides)
    timings = alternate(sides, rounds=ROUNDS)
    tails = {name: way.session.describe()["tail"]["why"] for name, way in fused.items()}
    return Outcome(
        checked="; ".join(checked),
        figures=figures(timings),
        sides={name: timings.summary(name) for name in sides},
        notes=(*attendance.notes, f"S8S8: {tails['S8S8']}"),
    )
