"""``edgeinfer bench --tune``: settings that are faster for one model on this machine."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from edgeinfer.cli.document import print_document, write_document
from edgeinfer.cli.figures import print_paragraph
from edgeinfer.cli.model import naming
from edgeinfer.cli.progress import Progress
from edgeinfer.cli.table import Column, Table, median, printable
from edgeinfer.errors import RunError

if TYPE_CHECKING:
    from edgeinfer.bench.compare import Judgement
    from edgeinfer.bench.tune import Answering, Candidate, Duel, Tuning

__all__ = ["tune_model"]

_CACHE_ROUNDS: Final = 5


def tune_model(options: argparse.Namespace) -> int:
    """Run the search, keep what it found beside the model's cache entry, and tell.

    Raises:
        RunError: what is found cannot be kept; said before the search where that is known by then.
    """
    from edgeinfer.bench.tune import challengers, tune
    from edgeinfer.cli.workload import plan
    from edgeinfer.options import SessionOptions
    from edgeinfer.session import Session

    @contextlib.contextmanager
    def opened(candidate: Candidate) -> Iterator[Answering]:
        settings = SessionOptions(**candidate.options())
        with (
            naming(options.model),
            Session(options.model, threads=candidate.threads, options=settings) as session,
        ):
            yield plan(session, options, settings).workload

    with naming(options.model), Session(options.model, options=SessionOptions()) as session:
        summary = plan(session, options, SessionOptions()).summary
        described = session.describe()
    _require_room(options)
    tail, head = described["tail"]["cut"], _has_head(options)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    groups = challengers(cores or 1, tail=tail, head=head)
    expected = min(cores or 1, 5) + 3 + tail + head
    progress = Progress(expected + 1, "duels", quiet=options.quiet)
    show = _Rows(options)
    show.begin(f"{printable(options.model.name)}: {summary}")

    def tick(duel: Duel) -> None:
        progress.clear()
        show.add(duel)
        progress.step()

    tuning = tune(opened, groups, seconds=options.seconds, expected=expected, tick=tick)
    progress.clear()
    cache = _cache(options, tuning.best)
    settings = _settings(tuning, use_cache=cache["use"])
    kept = _keep(options, settings)
    facts = {
        "model": {"path": str(options.model)},
        "duels": [_row(duel) for duel in tuning.duels],
        "session_ms": cache["session_ms"],
        "settings": settings,
        "kept": not kept,
        "why_not_kept": kept,
    }
    if options.out is not None:
        write_document(options.out, "tune", facts)
    if options.json:
        print_document("tune", facts)
    else:
        _print_end(tuning, cache, kept)
    if kept:
        raise _not_kept(kept)
    return 0


def _require_room(options: argparse.Namespace) -> None:
    """Keep a small note on trial, before a minute is spent on what could not be kept.

    Only writing tells: permissions mean nothing to root, and a disk may be full.
    """
    from edgeinfer._tuned import NOTE
    from edgeinfer.cache import remember

    with naming(options.model):
        why = remember(options.model, f"{NOTE}, trial", {})
    if why:
        raise _not_kept(why)


def _not_kept(why: str) -> RunError:
    return RunError(
        f"tune: found that settings cannot be kept: {why}; wanted a cache folder to write to; "
        "name one in EDGEINFER_CACHE"
    )


def _has_head(options: argparse.Namespace) -> bool:
    from edgeinfer.inspection import inspect

    if options.model.suffix.lower() == ".ort":
        return False  # not ONNX, and cannot be cut
    return any(head.quantizes for head in inspect(options.model).heads)


def _cache(options: argparse.Namespace, best: Candidate) -> dict[str, Any]:
    """Times of session creation without and with the filled cache, taken in turns."""
    from edgeinfer.bench.compare import judge_few
    from edgeinfer.options import SessionOptions
    from edgeinfer.session import Session

    times: dict[bool, list[float]] = {True: [], False: []}
    settings = SessionOptions(**best.options())
    for number in range(-1, _CACHE_ROUNDS):
        for use in (True, False):
            begin = time.perf_counter()
            Session(options.model, threads=best.threads, options=settings, cache=use).close()
            if number >= 0:  # the first round fills the cache
                times[use].append((time.perf_counter() - begin) * 1e3)
    return {
        "use": judge_few(times[True], times[False]).verdict != "faster",
        "session_ms": {"cache": times[True], "no cache": times[False]},
    }


def _settings(tuning: Tuning, *, use_cache: bool) -> dict[str, Any]:
    """What is kept; ``edgeinfer._tuned`` reads it."""
    best, confirmed = tuning.best, tuning.confirmed
    ratio = confirmed.judgement.ratio if confirmed and confirmed.judgement else 1.0
    return {
        "threads": best.threads,
        "spin": best.spin,
        "fuse_tail": best.fuse_tail,
        "cache": use_cache,
        "ratio": round(ratio, 4),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _keep(options: argparse.Namespace, settings: dict[str, Any]) -> str:
    """Why the settings could not be kept; empty: they are."""
    from edgeinfer._tuned import NOTE
    from edgeinfer.cache import remember

    with naming(options.model):
        return remember(options.model, NOTE, settings)


class _Rows:
    """The table of duels, as they end."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._silent = options.json
        self._seen: set[Candidate] = set()
        self._table = Table(
            [
                Column("tried", 38, "left"),
                Column("ms", 8),
                Column("best ms", 8),
                Column("ratio", 6),
                Column("verdict", 8, "left"),
            ]
        )

    def begin(self, headline: str) -> None:
        """Print what stands above the first row."""
        if not self._silent:
            print(f"{headline}\n")
            self._table.titles()

    def add(self, duel: Duel) -> None:
        """Print one duel."""
        if self._silent:
            return
        name = str(duel.challenger)
        if duel.challenger in self._seen:
            name = "that beside the default again"
        self._seen.add(duel.challenger)
        if duel.judgement is None:
            self._table.row([name, "-", "-", "-", duel.note])
            return
        judgement: Judgement = duel.judgement
        self._table.row(
            [
                name,
                f"{duel.challenger_ms:.3f}",
                f"{duel.best_ms:.3f}",
                f"{judgement.ratio:.3f}",
                judgement.verdict,
            ]
        )


