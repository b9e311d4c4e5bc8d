"""``edgeinfer bench``: how fast a model is on this machine, and how far to trust the figures."""

from __future__ import annotations

import argparse
import datetime
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeinfer.cli import recipe, values
from edgeinfer.cli.document import print_document, write_document
from edgeinfer.cli.figures import print_figures
from edgeinfer.cli.model import naming
from edgeinfer.cli.progress import Progress

if TYPE_CHECKING:
    from edgeinfer.bench.fresh import FreshRun
    from edgeinfer.bench.measurement import Measurement
    from edgeinfer.cli.workload import Plan
    from edgeinfer.session import Session

__all__ = ["add_parser", "execute"]

_DESCRIPTION = """\
Measure a model: each stage from frame to answer, the first run, cold starts of whole processes
without a cache, with an empty one and with a filled one, memory; with the machine, all versions and
settings. Says when the figures cannot be trusted, and what to do about it. A model that does not
take one image gets made-up tensors.
"""

_EPILOG = """\
examples:
  edgeinfer bench model.onnx
  edgeinfer bench model.onnx --image photo.jpg --threads 1 --seconds 30
  edgeinfer bench model.onnx --tune
  edgeinfer bench model.onnx --shape tokens=1,128 --shape mask=1,128
  edgeinfer bench model.onnx --out before.json
  edgeinfer compare before.json after.json          # where after.json was measured later
"""

