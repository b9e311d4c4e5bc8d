"""Samples that calibration reads through, and of which the first are judged on later."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from typing import Any

from edgeinfer.calibrate.samples import Item, open_samples

__all__ = ["FirstSamples"]


class FirstSamples:
    """The first samples of many, which may come once only.

    Args:
        samples: as `edgeinfer.calibrate` takes them, or None.
        count: how many to keep.
    """

    def __init__(self, samples: Any, count: int) -> None:
        self._samples = samples
        self._count = count
        self._kept: list[Any] = []
        self._source = None if samples is None else open_samples(samples)

    def all(self) -> Any:
        """The samples, of which the first are kept if they cannot be read again."""
        if self._source is None or self._source.again:
            return self._samples
        return self._keeping(self._samples)

    def _keeping(self, samples: Iterable[Any]) -> Iterator[Any]:
        for value in samples:
            if len(self._kept) < self._count:
                self._kept.append(value)
            yield value

    def names(self) -> list[str]:
        """Of the first ones; of files without the folders that all of them lie in."""
        items = list(self.items())
        if not all(isinstance(item.value, str | os.PathLike) for item in items) or not items:
            return [item.name for item in items]
        paths = [os.path.abspath(item.name) for item in items]
        common = os.path.commonpath([os.path.dirname(path) for path in paths])
        return [os.path.relpath(path, common) for path in paths]

    def items(self) -> Iterator[Item]:
        """The first ones."""
        if self._source is None:
            return iter(())
        if self._source.again or not self._kept:
            return itertools.islice(self._source.items(), self._count)
        return itertools.starmap(Item, ((f"sample {i}", v) for i, v in enumerate(self._kept, 1)))
