"""What is written beside every measured figure: the machine, the date, the versions."""

import datetime
import importlib.metadata
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from edgeinfer import _core
from edgeinfer.machine import Machine, read_machine


@dataclass(frozen=True)
class Surroundings:
    """The machine when measuring began, and what edgeinfer uses of its CPU."""

    machine: Machine
    features: tuple[str, ...]
    date: str
    versions: Mapping[str, str]

    @property
    def slug(self) -> str:
        """Folder name below ``record/``."""
        name = f"{self.machine.board or self.machine.cpu} {self.machine.cores} cores"
        return re.sub(r"[^a-z0-9]+", "-", name.lower())

    def to_dict(self) -> dict[str, Any]:
        """Plain values that ``json`` can write."""
        return self.machine.to_dict() | {
            "features": self.features,
            "date": self.date,
            "versions": self.versions,
        }


def surroundings(distributions: Iterable[str]) -> Surroundings:
    """Read them; all distributions must be installed."""
    return Surroundings(
        machine=read_machine(),
        features=tuple(_core.cpu_features().split(",")),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        versions={"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in distributions},
    )
