"""What ``bench`` shows: stages, starts, memory, machine, doubts."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path
from typing import Any

from edgeinfer.cli.table import Column, Table, median, printable

__all__ = ["print_figures", "print_paragraph"]

_NAME_WIDTH = 13


def print_figures(facts: dict[str, Any], summary: str) -> None:
    """Print one measurement; ``facts`` as in the JSON document."""
    print(f"{printable(Path(facts['model']['path']).name)}: {summary}")
    whole = next(reversed(facts["stages"].values()))
    print(f"{_threads(facts['settings'])}; {whole['count']} frames in {facts['seconds']:.0f} s\n")
    _stages(facts["stages"], facts["frames_per_second"])
    print()
    print_paragraph("first frame", f"{facts['first_run_ms']:.1f} ms")
    _starts(facts)
    for name, text in _machine(facts):
        print_paragraph(name, text)
    _doubts(facts["doubts"])


def _threads(settings: dict[str, Any]) -> str:
    threads = settings["threads"]
    if threads == "shared":
        return "shared threads"
    plural = "" if threads == 1 else "s"
    return f"{threads} thread{plural} of its own"


def _stages(stages: dict[str, dict[str, Any]], frames_per_second: float) -> None:
    table = Table(
        [
            Column("stage", 12, "left"),
            *(Column(name, 9) for name in ("median ms", "p90", "p99", "least")),
            Column("of whole", 8, "left"),
        ]
    )
    table.titles()
    whole = next(reversed(stages.values()))["median_ms"]
    for index, (name, row) in enumerate(stages.items()):
        figures = [row[key] for key in ("median_ms", "p90_ms", "p99_ms", "min_ms")]
        last = index == len(stages) - 1
        note = f"{frames_per_second:.1f} frames/s" if last else f"{row['median_ms'] / whole:.0%}"
        table.row([name, *map(_milliseconds, figures), note])


def _starts(facts: dict[str, Any]) -> None:
    cold = facts.get("cold_start")
    if not cold:
        print_paragraph("session", f"{facts['session_ms']:.1f} ms to create, in this process")
        return
    for name, key in (("session", "session_ms"), ("cold start", "result_ms")):
        texts = [f"{_cache(state)} {median(rows[key]):.0f} ms" for state, rows in cold.items()]
        tail = "to create" if key == "session_ms" else "from process start to first result"
        print_paragraph(name, f"{', '.join(texts)}; {tail}")
    peaks = [f"{_cache(state)} {median(rows['peak_mib']):.0f} MiB" for state, rows in cold.items()]
    print_paragraph("peak memory", f"{', '.join(peaks)}; of such a process")


def _cache(state: str) -> str:
    return {"off": "no cache", "cold": "cache empty", "warm": "cache filled"}[state]


def _machine(facts: dict[str, Any]) -> list[tuple[str, str]]:
    before, after = facts["machine"], facts["machine_after"]
    parts = [before["board"], before["cpu"], f"{before['cores']} cores"]
    if before["governors"]:
        parts.append("governor " + "/".join(before["governors"]))
    if after["mhz"] is not None:
        parts.append(f"{after['mhz']:.0f} MHz")
    if after["temperature_c"] is not None:
        parts.append(f"{after['temperature_c']:.1f} degrees")
    if before["load"] is not None:
        parts.append(f"load {before['load']:.2f} at the beginning")
    versions = ", ".join(f"{name} {text}" for name, text in facts["versions"].items() if text)
    cpu = facts["cpu"]["features"] or "no features in use"
    variants = facts["cpu"]["variants"]
    session = facts["session"]
    tail = "cut off: fused pass" if session["tail"]["cut"] else session["tail"]["why"]
    return [
        ("machine", ", ".join(filter(None, parts))),
        ("cpu", f"{cpu}; {variants}" if variants else cpu),
        ("versions", versions),
        ("runtime", session["runtime"]["path"]),
        ("model", f"SHA-256 {facts['model']['sha256'][:16]}…"),
        ("tail", tail),
    ]


def _doubts(doubts: list[dict[str, str]]) -> None:
    if not doubts:
        print("\nnothing found that speaks against these figures")
        return
    print("\nnot to be trusted:")
    for doubt in doubts:
        print_paragraph(doubt["name"], doubt["found"])
        print_paragraph("", f"wanted: {doubt['wanted']}")
        print_paragraph("", f"remedy: {doubt['remedy']}")


def print_paragraph(name: str, text: str) -> None:
    """A name and a text beside it, broken to the terminal's width."""
    width = max(60, min(shutil.get_terminal_size().columns, 100))
    lines = textwrap.wrap(
        printable(text),
        width,
        initial_indent=f"{name:<{_NAME_WIDTH}} ",
        subsequent_indent=" " * (_NAME_WIDTH + 1),
        break_long_words=False,
        break_on_hyphens=False,
    )
    print("\n".join(lines))


def _milliseconds(value: float) -> str:
    # Four digits tell more than the machine repeats, whatever the size.
    return f"{value:.4f}" if value < 1 else f"{value:.3f}" if value < 100 else f"{value:.1f}"
