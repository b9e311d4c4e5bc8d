"""Findings about the kernels: every variant that this CPU can run, against the scalar one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from edgeinfer.diagnosis.findings import Finding

if TYPE_CHECKING:
    from edgeinfer import _core

__all__ = ["kernel_findings"]


def kernel_findings() -> Iterator[Finding]:
    """One finding for each kernel, or one that says why there is none."""
    try:
        from edgeinfer import _core
    except ImportError:
        yield Finding("kernels", "failed", "not run, as the core does not load", "", "see core")
        return
    kernels: dict[str, list[_core.KernelCheck]] = {}
    for check in _core.check_kernels():
        kernels.setdefault(check.kernel, []).append(check)
    for kernel, checks in kernels.items():
        yield _finding(kernel, checks)


def _finding(kernel: str, checks: list[_core.KernelCheck]) -> Finding:
    name = f"kernel {kernel}"
    wrong = [check.variant for check in checks if not check.equal]
    if wrong:
        return Finding(
            name,
            "failed",
            f"{', '.join(wrong)} differs from scalar on this machine",
            "equal to the last bit",
            "EDGEINFER_CPU=none keeps to the scalar kernels until this is mended; report it with "
            "the output of `edgeinfer doctor --json`",
        )
    faster = [check for check in checks if check.variant != "scalar"]
    if not faster:
        return Finding(name, "ok", "scalar")
    ratios = ", ".join(f"{check.variant} {check.times_scalar:.1f}x scalar" for check in faster)
    return Finding(name, "ok", f"{ratios}, equal")
