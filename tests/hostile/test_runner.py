"""The ruler itself: each end that work can come to is told from the others."""

import sys
import time
from collections.abc import Iterator

import pytest

from hostile.runner import Runner

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and /proc of Linux")


@pytest.fixture(scope="module", params=["data", "address"])
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    with Runner(
        "hostile.misbehaviour:behave",
        setup="hostile.misbehaviour:warm",
        memory_mb=100,
        timeout_s=5,
        limit=request.param,
    ) as runner:
        yield runner


@pytest.mark.parametrize(
    ("how", "kind", "what"),
    [
        ("be good", "ok", "BE GOOD"),
        ("typed", "typed", "InputError"),
        ("untyped", "untyped", "ZeroDivisionError"),
        ("crash", "crash", "SIGSEGV"),
        ("exit", "crash", "exit status 7"),
        ("take 50", "ok", "TAKE 50"),
        ("take 200", "memory", "MemoryError"),
        ("hide 200", "memory", "RunError"),
    ],
)
def test_each_end_is_told(runner: Runner, how: str, kind: str, what: str) -> None:
    outcome = runner.run(how)
    assert (outcome.kind, outcome.what) == (kind, what)


def test_a_hang_ends_at_the_limit() -> None:
    with Runner("hostile.misbehaviour:behave", timeout_s=0.5) as runner:
        start = time.monotonic()
        assert runner.run("hang").kind == "hang"
        assert time.monotonic() - start < 5
        assert runner.run("fine").kind == "ok"  # the next child knows nothing of the last


def test_the_peak_counts_from_the_state_after_setup(runner: Runner) -> None:
    assert runner.run("be good").peak_mb < 5
    # The kernel counts resident pages in batches, so that a few may be missing.
    assert 49 <= runner.run("take 50").peak_mb < 60


def test_resident_memory_over_the_limit_is_told_without_a_refusal() -> None:
    with Runner("hostile.misbehaviour:behave", memory_mb=None) as runner:
        assert runner.run("take 400").kind == "ok"
        assert runner.run("take 400").peak_mb >= 400


def test_what_is_printed_is_kept_apart(runner: Runner) -> None:
    outcome = runner.run("print")
    assert outcome.kind == "ok"
    assert sorted(outcome.printed.split()) == ["a", "another", "word"]


def test_a_setup_with_threads_must_run_in_the_child(capfd: pytest.CaptureFixture[str]) -> None:
    setup = "hostile.misbehaviour:start_a_thread"
    with pytest.raises(RuntimeError, match="status 1"):
        Runner("hostile.misbehaviour:behave", setup=setup)
    assert "say warm=False" in capfd.readouterr().err
    with Runner("hostile.misbehaviour:behave", setup=setup, warm=False) as runner:
        assert runner.run("fine").kind == "ok"


def test_a_child_costs_little(runner: Runner) -> None:
    times = []
    for _ in range(20):
        start = time.monotonic()
        runner.run("be good")
        times.append(time.monotonic() - start)
    assert sorted(times)[10] < 0.5  # a few milliseconds; a fresh interpreter would take seconds
