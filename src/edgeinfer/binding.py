"""A network with buffers of fixed shape: the fastest way to run it on many frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from edgeinfer import _core
from edgeinfer._arguments import checked_size, checked_timeout
from edgeinfer.cancellation import Cancellation, checked_cancel
from edgeinfer.result import Mask

__all__ = ["Binding", "StageTimes"]


class StageTimes(NamedTuple):
    """Milliseconds that the parts of a binding's latest run took."""

    run_ms: float
    """The network itself."""
    tail_ms: float
    """The fused pass to a mask, or the rest of the graph behind a cut."""


class Binding:
    """A network with buffers of fixed shape; made by ``Session.bind``.

    Write a frame into ``inputs[name]``, call ``run`` or ``segment``, read ``outputs[name]``. Runs
    of one binding take turns, and ``timeout_s`` and ``cancel`` hold while one waits for its turn
    too; the buffers are yours in between. The views stay valid for as
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
        token = None if cancel is None else checked_cancel(cancel)
        self._binding.run(self._limit(timeout_s), token)

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
