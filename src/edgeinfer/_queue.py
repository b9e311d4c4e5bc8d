"""Runs that wait for a thread: a bounded queue and the threads that empty it."""

from __future__ import annotations

import atexit
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from edgeinfer import _core
from edgeinfer.cancellation import Cancellation
from edgeinfer.errors import BusyError, InputError, RunError

__all__ = ["RunFuture", "RunQueue"]

LONGEST_END_S = 2.0

Result = dict[str, Any]
Call = Callable[[_core.Cancellation], Result]


class RunFuture(Future[Result]):
    """The result of a run to come.

    ``cancel`` drops a run that has not begun and returns True: its result is a
    ``concurrent.futures.CancelledError``. One that has begun it asks to stop, and returns False:
    its result is soon a ``RunError`` whose ``reason`` is ``"cancelled"``, or the run's own result
    where that came first.
    """

    def __init__(self, queue: RunQueue) -> None:
        super().__init__()
        self._queue = queue
        self._token = Cancellation()

    def cancel(self) -> bool:
        """Drop the run, or ask it to stop."""
        if super().cancel():
            # Who takes it out of the queue tells those who wait for it, and does so once.
            if self._queue.forget(self):
                self.set_running_or_notify_cancel()
            return True
        if not self.done():
            self._token.cancel()
        return False


class RunQueue:
    """Daemon threads that take runs in the order in which they came.

    The threads know this queue, not the session, so that a session nobody holds goes away; the
    runs hold the network. At the end of the interpreter, runs in flight are asked to stop and
    waiting ones are dropped; a run that does not heed within two seconds is left behind.
    """

    def __init__(self, threads: int, waiting: int) -> None:
        self._most_threads = threads
        self._most_waiting = waiting
        # Re-entrant: an object freed while the lock is held may run code that comes back here.
        self._changed = threading.Condition(threading.RLock())
        self._waiting: deque[tuple[RunFuture, Call]] = deque()
        self._running: set[RunFuture] = set()
        self._threads: list[threading.Thread] = []
        self._closed = False
        _OPEN.add(self)

    def submit(self, run: Call) -> RunFuture:
        """Queue a run.

        Raises:
            BusyError: as many as may wait do already.
        """
        future = RunFuture(self)
        with self._changed:
            if self._closed:
                raise InputError("session: found it closed, wanted it open; make a new Session")
            # Free threads take what waits, so that much may wait beyond the bound.
            free = self._most_threads - len(self._running)
            if len(self._waiting) >= self._most_waiting + free:
                raise BusyError(
                    f"run_async: found {len(self._running)} runs going on and "
                    f"{len(self._waiting)} waiting, wanted fewer than "
                    f"{self._most_threads + self._most_waiting} together; "
                    "retry later, or raise SessionOptions.async_waiting or async_threads"
                )
            needed = len(self._running) + len(self._waiting) + 1
            if len(self._threads) < min(self._most_threads, needed):
                name = f"edgeinfer-run-{len(self._threads)}"
                thread = threading.Thread(target=_work, args=(self,), name=name, daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:
                    raise RunError(
                        f"run_async: no thread can be started ({error}); raise the limit on "
                        "threads, or use run"
                    ) from error
                self._threads.append(thread)
            self._waiting.append((future, run))
            self._changed.notify()
        return future

    def forget(self, future: RunFuture) -> bool:
        """Let go of a waiting run, and of what it holds; False when it waits no more."""
        with self._changed:
            for at, (waiting, _) in enumerate(self._waiting):
                if waiting is future:
                    del self._waiting[at]
                    return True
        return False

    def close(self, *, cancel: bool) -> None:
        """Take no more runs; the threads end behind the last one. Never waits.

        Args:
            cancel: drop what waits and stop what runs, instead of finishing it.
        """
        with self._changed:
            self._closed = True
            dropped = [future for future, _ in self._waiting] if cancel else []
            dropped += self._running if cancel else []
            self._changed.notify_all()
        for future in dropped:
            future.cancel()

    def take(self) -> tuple[RunFuture, Call] | None:
        """The next run, once there is one; None when the queue is closed and empty."""
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return None
                self._changed.wait()
            future, run = self._waiting.popleft()
            self._running.add(future)
            return future, run

    def join(self, deadline: float) -> None:
        """Wait for the threads of a closed queue, until ``time.monotonic()`` is the deadline."""
        for thread in list(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))

    def finished(self, future: RunFuture) -> None:
        """Make room for the next run."""
        with self._changed:
            self._running.discard(future)


_OPEN: weakref.WeakSet[RunQueue] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    queues = list(_OPEN)
    for queue in queues:
        queue.close(cancel=True)
    # The interpreter ends a thread that asks for its lock later by unwinding it, which must not
    # meet a run on its way back. One that is still in the runtime never comes back.
    deadline = time.monotonic() + LONGEST_END_S
    for queue in queues:
        queue.join(deadline)


def _work(queue: RunQueue) -> None:
    while (taken := queue.take()) is not None:
        _finish(queue, *taken)
        del taken  # its inputs go with the run, not with the next one


def _finish(queue: RunQueue, future: RunFuture, run: Call) -> None:
    try:
        if not future.set_running_or_notify_cancel():
            queue.finished(future)
            return
        try:
            result = run(future._token._token)
        except BaseException as error:  # noqa: BLE001 - whatever it is belongs to the caller
            queue.finished(future)
            del run
            _settle(future.set_exception, error)
        else:
            queue.finished(future)
            del run
            _settle(future.set_result, result)
    finally:
        # A traceback holds this frame, and the future holds the traceback.
        del future


def _settle(tell: Callable[[Any], None], outcome: object) -> None:
    """Set a future's outcome, which runs the callbacks."""
    try:
        tell(outcome)
    except BaseException:  # noqa: BLE001 - this thread is the session's, not the callback's to end
        # The outcome stands: only callbacks come behind it. SystemExit is dropped in silence here,
        # as it is in any thread but the main one.
        kind, error, trace = sys.exc_info()
        thread = threading.current_thread()
        threading.excepthook(threading.ExceptHookArgs((kind, error, trace, thread)))
