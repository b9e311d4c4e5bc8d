"""What is timed in turn: one callable a way, and the proof that it uses one thread."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")
# One side: does the whole work for the round of that number.
Side = Callable[[int], object]

# Share of a side's processor time that may be spent outside the calling thread.
OTHER_THREADS = 0.02
# Libraries of other sides wake up for themselves now and then; a thread that works is seen always.
ATTEMPTS = 3


def each_frame(call: Callable[[T], object], frames: Sequence[T]) -> Side:
    """A side that takes the frames in turn."""
    return lambda number: call(frames[number % len(frames)])


def same_input(call: Callable[[], object]) -> Side:
    """A side without an input, or with one that does not change."""
    return lambda _: call()


def require_one_thread(
    sides: Mapping[str, Side], calls: int = 10, worker: Collection[str] = ()
) -> None:
    """Raise AssertionError if a side works in other threads; a loaded machine cannot hide them.

    The least of three attempts counts. The sides in ``worker`` let one thread of their own do
    everything while the caller waits: they may not use more processor time than has gone by.
    """
    for name, call in sides.items():
        call(0)
        if name in worker:
            _require_one_worker(name, call, calls)
            continue
        elsewhere = min(_share_elsewhere(call, calls) for _ in range(ATTEMPTS))
        if elsewhere > OTHER_THREADS:
            raise AssertionError(
                f"{name}: {elsewhere:.0%} of the processor time was spent outside the "
                "calling thread; one thread was agreed"
            )


def _share_elsewhere(call: Side, calls: int) -> float:
    process, thread = time.process_time(), time.thread_time()
    for number in range(calls):
        call(number)
    process, thread = time.process_time() - process, time.thread_time() - thread
    return 1 - thread / process


def _require_one_worker(name: str, call: Side, calls: int) -> None:
    wall, process = time.perf_counter(), time.process_time()
    for number in range(calls):
        call(number)
    wall, process = time.perf_counter() - wall, time.process_time() - process
    if process > (1 + OTHER_THREADS) * wall:
        raise AssertionError(
            f"{name}: {process / wall:.2f} processors were busy; one thread was agreed"
        )
