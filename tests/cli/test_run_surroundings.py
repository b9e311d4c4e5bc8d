"""``edgeinfer run``: pipes, terminals, interrupts, odd names and full disks."""

import fcntl
import io
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

from PIL import Image

from .conftest import Run
from .printed import rows


def test_a_closed_pipe_is_no_error(classifier: Path, pictures: Path) -> None:
    command = [sys.executable, "-m", "edgeinfer", "run", str(classifier), *[str(pictures)] * 2]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 141
    assert errors == b""


def test_an_interrupt_ends_quietly(segmenter: Path, tmp_path: Path) -> None:
    Image.new("RGB", (3000, 2000)).save(tmp_path / "a.png")
    for number in range(400):
        os.link(tmp_path / "a.png", tmp_path / f"{number}.png")
    command = [sys.executable, "-m", "edgeinfer", "run", str(segmenter), str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("0.png"):  # it is in the middle of its work
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "edgeinfer: error: interrupted\n"


def test_a_terminal_sees_progress_and_quiet_removes_it(classifier: Path, pictures: Path) -> None:
    def terminal(*flags: str) -> str:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "edgeinfer", "run", str(classifier), str(pictures)]
        process = subprocess.Popen(
            [*command, "--json", *flags], stdout=subprocess.DEVNULL, stderr=theirs
        )
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 4096):
                text += piece
        except OSError:  # Linux says so when the other side is gone
            pass
        os.close(ours)
        assert process.wait(timeout=60) == 0
        return text.decode()

    shown = terminal()
    assert "1/3 images" in shown
    assert shown.endswith("\r\x1b[K")  # nothing stays on the screen
    assert terminal("--quiet") == ""


def test_a_narrow_terminal_still_shows_the_results(classifier: Path, pictures: Path) -> None:
    def screen(columns: int) -> str:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        command = [sys.executable, "-m", "edgeinfer", "run", str(classifier), str(pictures), "-q"]
        environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
        process = subprocess.Popen(command, stdout=theirs, env=environment)
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 4096):
                text += piece
        except OSError:
            pass
        os.close(ours)
        assert process.wait(timeout=60) == 0
        return text.decode().replace("\r\n", "\n")

    narrow, wide = screen(72), screen(200)
    assert max(map(len, rows(narrow))) <= 72
    for text in (narrow, wide):
        assert [line.split()[0] for line in rows(text)[:3]] == ["blue.bmp", "green.jpg", "red.png"]
        assert "class 2 0.902" in rows(text)[0]
    assert "64 x 48" in rows(wide)[0]
    assert "64 x 48" not in rows(narrow)[0]
    assert "median ms: decode " in narrow
    assert "median ms: " not in wide


def test_an_unused_recipe_beside_the_model_is_mentioned(
    edgeinfer: Run, classifier: Path, pictures: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(classifier.read_bytes())
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"size": [32, 32]}')
    red = pictures / "red.png"
    assert f"add --recipe {recipe}" in edgeinfer("run", model, red).stderr
    for flags in (("--recipe", recipe), ("--scale", "1"), ("--quiet",)):
        assert edgeinfer("run", model, red, *flags).stderr == ""


def test_names_that_are_no_text_are_shown_and_not_trusted(
    edgeinfer: Run, classifier: Path, tmp_path: Path
) -> None:
    for name in (b"\xff\xfe.png", b"red\x1b[31m.png", "grün.png".encode()):
        path = os.path.join(os.fsencode(tmp_path), name)
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, "PNG")
        with open(path, "wb") as file:
            file.write(buffer.getvalue())
    done = edgeinfer("run", classifier, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "grün.png" in done.stdout
    assert "\x1b" not in done.stdout
    assert len(json.loads(edgeinfer("run", classifier, tmp_path, "--json").stdout)["images"]) == 3


def test_a_full_disk_or_closed_folder_is_one_line(
    edgeinfer: Run, segmenter: Path, pictures: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    done = edgeinfer("run", segmenter, pictures, "--out", blocked / "masks")
    assert done.returncode == 1
    assert done.stderr.startswith("edgeinfer: error: ")
    assert str(blocked) in done.stderr
