"""run() of a network and a binding goes past pybind11, whose checks it therefore has to make."""

import gc
import weakref
from types import MappingProxyType

import numpy as np
import pytest

import edgeinfer as ei
from edgeinfer import _core
from session.networks import doubler

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture(scope="module")
def session() -> ei.Session:
    return ei.Session(doubler(), threads=1)


def test_an_object_made_without_its_initialiser_is_a_type_error() -> None:
    empty = _core.Network.__new__(_core.Network)
    with pytest.raises(TypeError, match="without content"):
        empty.run({}, None, None, 0.0, None)
    with pytest.raises(TypeError, match="without content"):
        _core.Binding.__new__(_core.Binding).run()


def test_an_object_of_another_class_is_a_type_error(session: ei.Session) -> None:
    with pytest.raises(TypeError):
        _core.Network.run(session.bind()._binding, VALUES, None, None, 0.0, None)
    with pytest.raises(TypeError):
        _core.Binding.run(object())


@pytest.mark.parametrize("count", [0, 4, 6])
def test_another_number_of_arguments_is_a_type_error(session: ei.Session, count: int) -> None:
    arguments = [VALUES, None, None, 0.0, None, None][:count]
    with pytest.raises(TypeError, match=f"found {count} arguments, wanted 5"):
        session._open().run(*arguments)


def test_arguments_of_other_types_are_refused(session: ei.Session) -> None:
    network = session._open()
    for arguments in (
        (VALUES, "y", None, 0.0, None),
        (VALUES, None, "y", 0.0, None),
        (VALUES, None, None, "1", None),
        (VALUES, None, None, 0.0, session),
    ):
        with pytest.raises((TypeError, RuntimeError)):
            network.run(*arguments)


def test_a_binding_runs_with_names_alone(session: ei.Session) -> None:
    binding = session.bind()
    with pytest.raises(TypeError, match="found 2 arguments without a name, wanted none"):
        binding.run(1.0, None)
    with pytest.raises(TypeError, match="found the argument 'timeout', wanted timeout_s"):
        binding.run(timeout=1.0)


def test_a_binding_refuses_what_is_no_limit(session: ei.Session) -> None:
    binding = session.bind()
    for timeout_s in (0, -1.0, float("nan"), "1", True):
        with pytest.raises(ei.InputError, match="timeout_s"):
            binding.run(timeout_s=timeout_s)
    with pytest.raises(ei.InputError, match="cancel"):
        binding.run(cancel=session)


def test_a_binding_runs_under_a_token_and_a_limit(session: ei.Session) -> None:
    binding = session.bind()
    binding.inputs["x"][...] = VALUES
    token = ei.Cancellation()
    binding.run(timeout_s=10, cancel=token)
    binding.run(cancel=None, timeout_s=None)
    np.testing.assert_array_equal(binding.outputs["y"], 2 * VALUES)
    token.cancel()
    with pytest.raises(ei.RunError) as stopped:
        binding.run(cancel=token)
    assert stopped.value.reason == "cancelled"


def test_both_ways_to_a_bindings_run_take_the_same(session: ei.Session) -> None:
    # The instance's is the core's, found first; the class's tells what it is.
    binding = session.bind()
    binding.inputs["x"][...] = VALUES
    for run in (binding.run, lambda **limits: ei.Binding.run(binding, **limits)):
        binding.outputs["y"][...] = 0
        run(timeout_s=5.0, cancel=ei.Cancellation())
        np.testing.assert_array_equal(binding.outputs["y"], 2 * VALUES)
        with pytest.raises(ei.InputError, match="timeout_s"):
            run(timeout_s=0)


def test_a_binding_is_gone_with_its_last_reference(session: ei.Session) -> None:
    binding = session.bind()
    gone = weakref.ref(binding)
    gc.disable()
    try:
        del binding
        assert gone() is None
    finally:
        gc.enable()


def test_a_mapping_that_is_no_dict_names_inputs(session: ei.Session) -> None:
    found = session.run(MappingProxyType({"x": VALUES}))
    np.testing.assert_array_equal(found["y"], 2 * VALUES)
    with pytest.raises(ei.InputError, match="wanted one of 'x'"):
        session.run(MappingProxyType({"z": VALUES}))


def test_an_interrupt_in_the_midst_of_an_input_comes_through(session: ei.Session) -> None:
    class Broken(dict[str, object]):
        pass

    class Failing:
        def __dlpack__(self) -> None:
            raise KeyboardInterrupt

        def __dlpack_device__(self) -> tuple[int, int]:
            return 1, 0

    with pytest.raises(KeyboardInterrupt):
        session.run(Broken(x=Failing()))


def test_the_loop_for_measurements_runs_and_counts_nothing(session: ei.Session) -> None:
    binding = session.bind()
    binding.inputs["x"][...] = VALUES
    runs = session.stats().runs
    binding._binding.time_bare_loop(3)
    np.testing.assert_array_equal(binding.outputs["y"], 2 * VALUES)
    assert session.stats().runs == runs
