"""What is right and wrong with this machine and this installation, each with its remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from edgeinfer.diagnosis.board import board_findings
from edgeinfer.diagnosis.findings import Diagnosis, Finding
from edgeinfer.diagnosis.folders import cache_folder_finding, temporary_folder_finding
from edgeinfer.diagnosis.kernels import kernel_findings
from edgeinfer.diagnosis.software import core_findings, package_findings, runtime_findings
from edgeinfer.machine import read_machine

__all__ = ["Diagnosis", "Finding", "doctor"]


def doctor() -> Diagnosis:
    """Look at the machine and the installation, and say what is not as it should be.

    Works where the compiled core or ONNX Runtime's library is missing: that is a finding then.
    Nothing is written, but for files in the cache and temporary folders that are gone at once; a
    missing cache folder is made.

    Returns:
        ``Diagnosis``: findings in order; ``ok`` is False when one of them failed.

    Cost: a second or so; opens ONNX Runtime's library and imports NumPy and Pillow.
    """
    groups: tuple[tuple[str, Callable[[], Iterable[Finding]]], ...] = (
        ("machine", lambda: board_findings(read_machine())),
        ("packages", package_findings),
        ("core", core_findings),
        ("kernels", kernel_findings),
        ("onnxruntime", runtime_findings),
        ("cache folder", lambda: (cache_folder_finding(),)),
        ("temp folder", lambda: (temporary_folder_finding(),)),
    )
    return Diagnosis(tuple(finding for name, look in groups for finding in _guarded(name, look)))


def _guarded(name: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What a group of checks finds; a group that breaks is a finding and hides no other."""
    try:
        yield from look()
    except Exception as error:  # noqa: BLE001
        yield Finding(
            name,
            "failed",
            f"this check broke: {type(error).__name__}: {' '.join(str(error).split())}",
            "an answer",
            "report it, with the output of `edgeinfer doctor --json`",
        )
