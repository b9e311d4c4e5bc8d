"""Weights that are no numbers are counted and warned of."""

import math
import warnings

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

import edgeinfer as ei
from session.networks import model_bytes, tensor

from .handmade import F32, SCALE_TYPES, codes, hold


@given(
    values=st.lists(st.floats(width=16), max_size=9000),
    kind=st.sampled_from(SCALE_TYPES),
    how=st.sampled_from(["raw", "typed", "Constant"]),
)
def test_nan_and_infinite_weights_are_counted(values: list[float], kind: type, how: str) -> None:
    held = np.array(values, dtype=kind)
    model = onnx.load_from_string(
        model_bytes(
            [helper.make_node("MatMul", ["w", "x"], ["y"])],
            [tensor("x", ("n",))], [tensor("y", ())],
        )
    )  # fmt: skip
    hold(model, "w", held, how)
    nan, infinite = int(np.isnan(held).sum()), int(np.isinf(held).sum())
    found = ei.inspect(model.SerializeToString()).warnings
    if not nan and not infinite:
        assert found == ()
        return
    counts = [f"{nan} NaN"] * (nan > 0) + [f"{infinite} infinite"] * (infinite > 0)
    assert [one.code for one in found] == ["weights"]
    assert f"holds {' and '.join(counts)} values" in found[0].text


def with_weight(value: float, op: str) -> bytes:
    node = helper.make_node(op, ["x", "w"], ["y"])
    held = np.ones((4, 4), F32)
    held[1, 1] = value
    return model_bytes([node], [tensor("x", (4, 4))], [tensor("y", (4, 4))], {"w": held})


def test_a_session_warns_of_nan_weights_and_tells_of_them() -> None:
    with pytest.warns(ei.ModelWarning, match="initialiser 'w' holds 1 NaN values"):
        session = ei.Session(with_weight(math.nan, "MatMul"), threads=1)
    assert session.describe()["warnings"] == ["initialiser 'w' holds 1 NaN values"]
    assert np.isnan(session.run(np.ones((4, 4), F32))["y"]).any()


def test_infinity_is_at_home_in_a_mask() -> None:
    assert codes(with_weight(-math.inf, "Add")) == []
    assert codes(with_weight(-math.inf, "MatMul")) == ["weights"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ei.Session(with_weight(-math.inf, "Add"), threads=1).describe()["warnings"] == []
