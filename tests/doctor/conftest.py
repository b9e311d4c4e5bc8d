"""The files of a Raspberry Pi 4 (Raspberry Pi OS, 64 bits), as a tree to change and to read."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgeinfer.machine import Machine, read_machine

# A name that no PATH holds.
NO_TOOL = "no-such-tool-here"


class Board:
    """A machine's files below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def write_clocks(self, name: str, text: str) -> None:
        for core in range(4):
            self.write(f"sys/devices/system/cpu/cpu{core}/cpufreq/{name}", text)

    def remove(self, path: str) -> None:
        target = self.root / path
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink()

    def read(
        self, *, usable: int = 4, vcgencmd: str = NO_TOOL, synchronised: bool | None = True
    ) -> Machine:
        system = SimpleNamespace(system="Linux", release="6.6.20-v8+", machine="aarch64")
        return read_machine(
            self.root,
            uname=lambda: system,
            usable=lambda: usable,
            synchronised=lambda: synchronised,
            vcgencmd=vcgencmd,
        )


@pytest.fixture
def pi4(tmp_path: Path) -> Board:
    """A copy, to be changed at will."""
    root = tmp_path / "pi4"
    shutil.copytree(Path(__file__).with_name("raspberry_pi_4"), root)
    return Board(root)


@pytest.fixture
def tool(tmp_path: Path) -> Callable[[str], str]:
    """``tool(script)``: the path of an executable shell script."""

    def make(script: str) -> str:
        path = tmp_path / "vcgencmd"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return make
