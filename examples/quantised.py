"""The demo's network in 8 bits: each way to get there, what it takes and what it loses.

Ranges are looked for on scenes that training saw, masks judged on scenes that neither saw. All
files take turns on the same scenes, in an order drawn anew for each.
"""

from __future__ import annotations

import importlib.util
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import edgeinfer as ei

EXAMPLES = Path(__file__).resolve().parent
sys.path.insert(0, str(EXAMPLES / "vqi"))

from evaluate import CALIBRATION_SEEDS, EVALUATION_SEEDS, confusion, figures  # noqa: E402
from render import Scene, render  # noqa: E402

from our_way import OurWay  # noqa: E402
from report import EightBits, FileRow  # noqa: E402

Tell = Callable[[str], None]


@dataclass
class _Entrant:
    """One file as one session runs it, and what adds up over the scenes."""

    name: str
    file: Path
    way: OurWay
    native: bool = False
    milliseconds: list[float] = field(default_factory=list)
    counts: Any = 0

    def take(self, scene: Scene) -> None:
        mask, times = self.way(scene.image)
        self.milliseconds.append(times["run"] + times["tail"])
        self.counts += confusion(scene.mask, mask)

    def row(self) -> FileRow:
        return FileRow(
            name=self.name,
            file=str(self.file),
            milliseconds=statistics.median(self.milliseconds),
            megabytes=self.file.stat().st_size / 1e6,
            accuracy=figures(self.counts),
            native=self.native,
        )


def compare(
    model: Path, prepare: ei.Preprocess, out: Path, *, calibrated: int, held_out: int, tell: Tell
) -> EightBits:
    """Quantise ``model`` in each way and run all files beside each other.

    Args:
        model: the float file.
        prepare: makes a scene the network's input.
        out: folder for the new files.
        calibrated, held_out: numbers of scenes.
        tell: is given lines about the progress.
    """
    if importlib.util.find_spec("onnx") is None:
        return EightBits(why="the package onnx is not installed: pip install 'edgeinfer[quantize]'")
    # The seeds are other millions: no scene of one is in the other.
    seeds = (*CALIBRATION_SEEDS[:calibrated], *EVALUATION_SEEDS[:held_out])
    drawn = list(_told(map(render, seeds), len(seeds), "scenes drawn", tell))
    samples, scenes = [scene.image for scene in drawn[:calibrated]], drawn[calibrated:]

    def quantised(name: str, what: str, **settings: Any) -> tuple[Path, ei.QuantizeReport]:
        path = out / f"{model.stem}.{name}.onnx"
        begin = time.perf_counter()
        report = ei.quantize(model, path, **settings)
        tell(f"  {path}: {what}, {time.perf_counter() - begin:.1f} s")
        return path, report

    static: dict[str, Any] = {"samples": samples, "preprocess": prepare}
    entrants = [_Entrant("FP32", model, OurWay(model, prepare))]
    notes = []

    path, _ = quantised("a72", "static, signed activations, for Arm", target="a72", **static)
    as_written = ei.SessionOptions(to_uint8=False)
    entrants.append(_Entrant("static int8, signed (S8S8)", path, OurWay(path, prepare, as_written)))
    moved = OurWay(path, prepare)
    if moved.description["uint8"]["moved"]:
        entrants.append(_Entrant("the same, moved to U8S8 at load", path, moved))
        notes.append(
            "This CPU multiplies uint8 by int8: edgeinfer moves the signed file's activations to "
            "uint8 when it loads it, unless told otherwise (to_uint8=False, the row above)."
        )

    path, here = quantised("here", "static, for this CPU", **static)
    bits = "" if here.weight_bits == 8 else f", {here.weight_bits}-bit weights"
    kind = "U8S8" if here.activations == "uint8" else "S8S8"
    name = f"static int8, {kind}{bits} (this CPU)"
    entrants.append(_Entrant(name, path, OurWay(path, prepare), native=True))
    other = "an Arm core wants S8S8" if kind == "U8S8" else "U8S8 is for x86"
    notes.append(f"{kind} is what this CPU wants ({here.target}); {other}.")

    path, _ = quantised("dynamic", "dynamic", mode="dynamic", force_convolutions=True)
    entrants.append(_Entrant("dynamic int8, signed weights", path, OurWay(path, prepare)))

    _take_turns(entrants, _told(scenes, len(scenes), "scenes judged", tell))
    rows = [entrant.row() for entrant in entrants]
    slower = rows[-1].milliseconds / rows[0].milliseconds
    notes.append(
        f"Dynamic: all convolutions, {slower:.0f} times as long as FP32: the runtime looks for the "
        "range of each activation in each run and has no fast kernel behind it. edgeinfer "
        "refuses that unless forced (force_convolutions=True)."
    )
    return EightBits(rows=rows, calibrated=calibrated, held_out=held_out, notes=notes)


def _take_turns(entrants: list[_Entrant], scenes: Iterable[Scene]) -> None:
    rng = np.random.default_rng(0)
    for number, scene in enumerate(scenes):
        if number == 0:
            for entrant in entrants:  # warms caches and is not timed
                entrant.way(scene.image)
        for index in rng.permutation(len(entrants)):
            entrants[index].take(scene)


def _told(items: Iterable[Scene], total: int, what: str, tell: Tell) -> Iterator[Scene]:
    """The items, with four lines on the way that say how long the rest may take."""
    begin = time.perf_counter()
    for done, item in enumerate(items, 1):
        yield item
        if done * 4 // total != (done - 1) * 4 // total:
            left = (time.perf_counter() - begin) * (total - done) / done
            tell(f"  {done:4d}/{total} {what}, {left:.0f} s left")
