"""A calibration that ended early goes on, and gives what an unbroken one gives, to the last bit."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import edgeinfer as ei
from edgeinfer.errors import InputError

from .driven import RECIPE, SIZE, arrays, pictures, states

KILLED = """
import os, signal, sys
from pathlib import Path
import edgeinfer as ei
sys.path.insert(0, sys.argv[1])
from calibrate.driven import RECIPE, pictures
model, file, at = sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
def frames():
    for number, frame in enumerate(pictures(40)):
        # From the chosen sample on, as soon as something was kept: there is something to resume.
        if number >= at and file.exists():
            os.kill(os.getpid(), signal.SIGKILL)
        yield frame
ei.calibrate(model, frames(), preprocess=RECIPE, resume=file)
"""


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_run_goes_on_to_the_same_ranges(model: Path, tmp_path: Path, seed: int) -> None:
    whole = ei.calibrate(model, pictures(40), preprocess=RECIPE)
    file = tmp_path / "part.ranges"
    generator = random.Random(seed)
    kills = sorted(generator.sample(range(1, 38), 2))
    tests = Path(__file__).resolve().parents[1]
    for at in kills:
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(tests), str(model), str(file), str(at)],
            timeout=120,
            check=False,
        )
        assert done.returncode == -signal.SIGKILL
        partial = ei.Ranges.load(file)
        assert 0 < partial.samples <= 40
        assert partial.sample_digests == whole.sample_digests[: partial.samples]
    ran = Counting()
    found = ei.calibrate(model, pictures(40), preprocess=RECIPE, resume=file, progress=ran)
    assert states(found) == states(whole)
    assert found.to_dict() == whole.to_dict()
    assert ran.told == [(number, 40) for number in range(41)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["part.ranges"]


class Counting:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int | None]] = []

    def __call__(self, done: int, total: int | None) -> None:
        self.told.append((done, total))


class Gone(Exception):
    """The source of samples is gone."""


def ending(samples: list[Any], after: int) -> Iterator[Any]:
    yield from samples[:after]
    raise Gone


@pytest.mark.parametrize("workers", [0, 2])
def test_a_failing_source_costs_no_sample(model: Path, tmp_path: Path, workers: int) -> None:
    file = tmp_path / "part.ranges"
    with pytest.raises(Gone):
        ei.calibrate(model, ending(arrays(), 23), resume=file, workers=workers)
    assert ei.Ranges.load(file).samples == 23
    found = ei.calibrate(model, iter(arrays()), resume=file, workers=workers)
    assert states(found) == states(ei.calibrate(model, arrays()))


def test_a_sample_that_does_not_fit_costs_no_other(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "part.ranges"
    samples: list[Any] = arrays()
    samples[30] = {"x": samples[30]["x"][:, :, :7]}
    with pytest.raises(InputError, match="sample 31: "):
        ei.calibrate(model, samples, resume=file)
    assert ei.Ranges.load(file).samples == 30


def test_samples_of_the_earlier_run_are_not_run_again(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeinfer import _core
    from edgeinfer.calibrate import driver

    runs = []

    class Watched:
        def __init__(self, *arguments: Any) -> None:
            self._real = _core.Observer(*arguments)

        def run(self, inputs: Any) -> None:
            runs.append(inputs)
            self._real.run(inputs)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

    class Core:
        Observer = Watched

    monkeypatch.setattr(driver, "_core", Core)
    file = tmp_path / "part.ranges"
    with pytest.raises(Gone):
        ei.calibrate(model, ending(arrays(), 30), resume=file)
    assert len(runs) == 30
    ei.calibrate(model, arrays(), resume=file)
    assert len(runs) == 40
    ei.calibrate(model, arrays(), resume=file)
    assert len(runs) == 40


def test_other_samples_or_settings_are_refused(model: Path, photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "part.ranges"
    with pytest.raises(Gone):
        ei.calibrate(model, ending(arrays(), 35), resume=file)
    kept = file.read_bytes()
    with pytest.raises(InputError, match=r"sample 1 is not the sample that .* number 1"):
        ei.calibrate(model, arrays()[::-1], resume=file)
    with pytest.raises(InputError, match="holds 35 samples, now there are 12"):
        ei.calibrate(model, arrays(12), resume=file)
    with pytest.raises(InputError, match="differ in bins 512 and 2048"):
        ei.calibrate(model, arrays(), bins=512, resume=file)
    with pytest.raises(InputError, match="differ in preprocess: here one, there none"):
        ei.calibrate(model, photos, preprocess=RECIPE, resume=file)
    ei.calibrate(model, photos, preprocess=RECIPE, resume=tmp_path / "other.ranges")
    halved = ei.Preprocess(SIZE, scale=1 / 255, mean=(1, 1, 1))
    with pytest.raises(InputError, match=r"differ in preprocess: scale 0\.0039\d* and 0\.0078\d*;"):
        ei.calibrate(model, photos, preprocess=halved, resume=tmp_path / "other.ranges")
    with pytest.raises(InputError, match="differ in the observed tensors"):
        ei.calibrate(model, arrays(), tensors=["conv"], resume=file)
    assert file.read_bytes() == kept
    # The method is no part of what is kept.
    found = ei.calibrate(model, arrays(), method="entropy", resume=file)
    assert found.to_dict() == ei.calibrate(model, arrays(), method="entropy").to_dict()


def test_a_damaged_file_is_refused_and_left_as_it_is(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "part.ranges"
    file.write_bytes(b"edgeinfer ranges 1\nand then nothing")
    with pytest.raises(InputError, match=r"part\.ranges"):
        ei.calibrate(model, arrays(), resume=file)
    assert file.read_bytes() == b"edgeinfer ranges 1\nand then nothing"


@pytest.mark.filterwarnings("ignore::edgeinfer.CalibrationWarning")
def test_a_cache_gives_the_same_without_running(model: Path, photos: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = ei.calibrate(model, photos, preprocess=RECIPE, cache=cache)
    (entry,) = cache.iterdir()
    stamp = entry.stat().st_mtime_ns
    files = sorted(photos.rglob("*.png"), reverse=True)
    again = ei.calibrate(model, files, preprocess=RECIPE, cache=cache, method="mse")
    assert states(again) == states(first)
    assert again.to_dict() == first.with_method("mse").to_dict()
    assert entry.stat().st_mtime_ns == stamp
    # What is strange about the samples is said each time.
    with pytest.warns(ei.CalibrationWarning, match="found 5 samples"):
        ei.calibrate(model, files[:5], preprocess=RECIPE, cache=cache)
    with pytest.warns(ei.CalibrationWarning, match="found 5 samples"):
        ei.calibrate(model, files[:5], preprocess=RECIPE, cache=cache)
    # Another calibration's file under this one's name is not believed.
    own = entry.read_bytes()
    ei.calibrate(model, files, preprocess=RECIPE, bins=512).save(entry)
    assert states(ei.calibrate(model, photos, preprocess=RECIPE, cache=cache)) == states(first)
    entry.write_bytes(own)
    # A damaged entry is made anew; other samples and settings have entries of their own.
    entry.write_bytes(entry.read_bytes()[:-7])
    assert states(ei.calibrate(model, photos, preprocess=RECIPE, cache=cache)) == states(first)
    assert ei.Ranges.load(entry).samples == 40
    ei.calibrate(model, files[1:], preprocess=RECIPE, cache=cache)
    ei.calibrate(model, files, preprocess=RECIPE, cache=cache, bins=64)
    assert len(list(cache.iterdir())) == 4
