"""From a float network to one in 8-bit integers. See docs/quantisation.md.

Everything here runs where models are made, not where they are used: it imports ``onnx``, which
``pip install edgeinfer[quantize]`` brings.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from edgeinfer._arguments import checked_threads, is_whole
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
from edgeinfer.quantize.writing import checked_out

if TYPE_CHECKING:
    from edgeinfer.calibrate import Ranges
    from edgeinfer.preprocess import Preprocess
    from edgeinfer.quantize.profile import Profile
    from edgeinfer.session import Session

__all__ = [
    "ClassShare",
    "LayerHistogram",
    "LayerReport",
    "MaskPictures",
    "OutputReport",
    "QuantizeReport",
    "RepairReport",
    "profile_layers",
    "quantize",
]

_MODES = ("static", "dynamic", "mixed", "weights8", "weights4")
# Samples that networks are compared on: a look at the result, or the measure of a choice.
_JUDGED = 16
_JUDGED_MIXED = 128


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
    wide: Sequence[str] = (),
    preprocess: Preprocess | None = None,
    ranges: Ranges | None = None,
    repairs: str | Sequence[str] = "auto",
    force_convolutions: bool = False,
    max_drop: float | None = None,
    evaluate: Callable[[Session], float] | None = None,
    profile: str | os.PathLike[str] | None = None,
    analyse: bool = False,
    judged: int | None = None,
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
            ``"mixed"``: static, with those layers left in float that make the results differ by
            more than ``max_drop``, chosen so that little time is lost.
            ``"weights8"``, ``"weights4"``: only weights are rounded, for a quarter of the size or
            less; needs no samples.
        method, parameter: from what was seen to ranges, as for `edgeinfer.calibrate`.
        target: ``"a72"``, ``"a76"``, ``"x86-64"``, ``"x86-64-vnni"``; None: this CPU.
        exclude: names, results or operators of nodes to leave in float; ``*`` and ``?`` stand for
            any letters.
        wide: the same of layers whose results get 16 bits instead of 8, for tensors that 8 bits
            spoil. The runtime has no kernel for them: these layers take the time of float.
        preprocess: makes pictures the model's input; that of deployment.
        ranges: an earlier calibration of the same file (`edgeinfer.calibrate` without ``tensors``)
            instead of a new one; ``samples`` then serve to judge only, and may be left out.
        repairs: what wins back accuracy, by name: "activations", "bias", "weights", "equalise",
            "split", "first", "last"; ``()`` for none; see docs/quantisation.md. ``"auto"``: each
            is tried on up to 16 of the samples and kept where it measurably helps; where there are
            no samples, "bias".
        force_convolutions: in dynamic mode, quantise convolutions too, although they become slower.
        max_drop: for mode "mixed": how much worse the network may be (0.01 if None), of what
            ``evaluate`` gives, or else of the agreement with the float network on the samples.
        evaluate: called with a session on the float network and with one on each candidate (in
            other modes than "mixed": on the new file, for the report); gives a number, larger for
            better, such as the share of right answers on labelled pictures.
        profile: a JSON file of what layers take on the target (``edgeinfer profile`` writes it
            there), for mode "mixed" and ``analyse``. Without one this CPU is measured if it is the
            target; for another, layers are ranked by multiply-adds.
        analyse: in static mode, tell of each layer its error and its time, as mode "mixed" does.
        judged: on how many samples, the first, the results are compared with the float network's;
            None: 16, in mode "mixed" 128.
        threads: of each run; None: one a usable core.
        progress: called with (step, done, total or None).

    Returns:
        QuantizeReport.

    Raises:
        InputError: no samples, an argument that does not fit, values that are not finite.
        ModelError: the model is damaged, quantised already, or nothing in it gains; or no choice of
            layers keeps ``max_drop``. An old file is as it was.
        RunError: from the runtime; or ``onnx`` is not installed.
        OSError: the file cannot be written; an old one is as it was.

    Cost: calibration, which runs the float network once a sample; all else takes about a second for
    a network of 14 MB. Memory: about four copies of the weights. Mode "mixed" and ``analyse``:
    some 4 s more for MobileNetV2; mode "mixed": 7 to 40 runs of ``evaluate`` besides, or of the
    judged samples, which it keeps in memory.
    """
    if mode not in _MODES:
        raise InputError(f"mode: found {mode!r}, wanted one of {', '.join(_MODES)}")
    allowed = _checked_drop(max_drop, mode)
    path = checked_out(out, None if isinstance(model, bytes) else model)
    try:
        from edgeinfer.quantize.job import Job
        from edgeinfer.quantize.mode_dynamic import quantize_dynamic
        from edgeinfer.quantize.mode_mixed import quantize_mixed
        from edgeinfer.quantize.mode_static import quantize_static
        from edgeinfer.quantize.mode_weights import quantize_weights_only
        from edgeinfer.quantize.repair.catalogue import checked_repairs
    except ModuleNotFoundError as error:
        raise _without_onnx(error) from error
    from edgeinfer.quantize.samples_kept import FirstSamples
    from edgeinfer.quantize.score import with_scores
    from edgeinfer.quantize.targets import choose_target

    wanted = checked_repairs(repairs)
    job = Job(
        model=model,
        out=path,
        target=choose_target(target),
        exclude=exclude,
        samples=FirstSamples(samples, _checked_judged(judged, mode)),
        preprocess=preprocess,
        threads=checked_threads(threads),
        wide=wide,
        progress=progress or (lambda step, done, total: None),
    )
    if ranges is not None and mode not in ("static", "mixed"):
        raise InputError(f"ranges: found some, which mode {mode!r} has no use for; leave them out")
    if wide and mode not in ("static", "mixed"):
        raise InputError(f"wide: found {wide!r} with mode {mode!r}, which has no 16 bits to give")
    _refuse_unused(mode, wanted, analyse, profile)
    if mode in ("static", "mixed") and samples is None and (ranges is None or mode == "mixed"):
        raise InputError(
            f"samples: found none, wanted some for mode {mode!r}: a folder of images, or "
            "{input: array} dictionaries"
        )
    if mode == "mixed":
        return quantize_mixed(
            job,
            ranges=ranges,
            method=method,
            parameter=parameter,
            repairs=wanted,
            max_drop=allowed,
            evaluate=evaluate,
            profile=profile,
        )
    if mode in ("weights8", "weights4"):
        report = quantize_weights_only(job, bits=int(mode[-1]))
    elif mode == "dynamic":
        report = quantize_dynamic(job, force_convolutions=force_convolutions)
    else:
        report = quantize_static(
            job,
            ranges=ranges,
            method=method,
            parameter=parameter,
            repairs=wanted,
            analyse=analyse,
            profile=profile,
        )
    return report if evaluate is None else with_scores(report, job, evaluate)


