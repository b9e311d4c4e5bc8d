"""The kernels for this CPU give what the scalar ones give, from samples to ranges."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import edgeinfer as ei
from edgeinfer import _core

from .driven import RECIPE, pictures, states

STATISTICS = """
import sys
import numpy as np
import edgeinfer as ei
from edgeinfer import _core
sys.path.insert(0, sys.argv[1])
from calibrate.driven import RECIPE, pictures
assert _core.cpu_features() == "none", _core.cpu_features()
ei.calibrate(sys.argv[2], pictures(40), preprocess=RECIPE).save(sys.argv[3])
"""


def test_scalar_kernels_give_the_same_to_the_last_bit(model: Path, tmp_path: Path) -> None:
    if _core.cpu_features() == "none":
        pytest.skip("this CPU has no kernels but the scalar ones")
    file = tmp_path / "scalar.ranges"
    tests = Path(__file__).resolve().parents[1]
    subprocess.run(
        [sys.executable, "-c", STATISTICS, str(tests), str(model), str(file)],
        env={**os.environ, "EDGEINFER_CPU": "none"},
        check=True,
        timeout=120,
    )
    whole = ei.calibrate(model, pictures(40), preprocess=RECIPE)
    assert states(ei.Ranges.load(file)) == states(whole)
