"""What runs in processes of its own, for ``apart.call``: plain values in, plain values out.

Every function imports what it needs itself, so that peak memory and the time of a cold start are
those of its work. The seconds told are those of the work alone, the libraries being loaded.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Of plain inference, calibration and quantisation alike.
THREADS = 2
# onnxruntime keeps all activations of all samples: 8.2 GB for 128 pictures of MobileNetV2.
ONNXRUNTIME_NEEDS_MB = 10_000


def plain(network: str, samples: int) -> dict[str, Any]:
    """Inference alone: pictures read, decoded, prepared and run, results dropped."""
    import edgeinfer as ei
    from int8.networks import NETWORKS, frame_of

    one = NETWORKS[network]
    prepare, pictures = one.preprocess(), _repeated(one.calibration(), samples)
    begin = time.perf_counter()
    with ei.Session(one.file, threads=THREADS, cache=False) as session:
        for picture in pictures:
            session.run(prepare(frame_of(picture)).tensor)
    return {"seconds": time.perf_counter() - begin}


def calibrate_edgeinfer(network: str, samples: int, method: str) -> dict[str, Any]:
    """Statistics of every tensor and channel, and all ranges made of them."""
    import edgeinfer as ei
    from int8.networks import NETWORKS

    one = NETWORKS[network]
    begin = time.perf_counter()
    ranges = ei.calibrate(
        one.file,
        _repeated(one.calibration(), samples),
        method=method,
        preprocess=one.preprocess(),
        threads=THREADS,
    )
    for name in ranges.names():
        ranges.range(name)
    seconds = time.perf_counter() - begin
    whole = ranges.with_method("minmax")
    # Only of what was observed: the range of a Clip's input is that of its result.
    extremes = {tensor.name: whole.range(tensor.name) for tensor in ranges.tensors}
    return {"seconds": seconds, "extremes": extremes}


def calibrate_onnxruntime(network: str, samples: int, method: str) -> dict[str, Any]:
    """Its calibrator, which takes as many threads as there are cores."""
    from int8 import onnxruntime_quantiser
    from int8.networks import NETWORKS

    with tempfile.TemporaryDirectory() as scratch:
        begin = time.perf_counter()
        extremes = onnxruntime_quantiser.calibrate(
            NETWORKS[network].file, _feeds(network, samples), method, Path(scratch)
        )
        return {"seconds": time.perf_counter() - begin, "extremes": extremes}


def quantise_edgeinfer(network: str, out: str, method: str) -> dict[str, Any]:
    """``edgeinfer.quantize``, its own judgement included; the seconds of its steps."""
    import edgeinfer as ei
    from int8.networks import NETWORKS

    one = NETWORKS[network]
    begin = time.perf_counter()
    report = ei.quantize(
        one.file,
        out,
        samples=one.calibration(),
        preprocess=one.preprocess(),
        method=method,
        threads=THREADS,
    )
    seconds = time.perf_counter() - begin
    repairs = {one.name: one.seconds for one in report.repairs}
    return {"seconds": seconds, "steps": dict(report.seconds), "repairs": repairs}


def quantise_onnxruntime(network: str, out: str, method: str, unsigned: bool) -> dict[str, Any]:
    """Pre-processing, calibration and rewriting."""
    from int8 import onnxruntime_quantiser
    from int8.networks import NETWORKS

    with tempfile.TemporaryDirectory() as scratch:
        begin = time.perf_counter()
        onnxruntime_quantiser.quantise(
            _with_opset_13(NETWORKS[network].file, Path(scratch)),
            Path(out),
            _feeds(network),
            method=method,
            unsigned=unsigned,
            scratch=Path(scratch),
        )
        return {"seconds": time.perf_counter() - begin}


def quantise_nncf(network: str, out: str) -> dict[str, Any]:
    """Post-training quantisation."""
    os.environ["CI"] = "true"  # tells its telemetry to send nothing
    from int8 import nncf_quantiser
    from int8.networks import NETWORKS

    one = NETWORKS[network]
    with tempfile.TemporaryDirectory() as scratch:
        begin = time.perf_counter()
        nncf_quantiser.quantise(
            _with_opset_13(one.file, Path(scratch)),
            Path(out),
            list(_feeds(network)),
            len(one.calibration()),
        )
        return {"seconds": time.perf_counter() - begin}


def _with_opset_13(file: Path, scratch: Path) -> Path:
    """A scale for each channel needs it; the peers leave older files to the user."""
    import onnx

    model = onnx.load(file)
    if model.opset_import[0].version >= 13:
        return file
    target = scratch / "opset13.onnx"
    onnx.save(onnx.version_converter.convert_version(model, 13), target)
    return target


def _repeated(pictures: Any, samples: int) -> Iterator[Any]:
    return (pictures[number % len(pictures)] for number in range(samples))


def _feeds(network: str, samples: int | None = None) -> Iterator[dict[str, Any]]:
    """The same pictures, prepared by the same code, one at a time."""
    import edgeinfer as ei
    from int8.networks import NETWORKS, frame_of

    one = NETWORKS[network]
    prepare, pictures = one.preprocess(), one.calibration()
    name = ei.inspect(one.file).inputs[0].name
    for picture in _repeated(pictures, samples or len(pictures)):
        yield {name: prepare(frame_of(picture)).tensor.copy()}
