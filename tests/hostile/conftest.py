"""The tally of hostile files, printed below the tests so that a log of CI shows it."""

from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from hostile.runner import Outcome


@pytest.fixture(scope="session")
def tally(
    summary_line: Callable[[str, str], None],
) -> Callable[[str, Iterable[Outcome]], None]:
    """``tally(title, outcomes)``: a line with the counts, the largest peak and the longest time."""

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
        summary_line(
            "hostile files",
            f"{title}: {len(found)} files: {kinds}; at most {peak:.0f} MB above the import, "
            f"{longest:.2f} s",
        )

    return add
