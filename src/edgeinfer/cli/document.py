"""Answers for programs: one JSON document on stdout."""

from __future__ import annotations

import json
import math
from typing import Any

__all__ = ["print_document"]


def print_document(command: str, facts: dict[str, Any]) -> None:
    """Print ``facts`` with a head that names the command and the schema.

    Keys are only ever added to a document; ``schema`` counts up if one has to change its meaning.
    Numbers are printed in full, those that JSON has no word for (NaN, infinity) as null.
    """
    head = {"schema": 1, "command": command}
    print(json.dumps(_finite({**head, **facts}), indent=1, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
