"""The page for those who come from onnxruntime names all of its API, and only ours that exist."""

import re
from pathlib import Path

import onnxruntime
import pytest

import edgeinfer as ei

CLASSES = ("InferenceSession", "SessionOptions", "RunOptions", "IOBinding", "OrtValue")
OURS = ("Session", "SessionOptions", "Binding", "Cancellation")


def page(project: Path) -> str:
    return (project / "docs" / "from-onnxruntime.md").read_text(encoding="utf-8")


def rows(text: str, heading: str) -> dict[str, str]:
    """Name -> what the table under the heading says of it."""
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"^\| `(\w+)[^`]*` \| (.+) \|$", section, re.MULTILINE)
    assert len({name for name, _ in found}) == len(found)
    return dict(found)


def public(name: str) -> set[str]:
    return {n for n in dir(getattr(onnxruntime, name)) if not n.startswith("_")}


@pytest.mark.parametrize("name", CLASSES)
def test_the_page_names_everything_that_onnxruntime_offers(project: Path, name: str) -> None:
    listed = set(rows(page(project), name)) - {name}
    assert public(name) - listed == set()
    if onnxruntime.__version__.startswith("1.31."):  # the version that the page speaks of
        assert listed - public(name) == set()


def test_what_the_page_sends_to_exists(project: Path) -> None:
    named = set(re.findall(rf"`({'|'.join(OURS)})\.(\w+)", page(project)))
    assert len(named) > 20
    for owner, attribute in sorted(named):
        assert hasattr(getattr(ei, owner), attribute), f"{owner}.{attribute}"


def test_the_page_sends_to_everything_that_a_session_offers(project: Path) -> None:
    text = page(project)
    for owner in ("Session", "Binding"):
        ours = {n for n in vars(getattr(ei, owner)) if not n.startswith("_")}
        told = {attribute for o, attribute in re.findall(r"`(\w+)\.(\w+)", text) if o == owner}
        assert ours - told <= {"close", "segment", "last_times"}, owner
