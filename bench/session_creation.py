"""Row: the time to create a session of ResNet50, float32, 102 MB, when the cache is warm.

Both libraries are loaded and the file is in the page cache; one thread. Closing is not timed, and
no two sessions live at once, so that every side finds the same memory. The cache lies in a folder
of its own, filled by the round that does not count.
"""

import gc
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnxruntime as ort

import edgeinfer as ei
from classifiers import SIZE
from frames import natural_frame
from layers import INPUT
from peers import Tensor, common_preprocess, one_thread_session
from quantise_networks import resnet50_file
from rows import Figure, Outcome
from timing import NS_PER_MS, Timings

ROUNDS = 11
CACHED = "edgeinfer, cache warm"
UNCACHED = "edgeinfer, no cache"
PEER = "InferenceSession"
CACHE_VARIABLE = "EDGEINFER_CACHE"
# Ours and the wheel's library are one build; what is cached may lie in another layout.
SAME = 1e-5

# mypy takes an alias with an untyped part for a variable; onnxruntime ships no types.
Session: TypeAlias = ei.Session | ort.InferenceSession


def answer(session: Session, tensor: Tensor) -> Tensor:
    if isinstance(session, ei.Session):
        return next(iter(session.run(tensor).values()))
    scores: Tensor = session.run(None, {INPUT: tensor})[0]
    return scores


def creations(create: Mapping[str, Callable[[], Session]], rounds: int) -> Timings:
    """Milliseconds to create each side's session, in an order drawn anew for each round."""
    rng = np.random.default_rng(0)
    names = list(create)
    samples = {name: np.empty(rounds) for name in names}
    for number in range(-1, rounds):
        for index in rng.permutation(len(names)):
            name = names[index]
            gc.collect()
            start = time.perf_counter_ns()
            session = create[name]()
            elapsed = time.perf_counter_ns() - start
            if isinstance(session, ei.Session):
                session.close()
            del session
            if number >= 0:
                samples[name][number] = elapsed / NS_PER_MS
    return Timings(samples)


def check(create: Mapping[str, Callable[[], Session]]) -> str:
    """The cached session answers as the uncached one to the last bit, both as onnxruntime's."""
    tensor = common_preprocess(natural_frame(0), SIZE)
    found = {name: answer(call(), tensor) for name, call in create.items()}
    # Once more: the first one filled the cache, this one is answered from it.
    cached = create[CACHED]()
    found["from the cache"] = answer(cached, tensor)
    for name in (CACHED, "from the cache"):
        if not np.array_equal(found[name], found[UNCACHED]):
            raise AssertionError(f"{name}: scores are not those of {UNCACHED}, bit for bit")
    wanted = found[PEER]
    away = float(np.abs(found[UNCACHED] - wanted).max() / wanted.std())
    if away > SAME:
        raise AssertionError(f"{UNCACHED}: scores differ from onnxruntime's by {away:.2g}")
    told = cached.describe().get("cache", {}) if isinstance(cached, ei.Session) else {}
    return (
        f"scores equal bit for bit with and without the cache, and {away:.1g} standard deviations "
        f"from onnxruntime's (bound {SAME:g}); the cache says: {told.get('why', 'nothing')}"
    )


def sides_of(path: Path) -> dict[str, Callable[[], Session]]:
    return {
        CACHED: lambda: ei.Session(path, threads=1),
        UNCACHED: lambda: ei.Session(path, threads=1, cache=False),
        PEER: lambda: one_thread_session(path),
    }


def measure() -> Outcome:
    path = resnet50_file()
    path.read_bytes()  # into the page cache
    with tempfile.TemporaryDirectory() as folder:
        os.environ[CACHE_VARIABLE] = folder
        create = sides_of(path)
        checked = check(create)
        timings = creations(create, ROUNDS)
        kept = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    return Outcome(
        checked=checked,
        figures=(
            Figure("InferenceSession creation", timings.ratio(PEER, CACHED), 5, 7),
            Figure("edgeinfer without a cache", timings.ratio(UNCACHED, CACHED)),
        ),
        sides={name: timings.summary(name) for name in create},
        notes=() if kept else ("the cache folder stayed empty: this build keeps no models",),
    )
