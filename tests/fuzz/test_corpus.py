"""The committed seeds are those that their script makes, and small."""

from pathlib import Path

import pytest

from fuzz.make_corpus import TARGETS

CORPUS = Path(__file__).parent / "corpus"
# Inputs that were findings once keep this name; no script makes them.
FINDING = "found-"


@pytest.mark.parametrize("target", TARGETS)
def test_the_seeds_are_those_that_the_script_makes(target: str) -> None:
    made = dict(TARGETS[target]())
    held = {path.name: path.read_bytes() for path in (CORPUS / target).iterdir()}
    assert {name: data for name, data in held.items() if not name.startswith(FINDING)} == made


def test_the_corpus_is_small() -> None:
    sizes = [path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()]
    assert sizes
    assert max(sizes) < 8_192
    assert sum(sizes) < 65_536


def test_every_target_has_a_corpus(project: Path) -> None:
    targets = {path.stem.removeprefix("fuzz_") for path in (project / "cpp/fuzz").glob("fuzz_*")}
    assert targets == set(TARGETS) == {path.name for path in CORPUS.iterdir()}