def _row(duel: Duel) -> dict[str, Any]:
    judgement = duel.judgement
    return {
        "best": str(duel.best),
        "challenger": str(duel.challenger),
        "best_ms": duel.best_ms,
        "challenger_ms": duel.challenger_ms,
        "ratio": None if judgement is None else judgement.ratio,
        "low": None if judgement is None else judgement.low,
        "high": None if judgement is None else judgement.high,
        "verdict": None if judgement is None else judgement.verdict,
        "note": duel.note,
    }


def _print_end(tuning: Tuning, cache: dict[str, Any], kept: str) -> None:
    times = cache["session_ms"]
    print()
    print_paragraph(
        "session",
        f"{median(times['cache']):.0f} ms with the filled cache, {median(times['no cache']):.0f} "
        f"without: the cache is {'used' if cache['use'] else 'left out'}",
    )
    if tuning.confirmed is not None and tuning.confirmed.judgement is not None:
        judgement = tuning.confirmed.judgement
        print_paragraph(
            "best",
            f"{tuning.best}: {judgement.ratio:.3f} of the default's time "
            f"({judgement.low:.3f} to {judgement.high:.3f})",
        )
        if tuning.best.spin == "on":
            print_paragraph(
                "",
                "spinning costs processor time between frames; where they come seldom and that "
                "matters, give SessionOptions(spin='auto')",
            )
    else:
        print_paragraph("best", "the default: nothing else is faster beyond the noise")
    heads = [duel for duel in tuning.duels if duel.challenger.cut_head and duel.won]
    if heads:
        print_paragraph(
            "advice",
            "SessionOptions(cut_head=True) with bind(quantized=True) is faster still; it is not "
            "chosen by itself, since it pays only for callers who give integers",
        )
    if not kept:
        from edgeinfer.cache import folder

        print_paragraph(
            "kept",
            f"in {folder()[0]}, for this file, runtime and CPU: Session(model) takes it from now "
            "on; arguments that are given win",
        )
