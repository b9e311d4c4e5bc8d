"""The slots of ONNX Runtime's table that we call are where the runtime's own header has them."""

import csv
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgeinfer import _core

# Not in the reference list: (slot, parameters, first API). Counted in the header's order, between
# slots that the list has; were one of them another function, no test of test_arena.py would pass.
UNLISTED = {"RegisterAllocator": (176, 2, 9), "UnregisterAllocator": (177, 2, 9)}


def parameters_of(signature: str) -> int:
    """How many parameters a C signature "result (a, b(c, d))" has."""
    inner = signature[signature.index("(") + 1 : signature.rindex(")")].strip()
    depth = count = 0
    for mark in inner:
        depth += {"(": 1, ")": -1}.get(mark, 0)
        count += mark == "," and depth == 0
    return count + 1 if inner not in ("", "void") else 0


def declared(project: Path) -> dict[str, tuple[int, int]]:
    """Name -> (slot, number of parameters), as api.hpp writes them."""
    text = (project / "cpp" / "ort" / "api.hpp").read_text(encoding="utf-8").replace("\\\n", " ")
    rows = re.findall(r"X\((\d+), (\w+), [^,]+,\s*(\(.*?\))\)\s*(?=X\(|$)", text, re.M)
    return {name: (int(slot), parameters_of(signature)) for slot, name, signature in rows}


def reference_rows(project: Path) -> list[dict[str, str]]:
    path = project.parent / "shared" / "reference" / "ort_slots.tsv"
    if not path.is_file():
        pytest.skip("the reference list of slots is not beside the project")
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def headers() -> list[Path]:
    named = os.environ.get("EDGEINFER_ORT_HEADER")
    places = [Path(named)] if named else []
    include = Path("/usr/include")
    places += [include / "onnxruntime_c_api.h", include / "onnxruntime" / "onnxruntime_c_api.h"]
    return [p for p in places if p.is_file()]


def test_the_declarations_are_read_whole(project: Path) -> None:
    rows = declared(project)
    assert {name: slot for name, (slot, _) in rows.items()} == {
        name: slot for slot, name in _core.ort_slots()
    }
    assert rows["Run"] == (9, 8)
    assert rows["GetAvailableProviders"] == (125, 2)


def test_slots_and_parameters_equal_the_reference_list(project: Path) -> None:
    known = {
        row["name"]: (int(row["slot"]), parameters_of(row["signature"]))
        for row in reference_rows(project)
    }
    known |= {name: (slot, parameters) for name, (slot, parameters, _) in UNLISTED.items()}
    rows = declared(project)
    assert {name: known.get(name) for name in rows} == rows


def test_every_slot_is_in_the_oldest_accepted_api(project: Path) -> None:
    since = {row["name"]: int(row["since_api"]) for row in reference_rows(project)}
    since |= {name: first for name, (_, _, first) in UNLISTED.items()}
    assert [name for _, name in _core.ort_slots() if since[name] > 20] == []


def test_slots_equal_the_official_header(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    found = headers()
    if compiler is None or not found:
        missing = "a C compiler" if compiler is None else "onnxruntime_c_api.h"
        pytest.skip(f"{missing} is not installed; EDGEINFER_ORT_HEADER names a header elsewhere")
    slots = _core.ort_slots()
    lines = [
        f'printf("{name} %zu\\n", offsetof(OrtApi, {name}) / sizeof(void *));' for _, name in slots
    ]
    source = tmp_path / "slots.c"
    source.write_text(
        "#include <stddef.h>\n#include <stdio.h>\n"
        f'#include "{found[0]}"\nint main(void) {{\n' + "\n".join(lines) + "\nreturn 0; }\n",
        encoding="utf-8",
    )
    program = tmp_path / "slots"
    subprocess.run([compiler, "-w", str(source), "-o", str(program)], check=True)
    printed = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout
    official = dict(line.split() for line in printed.splitlines())
    assert {name: int(index) for name, index in official.items()} == {
        name: slot for slot, name in slots
    }
