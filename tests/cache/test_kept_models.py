"""A session from a kept model gives what a session from the file gives, to the last bit."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

import edgeinfer as ei
from edgeinfer import cache
from session.networks import MODELS, convolution, with_resize

from .test_notes import wait_until_settled

Model = Path | bytes


def frames(session: ei.Session) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(3)
    shapes = session.describe()["free_dimensions"]["inputs"]
    return {
        spec.name: rng.uniform(
            -1, 1, [n if isinstance(n, int) else 1 for n in shapes[spec.name]]
        ).astype(spec.dtype)
        for spec in session.inputs
    }


def state(session: ei.Session) -> str:
    found: str = session.describe()["cache"]["state"]
    return found


def told(session: ei.Session) -> dict[str, Any]:
    """All that a session says of itself but how it was loaded."""
    return {
        **{key: value for key, value in session.describe().items() if key != "cache"},
        "specs": (session.inputs, session.optional_inputs, session.outputs),
        "integers": session.quantized_inputs,
    }


def assert_same_cold_and_warm(model: Model, options: ei.SessionOptions | None = None) -> None:
    plain = ei.Session(model, threads=1, options=options, cache=False)
    assert state(plain) == "off"
    frame = frames(plain)
    wanted = plain.run(frame)
    for expected in ("miss", "hit", "hit"):
        with ei.Session(model, threads=1, options=options) as session:
            assert state(session) == expected, session.describe()["cache"]
            assert told(session) == told(plain)
            found = session.run(frame)
            assert list(found) == list(wanted)
            for name, array in wanted.items():
                assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
                assert found[name].tobytes() == array.tobytes(), (expected, name)
            if plain.describe()["tail"]["cut"]:
                mask, other = plain.segment(frame), session.segment(frame)
                assert np.array_equal(mask.classes, other.classes)


@pytest.mark.parametrize("name", MODELS)
def test_a_real_model_gives_the_same_cold_and_warm(shared_data: Path, name: str) -> None:
    assert_same_cold_and_warm(shared_data / "models" / f"{name}.onnx")


@pytest.mark.parametrize(
    "options",
    [
        ei.SessionOptions(graph="off"),
        ei.SessionOptions(graph="extended"),
        ei.SessionOptions(fuse_tail=False),
        ei.SessionOptions(cut_head=True),
        ei.SessionOptions(flush_denormals=True),
        ei.SessionOptions(arena=False, memory_pattern=False),
        ei.SessionOptions(config={"session.disable_prepacking": "1"}),
    ],
    ids=str,
)
def test_options_give_the_same_cold_and_warm(model: Path, options: ei.SessionOptions) -> None:
    assert_same_cold_and_warm(model, options)


def test_bytes_give_the_same_cold_and_warm(model: Path) -> None:
    assert_same_cold_and_warm(model.read_bytes())


def test_a_cut_tail_is_kept_in_both_its_parts(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(with_resize(convolution(channels=1024, size=16)))
    assert ei.Session(path, threads=1).describe()["tail"]["cut"]
    cache.clear()
    assert_same_cold_and_warm(path)


def test_free_dimensions_are_fixed_in_the_kept_model_too(tmp_path: Path) -> None:
    model = onnx.load_from_string(convolution(channels=1024))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    assert_same_cold_and_warm(path)
    assert_same_cold_and_warm(path, ei.SessionOptions(free_dimensions={"batch": 2}))
    fixed = ei.Session(path, threads=1, options=ei.SessionOptions(free_dimensions={"batch": 2}))
    assert state(fixed) == "hit"
    assert fixed.describe()["free_dimensions"]["inputs"]["x"][0] == 2
    assert fixed.inputs[0].shape[0] == "batch"


def test_an_optional_input_stays_optional(tmp_path: Path) -> None:
    model = onnx.load_from_string(convolution(channels=1024))
    weight = model.graph.initializer[0]
    model.graph.input.append(
        onnx.helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims)
    )
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    assert_same_cold_and_warm(path)
    plain, warm = ei.Session(path, threads=1, cache=False), ei.Session(path, threads=1)
    assert state(warm) == "hit"
    (spec,) = warm.optional_inputs
    given = {**frames(plain), spec.name: np.ones(list(weight.dims), np.float32)}
    for name, array in plain.run(given).items():
        assert warm.run(given)[name].tobytes() == array.tobytes()


def test_warnings_come_again_from_a_kept_model(tmp_path: Path) -> None:
    model = onnx.load_from_string(convolution(channels=1024))
    weight = onnx.numpy_helper.to_array(model.graph.initializer[0]).copy()
    weight.flat[0] = np.nan
    model.graph.initializer[0].CopyFrom(
        onnx.numpy_helper.from_array(weight, model.graph.initializer[0].name)
    )
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    for expected in ("miss", "hit"):
        with pytest.warns(ei.ModelWarning):
            session = ei.Session(path, threads=1)
        assert state(session) == expected


def with_data_beside(folder: Path) -> Path:
    path = folder / "model.onnx"
    onnx.save_model(
        onnx.load_from_string(convolution(channels=1024)),
        str(path),
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    return path


def test_external_data_belongs_to_what_a_model_is(tmp_path: Path) -> None:
    path = with_data_beside(tmp_path)
    # Long settled, so that the change is seen by the stamp that was kept of the data.
    wait_until_settled(path)
    wait_until_settled(tmp_path / "weights.bin")
    assert_same_cold_and_warm(path)
    data = np.fromfile(tmp_path / "weights.bin", np.float32)
    (data * 2).tofile(tmp_path / "weights.bin")
    frame = frames(ei.Session(path, threads=1, cache=False))
    changed = ei.Session(path, threads=1)
    assert state(changed) == "miss"
    wanted = ei.Session(path, threads=1, cache=False).run(frame)
    assert changed.run(frame)["y"].tobytes() == wanted["y"].tobytes()


def test_missing_external_data_is_told_as_without_a_cache(tmp_path: Path) -> None:
    path = with_data_beside(tmp_path)
    ei.Session(path, threads=1)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ei.ModelError, match=r"weights\.bin"):
        ei.Session(path, threads=1)


def test_a_refused_model_is_refused_every_time(model: Path) -> None:
    damaged = onnx.load_from_string(model.read_bytes())
    damaged.graph.node[0].input[0] = "nothing"
    model.write_bytes(damaged.SerializeToString())
    for _ in range(2):
        with pytest.raises(ei.ModelError):
            ei.Session(model, threads=1)


def test_a_limit_on_tensors_holds_for_a_kept_model(model: Path) -> None:
    ei.Session(model, threads=1)
    small = ei.SessionOptions(max_tensor_mb=1)
    with pytest.raises(ei.ModelError):
        ei.Session(model, threads=1, options=small)


def test_what_cannot_be_kept_is_skipped_with_the_reason(model: Path, tmp_path: Path) -> None:
    tiny = tmp_path / "tiny.onnx"
    tiny.write_bytes(convolution(channels=8))
    profile = ei.SessionOptions(profile=str(tmp_path / "profile"))
    saving = ei.SessionOptions(config={"session.save_model_format": "ONNX"})
    for path, options, reason in (
        (tiny, None, "too small"),
        (model, profile, "timings"),
        (model, saving, "config sets session.save_model_format"),
    ):
        with ei.Session(path, threads=1, options=options) as session:
            found = session.describe()["cache"]
            assert found["state"] == "skipped"
            assert reason in found["why"]
            assert found["path"] is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"graph": "basic"}),
        ({}, {"fuse_tail": False}),
        ({}, {"cut_head": True}),
        ({}, {"flush_denormals": True}),
        ({}, {"to_uint8": False}),
        ({"to_uint8": True}, {"to_uint8": False}),
        ({}, {"max_tensor_mb": 100}),
        ({"free_dimensions": {"batch": 1}}, {"free_dimensions": {"batch": 2}}),
        ({"free_dimensions": {"batch": 2}}, {"free_dimensions": {"other": 2}}),
        (
            {"config": {"session.disable_prepacking": "0"}},
            {"config": {"session.disable_prepacking": "1"}},
        ),
    ],
    ids=str,
)
def test_each_option_that_changes_the_graph_makes_an_entry_of_its_own(
    tmp_path: Path, one: dict[str, Any], other: dict[str, Any]
) -> None:
    network = onnx.load_from_string(convolution(channels=1024))
    for value in (*network.graph.input, *network.graph.output):
        batch, _, height, _ = value.type.tensor_type.shape.dim
        batch.dim_param, height.dim_param = "batch", "other"
    model = tmp_path / "model.onnx"
    model.write_bytes(network.SerializeToString())
    for given, expected in ((one, "miss"), (other, "miss"), (one, "hit"), (other, "hit")):
        with ei.Session(model, threads=1, options=ei.SessionOptions(**given)) as session:
            assert state(session) == expected, given


def test_threads_share_one_entry(model: Path) -> None:
    assert state(ei.Session(model, threads=1)) == "miss"
    assert state(ei.Session(model, threads=2)) == "hit"
    assert state(ei.Session(model)) == "hit"


def test_the_session_that_makes_the_entry_has_the_cores_to_itself(model: Path) -> None:
    waits = []
    for expected in ("miss", "hit"):
        with ei.Session(model, threads=2) as session:
            assert state(session) == expected
            waits.append(session.describe()["threads"])
    assert waits[0] == waits[1]


def test_a_session_outlives_its_entry(model: Path) -> None:
    ei.Session(model, threads=1)
    session = ei.Session(model, threads=1)
    assert state(session) == "hit"
    frame = frames(session)
    wanted = session.run(frame)
    assert cache.clear() > 0
    assert session.run(frame)["y"].tobytes() == wanted["y"].tobytes()
