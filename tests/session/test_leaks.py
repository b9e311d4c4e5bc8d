"""A thousand runs that were stopped leave nothing behind: no memory, thread, file or array."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from session.networks import endless

PROGRAM = """
import ctypes, gc, json, os, queue, sys, threading, time, weakref
import numpy as np
import edgeinfer as ei

class Frame(np.ndarray):
    pass

with open(sys.argv[1], "rb") as file:
    model = file.read()
session = ei.Session(model, threads=1, options=ei.SessionOptions(async_threads=2))
binding = session.bind()
shapes = {s.name: [n if isinstance(n, int) else 1 for n in s.shape] for s in session.inputs}
dtypes = {s.name: s.dtype for s in session.inputs}
alive = []

def frames():
    made = {name: np.ones(shape, dtypes[name]).view(Frame) for name, shape in shapes.items()}
    alive.extend(weakref.ref(array) for array in made.values())
    return made

# One thread cancels, a little after each run was begun.
begun = queue.SimpleQueue()
def canceller():
    while (token := begun.get()) is not None:
        time.sleep(3e-4)
        token.cancel()
helper = threading.Thread(target=canceller)
helper.start()

def token():
    made = ei.Cancellation()
    begun.put(made)
    return made

def begun_async():
    future = session.run_async(frames())
    while not future.running():
        time.sleep(1e-5)
    future.cancel()
    return future.result(60)

def stopped(run, reason):
    try:
        run()
    except ei.RunError as error:
        if error.reason == reason:
            return
        raise
    raise SystemExit("an endless run ended")

ways = {
    "run, timed out": (lambda: session.run(frames(), timeout_s=5e-4), "timeout"),
    "run, cancelled": (lambda: session.run(frames(), cancel=token()), "cancelled"),
    "binding, timed out": (lambda: binding.run(timeout_s=5e-4), "timeout"),
    "binding, cancelled": (lambda: binding.run(cancel=token()), "cancelled"),
    "run_async, timed out": (
        lambda: session.run_async(frames(), timeout_s=5e-4).result(60), "timeout"),
    "run_async, cancelled": (begun_async, "cancelled"),
}

def held():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what the C library merely keeps is no leak
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return {
        "rss_mb": pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        "threads": len(os.listdir("/proc/self/task")),
        "files": len(os.listdir("/proc/self/fd")),
        "objects": len(gc.get_objects()),
    }

RUNS = 1000
for run, reason in ways.values():  # all threads are started, all pools filled
    for _ in range(100):
        stopped(run, reason)
found = {}
for name, (run, reason) in ways.items():
    stats = session.stats(reset=True)
    alive.clear()
    before = held()
    for _ in range(RUNS):
        stopped(run, reason)
    arrays = sum(ref() is not None for ref in alive)
    alive.clear()
    after = held()
    stats = session.stats()
    counted = {"timeout": stats.timeouts, "cancelled": stats.cancelled}[reason]
    found[name] = {key: after[key] - before[key] for key in before}
    found[name] |= {"arrays": arrays, "counted": counted, "runs": stats.runs}
begun.put(None)
helper.join()
session.close()
print(json.dumps(found))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("which", ["made here", "18_loop_forever.onnx"])
def test_a_thousand_stopped_runs_leave_nothing(
    which: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if which == "made here":
        path = tmp_path / "endless.onnx"
        path.write_bytes(endless())
    else:
        path = request.getfixturevalue("shared_data") / "malformed" / "onnx" / which
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(path)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert len(found) == 6
    print(f"\n{which}: what 1000 stopped runs left behind")
    for name, left in found.items():
        print(
            f"  {name:22} {left['rss_mb']:+6.2f} MB, {left['threads']:+d} threads, "
            f"{left['files']:+d} files, {left['arrays']} arrays, {left['objects']:+d} objects; "
            f"{left['counted']} counted"
        )
    for name, left in found.items():
        assert (left["counted"], left["runs"]) == (1000, 1000), name
        assert (left["threads"], left["files"], left["arrays"]) == (0, 0, 0), name
        assert left["rss_mb"] < 2, name
        assert left["objects"] < 100, name
