"""From a float network to one in 8-bit integers. See docs/quantisation.md.

Everything here runs where models are made, not where they are used: it imports ``onnx``, which
``pip install edgeinfer[quantize]`` brings.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeinfer._arguments import checked_path, checked_threads
from edgeinfer.errors import InputError, RunError
from edgeinfer.quantize.report import (
    ClassShare,
    LayerHistogram,
    LayerReport,
    MaskPictures,
    OutputReport,
    QuantizeReport,
    RepairReport,
)

if TYPE_CHECKING:
    from edgeinfer.calibrate import Ranges
    from edgeinfer.preprocess import Preprocess

__all__ = [
    "ClassShare",
    "LayerHistogram",
    "LayerReport",
    "MaskPictures",
    "OutputReport",
    "QuantizeReport",
    "RepairReport",
    "quantize",
]

_MODES = ("static", "dynamic", "weights8", "weights4")


def quantize(
    model: str | os.PathLike[str] | bytes,
    out: str | os.PathLike[str],
    *,
    samples: str | os.PathLike[str] | Iterable[Any] | None = None,
    mode: str = "static",
    method: str = "percentile",
    parameter: float | None = None,
    target: str | None = None,
    exclude: Sequence[str] = (),
    preprocess: Preprocess | None = None,
    ranges: Ranges | None = None,
    correct_bias: bool = True,
    force_convolutions: bool = False,
    judged: int = 16,
    threads: int | None = None,
    progress: Callable[[str, int, int | None], object] | None = None,
) -> QuantizeReport:
    """Write a model in 8-bit integers.

    Args:
        model: path or bytes of a float32 ``.onnx`` file.
        out: path of the new file; an old one is replaced in one step, at the end.
        samples: what calibration runs on, as `edgeinfer.calibrate` takes it: a folder of images, a
            text file of paths, or an iterable of frames, arrays or {input: array}. 100 pictures
            like those of deployment are a good number.
        mode: ``"static"``: activations have fixed ranges, found by calibration. ``"dynamic"``:
            they are looked for in each run, which pays for MatMul, Gemm, LSTM and Attention only.
            ``"weights8"``, ``"weights4"``: only weights are rounded, for a quarter of the size or
            less; needs no samples.
        method, parameter: from what was seen to ranges, as for `edgeinfer.calibrate`.
        target: ``"a72"``, ``"a76"``, ``"x86-64"``, ``"x86-64-vnni"``; None: this CPU.
        exclude: names, results or operators of nodes to leave in float; ``*`` and ``?`` stand for
            any letters.
        preprocess: makes pictures the model's input; that of deployment.
        ranges: an earlier calibration of ``Prepared.model`` instead of a new one; ``samples`` then
            serve to judge only, and may be left out.
        correct_bias: undo by biases what the rounding of weights does to each channel's mean.
        force_convolutions: in dynamic mode, quantise convolutions too, although they become slower.
        judged: on how many samples, the first, the results are compared with the float network's.
        threads: of each run; None: one a usable core.
        progress: called with (step, done, total or None).

    Returns:
        QuantizeReport.

    Raises:
        InputError: no samples, an argument that does not fit, values that are not finite.
        ModelError: the model is damaged, quantised already, or nothing in it gains.
        RunError: from the runtime; or ``onnx`` is not installed.
        OSError: the file cannot be written; an old one is as it was.

    Cost: calibration, which runs the float network once a sample; all else takes about a second for
    a network of 14 MB. Memory: about four copies of the weights.
    """
    if mode not in _MODES:
        raise InputError(f"mode: found {mode!r}, wanted one of {', '.join(_MODES)}")
    path = Path(checked_path(out))
    if not path.parent.is_dir():
        raise InputError(f"out: found no folder {path.parent}, wanted one to write {path.name} to")
    try:
        from edgeinfer.quantize.job import Job
        from edgeinfer.quantize.mode_dynamic import quantize_dynamic
        from edgeinfer.quantize.mode_static import quantize_static
        from edgeinfer.quantize.mode_weights import quantize_weights_only
    except ModuleNotFoundError as error:
        if error.name != "onnx":
            raise
        raise RunError(
            "quantize: found no package onnx, which rewriting a model needs; "
            "pip install 'edgeinfer[quantize]'"
        ) from error
    from edgeinfer.quantize.samples_kept import FirstSamples
    from edgeinfer.quantize.targets import choose_target

    job = Job(
        model=model,
        out=path,
        target=choose_target(target),
        exclude=exclude,
        samples=FirstSamples(samples, judged),
        preprocess=preprocess,
        threads=checked_threads(threads),
        progress=progress or (lambda step, done, total: None),
    )
    if mode in ("weights8", "weights4"):
        return quantize_weights_only(job, bits=int(mode[-1]))
    if mode == "dynamic":
        return quantize_dynamic(job, force_convolutions=force_convolutions)
    if samples is None and ranges is None:
        raise InputError(
            "samples: found none, wanted some for static quantisation: a folder of images, or "
            "{input: array} dictionaries"
        )
    return quantize_static(
        job, ranges=ranges, method=method, parameter=parameter, correct_bias=correct_bias
    )
