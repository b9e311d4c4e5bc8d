"""One sample after the other through the network, kept on disk now and then, so that a power cut
costs little.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from edgeinfer import _core
from edgeinfer.calibrate import storage
from edgeinfer.calibrate.ahead import ahead
from edgeinfer.calibrate.origin import Origin
from edgeinfer.calibrate.samples import Item, Sample
from edgeinfer.calibrate.suspicion import Look, Suspicion, look_at
from edgeinfer.errors import InputError, ModelError

__all__ = ["Run"]

# Keeping takes one part in so many of the time.
_BETWEEN_KEEPS: Final = 50


class Run:
    """A calibration under way.

    Args:
        model: bytes of the file.
        origin: what to observe.
        threads: for the network and the statistics.
        resume: file that keeps what was observed, here or by an earlier run that ended early;
            None: nothing is kept.
    Raises:
        ModelError: the runtime refuses the model.
        InputError: the file of an earlier run is damaged, or of another calibration.
    """

    def __init__(self, model: bytes, origin: Origin, threads: int, resume: Path | None) -> None:
        self._origin = origin
        self._resume = resume
        self._samples: list[str] = []
        self._kept = 0  # how many samples the file holds
        self._keep_at = time.monotonic()
        watched = [(one.name, one.channel_axis) for one in origin.tensors]
        self._observer = _core.Observer(model, watched, threads, origin.bins)
        if resume is not None and resume.exists():
            self._take_up(resume)
        self._before = len(self._samples)

    def _take_up(self, resume: Path) -> None:
        earlier = storage.read(resume)
        different = self._origin.differences(earlier.origin)
        if different:
            raise InputError(
                f"resume: {resume} is of another calibration: they differ in {different}; name "
                "another file, or remove this one"
            )
        for tensor, statistics in zip(self._origin.tensors, earlier.statistics, strict=True):
            self._observer.merge(tensor.name, statistics)
        self._samples = list(earlier.samples)
        self._kept = len(self._samples)

    @property
    def samples(self) -> tuple[str, ...]:
        """Digests of all that was observed, an earlier run's included."""
        return tuple(self._samples)

    def feed(
        self,
        items: Iterable[Item],
        prepare: Callable[[Item, bool], Sample],
        suspicion: Suspicion,
        workers: int,
        told: Callable[[int], object],
    ) -> None:
        """Observe what was not observed yet.

        Args:
            items: all samples, those of the earlier run first, which are only known again.
            prepare: see ``samples.preparing``.
            suspicion: looks at each.
            workers: see ``ahead``.
            told: called with the number of samples behind us.
        Raises:
            InputError: a sample that cannot be read or does not fit the model; or another one
                than the earlier run saw in its place.
            ModelError: a layer gives NaN or infinities.
            RunError: from the runtime.
        """

        def make(numbered: tuple[int, Item]) -> tuple[int, Sample, Look | None]:
            number, item = numbered
            sample = prepare(item, number >= self._before)
            return number, sample, None if sample.inputs is None else look_at(sample.inputs)

        made = ahead(enumerate(items), make, workers)
        fed = 0
        try:
            while True:
                try:
                    number, sample, look = next(made)
                except StopIteration:
                    break
                except BaseException:
                    self._keep()  # the samples before this one are whole
                    raise
                if number < self._before:
                    self._recognise(number, sample)
                else:
                    self._observe(sample)
                    self._keep_if_due()
                    if look is not None:
                        suspicion.add(look)
                fed += 1
                told(fed)
        finally:
            made.close()
        if fed < self._before:
            raise InputError(
                f"resume: {self._resume} holds {self._before} samples, now there are {fed}; give "
                "the same ones, or remove the file"
            )
        self._keep()

    def stored(self, method: str, parameter: float | None) -> storage.Stored:
        """All that is known now."""
        statistics = [self._observer.statistics(one.name) for one in self._origin.tensors]
        return storage.Stored(self._origin, method, parameter, self.samples, statistics)

    def _recognise(self, number: int, sample: Sample) -> None:
        if sample.digest != self._samples[number]:
            raise InputError(
                f"resume: {sample.name} is not the sample that {self._resume} holds as number "
                f"{number + 1}; give the same ones in the same order, or remove the file"
            )

    def _observe(self, sample: Sample) -> None:
        assert sample.inputs is not None
        try:
            self._observer.run(sample.inputs)
        except InputError as error:
            self._keep()  # nothing of this sample was observed
            raise InputError(f"{sample.name}: {error}") from error
        broken = self._observer.not_finite
        if broken:
            layers = {one.name: one.layer for one in self._origin.tensors}
            first = next(name for name in layers if name in set(broken))
            text = f"{sample.name}: found NaN or infinite values in {first!r} ({layers[first]})"
            more = f" and in {len(broken) - 1} tensors behind it" if len(broken) > 1 else ""
            if layers[first] == "input":
                raise InputError(f"{text}{more}; wanted finite inputs; look at this sample")
            raise ModelError(
                f"{text}{more}; wanted finite activations: no range holds them. Look at this "
                "layer's weights, and at whether the sample is scaled as in training"
            )
        self._samples.append(sample.digest)

    def _keep_if_due(self) -> None:
        begin = time.monotonic()
        if self._resume is not None and begin >= self._keep_at:
            self._keep()
            end = time.monotonic()
            self._keep_at = end + _BETWEEN_KEEPS * (end - begin)

    def _keep(self) -> None:
        if self._resume is not None and len(self._samples) > self._kept:
            storage.write(self._resume, self.stored("minmax", None))
            self._kept = len(self._samples)
