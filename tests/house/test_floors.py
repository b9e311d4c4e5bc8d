"""C++ folders include only what lies below them (Python floors: an import-linter contract)."""

import re
from pathlib import Path

import pytest

# Folder -> floor. A folder sees itself and lower floors, never a neighbour on its own.
FLOORS = {
    "base": 0,
    "cache": 1,
    "cpu": 1,
    "graph": 1,
    "kernels": 2,
    "calib": 3,
    "plan": 3,
    "ort": 3,
    "flow": 4,
    "bindings": 5,
    "fuzz": 5,
    "tests": 5,
}
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)
# Kernels know pointers and sizes only; the core below bindings knows no Python.
BANNED = {"kernels": {"vector", "memory", "thread", "mutex", "stdexcept", "string"}}


def sources(cpp: Path) -> list[Path]:
    return sorted([*cpp.rglob("*.hpp"), *cpp.rglob("*.cpp")])


def climbs(path: Path, cpp: Path) -> list[str]:
    folder = path.relative_to(cpp).parts[0]
    found = []
    for quote, target in INCLUDE.findall(path.read_text(encoding="utf-8")):
        place = f"{path.relative_to(cpp)} includes {target}"
        if quote == "<":
            if target in BANNED.get(folder, set()):
                found.append(f"{place}: not in {folder}")
            if folder != "bindings" and ("pybind11" in target or target == "Python.h"):
                found.append(f"{place}: only bindings know Python")
            continue
        other = target.split("/")[0]
        if other not in FLOORS:
            # A header of the folder itself, named from where it lies.
            if not (path.parent / target).exists():
                found.append(f"{place}: no such floor")
        elif other != folder and FLOORS[other] >= FLOORS[folder]:
            found.append(f"{place}: a climb")
    return found


def test_cpp_includes_go_down_only(project: Path) -> None:
    cpp = project / "cpp"
    assert sources(cpp)
    assert [line for path in sources(cpp) for line in climbs(path, cpp)] == []


def test_a_climb_is_seen(tmp_path: Path) -> None:
    for folder in ("kernels", "plan"):
        (tmp_path / folder).mkdir()
    bad = tmp_path / "kernels" / "bad.hpp"
    bad.write_text('#include "plan/segment.hpp"\n#include <vector>\n', encoding="utf-8")
    assert len(climbs(bad, tmp_path)) == 2


def test_every_folder_has_a_floor(project: Path) -> None:
    folders = {p.name for p in (project / "cpp").iterdir() if p.is_dir()}
    assert folders <= set(FLOORS)


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "misc", "manager", "handler"])
def test_no_file_is_named_after_nothing(project: Path, word: str) -> None:
    below = [
        path.relative_to(project)
        for folder in ("src", "cpp", "tests", "bench", "examples", "tedge")
        for path in (project / folder).rglob("*")
    ]
    # Not what tools keep beside the sources: caches, environments of benchmarks.
    own = [p for p in below if not any(part.startswith((".", "__pycache")) for part in p.parts)]
    assert own
    assert [path for path in own if path.stem.rstrip("s") == word.rstrip("s")] == []
