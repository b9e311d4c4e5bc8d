"""The file of one measurement: what ``edgeinfer bench`` writes and ``edgeinfer compare`` reads."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgeinfer.errors import InputError
from edgeinfer.machine import Machine

__all__ = ["SCHEMA", "Difference", "Record", "differences", "digest", "read_record", "versions"]

SCHEMA: Final = 1
_MOST_BYTES: Final = 64 << 20
_MOST_SAMPLES: Final = 1_000_000
# Of a machine's facts, those that do not change by themselves.
_FIXED: Final = ("board", "cpu", "architecture", "cores", "usable", "quota", "governors", "mhz_max")


class Difference(NamedTuple):
    """One thing that is not the same in two records."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Record:
    """What a comparison needs of a file.

    Attributes:
        path: of the file.
        facts: what should be the same on both sides, by name, as text.
        stages: milliseconds of each stage, frame by frame.
        starts: milliseconds of fresh processes, by what was timed; a handful each.
        doubts: what spoke against the figures when they were taken.
    """

    path: Path
    facts: Mapping[str, str]
    stages: Mapping[str, NDArray[np.float64]]
    starts: Mapping[str, NDArray[np.float64]]
    doubts: tuple[str, ...]


def digest(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions(runtime: str, machine: Machine) -> dict[str, str | None]:
    """Versions of everything whose change could explain another figure."""
    return {
        **{name: _version(name) for name in ("edgeinfer", "numpy", "pillow")},
        "onnxruntime": runtime,
        "python": platform.python_version(),
        "glibc": machine.glibc,
        "kernel": machine.kernel,
    }


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def read_record(path: Path) -> Record:
    """Read a file that ``edgeinfer bench --out`` or ``--json`` wrote.

    Raises:
        InputError: it cannot be read, or is not such a file; the text names what is wrong.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot read the bench file: {error.strerror}") from error
    if len(raw) > _MOST_BYTES:
        raise _refuse(path, f"more than {_MOST_BYTES >> 20} MiB")
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _refuse(path, f"no JSON ({str(error)[:80]})") from error
    if not isinstance(document, dict) or document.get("command") != "bench":
        raise _refuse(path, "another document")
    if document.get("schema") != SCHEMA:
        raise _refuse(path, f"schema {document.get('schema')!r}, which this version does not know")
    stages = _series(path, document, "stages", "samples_ms")
    if not stages:
        raise _refuse(path, "no stage")
    return Record(
        path,
        dict(_facts(path, document)),
        stages,
        dict(_starts(path, document)),
        tuple(str(one.get("found")) for one in _rows(path, document, "doubts")),
    )


def differences(before: Record, after: Record) -> tuple[Difference, ...]:
    """What is not the same on both sides, in the order of the file."""
    names = dict.fromkeys((*before.facts, *after.facts))
    pairs = ((name, before.facts.get(name, "-"), after.facts.get(name, "-")) for name in names)
    return tuple(Difference(*pair) for pair in pairs if pair[1] != pair[2])


def _facts(path: Path, document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    model = _mapping(path, document, "model")
    yield "model digest", str(model.get("sha256"))
    machine = _mapping(path, document, "machine")
    for name in _FIXED:
        yield f"machine {name}", _plain(machine.get(name))
    cpu = _mapping(path, document, "cpu")
    yield "cpu features", _plain(cpu.get("features"))
    kernels = cpu.get("kernels")
    for name, value in (kernels if isinstance(kernels, dict) else {}).items():
        yield f"kernel {name}", _plain(value)
    for group in ("versions", "settings"):
        for name, value in _mapping(path, document, group).items():
            yield f"{group.removesuffix('s')} {name}", _plain(value)


def _starts(path: Path, document: dict[str, Any]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    for state, rows in _mapping(path, document, "cold_start").items():
        if not isinstance(rows, dict):
            raise _refuse(path, f"cold_start.{state} without figures")
        for name, title in (("session_ms", "session"), ("result_ms", "first result")):
            times = _times(path, f"cold_start.{state}.{name}", rows.get(name))
            yield f"{title}, cache {state}", times


def _series(
    path: Path, document: dict[str, Any], group: str, key: str
) -> dict[str, NDArray[np.float64]]:
    found = {}
    for name, row in _mapping(path, document, group).items():
        if not isinstance(row, dict):
            raise _refuse(path, f"{group}.{name} without figures")
        found[name] = _times(path, f"{group}.{name}.{key}", row.get(key))
    return found


def _times(path: Path, name: str, values: object) -> NDArray[np.float64]:
    if not isinstance(values, list) or not 1 <= len(values) <= _MOST_SAMPLES:
        raise _refuse(path, f"{name} without samples")
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value < 0:
            raise _refuse(path, f"{name} with {value!r:.40} among its milliseconds")
    # A stage below the clock's resolution reads 0, whose logarithm and ratio do not exist.
    return np.maximum(np.array(values, np.float64), 1e-4)


def _mapping(path: Path, document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name, {})
    if not isinstance(found, dict):
        raise _refuse(path, f"{name} without names")
    return found


def _rows(path: Path, document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = document.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _refuse(path, f"{name} that are no list")
    return found


def _plain(value: object) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _refuse(path: Path, found: str) -> InputError:
    return InputError(
        f"{path}: found {found}, wanted a file that `edgeinfer bench --out FILE` wrote; "
        "measure again"
    )
