"""What a child does with a hostile model: quantise it in one mode, beside an older file."""

import json
import tempfile
import warnings
from pathlib import Path
from typing import Any


def warm() -> None:
    """Import what the work needs; the runtime stays closed, as it starts threads."""
    import edgeinfer.quantize.mode_dynamic
    import edgeinfer.quantize.mode_static
    import edgeinfer.quantize.mode_weights
    import edgeinfer.session  # noqa: F401 - likewise


def quantise(argument: str) -> dict[str, Any]:
    """``argument``: path and mode as JSON. Raises what ``quantize`` raises.

    An AssertionError where a refused model changed or left anything behind.
    """
    import edgeinfer as ei

    path, mode = json.loads(argument)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.onnx"
        out.write_bytes(b"old")
        try:
            report = ei.quantize(
                path, out, mode=mode, samples=[_sample(path)], threads=1, force_convolutions=True
            )
        except BaseException:
            assert out.read_bytes() == b"old"
            assert [one.name for one in Path(folder).iterdir()] == ["out.onnx"]
            raise
        with ei.Session(out, threads=1, cache=False) as session:
            session.run(_sample(path))
        return {"int8": report.count("int8"), "weights8": report.count("weights8")}


def _sample(path: str) -> dict[str, Any]:
    import numpy as np

    import edgeinfer as ei

    try:
        specs = ei.inspect(path).inputs
    except ei.ModelError:
        return {"x": np.ones(1, np.float32)}
    return {
        spec.name: np.ones([size if isinstance(size, int) else 1 for size in spec.shape], "float32")
        for spec in specs
    }
