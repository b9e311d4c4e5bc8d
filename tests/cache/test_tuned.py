"""Settings kept by ``edgeinfer bench --tune``: taken by default, and never against an argument."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgeinfer as ei
from edgeinfer import cache
from session.networks import convolution

FOUND = {
    "threads": 1,
    "spin": "off",
    "fuse_tail": False,
    "cache": True,
    "ratio": 0.9,
    "date": "2026-11-21T14:00:00+00:00",
}


def keep(model: Path, values: Mapping[str, Any] = FOUND) -> None:
    assert cache.remember(model, "tuned", values) == ""


def test_without_a_note_nothing_is_tuned(model: Path) -> None:
    assert ei.Session(model).describe()["tuned"] is None


def test_a_session_of_few_words_takes_what_was_found(model: Path) -> None:
    keep(model)
    with ei.Session(model) as session:
        described = session.describe()
    assert described["tuned"] == FOUND
    assert described["threads"]["count"] == 1
    assert described["threads"]["pool"] == "own"


def test_a_cache_that_did_not_pay_is_left_out(model: Path) -> None:
    keep(model, {**FOUND, "cache": False})
    with ei.Session(model) as session:
        assert session.describe()["cache"]["state"] == "off"


@pytest.mark.parametrize(
    "given", [{"threads": 2}, {"options": ei.SessionOptions()}, {"cache": False}]
)
def test_whatever_is_given_wins(model: Path, given: dict[str, Any]) -> None:
    keep(model)
    with ei.Session(model, **given) as session:
        described = session.describe()
    assert described["tuned"] is None
    assert described["threads"]["count"] != 1 or "threads" not in given


def test_results_are_the_same(model: Path) -> None:
    frame = np.random.default_rng(0).random((1, 3, 32, 32), np.float32)
    before = ei.Session(model).run(frame)["y"]
    keep(model)
    np.testing.assert_allclose(ei.Session(model).run(frame)["y"], before, rtol=1e-5, atol=1e-5)


def test_another_file_in_its_place_is_not_tuned(model: Path) -> None:
    keep(model)
    model.write_bytes(convolution(seed=1))
    assert ei.Session(model).describe()["tuned"] is None


def test_a_damaged_note_is_as_good_as_none(model: Path, kept: Path) -> None:
    keep(model)
    (note,) = kept.glob("*.note")
    data = bytearray(note.read_bytes())
    data[len(data) // 3] ^= 0x10
    note.write_bytes(data)
    assert ei.Session(model).describe()["tuned"] is None


@pytest.mark.parametrize(
    "change",
    [
        *({"threads": 0}, {"threads": 1000}, {"threads": "all"}, {"threads": True}),
        *({"spin": "maybe"}, {"fuse_tail": 3}, {"cache": "yes"}),
    ],
)
def test_values_of_another_version_are_left_alone(model: Path, change: dict[str, Any]) -> None:
    keep(model, {**FOUND, **change})
    assert ei.Session(model).describe()["tuned"] is None
    keep(model, {name: value for name, value in FOUND.items() if name not in change})
    assert ei.Session(model).describe()["tuned"] is None


def test_a_missing_file_is_the_same_error_as_ever(tmp_path: Path) -> None:
    with pytest.raises(ei.ModelError, match=r"nowhere\.onnx"):
        ei.Session(tmp_path / "nowhere.onnx")
