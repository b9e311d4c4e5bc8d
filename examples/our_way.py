"""Frame to mask with edgeinfer, its stages timed."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import edgeinfer as ei

Bytes = NDArray[np.uint8]
Times = dict[str, float]


class OurWay:
    """One thread, buffers allocated once."""

    def __init__(
        self, model: Path, prepare: ei.Preprocess, options: ei.SessionOptions | None = None
    ) -> None:
        self._prepare = prepare
        # The binding keeps what it needs of the session alive.
        session = ei.Session(model, threads=1, options=options or ei.SessionOptions())
        self.description = session.describe()
        self._binding = session.bind()
        (self._input,) = self._binding.inputs.values()

    def __call__(self, frame: Bytes, size: tuple[int, int] | None = None) -> tuple[Bytes, Times]:
        """The mask, of the network's size if no other is wanted, and milliseconds by stage."""
        start = time.perf_counter()
        self._prepare(frame, out=self._input)
        prepared = time.perf_counter()
        mask = self._binding.segment(size=size)
        times = self._binding.last_times
        # Five classes fit into bytes; a mask of more than 256 would hold uint16.
        return mask.classes.astype(np.uint8, copy=False), {
            "preprocess": (prepared - start) * 1e3,
            "run": times.run_ms,
            "tail": times.tail_ms,
        }
