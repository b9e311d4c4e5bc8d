"""Facts of a Raspberry Pi 4, of damaged trees, and of the machine that runs the tests."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeinfer.machine import read_machine, resident_kib

from .conftest import Board

GROUP = "sys/fs/cgroup/user.slice/user-1000.slice"


def test_a_raspberry_pi_is_read(pi4: Board) -> None:
    machine = pi4.read()
    assert machine.board == "Raspberry Pi 4 Model B Rev 1.1"
    assert machine.cpu == "Cortex-A72"
    assert machine.architecture == "aarch64"
    assert machine.kernel == "Linux 6.6.20"
    assert (machine.cores, machine.usable, machine.quota) == (4, 4, None)
    assert machine.governors == ("ondemand",)
    assert (machine.mhz, machine.mhz_max) == (600, 1500)
    assert machine.temperature_c == pytest.approx(48.686)
    assert machine.throttling is not None
    assert machine.throttling.bits == 0
    assert machine.load == 0.52
    assert machine.memory is not None
    assert machine.memory.total == 3882988 * 1024
    assert machine.memory.usable == 3412232 * 1024
    assert machine.memory.limit is None
    assert machine.clock_synchronised is True


def test_the_kernels_file_of_the_firmware_is_hexadecimal(pi4: Board) -> None:
    pi4.write("sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n")
    throttling = pi4.read().throttling
    assert throttling is not None
    assert throttling.bits == 0x50005
    assert throttling.now == ("under-voltage", "throttled")
    assert throttling.since_boot == ("under-voltage", "throttled")


def test_the_firmwares_tool_goes_before_the_file(pi4: Board, tool: Callable[[str], str]) -> None:
    throttling = pi4.read(vcgencmd=tool('[ "$1" = get_throttled ] && echo throttled=0x80008'))
    assert throttling.throttling is not None
    assert throttling.throttling.now == ("soft temperature limit",)


@pytest.mark.parametrize(
    "script", ["exit 1", "echo VCHI initialization failed", "echo throttled=", "kill -9 $$"]
)
def test_a_tool_that_fails_leaves_the_file(
    pi4: Board, tool: Callable[[str], str], script: str
) -> None:
    pi4.write("sys/devices/platform/soc/soc:firmware/get_throttled", "4\n")
    throttling = pi4.read(vcgencmd=tool(script)).throttling
    assert throttling is not None
    assert throttling.now == ("throttled",)


def test_the_tightest_group_of_version_2_counts(pi4: Board) -> None:
    pi4.write(f"{GROUP}/memory.max", f"{512 << 20}\n")
    pi4.write(f"{GROUP}/memory.current", f"{500 << 20}\n")
    pi4.write(f"{GROUP}/session-3.scope/cpu.max", "300000 100000\n")
    pi4.write(f"{GROUP}/cpu.max", "150000 100000\n")
    machine = pi4.read()
    assert machine.quota == 1.5
    assert machine.memory is not None
    assert (machine.memory.limit, machine.memory.limit_left) == (512 << 20, 12 << 20)
    assert machine.memory.usable == 12 << 20


def test_groups_of_version_1_are_read(pi4: Board) -> None:
    pi4.write("proc/self/cgroup", "4:memory:/docker/f00\n3:cpuacct,cpu:/docker/f00\n0::/\n")
    pi4.write("sys/fs/cgroup/memory/memory.limit_in_bytes", f"{256 << 20}\n")
    pi4.write("sys/fs/cgroup/memory/memory.usage_in_bytes", f"{56 << 20}\n")
    pi4.write("sys/fs/cgroup/cpu/docker/f00/cpu.cfs_quota_us", "50000\n")
    pi4.write("sys/fs/cgroup/cpu/docker/f00/cpu.cfs_period_us", "100000\n")
    machine = pi4.read()
    assert machine.quota == 0.5
    assert machine.memory is not None
    assert machine.memory.limit_left == 200 << 20


def test_no_limit_of_version_1_is_none(pi4: Board) -> None:
    pi4.write("proc/self/cgroup", "4:memory:/\n3:cpu:/\n")
    pi4.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    pi4.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
    pi4.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
    machine = pi4.read()
    assert machine.quota is None
    assert machine.memory is not None
    assert machine.memory.limit is None


def test_an_empty_tree_has_no_facts_and_no_errors(tmp_path: Path) -> None:
    machine = Board(tmp_path).read()
    assert machine.board is None
    assert machine.cpu == "aarch64"
    assert machine.governors == ()
    for name in ("mhz", "mhz_max", "temperature_c", "throttling", "load", "memory", "quota"):
        assert getattr(machine, name) is None, name


@pytest.mark.parametrize(
    "path",
    [
        *("proc/cpuinfo", "proc/meminfo", "proc/loadavg", "proc/self/cgroup"),
        *("proc/device-tree/model", "sys/class/thermal/thermal_zone0/temp"),
        "sys/devices/platform/soc/soc:firmware/get_throttled",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq",
        f"{GROUP}/memory.max",
        "sys/fs/cgroup/cpu.max",
    ],
)
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0garbage:\n:\n::", b"-\n", b"1e400 nan\n"])
def test_damaged_files_are_no_errors(pi4: Board, path: str, content: bytes) -> None:
    pi4.write("sys/fs/cgroup/memory.max", "1000000000")
    for name in (path, "sys/fs/cgroup/memory.current"):
        pi4.write(name, "")
        (pi4.root / name).write_bytes(content)
    machine = pi4.read()
    assert machine.to_dict()["architecture"] == "aarch64"


def test_this_machine_is_read_with_what_python_knows() -> None:
    machine = read_machine()
    assert machine.usable == len(os.sched_getaffinity(0))
    assert machine.architecture == os.uname().machine
    assert machine.memory is not None
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert machine.memory.total == pages


def test_memory_of_this_process_is_below_its_peak() -> None:
    now, peak = resident_kib()
    assert now is not None
    assert peak is not None
    assert 1000 < now <= peak
