"""Facts about the machine: board, cores, clock, heat, power, memory.

Needs the standard library only and reads files below ``root``, so that it works where nothing else
does and a recorded tree of another machine can be read too. What a system does not tell is None.
"""

from __future__ import annotations

import ctypes
import math
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["Machine", "Memory", "Throttling", "busy_seconds", "read_machine", "resident_kib"]

_POWER: Final = {
    0: "under-voltage",
    1: "frequency capped",
    2: "throttled",
    3: "soft temperature limit",
}
_SINCE_BOOT: Final = 16
# Raspberry Pi's parts; other implementers number theirs otherwise.
_ARM_PARTS: Final = {
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
}
_ASK_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Throttling:
    """The firmware's word of a Raspberry Pi: what limits it now, and what did since it booted.

    Source: ``vcgencmd get_throttled``, else the kernel's file with the same bits.
    """

    bits: int

    @property
    def now(self) -> tuple[str, ...]:
        """What holds at this moment."""
        return tuple(text for bit, text in _POWER.items() if self.bits >> bit & 1)

    @property
    def since_boot(self) -> tuple[str, ...]:
        """What has happened since the machine started."""
        return tuple(text for bit, text in _POWER.items() if self.bits >> (bit + _SINCE_BOOT) & 1)


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. ``limit`` and ``limit_left`` are the control group's, None without one."""

    total: int
    available: int
    swap_total: int
    swap_free: int
    limit: int | None = None
    limit_left: int | None = None

    @property
    def usable(self) -> int:
        """What this process may still take."""
        return self.available if self.limit_left is None else min(self.available, self.limit_left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine at one moment.

    Attributes:
        board: the device tree's name of it.
        cpu: its name, as exact as the system tells.
        architecture: as the kernel spells it.
        kernel: release without the vendor's suffix.
        glibc: version of the C library, None for another one.
        cores: that the machine has; usable: that this process may run on.
        quota: how many cores' time the control group allows.
        governors: of the cores' clocks, each once.
        mhz: of the first core now; mhz_max: what it may reach.
        temperature_c: the hottest zone, degrees Celsius.
        throttling: of a Raspberry Pi.
        load: average number of runnable tasks over the last minute.
        clock_synchronised: whether the kernel's clock is held by a time source.
    """

    board: str | None
    cpu: str
    architecture: str
    kernel: str
    glibc: str | None
    cores: int
    usable: int
    quota: float | None
    governors: tuple[str, ...]
    mhz: float | None
    mhz_max: float | None
    temperature_c: float | None
    throttling: Throttling | None
    load: float | None
    memory: Memory | None
    clock_synchronised: bool | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values that ``json`` can write."""
        facts = asdict(self)
        if self.throttling is not None:
            facts["throttling"] |= {
                "now": self.throttling.now,
                "since_boot": self.throttling.since_boot,
            }
        return facts


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _clock_synchronised() -> bool | None:
    """The kernel's word, which every time service keeps; asking needs no right."""
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    # struct timex, zeroed: mode 0 reads. 208 bytes on 64-bit Linux, room to spare.
    state = adjtimex(ctypes.create_string_buffer(512))
    return None if state < 0 else state != 5  # TIME_ERROR


def read_machine(
    root: Path = Path("/"),
    *,
    uname: Callable[[], Any] = platform.uname,
    usable: Callable[[], int] = _usable_cores,
    synchronised: Callable[[], bool | None] = _clock_synchronised,
    vcgencmd: str = "vcgencmd",
) -> Machine:
    """Read the facts.

    Args:
        root: the folder that holds ``proc`` and ``sys``.
        uname, usable, synchronised: what no file tells.
        vcgencmd: name or path of the firmware's tool.

    Cost: a few dozen small files, and a process where the firmware's tool is installed.
    """
    info = _text(root / "proc/cpuinfo") or ""
    fields: dict[str, str] = dict(re.findall(r"^(\S[^\t:]*)\s*:\s*(.*)$", info, re.MULTILINE))
    system = uname()
    cpus = root / "sys/devices/system/cpu"
    clock = cpus / "cpu0/cpufreq"
    governors = {
        text for path in cpus.glob("cpu*/cpufreq/scaling_governor") if (text := _text(path))
    }
    return Machine(
        board=_text(root / "proc/device-tree/model") or fields.get("Model"),
        cpu=_cpu_name(fields) or system.machine,
        architecture=system.machine,
        # The vendor's suffix names the host more than the kernel.
        kernel=f"{system.system} {system.release.split('-')[0]}",
        glibc=_glibc(),
        cores=len(re.findall(r"^processor\s*:", info, re.MULTILINE)) or os.cpu_count() or 1,
        usable=usable(),
        quota=_quota(root),
        governors=tuple(sorted(governors)),
        mhz=_scaled(clock / "scaling_cur_freq", 1e3) or _number(fields.get("cpu MHz")),
        mhz_max=_scaled(clock / "scaling_max_freq", 1e3),
        temperature_c=_temperature(root),
        throttling=_throttling(root, vcgencmd),
        load=_number((_text(root / "proc/loadavg") or "").partition(" ")[0]),
        memory=_memory(root),
        clock_synchronised=synchronised(),
    )


def busy_seconds(root: Path = Path("/")) -> float | None:
    """CPU seconds that all programs together have used since the machine started.

    Time that a host took from a virtual machine counts as used.
    """
    match = re.match(r"cpu +((?:\d+ ?)+)", _text(root / "proc/stat") or "")
    if match is None:
        return None
    ticks = [int(word) for word in match[1].split()]
    # user nice system idle iowait irq softirq steal; guests are within user already.
    busy = sum(ticks[:3]) + sum(ticks[5:8])
    return busy / os.sysconf("SC_CLK_TCK")


def resident_kib(root: Path = Path("/")) -> tuple[int | None, int | None]:
    """(resident memory now, its peak) of this process, KiB.

    Not ``getrusage``: there a child begins with its parent's peak.
    """
    status = _table(root / "proc/self/status")
    return status.get("VmRSS"), status.get("VmHWM")


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ") or None
    except OSError:
        return None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "nan")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _scaled(path: Path, divisor: float) -> float | None:
    number = _number(_text(path))
    return None if number is None else number / divisor


