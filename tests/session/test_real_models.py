"""Session.run gives, bit for bit, what onnxruntime's own Python session gives on the same file."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

import edgeinfer as ei
from session.networks import MODELS, convolution, reference, with_resize

ORT_NAMES = {"tensor(float)": "float32", "tensor(double)": "float64"}


def axis(value: object) -> object:
    return "?" if value is None else value


def described(args: list[onnxruntime.NodeArg]) -> list[tuple[str, str, tuple[object, ...]]]:
    return [
        (a.name, ORT_NAMES.get(a.type, a.type[7:-1]), tuple(axis(n) for n in a.shape)) for a in args
    ]


def frame_for(spec: ei.TensorSpec) -> NDArray[np.float32]:
    shape = [1 if isinstance(n, str) else n for n in spec.shape]
    return np.random.default_rng(7).uniform(-1, 1, shape).astype(np.float32)


def assert_same(ours: dict[str, NDArray], theirs: list[NDArray]) -> None:
    for (name, found), wanted in zip(ours.items(), theirs, strict=True):
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape), name
        assert found.tobytes() == wanted.tobytes(), name


@pytest.mark.parametrize("name", MODELS)
def test_a_real_model_gives_what_onnxruntime_gives(shared_data: Path, name: str) -> None:
    path = shared_data / "models" / f"{name}.onnx"
    oracle = reference(str(path))
    options = [ei.SessionOptions(fuse_tail=fuse) for fuse in (True, False)]
    first = ei.Session(path, threads=1, options=options[0])
    frame = frame_for(first.inputs[0])
    wanted = oracle.run(None, {first.inputs[0].name: frame})
    for model in (path, path.read_bytes()):
        for chosen in options:
            with ei.Session(model, threads=1, options=chosen) as session:
                assert [(s.name, s.dtype, s.shape) for s in session.inputs] == described(
                    oracle.get_inputs()
                )
                assert [(s.name, s.dtype, s.shape) for s in session.optional_inputs] == described(
                    oracle.get_overridable_initializers()
                )
                assert [(s.name, s.dtype, s.shape) for s in session.outputs] == described(
                    oracle.get_outputs()
                )
                assert_same(session.run(frame), wanted)
                binding = session.bind()
                binding.inputs[session.inputs[0].name][...] = frame
                binding.run()
                assert_same(binding.outputs, wanted)


def test_only_the_segmentation_models_lose_a_tail(shared_data: Path) -> None:
    cut = {
        name: ei.Session(shared_data / "models" / f"{name}.onnx", threads=1).describe()["tail"][
            "cut"
        ]
        for name in MODELS
    }
    assert {name for name, was in cut.items() if was} == set(MODELS[:2])


def test_the_shared_pool_gives_the_same_answer(shared_data: Path) -> None:
    path = shared_data / "models" / "vww_mobilenet_v1_0.25_96.onnx"
    alone, shared = ei.Session(path, threads=1), ei.Session(path)
    frame = frame_for(alone.inputs[0])
    for (_, a), (_, b) in zip(alone.run(frame).items(), shared.run(frame).items(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_file_in_the_runtimes_own_format_runs(tmp_path: Path) -> None:
    path = tmp_path / "network.ort"
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(path)
    options.add_session_config_entry("session.save_model_format", "ORT")
    # Optimisations that depend on this machine are not kept in the file.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    model = convolution()
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    frame = np.random.default_rng(1).normal(size=(1, 3, 32, 32)).astype(np.float32)
    wanted = reference(path.read_bytes()).run(None, {"x": frame})
    for source in (path, path.read_bytes()):
        session = ei.Session(source, threads=1)
        assert session.inputs == (ei.TensorSpec("x", "float32", (1, 3, 32, 32)),)
        assert_same(session.run(frame), wanted)
        assert "own format" in session.describe()["tail"]["why"]


def with_weights_beside(folder: Path) -> Path:
    path = folder / "network.onnx"
    model = onnx.load_from_string(convolution(channels=64))
    onnx.save_model(
        model, str(path), save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    assert (folder / "weights.bin").stat().st_size > 0
    return path


def test_weights_beside_the_file_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = with_weights_beside(tmp_path)
    frame = np.random.default_rng(1).normal(size=(1, 3, 32, 32)).astype(np.float32)
    wanted = reference(str(path)).run(None, {"x": frame})
    assert_same(ei.Session(path, threads=1).run(frame), wanted)
    monkeypatch.chdir(tmp_path)
    assert_same(ei.Session(path.name, threads=1).run(frame), wanted)


def test_weights_beside_the_file_survive_the_cut_of_a_tail(tmp_path: Path) -> None:
    model = onnx.load_from_string(with_resize(convolution(size=16)))
    path = tmp_path / "network.onnx"
    onnx.save_model(
        model, str(path), save_as_external_data=True, location="weights.bin", size_threshold=200
    )
    frame = np.random.default_rng(1).normal(size=(1, 3, 16, 16)).astype(np.float32)
    session = ei.Session(path, threads=1, options=ei.SessionOptions(graph="extended"))
    assert session.describe()["tail"]["cut"]
    assert_same(session.run(frame), reference(str(path), level="extended").run(None, {"x": frame}))


def test_bytes_of_a_model_whose_weights_lie_elsewhere_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = with_weights_beside(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ei.ModelError):
        ei.Session(path.read_bytes(), threads=1)


def test_a_file_name_that_is_not_utf8_opens(tmp_path: Path) -> None:
    path = Path(str(tmp_path / "netz") + "\udcff.onnx")
    path.write_bytes(convolution())
    assert ei.Session(path, threads=1).inputs[0].name == "x"


@pytest.mark.parametrize("model", ["a\0b.onnx", 7, None, ["x"]])
def test_what_is_no_model_is_an_input_error(model: object) -> None:
    with pytest.raises(ei.InputError, match="model: found"):
        ei.Session(model)  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", 10**6, 10**30])
def test_a_senseless_number_of_threads_is_an_input_error(threads: object) -> None:
    with pytest.raises(ei.InputError, match="threads: found"):
        ei.Session(convolution(), threads=threads)  # type: ignore[arg-type]
