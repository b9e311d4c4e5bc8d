"""What is said of a board in each state, and how it is laid out."""

from pathlib import Path

import pytest

from edgeinfer.diagnosis.board import board_findings
from edgeinfer.diagnosis.findings import Diagnosis, Finding
from edgeinfer.diagnosis.folders import folder_finding
from edgeinfer.machine import Machine

from .conftest import Board


def finding(machine: Machine, name: str) -> Finding:
    (one,) = [one for one in board_findings(machine) if one.name == name]
    return one


def test_every_finding_that_is_not_ok_says_what_is_wanted_and_the_remedy(pi4: Board) -> None:
    pi4.write("sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n")
    pi4.write("sys/class/thermal/thermal_zone0/temp", "81000\n")
    pi4.write("proc/loadavg", "6.00 5.00 4.00 3/206 2741\n")
    pi4.write("proc/meminfo", "MemTotal: 900000 kB\nMemAvailable: 40000 kB\n")
    found = list(board_findings(pi4.read(synchronised=False)))
    for one in found:
        if one.state != "ok":
            assert one.wanted, one
            assert one.remedy, one
    bad = {one.name for one in found if one.state == "warning"}
    assert bad == {"power and heat", "temperature", "load", "memory"}


@pytest.mark.parametrize(
    ("bits", "state", "words", "remedy"),
    [
        ("0", "ok", "never", ""),
        ("50000", "note", "since boot: under-voltage, throttled", "power supply"),
        ("1", "warning", "now: under-voltage", "power supply"),
        ("8", "warning", "now: soft temperature limit", "heat sink"),
    ],
)
def test_throttling(pi4: Board, bits: str, state: str, words: str, remedy: str) -> None:
    pi4.write("sys/devices/platform/soc/soc:firmware/get_throttled", bits)
    one = finding(pi4.read(), "power and heat")
    assert one.state == state
    assert words in one.found
    assert remedy in one.remedy


def test_a_machine_without_the_firmware_has_no_such_finding(pi4: Board) -> None:
    pi4.remove("sys/devices/platform")
    assert "power and heat" not in {one.name for one in board_findings(pi4.read())}


@pytest.mark.parametrize(("milli", "state"), [(48686, "ok"), (72000, "note"), (80000, "warning")])
def test_temperature(pi4: Board, milli: int, state: str) -> None:
    pi4.write("sys/class/thermal/thermal_zone0/temp", f"{milli}\n")
    assert finding(pi4.read(), "temperature").state == state


def test_governor(pi4: Board) -> None:
    assert finding(pi4.read(), "clock rate").state == "note"
    pi4.write_clocks("scaling_governor", "performance\n")
    assert finding(pi4.read(), "clock rate").state == "ok"


def test_a_quota_below_the_cores_names_the_threads_that_fit(pi4: Board) -> None:
    pi4.write("sys/fs/cgroup/cpu.max", "250000 100000\n")
    one = finding(pi4.read(), "cores")
    assert one.state == "warning"
    assert "threads=2" in one.remedy


def test_affinity_is_told(pi4: Board) -> None:
    one = finding(pi4.read(usable=2), "cores")
    assert one.state == "note"
    assert "2 of them" in one.found


def test_a_group_almost_full_is_little_memory(pi4: Board) -> None:
    pi4.write("sys/fs/cgroup/memory.max", f"{256 << 20}")
    pi4.write("sys/fs/cgroup/memory.current", f"{200 << 20}")
    one = finding(pi4.read(), "memory")
    assert one.state == "warning"
    assert "56 MiB left of 256 MiB" in one.found


def test_swap_in_use(pi4: Board) -> None:
    table = (pi4.root / "proc/meminfo").read_text()
    pi4.write("proc/meminfo", table.replace("SwapFree:         524284", "SwapFree: 1000"))
    assert finding(pi4.read(), "swap").state == "warning"


def test_folders(tmp_path: Path) -> None:
    def look(folder: Path, free: int = 1 << 30) -> Finding:
        return folder_finding(
            "f", folder, room=1 << 20, use="to write", remedy="another", free=lambda _: free
        )

    assert look(tmp_path).state == "ok"
    assert look(tmp_path / "not" / "yet").state == "ok"
    assert list(tmp_path.iterdir()) == []
    assert look(tmp_path, free=1000).state == "warning"
    (tmp_path / "file").write_text("")
    blocked = look(tmp_path / "file" / "below")
    assert blocked.state == "warning"
    assert "cannot be written to" in blocked.found


def test_the_worst_comes_first_and_nothing_is_wider_than_asked() -> None:
    words = "words that go on and on, " * 12
    diagnosis = Diagnosis(
        (
            Finding("a", "ok", "fine"),
            Finding("b", "warning", words, words, words),
            Finding("c", "failed", "broken\x1b[2J", "whole", "mend it"),
        )
    )
    for width in (60, 80, 100):
        lines = diagnosis.text(width).splitlines()
        assert max(map(len, lines)) <= width
    states = [line.split()[0] for line in str(diagnosis).splitlines()[2:] if line[0] != " "]
    assert states == ["failed", "warning", "ok"]
    assert str(diagnosis).startswith("1 failed, 1 warning, 1 ok")
    assert "\x1b" not in str(diagnosis)
    assert not diagnosis.ok


def test_a_diagnosis_cannot_be_changed() -> None:
    diagnosis = Diagnosis((Finding("a", "ok", "fine"),))
    with pytest.raises(AttributeError):
        diagnosis.findings = ()  # type: ignore[misc]
    assert diagnosis.ok
    assert diagnosis.to_dict()["findings"][0]["state"] == "ok"
