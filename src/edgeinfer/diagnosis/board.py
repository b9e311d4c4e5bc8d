"""Findings about the machine itself: clock, heat, power, cores, memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from edgeinfer.diagnosis.findings import Finding
from edgeinfer.machine import Machine, Memory, Throttling

__all__ = ["board_findings"]

_MIB: Final = 1 << 20
# A Raspberry Pi lowers its clock from 80 degrees and stops at 85.
_HOT_C: Final = 80.0
_WARM_C: Final = 70.0
_LITTLE_MEMORY: Final = 200 * _MIB  # a session of a small network and its frame
_LEAST_GLIBC: Final = (2, 28)  # of the manylinux tag of the runtime's and our wheels


def board_findings(machine: Machine) -> Iterator[Finding]:
    """One finding a fact, in the order in which a reader asks."""
    name = machine.board or machine.cpu
    beside = f", {machine.cpu}" if machine.board else ""
    yield Finding("machine", "ok", f"{name}{beside}, {machine.architecture}, {machine.kernel}")
    yield _glibc(machine)
    yield _cores(machine)
    yield _load(machine)
    yield _governor(machine)
    yield _temperature(machine)
    if machine.throttling is not None:
        yield _throttling(machine.throttling)
    if machine.memory is not None:
        yield _memory(machine.memory)
        yield _swap(machine.memory)
    yield _clock(machine)


def _glibc(machine: Machine) -> Finding:
    wanted = f"glibc {_LEAST_GLIBC[0]}.{_LEAST_GLIBC[1]} or newer"
    if machine.glibc is None:
        return Finding(
            "glibc",
            "warning",
            "another C library",
            wanted,
            "the wheels of onnxruntime need glibc; take Debian, Ubuntu or Raspberry Pi OS",
        )
    version = tuple(int(part) for part in machine.glibc.split(".")[:2] if part.isdigit())
    if version < _LEAST_GLIBC:
        return Finding("glibc", "failed", machine.glibc, wanted, "update the operating system")
    return Finding("glibc", "ok", machine.glibc)


def _cores(machine: Machine) -> Finding:
    found = f"{machine.cores}"
    if machine.usable < machine.cores:
        found += f", {machine.usable} of them for this process (affinity)"
    if machine.quota is not None:
        found += f", time of {machine.quota:.2g} (control group)"
        if machine.quota < machine.usable:
            threads = max(int(machine.quota), 1)
            return Finding(
                "cores",
                "warning",
                found,
                "time for all cores that threads run on: a group over its time stands still",
                f"Session(threads={threads}), or raise the group's limit (docker --cpus)",
            )
    return Finding("cores", "ok" if machine.usable == machine.cores else "note", found)


def _load(machine: Machine) -> Finding:
    if machine.load is None:
        return Finding("load", "note", "the system does not tell")
    found = f"{machine.load:.2f} over the last minute"
    if machine.load > machine.usable:
        return Finding(
            "load",
            "warning",
            found,
            f"below {machine.usable}, the number of cores",
            "see what runs with `top`; it takes time from every frame",
        )
    return Finding("load", "ok", found)


def _governor(machine: Machine) -> Finding:
    clock = "" if machine.mhz is None else f"{machine.mhz:.0f} MHz"
    if machine.mhz_max is not None:
        clock += f" of {machine.mhz_max:.0f}"
    if not machine.governors:
        # Usual for virtual machines, whose host decides.
        return Finding("clock rate", "ok", ", ".join(filter(None, (clock, "no governor here"))))
    found = ", ".join(filter(None, ("/".join(machine.governors), clock)))
    if machine.governors == ("performance",):
        return Finding("clock rate", "ok", found)
    return Finding(
        "clock rate",
        "note",
        found,
        "governor performance: another one makes single frames late, and figures vary",
        "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
    )


def _temperature(machine: Machine) -> Finding:
    if machine.temperature_c is None:
        return Finding("temperature", "ok", "no sensor here")
    found = f"{machine.temperature_c:.1f} degrees Celsius"
    if machine.temperature_c < _WARM_C:
        return Finding("temperature", "ok", found)
    return Finding(
        "temperature",
        "warning" if machine.temperature_c >= _HOT_C else "note",
        found,
        f"below {_WARM_C:.0f}: from {_HOT_C:.0f} a Raspberry Pi lowers its clock",
        "a heat sink, a fan, or air around the board",
    )


def _throttling(throttling: Throttling) -> Finding:
    name = "power and heat"
    now, past = throttling.now, throttling.since_boot
    if not now and not past:
        return Finding(name, "ok", "never throttled since boot")
    words = []
    if now:
        words.append("now: " + ", ".join(now))
    if past:
        words.append("since boot: " + ", ".join(past))
    remedies = []
    if "under-voltage" in now + past:
        remedies.append("the board's own power supply and a short cable")
    if set(now + past) - {"under-voltage"}:
        remedies.append("a heat sink or a fan")
    return Finding(
        name,
        "warning" if now else "note",
        f"{'; '.join(words)} (0x{throttling.bits:x})",
        "no flag: the firmware lowers the clock to protect the board",
        "; ".join(remedies),
    )


def _memory(memory: Memory) -> Finding:
    found = f"{_mib(memory.available)} available of {_mib(memory.total)}"
    if memory.limit is not None and memory.limit_left is not None:
        found += f"; control group: {_mib(memory.limit_left)} left of {_mib(memory.limit)}"
    if memory.usable < _LITTLE_MEMORY:
        return Finding(
            "memory",
            "warning",
            found,
            f"{_mib(_LITTLE_MEMORY)} free for a small network",
            "end other programs, raise the group's limit, or take a smaller model",
        )
    return Finding("memory", "ok", found)


def _swap(memory: Memory) -> Finding:
    if memory.swap_total == 0:
        return Finding("swap", "ok", "none")
    used = memory.swap_total - memory.swap_free
    found = f"{_mib(used)} used of {_mib(memory.swap_total)}"
    if 2 * used > memory.swap_total:
        return Finding(
            "swap",
            "warning",
            found,
            "less than half used: a network whose weights are swapped out is late",
            "end other programs; see which with `top`, key M",
        )
    return Finding("swap", "ok", found)


def _clock(machine: Machine) -> Finding:
    if machine.clock_synchronised is None:
        return Finding("time", "note", "the system does not tell whether its clock is right")
    if machine.clock_synchronised:
        return Finding("time", "ok", "the clock is synchronised")
    return Finding(
        "time",
        "note",
        "the clock is not synchronised",
        "a time source: reports and certificates carry times",
        "sudo timedatectl set-ntp true",
    )


def _mib(size: int) -> str:
    return f"{size / _MIB:.0f} MiB"
