"""The demo's results: figures, as text and as plain values."""

from __future__ import annotations

import datetime
import math
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from textwrap import wrap
from typing import Any

__all__ = ["EightBits", "FileRow", "Picture", "Report", "environment"]

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class Picture:
    """One frame: its overlay's file, what was found, and JPEGs of frame, mask and truth."""

    seed: int
    file: str
    caption: str
    photo: bytes
    found: bytes
    truth: bytes


@dataclass(frozen=True)
class FileRow:
    """One file of the network: median milliseconds from input to mask, size, IoU figures."""

    name: str
    file: str
    milliseconds: float
    megabytes: float
    accuracy: dict[str, float]
    native: bool = False  # made for this CPU


@dataclass(frozen=True)
class EightBits:
    """The network quantised in several ways, the float file first.

    ``calibrated``, ``held_out``: numbers of scenes. ``why``: there are no rows.
    """

    rows: list[FileRow] = field(default_factory=list)
    calibrated: int = 0
    held_out: int = 0
    notes: list[str] = field(default_factory=list)
    why: str = ""

    def ratios(self, row: FileRow) -> dict[str, float]:
        """Of speed, size and mIoU to the float file; speed above 1 is faster."""
        exact = self.rows[0]
        return {
            "speed": exact.milliseconds / row.milliseconds,
            "size": row.megabytes / exact.megabytes,
            "miou": row.accuracy["miou"] / exact.accuracy["miou"],
        }

    def native(self) -> FileRow | None:
        """The static file that was made for this CPU."""
        return next((row for row in self.rows if row.native), None)

    def cells(self) -> list[list[str]]:
        """The table: a header, then a line a file."""
        table = [["file", "ms", "speed", "MB", "size", "mIoU", "of FP32", "cable", "insulator"]]
        for row in self.rows:
            ratios = self.ratios(row)
            table.append(
                [
                    row.name,
                    f"{row.milliseconds:.2f}",
                    f"{ratios['speed']:.2f} x",
                    f"{row.megabytes:.2f}",
                    f"{ratios['size']:.2f} x",
                    f"{row.accuracy['miou']:.4f}",
                    f"{ratios['miou']:.2%}",
                    f"{row.accuracy['iou_cable']:.3f}",
                    f"{row.accuracy['iou_insulator']:.3f}",
                ]
            )
        return table

    def title(self) -> str:
        """What the figures are of."""
        return (
            "Milliseconds from input to mask, one thread, medians; mIoU over "
            f"{self.held_out} scenes that neither training nor calibration saw (calibration "
            f"looked at {self.calibrated} others)."
        )


@dataclass(frozen=True)
class Report:
    """Everything the page shows.

    ``stages``: milliseconds by way and stage. ``pairs``: our way, the common way of the same job,
    and the lowest share of pixels on which they agree; empty when there was no comparison, and
    ``versions`` is then the reason.
    """

    count: int
    frame: str
    environment: list[tuple[str, str]]
    stages: dict[str, dict[str, float]]
    pairs: list[tuple[str, str, float]]
    versions: str
    at_network: dict[str, float]
    at_frame: dict[str, float]
    eight_bits: EightBits
    training: dict[str, Any]
    pictures: list[Picture]
    classes: list[tuple[str, RGB]]
    commands: list[str]

    def accuracy(self) -> list[tuple[str, dict[str, float]]]:
        """Rows of the table of IoU figures."""
        name, colour_alone = max(
            self.training["baseline"].items(), key=lambda item: item[1]["miou"]
        )
        return [
            ("edgeinfer, network's pixels", self.at_network),
            (f"edgeinfer, {self.frame} pixels", self.at_frame),
            (f"best colour rule ({name})", colour_alone),
        ]

    @staticmethod
    def equal_masks(agreement: float) -> str:
        """In words, the share of pixels that get the same class either way."""
        if agreement == 1:
            return "the masks are identical"
        # Rounded down: 100.00 % is left to masks without a difference.
        return f"at least {int(agreement * 1e4) / 100:.2f} % of each mask is the same"

    def speedup(self, ours: str, common: str) -> float:
        """How many times as fast one way is as the other."""
        return sum(self.stages[common].values()) / sum(self.stages[ours].values())

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, without pictures."""
        facts: dict[str, Any] = asdict(self)
        del facts["training"]["baseline"], facts["classes"]
        facts["environment"] = dict(self.environment)
        facts["pictures"] = [
            {"seed": one.seed, "file": one.file, "found": one.caption} for one in self.pictures
        ]
        facts["pairs"] = [
            {
                "ours": ours,
                "common": common,
                "agreement": equal,
                "speed": self.speedup(ours, common),
            }
            for ours, common, equal in self.pairs
        ]
        for row, facts_of_row in zip(
            self.eight_bits.rows, facts["eight_bits"]["rows"], strict=True
        ):
            facts_of_row["ratios"] = self.eight_bits.ratios(row)
        plain: dict[str, Any] = _without_nan(facts)
        return plain

    def text(self) -> str:
        """The tables for a terminal."""
        return "\n".join((*self._accuracy_lines(), *self._speed_lines(), *self._eight_bits_lines()))

    def _accuracy_lines(self) -> Iterator[str]:
        yield f"\nmasks against the drawn truth, {self.count} pictures, IoU"
        names = [name for name, _ in self.classes]
        yield " " * 36 + "".join(f"{name:>11}" for name in ("mean", *names))
        for label, values in self.accuracy():
            keys = ("miou", *(f"iou_{name}" for name in names))
            yield f"  {label:34}" + "".join(f"{values[key]:11.3f}" for key in keys)

    def _speed_lines(self) -> Iterator[str]:
        yield f"\nmilliseconds a frame of {self.frame}, one thread, medians"
        stages = next(iter(self.stages.values()))
        yield " " * 36 + "".join(f"{name:>12}" for name in (*stages, "sum"))
        for way, times in self.stages.items():
            row = "".join(f"{value:12.2f}" for value in (*times.values(), sum(times.values())))
            yield f"  {way:34}{row}"
        yield f"  common way: {self.versions}"
        for ours, common, agreement in self.pairs:
            faster = self.speedup(ours, common)
            yield f"  {ours}: {faster:.2f} x as fast; {self.equal_masks(agreement)}"

    def _eight_bits_lines(self) -> Iterator[str]:
        found = self.eight_bits
        if found.why:
            yield f"\nnot quantised: {found.why}"
            return
        yield "\nin 8 bits"
        table = found.cells()
        width = max(len(name) for name, *_ in table)
        for name, *cells in table:
            yield f"  {name:{width}}" + "".join(f"{cell:>10}" for cell in cells)
        for note in (found.title(), *found.notes):
            yield from wrap(note, 98, initial_indent="  ", subsequent_indent="    ")


def _without_nan(value: Any) -> Any:
    """JSON knows no NaN: the IoU of a class that no picture holds."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def environment(described: dict[str, Any]) -> list[tuple[str, str]]:
    """Facts about this machine, as ``Session.describe()`` and the system give them."""
    return [
        ("date", datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")),
        ("processor", f"{_processor()}, {os.cpu_count()} cores, {platform.machine()}"),
        ("system", f"{platform.system()} {platform.release()}"),
        ("Python", platform.python_version()),
        ("edgeinfer", version("edgeinfer")),
        ("ONNX Runtime", str(described["runtime"]["version"])),
        ("tail", "; ".join(described["tail"]["steps"]) or str(described["tail"]["why"])),
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    names = {key.strip(): value.strip() for key, value in facts.items()}
    return names.get("Model") or names.get("model name") or "unknown"
