"""The small parts: values, tables, progress, files and folders."""

import argparse
import io
import os
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeinfer.cli import main, values
from edgeinfer.cli.images import find
from edgeinfer.cli.pictures import plan_stems, write_beside, write_class_map, write_overlay
from edgeinfer.cli.progress import Progress
from edgeinfer.cli.steps import Steps
from edgeinfer.cli.table import Column, Table, median, printable, quantity
from edgeinfer.errors import InputError


@pytest.mark.parametrize(
    ("given", "joined"),
    [
        ("--size 320 240 a.jpg", "--size=320x240 a.jpg"),
        ("--size 320x240 a.jpg", "--size 320x240 a.jpg"),
        ("--size=3x4 5", "--size=3x4 5"),
        ("--mean 1 -0.5 .25 a.jpg", "--mean=1,-0.5,.25 a.jpg"),
        ("--std 1 a.jpg", "--std=1 a.jpg"),
        ("--mean 1e-3 2 3 4", "--mean=1e-3,2,3 4"),
        ("--mean a.jpg", "--mean a.jpg"),
        ("--mean 1 --std 2", "--mean=1 --std=2"),
        ("--top 5 6", "--top 5 6"),
        ("a -- --size 1 2", "a -- --size 1 2"),
        ("--size", "--size"),
    ],
)
def test_numbers_behind_an_option_become_its_value(given: str, joined: str) -> None:
    assert values.join_numbers(given.split()) == joined.split()


def test_numbers_may_be_fractions() -> None:
    assert values.number("1/255") == 1 / 255
    assert values.number("-2.5e-1") == -0.25
    assert values.channels("0.5") == (0.5, 0.5, 0.5)
    assert values.channels("1,2/4,-3") == (1, 0.5, -3)
    for wrong in ("", "1/", "/2", "1/2/3", "one"):
        with pytest.raises(argparse.ArgumentTypeError):
            values.number(wrong)


