"""A damaged entry is as good as absent."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import edgeinfer as ei
from session.networks import convolution

from .loads import CHANNELS


class Damage:
    """One entry, and what a load makes of it after each damage."""

    def __init__(self, model: Path, kept: Path) -> None:
        self.model = model
        self.frame = np.ones((1, 3, 32, 32), np.float32)
        self.wanted = ei.Session(model, threads=1, cache=False).run(self.frame)["y"]
        ei.Session(model, threads=1)
        (self.entry,) = kept.glob("*.model")
        self.whole = self.entry.read_bytes()

    def heals(self, data: bytes) -> None:
        self.entry.write_bytes(data)
        for state in ("miss", "hit"):
            with ei.Session(self.model, threads=1) as session:
                assert session.describe()["cache"]["state"] == state
                assert np.array_equal(session.run(self.frame)["y"], self.wanted)


@pytest.fixture
def damage(model: Path, kept: Path) -> Damage:
    return Damage(model, kept)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_entry_is_made_anew(damage: Damage, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(damage.whole) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "zero", "more"]))
    spoilt = bytearray(damage.whole)
    if kind == "flip":
        spoilt[at] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == "cut":
        del spoilt[at:]
    elif kind == "more":
        spoilt += b"\0"
    else:
        spoilt[at : at + 4096] = b"\xa5" * len(spoilt[at : at + 4096])
    damage.heals(bytes(spoilt))


def test_an_empty_or_foreign_entry_is_made_anew(damage: Damage) -> None:
    for data in (b"", b"\0" * 24, os.urandom(5000), damage.whole[-24:]):
        damage.heals(data)


def test_an_entry_of_another_model_is_not_taken(damage: Damage, kept: Path, model: Path) -> None:
    other = model.with_name("other.onnx")
    other.write_bytes(convolution(channels=CHANNELS, seed=1))
    ei.Session(other, threads=1)
    (foreign,) = set(kept.glob("*.model")) - {damage.entry}
    damage.heals(foreign.read_bytes())
