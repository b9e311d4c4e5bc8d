"""Load a network and run it: tensors in, tensors out, or straight to a mask."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

from numpy.typing import NDArray

from edgeinfer import _core
from edgeinfer._arguments import (
    checked_inputs,
    checked_names,
    checked_out,
    checked_path,
    checked_shapes,
    checked_size,
    checked_threads,
    checked_timeout,
)
from edgeinfer._runtime import open_runtime
from edgeinfer.cancellation import Cancellation, checked_cancel
from edgeinfer.errors import InputError
from edgeinfer.result import Mask

__all__ = ["Binding", "Session", "SessionOptions", "StageTimes", "TensorSpec"]

Inputs = Any
"""{name: array}, or one array: numpy, DLPack or the buffer protocol."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output as the model file declares it.

    Attributes:
        name: its name in the graph.
        dtype: name of the element type, as NumPy or ml_dtypes spell it; ``"string"`` for text,
            ``"unknown"`` for an output that is no tensor.
        shape: one entry an axis: an int, or the name of a symbolic axis (``"?"`` without a name).
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """How a network is loaded and run.

    Attributes:
        fuse_tail: cut a recognised final Resize and/or ArgMax off the graph, so that
            ``Session.segment`` does it in one fused pass. False leaves the graph alone. With
            ``graph="all"`` the runtime may choose another kernel for a Resize that stands alone,
            so that ``Session.run`` can differ from the uncut file in the last bits of a float.
        to_uint8: None (as loaded) or False. Moving int8 activations to uint8 is not built yet, so
            True is refused.
        spin: whether threads of the session's own pool (``threads=N``) wait for work by spinning:
            ``"on"`` answers faster and burns CPU between runs. ``"auto"`` is ``"off"``. The shared
            pool never spins. Upstream key ``session.intra_op.allow_spinning``.
        graph: how far the runtime optimises the graph: ``"off"``, ``"basic"``, ``"extended"``,
            ``"all"``. Upstream ``GraphOptimizationLevel``.
        providers: execution providers in order of preference. Only ``"CPU"`` is supported.
        arena_mb: None. A limit on the runtime's arena is not built yet, so a number is refused.
        arena: keep freed memory for the next run (faster, larger). Upstream ``EnableCpuMemArena``.
        memory_pattern: plan one block for all intermediate tensors of a fixed input shape.
            Upstream ``EnableMemPattern``.
        flush_denormals: treat denormal floats as zero; speeds up some networks on some CPUs and
            changes results in the last digits. Upstream key ``session.set_denormal_as_zero``.
        timeout_s: seconds after which any run of the session stops with a ``RunError`` whose
            ``reason`` is ``"timeout"``. None: no limit.

    Raises:
        InputError: a value outside those named above.
    """

    fuse_tail: bool = True
    to_uint8: bool | None = None
    spin: Literal["auto", "on", "off"] = "auto"
    graph: Literal["off", "basic", "extended", "all"] = "all"
    providers: tuple[str, ...] = ("CPU",)
    arena_mb: int | None = None
    arena: bool = True
    memory_pattern: bool = True
    flush_denormals: bool = False
    timeout_s: float | None = None

    def __post_init__(self) -> None:
        _expect_one_of("spin", self.spin, ("auto", "on", "off"))
        _expect_one_of("graph", self.graph, ("off", "basic", "extended", "all"))
        for name in ("fuse_tail", "arena", "memory_pattern", "flush_denormals"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(
                    f"SessionOptions.{name}: found {getattr(self, name)!r}, wanted True or False"
                )
        if not isinstance(self.providers, tuple | list) or tuple(self.providers) != ("CPU",):
            raise InputError(
                f"SessionOptions.providers: found {self.providers!r}, wanted ('CPU',); "
                "other execution providers are not supported"
            )
        if self.to_uint8:
            raise InputError("SessionOptions.to_uint8: found True, wanted None or False")
        if self.arena_mb is not None:
            raise InputError(
                f"SessionOptions.arena_mb: found {self.arena_mb!r}, wanted None; "
                "use arena=False to give memory back after each run"
            )
        checked_timeout(self.timeout_s)


class StageTimes(NamedTuple):
    """Milliseconds that the parts of a binding's latest run took."""

    run_ms: float
    """The network itself."""
    tail_ms: float
    """The fused pass to a mask, or the rest of the graph behind a cut."""


class Session:
    """A network, ready to run. Safe to use from many threads.

    Args:
        model: path of an ``.onnx`` or ``.ort`` file, or its bytes. External data is read from the
            file's own folder only; a model given as bytes must hold all its weights.
        threads: None: the pool that all sessions of the process share (one thread a core).
            A number: a pool of its own with that many threads; 1 runs in the calling thread.
        options: see ``SessionOptions``.
        cache: reserved for a cache of optimised models; without effect today.

    Raises:
        ModelError: the file is missing, damaged, unsupported or refused.
        InputError: ``threads`` is outside 1 to 256, or ``model`` is neither a path nor bytes.
        RunError: ONNX Runtime's library is not installed.

    Cost: maps the file to look at it, milliseconds; the runtime then reads it. Where a tail is cut
    off, a second, small session holds the rest.

    After ``os.fork`` (multiprocessing's "fork" too) a session works in the parent only: its
    threads, and the one that watches timeouts, do not exist in the child. Use "spawn".
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes | bytearray | memoryview,
        *,
        threads: int | None = None,
        options: SessionOptions | None = None,
        cache: bool = True,
    ) -> None:
        if not isinstance(options, SessionOptions | None):
            raise InputError(
                f"options: found {type(options).__name__}, wanted an edgeinfer.SessionOptions"
            )
        self._options = options if options is not None else SessionOptions()
        self._timeout_s = checked_timeout(self._options.timeout_s)
        self._threads = checked_threads(threads)
        self._runtime = open_runtime()
        runtime = _core.RuntimeOptions()
        runtime.threads = self._threads
        runtime.spin = getattr(_core.Spin, self._options.spin)
        runtime.graph = getattr(_core.GraphLevel, self._options.graph)
        runtime.arena = self._options.arena
        runtime.memory_pattern = self._options.memory_pattern
        runtime.flush_denormals = self._options.flush_denormals
        runtime.timeout_s = self._timeout_s
        fuse = self._options.fuse_tail
        network: _core.Network
        if isinstance(model, bytes | bytearray | memoryview):
            network = _core.Network.from_bytes(bytes(model), runtime, fuse)
        elif isinstance(model, str | os.PathLike):
            network = _core.Network.from_file(checked_path(model), runtime, fuse)
        else:
            raise InputError(
                f"model: found {type(model).__name__}, wanted a path or the bytes of a model file"
            )
        self._network: _core.Network | None = network
        self._inputs = tuple(_spec(s) for s in network.inputs)
        self._outputs = tuple(_spec(s) for s in network.outputs)

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What the model file takes."""
        return self._inputs

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
            outputs: names to compute; None: all.
            out: ``{name: array}``, C-contiguous and writable; written in place and returned.
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
        network = self._open()
        return network.run(
            checked_inputs(inputs),
            checked_names(outputs),
            checked_out(out),
            self._limit(timeout_s),
            checked_cancel(cancel),
        )

    def bind(
        self,
        shapes: Mapping[str, Sequence[int]] | None = None,
        *,
        outputs: Sequence[str] | None = None,
    ) -> Binding:
        """Allocate buffers for fixed shapes once, to run on many frames.

        Args:
            shapes: ``{input name: shape}`` for inputs with symbolic axes.
            outputs: names to bind; None: all.

        Raises:
            InputError: a shape is missing or does not fit, or a tensor holds strings or 4-bit
                values.

        Cost: with symbolic output shapes, one run on zeros to learn them.
        """
        network = self._open()
        binding = _core.Binding(network, checked_shapes(shapes), checked_names(outputs))
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
        classes, areas = self._open().segment(
            checked_inputs(inputs),
            checked_size(size),
            self._limit(timeout_s),
            checked_cancel(cancel),
        )
        return Mask(classes, areas, labels)

    def describe(self) -> dict[str, Any]:
        """Tell what was changed at load and why, as plain values that ``json`` can write."""
        network = self._open()
        return {
            "tail": {
                "cut": network.tail_cut,
                "why": network.tail_why,
                "steps": list(network.tail_steps),
            },
            "providers": list(self._options.providers),
            "threads": self._threads if self._threads is not None else "shared",
            "runtime": {"path": self._runtime.path, "version": self._runtime.version},
            "cpu": _core.cpu_features(),
        }

    def close(self) -> None:
        """Give the network's memory back. Bindings and arrays made before stay valid."""
        self._network = None

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


class Binding:
    """A network with buffers of fixed shape; made by ``Session.bind``.

    Write a frame into ``inputs[name]``, call ``run`` or ``segment``, read ``outputs[name]``. Runs
    of one binding are serialised; the buffers are yours in between. The views stay valid for as
    long as they are held, even after the binding and its session are gone.
    """

    def __init__(self, binding: _core.Binding, timeout_s: float) -> None:
        self._binding = binding
        self._timeout_s = timeout_s
        self._inputs: dict[str, NDArray[Any]] = binding.inputs()
        self._outputs: dict[str, NDArray[Any]] | None = None

    @property
    def inputs(self) -> dict[str, NDArray[Any]]:
        """Views over the buffers that the runtime reads."""
        return self._inputs

    @property
    def outputs(self) -> dict[str, NDArray[Any]]:
        """Views over the buffers that ``run`` writes."""
        if self._outputs is None:
            self._outputs = self._binding.outputs()
        return self._outputs

    def run(self, *, timeout_s: float | None = None, cancel: Cancellation | None = None) -> None:
        """Run the network from the input buffers into the output buffers.

        Raises:
            RunError: the runtime failed; ``reason`` is ``"timeout"`` when the time was up, and
                ``"cancelled"`` when ``cancel`` asked for it.

        Cost: nothing is allocated or copied once it has run before; the GIL is released.
        """
        self._binding.run(self._limit(timeout_s), checked_cancel(cancel))

    def segment(
        self,
        *,
        size: tuple[int, int] | None = None,
        labels: Sequence[str] | None = None,
        timeout_s: float | None = None,
        cancel: Cancellation | None = None,
    ) -> Mask:
        """Run the network from the input buffers to a mask; see ``Session.segment``."""
        classes, areas = self._binding.segment(
            checked_size(size), self._limit(timeout_s), checked_cancel(cancel)
        )
        return Mask(classes, areas, labels)

    @property
    def last_times(self) -> StageTimes:
        """How long the parts of the latest ``run`` or ``segment`` took, milliseconds."""
        return StageTimes(*self._binding.last_times_ms)

    def _limit(self, timeout_s: float | None) -> float:
        return self._timeout_s if timeout_s is None else checked_timeout(timeout_s)


def _spec(spec: _core.TensorSpec) -> TensorSpec:
    return TensorSpec(spec.name, spec.dtype, tuple(spec.shape))


def _expect_one_of(name: str, value: object, wanted: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in wanted:
        raise InputError(f"SessionOptions.{name}: found {value!r}, wanted one of {wanted}")
