"""Answers for programs: one JSON document on stdout or in a file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from edgeinfer.cli.pictures import write_beside

__all__ = ["document", "print_document", "write_document"]


def print_document(command: str, facts: dict[str, Any]) -> None:
    """Print ``facts`` as ``document`` completes them."""
    print(json.dumps(document(command, facts), indent=1, allow_nan=False))


def write_document(path: Path, command: str, facts: dict[str, Any]) -> None:
    """Write the same to a file, in one step."""
    text = json.dumps(document(command, facts), allow_nan=False, separators=(",", ":"))
    write_beside(path, lambda file: file.write(text.encode() + b"\n"))


def document(command: str, facts: dict[str, Any]) -> dict[str, Any]:
    """``facts`` with a head that names the command and the schema.

    Keys are only ever added to a document; ``schema`` counts up if one has to change its meaning.
    Numbers are printed in full, those that JSON has no word for (NaN, infinity) as null.
    """
    whole: dict[str, Any] = _finite({"schema": 1, "command": command, **facts})
    return whole


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
