"""``python -m edgeinfer`` is the command ``edgeinfer``."""

import sys

from edgeinfer.cli import main

if __name__ == "__main__":
    sys.exit(main())
