"""The demo's network in 8 bits: each way to get there, what it takes and what it loses.

Ranges are looked for on scenes that training saw, masks judged on scenes that neither saw. All
files take turns on the same scenes, in an order drawn anew for each.
"""

from __future__ import annotations

import importlib.util
import itertools
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

from evaluate import (  # noqa: E402
    CALIBRATION_SEEDS,
    CHOICE_SEEDS,
    EVALUATION_SEEDS,
    confusion,
    figures,
    judge,
)
from render import CLASSES, Scene, render  # noqa: E402

from our_way import OurWay  # noqa: E402
from report import EightBits, FileRow  # noqa: E402

Tell = Callable[[str], None]
CHOSEN_ON = 20  # scenes; each candidate is judged on all of them
MAX_DROP = 0.005


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
    parts = (CALIBRATION_SEEDS[:calibrated], CHOICE_SEEDS[:CHOSEN_ON], EVALUATION_SEEDS[:held_out])
    total = sum(map(len, parts))
    drawn = iter([*_told(map(render, itertools.chain(*parts)), total, "scenes drawn", tell)])
    seen, watched, scenes = ([next(drawn) for _ in seeds] for seeds in parts)
    samples = [scene.image for scene in seen]

    def quantised(name: str, what: str, **settings: Any) -> tuple[Path, ei.QuantizeReport]:
        path = out / f"{model.stem}.{name}.onnx"
        begin = time.perf_counter()
        report = ei.quantize(model, path, progress=_Steps(tell), **settings)
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
    page = out / "quantised.html"
    here.save_html(page, title=f"{model.name} in 8 bits", labels=CLASSES)
    tell(f"  {page}: what became of each layer")

    def miou(session: ei.Session) -> float:
        return figures(judge(session, prepare, watched))["miou"]

    try:
        path, mixed = quantised(
            "mixed",
            "mixed, for this CPU",
            mode="mixed",
            max_drop=MAX_DROP,
            evaluate=miou,
            judged=8,
            **static,
        )
    except ei.ModelError as error:
        notes.append(f"No mixed file: {error}")
    else:
        entrants.append(_Entrant("mixed, int8 and float", path, OurWay(path, prepare)))
        weighted = [layer for layer in mixed.layers if layer.weights is not None]
        left = sum(layer.decision == "float" for layer in weighted)
        notes.append(
            f"Mixed: {left} of {len(weighted)} layers with weights stay in float, so that mIoU "
            f"falls by at most {MAX_DROP} at the least time, judged on {CHOSEN_ON} other scenes."
        )

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


class _Steps:
    """Says now and then how far quantising is."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._step = ""
        self._begin = self._said = time.perf_counter()

    def __call__(self, step: str, done: int, total: int | None) -> None:
        now = time.perf_counter()
        if step != self._step:
            self._step, self._begin = step, now
        if now - self._said < 3 or not done or not total:
            return
        left = (now - self._begin) * max(total - done, 0) / done
        self._tell(f"    {step} {done}/{total}, {left:.0f} s left")
        self._said = now


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
