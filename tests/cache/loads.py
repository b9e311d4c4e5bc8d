"""New processes that load a model and tell what the cache did."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHANNELS = 1024
LOAD = """
import hashlib, json, os, sys
import numpy as np
import edgeinfer as ei
model = open(sys.argv[1], 'rb').read() if 'AS_BYTES' in os.environ else sys.argv[1]
session = ei.Session(model, threads=1)
frame = np.linspace(-1, 1, 3 * 32 * 32, dtype=np.float32).reshape(1, 3, 32, 32)
answer = session.run(frame)["y"]
told = session.describe()["cache"]
print(json.dumps({**told, "answer": hashlib.sha256(answer.tobytes()).hexdigest()}))
"""


def started(model: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", LOAD, str(model)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def told_by(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    found: dict[str, Any] = json.loads(out)
    return found


def load(model: Path, **environment: str) -> dict[str, Any]:
    """What a new process tells that loads the model and runs it."""
    return told_by(started(model, **environment))


def mounted(folder: Path, options: str) -> None:
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True
    )
    if done.returncode != 0:
        pytest.skip("this user may not mount a small disk")
