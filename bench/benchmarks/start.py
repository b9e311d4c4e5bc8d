"""Loading: a session with the cache warm and without one, a process to its first result, memory."""

import os
import tempfile

import edgeinfer as ei
from cold_start import cold_starts, programs
from quantise_networks import classifier_files, resnet50_file
from session_creation import CACHE_VARIABLE, check, sides_of


class SessionCreation:
    """ResNet50, float32, 102 MB."""

    params = ("cache warm", "no cache")
    param_names = ("cache",)
    timeout = 300
    # A session takes a tenth of a second: nothing to repeat within a sample.
    number = 1

    def setup_cache(self) -> None:
        resnet50_file()

    def setup(self, cache: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        os.environ[CACHE_VARIABLE] = self.folder.name
        self.cache = cache == "cache warm"
        self.path = resnet50_file()
        check(sides_of(self.path))  # which fills the cache

    def teardown(self, cache: str) -> None:
        self.folder.cleanup()

    def time_session(self, cache: str) -> None:
        ei.Session(self.path, threads=1, cache=self.cache).close()


class ColdStart:
    """A process from its start to the first result of MobileNetV2, float32; the cache is warm."""

    timeout = 300

    def setup_cache(self) -> None:
        classifier_files()

    def setup(self) -> None:
        # Compares the answers of both sides in every round.
        with tempfile.TemporaryDirectory() as folder:
            os.environ[CACHE_VARIABLE] = folder
            sides = programs(classifier_files().float32)
            self.found = cold_starts(sides, rounds=5)

    def track_first_result(self) -> float:
        return self.found.times.summary("edgeinfer").median_ms

    def track_peak_memory(self) -> float:
        return self.found.peak_mb("edgeinfer")

    track_first_result.unit = "ms"  # type: ignore[attr-defined]  # where asv looks for it
    track_peak_memory.unit = "MB"  # type: ignore[attr-defined]
