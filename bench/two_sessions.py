"""Two sessions of one process: called in turn by one thread, and busy at once in two.

Sessions that each own a pool whose threads spin steal each other's cores. Here both share the
process's pool, the default, or own one each (``threads=2``). What a session does alone and beside
the other is measured in turns in one process, so that the machine's moods hit both alike.

    python bench/two_sessions.py
"""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import edgeinfer
from timing import NS_PER_MS, Ratio, Timings

# Of one weight class: a network that fits into a core's cache loses it to a large one in between,
# with one thread as with two.
NETWORKS = ("mobilenet_v2_1.0_224.onnx", "ultraface_rfb_320.onnx")
MODELS = Path(__file__).resolve().parents[2] / "shared" / "data" / "models"
CALLS = 10  # in a block; the first two warm the caches and the threads up
WARMUP = 2
WINDOW_S = 0.3
ALONE, BESIDE = "alone", "beside the other"


def checked_pair(
    models: Sequence[Path], threads: int | None
) -> tuple[list[edgeinfer.Session], list[edgeinfer.Binding]]:
    """Sessions and bindings filled with a seeded picture; they answer as one thread does.

    Raises:
        AssertionError: a session gives something else than a session of one thread.
    """
    rng = np.random.default_rng(0)
    sessions, bindings = [], []
    for model in models:
        session = edgeinfer.Session(model, threads=threads)
        binding = session.bind()
        for tensor in binding.inputs.values():
            tensor[...] = rng.random(tensor.shape, dtype=np.float32)
        binding.run()
        with edgeinfer.Session(model, threads=1) as single:
            wanted = single.run(dict(binding.inputs))
        for name, result in binding.outputs.items():
            np.testing.assert_allclose(result, wanted[name], rtol=1e-4, atol=1e-4)
        sessions.append(session)
        bindings.append(binding)
    return sessions, bindings


def in_turn(
    threads: int | None = None,
    rounds: int = 60,
    networks: Sequence[str] = NETWORKS,
    models: Path = MODELS,
) -> dict[str, Ratio]:
    """For each network: time of a run in turn with the other network's over that of one alone.

    Each round times every network in a block of its own and in a block of turns. A ratio of 1 is
    ideal; the median over all rounds.
    """
    sessions, bindings = checked_pair([models / name for name in networks], threads)
    samples: dict[str, dict[str, list[float]]] = {n: {ALONE: [], BESIDE: []} for n in networks}
    order = np.random.default_rng(1)
    for _ in range(rounds):
        blocks: list[list[int]] = [[0] * CALLS, [1] * CALLS, [0, 1] * CALLS]
        for index in order.permutation(len(blocks)):
            kind = BESIDE if index == 2 else ALONE
            times = _timed(bindings, blocks[index])
            for network in set(blocks[index]):
                own = [t for which, t in times if which == network][WARMUP:]
                samples[networks[network]][kind].append(float(np.median(own)))
    for session in sessions:
        session.close()
    return {
        name: Timings({side: np.array(ms) for side, ms in sides.items()}).ratio(BESIDE, ALONE)
        for name, sides in samples.items()
    }


def at_once(
    threads: int | None = None,
    rounds: int = 10,
    networks: Sequence[str] = NETWORKS,
    models: Path = MODELS,
) -> dict[str, Ratio]:
    """For each network: runs a second of two sessions of it, each busy in a thread of its own,
    over those of one session alone. 1 is what one session reaches; more is gain.
    """
    found = {}
    for name in networks:
        sessions, bindings = checked_pair([models / name] * 2, threads)
        rates: dict[str, list[float]] = {ALONE: [], BESIDE: []}
        for number in range(rounds):
            sides = [(ALONE, bindings[number % 2 :][:1]), (BESIDE, bindings)]
            for kind, busy in sides if number % 4 < 2 else sides[::-1]:
                rates[kind].append(_runs_a_second(busy))
        for session in sessions:
            session.close()
        # The ruler divides times; a rate is one turned over.
        times = {kind: 1 / np.array(values) for kind, values in rates.items()}
        found[name] = Timings(times).ratio(ALONE, BESIDE)
    return found


def _timed(bindings: Sequence[edgeinfer.Binding], turns: Sequence[int]) -> list[tuple[int, float]]:
    times = []
    for which in turns:
        start = time.perf_counter_ns()
        bindings[which].run()
        times.append((which, (time.perf_counter_ns() - start) / NS_PER_MS))
    return times


def _runs_a_second(bindings: Sequence[edgeinfer.Binding]) -> float:
    counts: NDArray[np.int64] = np.zeros(len(bindings), np.int64)
    begin = threading.Barrier(len(bindings) + 1)
    stop = threading.Event()

    def busy(index: int) -> None:
        begin.wait()
        while not stop.is_set():
            bindings[index].run()
            counts[index] += 1

    threads = [threading.Thread(target=busy, args=(i,)) for i in range(len(bindings))]
    for thread in threads:
        thread.start()
    begin.wait()
    start = time.perf_counter()
    stop.wait(WINDOW_S)
    stop.set()
    for thread in threads:
        thread.join()
    return float(counts.sum()) / (time.perf_counter() - start)


def main() -> None:
    for threads in (None, 2, 1):
        pool = "shared pool" if threads is None else f"threads={threads}"
        for title, ratios in (
            ("in turn / alone", in_turn(threads)),
            ("throughput of two / one", at_once(threads)),
        ):
            for name, ratio in ratios.items():
                print(f"{pool}: {title}, {name}: {ratio.value:.3f}", end=" ")
                print(f"({ratio.low:.3f} to {ratio.high:.3f})")


if __name__ == "__main__":
    main()