def profile_layers(
    model: str | os.PathLike[str] | bytes,
    out: str | os.PathLike[str],
    *,
    threads: int | None = None,
) -> Profile:
    """Measure each layer in float and in integers on this machine, for ``quantize(profile=...)``.

    Args:
        model: path or bytes of a float32 ``.onnx`` file; inputs are made up, since the times of
            kernels do not depend on values.
        out: the JSON file; an old one is replaced in one step.
        threads: of each run; None: one a usable core.

    Raises:
        InputError: ``out`` is a folder, in no folder, or the model itself.
        ModelError: as `quantize`; or an axis other than the first has no size.
        RunError: from the runtime; or ``onnx`` is not installed.
        OSError: the file cannot be written; an old one is as it was.

    Cost: two sessions, 12 runs of each.
    """
    try:
        from edgeinfer.quantize.profile import measure_profile
    except ModuleNotFoundError as error:
        raise _without_onnx(error) from error
    return measure_profile(model, out, checked_threads(threads))


def _without_onnx(error: ModuleNotFoundError) -> Exception:
    if error.name != "onnx":
        return error
    return RunError(
        "quantize: found no package onnx, which rewriting a model needs; "
        "pip install 'edgeinfer[quantize]'"
    )


def _refuse_unused(
    mode: str,
    repairs: str | tuple[str, ...],
    analyse: bool,
    profile: str | os.PathLike[str] | None,
) -> None:
    """What would be passed over in silence, and believed to have been done."""
    fixed = mode in ("static", "mixed")
    if repairs not in ("auto", ()) and not fixed:
        raise InputError(f"repairs: found {repairs!r} with mode {mode!r}, which has none to choose")
    if analyse and not fixed:
        raise InputError(f"analyse: found it with mode {mode!r}, wanted 'static' or 'mixed'")
    if profile is not None and mode != "mixed" and not analyse:
        raise InputError(
            f"profile: found {os.fspath(profile)!r} with mode {mode!r}, which asks for no times; "
            "wanted mode='mixed', or analyse=True (--layers)"
        )


def _checked_drop(max_drop: float | None, mode: str) -> float:
    if max_drop is None:
        return 0.01
    if mode != "mixed":
        raise InputError(
            f"max_drop: found {max_drop!r} with mode {mode!r}, which has no layers to choose; "
            "wanted mode='mixed'"
        )
    is_number = isinstance(max_drop, int | float) and not isinstance(max_drop, bool)
    if not is_number or not 0 <= max_drop < float("inf"):
        raise InputError(f"max_drop: found {max_drop!r}, wanted a number, 0 or more")
    return float(max_drop)


def _checked_judged(judged: int | None, mode: str) -> int:
    if judged is None:
        return _JUDGED_MIXED if mode == "mixed" else _JUDGED
    if not is_whole(judged) or judged < 0:
        raise InputError(f"judged: found {judged!r}, wanted a whole number, 0 or more")
    return int(judged)
