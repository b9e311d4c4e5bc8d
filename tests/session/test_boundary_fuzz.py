"""Whatever is handed over: a result that NumPy confirms, or an InputError. Never anything else."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

import edgeinfer as ei
from session.networks import FLOAT, doubler, one_node


@pytest.fixture(scope="module")
def session() -> ei.Session:
    return ei.Session(doubler(("rows", 3)), threads=1)


@pytest.fixture(scope="module")
def scores() -> ei.Session:
    return ei.Session(one_node("Neg", FLOAT, (1, 3, 4, 4)), threads=1)


ODD_DTYPES = st.sampled_from(
    ["f4", "f4", "f4", ">f4", "f8", "f2", "i4", "u1", "?", "c8", "O", "U3", "S2", "M8[s]", "V5"]
)


@st.composite
def layouts(draw: st.DrawFn) -> NDArray[Any]:
    """Arrays of any element type, shape, stride, offset and writability."""
    dtype = np.dtype(draw(ODD_DTYPES))
    shape = draw(st.one_of(st.tuples(st.integers(0, 5), st.just(3)), hnp.array_shapes(min_dims=0)))
    base = np.zeros([2 * n + 2 for n in shape], dtype)
    if dtype.kind == "f":
        base[...] = np.arange(base.size).reshape(base.shape)
    steps = [draw(st.sampled_from([1, 1, 2, -1])) for _ in shape]
    cut = tuple(
        slice(n, None, -1) if s == -1 else slice(1, 1 + n * s, s)
        for n, s in zip(shape, steps, strict=True)
    )
    array = base[(*cut, ...)]  # an array for no axes too
    if draw(st.booleans()):
        array = array.T
    if draw(st.booleans()) and dtype.kind not in "O":
        shifted = np.zeros(array.nbytes + 1, np.uint8)[1:].view(dtype).reshape(array.shape)
        shifted[...] = array
        array = shifted
    array.setflags(write=draw(st.booleans()))
    return array


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(),
    st.binary(), st.lists(st.integers(), max_size=3), st.just(object), st.just(range(3)),
    st.dictionaries(st.text(), st.integers(), max_size=2), st.just(memoryview(b"abc")),
)  # fmt: skip
ANYTHING = st.one_of(layouts(), layouts(), JUNK)
NAMES = st.one_of(st.sampled_from(["x", "y"]), st.text(), st.integers(), st.none(), st.binary())


def fits(array: object) -> bool:
    return (
        isinstance(array, np.ndarray)
        and array.dtype == np.dtype("=f4")
        and array.dtype.isnative
        and array.ndim == 2
        and array.shape[1] == 3
    )


@settings(max_examples=400, deadline=None)
@given(given=ANYTHING)
def test_one_input_of_any_kind(session: ei.Session, given: Any) -> None:
    if fits(given):
        np.testing.assert_array_equal(session.run(given)["y"], given + given)
    elif not isinstance(given, dict):
        with pytest.raises(ei.InputError):
            session.run(given)


@settings(max_examples=300, deadline=None)
@given(
    inputs=st.dictionaries(NAMES, ANYTHING, max_size=3),
    outputs=st.one_of(st.none(), st.lists(NAMES, max_size=3), JUNK),
    out=st.one_of(st.none(), st.dictionaries(NAMES, ANYTHING, max_size=2), JUNK),
)
def test_any_arguments_of_run(session: ei.Session, inputs: Any, outputs: Any, out: Any) -> None:
    try:
        found = session.run(inputs, outputs=outputs, out=out)
    except ei.InputError as error:
        assert len(str(error)) > 10  # noqa: PT017 - any InputError will do
        with pytest.raises(ei.InputError):
            session.run_async(inputs, outputs=outputs, out=out).result(30)
        return
    again = session.run_async(inputs, outputs=outputs, out=out).result(30)
    assert again["y"].tobytes() == found["y"].tobytes()
    frame = inputs["x"]
    np.testing.assert_array_equal(found["y"], frame + frame)


@settings(max_examples=200, deadline=None)
@given(
    shapes=st.one_of(
        JUNK,
        st.dictionaries(
            NAMES, st.one_of(JUNK, st.lists(st.integers(-2, 9), max_size=4)), max_size=2
        ),
    ),
    outputs=st.one_of(st.none(), st.lists(NAMES, max_size=2), JUNK),
)
def test_any_arguments_of_bind(session: ei.Session, shapes: Any, outputs: Any) -> None:
    try:
        binding = session.bind(shapes, outputs=outputs)
    except ei.InputError:
        return
    binding.run()
    assert binding.outputs["y"].shape == tuple(shapes["x"])


@settings(max_examples=200, deadline=None)
@given(size=st.one_of(JUNK, st.tuples(st.integers(-1, 40), st.integers(-1, 40))))
def test_any_size_of_a_mask(scores: ei.Session, size: Any) -> None:
    if isinstance(size, list) and len(size) == 2:  # a mask of gigabytes is allowed, and no test
        assume(size[0] * size[1] < 1 << 24)
    try:
        mask = scores.segment(np.zeros((1, 3, 4, 4), np.float32), size=size)
    except ei.InputError:
        return
    assert mask.classes.shape == (tuple(size) if size is not None else (4, 4))
    assert int(mask.areas.sum()) == mask.classes.size


FIELDS = {
    "fuse_tail": st.booleans(),
    "spin": st.sampled_from(["auto", "on", "off"]),
    "graph": st.sampled_from(["off", "basic", "extended", "all"]),
    "providers": st.sampled_from([("CPU",), ["cpu"], ("XNNPACK", "CPU"), ("CPU", "CPU")]),
    "free_dimensions": st.dictionaries(st.text(max_size=3), st.integers(-1, 5), max_size=2),
    "timeout_s": st.floats(),
    "async_threads": st.integers(-1, 70),
    "async_waiting": st.integers(-1, 9),
    "profile": st.text(max_size=4).map(lambda text: f"/no/folder/{text}"),
    "config": st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
}


def is_harmless(profile: object) -> bool:
    # Other texts name files, which would then be written.
    return not isinstance(profile, str) or profile.startswith("/no/folder/")


@settings(max_examples=300, deadline=None)
@given(
    options=st.fixed_dictionaries(
        {}, optional={name: st.one_of(values, values, JUNK) for name, values in FIELDS.items()}
    ).filter(lambda options: is_harmless(options.get("profile")))
)
def test_any_options_are_taken_or_refused_by_name(options: dict[str, Any]) -> None:
    try:
        chosen = ei.SessionOptions(**options)
    except ei.InputError as error:
        assert any(f"{name}: found" in str(error) for name in options)  # noqa: PT017
        return
    assert hash(chosen) == hash(ei.SessionOptions(**options))
    try:
        with ei.Session(doubler(), threads=1, options=chosen) as made:
            assert made.run(np.ones((2, 3), np.float32))["y"].sum() == 12
    except ei.InputError as error:  # providers or dimensions that are not there
        assert "found" in str(error)  # noqa: PT017
    except ei.RunError as error:  # a timeout of next to nothing
        assert error.reason == "timeout"  # noqa: PT017


@settings(max_examples=200, deadline=None)
@given(limit=st.one_of(st.floats(), JUNK), token=JUNK)
def test_any_limits_of_a_run(session: ei.Session, limit: Any, token: Any) -> None:
    frame = np.ones((2, 3), np.float32)
    binding = session.bind({"x": (2, 3)})
    for run in (
        lambda: session.run(frame, timeout_s=limit),
        lambda: session.run_async(frame, timeout_s=limit).result(30),
        lambda: binding.run(timeout_s=limit),
        lambda: session.run(frame, cancel=token),
        lambda: binding.run(cancel=token),
    ):
        try:
            run()
        except ei.InputError as error:
            assert "found" in str(error)  # noqa: PT017
        except ei.RunError as error:
            assert error.reason == "timeout"  # noqa: PT017
