import sys
from pathlib import Path

# The scripts here import each other by name, as they do when run; pytest alone would not find them.
sys.path.insert(0, str(Path(__file__).parent))
