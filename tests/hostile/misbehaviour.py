"""Work that does each thing a runner has to tell apart."""

import ctypes
import os
import sys
import threading
import time

from edgeinfer.errors import InputError, RunError


def behave(how: str) -> str:
    """Do what the argument says."""
    if how == "typed":
        raise InputError("found this, wanted that")
    if how == "untyped":
        raise ZeroDivisionError("not ours")
    if how == "crash":
        ctypes.string_at(0)
    if how == "exit":
        os._exit(7)
    if how == "hang":
        while True:
            time.sleep(60)
    if how == "print":
        print("a word")
        print("another", file=sys.stderr)
    if how.startswith("take "):
        block = bytearray(int(how.split()[1]) * 10**6)
        block[::4096] = bytes(len(block[::4096]))
    if how.startswith("hide "):
        try:
            bytearray(int(how.split()[1]) * 10**6)
        except MemoryError as error:
            raise RunError("out of memory") from error
    return how.upper()


def warm() -> None:
    """Import what a child would."""
    import numpy  # noqa: F401 - for its cost only


def start_a_thread() -> None:
    """Be a setup that cannot be forked."""
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
