"""A network with buffers of fixed shape: the fastest way to run it on many frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from edgeinfer import _core
from edgeinfer._arguments import checked_size, checked_timeout
from edgeinfer.cancellation import Cancellation, checked_cancel
from edgeinfer.errors import InputError

if TYPE_CHECKING:  # NumPy is imported behind the first load, not before
    from numpy.typing import NDArray

    from edgeinfer.result import Mask

__all__ = ["Binding", "BoundArrays", "StageTimes"]


class StageTimes(NamedTuple):
    """Milliseconds that the parts of a binding's latest run took."""

    run_ms: float
    """The network itself."""
    tail_ms: float
    """The fused pass to a mask, or the rest of the graph behind a cut."""


class BoundArrays(Mapping[str, "NDArray[Any]"]):
    """Views over a binding's buffers, by name. They are written into, and never replaced."""

    def __init__(self, views: dict[str, NDArray[Any]]) -> None:
        self._views = views

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._views[name]

    def __setitem__(self, name: str, value: NDArray[Any]) -> None:
        # `inputs["x"] /= 255` writes into the buffer, and then hands the very view back.
        if value is not self._views.get(name):
            raise InputError(
                f"binding: found something assigned to {name!r}, which the runtime would never "
                f"see, wanted it written into the buffer: [{name!r}][...] = value"
            )

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def __repr__(self) -> str:
        shown = (f"{name!r}: {view.dtype} {view.shape}" for name, view in self._views.items())
        return f"<BoundArrays {', '.join(shown)}>"


class Binding:
    """A network with buffers of fixed shape; made by ``Session.bind``.

    Write a frame into ``inputs[name][...]``, call ``run`` or ``segment``, read ``outputs[name]``.
    Runs of one binding take turns, and ``timeout_s`` and ``cancel`` hold while one waits for its
    turn too; the buffers are yours in between. The views stay valid for as long as they are held,
    even after the binding and its session are gone.
    """

    def __init__(self, binding: _core.Binding, timeout_s: float) -> None:
        self._binding = binding
        self._timeout_s = timeout_s
        # Callers find the core's method first: a Python frame with keywords takes longer than all
        # else that a run costs beside the network.
        vars(self)["run"] = binding.run
        self._inputs = BoundArrays(binding.inputs())
        self._outputs: BoundArrays | None = None

    @property
    def inputs(self) -> BoundArrays:
        """Views over the buffers that the runtime reads."""
        return self._inputs

    @property
    def outputs(self) -> BoundArrays:
        """Views over the buffers that ``run`` writes."""
        if self._outputs is None:
            self._outputs = BoundArrays(self._binding.outputs())
        return self._outputs

    def run(self, *, timeout_s: float | None = None, cancel: Cancellation | None = None) -> None:
        """Run the network from the input buffers into the output buffers.

        Raises:
            RunError: the runtime failed; ``reason`` is ``"timeout"`` when the time was up, and
                ``"cancelled"`` when ``cancel`` asked for it.

        Cost: nothing is allocated or copied once it has run before; the GIL is released.
        """
        self._binding.run(timeout_s=timeout_s, cancel=cancel)

    def segment(
        self,
        *,
        size: tuple[int, int] | None = None,
        labels: Sequence[str] | None = None,
        timeout_s: float | None = None,
        cancel: Cancellation | None = None,
    ) -> Mask:
        """Run the network from the input buffers to a mask; see ``Session.segment``."""
        from edgeinfer.result import Mask

        classes, areas = self._binding.segment(
            checked_size(size), self._limit(timeout_s), checked_cancel(cancel)
        )
        return Mask(classes, areas, labels)

    @property
    def last_times(self) -> StageTimes:
        """How long the parts of the latest ``run`` or ``segment`` took, milliseconds."""
        return StageTimes(*self._binding.last_times_ms)

    def __reduce__(self) -> NoReturn:
        # See Session: the compiled core must not be asked.
        raise TypeError("cannot pickle a Binding; make one in the other process")

    def _limit(self, timeout_s: float | None) -> float:
        return self._timeout_s if timeout_s is None else checked_timeout(timeout_s)
