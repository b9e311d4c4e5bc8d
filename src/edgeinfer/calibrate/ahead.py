"""Samples are prepared in threads of their own while the network runs, and come in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ahead"]

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


def ahead(
    items: Iterable[_Item], make: Callable[[_Item], _Made], workers: int
) -> Generator[_Made, None, None]:
    """Give ``make(item)`` of each item, in order.

    Whatever ``items`` or ``make`` raises comes behind what was made of the items before.

    Args:
        items: iterated over in the caller's thread.
        workers: threads, each of which is at most one item ahead; 0: none, in the caller's.
    """
    if workers == 0:
        yield from map(make, items)
        return
    source = iter(items)
    failure: Exception | None = None
    waiting: deque[Future[_Made]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="edgeinfer-samples") as pool:
        try:
            while True:
                try:
                    item = next(source)
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001 - raised behind what came before it
                    failure = error
                    break
                waiting.append(pool.submit(make, item))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()
    if failure is not None:
        raise failure
