"""The command ``edgeinfer``: one module per subcommand, arguments and printing only.

Exit status: 0 done, 1 failed, 2 wrong usage; 130 interrupted, 141 nobody reads the output any more.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import TextIO

from edgeinfer.cli import bench, calibrate, compare, doctor, inspect, profile, quantize, run, values
from edgeinfer.errors import EdgeInferError

__all__ = ["main"]

_COMMANDS = (run, inspect, bench, compare, calibrate, profile, quantize, doctor)

_EPILOG = """\
examples:
  edgeinfer inspect model.onnx
  edgeinfer run model.onnx photo.jpg --mean 0.485 0.456 0.406 --std 0.229 0.224 0.225
  edgeinfer run model.onnx photos/ --recipe recipe.json --labels labels.txt --out masks/
  edgeinfer bench model.onnx --out before.json
  edgeinfer compare before.json after.json
  edgeinfer calibrate model.onnx photos/ --recipe recipe.json --out model.ranges
  edgeinfer quantize model.onnx photos/ --recipe recipe.json --out model.int8.onnx
  edgeinfer doctor

Each command has its own --help. Exit status: 0 done, 1 failed, 2 wrong usage.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program name; ``sys.argv`` when omitted.
    Returns:
        The exit status. A failure is one line on stderr, never a traceback.
    Raises:
        SystemExit: from argparse, for ``--help``, ``--version`` (0) and wrong usage (2).
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        # File names need not be valid text; a table must not fail on one.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        options = _parser().parse_args(values.join_numbers(arguments))
        with _warnings_in_one_line():
            status: int = options.execute(options)
        sys.stdout.flush()
    except EdgeInferError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # The reader (head, less) is content. Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}{error.strerror or error}")
    except MemoryError:
        return _fail("out of memory")
    except KeyboardInterrupt:
        _fail("interrupted")
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edgeinfer",
        description="Run ONNX vision models on images.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser


class _Version(argparse.Action):
    """Looks the version up only when asked: reading package metadata takes longer than parsing."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"edgeinfer {version('edgeinfer')}")
        parser.exit()


@contextlib.contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Show warnings without the source line, and none of Pillow's about damaged metadata."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        stream = file or sys.stderr
        # A line of progress may stand there, which the next one draws again.
        begin = "\r\x1b[K" if stream.isatty() else ""
        print(f"{begin}edgeinfer: warning: {_one_line(str(message))}", file=stream)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        warnings.showwarning = show
        yield


def _fail(text: str) -> int:
    print(f"edgeinfer: error: {_one_line(text)}", file=sys.stderr)
    return 1


def _one_line(text: str) -> str:
    return " ".join(text.split())
