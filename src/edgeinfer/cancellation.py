"""Stopping runs on request."""

from __future__ import annotations

from edgeinfer import _core
from edgeinfer.errors import InputError

__all__ = ["Cancellation", "checked_cancel"]


class Cancellation:
    """A request to stop, given to runs by ``cancel=`` and made from another thread.

    It stays made: every run under the token in flight stops, and one that begins later under the
    same token fails at once, each with a ``RunError`` whose ``reason`` is ``"cancelled"``. Other
    runs, and runs that have ended, know nothing of it. One token may serve many runs, of several
    sessions and threads.

    The runtime looks at the request between nodes and loop iterations, so one very long node ends
    late; a run that ends before it looks gives its result.
    """

    __slots__ = ("__weakref__", "_token")

    def __init__(self) -> None:
        self._token = _core.Cancellation()

    def cancel(self) -> None:
        """Stop the runs under this token, now and from now on. Cheap; never waits for a run."""
        self._token.cancel()

    @property
    def cancelled(self) -> bool:
        """Whether ``cancel`` was called."""
        return self._token.requested

    def __repr__(self) -> str:
        return f"<Cancellation{', cancelled' if self.cancelled else ''}>"


def checked_cancel(cancel: Cancellation | None) -> _core.Cancellation | None:
    """The core's token."""
    if cancel is None:
        return None
    if not isinstance(cancel, Cancellation):
        raise InputError(
            f"cancel: found {type(cancel).__name__}, wanted None or an edgeinfer.Cancellation"
        )
    return cancel._token
