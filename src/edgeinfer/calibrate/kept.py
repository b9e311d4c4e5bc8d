"""Calibrations that were made before, known again by model, data and settings."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable
from pathlib import Path

from edgeinfer.calibrate import storage
from edgeinfer.calibrate.origin import Origin
from edgeinfer.errors import CalibrationWarning, EdgeInferError, InputError

__all__ = ["keep", "look_up"]


def _place(folder: Path, origin: Origin, samples: Iterable[str]) -> Path:
    # Sorted, since the order changes no histogram.
    text = "\n".join([origin.digest, *sorted(samples)])
    return folder / f"{hashlib.sha256(text.encode()).hexdigest()[:40]}.ranges"


def look_up(folder: Path, origin: Origin, samples: list[str]) -> storage.Stored | None:
    """What was kept of these samples; None: nothing, or nothing that is whole.

    The method is that of the file; any other finishes from the same statistics.
    """
    place = _place(folder, origin, samples)
    try:
        found = storage.read(place)
    except InputError:
        return None  # none, or damaged: made again, and written anew
    same = found.origin == origin and sorted(found.samples) == sorted(samples)
    return found if same else None


def keep(folder: Path, stored: storage.Stored, stacklevel: int) -> None:
    """Keep a calibration; where that fails, warn: the calibration itself is good."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        storage.write(_place(folder, stored.origin, stored.samples), stored)
    except (OSError, EdgeInferError) as error:
        warnings.warn(
            f"cache: could not keep this calibration: {error}",
            CalibrationWarning,
            stacklevel=stacklevel + 1,
        )
