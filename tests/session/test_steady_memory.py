"""A session that runs for weeks must not grow."""

import json
import subprocess
import sys

import pytest

from session.networks import convolution, with_resize

PROGRAM = """
import ctypes, gc, json, sys
import numpy as np
import edgeinfer as ei

def resident_mb():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what the C library merely keeps is not growth
    fields = open("/proc/self/statm").read().split()
    return int(fields[1]) * 4096 / 2**20

session = ei.Session(bytes.fromhex(sys.argv[1]), threads=1)
frame = np.ones((1, 3, 16, 16), np.float32)
binding = session.bind()
ways = {
    "run": lambda: session.run(frame),
    "run limited": lambda: session.run(frame, timeout_s=60),
    "run refused": lambda: refused(),
    "binding": lambda: binding.run(),
    "binding limited": lambda: binding.run(timeout_s=60),
    "segment": lambda: session.segment(frame),
    "segment limited": lambda: session.segment(frame, timeout_s=60),
    "binding segment": lambda: binding.segment(size=(40, 50)),
}
def refused():
    try:
        session.run(frame.astype(np.float64))
    except ei.InputError:
        return
    raise SystemExit("not refused")

grown = {}
for name, way in ways.items():
    for _ in range(1_000):
        way()
    early = resident_mb()
    for _ in range(9_000):
        way()
    grown[name] = resident_mb() - early
print(json.dumps(grown))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_at_run_10_000_is_that_of_run_1_000() -> None:
    model = with_resize(convolution(size=16), factor=2).hex()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, model], capture_output=True, text=True, check=True
    )
    grown = json.loads(done.stdout)
    assert len(grown) == 8
    assert {name: mb for name, mb in grown.items() if abs(mb) > 2} == {}