def test_rows_stand_under_their_titles(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table([Column("name", 6, "left"), Column("ms", 5), Column("result", 8, "left")])
    table.titles()
    table.row(["a", "1.5", "first"])
    table.row(["a/long/path", "12345678", "a result of any length"])
    table.row(["b"])
    assert capsys.readouterr().out.splitlines() == [
        "name       ms  result",
        "------  -----  --------",
        "a         1.5  first",
        "…/path  12345678  a result of any length",
        "b",
    ]


def test_quantities_have_three_digits() -> None:
    shown = [quantity(number, "B") for number in (0, 7, 999, 1000, 27_683, 2_768_251, 3e9)]
    assert shown == ["0 B", "7 B", "999 B", "1.00 kB", "27.7 kB", "2.77 MB", "3.00 GB"]
    assert quantity(112) == "112"


def test_medians() -> None:
    assert median([3.0]) == 3
    assert median([9.0, 1.0, 5.0]) == 5
    assert median([4.0, 1.0, 2.0, 9.0]) == 3


def test_control_characters_are_not_printed() -> None:
    assert printable("a\x1b[31mb\nc\u202eü") == "a?[31mb?c?ü"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_after_two_seconds_and_every_five() -> None:
    log, now = io.StringIO(), [0.0]
    progress = Progress(100, "images", stream=log, clock=lambda: now[0])
    for _ in range(100):
        now[0] += 0.125
        progress.step()
    progress.clear()
    assert log.getvalue().splitlines() == [
        "16/100 images, about 10 s left",
        "56/100 images, about 6 s left",
        "96/100 images, about 0 s left",
    ]


def test_a_terminal_has_one_line_that_goes_away() -> None:
    screen, now = Terminal(), [0.0]
    progress = Progress(3, "images", stream=screen, clock=lambda: now[0])
    for _ in range(3):
        now[0] += 200
        progress.step()
    # Before anybody asks: a warning may come behind the last step.
    assert screen.getvalue().endswith("left\r\x1b[K")
    progress.clear()
    progress.clear()
    assert screen.getvalue() == (
        "\r\x1b[K1/3 images, about 7 min left\r\x1b[K2/3 images, about 3 min left\r\x1b[K"
    )


def test_a_warning_takes_the_place_of_the_line_of_progress(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Command:
        @staticmethod
        def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
            commands.add_parser("work").set_defaults(execute=Command.execute)

        @staticmethod
        def execute(options: argparse.Namespace) -> int:
            progress = Progress(3, "images")
            progress.step()
            warnings.simplefilter("always")  # as for a user; here they are errors
            warnings.warn("too few\nimages", UserWarning, stacklevel=1)
            return 0

    monkeypatch.setattr("edgeinfer.cli._COMMANDS", (Command,))
    monkeypatch.setattr("edgeinfer.cli.progress._TERMINAL_INTERVAL_S", 0.0)
    for stream, begin in ((Terminal(), "\r\x1b[K"), (io.StringIO(), "")):
        monkeypatch.setattr(sys, "stderr", stream)
        assert main(["work"]) == 0
        said = stream.getvalue()
        assert said.endswith(f"{begin}edgeinfer: warning: too few images\n")
        assert ("1/3 images" in said) == bool(begin)


@pytest.mark.parametrize(("total", "quiet"), [(1, False), (5, True)])
def test_nothing_is_said_about_one_image_or_when_quiet(total: int, quiet: bool) -> None:
    screen, now = Terminal(), [0.0]
    progress = Progress(total, "images", quiet=quiet, stream=screen, clock=lambda: now[0])
    for _ in range(total):
        now[0] += 60
        progress.step()
    progress.clear()
    assert screen.getvalue() == ""


def test_folders_give_images_in_order_and_count_the_rest(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "c.txt", "a.overlay.jpg", "x/d.webp", "x/e.bin", "y/z/f.bmp"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    flat = find([tmp_path], recursive=False)
    assert [str(item.place) for item in flat.images] == ["a.png", "b.JPG"]
    assert flat.skipped == 2
    deep = find([tmp_path, tmp_path / "a.png", tmp_path / "c.txt"], recursive=True)
    places = [str(item.place) for item in deep.images]
    assert places == ["a.png", "b.JPG", "x/d.webp", "y/z/f.bmp", "c.txt"]
    assert deep.skipped == 3
    apart = find([tmp_path], recursive=True, apart=tmp_path / "x")
    assert [str(item.place) for item in apart.images] == ["a.png", "b.JPG", "y/z/f.bmp"]
    with pytest.raises(InputError, match=r"no image found among 0 files.*--recursive"):
        find([tmp_path / "y"], recursive=False)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    assert len(find([tmp_path], recursive=True).images) == 1


def test_stems_differ() -> None:
    places = [Path("a.png"), Path("a.jpg"), Path("x/a.jpg"), Path("a-2.png"), Path("a.bmp")]
    stems = [str(stem) for stem in plan_stems(places)]
    assert stems == ["a", "a-2", "x/a", "a-2-2", "a-3"]


def test_class_maps_hold_class_numbers(tmp_path: Path) -> None:
    small = np.arange(12, dtype=np.uint8).reshape(3, 4)
    wide = small.astype(np.uint16) * 1000
    for name, classes in (("small", small), ("wide", wide)):
        with Image.open(write_class_map(tmp_path / "new" / name, classes)) as image:
            np.testing.assert_array_equal(np.asarray(image), classes)


def test_overlays_keep_their_pixels_unless_lossy(tmp_path: Path) -> None:
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    path = write_overlay(tmp_path / "dotted.name", picture, lossy=False)
    assert path.name == "dotted.name.overlay.png"
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), picture)
    assert write_overlay(tmp_path / "b", picture, lossy=True).name == "b.overlay.jpg"


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(file: object) -> None:
        assert len(os.listdir(tmp_path)) == 2
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_beside(path, fail)
    assert os.listdir(tmp_path) == ["file"]
    assert path.read_bytes() == b"old"


def test_a_terminal_sees_each_step_and_how_long_it_takes_still() -> None:
    screen, now = Terminal(), [0.0]
    steps = Steps(stream=screen, clock=lambda: now[0], every=None)
    steps("prepare", 0, None)
    now[0] = 3
    steps.tick()
    steps("calibrate", 0, None)
    steps("calibrate", 0, 10)
    now[0] = 5
    steps("calibrate", 2, 10)
    now[0] = 6
    steps("calibrate", 3, 6)
    steps("unheard of", 0, None)
    steps.clear()
    steps.clear()
    assert screen.getvalue().split("\r\x1b[K") == [
        "",
        "preparing the model",
        "preparing the model, for 3 s",
        "",
        "calibrating",
        "calibrating: 2/10 samples, about 8 s left",
        "calibrating: 3/6 samples, about 3 s left",
        "",
        "",
        "unheard of",
        "",
    ]


def test_a_log_hears_of_long_steps_only() -> None:
    log, now = io.StringIO(), [0.0]
    steps = Steps(stream=log, clock=lambda: now[0], every=None)
    steps("prepare", 0, None)
    for now[0] in (1.0, 2.5, 4.0, 13.0):
        steps.tick()
    steps("judge", 0, 4)
    for done in range(4):
        now[0] += 1.5
        steps("judge", done, 4)
    steps("save", 0, None)
    steps.clear()
    assert log.getvalue().splitlines() == [
        "preparing the model, for 2 s",
        "preparing the model, for 13 s",
        "comparing with float: 1/4 samples, about 9 s left",
    ]


def test_quiet_steps_say_nothing() -> None:
    screen, now = Terminal(), [0.0]
    steps = Steps(quiet=True, stream=screen, clock=lambda: now[0])
    for done in range(9):
        now[0] += 60
        steps("judge", done, 9)
        steps.tick()
    steps.clear()
    assert screen.getvalue() == ""


def test_a_long_step_is_told_of_by_itself() -> None:
    said = threading.Event()

    class Log(io.StringIO):
        def write(self, text: str) -> int:
            if "for 60 s" in text:
                said.set()
            return super().write(text)

    times = iter([0.0])
    steps = Steps(stream=Log(), clock=lambda: next(times, 60.0), every=0.01)
    steps("prepare", 0, None)
    assert said.wait(30)
    steps.clear()
