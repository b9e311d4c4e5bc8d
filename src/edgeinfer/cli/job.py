"""One model, one recipe, one task: an image after the other."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeinfer.cli import pictures, recipe, tasks
from edgeinfer.cli.images import Item
from edgeinfer.cli.table import printable
from edgeinfer.errors import EdgeInferError, InputError

if TYPE_CHECKING:
    from edgeinfer.binding import Binding
    from edgeinfer.frame import Frame
    from edgeinfer.placement import Placement
    from edgeinfer.preprocess import Preprocess
    from edgeinfer.session import Session

__all__ = ["Job", "Report", "prepare"]


@dataclass
class Report:
    """What one image gave; ``facts`` becomes its entry in the JSON document."""

    facts: dict[str, Any]
    summary: str
    details: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether there is an error instead of a result."""
        return self.facts["error"] is not None

    @property
    def times_ms(self) -> dict[str, float]:
        """Stage times of a result; empty after a failure."""
        times: dict[str, float] = self.facts["times_ms"]
        return times


@dataclass(frozen=True)
class Job:
    """All that stays the same from image to image."""

    session: Session
    preprocess: Preprocess
    binding: Binding
    wanted: recipe.ImageInput
    task: tasks.Task
    out: Path | None

    def run(self, item: Item, stem: Path) -> Report:
        """Read, run and write one image; its own failure becomes part of the report."""
        facts: dict[str, Any] = {"image": str(item.path), "error": None}
        try:
            return self._run(item, stem, facts)
        except EdgeInferError as error:
            text = " ".join(str(error).split())
            # The path stands in the first column already.
            return Report(
                {**facts, "error": text, "times_ms": {}},
                "error: " + printable(text.removeprefix(f"{item.path}: ")),
            )

    def _run(self, item: Item, stem: Path, facts: dict[str, Any]) -> Report:
        from edgeinfer.decode import decode

        start = time.perf_counter()
        frame = decode(item.path)
        decoded = time.perf_counter()
        placement = self.preprocess(frame, out=self.binding.inputs[self.wanted.name]).placement
        prepared = time.perf_counter()
        outcome = self.task(self.binding, placement)
        done = time.perf_counter()
        times = {"decode": (decoded - start) * 1e3, "preprocess": (prepared - decoded) * 1e3}
        times |= outcome.times_ms
        times["total"] = (done - start) * 1e3
        facts |= {
            "width": frame.width,
            "height": frame.height,
            "times_ms": times,
            **outcome.facts,
        }
        if self.out is not None and outcome.mask is not None:
            facts["files"] = self._write(self.out / stem, item, frame, outcome, placement)
        return Report(facts, outcome.summary, outcome.details)

    def _write(
        self, stem: Path, item: Item, frame: Frame, outcome: tasks.Outcome, placement: Placement
    ) -> dict[str, str]:
        assert outcome.mask is not None
        mask = outcome.mask
        # A mask of the model's pixels lies on the picture only where Placement says.
        on_frame = mask.classes.shape == placement.frame_size or placement.covers
        placed = mask if on_frame else placement.mask_to_frame(mask)
        # What is no object stays as photographed, so that the objects stand out.
        plain = (0,) if mask.labels and mask.labels[0].lower() == "background" else ()
        lossy = item.path.suffix.lower() not in (".png", ".bmp")
        overlay = pictures.write_overlay(stem, placed.overlay(frame, untinted=plain), lossy=lossy)
        class_map = pictures.write_class_map(stem, mask.classes)
        return {"overlay": str(overlay), "classes": str(class_map)}


def prepare(session: Session, options: argparse.Namespace, labels: Sequence[str]) -> Job:
    """Everything that can be refused before the first image is read.

    Raises:
        InputError: the model, the recipe, the task and the labels do not fit each other.
    """
    wanted = recipe.image_input(session)
    tasks.check_labels(labels, session)
    preprocess = recipe.build(options, wanted)
    recipe.check_fits(preprocess, wanted)
    name = tasks.recognise(session) if options.task == "auto" else options.task
    task: tasks.Task
    if name == "segment":
        task = tasks.Segment(labels, top=options.top, at_frame=options.mask_size == "frame")
    elif name == "classify":
        task = tasks.Classify(labels, top=options.top, softmax=options.softmax)
    else:
        task = tasks.Tensors()
    if options.out is not None and name != "segment":
        raise InputError(
            f"--out: writes pictures of masks, but this run's task is {name}; "
            "leave --out away, or say --task segment"
        )
    # Pillow's readers are imported on first use, which would count as the first image's decoding.
    from PIL import BmpImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin  # noqa: F401

    binding = session.bind({wanted.name: wanted.shape(preprocess.size)})
    return Job(session, preprocess, binding, wanted, task, options.out)
