"""Write the stubs of the compiled module, or compare the committed ones with fresh ones.

usage: python tests/house/stubs.py [--check]
"""

import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
COMMITTED = PROJECT / "src" / "edgeinfer" / "_core.pyi"
HEADER = '"""Stubs of the compiled module; written by `./dev stubs`, compared by `./dev lint`."""\n'


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
    text = HEADER + "\n".join(lines) + "\n__version__: str\n"
    formatted = subprocess.run(
        [str(Path(sys.executable).parent / "ruff"), "format", "--stdin-filename", "_core.pyi", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT,
    )
    return formatted.stdout


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
