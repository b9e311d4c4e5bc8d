"""The tally of hostile files, printed below the tests so that a log of CI shows it."""

from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from hostile.runner import Outcome

_LINES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def tally(request: pytest.FixtureRequest) -> Callable[[str, Iterable[Outcome]], None]:
    """``tally(title, outcomes)``: a line with the counts, the largest peak and the longest time."""
    lines = request.config.stash.setdefault(_LINES, [])

    def add(title: str, outcomes: Iterable[Outcome]) -> None:
        found = list(outcomes)
        counts = Counter(outcome.kind for outcome in found)
        kinds = ", ".join(
            f"{counts[kind]} {words}"
            for kind, words in {
                "ok": "defined results",
                "typed": "typed errors",
                "untyped": "other errors",
                "crash": "crashes",
                "hang": "hangs",
                "memory": "over memory",
            }.items()
        )
        peak = max(outcome.peak_mb for outcome in found)
        longest = max(outcome.seconds for outcome in found)
        lines.append(
            f"{title}: {len(found)} files: {kinds}; at most {peak:.0f} MB above the import, "
            f"{longest:.2f} s"
        )

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was counted."""
    lines = terminalreporter.config.stash.get(_LINES, [])
    if lines:
        terminalreporter.section("hostile files")
        for line in lines:
            terminalreporter.line(line)
