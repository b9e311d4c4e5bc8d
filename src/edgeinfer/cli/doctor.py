"""``edgeinfer doctor``: what is wrong with this machine or installation, and what to do."""

from __future__ import annotations

import argparse
import shutil

from edgeinfer.cli.document import print_document

__all__ = ["add_parser", "execute"]

_DESCRIPTION = """\
Look at this machine and this installation: the compiled core and its kernels, the runtime's
library, versions, clock, temperature, power, memory, folders. Each finding is ok, a note, a warning
or failed, and comes with its remedy. Exit status 1 if one failed.
"""

_EPILOG = """\
examples:
  edgeinfer doctor
  edgeinfer doctor --json > doctor.json      # to send along with a report
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the arguments of ``doctor``."""
    parser = commands.add_parser(
        "doctor",
        help="what is wrong here, and the remedy",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")


def execute(options: argparse.Namespace) -> int:
    """Run the command; 1 if something failed."""
    from edgeinfer.diagnosis import doctor

    diagnosis = doctor()
    if options.json:
        print_document("doctor", diagnosis.to_dict())
    else:
        print(diagnosis.text(max(60, min(shutil.get_terminal_size().columns, 100))))
    return 0 if diagnosis.ok else 1
