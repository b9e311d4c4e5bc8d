"""Load a network and run it: tensors in, tensors out, or straight to a mask."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module

from edgeinfer import _core
from edgeinfer._arguments import (
    checked_names,
    checked_out,
    checked_shapes,
    checked_size,
    checked_timeout,
)
from edgeinfer._library import open_library
from edgeinfer.cancellation import Cancellation, checked_cancel
from edgeinfer.errors import InputError, ModelWarning

# As in __init__: what a first result does not need is imported where it is used, and what loading
# needs while the library opens.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Any, NoReturn, Self

    from numpy.typing import NDArray

    from edgeinfer._queue import RunQueue
    from edgeinfer.binding import Binding
    from edgeinfer.options import SessionOptions
    from edgeinfer.result import Mask
    from edgeinfer.specs import QuantizedInput, TensorSpec
    from edgeinfer.stats import SessionStats

    Inputs = Any
    """{name: array}, or one array: numpy, DLPack or the buffer protocol."""

__all__ = ["Session"]


class Session:
    """A network, ready to run. Safe to use from many threads.

    Args:
        model: path of an ``.onnx`` or ``.ort`` file, or its bytes. External data is read from the
            file's own folder only; a model given as bytes must hold all its weights.
        threads: None: the pool that all sessions of the process share (one thread a core).
            A number: a pool of its own with that many threads; 1 runs in the calling thread.
        options: see ``SessionOptions``.
        cache: keep the optimised model in the user's cache folder, and take it from there the next
            time (docs/cache.md). False: neither. ``describe()["cache"]`` tells what was done.
            For a file that ``edgeinfer bench --tune`` has seen on this machine, a session made
            with neither ``threads`` nor ``options`` takes the settings that it found
            (docs/bench.md); ``describe()["tuned"]`` tells.

    Raises:
        ModelError: the file is missing, damaged, unsupported or refused by the checks that
            docs/checks.md lists.
        InputError: ``threads`` is outside 1 to 256, or ``model`` is neither a path nor bytes.
        RunError: ONNX Runtime's library is not installed.

    Warns:
        ModelWarning: the file holds NaN weights, or infinite factors.

    Cost: maps the file and looks at it and its weights once, milliseconds; the runtime then reads
    it. Where a tail is cut off, a second, small session holds the rest. With a kept model the file
    is neither read nor looked at again, and the runtime reads the kept one where it is mapped.

    After ``os.fork`` (multiprocessing's "fork" too) a session works in the parent only: every call
    in the child raises ``RunError``, since the runtime's threads do not exist there. Use "spawn".
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes | bytearray | memoryview,
        *,
        threads: int | None = None,
        options: SessionOptions | None = None,
        cache: bool = True,
    ) -> None:
        self._runtime = _opened()
        from edgeinfer._loading import load
        from edgeinfer.specs import declared_spec

        network, self._options, self._tuned = load(model, threads, options, cache)
        for problem in network.warnings:
            warnings.warn(f"{problem.text}; {problem.remedy}", ModelWarning, stacklevel=2)
        self._timeout_s = network.timeout_s
        self._network: _core.Network | None = network
        declared = tuple(declared_spec(s) for s in network.file_inputs)
        self._inputs = declared[: network.required]
        self._optional_inputs = declared[network.required :]
        self._outputs = tuple(declared_spec(s) for s in network.file_outputs)
        self._queue: RunQueue | None = None
        self._queue_lock = threading.Lock()
        self._profile_ended = False

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What the model file takes."""
        return self._inputs

    @property
    def optional_inputs(self) -> tuple[TensorSpec, ...]:
        """What the model file has a default for: initialisers that it lists among its inputs.

        They are given by name, in ``run``, ``run_async`` and ``segment`` among the inputs and in
        ``bind`` among the shapes; left out, the file's values hold.
        """
        return self._optional_inputs

    @property
    def quantized_inputs(self) -> dict[str, QuantizedInput]:
        """Inputs that take quantised integers, by name.

        Integer inputs that the file dequantises itself, and with ``SessionOptions(cut_head=True)``
        float inputs whose QuantizeLinear was cut off: these take integers of this type in ``run``
        and ``segment``, and in the buffers of ``bind(quantized=True)``.
        """
        from edgeinfer.specs import QuantizedInput

        return {
            one.name: QuantizedInput(one.dtype, one.scale, one.zero_point)
            for one in self._open().quantized
        }

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What the model file gives, whether or not a tail was cut off."""
        return self._outputs

    def run(
        self,
        inputs: Inputs,
        *,
        outputs: Sequence[str] | None = None,
        out: Mapping[str, NDArray[Any]] | None = None,
        timeout_s: float | None = None,
        cancel: Cancellation | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Run the network and give what the file's graph gives.

        Args:
            inputs: ``{name: array}``, or one array for a model of one input. Element types and
                sizes as ``Session.inputs`` says. C-contiguous NumPy arrays, DLPack tensors (torch)
                and buffers are read where they lie; strided arrays and 4-bit types are copied.
            outputs: names to give; None: all. The graph runs whole either way.
            out: ``{name: array}``, C-contiguous and writable; written in place and returned.
                Outputs without an array are allocated. Strings (into arrays of objects) and 4-bit
                values are copied there.
            timeout_s: seconds; None: the session's own. The runtime looks at the clock between
                nodes and loop iterations.
            cancel: a ``Cancellation`` by which another thread may stop the run; None: none.

        Returns:
            ``{name: array}`` in the order asked for. Arrays own their memory and were not copied.
            Strings come as objects, bfloat16, float8 and 4-bit types as ml_dtypes' types.

        Raises:
            InputError: a name, element type, rank or size does not fit.
            RunError: the runtime failed; ``reason`` is ``"timeout"`` when the time was up, and
                ``"cancelled"`` when ``cancel`` asked for it.

        Cost: no copy of inputs or outputs; the GIL is released while the network runs.
        """
        network = self._network
        if network is None:
            network = self._open()
        # What is None needs no check; five calls saved are 0.3 us of the 2 that a small run takes.
        return network.run(
            inputs,
            None if outputs is None else checked_names(outputs),
            None if out is None else checked_out(out),
            self._timeout_s if timeout_s is None else checked_timeout(timeout_s),
            None if cancel is None else checked_cancel(cancel),
        )

    def run_async(
        self,
        inputs: Inputs,
        *,
        outputs: Sequence[str] | None = None,
        out: Mapping[str, NDArray[Any]] | None = None,
        timeout_s: float | None = None,
    ) -> Future[dict[str, NDArray[Any]]]:
        """Begin a run in a thread of the session's own, and give its future at once.

        Runs begin in the order in which they came; ``SessionOptions.async_threads`` go on at once
        and ``async_waiting`` more may wait. Callbacks of the future run in the run's thread, or at
        once where it has ended. ``asyncio.wrap_future`` makes it awaitable.

        Args:
            inputs, outputs, out: as for ``run``. The arrays are held until the run ends and must
                not be changed before.
            timeout_s: as for ``run``; counted from when the run begins.

        Returns:
            A future of what ``run`` returns. Its ``cancel()`` returns True and drops a run that
            has not begun (``CancelledError``); one that has begun it asks to stop and returns
            False: a ``RunError`` with ``reason`` ``"cancelled"`` follows, or the result where that
            came first. Whatever else goes wrong with the run comes out of the future too.

        Raises:
            BusyError: as many runs as may wait do already.
            InputError: the session is closed, or an argument is of a wrong kind.

        A run that nobody awaits is finished all the same, even when the session is closed or gone;
        at the end of the program runs in flight are asked to stop, for two seconds at most, and
        waiting ones are dropped.

        Cost: as ``run``, and two changes of threads.
        """
        import weakref
        from functools import partial

        from edgeinfer._queue import RunQueue

        network = self._open()
        run = partial(
            network.run,
            dict(inputs) if isinstance(inputs, Mapping) else inputs,
            checked_names(outputs),
            checked_out(out),
            self._limit(timeout_s),
        )
        with self._queue_lock:
            if self._queue is None:
                options = self._options
                self._queue = RunQueue(options.async_threads, options.async_waiting)
                # The queue's threads end when nobody holds the session any more.
                end = weakref.finalize(self, self._queue.close, cancel=False)
                end.atexit = False
        return self._queue.submit(run)

    def bind(
        self,
        shapes: Mapping[str, Sequence[int]] | None = None,
        *,
        outputs: Sequence[str] | None = None,
        quantized: bool = False,
    ) -> Binding:
        """Allocate buffers for fixed shapes once, to run on many frames.

        Args:
            shapes: ``{input name: shape}`` for inputs with symbolic axes, and for the optional
                inputs to give: their buffers begin as zeros, not as the file's values.
            outputs: names to bind; None: all.
            quantized: float inputs whose head was cut off get buffers of the integers that
                ``quantized_inputs`` tells of, instead of floats.

        Raises:
            InputError: a shape is missing or does not fit, a tensor holds strings or 4-bit
                values, or ``quantized`` is asked for and no input takes integers.

        Cost: with symbolic output shapes, one run on zeros to learn them.
        """
        from edgeinfer.binding import Binding

        network = self._open()
        if quantized and not network.quantized:
            raise InputError(
                f"bind: found quantized=True for a session without quantised inputs "
                f"({network.head_why}), wanted one with; see SessionOptions.cut_head"
            )
        binding = _core.Binding(
            network, checked_shapes(shapes), checked_names(outputs), bool(quantized)
        )
        return Binding(binding, self._timeout_s)

    def segment(
        self,
        inputs: Inputs,
        *,
        size: tuple[int, int] | None = None,
        labels: Sequence[str] | None = None,
        timeout_s: float | None = None,
        cancel: Cancellation | None = None,
    ) -> Mask:
        """Run the network and turn its logits into a mask of classes.

        Where the tail was cut off at load (see ``describe``), low-resolution logits are upsampled
        and compared in one fused pass that never holds C planes of full size. Otherwise the pass
        reads the network's only ``(1, C, H, W)`` output, or class ids that the graph made itself.

        Args:
            inputs: as for ``run``; one frame.
            size: ``(height, width)`` of the mask, pixels; None: the size that the network gives.
            labels: names of the classes, for the ``Mask``.
            timeout_s, cancel: as for ``run``; they do not stop the fused pass itself.

        Returns:
            ``Mask``: classes (height, width) uint8, or uint16 above 256 classes, and areas.

        Raises:
            InputError: the inputs do not fit, the network does not end in one map of classes, or
                labels are fewer than classes.
            RunError: as for ``run``.

        Cost: as for ``run``, and one pass over the logits; the mask is all that is allocated.
        """
        from edgeinfer.result import Mask

        classes, areas = self._open().segment(
            inputs,
            checked_size(size),
            self._limit(timeout_s),
            checked_cancel(cancel),
        )
        return Mask(classes, areas, labels)

    def describe(self) -> dict[str, Any]:
        """Tell what was changed at load and why, as plain values that ``json`` can write."""
        from edgeinfer._description import description

        path, version = self._runtime
        return {
            **description(self._open(), self._options),
            "runtime": {"path": path, "version": version},
            "tuned": None if self._tuned is None else self._tuned.note,
            "cpu": _core.cpu_features(),
        }

    def stats(self, *, reset: bool = False) -> SessionStats:
        """Tell how many runs there were, how they ended and how long they took.

        Args:
            reset: take the counts out, so that the next call tells of later runs only. Every run
                is in one such reading exactly.

        Counting costs a run nothing to speak of, takes no lock and stops no run: a reading is made
        counter by counter, so that a run that ends meanwhile may be in some and not in others.
        """
        from edgeinfer.stats import stats_of

        return stats_of(self._open().tally(reset))

    def end_profiling(self) -> tuple[str, ...]:
        """Stop writing timings (``SessionOptions.profile``) and give the files' paths.

        The first is of the network; where a tail was cut off, a second is of the rest of the
        graph, which ``run`` runs and ``segment`` does not. The files are JSON in Chrome's trace
        format: one event for the load, for every run and for every node, ``dur`` in microseconds
        and the node's execution provider under ``args``.

        Raises:
            InputError: no profile was asked for, or it was ended before.
        """
        network = self._open()
        with self._queue_lock:
            if self._profile_ended:
                raise InputError(
                    "end_profiling: found the profile ended before, wanted it once a session"
                )
            paths = tuple(network.end_profiling())
            self._profile_ended = True
        return paths

    def close(self, *, cancel: bool = False) -> None:
        """Take no more runs, and give the network's memory back behind the last one.

        Bindings and arrays made before stay valid. Runs that go on, in other threads or by
        ``run_async``, are finished. Never waits.

        Args:
            cancel: drop the runs of ``run_async`` that wait (``CancelledError``) and stop those
                that go on (``RunError``, reason ``"cancelled"``) instead of finishing them.
        """
        self._network = None
        with self._queue_lock:
            queue = self._queue
        if queue is not None:
            queue.close(cancel=cancel)

    def __reduce__(self) -> NoReturn:
        # Left to itself, the compiled core ends the process under pickle's protocols 0 and 1.
        raise TypeError("cannot pickle a Session; make one in the other process")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> _core.Network:
        network = self._network
        if network is None:
            raise InputError("session: found it closed, wanted it open; make a new Session")
        return network

    def _limit(self, timeout_s: float | None) -> float:
        return self._timeout_s if timeout_s is None else checked_timeout(timeout_s)


def _opened() -> tuple[str, str]:
    """The runtime's path and version."""
    # A program that has NumPy yet has most of what the other imports take, and a second thread
    # would cost it more than it saves.
    if "numpy" in sys.modules or "edgeinfer._loading" in sys.modules:
        return open_library()
    return open_library(meanwhile=_import_ahead)


def _import_ahead() -> None:
    """What the first session needs next, and what NumPy imports behind that."""
    import_module("edgeinfer._loading")
    for name in ("datetime", "pickle", "platform", "textwrap", "ctypes"):
        try:
            import_module(name)
        except ImportError:  # an interpreter built without: NumPy does without too, or says so
            continue
