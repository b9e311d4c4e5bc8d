"""More memory than there is ends in an error of ours, which says how much was wanted."""

import sys
from collections.abc import Iterator

import pytest

from hostile.runner import Runner

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and /proc of Linux")


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner("hostile.frames:work", setup="hostile.frames:warm", memory_mb=100) as runner:
        yield runner


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("prepare", "the tensor, float32 of shape (1, 3, 65535, 65535), 51538034700 bytes; use a"),
        ("to_rgb", "the RGB pixels, uint8 of shape (6000, 6000, 3), 108000000 bytes; use a"),
        ("to_rgb of a view", "a plane without gaps, uint8 of shape (8000, 8000), 64000000 bytes"),
    ],
)
def test_results_that_memory_does_not_hold_are_run_errors(
    runner: Runner, what: str, text: str
) -> None:
    outcome = runner.run(what)
    assert (outcome.kind, outcome.what) == ("memory", "RunError"), outcome.text
    assert outcome.text.startswith("out of memory: found no room for ")
    assert text in outcome.text
