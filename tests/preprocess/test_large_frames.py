"""Frames beyond 1920 x 1080 may be made by several threads: the same bits as by one."""

import json
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from edgeinfer.errors import InputError
from edgeinfer.frame import Frame, PixelFormat
from edgeinfer.preprocess import Fit, Preprocess, Resize

WIDTH, HEIGHT = 4056, 3040
RGB = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
FLAT = RGB.reshape(-1)


def frame_of(format: PixelFormat) -> Frame:
    rows = {"NV12": HEIGHT * 3 // 2, "I420": HEIGHT * 3 // 2}.get(format.name, HEIGHT)
    width = {"RGB": 3 * WIDTH, "BGR": 3 * WIDTH, "YUYV": 2 * WIDTH}.get(format.name, WIDTH)
    data = FLAT[: rows * width].reshape(rows, -1)
    if format.name in ("RGB", "BGR", "YUYV"):
        data = data.reshape(rows, WIDTH, -1)
    return Frame(data, format, width=WIDTH, height=HEIGHT)


@pytest.mark.parametrize("method", Resize)
@pytest.mark.parametrize(
    "format", [PixelFormat[n] for n in ("RGB", "GRAY", "NV12", "I420", "YUYV")]
)
def test_bands_are_bit_equal_to_the_whole(method: Resize, format: PixelFormat) -> None:
    frame = frame_of(format)
    for size in [(513, 224), (HEIGHT, 64)]:  # an odd number of rows; rows that keep their number
        wanted = Preprocess(size, resize=method, threads=1)(frame).tensor
        for threads in (None, 2, 3, 64):
            found = Preprocess(size, resize=method, threads=threads)(frame).tensor
            assert found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("fit", Fit)
@pytest.mark.parametrize("size", [(1, 300), (2, 31), (3, 500), (300, 1), (640, 640)])
def test_few_rows_pads_and_crops(fit: Fit, size: tuple[int, int]) -> None:
    values = {"fit": fit, "dtype": "uint8", "scale": 1, "layout": "NHWC"}
    wanted = Preprocess(size, threads=1, **values)(RGB)
    found = Preprocess(size, **values)(RGB)
    assert found.placement == wanted.placement
    assert found.tensor.tobytes() == wanted.tensor.tobytes()


def test_frames_of_changing_size_on_one_plan() -> None:
    shared, alone = Preprocess((224, 224)), Preprocess((224, 224), threads=1)
    for frame in [RGB, RGB[:100, :100], RGB[:, :3000], RGB[:2000], RGB[::2], RGB]:
        np.testing.assert_array_equal(shared(frame).tensor, alone(frame).tensor)


def test_many_callers_at_once_each_get_their_frame() -> None:
    frames = [RGB, RGB[::2], RGB[:, :3500], RGB[:100, :100]]
    plan = Preprocess((96, 96))
    alone = Preprocess((96, 96), threads=1)
    wanted = [alone(frame).tensor.tobytes() for frame in frames]
    begin = threading.Barrier(6)

    def work(thread: int) -> bool:
        begin.wait()
        picks = [(thread + step) % len(frames) for step in range(8)]
        return all(plan(frames[k]).tensor.tobytes() == wanted[k] for k in picks)

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(6)))


CHILDREN = """
import json, os, sys, time
import numpy as np
from edgeinfer._core import usable_cores
from edgeinfer.preprocess import Preprocess

def shared(plan):
    # Whether other threads did a part of the work worth the name.
    plan(frame)
    process, thread = time.process_time_ns(), time.thread_time_ns()
    for _ in range(10):
        plan(frame)
    thread = time.thread_time_ns() - thread
    return time.process_time_ns() - process - thread > thread // 8

frame = np.random.default_rng(1).integers(0, 256, (2000, 2000, 3), dtype=np.uint8)
plan = Preprocess((64, 64))
wanted = Preprocess((64, 64), threads=1)(frame).tensor.tobytes()
told = {"here": plan(frame).tensor.tobytes() == wanted}
told["shared"] = shared(plan) == (usable_cores() > 1)
told["shared by one"] = shared(Preprocess((64, 64), threads=1))
child = os.fork()
if child == 0:
    os._exit(0 if all(plan(frame).tensor.tobytes() == wanted for _ in range(5)) else 1)
told["child"] = os.waitpid(child, 0)[1] == 0
told["threads left"] = len(os.listdir("/proc/self/task"))
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
told["on one core"] = plan(frame).tensor.tobytes() == wanted
print(json.dumps(told))
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="lists threads in /proc")
def test_cores_share_a_frame_a_forked_child_computes_on_and_no_thread_stays() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILDREN],
        capture_output=True,
        text=True,
        timeout=120,
        env={"OPENBLAS_NUM_THREADS": "1", "PATH": ""},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "here": True,
        "shared": True,
        "shared by one": False,
        "child": True,
        "threads left": 1,
        "on one core": True,
    }


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2", [1]])
def test_a_number_of_threads_that_is_none(threads: object) -> None:
    with pytest.raises(InputError, match="threads: found"):
        Preprocess((8, 8), threads=threads)  # type: ignore[arg-type]


def test_threads_are_pickled_but_are_no_part_of_the_recipe() -> None:
    plan = Preprocess((8, 8), threads=1)
    assert "threads" not in plan.to_recipe()
    again = pickle.loads(pickle.dumps(plan))  # noqa: S301 - our own bytes
    assert again.to_recipe() == plan.to_recipe()
    assert again.__reduce__()[0].keywords == {"threads": 1}