_FRAME = (1080, 1920)
_SECONDS = 10.0
_TUNE_SECONDS = 60.0
_COLD_ROUNDS = 5


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the arguments of ``bench``."""
    parser = commands.add_parser(
        "bench",
        help="how fast a model is here",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute, usage_error=parser.error)
    parser.add_argument("model", metavar="MODEL", type=Path, help="an .onnx or .ort file")

    what = parser.add_argument_group("what to measure")
    source = what.add_mutually_exclusive_group()
    source.add_argument(
        "--image", metavar="FILE", type=Path, help="a picture, whose decoding is measured too"
    )
    source.add_argument(
        "--frame",
        metavar="H W",
        type=values.size,
        default=_FRAME,
        help="size of the made-up RGB frame; default 1080 1920",
    )
    what.add_argument(
        "--shape",
        metavar="NAME=N,N",
        type=values.shape,
        action="append",
        help="sizes of an input that the file leaves open, such as x=1,3,224,224; the network "
        "alone is measured then, on made-up tensors",
    )
    what.add_argument(
        "--seconds",
        metavar="S",
        type=values.seconds,
        help="to measure frames for; default 10, with --tune 60",
    )
    what.add_argument(
        "--warmup",
        metavar="N",
        type=values.count,
        help="frames that do not count; default: a tenth of the time",
    )
    what.add_argument(
        "--no-cold", action="store_true", help="leave out the cold starts of fresh processes"
    )

    what.add_argument(
        "--tune",
        action="store_true",
        help="search for faster settings instead: threads, spinning, tail and cache, for about a "
        "minute; what is faster beyond the noise is kept beside the model's cache entry, where "
        "Session(model) finds it",
    )

    recipe.add_arguments(parser)

    runtime = parser.add_argument_group("running")
    runtime.add_argument(
        "--threads",
        metavar="N",
        type=values.count,
        help="of a pool of the session's own; default: the process's shared pool",
    )
    runtime.add_argument(
        "--spin",
        choices=("auto", "on", "off"),
        default="auto",
        help="whether the own pool's threads wait by spinning; default auto",
    )
    runtime.add_argument(
        "--no-fuse-tail",
        action="store_true",
        help="run the file's own upsampling, not the fused upsampling and argmax",
    )
    runtime.add_argument(
        "--cut-head",
        action="store_true",
        help="write the integers behind the input's QuantizeLinear",
    )
    runtime.add_argument(
        "--no-cache", action="store_true", help="measure frames without the model cache"
    )

    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    output.add_argument(
        "--out", metavar="FILE", type=Path, help="write the JSON document there, for compare"
    )
    output.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")


def execute(options: argparse.Namespace) -> int:
    """Run the command."""
    recipe.refuse_flags_beside_recipe(options)
    if options.tune:
        return _tune(options)
    if options.seconds is None:
        options.seconds = _SECONDS

    from edgeinfer.bench.measurement import take
    from edgeinfer.cli.workload import plan
    from edgeinfer.options import SessionOptions
    from edgeinfer.session import Session

    given = _given(options)
    settings = SessionOptions(**given)
    begin = time.perf_counter()
    with naming(options.model):
        session = Session(
            options.model,
            threads=options.threads,
            options=settings if given else None,
            cache=not options.no_cache,
        )
    session_ms = (time.perf_counter() - begin) * 1e3
    with session:
        work = plan(session, options, settings)
        progress = _Shares(options)
        measurement = take(
            work.workload, seconds=options.seconds, warmup=options.warmup, tick=progress.measured
        )
        facts = _facts(options, session, work, measurement, session_ms)
    if not options.no_cold:
        facts["cold_start"] = _cold(options, work, facts["settings"], progress)
    progress.clear()
    if options.out is not None:
        write_document(options.out, "bench", facts)
    if options.json:
        print_document("bench", facts)
    else:
        print_figures(facts, work.summary)
    return 0


def _tune(options: argparse.Namespace) -> int:
    from edgeinfer.cli.tuning import tune_model

    for flag, default in (("threads", None), ("spin", "auto"), ("warmup", None)):
        if getattr(options, flag) != default:
            options.usage_error(f"--{flag}: not beside --tune, which tries that")
    for flag in ("no_fuse_tail", "cut_head", "no_cache"):
        if getattr(options, flag):
            options.usage_error(f"--{flag.replace('_', '-')}: not beside --tune, which tries that")
    if options.seconds is None:
        options.seconds = _TUNE_SECONDS
    return tune_model(options)


class _Shares:
    """Progress of both halves of the work, as one line."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._progress = Progress(100, "% measured", quiet=options.quiet)
        self._share = 1.0 if options.no_cold else 0.7
        self._shown = 0

    def measured(self, share: float) -> None:
        """Of the frames."""
        self._show(share * self._share)

    def started(self, share: float) -> None:
        """Of the cold starts."""
        self._show(self._share + share * (1 - self._share))

    def clear(self) -> None:
        """Take the line away."""
        self._progress.clear()

    def _show(self, share: float) -> None:
        while self._shown < int(share * 100):
            self._shown += 1
            self._progress.step()


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Session options that the command line changes, as keyword arguments."""
    given: dict[str, Any] = {}
    if options.spin != "auto":
        given["spin"] = options.spin
    if options.no_fuse_tail:
        given["fuse_tail"] = False
    if options.cut_head:
        given["cut_head"] = True
    return given


def _facts(
    options: argparse.Namespace,
    session: Session,
    work: Plan,
    measurement: Measurement,
    session_ms: float,
) -> dict[str, Any]:
    from edgeinfer import _core
    from edgeinfer.bench.record import digest, versions
    from edgeinfer.bench.stages import summary
    from edgeinfer.machine import resident_kib

    described = session.describe()
    tuned = described["tuned"] or {}
    now, peak = resident_kib()
    stages = {name: summary(times) for name, times in measurement.samples.times_ms.items()}
    whole = next(reversed(stages.values()))
    kernels = {one.kernel: one.variant for one in _core.kernel_variants() if one.chosen}
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "model": {
            "path": str(options.model),
            "bytes": options.model.stat().st_size,
            "sha256": digest(options.model),
        },
        "settings": {
            "threads": tuned.get("threads", options.threads) or "shared",
            "spin": tuned.get("spin", options.spin),
            "fuse_tail": tuned.get("fuse_tail", not options.no_fuse_tail),
            "cut_head": options.cut_head,
            "cache": tuned.get("cache", not options.no_cache),
            "tuned": bool(tuned),
            **work.facts,
        },
        "stages": stages,
        "frames_per_second": 1e3 / whole["median_ms"],
        "seconds": measurement.samples.seconds,
        "first_run_ms": measurement.samples.first_ms,
        "session_ms": session_ms,
        "memory": {
            "resident_mib": None if now is None else now / 1024,
            "peak_mib": None if peak is None else peak / 1024,
        },
        "machine": measurement.before.to_dict(),
        "machine_after": measurement.after.to_dict(),
        "others_share": measurement.others,
        "cpu": {"features": _core.cpu_features(), "variants": work.variants, "kernels": kernels},
        "versions": versions(described["runtime"]["version"], measurement.before),
        "session": described,
        "doubts": [
            {name: getattr(one, name) for name in ("name", "found", "wanted", "remedy")}
            for one in measurement.doubts
        ],
    }


def _cold(
    options: argparse.Namespace, work: Plan, settings: dict[str, Any], progress: _Shares
) -> dict[str, dict[str, list[float]]]:
    from edgeinfer.bench.fresh import Program, cold_starts
    from edgeinfer.bench.tune import Candidate

    # Said in full: tuned settings lie in the user's cache, and these processes have their own.
    names = ("spin", "fuse_tail", "cut_head")
    given = Candidate(**{name: settings[name] for name in names}).options()
    threads = None if settings["threads"] == "shared" else settings["threads"]
    program = Program(options.model.resolve(), threads=threads, options=given, **work.program)
    runs = cold_starts(
        program,
        rounds=_COLD_ROUNDS,
        seconds=2 * options.seconds,
        cache_variable="EDGEINFER_CACHE",
        tick=progress.started,
    )
    return {state: _columns(rows) for state, rows in runs.items()}


def _columns(rows: list[FreshRun]) -> dict[str, list[float]]:
    names = ("import_ms", "session_ms", "result_ms", "peak_mib")
    return {name: [round(getattr(row, name), 3) for row in rows] for name in names}
