"""An entry holds for one model, one runtime and one CPU."""

import os
from pathlib import Path

import onnx

import edgeinfer as ei

from .loads import load


def test_a_model_changed_in_place_with_its_time_set_back_is_another(
    model: Path, kept: Path, right: str
) -> None:
    assert load(model)["answer"] == right
    before = model.stat()
    changed = onnx.load_from_string(model.read_bytes())
    weight = onnx.numpy_helper.to_array(changed.graph.initializer[0])
    changed.graph.initializer[0].raw_data = (-weight).tobytes()
    with model.open("r+b") as file:
        file.write(changed.SerializeToString())
    os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = model.stat()
    assert (after.st_size, after.st_ino, after.st_mtime_ns) == (
        before.st_size, before.st_ino, before.st_mtime_ns,
    )  # fmt: skip
    found = load(model)
    assert found["state"] == "miss"
    assert found["answer"] not in (right, None)
    assert found["answer"] == load(model, EDGEINFER_CACHE="")["answer"]


def runtime_beside(folder: Path, version: bytes) -> str:
    """A copy of the installed runtime that calls itself another version."""
    path = Path(ei.open_runtime().path)
    data = path.read_bytes()
    own = ei.open_runtime().version.encode()
    assert len(own) == len(version)
    copy = folder / "libonnxruntime.so.1"
    copy.write_bytes(data.replace(b"\0" + own + b"\0", b"\0" + version + b"\0"))
    return str(copy)


def test_another_runtime_makes_an_entry_of_its_own(
    model: Path, kept: Path, right: str, tmp_path: Path
) -> None:
    assert load(model)["state"] == "miss"
    own = ei.open_runtime().version
    other = runtime_beside(tmp_path, (own[:-1] + str((int(own[-1]) + 1) % 10)).encode())
    for state in ("miss", "hit"):
        found = load(model, EDGEINFER_ONNXRUNTIME=other)
        assert (found["state"], found["answer"]) == (state, right)
    assert load(model)["state"] == "hit"


def test_other_cpu_features_make_an_entry_of_their_own(model: Path, right: str) -> None:
    for state in ("miss", "hit"):
        assert load(model)["state"] == state
    for state in ("miss", "hit"):
        found = load(model, EDGEINFER_CPU="none")
        assert (found["state"], found["answer"]) == (state, right)
