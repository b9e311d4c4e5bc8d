"""Arrays are read and written where they lie."""

import gc
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

import edgeinfer as ei
from session.networks import doubler, one_node


@pytest.fixture(scope="module")
def session() -> ei.Session:
    return ei.Session(doubler(("n", 3)), threads=1)


def address_given(session: ei.Session, array: object) -> int:
    """Where run() would have the runtime read this object."""
    return session._open().input_address("x", array)


def frame(rows: int = 2) -> NDArray[np.float32]:
    return np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)


def test_a_numpy_array_is_read_where_it_lies(session: ei.Session) -> None:
    array = frame()
    assert address_given(session, array) == array.ctypes.data
    assert address_given(session, array[1:]) == array.ctypes.data + 12
    array.setflags(write=False)
    assert address_given(session, array) == array.ctypes.data


def test_a_buffer_is_read_where_it_lies(session: ei.Session) -> None:
    array = frame()
    assert address_given(session, memoryview(array)) == array.ctypes.data
    pixels = ei.Session(one_node("Identity", TensorProto.UINT8, (3,)), threads=1)
    block = bytearray(b"\1\2\3")
    base = np.frombuffer(block, np.uint8).ctypes.data
    assert pixels._open().input_address("x", block) == base
    assert pixels.run(b"\1\2\3")["y"].tolist() == [1, 2, 3]


def test_a_torch_tensor_is_read_where_it_lies(session: ei.Session) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    tensor = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    assert address_given(session, tensor) == tensor.data_ptr()
    np.testing.assert_array_equal(session.run(tensor)["y"], 2 * tensor.numpy())
    out = torch.empty(2, 3)
    session.run(tensor, out={"y": out})
    assert torch.equal(out, 2 * tensor)
    assert session.run(torch.empty(0, 3))["y"].shape == (0, 3)
    with pytest.raises(ei.InputError, match=r"input 'x': .*wanted"):
        session.run(torch.ones(2, 3, requires_grad=True))
    with pytest.raises(ei.InputError, match=r"input 'x': .*wanted"):
        session.run(torch.ones(2, 3, dtype=torch.bfloat16))


@pytest.mark.parametrize("how", ["strided", "fortran", "reversed", "misaligned", "broadcast"])
def test_only_what_the_runtime_cannot_read_is_copied(session: ei.Session, how: str) -> None:
    array = {
        "strided": frame(4)[::2],
        "fortran": np.asfortranarray(frame()),
        "reversed": frame()[::-1],
        "misaligned": np.frombuffer(b"\0" + frame().tobytes(), np.uint8)[1:]
        .view(np.float32)
        .reshape(2, 3),
        "broadcast": np.broadcast_to(np.float32(3), (2, 3)),
    }[how]
    assert address_given(session, array) != array.ctypes.data
    np.testing.assert_array_equal(session.run(array)["y"], array + array)


def test_a_result_owns_the_runtimes_memory(session: ei.Session) -> None:
    result = session.run(frame())["y"]
    assert type(result.base).__name__ == "PyCapsule"
    assert result.flags.writeable
    assert result.flags.aligned


def test_out_is_written_where_it_lies_and_returned(session: ei.Session) -> None:
    out = np.empty((2, 3), np.float32)
    assert session.run(frame(), out={"y": out})["y"] is out
    np.testing.assert_array_equal(out, 2 * frame())


def test_bound_views_lie_still_and_are_what_the_runtime_reads_and_writes() -> None:
    session = ei.Session(doubler(), threads=1)
    binding = session.bind()
    places = [binding.inputs["x"].ctypes.data, binding.outputs["y"].ctypes.data]
    for step in range(5):
        binding.inputs["x"][...] = frame() + step
        binding.run()
        np.testing.assert_array_equal(binding.outputs["y"], 2 * (frame() + step))
        gc.collect()
        assert places == [binding.inputs["x"].ctypes.data, binding.outputs["y"].ctypes.data]
        assert all(place % 64 == 0 for place in places)


PEAK = """
import numpy as np, sys
import edgeinfer as ei
def peak_mb():
    lines = open("/proc/self/status")
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
session = ei.Session(bytes.fromhex(sys.argv[1]), threads=1)
session.run(np.zeros((1, 4), np.float32))
frame = np.ones((50, 1024, 1024), np.float32).reshape(-1, 4)
before = peak_mb()
result = session.run(frame)["y"]
assert result[0, 0] == 2 and result[-1, -1] == 2
print(peak_mb() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_large_run_takes_one_block_for_its_result_and_no_more() -> None:
    model = doubler(("n", 4)).hex()
    done = subprocess.run(
        [sys.executable, "-c", PEAK, model], capture_output=True, text=True, check=True
    )
    # 200 MB in, 200 MB out: a copy on either way would add 200.
    assert 195 <= float(done.stdout) <= 215
