"""The commands of the pages about calibration and quantisation run, in the order they stand in."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WALK = "\n## From PyTorch to the Pi\n"


def execute(text: str, folder: Path) -> list[str]:
    """Run each block of shell and Python in ``folder``; what they print."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    printed = []
    blocks = BLOCK.findall(text)
    assert blocks
    for language, code in blocks:
        if "import torch" in code and importlib.util.find_spec("torch") is None:
            continue
        shell = ["bash", "-euo", "pipefail", "-c", code]
        done = subprocess.run(
            shell if language == "sh" else [sys.executable, "-c", code],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        printed.append(done.stdout)
    return printed


def split(page: str) -> tuple[str, str]:
    """The section that tells the whole way, and the rest."""
    before, after = page.split(WALK)
    section, found, rest = after.partition("\n## ")
    return section, before + found + rest


@pytest.fixture
def root(project: Path, tmp_path: Path) -> Path:
    """A folder that looks like the project's root and may be written to."""
    for name in ("examples", "docs"):
        (tmp_path / name).symlink_to(project / name)
    return tmp_path


def test_the_way_from_pytorch_to_the_pi_can_be_gone(project: Path, root: Path) -> None:
    page = (project / "docs" / "quantisation.md").read_text(encoding="utf-8")
    section, _ = split(page)
    printed = execute(section, root)
    found = re.findall(r"^(\S+): mIoU (\d\.\d+)$", "".join(printed), re.MULTILINE)
    said = re.findall(r"^(\S+): mIoU (\d\.\d+)$", section, re.MULTILINE)
    assert [name for name, _ in found] == [name for name, _ in said]
    # Another CPU rounds otherwise.
    assert [float(n) for _, n in found] == pytest.approx([float(n) for _, n in said], abs=0.002)
    assert list((root / "masks").iterdir())


@pytest.mark.parametrize("name", ["calibration", "quantisation"])
def test_what_the_pages_show_runs_with_a_real_network(
    name: str, project: Path, shared_data: Path, tmp_path: Path
) -> None:
    page = (project / "docs" / f"{name}.md").read_text(encoding="utf-8")
    if name == "quantisation":
        _, page = split(page)
    network = shared_data / "models" / "mobilenet_v2_1.0_224.onnx"
    for model in ("model.onnx", "mobilenet_v2.onnx"):
        shutil.copy(network, tmp_path / model)
    pictures = sorted((shared_data / "labelled" / "caltech101_imagenet38").rglob("*.jpg"))
    (tmp_path / "photos").mkdir()
    for number, picture in enumerate(pictures[::16][:33]):
        shutil.copy(picture, tmp_path / "photos" / f"{number}.jpg")
    execute(page, tmp_path)
