"""The outcome of a calibration: which range each tensor had, by any method, at any time later."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from edgeinfer import _core
from edgeinfer.calibrate import storage
from edgeinfer.calibrate.origin import Tensor
from edgeinfer.errors import InputError

__all__ = ["Ranges", "TensorRange", "checked_method"]


class TensorRange(NamedTuple):
    """What a quantiser should span: ``low <= 0 <= high``, both numbers that float32 holds."""

    low: float
    high: float


class Ranges:
    """Statistics of a network's float tensors, and the ranges that a method makes of them.

    One calibration serves all methods: each finishes from the same statistics. Made by
    `edgeinfer.calibrate`, by `load`, by `merge` and by `with_method`; never changed afterwards, so
    safe from several threads.

    Attributes:
        method: ``"minmax"``, ``"moving_average"``, ``"percentile"``, ``"entropy"`` or ``"mse"``.
        parameter: of the method; None: its default (percentile 99.99; 256 levels for the last two).
        model_digest: SHA-256 of the model file, in hexadecimal.
        samples: how many were observed.
        sample_digests: of each, in hexadecimal, in the order they came.
        recipe: of the preprocessing, as ``Preprocess.to_recipe`` gives it; None: arrays were given.
        bins: at most so many for each histogram.
        tensors: what was observed, in the order of the graph: name, layer, channel_axis.
        same_range_as: tensors that were not observed, since the range of another holds for them.
    """

    def __init__(self, stored: storage.Stored) -> None:
        origin = stored.origin
        self._stored = stored
        self._by_name = dict(
            zip((one.name for one in origin.tensors), stored.statistics, strict=True)
        )
        self._known: dict[str, TensorRange] = {}
        self.method: str = stored.method
        self.parameter: float | None = stored.parameter
        self.model_digest: str = origin.model_digest
        self.samples: int = len(stored.samples)
        self.sample_digests: tuple[str, ...] = stored.samples
        self.recipe: dict[str, Any] | None = origin.recipe
        self.bins: int = origin.bins
        self.tensors: tuple[Tensor, ...] = origin.tensors
        self.same_range_as: dict[str, str] = dict(origin.same_range_as)

    def names(self) -> tuple[str, ...]:
        """All tensors that `range` knows: the observed ones, then those of ``same_range_as``."""
        return (*self._by_name, *self.same_range_as)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name or name in self.same_range_as

    def range(self, name: str) -> TensorRange:
        """The range of a tensor.

        Args:
            name: an observed tensor, or one of ``same_range_as``.
        Raises:
            InputError: no such tensor, or no value of it was finite.
        Cost: of the first call: microseconds; with entropy about 0.3 ms, with mse 2 ms.
        """
        observed = self._observed(name)
        found = self._known.get(observed)
        if found is None:
            statistics = self._by_name[observed]
            low, high = statistics.range(self.method, self.parameter)
            found = TensorRange(low + 0.0, high + 0.0)  # no negative zero
            self._known[observed] = found
        return found

    def statistics(self, name: str) -> _core.TensorStatistics:
        """What was seen of an observed tensor: its histogram, and moments of each channel.

        Raises:
            InputError: it was not observed; where the range of another holds for it, the text says
                which.
        """
        if name not in self._by_name:
            observed = self._observed(name)
            raise InputError(
                f"statistics: {name!r} was not observed: the range of {observed!r} holds for it; "
                f"ask for that, or calibrate with tensors=[{name!r}, ...]"
            )
        return self._by_name[name]

    def clipped(self, name: str) -> float:
        """Share of a tensor's values outside of its range, 0 to 1, to within one bin each side.

        Raises:
            InputError: as `range`.
        """
        low, high = self.range(name)
        statistics = self._by_name[self._observed(name)]
        counts, first, width = statistics.histogram()
        if statistics.low >= low and statistics.high <= high:
            return 0.0
        # A bin counts as clipped where its middle is.
        middles = first + (np.arange(len(counts)) + 0.5) * width
        return float(counts[(middles < low) | (middles > high)].sum()) / statistics.count

    def with_method(self, method: str, parameter: float | None = None) -> Self:
        """The same statistics seen by another method; nothing is calibrated again.

        Raises:
            InputError: no such method, or a parameter that it does not take.
        """
        checked_method(method, parameter)
        return type(self)(self._stored._replace(method=method, parameter=parameter))

    def merge(self, *others: Self) -> Self:
        """Statistics of several runs as if one had seen all their samples; method as here.

        Histograms and extremes, and so minmax, percentile, entropy and mse, are the same to the
        last bit in whatever order; moving_average, means and variances to 1e-12.

        Args:
            others: of the same model, tensors, bins and preprocessing, from other samples.
        Raises:
            InputError: they do not fit, or hold a sample that was counted already.
        """
        samples = list(self.sample_digests)
        merged = [_core.TensorStatistics.from_state(one.state()) for one in self._stored.statistics]
        for other in others:
            if not isinstance(other, Ranges):
                raise InputError(f"merge: found {type(other).__name__}, wanted Ranges")
            different = self._stored.origin.differences(other._stored.origin)
            if different:
                raise InputError(
                    f"merge: found runs that differ in {different}; wanted one model and one way "
                    "to calibrate it"
                )
            again = set(samples) & set(other.sample_digests)
            if again:
                raise InputError(
                    f"merge: found {len(again)} samples in two of the runs (such as "
                    f"{min(again)}); wanted each counted once"
                )
            samples += other.sample_digests
            for one, more in zip(merged, other._stored.statistics, strict=True):
                one.merge(more)
        return type(self)(self._stored._replace(samples=tuple(samples), statistics=merged))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one file, in one step: the old one is intact until the new one is.

        Raises:
            OSError: no such folder, a full disk; the old file is as it was.
            BusyError: another process writes the same file.
        Cost: 8 bytes a bin and 32 a channel of each tensor: 1 MB for MobileNetV2; synced.
        """
        storage.write(Path(path), self._stored)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote, on whatever machine.

        Raises:
            InputError: no such file, a damaged one, or none that `save` wrote.
        """
        ranges = cls(storage.read(Path(path)))
        checked_method(ranges.method, ranges.parameter)
        return ranges

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers, as ``edgeinfer calibrate --json`` prints them."""
        return {
            "method": self.method,
            "parameter": self.parameter,
            "model_digest": self.model_digest,
            "samples": self.samples,
            "bins": self.bins,
            "recipe": self.recipe,
            "tensors": [self._row(tensor) for tensor in self.tensors],
            "same_range_as": self.same_range_as,
        }

    def _row(self, tensor: Tensor) -> dict[str, Any]:
        statistics = self._by_name[tensor.name]
        row = {**tensor._asdict(), "values": statistics.count, "zeros": statistics.zeros}
        if statistics.count == 0:
            return {**row, "seen": None, "range": None, "clipped": None}
        return {
            **row,
            "seen": [statistics.low, statistics.high],
            "range": list(self.range(tensor.name)),
            "clipped": self.clipped(tensor.name),
        }

    def _observed(self, name: str) -> str:
        observed = name
        # Bounded, since a stranger's file may hold a circle.
        for _ in range(len(self.same_range_as) + 1):
            if observed in self._by_name:
                return observed
            observed = self.same_range_as.get(observed, "")
        raise InputError(
            f"ranges: found no tensor {name!r}; names() tells the {len(self.names())} there are"
        )

    def __repr__(self) -> str:
        return (
            f"Ranges({len(self.tensors)} tensors, {self.samples} samples, method={self.method!r}, "
            f"parameter={self.parameter!r})"
        )


def checked_method(method: str, parameter: float | None) -> None:
    """Refuse a method that is not there, and a parameter that it does not take.

    Raises:
        InputError: the text says which there are.
    """
    if not isinstance(method, str):
        raise InputError(f"method: found {method!r}, wanted a name")
    is_number = isinstance(parameter, int | float) and not isinstance(parameter, bool)
    try:
        if parameter is not None and not is_number:
            raise InputError(f"parameter: found {parameter!r}, wanted a number or None")
        parameter = None if parameter is None else float(parameter)
    except OverflowError:
        raise InputError("parameter: found a number beyond 1e308, wanted a smaller one") from None
    trial = _core.TensorStatistics(1)
    trial.observe(np.zeros(1, np.float32), None)
    trial.end_sample()
    trial.range(method, parameter)
