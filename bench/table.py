"""Every figure the project wants to reach, measured beside what people use today.

    python bench/table.py [quantize] [--only ROW] [--runs N] [--profile] [--json] [--record]

There are two tables: from frame to answer, and what int8 costs and wins. Each row checks answers,
then measures edgeinfer and its peers in turn (see ``rows.py``). Exit status 1 when a row is missed
or could not be timed. The rows that run peers say which took no part.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import call_overhead
import cold_start
import frame_to_class
import frame_to_mask
import pool_rows
import preprocess_rows
import session_creation
import tail_rows
from int8.table import ROWS as QUANTIZE
from rows import Figure, Outcome, Row
from surroundings import Surroundings, surroundings
from timing import Ratio, Summary

FRAMES: tuple[Row, ...] = (
    Row("rgb", "RGB 1080p to 512x512 float32 NCHW, CV2_LINEAR", preprocess_rows.cv2_linear),
    Row("nv12", "NV12 1080p to 512x512 float32 NCHW, CV2_LINEAR", preprocess_rows.nv12),
    Row("pil-224", "RGB 1080p to 224x224 float32 NCHW, PIL_BILINEAR", preprocess_rows.pil_224),
    Row("pil-512", "RGB 1080p to 512x512 float32 NCHW, PIL_BILINEAR", preprocess_rows.pil_512),
    Row("tail-float32", "tail 21x64x64 float32 to 512x512", tail_rows.tail_float32),
    Row("tail-int8", "tail 21x64x64 int8 to 512x512", tail_rows.tail_int8),
    Row(
        "frame-to-mask",
        "frame to mask, 512 net, static int8",
        frame_to_mask.measure,
        frame_to_mask.profile,
    ),
    Row(
        "frame-to-class",
        "frame to class, MobileNetV2, static int8",
        frame_to_class.measure,
        frame_to_class.profile,
    ),
    Row("call-overhead", "Binding.run and Session.run of an Identity", call_overhead.measure),
    Row(
        "cold-start",
        "cold start of MobileNetV2, warm cache; ours loads beside imports",
        cold_start.measure,
    ),
    Row("session-creation", "session creation, ResNet50, warm cache", session_creation.measure),
    Row("sessions-in-turn", "two sessions in turn, 2 threads", pool_rows.in_turn_row),
    Row("sessions-at-once", "two sessions busy at once", pool_rows.at_once_row),
    Row("idle", "processor time outside run, 5 frames/s", pool_rows.idle_row),
)
# What is printed without a name, then by name.
TABLES = {"frames": FRAMES, "quantize": QUANTIZE}
DISTRIBUTIONS = ("edgeinfer", "onnxruntime", "numpy", "opencv-python-headless", "onnx")
# A row that takes longer than this hangs.
ROW_LIMIT_S = 300
WIDTH = 50
# Optimised models of the rows, out of the user's folder, whose tuned settings would be taken there.
MODELS = Path(__file__).resolve().parent / ".cache" / "edgeinfer"


@dataclass(frozen=True)
class Attempt:
    """One row of one run: what it found, or why it found nothing; the load when it began."""

    seconds: float
    outcome: Outcome | None
    failure: str = ""
    load: float = 0.0

    @property
    def missed(self) -> bool:
        return self.outcome is None or any(figure.missed for figure in self.outcome.figures)


# --- a row in its own process ---------------------------------------------------------------


def run_row(row: Row, place: str, *, with_profile: bool) -> Attempt:
    """Measure ``row`` in a new process and count the seconds on stderr while it works."""
    began, load = time.monotonic(), round(os.getloadavg()[0], 2)
    command = [sys.executable, str(Path(__file__).resolve()), "--child", row.name]
    with subprocess.Popen(
        [*command, "--profile"] if with_profile else command,
        env=os.environ | {"EDGEINFER_CACHE": str(MODELS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        while True:
            seconds = time.monotonic() - began
            _progress(f"{place} {row.name}: {seconds:.0f} s")
            try:
                output, errors = child.communicate(timeout=1)
                break
            except subprocess.TimeoutExpired:
                if seconds > ROW_LIMIT_S:
                    child.kill()
                    child.communicate()
                    return Attempt(seconds, None, f"took more than {ROW_LIMIT_S} s", load)
    _progress("")
    seconds = time.monotonic() - began
    if child.returncode != 0:
        lines = errors.strip().splitlines() or [f"ended with status {child.returncode}"]
        return Attempt(seconds, None, lines[-1], load)
    return Attempt(seconds, outcome_from_json(output.splitlines()[-1]), load=load)


def outcome_from_json(text: str) -> Outcome:
    """The inverse of ``json.dumps(asdict(outcome))``."""
    fields = json.loads(text)
    return Outcome(
        checked=fields["checked"],
        figures=tuple(
            Figure(**{**figure, "ratio": Ratio(**figure["ratio"])}) for figure in fields["figures"]
        ),
        sides={name: Summary(**side) for name, side in fields["sides"].items()},
        notes=tuple(fields["notes"]),
        profile=tuple(fields["profile"]),
    )


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text.endswith((" 0 s", "0 s")):
        print(text, file=sys.stderr, flush=True)


# --- the table ------------------------------------------------------------------------------


def print_surroundings(here: Surroundings) -> None:
    machine = here.machine
    print(f"{machine.cpu}, {machine.cores} cores, load {machine.load}, {here.date}")
    print("  " + ", ".join(f"{name} {version}" for name, version in here.versions.items()))
    print(f"  {' '.join(here.features)}")


def print_row(row: Row, attempts: Sequence[Attempt]) -> None:
    """One line a figure, one column a run."""
    loads = ", ".join(f"{attempt.load:g}" for attempt in attempts)
    print(f"\n{row.title}  ({row.name}, {attempts[-1].seconds:.0f} s, load {loads})")
    for attempt in attempts:
        if attempt.outcome is None:
            print(f"  NOT TIMED: {attempt.failure}")
    outcomes = [attempt.outcome for attempt in attempts if attempt.outcome is not None]
    if not outcomes:
        return
    for line in figure_lines(outcomes):
        print(line)
    print(f"  checked: {outcomes[-1].checked}")
    for note in outcomes[-1].notes:
        print(f"  {note}")
    if outcomes[-1].profile:
        print_profile(outcomes[-1])


def print_profile(outcome: Outcome) -> None:
    """What the parts of the work take by themselves, and the network's operators."""
    print()
    for name, side in outcome.sides.items():
        if name.startswith("part: "):
            middle = f"[{side.p10_ms:.2f}, {side.p90_ms:.2f}]"
            print(f"  {name:{WIDTH}} {side.median_ms:7.2f} ms {middle}")
    for line in outcome.profile:
        print(f"  {line}")


