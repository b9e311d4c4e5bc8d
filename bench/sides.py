"""What is timed in turn: one callable a way, and the proof that it uses one thread."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")
# One side: does the whole work for the round of that number.
Side = Callable[[int], object]

# Share of a side's processor time that may be spent outside the calling thread.
OTHER_THREADS = 0.02


def each_frame(call: Callable[[T], object], frames: Sequence[T]) -> Side:
    """A side that takes the frames in turn."""
    return lambda number: call(frames[number % len(frames)])


def same_input(call: Callable[[], object]) -> Side:
    """A side without an input, or with one that does not change."""
    return lambda _: call()


def require_one_thread(sides: Mapping[str, Side], calls: int = 10) -> None:
    """Raise AssertionError if a side works in other threads; a loaded machine cannot hide them."""
    for name, call in sides.items():
        call(0)
        process, thread = time.process_time(), time.thread_time()
        for number in range(calls):
            call(number)
        process, thread = time.process_time() - process, time.thread_time() - thread
        if process - thread > OTHER_THREADS * process:
            raise AssertionError(
                f"{name}: {1 - thread / process:.0%} of the processor time was spent outside the "
                "calling thread; one thread was agreed"
            )
