"""Every kernel variant that this CPU can run is held against scalar, and a wrong one is told."""

from types import SimpleNamespace

import pytest

from edgeinfer import _core
from edgeinfer.diagnosis.findings import Finding
from edgeinfer.diagnosis.kernels import kernel_findings


def found() -> dict[str, Finding]:
    return {one.name: one for one in kernel_findings()}


def test_every_kernel_and_every_variant_that_can_run_is_told() -> None:
    findings = found()
    for variant in _core.kernel_variants():
        one = findings[f"kernel {variant.kernel}"]
        assert one.state == "ok"
        if variant.available:
            assert variant.variant in one.found


def test_a_variant_that_differs_fails_with_the_way_around_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def check(variant: str, equal: bool) -> SimpleNamespace:
        return SimpleNamespace(kernel="resize_rows", variant=variant, equal=equal, times_scalar=2.0)

    checks = [check("neon", False), check("scalar", True)]
    monkeypatch.setattr(_core, "check_kernels", lambda: checks)
    one = found()["kernel resize_rows"]
    assert one.state == "failed"
    assert "neon" in one.found
    assert "EDGEINFER_CPU=none" in one.remedy
