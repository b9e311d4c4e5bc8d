"""History of edgeinfer's own speed, by commit: ``asv run`` in this folder.

Peers are not here: a ratio needs both sides in one round, see ``table.py``.
"""

import sys
from pathlib import Path

# asv imports this package by its path alone; the networks and frames live one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def needs(owner: type, *names: str) -> None:
    """Let asv skip a benchmark on versions whose ``owner`` lacks one of these.

    Raises:
        NotImplementedError: which asv takes for "not on this version".
    """
    for name in names:
        if not hasattr(owner, name):
            raise NotImplementedError(f"this version has no {owner.__name__}.{name}")
