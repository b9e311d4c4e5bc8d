"""Times of layers in a file, so that they can be taken on the machine that the model is for."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from edgeinfer._arguments import checked_path
from edgeinfer.errors import InputError
from edgeinfer.quantize.layer_time import LayerTimes
from edgeinfer.quantize.network import Network, label
from edgeinfer.quantize.plan import Plan
from edgeinfer.quantize.subset import weighted_places
from edgeinfer.quantize.writing import write_model

__all__ = ["read_profile", "write_profile"]

_FORMAT: Final = 1
_MOST_BYTES: Final = 1 << 24
_LONGEST_NAME: Final = 4096
# Nobody waits a day for a layer.
_MOST_MS: Final = 86_400_000.0


def write_profile(path: Path, network: Network, times: LayerTimes, cpu: str, target: str) -> None:
    """Keep the times under the layers' names.

    Raises:
        OSError: the file cannot be written; an old one is as it was.
    """
    names = _names(network)
    layers: dict[str, dict[str, float]] = {}
    for place, name in enumerate(names):
        row = {"float": times.float_ms.get(place), "int8": times.int8_ms.get(place)}
        if any(row.values()):
            # What the runtime takes into another layer takes no time of its own.
            layers[name] = {kind: round(ms or 0.0, 6) for kind, ms in row.items()}
    document = {
        "edgeinfer_profile": _FORMAT,
        "cpu": cpu,
        "target": target,
        "rounding_ms_per_million": round(times.rounding_ms, 6),
        "layers": layers,
    }
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    write_model(path, (text + "\n").encode())


def read_profile(path: str | os.PathLike[str], network: Network, plan: Plan) -> LayerTimes:
    """The times that `write_profile` or another hand wrote.

    Raises:
        InputError: no such file, none of this kind, or of another network.
    """
    file = Path(checked_path(path))
    document = _document(file)
    cpu = document.get("cpu", "")
    if not isinstance(cpu, str) or len(cpu) > _LONGEST_NAME:
        raise _unlike(file, f"cpu {cpu!r:.80}", "a text")
    rounding_ms = _milliseconds(
        file, "rounding_ms_per_million", document.get("rounding_ms_per_million", 0.0)
    )
    layers = document.get("layers")
    if not isinstance(layers, dict):
        raise _unlike(file, f"layers: {type(layers).__name__}", "{name: {float, int8}}")
    exact: dict[int, float] = {}
    rounded: dict[int, float] = {}
    for place, name in enumerate(_names(network)):
        row = layers.get(name)
        if row is None:
            continue
        if not isinstance(row, dict):
            raise _unlike(file, f"layer {name!r:.80}: {type(row).__name__}", "{float, int8}")
        if "float" in row:
            exact[place] = _milliseconds(file, f"{name:.80}: float", row["float"])
        if "int8" in row:
            rounded[place] = _milliseconds(file, f"{name:.80}: int8", row["int8"])
    known = exact.keys() & rounded.keys()
    missing = sorted(weighted_places(network, plan) - known)
    if missing:
        names = ", ".join(repr(_names(network)[place]) for place in missing[:3])
        raise InputError(
            f"profile {file.name}: found no times in float and int8 of {len(missing)} layers that "
            f"could be in integers ({names}); wanted a profile of this network: take one with "
            "edgeinfer profile on the machine that it is for"
        )
    return LayerTimes(f"profile {file.name}", exact, rounded, rounding_ms)


def _document(file: Path) -> Mapping[str, Any]:
    try:
        with file.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"profile {file}: cannot be read ({error.strerror or error})") from error
    if len(data) > _MOST_BYTES:
        raise _unlike(file, f"more than {_MOST_BYTES >> 20} MB", "a profile of one network")
    try:
        document = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _unlike(file, f"no JSON ({error})", "what edgeinfer profile writes") from error
    if not isinstance(document, dict):
        raise _unlike(file, type(document).__name__, "{cpu, layers}")
    version = document.get("edgeinfer_profile", _FORMAT)
    if version != _FORMAT or isinstance(version, bool):
        raise _unlike(file, f"version {version!r:.80}", f"version {_FORMAT}")
    return document


def _milliseconds(file: Path, name: str, value: object) -> float:
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    # A whole number may be too long for a float, so it is compared as it is.
    if not fits or not 0 <= value <= _MOST_MS or math.isnan(value):  # type: ignore[operator, arg-type]
        raise _unlike(file, f"{name}: {value!r:.80}", "milliseconds, finite and not negative")
    return float(value)  # type: ignore[arg-type]


def _unlike(file: Path, found: str, wanted: str) -> InputError:
    return InputError(f"profile {file.name}: found {found}, wanted {wanted}")


def _names(network: Network) -> list[str]:
    """What each node is called; where two are called alike, what it makes."""
    labels = [label(node) for node in network.nodes]
    often = Counter(labels)
    return [
        one if often[one] == 1 else next(filter(None, node.output), one)
        for one, node in zip(labels, network.nodes, strict=True)
    ]