def _table(path: Path) -> dict[str, int]:
    """``Name:   123 kB`` lines."""
    rows = re.findall(r"^([\w()]+):\s+(\d+)", _text(path) or "", re.MULTILINE)
    return {name: int(value) for name, value in rows}


def _cpu_name(fields: dict[str, str]) -> str | None:
    """A name that tells generations apart: virtual machines often say the brand alone."""
    if "CPU part" in fields:
        part, maker = fields["CPU part"], fields.get("CPU implementer", "?")
        known = _ARM_PARTS.get(part) if maker == "0x41" else None
        return known or f"implementer {maker} part {part}"
    if "model name" in fields and "cpu family" in fields:
        name = f"{fields['model name']} family {fields['cpu family']}"
        return f"{name} model {fields.get('model', '?')}"
    return fields.get("model name")


def _glibc() -> str | None:
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, ValueError, OSError):
        return None  # another C library does not know the question
    return version if name == "glibc" else None


def _temperature(root: Path) -> float | None:
    zones = root.glob("sys/class/thermal/thermal_zone*/temp")
    found = [celsius for zone in zones if (celsius := _scaled(zone, 1e3)) is not None]
    # A zone without a sensor behind it reads 0 or less.
    return max((celsius for celsius in found if celsius > 0), default=None)


def _throttling(root: Path, vcgencmd: str) -> Throttling | None:
    tool = shutil.which(vcgencmd)
    bits = None if tool is None else _asked(tool)
    if bits is None:
        # The driver prints hexadecimal digits without a prefix.
        bits = _text(root / "sys/devices/platform/soc/soc:firmware/get_throttled")
    try:
        return None if bits is None else Throttling(int(bits, 16))
    except ValueError:
        return None


def _asked(tool: str) -> str | None:
    try:
        done = subprocess.run(
            [tool, "get_throttled"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ASK_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.fullmatch(r"throttled=(0x[0-9a-fA-F]+)\s*", done.stdout)
    return match[1] if match else None


def _memory(root: Path) -> Memory | None:
    table = _table(root / "proc/meminfo")
    if "MemTotal" not in table:
        return None
    limit, left = _memory_limit(root)
    return Memory(
        total=table["MemTotal"] << 10,
        available=table.get("MemAvailable", table.get("MemFree", 0)) << 10,
        swap_total=table.get("SwapTotal", 0) << 10,
        swap_free=table.get("SwapFree", 0) << 10,
        limit=limit,
        limit_left=left,
    )


def _memory_limit(root: Path) -> tuple[int | None, int | None]:
    """The tightest group's (limit, what is left of it)."""
    found = []
    names = {"": ("memory.max", "memory.current")}
    names["memory"] = ("memory.limit_in_bytes", "memory.usage_in_bytes")
    for controller, (limit_name, used_name) in names.items():
        for folder in _groups(root, controller):
            limit = _number(_text(folder / limit_name))
            # Version 1 spells "no limit" as nearly 2**63.
            if limit is not None and limit < 1 << 60:
                used = _number(_text(folder / used_name)) or 0
                found.append((int(limit), max(int(limit - used), 0)))
    return min(found, key=lambda pair: pair[1]) if found else (None, None)


def _quota(root: Path) -> float | None:
    found = []
    for folder in _groups(root, ""):
        two = (_text(folder / "cpu.max") or "").split()
        if len(two) == 2 and two[0] != "max":
            found.append((_number(two[0]), _number(two[1])))
    for folder in _groups(root, "cpu"):
        words = [_text(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
        found.append((_number(words[0]), _number(words[1])))
    return min(
        (quota / period for quota, period in found if quota and period and quota > 0), default=None
    )


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of this process's control group and of those above it; "" for version 2."""
    mount = root / "sys/fs/cgroup" / controller
    for line in (_text(root / "proc/self/cgroup") or "").splitlines():
        _, names, place = [*line.split(":", 2), "", ""][:3]
        if controller in names.split(","):
            parts = [part for part in place.split("/") if part not in ("", "..")]
            # Inside a container the upper part of the path is not to be seen.
            for count in range(len(parts), -1, -1):
                yield mount.joinpath(*parts[:count])
