"""What does not fit: typed errors, and the old file as it was."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

import edgeinfer
from edgeinfer import InputError, ModelError
from oracles.integer_network import FloatNetwork

pytestmark = pytest.mark.filterwarnings("ignore::edgeinfer.CalibrationWarning")


def unchanged(folder: Path) -> bool:
    names = ["0.npy", "1.npy", "2.npy", "model.onnx", "out.onnx"]
    found = sorted(one.name for one in folder.iterdir())
    return (found, (folder / "out.onnx").read_bytes()) == (names, b"old")


def run(folder: Path, code: str, **options: object) -> subprocess.CompletedProcess[str]:
    """A program that has ``samples`` and quantises in ``folder``."""
    start = (
        "import os, signal, sys, numpy, edgeinfer\n"
        "samples = [numpy.load(f'{i}.npy') for i in range(3)]\n"
    )
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", start + code],
        cwd=folder,
        capture_output=True,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgeinfer", "quantize", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )


# Samples


@pytest.mark.parametrize(
    ("samples", "text"),
    [
        ([], "empty list"),
        (iter(()), "found none"),
        ([np.full((1, 3, 16, 16), np.nan, np.float32)], r"sample 1: .* in 'x' \(input\)"),
        ([np.zeros((1, 3, 16), np.float32)], r"sample 1: .*\(1, 3, 16\)"),
        ([np.zeros((1, 3, 16, 16), np.float64)], "float64"),
        ([{"y": np.zeros((1, 3, 16, 16), np.float32)}], "'y'"),
        ([None], "sample 1"),
        ("none/here", "none/here"),
    ],
)
def test_samples_that_do_not_fit_are_named(samples: object, text: str, folder: Path) -> None:
    with pytest.raises(InputError, match=text):
        edgeinfer.quantize(folder / "model.onnx", folder / "out.onnx", samples=samples)
    assert unchanged(folder)


def test_a_picture_that_cannot_be_read_is_named(folder: Path) -> None:
    pictures = folder.parent / "pictures"
    pictures.mkdir()
    (pictures / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    done = command(folder, "model.onnx", str(pictures), "--out", "out.onnx", "--size", "16x16")
    assert done.returncode in (1, 2)
    assert "broken.png" in done.stderr
    assert "Traceback" not in done.stderr
    assert unchanged(folder)


def test_a_layer_that_gives_nan_is_named(tmp_path: Path) -> None:
    net = FloatNetwork(shape=(1, 4, 8, 8))
    root = net.node("Sqrt", [net.conv("x", 4, 4)])
    model = net.model(net.conv(root, 4, 4)).SerializeToString()
    with pytest.raises(ModelError, match=r"sample 1: found NaN .*Sqrt 'n\.t1'"):
        edgeinfer.quantize(model, tmp_path / "o.onnx", samples=[net.sample()])
    assert list(tmp_path.iterdir()) == []


def test_tensors_that_never_change_are_quantised_all_the_same(tmp_path: Path) -> None:
    net = FloatNetwork(shape=(1, 4, 8, 8))
    dead = net.node("Relu", [net.node("Conv", ["x", net.constant(np.zeros((4, 4, 1, 1)))])])
    flat = net.node("Mul", [dead, net.constant(np.zeros(1))])
    last = net.node("Add", [net.conv(flat, 6, 4), net.conv("x", 6, 4)])
    model = net.model(net.conv(last, 3, 6)).SerializeToString()
    report = edgeinfer.quantize(model, tmp_path / "o.onnx", samples=[net.sample(), net.sample(1)])
    assert report.outputs[0].sqnr_db > 25


def test_samples_of_a_constant_picture_give_a_file_that_runs(
    small: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    net, model = small
    samples = [np.zeros((1, 3, 16, 16), np.float32)] * 2
    edgeinfer.quantize(model, tmp_path / "o.onnx", samples=samples)
    with edgeinfer.Session(tmp_path / "o.onnx", cache=False) as session:
        (found,) = session.run(net.sample()).values()
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"mode": "dynamic", "repairs": ("bias",)}, r"repairs: found \('bias',\) .*'dynamic'"),
        ({"mode": "weights8", "analyse": True}, "analyse: found it with mode 'weights8'"),
        ({"mode": "static", "profile": "pi4.json"}, "profile: found 'pi4.json' with mode 'static'"),
        ({"mode": "weights8", "profile": "pi4.json"}, "profile: found 'pi4.json'"),
    ],
)
def test_what_a_mode_has_no_use_for_is_not_passed_over(
    arguments: dict[str, object], text: str, folder: Path
) -> None:
    samples = [np.zeros((1, 3, 16, 16), np.float32)]
    with pytest.raises(InputError, match=text):
        edgeinfer.quantize(folder / "model.onnx", folder / "out.onnx", samples=samples, **arguments)
    assert unchanged(folder)


# Where the file goes


@pytest.mark.parametrize(
    ("out", "text"),
    [
        ("model.onnx", "the model itself"),
        ("linked.onnx", "the model itself"),
        (".", "found a folder"),
        ("none/out.onnx", "found no folder"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_refused_before_the_work(
    out: str, text: str, folder: Path
) -> None:
    def samples() -> Iterator[object]:
        raise AssertionError("work has begun")
        yield

    before = (folder / "model.onnx").read_bytes()
    if out == "linked.onnx":
        os.link(folder / "model.onnx", folder / out)
    with pytest.raises(InputError, match=text):
        edgeinfer.quantize(folder / "model.onnx", folder / out, samples=samples())
    done = command(folder, "model.onnx", "--mode", "weights8", "--out", out)
    assert (done.returncode, done.stdout) == (1, "")
    assert text in done.stderr
    assert (folder / "model.onnx").read_bytes() == before


def test_a_folder_that_nobody_may_write_to_is_an_error_of_the_system(folder: Path) -> None:
    # Nobody, root included, makes files there.
    with pytest.raises(OSError, match="proc"):
        edgeinfer.quantize(folder / "model.onnx", "/proc/self/fd/o.onnx", mode="weights8")
    done = command(folder, "model.onnx", "--mode", "weights8", "--out", "/proc/self/o.onnx")
    assert done.returncode == 1
    assert "/proc/" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    disk = folder.parent / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this user may not mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_full_keeps_the_old_file_and_nothing_else(
    small_disk: Path, folder: Path
) -> None:
    (small_disk / "out.onnx").write_bytes(b"old")
    for mode in ("static", "weights8", "dynamic"):
        with pytest.raises(OSError, match="No space left"):
            edgeinfer.quantize(
                folder / "model.onnx",
                small_disk / "out.onnx",
                mode=mode,
                samples=[np.load(folder / "0.npy")] * 4,
                force_convolutions=True,
            )
    done = command(folder, "model.onnx", "--mode", "weights8", "--out", f"{small_disk}/out.onnx")
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert [one.name for one in small_disk.iterdir()] == ["out.onnx"]
    assert (small_disk / "out.onnx").read_bytes() == b"old"


def test_killed_while_writing_the_old_file_stays_and_the_next_run_cleans_up(folder: Path) -> None:
    for _ in range(3):
        done = run(
            folder,
            "os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)\n"
            "edgeinfer.quantize('model.onnx', 'out.onnx', mode='weights8')\n",
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert (folder / "out.onnx").read_bytes() == b"old"
        assert [one.name for one in folder.glob(".*")] == [".out.onnx.part"]
    done = run(folder, "edgeinfer.quantize('model.onnx', 'out.onnx', mode='weights8')\n")
    assert done.returncode == 0, done.stderr
    assert list(folder.glob(".*")) == []
    onnx.checker.check_model(folder / "out.onnx")


def test_two_that_write_the_same_file_do_not_mix(folder: Path) -> None:
    done = run(
        folder,
        "import fcntl\n"
        "other = os.open('.out.onnx.part', os.O_CREAT | os.O_RDWR)\n"
        "fcntl.flock(other, fcntl.LOCK_EX)\n"
        "try: edgeinfer.quantize('model.onnx', 'out.onnx', mode='weights8')\n"
        "except edgeinfer.BusyError as error: print(error)\n",
    )
    assert "another process writes this file" in done.stdout, done.stderr
    assert (folder / "out.onnx").read_bytes() == b"old"


@pytest.mark.parametrize("step", ["calibrate", "judge", "save"])
def test_an_interrupt_leaves_the_old_file(step: str, folder: Path) -> None:
    done = run(
        folder,
        "def told(step, done, total):\n"
        f"    if step == {step!r}: signal.raise_signal(signal.SIGINT)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try: edgeinfer.quantize('model.onnx', 'out.onnx', samples=samples, progress=told)\n"
        "except KeyboardInterrupt: print('interrupted')\n",
    )
    assert done.stdout == "interrupted\n", done.stderr
    assert unchanged(folder)


# A calibration instead of samples


def test_ranges_of_the_file_serve_where_folding_named_a_tensor_anew(tmp_path: Path) -> None:
    net = FloatNetwork()
    mean = net.node("ReduceMean", [net.conv("x", 6, 4)], axes=[2, 3], keepdims=0)
    last = net.node("Gemm", [mean, net.constant(net.rng.normal(0, 1, (6, 5)))])
    model = net.model(last).SerializeToString()
    given = [net.sample(i) for i in range(4)]
    ranges = edgeinfer.calibrate(model, given, method="minmax")
    by_ranges, by_samples = (
        edgeinfer.quantize(model, tmp_path / "o.onnx", method="minmax", **one)
        for one in ({"ranges": ranges, "samples": given}, {"samples": given})
    )
    assert by_ranges.count("int8") == by_samples.count("int8") == 4
    assert by_ranges.outputs[0].sqnr_db == pytest.approx(by_samples.outputs[0].sqnr_db, abs=1)


def test_ranges_that_lack_a_tensor_are_refused_with_its_name(
    small: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    net, model = small
    given = [net.sample(i) for i in range(4)]
    ranges = edgeinfer.calibrate(model, given, tensors=["t1"])
    with pytest.raises(InputError, match=r"found none of 'x', .*without naming tensors"):
        edgeinfer.quantize(model, tmp_path / "o.onnx", ranges=ranges)
    for mode in ("dynamic", "weights8", "weights4"):
        with pytest.raises(InputError, match=f"ranges: found some, which mode '{mode}'"):
            edgeinfer.quantize(model, tmp_path / "o.onnx", ranges=ranges, mode=mode)
    assert list(tmp_path.iterdir()) == []


def test_the_command_tells_of_a_damaged_model_in_one_line(folder: Path) -> None:
    whole = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(whole[: len(whole) // 2])
    for mode in ("static", "weights4"):
        done = command(folder, "model.onnx", "0.npy", "--mode", mode, "--out", "out.onnx", "--json")
        assert done.returncode in (1, 2)
        assert (done.stdout, done.stderr.count("\n")) == ("", 1) or "usage" in done.stderr
        assert "Traceback" not in done.stderr
    assert (folder / "out.onnx").read_bytes() == b"old"


def test_the_document_of_weights_only_is_valid_json(folder: Path) -> None:
    done = command(folder, "model.onnx", "--mode", "weights8", "--out", "out.onnx", "--json")
    facts = json.loads(done.stdout)
    assert (facts["mode"], facts["target"], facts["activations"]) == ("weights8", "any", "float32")
