"""The README's first screen runs, and prints what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def test_the_six_lines_print_what_the_readme_shows(project: Path) -> None:
    text = (project / "README.md").read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    at = next(i for i, (language, _) in enumerate(blocks) if language == "python")
    code, shown = blocks[at][1], blocks[at + 1][1]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=project
    )
    assert done.returncode == 0, done.stderr
    assert NUMBER.sub("#", done.stdout) == NUMBER.sub("#", shown)
    # Another CPU rounds otherwise in the network: a few pixels on a border may change sides.
    found = [float(n) for n in NUMBER.findall(done.stdout)]
    assert found == pytest.approx([float(n) for n in NUMBER.findall(shown)], abs=0.11)


def test_every_link_of_the_documents_leads_somewhere(project: Path) -> None:
    documents = [*project.glob("*.md"), *project.glob("docs/*.md"), *project.glob("bench/*.md")]
    for document in documents:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (document.parent / target).exists(), f"{document.name}: {target}"
