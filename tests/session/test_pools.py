"""One pool for all sessions of a process, own pools on request, and how their threads wait."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import edgeinfer as ei
from edgeinfer import _core
from session.networks import convolution, with_resize

from .test_loader import carried, library, python

X = np.ones((1, 3, 32, 32), np.float32)
TASKS = Path("/proc/self/task")
linux = pytest.mark.skipif(not TASKS.is_dir(), reason="counts threads in /proc")

COUNT = """
import json, os, sys
import numpy as np
import edgeinfer as ei

def tasks():
    return len(os.listdir("/proc/self/task"))

model, x = bytes.fromhex(sys.argv[1]), np.ones((1, 3, 32, 32), np.float32)
sessions, counts = [], [tasks()]
for threads in json.loads(sys.argv[2]):
    sessions.append(ei.Session(model, threads=threads))
    sessions[-1].run(x)
    counts.append(tasks())
print(json.dumps({
    "gained": [after - before for before, after in zip(counts, counts[1:])],
    "told": [session.describe()["threads"] for session in sessions],
}))
"""


def count(*threads: int | None, before: str = "") -> dict[str, list[object]]:
    """Threads that a process of its own gains with each of these sessions, and what they tell."""
    done = subprocess.run(
        [sys.executable, "-c", before + COUNT, convolution().hex(), json.dumps(threads)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, list[object]] = json.loads(done.stdout)
    return found


@linux
def test_all_sessions_of_a_process_share_one_pool() -> None:
    found = count(None, None, None, 1, None)
    cores = _core.usable_cores()
    assert found["gained"] == [cores - 1, 0, 0, 0, 0]
    assert found["told"][0] == {
        "count": cores,
        "pool": "shared",
        "spin": "never",
        "why": "the shared pool never spins: the runtime would let it spin between runs too",
    }


@linux
def test_a_number_of_threads_is_a_pool_of_ones_own_and_one_is_none() -> None:
    cores = _core.usable_cores()
    found = count(1, 3, 2)
    # The first session opens the shared pool, too.
    assert found["gained"] == [cores - 1, 2, 1]
    assert [(one["count"], one["pool"]) for one in found["told"]] == [
        (1, "own"),
        (3, "own"),
        (2, "own"),
    ]


@linux
def test_a_process_that_may_use_one_processor_gets_no_second_thread() -> None:
    one = min(os.sched_getaffinity(0))
    found = count(None, before=f"import os\nos.sched_setaffinity(0, {{{one}}})\n")
    assert found["gained"] == [0]
    assert found["told"][0]["count"] == 1


def told(session: ei.Session) -> dict[str, object]:
    threads: dict[str, object] = session.describe()["threads"]
    return threads


def briefly() -> bool:
    """Whether the runtime knows brief spinning, and two threads have a core each."""
    version = ei.open_runtime().version.split(".")
    return (int(version[0]), int(version[1])) >= (1, 26) and _core.usable_cores() >= 2


def test_an_own_pool_spins_briefly_while_its_threads_have_cores_of_their_own() -> None:
    if not briefly():
        pytest.skip("this runtime or machine does not let a pool spin")
    cores = _core.usable_cores()
    with ei.Session(convolution(), threads=cores) as first:
        assert told(first)["spin"] == "20 us behind each piece of work"
        second = ei.Session(convolution(), threads=2)
        assert told(second)["spin"] == "never"
        assert f"{cores} more that spin and {cores} usable cores" in str(told(second)["why"])
        np.testing.assert_array_equal(first.run(X)["y"], second.run(X)["y"])
    # Room again behind the first one's end; it was counted out once.
    for _ in range(2):
        with ei.Session(convolution(), threads=cores) as third:
            assert told(third)["spin"] == "20 us behind each piece of work"
    beyond = ei.Session(convolution(), threads=cores + 1)
    assert told(beyond)["spin"] == "never"


def test_a_session_that_does_not_load_leaves_its_threads_uncounted() -> None:
    if not briefly():
        pytest.skip("this runtime or machine does not let a pool spin")
    cores = _core.usable_cores()
    wrong = ei.SessionOptions(config={"session.load_model_format": "ORT"})
    for _ in range(3):
        with pytest.raises(ei.ModelError):
            ei.Session(convolution(), threads=cores, options=wrong)
    with ei.Session(convolution(), threads=cores) as session:
        assert told(session)["spin"] == "20 us behind each piece of work"


PRETENDS = """
#include <dlfcn.h>
struct Base { const void *(*get)(unsigned); const char *(*version)(void); };
static const void *get(unsigned wanted) {
    void *carried = dlopen(CARRIED, RTLD_NOW | RTLD_LOCAL);
    return ((const struct Base *(*)(void))dlsym(carried, "OrtGetApiBase"))()->get(wanted);
}
static const char *version(void) { return VERSION; }
static const struct Base base = {get, version};
const struct Base *OrtGetApiBase(void) { return &base; }
"""


@pytest.mark.parametrize(("version", "briefly"), [("1.25.9", False), ("1.26.0", True)])
def test_a_runtime_that_cannot_spin_briefly_is_not_asked_to(
    tmp_path: Path, version: str, briefly: bool
) -> None:
    source = f'#define CARRIED "{carried()}"\n#define VERSION "{version}"\n{PRETENDS}'
    done = python(
        f"session = ei.Session(bytes.fromhex({convolution().hex()!r}), threads=2)\n"
        "print(session.describe()['threads'])",
        EDGEINFER_ONNXRUNTIME=str(library(tmp_path, source)),
    )
    assert done.returncode == 0, done.stderr
    assert ("cannot spin briefly; 1.26 can" not in done.stdout) == briefly, done.stdout
    if not briefly:
        assert "'spin': 'never'" in done.stdout


def test_spin_says_what_the_user_chose() -> None:
    on = ei.Session(convolution(), threads=2, options=ei.SessionOptions(spin="on"))
    assert told(on)["spin"] == "as long as the runtime does"
    off = ei.Session(convolution(), threads=2, options=ei.SessionOptions(spin="off"))
    assert (told(off)["spin"], told(off)["why"]) == ("never", "spin is off")
    alone = ei.Session(convolution(), threads=1)
    assert told(alone)["why"] == "one thread computes alone"
    np.testing.assert_array_equal(on.run(X)["y"], off.run(X)["y"])


SPENT = """
import sys, time
import numpy as np
import edgeinfer as ei