def figure_lines(outcomes: Sequence[Outcome]) -> list[str]:
    """Each figure with all runs' ratios, intervals and marks, what was wanted, and the verdict.

    A peer may have taken part in some of the runs only: the others' columns stay empty.
    """
    runs = [{figure.name: figure for figure in outcome.figures} for outcome in outcomes]
    lines = []
    for name in dict.fromkeys(name for run in runs for name in run):
        figures = [run[name] for run in runs if name in run]
        first = figures[0]
        columns = "  ".join(_column(run.get(name)) for run in runs)
        wish = "at most" if first.at_most else "at least"
        wanted = "" if first.wanted is None else f"{wish} {first.wanted:g}"
        aim = "" if first.aim is None else f"aim {first.aim:g}"
        told = " ".join(filter(None, (worst(figures), disagreement(figures))))
        lines.append(f"  {first.name:{WIDTH}} {columns}  {wanted:13} {aim:8} {told}".rstrip())
    return lines


def worst(figures: Sequence[Figure]) -> str:
    """The verdict that holds for all runs, and how many of them missed."""
    missed = sum(figure.missed for figure in figures)
    if missed:
        return "MISSED" if len(figures) == 1 else f"MISSED in {missed} of {len(figures)}"
    verdicts = {figure.verdict for figure in figures}
    for verdict in ("reached", "aim missed", "aim reached"):
        if verdict in verdicts:
            return verdict
    return ""


