"""A binding that has run before allocates nothing in our code: check_steady_state counts."""

import re
import subprocess
from pathlib import Path

import pytest

import edgeinfer as ei
from session.networks import convolution, with_resize


@pytest.mark.parametrize("tail", ["whole graph", "cut tail"])
def test_a_steady_binding_allocates_nothing(project: Path, tmp_path: Path, tail: str) -> None:
    program = project / "build" / "checks" / "cpp" / "check_steady_state"
    if not program.is_file():
        pytest.skip("check_steady_state is not built; ./dev checks builds it")
    model = tmp_path / "network.onnx"
    model.write_bytes(with_resize(convolution()) if tail == "cut tail" else convolution())
    done = subprocess.run(
        [str(program), ei.open_runtime().path, str(model)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    counted = re.findall(rf"^{tail}, limit (\d+) s: (\d+) allocations", done.stdout, re.M)
    assert counted == [("0", "0"), ("60", "0")]