options = ei.SessionOptions(spin=sys.argv[2])
session = ei.Session(bytes.fromhex(sys.argv[1]), threads=2, options=options)
x = np.ones((1, 3, 512, 512), np.float32)
spent = 0.0
for _ in range(20):
    session.run(x)
    before = time.process_time()
    time.sleep(0.03)  # what is spent meanwhile is spent by threads that wait
    spent += time.process_time() - before
print(spent)
"""


def spent_waiting(spin: str) -> float:
    model = convolution(512).hex()
    done = subprocess.run(
        [sys.executable, "-c", SPENT, model, spin], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    return float(done.stdout)


def test_how_to_spin_reaches_the_runtime() -> None:
    if not briefly():
        pytest.skip("this runtime or machine does not let a pool spin")
    # Spinning takes up to 600 ms of 600 here, however busy the machine is: a share of it at least.
    assert spent_waiting("on") > 10 * max(spent_waiting("auto"), spent_waiting("off"), 0.002)


def test_the_parts_of_a_cut_file_do_not_take_the_core_s_cores() -> None:
    if not briefly():
        pytest.skip("this runtime or machine does not let a pool spin")
    cores = _core.usable_cores()
    with ei.Session(with_resize(convolution(8)), threads=cores) as session:
        assert session.describe()["tail"]["cut"]
        assert told(session)["spin"] == "20 us behind each piece of work"


def fake_root(tmp_path: Path, siblings: dict[int, str], groups: str, **files: str) -> str:
    for processor, cores in siblings.items():
        folder = tmp_path / f"sys/devices/system/cpu/cpu{processor}/topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(cores + "\n")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return str(tmp_path)


@linux
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="asks for the affinity")
class TestCores:
    processors = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []

    def alone(self) -> dict[int, str]:
        return {processor: str(processor) for processor in self.processors}

    def test_hyperthreads_of_one_core_count_once(self, tmp_path: Path) -> None:
        together = dict.fromkeys(self.processors, "0-255")
        assert _core.usable_cores(fake_root(tmp_path, together, "")) == 1

    def test_processors_of_unknown_cores_count_each(self, tmp_path: Path) -> None:
        assert _core.usable_cores(fake_root(tmp_path, {}, "")) == len(self.processors)

    @pytest.mark.parametrize(
        ("limit", "cores"),
        [
            ("100000 100000", 1),
            ("50000 100000", 1),
            ("199999 100000", 1),
            ("200000 100000", 2),
            ("max 100000", None),
            ("nonsense", None),
            ("-1 100000", None),
            ("100000 0", None),
            ("", None),
            ("nan nan", None),
        ],
    )
    def test_a_quota_counts_in_whole_cores(
        self, tmp_path: Path, limit: str, cores: int | None
    ) -> None:
        root = fake_root(tmp_path, self.alone(), "0::/\n", **{"cpu.max": limit})
        whole = len(self.processors)
        assert _core.usable_cores(root) == (whole if cores is None else min(whole, cores))

    def test_the_tightest_group_above_counts(self, tmp_path: Path) -> None:
        files = {"a/cpu.max": "100000 100000", "a/b/c/cpu.max": "max 100000"}
        root = fake_root(tmp_path, self.alone(), "0::/a/b/c\n", **files)
        assert _core.usable_cores(root) == 1

    @pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
    def test_the_older_groups_count_too(self, tmp_path: Path, mount: str) -> None:
        # As a container sees it: its own group is the mount's root, whatever its path outside.
        files = {f"{mount}/cpu.cfs_quota_us": "100000", f"{mount}/cpu.cfs_period_us": "100000"}
        groups = "4:memory:/x\n3:cpu,cpuacct:/outside/id\n0::/\n"
        root = fake_root(tmp_path, self.alone(), groups, **files)
        assert _core.usable_cores(root) == 1

    def test_the_older_groups_say_minus_one_for_no_limit(self, tmp_path: Path) -> None:
        files = {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}
        root = fake_root(tmp_path, self.alone(), "3:cpu:/\n", **files)
        assert _core.usable_cores(root) == len(self.processors)
