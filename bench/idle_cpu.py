"""What a loaded session costs between frames: processor time outside ``run`` at 5 frames/s.

python bench/idle_cpu.py [SECONDS]
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import edgeinfer
from two_sessions import MODELS, NETWORKS, checked_pair

FRAMES_A_SECOND = 5.0
SECONDS = 60.0


@dataclass(frozen=True)
class IdleCost:
    """Processor seconds of all threads, per second of the clock.

    ``outside`` is what is spent between runs, this program's own waiting included; ``inside`` what
    the runs themselves take.
    """

    outside: float
    inside: float
    seconds: float


def idle_cpu(
    seconds: float = SECONDS,
    threads: int | None = None,
    spin: str = "auto",
    model: Path = MODELS / NETWORKS[0],
) -> IdleCost:
    """Run a network at 5 frames/s; the answer is checked first.

    Raises:
        AssertionError: the session gives something else than one of one thread.
        ValueError: fewer than two frames fit into ``seconds``.
    """
    frames = int(seconds * FRAMES_A_SECOND)
    if frames < 2:
        raise ValueError(f"need at least {2 / FRAMES_A_SECOND} seconds, got {seconds}")
    sessions, bindings = checked_pair([model], threads)
    if spin != "auto":
        sessions[0].close()
        options = edgeinfer.SessionOptions(spin=spin)  # type: ignore[arg-type]
        sessions = [edgeinfer.Session(model, threads=threads, options=options)]
        bindings = [sessions[0].bind()]
    inside = 0.0
    start, used = time.perf_counter(), time.process_time()
    for frame in range(frames):
        time.sleep(max(0.0, start + frame / FRAMES_A_SECOND - time.perf_counter()))
        before = time.process_time()
        bindings[0].run()
        inside += time.process_time() - before
    time.sleep(max(0.0, start + frames / FRAMES_A_SECOND - time.perf_counter()))
    used, elapsed = time.process_time() - used, time.perf_counter() - start
    sessions[0].close()
    assert np.isfinite(next(iter(bindings[0].outputs.values()))).all()
    return IdleCost((used - inside) / elapsed, inside / elapsed, elapsed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=SECONDS)
    seconds = parser.parse_args().seconds
    for threads, spin in ((None, "auto"), (2, "auto"), (2, "on")):
        cost = idle_cpu(seconds, threads, spin)
        pool = "shared pool" if threads is None else f"{threads} threads"
        print(f"{pool}, spin={spin}: {cost.outside:.3%} outside runs, {cost.inside:.2%} in them")


if __name__ == "__main__":
    main()
