"""``edgeinfer compare``: verdicts, what differs, exit status, and files that are no bench files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import Run

Write = Callable[..., Path]


def document(seed: int, factor: float, count: int = 600) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    noise = 1 + 0.03 * np.abs(rng.normal(size=(3, count)))
    network = noise[0] * 8 * factor
    return {
        "schema": 1,
        "command": "bench",
        "model": {"path": "m.onnx", "sha256": "ab" * 32},
        "settings": {"threads": "shared"},
        "versions": {"edgeinfer": "0.1.0", "numpy": "2.0.0"},
        "machine": {"cpu": "Cortex-A72", "cores": 4},
        "cpu": {"features": "neon", "variants": ""},
        "stages": {
            "preprocess": {"samples_ms": list(noise[1])},
            "network": {"samples_ms": list(network)},
            "whole": {"samples_ms": list(network + noise[1])},
        },
        "cold_start": {
            "off": {
                "session_ms": [30.0, 31.0, 30.5, 30.2, 32.0],
                "result_ms": [factor * value for value in (115.0, 116.0, 114.0, 117.0, 115.5)],
            }
        },
        "doubts": [],
    }


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(name: str, content: dict[str, Any]) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(content))
        return path

    return put


def verdicts(edgeinfer: Run, *arguments: object) -> dict[str, str]:
    done = edgeinfer("compare", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    return {row["name"]: row["verdict"] for row in rows}


def test_faster_slower_and_unclear(edgeinfer: Run, write: Write) -> None:
    before, after = write("a.json", document(0, 1.0)), write("b.json", document(1, 0.9))
    assert verdicts(edgeinfer, before, after) == {
        "preprocess": "unclear",
        "network": "faster",
        "whole": "faster",
        "session, cache off": "unclear",
        "first result, cache off": "faster",
    }
    back = verdicts(edgeinfer, after, before)
    assert (back["network"], back["preprocess"]) == ("slower", "unclear")


def test_a_wider_bound_makes_it_unclear(edgeinfer: Run, write: Write) -> None:
    before, after = write("a.json", document(0, 1.0)), write("b.json", document(1, 0.9))
    assert set(verdicts(edgeinfer, before, after, "--bound", "15%").values()) == {"unclear"}


def test_a_file_beside_itself_is_unclear_and_differs_in_nothing(
    edgeinfer: Run, write: Write
) -> None:
    path = write("a.json", document(0, 1.0))
    done = edgeinfer("compare", path, path, "--json", "--fail-slower")
    assert done.returncode == 0
    facts = json.loads(done.stdout)
    assert facts["differences"] == []
    assert {row["verdict"] for row in facts["rows"]} == {"unclear"}
    assert {row["ratio"] for row in facts["rows"]} == {1.0}


def test_slower_is_status_1_only_when_asked_for(edgeinfer: Run, write: Write) -> None:
    before, after = write("a.json", document(0, 1.0)), write("b.json", document(1, 1.2))
    assert edgeinfer("compare", before, after).returncode == 0
    assert edgeinfer("compare", before, after, "--fail-slower").returncode == 1
    assert edgeinfer("compare", after, before, "--fail-slower").returncode == 0


def test_what_differs_is_named(edgeinfer: Run, write: Write) -> None:
    other = document(1, 1.0)
    other["model"]["sha256"] = "cd" * 32
    other["versions"]["numpy"] = "2.1.0"
    other["settings"]["threads"] = 1
    other["machine"]["cores"] = 2
    other["doubts"] = [{"name": "load", "found": "other programs took 40%"}]
    done = edgeinfer("compare", write("a.json", document(0, 1.0)), write("b.json", other))
    text = " ".join(done.stdout.split())
    for words in (
        "version numpy: 2.0.0 | 2.1.0",
        "setting threads: shared | 1",
        "machine cores: 4 | 2",
        "model digest: abab",
        "other programs took 40%",
    ):
        assert words in text
    assert all(len(line) <= 80 for line in done.stdout.splitlines() if "abab" not in line)


def test_two_real_measurements_compare(edgeinfer: Run, segmenter: Path, tmp_path: Path) -> None:
    quick = ("--seconds", "0.2", "--no-cold", "--frame", "48", "64", "-q")
    for name, threads in (("a.json", ()), ("b.json", ("--threads", "1"))):
        done = edgeinfer("bench", segmenter, *quick, *threads, "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
    done = edgeinfer("compare", tmp_path / "a.json", tmp_path / "b.json", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert [row["name"] for row in facts["rows"]] == ["preprocess", "network", "tail", "whole"]
    assert {"name": "setting threads", "before": "shared", "after": "1"} in facts["differences"]


def damaged() -> dict[str, bytes]:
    whole = json.dumps(document(0, 1.0)).encode()

    def changed(**parts: object) -> bytes:
        return json.dumps({**document(0, 1.0), **parts}).encode()

    return {
        "empty": b"",
        "cut off": whole[: len(whole) // 2],
        "no text": b"\xff\xd8\xff\xe0 JFIF",
        "a list": b"[]",
        "a number": b"3",
        "deep": b"[" * 100_000,
        "of another command": changed(command="run"),
        "of a later schema": changed(schema=2),
        "no stages": changed(stages={}),
        "stages that are text": changed(stages="fast"),
        "a stage without samples": changed(stages={"whole": {"samples_ms": []}}),
        "a stage that is a number": changed(stages={"whole": 3}),
        "a sample that is text": changed(stages={"whole": {"samples_ms": [1, "2"]}}),
        "a sample that is true": changed(stages={"whole": {"samples_ms": [1, True]}}),
        "a sample below 0": changed(stages={"whole": {"samples_ms": [1, -2]}}),
        "not a number": changed(stages={"whole": {"samples_ms": [1, float("nan")]}}),
        "infinite": changed(stages={"whole": {"samples_ms": [1, float("inf")]}}),
        "huge": b'{"command":"bench","schema":1,"stages":{"a":{"samples_ms":[1' + b"0" * 5000
        + b"]}}}",
        "starts without figures": changed(cold_start={"off": []}),
        "machine that is a list": changed(machine=[1]),
        "doubts that are text": changed(doubts="many"),
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(damaged()))
def test_another_file_is_refused_in_one_line(
    edgeinfer: Run, write: Write, tmp_path: Path, name: str
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_bytes(damaged()[name])
    good = write("good.json", document(0, 1.0))
    for pair in ((bad, good), (good, bad)):
        done = edgeinfer("compare", *pair)
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith(f"edgeinfer: error: {bad}: found ")
        assert done.stderr.count("\n") == 1


def test_a_missing_file_and_a_folder_are_one_line(
    edgeinfer: Run, write: Write, tmp_path: Path
) -> None:
    good = write("good.json", document(0, 1.0))
    for bad in (tmp_path / "nowhere.json", tmp_path):
        done = edgeinfer("compare", good, bad)
        assert done.returncode == 1
        assert str(bad) in done.stderr
        assert done.stderr.count("\n") == 1
