"""From a camera frame to a class map: edgeinfer against OpenCV + NumPy + onnxruntime.

    python bench/frame_to_mask.py [--rounds N] [--json] [--record]

1080p RGB frames, a 512x512 network (networks.py), one thread each, sides alternating within every
round, answers checked first. Three ratios count, each against the common way:

    float       both on the float file                       at least 1.2
    U8S8        both on the same static U8S8 file            at least 1.5
    S8S8        the common way on S8S8, edgeinfer on U8S8    at least 2.5

The third compares two files, as the choice of the file is part of the matter: S8S8 is what guides
recommend for Arm and people then run on x86 as well. Exit status 1 if an answer differs, a side
uses a second thread or a ratio is missed.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import onnx

import networks
from agreement import FLOAT, INT8, Agreement, agreement, require
from frames import natural_frame
from fused import FusedWay
from machine import Machine, this_machine
from peers import CommonWay, Frame, HandTunedWay
from quantise_networks import QUANTISED_LOW_LOGITS, network_files
from timing import Ratio, Summary, Timings, alternate

# One side: does the whole work for the round of that number.
Side = Callable[[int], object]

FRAME_SEEDS = range(6)
DISTRIBUTIONS = ("edgeinfer", "onnxruntime", "numpy", "opencv-python-headless", "onnx")
# The share of pixels by which a U8S8 mask may be further from the float mask than an S8S8 one.
S8S8_SLACK = 0.01
# Share of a side's processor time that may be spent outside the calling thread.
OTHER_THREADS = 0.02


@dataclass(frozen=True)
class Row:
    """One ratio that counts."""

    name: str
    slower: str
    faster: str
    wanted: float


ROWS = (
    Row("float", "common float32", "edgeinfer float32", 1.2),
    Row("same U8S8 file", "common u8s8", "edgeinfer u8s8", 1.5),
    Row("common S8S8, edgeinfer U8S8", "common s8s8", "edgeinfer u8s8", 2.5),
)


@dataclass(frozen=True)
class Ways:
    """Everything that is timed, by number format."""

    common: Mapping[str, CommonWay]
    fused: Mapping[str, FusedWay]
    tuned: HandTunedWay


@dataclass(frozen=True)
class Result:
    machine: Machine
    rounds: int
    sides: dict[str, Summary]
    ratios: dict[str, Ratio]
    stages: dict[str, Summary]
    agreement: dict[str, Agreement]
    # What edgeinfer did to each file at load, and the CPU features it chose kernels by.
    tails: dict[str, str]
    enabled: str


def load_ways() -> Ways:
    cv2.setNumThreads(1)
    files = network_files()
    cut = networks.without_upsample(onnx.load(files.u8s8), QUANTISED_LOW_LOGITS)
    return Ways(
        common={name: CommonWay(path) for name, path in asdict(files).items()},
        fused={name: FusedWay(path) for name, path in asdict(files).items()},
        tuned=HandTunedWay(cut.SerializeToString()),
    )


def check_answers(ways: Ways, frames: list[Frame]) -> dict[str, Agreement]:
    """Compare the masks of all sides on every frame; the worst frame of each pair is returned."""
    worst: dict[str, Agreement] = {}

    def keep(name: str, found: Agreement) -> None:
        if name not in worst or found.equal < worst[name].equal:
            worst[name] = found

    for frame in frames:
        reference = ways.common["float32"](frame)
        away = {}
        for name, common in ways.common.items():
            bound = FLOAT if name == "float32" else INT8
            logits = common.run(common.preprocess(frame))
            mask = ways.fused[name](frame)
            found = agreement(mask, logits, bound.lead)
            require(found, bound, f"edgeinfer {name}")
            keep(f"edgeinfer {name} = common {name}", found)
            away[name] = float((common.tail(logits) != reference).mean())
            if name == "u8s8":
                keep("tuned u8s8 = common u8s8", agreement(ways.tuned(frame), logits, bound.lead))
                away["edgeinfer u8s8"] = float((mask != reference).mean())
        if away["edgeinfer u8s8"] > away["s8s8"] + S8S8_SLACK:
            raise AssertionError(
                "not the same quality: pixels unlike the float mask are "
                f"{away['edgeinfer u8s8']:.3f} for edgeinfer on U8S8, "
                f"{away['s8s8']:.3f} for the common way on S8S8"
            )
    return worst


def whole_sides(ways: Ways, frames: list[Frame]) -> dict[str, Side]:
    sides: dict[str, Side] = {}
    for name in ways.common:
        sides[f"common {name}"] = each_frame(ways.common[name], frames)
        sides[f"edgeinfer {name}"] = each_frame(ways.fused[name], frames)
    sides["tuned u8s8"] = each_frame(ways.tuned, frames)
    return sides


def stage_sides(ways: Ways, frames: list[Frame]) -> dict[str, Side]:
    """The same work in parts. Preprocessing is the same for all files and timed once per side."""
    common, fused, tuned = ways.common["u8s8"], ways.fused["u8s8"], ways.tuned
    tensor = common.preprocess(frames[0])
    logits = common.run(tensor)
    stages = {
        "common preprocess": each_frame(common.preprocess, frames),
        "edgeinfer preprocess": each_frame(fused.preprocess, frames),
        "tuned preprocess": each_frame(tuned.preprocess, frames),
        "tuned network u8s8, no upsample": same_input(tuned.run),
        "tuned upsample and argmax": same_input(tuned.tail),
        "common argmax": same_input(partial(common.tail, logits)),
    }
    for name in ways.common:
        run = partial(ways.common[name].run, tensor)
        stages[f"common network {name}, with upsample"] = same_input(run)
        stages[f"edgeinfer network and tail {name}"] = same_input(ways.fused[name].segment)
    return stages


def inner_stages(way: FusedWay, name: str, rounds: int) -> dict[str, Summary]:
    """Where ``Binding.segment`` spends its time, by its own account."""
    times = []
    for _ in range(rounds):
        way.segment()
        times.append(way.binding.last_times)
    samples = np.array(times)
    inner = Timings({"network": samples[:, 0], "tail": samples[:, 1]})
    return {f"edgeinfer {part} {name}": inner.summary(part) for part in inner.samples_ms}


def each_frame(call: Callable[[Frame], object], frames: list[Frame]) -> Side:
    return lambda number: call(frames[number % len(frames)])


def same_input(call: Callable[[], object]) -> Side:
    return lambda _: call()


def require_one_thread(sides: Mapping[str, Side]) -> None:
    """Raise AssertionError if a side works in other threads; a loaded machine cannot hide them."""
    for name, call in sides.items():
        call(0)
        process, thread = time.process_time(), time.thread_time()
        for number in range(10):
            call(number)
        process, thread = time.process_time() - process, time.thread_time() - thread
        if process - thread > OTHER_THREADS * process:
            raise AssertionError(
                f"{name}: {1 - thread / process:.0%} of the processor time was spent outside the "
                "calling thread; one thread was agreed"
            )


def measure(rounds: int) -> Result:
    machine = this_machine(DISTRIBUTIONS)
    frames = [natural_frame(seed) for seed in FRAME_SEEDS]
    ways = load_ways()
    checked = check_answers(ways, frames)
    sides = whole_sides(ways, frames)
    require_one_thread(sides)
    whole: Timings = alternate(sides, rounds=rounds)
    parts: Timings = alternate(stage_sides(ways, frames), rounds=rounds)
    stages = {name: parts.summary(name) for name in parts.samples_ms}
    for name, way in ways.fused.items():
        stages |= inner_stages(way, name, rounds)
    descriptions = {name: way.session.describe() for name, way in ways.fused.items()}
    return Result(
        machine=machine,
        rounds=rounds,
        sides={name: whole.summary(name) for name in whole.samples_ms},
        ratios={row.name: whole.ratio(row.slower, row.faster) for row in ROWS}
        | {"tuned U8S8, information only": whole.ratio("tuned u8s8", "edgeinfer u8s8")},
        stages=stages,
        agreement=checked,
        tails={name: told["tail"]["why"] for name, told in descriptions.items()},
        enabled=descriptions["float32"]["cpu"],
    )


def missed(result: Result) -> list[str]:
    return [row.name for row in ROWS if result.ratios[row.name].value < row.wanted]


def print_table(result: Result) -> None:
    machine = result.machine
    print(f"{machine.cpu}, {machine.cores} cores, load {machine.load}, {machine.date}")
    print("  " + ", ".join(f"{name} {version}" for name, version in machine.versions.items()))
    print(f"  {' '.join(machine.features)}")
    print(f"\nms, median [p10, p90] of {result.rounds} alternating rounds, one thread")
    for title, summaries in (("whole", result.sides), ("stages", result.stages)):
        print(f"\n{title}")
        for name, summary in summaries.items():
            print(
                f"  {name:38} {summary.median_ms:7.2f}"
                f"  [{summary.p10_ms:6.2f}, {summary.p90_ms:6.2f}]"
            )
    print("\ntimes faster (95 % interval)")
    wanted = {row.name: row.wanted for row in ROWS}
    for name, ratio in result.ratios.items():
        verdict = f"wanted {wanted[name]}" if name in wanted else ""
        print(f"  {name:38} {ratio.value:7.2f}  [{ratio.low:6.2f}, {ratio.high:6.2f}]  {verdict}")
    print("\nsame answer (worst frame: equal pixels, first place shared, wrong)")
    for name, found in result.agreement.items():
        print(f"  {name:38} {found.equal:.4f}  {found.shared:.4f}  {found.wrong:.1e}")


def record(result: Result) -> Path:
    """Write below ``record/<machine>/<date>.json``, beside other benchmarks of that day."""
    path = Path(__file__).parent / "record" / result.machine.slug / f"{result.machine.date}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    day = json.loads(path.read_text()) if path.exists() else {}
    day["frame_to_mask"] = asdict(result)
    path.write_text(json.dumps(day, indent=1, sort_keys=True) + "\n")
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=60, help="rounds that count (default 60)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--record", action="store_true", help="also keep it below bench/record")
    arguments = parser.parse_args()
    try:
        result = measure(arguments.rounds)
    except AssertionError as error:
        print(f"not timed: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(asdict(result), indent=1, sort_keys=True))
    else:
        print_table(result)
    if arguments.record:
        print(f"recorded in {record(result)}", file=sys.stderr)
    for name in missed(result):
        print(f"missed: {name}", file=sys.stderr)
    return 1 if missed(result) else 0


if __name__ == "__main__":
    sys.exit(main())
