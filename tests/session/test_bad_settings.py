"""Options and model files that do not fit are refused before a session is made."""

import os
from pathlib import Path

import pytest

import edgeinfer as ei
from session.networks import doubler


@pytest.mark.parametrize(
    "option",
    [
        {"spin": "maybe"},
        {"graph": 3},
        {"providers": ("CPU", "XNNPACK")},
        {"providers": ("CPU", "cpu")},
        {"providers": "CPU"},
        {"providers": (("CPU", {"a": "b"}),)},
        {"providers": (("XNNPACK", {"a": 1}), "CPU")},
        {"providers": (3,)},
        {"free_dimensions": {"n": 0}},
        {"free_dimensions": {"n": True}},
        {"free_dimensions": {"": 1}},
        {"free_dimensions": {"n": 2**31}},
        {"free_dimensions": "n"},
        {"free_dimensions": [("n", 1), ("n", 2)]},
        {"free_dimensions": [("n", 1, 2)]},
        {"free_dimensions": [([], 1)]},
        {"free_dimensions": 5},
        {"config": {"a\0": "1"}},
        {"config": {"a": 1}},
        {"config": {"\ud800": "1"}},
        {"config": {"session.intra_op.allow_spinning": "1"}},
        {"config": {"session.disable_cpu_ep_fallback": "0"}},
        {"profile": "/no/such/folder/prefix"},
        {"profile": "folder/"},
        {"profile": 3},
        {"async_threads": 0},
        {"async_threads": 65},
        {"async_threads": 1.5},
        {"async_threads": True},
        {"async_waiting": -1},
        {"async_waiting": None},
        {"to_uint8": 0},
        {"timeout_s": float("nan")},
        {"providers": ()},
        {"arena_mb": 0},
        {"arena_mb": 1.5},
        {"arena_mb": True},
        {"config": {"session.use_env_allocators": "1"}},
        {"to_uint8": "yes"},
        {"providers": None},
        {"spin": ["on"]},
        {"fuse_tail": "no"},
        {"flush_denormals": 1},
    ],
)
def test_options_that_do_not_fit(option: dict[str, object]) -> None:
    with pytest.raises(ei.InputError, match=rf"(SessionOptions.)?{next(iter(option))}: found"):
        ei.SessionOptions(**option)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"fuse_tail": False}, ei.SessionOptions, 1], ids=repr)
def test_options_of_another_type_are_refused(options: object) -> None:
    with pytest.raises(ei.InputError, match=r"options: found .*SessionOptions"):
        ei.Session(doubler(), options=options)  # type: ignore[arg-type]


@pytest.mark.parametrize("old", ["x", "y", "rows"])
def test_names_that_are_no_text_are_a_model_error(old: str) -> None:
    model, length = doubler(("rows", 3)), bytes([len(old)])
    wanted = length + old.encode()
    assert wanted in model
    with pytest.raises(ei.ModelError, match=r"\\xff.*no UTF-8"):
        ei.Session(model.replace(wanted, wanted[:-1] + b"\xff"))


def test_what_the_runtime_quotes_need_not_be_text() -> None:
    with pytest.raises(ei.ModelError, match=r"\\xffdd"):
        ei.Session(doubler().replace(b"Add", b"\xffdd"))


@pytest.mark.parametrize("threads", [True, 0, -1, 257, 2.0, "2"])
def test_threads_that_are_no_number_of_threads(threads: object) -> None:
    with pytest.raises(ei.InputError, match="threads: found"):
        ei.Session(doubler((2, 3)), threads=threads)  # type: ignore[arg-type]


def test_a_timeout_of_true_is_no_second() -> None:
    with pytest.raises(ei.InputError, match="timeout_s: found True"):
        ei.SessionOptions(timeout_s=True)


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("", "cannot read ''"),
        ("no/such.onnx", "No such file"),
        (".", "no regular file"),
        ("/dev/null", "no regular file"),
        ("pyproject.toml/model.onnx", "cannot read"),
        ("x" * 5000, "cannot read"),
        (b"", "it is empty"),
        (bytearray(b"abc"), "damaged ONNX file"),
        (memoryview(b"\xff" * 40), "damaged ONNX file"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_model_that_cannot_be_read_is_a_model_error(model: object, found: str) -> None:
    with pytest.raises(ei.ModelError, match=found):
        ei.Session(model, threads=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("model", [None, 3, [], "a\0b", "\ud800", Path("\ud800")], ids=repr)
def test_a_model_that_is_no_path_is_an_input_error(model: object) -> None:
    with pytest.raises(ei.InputError, match="model: found"):
        ei.Session(model, threads=1)  # type: ignore[arg-type]


def test_a_model_without_permission_is_a_model_error(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x08")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(ei.ModelError, match="Permission denied; give the path"):
        ei.Session(path, threads=1)
