"""Providers, free dimensions, profiles, entries: each does what it says or is refused."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

import edgeinfer as ei
from session.networks import convolution, doubler, model_bytes, reference, tensor, with_resize

X6 = np.ones((2, 3), np.float32)
AVAILABLE = onnxruntime.get_available_providers()


def load(model: bytes | Path = b"", **fields: object) -> ei.Session:
    options = ei.SessionOptions(**fields)  # type: ignore[arg-type]
    return ei.Session(model or doubler(), threads=1, options=options)


@pytest.mark.parametrize(
    "providers", [("CPU",), ["cpu"], ("CPUExecutionProvider",), (("CPU", {}),), (("Cpu", ()),)]
)
def test_the_cpu_goes_by_any_of_its_names(providers: tuple[str, ...]) -> None:
    session = load(providers=providers)
    assert session.describe()["providers"] == ["CPU"]
    assert session.run(X6)["y"].sum() == 12


@pytest.mark.parametrize("name", ["XNNPACK", "CUDA", "Nonsense", "xnnpackExecutionProvider", "ä"])
def test_a_provider_that_is_not_there_is_refused_by_name(name: str) -> None:
    if any(name.lower().removesuffix("executionprovider") in a.lower() for a in AVAILABLE):
        pytest.skip(f"this runtime has {name}")
    for providers in ((name, "CPU"), (name,), ((name, {"key": "value"}), "CPU")):
        with pytest.raises(ei.InputError, match=r"providers: found .*wanted providers that the "):
            load(providers=providers)
    with pytest.raises(ei.InputError) as caught:
        load(providers=(name, "CPU"))
    text = str(caught.value)
    assert repr(name) in text
    assert all(a.removesuffix("ExecutionProvider") in text for a in AVAILABLE)
    assert "EDGEINFER_ONNXRUNTIME" in text


@pytest.mark.skipif("AzureExecutionProvider" not in AVAILABLE, reason="needs a second provider")
def test_what_only_the_cpu_can_run_is_refused_where_the_cpu_is_left_out() -> None:
    session = load(providers=("azure", "CPU"))
    assert session.describe()["providers"] == ["Azure", "CPU"]
    assert session.describe()["providers_present"] == [
        a.removesuffix("ExecutionProvider") for a in AVAILABLE
    ]
    # Told by what the runtime took, not by what was asked for.
    assert session._network is not None
    assert session._network.appended_providers == ["AZURE"]
    assert load()._network.appended_providers == []  # type: ignore[union-attr]
    assert session.run(X6)["y"].sum() == 12
    with pytest.raises(ei.ModelError, match=r"fallback.*leaves the CPU out.*add 'CPU' at its end"):
        load(providers=("Azure",))


def free_model() -> bytes:
    """x (batch, 3, side, side) -> Conv -> y, and one open axis without a name."""
    proto = onnx.load_from_string(convolution(8))
    for value, axes in (
        (proto.graph.input[0], ("batch", 3, "side", "side")),
        (proto.graph.output[0], ("batch", 4, "side", None)),
    ):
        del value.type.tensor_type.shape.dim[:]
        for axis in axes:
            dim = value.type.tensor_type.shape.dim.add()
            if isinstance(axis, int):
                dim.dim_value = axis
            elif axis is not None:
                dim.dim_param = axis
    return proto.SerializeToString()


def test_free_dimensions_are_fixed_and_the_file_stays_as_it_says() -> None:
    model = free_model()
    session = load(model, free_dimensions={"batch": 2, "side": np.int64(8)})
    assert [s.shape for s in session.inputs] == [("batch", 3, "side", "side")]
    assert [s.shape for s in session.outputs] == [("batch", 4, "side", "?")]
    told = session.describe()["free_dimensions"]
    assert told["fixed"] == {"batch": 2, "side": 8}
    assert told["inputs"] == {"x": [2, 3, 8, 8]}
    assert told["outputs"] == {"y": [2, 4, 8, 8]}
    json.dumps(session.describe())
    x = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)
    wanted = reference(model).run(None, {"x": x})[0]
    np.testing.assert_allclose(session.run(x)["y"], wanted, rtol=1e-5, atol=1e-5)
    binding = session.bind()  # nothing is symbolic any more
    binding.inputs["x"][...] = x
    binding.run()
    np.testing.assert_array_equal(binding.outputs["y"], session.run(x)["y"])
    with pytest.raises(ei.InputError, match=r"found float32 \(1, 3, 8, 8\), wanted .*\(2, 3, 8, 8"):
        session.run(x[:1])
    partly = load(model, free_dimensions=(("batch", 1),))
    assert partly.describe()["free_dimensions"]["inputs"] == {"x": [1, 3, "side", "side"]}
    assert partly.run(x[:1])["y"].shape == (1, 4, 8, 8)


def test_a_free_dimension_that_the_file_does_not_name_is_refused() -> None:
    with pytest.raises(ei.InputError, match=r"found 'n', wanted names .*inputs: 'batch', 'side'"):
        load(free_model(), free_dimensions={"batch": 1, "n": 1})
    with pytest.raises(ei.InputError, match=r"found 'n', wanted none, since no axis"):
        load(doubler(), free_dimensions={"n": 1})


def test_free_dimensions_of_a_converted_file_are_refused(tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "model.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(doubler(("n", 3)), options, providers=["CPUExecutionProvider"])
    assert load(tmp_path / "model.ort").run(X6)["y"].sum() == 12
    with pytest.raises(ei.InputError, match="free_dimensions: found a file in ONNX Runtime's own"):
        load(tmp_path / "model.ort", free_dimensions={"n": 2})


def events(path: str) -> list[dict[str, object]]:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def test_a_profile_tells_of_every_node_and_its_provider(tmp_path: Path) -> None:
    session = load(convolution(), profile=tmp_path / "plain")
    for _ in range(3):
        session.run(np.ones((1, 3, 32, 32), np.float32))
    (path,) = session.end_profiling()
    assert Path(path).parent == tmp_path
    assert Path(path).name.startswith("plain")
    nodes = [e for e in events(path) if e["cat"] == "Node" and "kernel_time" in str(e["name"])]
    ops = Counter(e["args"]["op_name"] for e in nodes)  # type: ignore[index]
    assert any("Conv" in op for op in ops)
    assert {count % 3 for count in ops.values()} == {0}
    assert {e["args"]["provider"] for e in nodes} == {"CPUExecutionProvider"}  # type: ignore[index]
    assert all(e["dur"] >= 0 for e in nodes)  # type: ignore[operator]
    assert session.run(np.ones((1, 3, 32, 32), np.float32))["y"].shape == (1, 4, 32, 32)
    with pytest.raises(ei.InputError, match="found the profile ended before"):
        session.end_profiling()


def test_a_cut_file_leaves_two_profiles(tmp_path: Path) -> None:
    session = load(with_resize(convolution(8)), profile=str(tmp_path / "p"))
    assert session.describe()["tail"]["cut"]
    session.run(np.ones((1, 3, 8, 8), np.float32))
    paths = session.end_profiling()
    ops = [
        {e["args"]["op_name"] for e in events(p) if e["cat"] == "Node"}  # type: ignore[index]
        for p in paths
    ]
    assert len(ops) == 2
    assert "Resize" not in ops[0]
    assert ops[1] == {"Resize"}
    assert sorted(map(str, tmp_path.iterdir())) == sorted(paths)


def test_without_a_profile_there_is_none_to_end() -> None:
    with pytest.raises(ei.InputError, match=r"no profile being written.*profile="):
        load().end_profiling()


def test_entries_reach_the_runtime() -> None:
    # One whose effect can be seen: the file is read as what it is not.
    with pytest.raises(ei.ModelError, match="load the model"):
        load(config={"session.load_model_format": "ORT"})
    session = load(config={"session.load_model_format": "ONNX", "not.known": ""})
    assert session.describe()["config"] == {"session.load_model_format": "ONNX", "not.known": ""}
    assert session.run(X6)["y"].sum() == 12
    with pytest.raises(ei.RunError, match="set a session option: ONNX Runtime"):
        load(config={"k" * 5000: "1"})


def test_options_are_compared_and_hashed_by_what_they_say() -> None:
    one = ei.SessionOptions(free_dimensions={"n": 1}, config={"a": "b"}, providers=["CPU"])  # type: ignore[arg-type]
    same = ei.SessionOptions(free_dimensions=(("n", 1),), config=(("a", "b"),))
    assert one == same
    assert hash(one) == hash(same)
    assert one.free_dimensions == (("n", 1),)
    with pytest.raises(AttributeError):
        one.spin = "on"  # type: ignore[misc]


def test_dimensions_given_with_an_integer_input_reach_integer_inputs() -> None:
    node = helper.make_node("Shape", ["x"], ["y"])
    model = model_bytes(
        [node],
        [tensor("x", ("n", "m"), TensorProto.INT32)],
        [tensor("y", (2,), TensorProto.INT64)],
    )
    session = load(model, free_dimensions={"m": 5})
    assert session.run(np.zeros((3, 5), np.int32))["y"].tolist() == [3, 5]


MEASURE = """
import sys
import numpy as np
import edgeinfer as ei

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 >> 20

