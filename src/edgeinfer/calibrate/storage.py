"""Statistics in one file: written in one step, and checked as a stranger's when read.

The file: a line that names it, the length of the header (8 bytes, little-endian), the header
(JSON), the state of each tensor in its order, SHA-256 of all before.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from edgeinfer import _core
from edgeinfer._beside import written_beside
from edgeinfer.calibrate.origin import Origin, Tensor
from edgeinfer.errors import InputError

__all__ = ["Stored", "read", "write"]

_MAGIC: Final = b"edgeinfer ranges 1\n"
_DIGEST_BYTES: Final = 32
# Far above any network: 250,000 tensors are what the reader of models takes at most.
_MOST_BYTES: Final = 1 << 30
_MOST_HEADER_BYTES: Final = 1 << 26
_MOST_TENSORS: Final = 250_000
_REMEDY: Final = "calibrate again, or fetch the file again"


class Stored(NamedTuple):
    """What a file holds.

    Attributes:
        samples: a digest of each, in hexadecimal, in the order they came.
        statistics: one of each of ``origin.tensors``.
    """

    origin: Origin
    method: str
    parameter: float | None
    samples: tuple[str, ...]
    statistics: Sequence[_core.TensorStatistics]


def write(path: Path, stored: Stored) -> None:
    """Put it into a file, which holds the old content until all of the new is on the disk.

    Raises:
        OSError: a full disk, no such folder; the old file is as it was.
        BusyError: another process writes the same file.
    """
    states = [one.state() for one in stored.statistics]
    header = json.dumps(
        {
            "method": stored.method,
            "parameter": stored.parameter,
            "model": stored.origin.model_digest,
            "bins": stored.origin.bins,
            "recipe": stored.origin.recipe,
            "same_range_as": stored.origin.same_range_as,
            "tensors": [
                [*tensor, len(state)]
                for tensor, state in zip(stored.origin.tensors, states, strict=True)
            ],
            "samples": stored.samples,
        },
        separators=(",", ":"),
        allow_nan=False,
    ).encode()
    parts = (_MAGIC, len(header).to_bytes(8, "little"), header, *states)
    digest = hashlib.sha256()
    with written_beside(path) as file:
        for part in parts:
            digest.update(part)
            _write_all(file, part)
        _write_all(file, digest.digest())


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def read(path: Path) -> Stored:
    """Give what ``write`` put into a file.

    Raises:
        InputError: no such file, or not one that ``write`` made; the text says what is wrong.
    Cost: memory of twice the file; nothing is believed before its digest is right, and no more
        after: sizes that do not fit the file are refused.
    """
    data = _contents(path)
    try:
        return _parsed(data)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error.__cause__


def _contents(path: Path) -> bytes:
    try:
        # A pipe or a device would block, or never end.
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(file, "rb") as opened:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                raise InputError(f"{path}: expected a file of calibration ranges, no device")
            if found.st_size > _MOST_BYTES:
                raise InputError(
                    f"{path}: found {found.st_size} bytes, wanted {_MOST_BYTES} at most"
                )
            return opened.read(_MOST_BYTES)
    except IsADirectoryError as error:
        raise InputError(f"{path}: found a folder, wanted a file of calibration ranges") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{path}: cannot read the ranges: {reason}") from error


def _parsed(data: bytes) -> Stored:
    begin = len(_MAGIC) + 8
    if not data.startswith(_MAGIC):
        raise InputError(f"no file of calibration ranges of version 1; {_REMEDY}")
    if len(data) < begin + _DIGEST_BYTES:
        raise InputError(f"cut short at {len(data)} bytes; {_REMEDY}")
    body, digest = memoryview(data)[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        raise InputError(f"damaged or cut short: its checksum is wrong; {_REMEDY}")
    length = int.from_bytes(data[len(_MAGIC) : begin], "little")
    if length > min(_MOST_HEADER_BYTES, len(body) - begin):
        raise InputError(f"its header claims {length} bytes, the file has {len(body)}; {_REMEDY}")
    try:
        header = json.loads(
            data[begin : begin + length], parse_constant=_finite, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise InputError(f"its header is no JSON ({error}); {_REMEDY}") from error
    return _checked(header, body[begin + length :])


def _checked(header: Any, states: memoryview) -> Stored:
    with _expecting("its header"):
        tensors = [_tensor(one) for one in _expect(header["tensors"], list)]
        _ensure(0 < len(tensors) <= _MOST_TENSORS)
        _ensure(len({tensor.name for tensor, _ in tensors}) == len(tensors))
        # A stranger's sizes are added up as Python's integers, which do not wrap.
        _ensure(sum(size for _, size in tensors) == len(states))
        recipe = header["recipe"]
        _ensure(recipe is None or isinstance(recipe, dict))
        origin = Origin(
            _hexadecimal(header["model"], 64),
            tuple(tensor for tensor, _ in tensors),
            _aliases(header["same_range_as"]),
            _expect(header["bins"], int),
            recipe,
        )
        samples = tuple(_hexadecimal(one, 32) for one in _expect(header["samples"], list))
        method = _expect(header["method"], str)
        parameter = header["parameter"]
        _ensure(parameter is None or isinstance(parameter, int | float))
        _ensure(not isinstance(parameter, bool))
    statistics, begin = [], 0
    for tensor, size in tensors:
        try:
            one = _core.TensorStatistics.from_state(bytes(states[begin : begin + size]))
        except InputError as error:
            raise InputError(f"state of {tensor.name!r}: {error}; {_REMEDY}") from error
        if one.bins != origin.bins:
            raise InputError(
                f"state of {tensor.name!r}: found {one.bins} bins, the header says {origin.bins}; "
                f"{_REMEDY}"
            )
        if one.not_finite:
            raise InputError(
                f"state of {tensor.name!r}: found {one.not_finite} values that are NaN or "
                f"infinite, which no calibration keeps; {_REMEDY}"
            )
        if one.samples != len(samples):
            raise InputError(
                f"state of {tensor.name!r}: found {one.samples} samples, the header names "
                f"{len(samples)}; {_REMEDY}"
            )
        statistics.append(one)
        begin += size
    return Stored(origin, method, parameter, samples, statistics)


def _tensor(one: Any) -> tuple[Tensor, int]:
    name, layer, axis, size = _expect(one, list)
    _ensure(axis is None or (0 <= _expect(axis, int) < 64))
    _ensure(_expect(size, int) > 0)
    return Tensor(_text(name), _text(layer), axis), size


def _aliases(found: Any) -> dict[str, str]:
    return {_text(name): _text(other) for name, other in _expect(found, dict).items()}


def _text(found: Any) -> str:
    text = _expect(found, str)
    text.encode()  # JSON can write half of a surrogate pair, which nothing else takes
    return str(text)


def _hexadecimal(text: Any, digits: int) -> str:
    _ensure(re.fullmatch(rf"[0-9a-f]{{{digits}}}", _expect(text, str)) is not None)
    return str(text)


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"found {type(value).__name__}, wanted {kind.__name__}")
    return value


def _ensure(fits: bool) -> None:
    if not fits:
        raise ValueError("sizes and values that do not fit each other")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"found {text}")
    return value


@contextlib.contextmanager
def _expecting(what: str) -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError, LookupError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{what} is not what edgeinfer writes ({error!r}); {_REMEDY}") from error
