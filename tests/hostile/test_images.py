"""Damaged and fuzzer-made image files: refused in words or decoded, within memory and time."""

import csv
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hostile.runner import Outcome, Runner

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and /proc of Linux")

Tally = Callable[[str, Iterable[Outcome]], None]
MOST_MB = 300


@dataclass(frozen=True)
class Hostile:
    path: Path
    pillow_decodes: bool


@pytest.fixture(scope="module")
def files(shared_data: Path) -> list[Hostile]:
    folder = shared_data / "malformed/images"
    told = csv.DictReader((folder / "pillow_behaviour.csv").read_text().splitlines())
    pillow = {folder / row["path"]: row["pillow"] == "ok" for row in told}
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".csv")
    assert set(found) == set(pillow)
    return [Hostile(path, pillow[path]) for path in found]


@pytest.fixture(scope="module")
def decoded(files: list[Hostile], tally: Tally) -> list[Outcome]:
    with Runner(
        "hostile.images:decode_file", setup="hostile.images:warm", memory_mb=MOST_MB, timeout_s=20
    ) as runner:
        outcomes = [runner.run(file.path) for file in files]
    tally("images, decode()", outcomes)
    return outcomes


def faults(files: list[Hostile], outcomes: list[Outcome]) -> list[tuple[str, Outcome]]:
    return [
        (file.path.name, outcome)
        for file, outcome in zip(files, outcomes, strict=True)
        if outcome.kind not in ("ok", "typed") or outcome.printed or outcome.peak_mb > MOST_MB
    ]


def test_each_file_decodes_or_is_refused(files: list[Hostile], decoded: list[Outcome]) -> None:
    assert faults(files, decoded) == []


def test_each_refusal_is_an_input_error_with_a_remedy(
    files: list[Hostile], decoded: list[Outcome]
) -> None:
    for file, outcome in zip(files, decoded, strict=True):
        if outcome.kind == "typed":
            assert outcome.what == "InputError"
            assert outcome.text.startswith(f"{file.path}: ")
            remedies = ("save the image again", "convert", "shrink the image", "raise max")
            assert any(remedy in outcome.text for remedy in remedies), outcome.text


def test_what_pillow_refuses_is_refused_and_most_of_the_rest_decodes(
    files: list[Hostile], decoded: list[Outcome]
) -> None:
    ours = {
        file.path.name for file, outcome in zip(files, decoded, strict=True) if outcome.kind == "ok"
    }
    pillows = {file.path.name for file in files if file.pillow_decodes}
    assert ours <= pillows
    # A PNG whose checksum is wrong or whose last chunk is cut, a JPEG without an end: Pillow takes
    # the pixels as they come.
    assert len(pillows - ours) <= 10


def test_the_way_to_a_tensor_holds_and_no_limit_made_a_difference(
    files: list[Hostile], decoded: list[Outcome], tally: Tally
) -> None:
    # Without a limit on what may be asked for: a reader that was refused memory might have called
    # the file damaged.
    with Runner(
        "hostile.images:decode_and_preprocess", setup="hostile.images:warm", memory_mb=None
    ) as runner:
        outcomes = [runner.run(file.path) for file in files]
    tally("images, decode(at_least=...) and Preprocess", outcomes)
    assert faults(files, outcomes) == []
    assert [outcome.kind for outcome in outcomes] == [outcome.kind for outcome in decoded]
    for full, small in zip(decoded, outcomes, strict=True):
        if full.kind == "typed":
            assert small.text == full.text


def test_the_command_reports_them(
    files: list[Hostile], decoded: list[Outcome], tally: Tally, project: Path
) -> None:
    handful = list(zip(files, decoded, strict=True))[::40]
    model = project / "examples/vqi/model/vqi_light.onnx"
    with Runner(
        "hostile.images:run_command",
        setup="hostile.images:load_model",
        warm=False,  # the runtime keeps threads
        memory_mb=MOST_MB,
        environment={"HOSTILE_MODEL": str(model)},
    ) as runner:
        outcomes = [runner.run(file.path) for file, _ in handful]
    tally("images, edgeinfer run (a result is an exit status)", outcomes)
    for (file, library), outcome in zip(handful, outcomes, strict=True):
        assert outcome.kind == "ok", (file.path, outcome)
        assert "Traceback" not in outcome.printed
        assert outcome.what == (0 if library.kind == "ok" else 1), (file.path, outcome)
        assert ("error: " in outcome.printed) == (library.kind == "typed")
