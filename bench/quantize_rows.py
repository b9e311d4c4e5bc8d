"""Accuracy of real networks in int8 with other settings than the defaults, without peers.

    python bench/quantize_rows.py [--method mse] [--target a76] [NAME ...]

``./dev bench quantize`` prints the same rows with the defaults. Exit status 1 if one is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from int8.accuracy_rows import judged
from int8.networks import NETWORKS
from table import figure_lines


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NETWORKS))
    parser.add_argument("--method")
    parser.add_argument("--parameter", type=float)
    parser.add_argument("--target")
    parser.add_argument("--exclude", action="append")
    parser.add_argument("--mode")
    options = vars(parser.parse_args(arguments))
    names: list[str] = options.pop("names") or list(NETWORKS)
    unknown = set(names) - NETWORKS.keys()
    if unknown:
        parser.error(f"found {', '.join(sorted(unknown))}; there are {', '.join(NETWORKS)}")
    settings: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
    missed = False
    for name in names:
        outcome = judged(NETWORKS[name], peers=False, **settings)
        print(f"{name}: {outcome.checked}")
        for line in figure_lines([outcome]):
            print(line, flush=True)
        missed |= any(figure.missed for figure in outcome.figures)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
