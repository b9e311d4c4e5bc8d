"""Ranges: methods, merging, and files that may come from anywhere."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import edgeinfer as ei
from edgeinfer.errors import BusyError, InputError

from .driven import RECIPE, arrays, network, pictures, states

METHODS = ("minmax", "moving_average", "percentile", "entropy", "mse")
MAGIC = b"edgeinfer ranges 1\n"


def test_one_calibration_serves_every_method(whole: ei.Ranges) -> None:
    for method in METHODS:
        direct = ei.calibrate(network(), arrays(40), method=method)
        assert whole.with_method(method).to_dict() == direct.to_dict()
    assert whole.method == "percentile"
    halved = whole.with_method("percentile", 90.0)
    assert halved.parameter == 90.0
    assert halved.range("x").high < whole.range("x").high
    with pytest.raises(InputError):
        whole.with_method("best")
    with pytest.raises(InputError):
        whole.with_method("percentile", 12.0)


def test_ranges_hold_what_numpy_saw(whole: ei.Ranges) -> None:
    values = np.concatenate([one["x"] for one in arrays(40)])
    minmax = whole.with_method("minmax")
    assert minmax.range("x") == (values.min(), values.max())
    low, high = whole.with_method("percentile", 90.0).range("x")
    outside = ((values < low) | (values > high)).mean()
    assert whole.with_method("percentile", 90.0).clipped("x") == pytest.approx(outside, abs=2e-3)
    assert minmax.clipped("x") == 0
    mean = whole.statistics("x").channel_mean()
    np.testing.assert_allclose(mean, values.mean(axis=(0, 2, 3), dtype=np.float64), rtol=1e-9)


def test_ranges_stand_for_tensors_that_were_not_observed(whole: ei.Ranges) -> None:
    assert whole.same_range_as == {"conv": "relu", "flat": "pooled"}
    assert whole.range("conv") == whole.range("relu")
    assert whole.names() == ("x", "relu", "pooled", "y", "conv", "flat")
    assert "conv" in whole
    assert "w" not in whole
    with pytest.raises(InputError, match="the range of 'relu' holds for it"):
        whole.statistics("conv")
    with pytest.raises(InputError, match="found no tensor 'w'"):
        whole.range("w")


@pytest.mark.filterwarnings("ignore::edgeinfer.CalibrationWarning")
def test_partial_runs_add_up_to_the_whole(whole: ei.Ranges, tmp_path: Path) -> None:
    parts = []
    for number, (begin, end) in enumerate([(30, 40), (0, 11), (11, 30)]):
        ei.calibrate(network(), arrays(40)[begin:end]).save(tmp_path / f"{number}.ranges")
        parts.append(ei.Ranges.load(tmp_path / f"{number}.ranges"))
    merged = parts[0].merge(*parts[1:])
    assert merged.samples == 40
    assert sorted(merged.sample_digests) == sorted(whole.sample_digests)
    for method in ("minmax", "percentile", "entropy", "mse"):
        for name in whole.names():
            found = merged.with_method(method).range(name)
            assert found == whole.with_method(method).range(name), (method, name)
    for name in whole.names():
        found = merged.with_method("moving_average").range(name)
        expected = whole.with_method("moving_average").range(name)
        assert found == pytest.approx(expected, rel=1e-6)
    # What was merged is as it was.
    assert parts[0].samples == 10
    assert parts[0].range("x") == ei.calibrate(network(), arrays(40)[30:]).range("x")


@pytest.mark.filterwarnings("ignore::edgeinfer.CalibrationWarning")
def test_what_does_not_fit_is_not_merged(whole: ei.Ranges) -> None:
    with pytest.raises(InputError, match="40 samples in two of the runs"):
        whole.merge(whole)
    other = ei.calibrate(network(seed=2), arrays(3))
    with pytest.raises(InputError, match="differ in model"):
        whole.merge(other)
    with pytest.raises(InputError, match="bins"):
        whole.merge(ei.calibrate(network(), arrays(3), bins=64))
    with pytest.raises(InputError, match="preprocess"):
        whole.merge(ei.calibrate(network(), pictures(3), preprocess=RECIPE))
    with pytest.raises(InputError, match="found dict"):
        whole.merge({})  # type: ignore[arg-type]


def test_a_file_gives_back_all_that_was_saved(whole: ei.Ranges, file: Path) -> None:
    found = ei.Ranges.load(file)
    assert states(found) == states(whole)
    assert found.to_dict() == whole.to_dict()
    assert found.sample_digests == whole.sample_digests
    assert os.listdir(file.parent) == ["net.ranges"]


def test_what_is_no_file_of_ranges_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text").write_text("something else")
    for name in ("missing", "pipe", "empty", "text", "."):
        with pytest.raises(InputError):
            ei.Ranges.load(tmp_path / name)
    with pytest.raises(InputError):
        ei.Ranges.load("/dev/zero")


def test_a_file_cut_short_anywhere_is_refused(file: Path, tmp_path: Path) -> None:
    data = file.read_bytes()
    part = tmp_path / "part.ranges"
    for length in {*range(0, 120), *range(120, len(data), 997), len(data) - 1}:
        part.write_bytes(data[:length])
        with pytest.raises(InputError):
            ei.Ranges.load(part)
    part.write_bytes(data + b"\0")
    with pytest.raises(InputError):
        ei.Ranges.load(part)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed(file: Path, tmp_path: Path, at: int, bit: int) -> None:
    data = bytearray(file.read_bytes())
    data[at % len(data)] ^= 1 << bit
    damaged = tmp_path / "damaged.ranges"
    damaged.write_bytes(data)
    with pytest.raises(InputError):
        ei.Ranges.load(damaged)


def forged(file: Path, change: Callable[[dict[str, Any]], object], *, states: bytes = b"") -> bytes:
    """The file with another header, and a checksum that is right."""
    data = file.read_bytes()
    length = int.from_bytes(data[len(MAGIC) : len(MAGIC) + 8], "little")
    begin = len(MAGIC) + 8
    header = json.loads(data[begin : begin + length])
    change(header)
    text = json.dumps(header).encode()
    return sealed(text, len(text), states or data[begin + length : -32])


def sealed(header: bytes, length: int, states: bytes = b"") -> bytes:
    body = MAGIC + length.to_bytes(8, "little") + header + states
    return body + hashlib.sha256(body).digest()


FORGERIES: list[Callable[[dict[str, Any]], object]] = [
    lambda header: header.clear(),
    lambda header: header.update(tensors=[]),
    lambda header: header.update(tensors=7),
    lambda header: header.update(bins=1 << 40),
    lambda header: header.update(bins="2048"),
    lambda header: header.update(bins=True),
    lambda header: header.update(bins=1024),
    lambda header: header.update(model="../../etc/passwd"),
    lambda header: header.update(samples=["short"]),
    lambda header: header.update(samples=[]),
    lambda header: header.update(samples={"0": "0" * 32}),
    lambda header: header.update(method="best"),
    lambda header: header.update(method=7),
    lambda header: header.update(parameter="high"),
    lambda header: header.update(parameter=float("inf")),
    lambda header: header.update(parameter=10.0),
    lambda header: header.update(parameter=10**400),
    lambda header: header["tensors"][0].__setitem__(0, "\ud800"),
    lambda header: header["tensors"][0].__setitem__(1, "\udfff"),
    lambda header: header.update(same_range_as={"a": "\ud800"}),
    lambda header: header.update(recipe=[]),
    lambda header: header.update(same_range_as=[["a", "b"]]),
    lambda header: header.update(same_range_as={"a": 1}),
    lambda header: header["tensors"][0].__setitem__(0, None),
    lambda header: header["tensors"][0].__setitem__(2, -1),
    lambda header: header["tensors"][0].__setitem__(2, 1 << 70),
    lambda header: header["tensors"][0].__setitem__(3, 1 << 70),
    lambda header: header["tensors"][0].__setitem__(3, -8),
    lambda header: header["tensors"][0].append(1),
    lambda header: header["tensors"].append(header["tensors"][0]),
    lambda header: header["tensors"].reverse(),
]


@pytest.mark.parametrize("number", range(len(FORGERIES)))
def test_a_forged_header_is_refused(file: Path, tmp_path: Path, number: int) -> None:
    path = tmp_path / "forged.ranges"
    path.write_bytes(forged(file, FORGERIES[number]))
    with pytest.raises(InputError, match=r"forged\.ranges|method|parameter"):
        ei.Ranges.load(path)


def test_forged_lengths_and_depths_are_refused(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "forged.ranges"
    deep = b"[" * 200_000 + b"]" * 200_000
    for data in (
        sealed(b"{}", 2),
        sealed(b"{}", 1 << 63),
        sealed(b"{}", 3),
        sealed(b"", 0),
        sealed(deep, len(deep)),
        sealed(b"\xff", 1),
        sealed(b"9" * 5000, 5000),
        forged(file, lambda header: None, states=b"\0" * 100),
    ):
        path.write_bytes(data)
        with pytest.raises(InputError):
            ei.Ranges.load(path)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10**9), value=st.integers(0, 255))
def test_forged_states_are_refused_or_harmless(
    file: Path, tmp_path: Path, at: int, value: int
) -> None:
    data = file.read_bytes()
    length = int.from_bytes(data[len(MAGIC) : len(MAGIC) + 8], "little")
    begin = len(MAGIC) + 8 + length
    states = bytearray(data[begin:-32])
    states[at % len(states)] = value
    path = tmp_path / "forged.ranges"
    path.write_bytes(forged(file, lambda header: None, states=bytes(states)))
    try:
        found = ei.Ranges.load(path)
    except InputError:
        return
    for method in METHODS:
        for name in found.names():
            low, high = found.with_method(method).range(name)
            assert low <= 0 <= high


def test_aliases_in_a_circle_end(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "forged.ranges"
    circle = {"a": "b", "b": "a"}
    path.write_bytes(forged(file, lambda header: header.update(same_range_as=circle)))
    with pytest.raises(InputError, match="found no tensor 'a'"):
        ei.Ranges.load(path).range("a")


def test_two_writers_of_one_file_do_not_mix(whole: ei.Ranges, tmp_path: Path) -> None:
    import fcntl

    path = tmp_path / "kept.ranges"
    with (tmp_path / ".kept.ranges.part").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="another process writes this file"):
            whole.save(path)
    whole.save(path)
    assert ei.Ranges.load(path).samples == 40


def test_a_folder_that_is_missing_is_an_error_of_the_system(
    whole: ei.Ranges, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        whole.save(tmp_path / "missing" / "net.ranges")