arena, memory_pattern, flush_denormals = (value == "1" for value in sys.argv[2])
options = ei.SessionOptions(
    arena=arena, memory_pattern=memory_pattern, flush_denormals=flush_denormals, graph="off"
)
session = ei.Session(bytes.fromhex(sys.argv[1]), threads=1, options=options)
before = resident_mb()
tiny = session.run(np.full(1, 1.2e-38, np.float32))["y"]
once = resident_mb() - before
session.run(np.ones(1, np.float32))
print(float(tiny), once, resident_mb() - before)
"""


def measure(
    model: bytes, *, arena: bool, memory_pattern: bool, flush_denormals: bool
) -> list[float]:
    """Half of 1.2e-38, and MiB kept after one run and after two, of a process of its own."""
    flags = "".join(str(int(flag)) for flag in (arena, memory_pattern, flush_denormals))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, model.hex(), flags],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [float(word) for word in done.stdout.split()]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the size from /proc")
def test_arena_pattern_and_denormals_reach_the_runtime() -> None:
    # Two intermediate tensors of 64 MiB each, between an input and an output of one number.
    nodes = [
        helper.make_node("Mul", ["x", "half"], ["small"]),
        helper.make_node("Expand", ["small", "size"], ["large"]),
        helper.make_node("Abs", ["large"], ["other"]),
        helper.make_node("ReduceMax", ["other"], ["y"], keepdims=0),
    ]
    held = {"half": np.array(0.5, np.float32), "size": np.array([1 << 24], np.int64)}
    model = model_bytes(nodes, [tensor("x", (1,))], [tensor("y", ())], held)
    told = measure(model, arena=True, memory_pattern=True, flush_denormals=True)
    assert told[0] == 0
    assert told[1] > 100
    assert told[2] > 200  # the planned block beside what the first run left in the arena
    told = measure(model, arena=True, memory_pattern=False, flush_denormals=False)
    assert told[0] == pytest.approx(6e-39, rel=1e-6)
    assert 100 < told[1] < 180
    assert told[2] < 180
    told = measure(model, arena=False, memory_pattern=True, flush_denormals=False)
    assert max(told[1:]) < 50  # given back
