"""What a call costs beside the network: a graph of one Identity on eight floats.

The runtime's own Python and a C++ loop over its RunWithBinding, the least that a run through a
binding can cost, take turns with ours in blocks of calls, since the clock is too coarse for one.

    python bench/call_overhead.py
"""

from collections.abc import Callable

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

import edgeinfer
from peers import one_thread_session
from rows import Figure, Outcome
from timing import NS_PER_MS, Timings, alternate

CALLS = 1000  # in a block
ROUNDS = 100
NS_PER_US = 1000
SHAPE = (1, 8)

BARE = "RunWithBinding in a C++ loop"
BINDING = "edgeinfer Binding.run"
RUN = "edgeinfer Session.run"
RUN_NAMED = "edgeinfer Session.run, by name"
PEER_RUN = "InferenceSession.run"
PEER_BINDING = "InferenceSession.run_with_iobinding"


def identity() -> bytes:
    """y = x, float32 (1, 8)."""
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in "xy"]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "one", tensors[:1], tensors[1:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def call_overhead(rounds: int = ROUNDS) -> Timings:
    """Blocks of ``CALLS`` calls, so that a millisecond of the result is a microsecond a call.

    Raises:
        AssertionError: a side gives something else than its input.
    """
    model = identity()
    values = np.arange(8, dtype=np.float32).reshape(SHAPE)
    peer = one_thread_session(model)
    bound_to = np.empty(SHAPE, np.float32)
    io = peer.io_binding()
    io.bind_input("x", "cpu", 0, np.float32, SHAPE, values.ctypes.data)
    io.bind_output("y", "cpu", 0, np.float32, SHAPE, bound_to.ctypes.data)
    with edgeinfer.Session(model, threads=1) as session:
        binding = session.bind()
        binding.inputs["x"][...] = values

        def require(name: str, answer: NDArray[np.float32]) -> None:
            if not np.array_equal(answer, values):
                raise AssertionError(f"{name}: found {answer}, wanted {values}")
            answer[...] = 0

        require(RUN, session.run(values)["y"])
        require(RUN_NAMED, session.run({"x": values})["y"])
        require(PEER_RUN, np.array(peer.run(None, {"x": values})[0]))
        binding.run()
        require(BINDING, binding.outputs["y"])
        binding._binding.time_bare_loop(1)
        require(BARE, binding.outputs["y"])
        peer.run_with_iobinding(io)
        require(PEER_BINDING, bound_to)
        return alternate(
            {
                BARE: lambda _: binding._binding.time_bare_loop(CALLS),
                BINDING: _block(binding.run),
                RUN: _block(lambda: session.run(values)),
                RUN_NAMED: _block(lambda: session.run({"x": values})),
                PEER_RUN: _block(lambda: peer.run(None, {"x": values})),
                PEER_BINDING: _block(lambda: peer.run_with_iobinding(io)),
            },
            rounds=rounds,
        )


def _block(call: Callable[[], object]) -> Callable[[int], None]:
    def block(_: int) -> None:
        for _ in range(CALLS):
            call()

    return block


def measure() -> Outcome:
    """The row of the table; times are of ``CALLS`` calls, so ms stand for us a call."""
    found = call_overhead()
    run = found.ratio(RUN, PEER_RUN)
    return Outcome(
        checked="every side gives its input back",
        figures=(
            Figure("Binding.run / C++ loop", found.ratio(BINDING, BARE), 1.3, 1.15, at_most=True),
            Figure("Session.run / InferenceSession.run", run, 0.6, 0.5, at_most=True),
            Figure("the same, input by name", found.ratio(RUN_NAMED, PEER_RUN), at_most=True),
        ),
        sides={f"{CALLS} x {name}": found.summary(name) for name in found.samples_ms},
    )


def main() -> None:
    found = call_overhead()
    for name in found.samples_ms:
        per_call_us = found.summary(name).median_ms * NS_PER_MS / NS_PER_US / CALLS
        print(f"{name:36} {per_call_us:5.2f} us")
    binding = found.ratio(BINDING, BARE)
    print(f"Binding.run / C++ loop: {binding.value:.2f} ({binding.low:.2f} to {binding.high:.2f})")
    for name in (RUN, RUN_NAMED):
        ratio = found.ratio(name, PEER_RUN)
        print(f"{name} / {PEER_RUN}: {ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})")


if __name__ == "__main__":
    main()