def disagreement(figures: Sequence[Figure]) -> str:
    """How far runs lie apart whose intervals do not meet: the machine changed between them."""
    ratios = [figure.ratio for figure in figures]
    if max(ratio.low for ratio in ratios) <= min(ratio.high for ratio in ratios):
        return ""
    values = [ratio.value for ratio in ratios]
    return f"(runs disagree: {max(values) / min(values) - 1:.0%} apart)"


def _column(figure: Figure | None) -> str:
    if figure is None:
        return f"{'-':>7}{'':22}"
    ratio = figure.ratio
    interval = f"[{_number(ratio.low).strip()}, {_number(ratio.high).strip()}]"
    mark = "" if figure.wanted is None else "miss" if figure.missed else "pass"
    return f"{_number(ratio.value)} {interval:16} {mark:4}"


def _number(value: float) -> str:
    return f"{value:7.3f}" if value < 1.5 else f"{value:7.2f}"


def record(here: Surroundings, runs: Sequence[dict[str, Attempt]]) -> Path:
    """Write below ``record/<machine>/<date>.json``; rows measured before on that day stay."""
    path = Path(__file__).parent / "record" / here.slug / f"{here.date}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    day = json.loads(path.read_text()) if path.exists() else {}
    day.setdefault("table", {}).update(as_json(here, runs))
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(day, indent=1, sort_keys=True) + "\n")
    beside.replace(path)
    return path


def as_json(here: Surroundings, runs: Sequence[dict[str, Attempt]]) -> dict[str, object]:
    """By row: the machine at the time, and what each run found."""
    return {
        name: {"machine": here.to_dict(), "runs": [asdict(run[name]) for run in runs]}
        for name in runs[0]
    }


# --- the program ----------------------------------------------------------------------------


def child(name: str, *, with_profile: bool) -> int:
    """Measure one row here and print it as one line of JSON."""
    row = next(row for rows in TABLES.values() for row in rows if row.name == name)
    try:
        outcome = row.measure()
        if with_profile and row.profile is not None:
            outcome = replace(outcome, profile=tuple(row.profile()))
    except AssertionError as error:
        print(f"wrong answer: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    print(json.dumps(asdict(outcome)))
    return 0


def main() -> int:
    names = [row.name for rows in TABLES.values() for row in rows]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "table", nargs="?", choices=list(TABLES), default="frames", help="frames, or quantize"
    )
    parser.add_argument(
        "--only", metavar="ROW", action="append", choices=names, help=", ".join(names)
    )
    parser.add_argument("--runs", type=int, default=1, help="whole runs, one column each")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--record", action="store_true", help="also keep it below bench/record")
    parser.add_argument(
        "--profile",
        action="store_true",
        help="of rows with a network: also its time alone, and by operator",
    )
    parser.add_argument("--child", choices=names, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return child(arguments.child, with_profile=arguments.profile)
    if arguments.runs < 1:
        parser.error("--runs must be at least 1")
    rows = TABLES[arguments.table]
    chosen = [row for row in rows if arguments.only is None or row.name in arguments.only]
    if not chosen:
        parser.error(f"--only: {arguments.table} has {', '.join(row.name for row in rows)}")
    here = surroundings(DISTRIBUTIONS)
    runs: list[dict[str, Attempt]] = []
    for number in range(1, arguments.runs + 1):
        attempts = {}
        for place, row in enumerate(chosen, 1):
            where = f"run {number}/{arguments.runs}, row {place}/{len(chosen)}"
            attempts[row.name] = run_row(row, where, with_profile=arguments.profile)
        runs.append(attempts)
    if arguments.json:
        print(json.dumps(as_json(here, runs), indent=1, sort_keys=True))
    else:
        print_surroundings(here)
        for row in chosen:
            print_row(row, [run[row.name] for run in runs])
    if arguments.record:
        print(f"recorded in {record(here, runs)}", file=sys.stderr)
    missed = [name for run in runs for name, attempt in run.items() if attempt.missed]
    for name in dict.fromkeys(missed):
        print(f"missed: {name} in {missed.count(name)} of {len(runs)} runs", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
