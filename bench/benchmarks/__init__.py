"""History of edgeinfer's own speed, by commit: ``asv run`` in this folder.

Peers are not here: a ratio needs both sides in one round, see ``frame_to_mask.py``.
"""

import sys
from pathlib import Path

# asv imports this package by its path alone; the networks and frames live one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
