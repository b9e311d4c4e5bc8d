"""Write the stubs of the compiled module, or compare the committed ones with fresh ones.

usage: python tests/house/stubs.py [--check]
"""

import difflib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
COMMITTED = PROJECT / "src" / "edgeinfer" / "_core.pyi"
HEADER = '"""Stubs of the compiled module; written by `./dev stubs`, compared by `./dev lint`."""\n'


# pybind11 knows that a dict is returned, not of what.
BARE = {
    "tuple": "tuple[typing.Any, ...]",
    "list": "list[typing.Any]",
    "dict": "dict[typing.Any, typing.Any]",
    "os.PathLike": "os.PathLike[str]",
    "collections.abc.Callable": "collections.abc.Callable[..., typing.Any]",
}
ANNOTATED = re.compile(
    r"(?<=[:>|] )(tuple|list|dict|os\.PathLike|collections\.abc\.Callable)(?=[:,)=| \n]|$)",
    re.MULTILINE,
)


def fresh() -> str:
    """Generate stubs of the installed module."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pybind11_stubgen", "edgeinfer._core"),
                *("--output-dir", folder, "--enum-class-locations", ".*:edgeinfer._core"),
                *("--numpy-array-use-type-var", "--exit-code"),
            ],
            capture_output=True,
            text=True,
            cwd=folder,
        )
        if done.returncode != 0:
            raise SystemExit(f"stubs: pybind11-stubgen failed:\n{done.stdout}{done.stderr}")
        text = (Path(folder) / "edgeinfer" / "_core.pyi").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("__version__")]
    text = ANNOTATED.sub(lambda found: BARE[found[1]], "\n".join(lines))
    text = f"{HEADER}{text}\n__version__: str\n"
    for command in (["check", "--quiet", "--select", "I", "--fix"], ["format"]):
        done = subprocess.run(
            [Path(sys.executable).parent / "ruff", *command, "--stdin-filename", COMMITTED, "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            cwd=PROJECT,
        )
        text = done.stdout
    return text


def main() -> int:
    """Write or compare."""
    text = fresh()
    if "--check" not in sys.argv[1:]:
        COMMITTED.write_text(text, encoding="utf-8")
        return 0
    old = COMMITTED.read_text(encoding="utf-8") if COMMITTED.exists() else ""
    if old == text:
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(
            old.splitlines(True), text.splitlines(True), "committed _core.pyi", "fresh _core.pyi"
        )
    )
    print("stubs: the committed stubs differ from the compiled module; run ./dev stubs")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
