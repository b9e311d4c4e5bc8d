"""What speaks against figures: each doubt where its cause is, with a remedy, and none without."""

from dataclasses import replace

import numpy as np
import pytest

from edgeinfer.bench.trust import doubts
from edgeinfer.machine import Machine, Memory, Throttling

STEADY = 5 + 0.05 * np.random.default_rng(0).normal(size=900)
CALM = Machine(
    board="Raspberry Pi 4 Model B Rev 1.4",
    cpu="Cortex-A72",
    architecture="aarch64",
    kernel="Linux 6.6.20",
    glibc="2.36",
    cores=4,
    usable=4,
    quota=None,
    governors=("performance",),
    mhz=1800.0,
    mhz_max=1800.0,
    temperature_c=55.0,
    throttling=Throttling(0),
    load=0.1,
    memory=Memory(4 << 30, 3 << 30, 0, 0),
    clock_synchronised=True,
)


def names(before: Machine = CALM, after: Machine = CALM, times=STEADY, others=0.01) -> set[str]:  # type: ignore[no-untyped-def]
    found = doubts(before, after, np.asarray(times), others)
    for one in found:
        assert one.found
        assert one.wanted
        assert one.remedy
    return {one.name for one in found}


def test_nothing_speaks_against_a_calm_machine() -> None:
    assert names() == set()


def test_other_programs() -> None:
    assert names(others=0.2) == {"load"}
    # Without that figure the load average has to do.
    assert names(others=None) == set()
    assert names(replace(CALM, load=2.0), others=None) == {"load"}


@pytest.mark.parametrize("governor", ["ondemand", "powersave", "schedutil"])
def test_governor(governor: str) -> None:
    assert names(replace(CALM, governors=(governor,))) == {"governor"}


def test_a_machine_without_governor_is_not_blamed_for_it() -> None:
    assert names(replace(CALM, governors=())) == set()


@pytest.mark.parametrize(
    ("before", "after", "doubted"),
    [(0, 0x4, True), (0x1, 0, True), (0, 0x50000, True), (0x50000, 0x50000, False)],
)
def test_throttled_while_measuring(before: int, after: int, doubted: bool) -> None:
    found = names(
        replace(CALM, throttling=Throttling(before)), replace(CALM, throttling=Throttling(after))
    )
    assert found == ({"throttling"} if doubted else set())


def test_warming_up() -> None:
    assert names(after=replace(CALM, temperature_c=63.0)) == {"temperature"}
    assert names(after=replace(CALM, temperature_c=57.0)) == set()


def test_spread() -> None:
    two_modes = np.tile([5.0, 6.0], 400)
    assert names(times=two_modes) == {"spread"}


def test_drift() -> None:
    assert "drift" in names(times=STEADY * np.linspace(1, 1.08, len(STEADY)))
    assert "drift" in names(times=STEADY * np.linspace(1.08, 1, len(STEADY)))


def test_too_few_frames() -> None:
    assert names(times=STEADY[:40]) == {"frames"}
