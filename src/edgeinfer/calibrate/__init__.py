"""Which range each tensor of a float network spans, observed while it runs on samples.

Nothing of a sample stays: memory is 8 bytes a bin for each tensor, however many samples there are.
See docs/calibration.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from edgeinfer import _core
from edgeinfer._arguments import checked_bytes, checked_path, checked_threads, is_whole
from edgeinfer._library import open_library
from edgeinfer.calibrate import kept
from edgeinfer.calibrate.driver import Run
from edgeinfer.calibrate.origin import Tensor, origin_of
from edgeinfer.calibrate.ranges import Ranges, TensorRange, checked_method
from edgeinfer.calibrate.samples import open_samples, preparing
from edgeinfer.calibrate.suspicion import Suspicion
from edgeinfer.errors import InputError, ModelError
from edgeinfer.inspection import inspect
from edgeinfer.preprocess import Preprocess

__all__ = ["Ranges", "Tensor", "TensorRange", "calibrate"]

_MOST_WORKERS = 64


def calibrate(
    model: str | os.PathLike[str] | bytes | bytearray | memoryview,
    samples: str | os.PathLike[str] | Iterable[Any],
    *,
    method: str = "percentile",
    parameter: float | None = None,
    preprocess: Preprocess | None = None,
    tensors: Iterable[str] | None = None,
    threads: int | None = None,
    workers: int | None = None,
    bins: int = 2048,
    progress: Callable[[int, int | None], object] | None = None,
    resume: str | os.PathLike[str] | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> Ranges:
    """Run a float network on samples and tell which range each of its tensors spans.

    Args:
        model: path or bytes of a float32 ONNX file, its weights inside.
        samples: a folder of images (folders inside included), a text file with one path a line, or
            an iterable: paths, frames (`Frame`, or uint8 arrays), arrays for the one input of the
            model, or {input: array}. An iterable is read once, one sample at a time.
        method: ``"minmax"``; ``"moving_average"``: the mean over samples of each one's extremes;
            ``"percentile"``; ``"entropy"``; ``"mse"``. `Ranges.with_method` changes it later.
        parameter: per cent kept at each end for percentile (None: 99.99); levels of the quantiser
            for entropy and mse (None: 256).
        preprocess: makes pictures the model's input; that of deployment.
        tensors: names of those to observe; None: all that a quantiser needs, which leaves out what
            a Relu or Clip alone reads and what Reshape and its like make (see
            ``Ranges.same_range_as``).
        threads: for the network and the statistics; None: one a usable core.
        workers: threads that read and prepare samples meanwhile; each holds one more sample in
            memory. None: 1, or none on a single core. 0: none.
        bins: at most so many for the histogram of a tensor, 16 to 65536.
        progress: called with (samples behind us, all samples or None) before the first and after
            each.
        resume: a file that keeps what was observed. Where it is there already, the samples in it
            are only read to be known again, not run; the outcome is that of an unbroken run, to
            the last bit. Written now and then, which takes a fiftieth of the time, and whenever a
            sample cannot be read. It is a file for ``Ranges.load`` too, and stays.
        cache: a folder of earlier calibrations, known again by model, samples and settings; the
            order of the samples and the method do not matter. For samples that can be read twice.
    Returns:
        Ranges.
    Raises:
        InputError: no samples, one that cannot be read or does not fit, a setting out of range;
            the text names the sample.
        ModelError: the model cannot be read or has no float tensor to observe, or a layer, which
            is named, gives NaN or infinities.
        RunError: from the runtime.
        BusyError: another process writes the file of ``resume``.
        OSError: the file of ``resume`` cannot be written.
    Warns:
        CalibrationWarning: fewer than 32 samples, samples that came twice, a strange range of
            values or order of colours.

    Cost: about the time of running the network, which dominates, once per sample; memory: 8 bytes a
    bin and 32 a channel for each tensor, twice that while keeping, and the activations of one
    sample. GIL released while running.
    """
    checked_method(method, parameter)
    workers = _checked_workers(workers)
    threads = checked_threads(threads) or _core.usable_cores()
    if preprocess is not None and not isinstance(preprocess, Preprocess):
        raise InputError(
            f"preprocess: found {type(preprocess).__name__}, wanted an edgeinfer.Preprocess"
        )
    resume, cache = _checked_place(resume, "resume"), _checked_place(cache, "cache")
    source = open_samples(samples)
    if cache is not None and not source.again:
        raise InputError(
            "cache: found samples that can be read once only, and so cannot be looked up; give a "
            "folder, a text file or a list, or leave cache out"
        )
    file = _bytes_of(model)
    recipe = None if preprocess is None else preprocess.to_recipe()
    origin = origin_of(file, _checked_names(tensors), _checked_bins(bins), recipe)
    prepare = preparing(inspect(file), preprocess)
    if cache is not None:
        digests = [prepare(item, False).digest for item in source.items()]
        earlier = kept.look_up(cache, origin, digests)
        if earlier is not None:
            if progress is not None:
                progress(len(digests), len(digests))
            Suspicion(recipe).warn(tuple(digests), stacklevel=2)
            return Ranges(earlier._replace(method=method, parameter=parameter))

    open_library()
    run = Run(file, origin, threads, resume)
    del file
    suspicion = Suspicion(recipe)

    def told(done: int) -> None:
        if progress is not None:
            progress(done, source.total)

    told(0)
    run.feed(source.items(), prepare, suspicion, workers, told)
    if not run.samples:
        raise InputError("samples: found none, wanted at least one")
    stored = run.stored(method, parameter)
    suspicion.warn(stored.samples, stacklevel=2)
    if cache is not None:
        kept.keep(cache, stored, stacklevel=2)
    return Ranges(stored)


def _bytes_of(model: Any) -> bytes:
    if isinstance(model, bytes | bytearray | memoryview):
        return checked_bytes(model)
    if not isinstance(model, str | os.PathLike):
        raise InputError(
            f"model: found {type(model).__name__}, wanted a path or the bytes of a model file"
        )
    path = checked_path(model)
    inspect(path)  # refuses pipes, devices and what is no model, before it is read as a whole
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot read the model: {error.strerror}") from error


def _checked_workers(workers: int | None) -> int:
    if workers is None:
        return 1 if _core.usable_cores() > 1 else 0
    if not is_whole(workers) or not 0 <= workers <= _MOST_WORKERS:
        raise InputError(
            f"workers: found {workers!r}, wanted None or a number from 0 to {_MOST_WORKERS}"
        )
    return int(workers)


def _checked_bins(bins: int) -> int:
    if not is_whole(bins) or not 0 <= bins < 2**32:
        raise InputError(f"bins: found {bins!r}, wanted a whole number from 16 to 65536")
    _core.TensorStatistics(1, int(bins))  # refuses what is beyond its limits
    return int(bins)


def _checked_names(tensors: Iterable[str] | None) -> list[str] | None:
    if tensors is None:
        return None
    names = None if isinstance(tensors, str) or not isinstance(tensors, Iterable) else [*tensors]
    if names is None or not all(isinstance(name, str) for name in names):
        raise InputError(f"tensors: found {tensors!r}, wanted a list of names")
    return names


def _checked_place(place: str | os.PathLike[str] | None, what: str) -> Path | None:
    if place is None:
        return None
    if not isinstance(place, str | os.PathLike):
        raise InputError(f"{what}: found {type(place).__name__}, wanted a path")
    path = Path(os.fsdecode(place))
    if "\0" in str(path):
        raise InputError(f"{what}: found a NUL character in {str(path)!r}, wanted a path")
    return path
