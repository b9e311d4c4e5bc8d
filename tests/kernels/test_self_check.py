"""What `doctor` says about kernels: which there are, which are used, whether they agree."""

import subprocess
import sys
from pathlib import Path

from edgeinfer import _core

KERNELS = Path(__file__).parents[2] / "cpp" / "kernels"


def by_kernel() -> dict[str, list[_core.KernelVariant]]:
    found: dict[str, list[_core.KernelVariant]] = {}
    for variant in _core.kernel_variants():
        found.setdefault(variant.kernel, []).append(variant)
    return found


def test_every_kernel_of_the_source_tree_is_listed() -> None:
    folders = {path.name for path in KERNELS.iterdir() if path.is_dir()}
    assert set(by_kernel()) == folders


def test_one_variant_of_each_kernel_is_chosen_and_scalar_is_always_available() -> None:
    for kernel, variants in by_kernel().items():
        assert [v.variant for v in variants if v.chosen] == [
            next(v.variant for v in variants if v.available)
        ], kernel
        assert (variants[-1].variant, variants[-1].needs) == ("scalar", "none")
        assert variants[-1].available


def test_the_chosen_variants_are_those_that_plans_name() -> None:
    plan = _core.PreprocessPlan(
        height=8,
        width=8,
        resize="CV2_AREA",
        color="RGB",
        scale=1.0,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
    )
    chosen = {v.kernel: v.variant for v in _core.kernel_variants() if v.chosen}
    named = dict(word.split("=") for word in plan.variants.split())
    assert named.items() <= chosen.items()


def test_every_available_variant_runs_and_equals_scalar() -> None:
    checked = {(check.kernel, check.variant): check for check in _core.check_kernels()}
    available = {(v.kernel, v.variant) for v in _core.kernel_variants() if v.available}
    assert set(checked) == available
    assert all(check.equal for check in checked.values())
    assert all(check.times_scalar > 0 for check in checked.values())


def test_a_masked_feature_is_neither_chosen_nor_run() -> None:
    code = (
        "from edgeinfer import _core\n"
        "assert all(v.variant == 'scalar' for v in _core.kernel_variants() if v.chosen)\n"
        "assert all(c.variant == 'scalar' for c in _core.check_kernels())\n"
        "assert not any(v.available for v in _core.kernel_variants() if v.needs != 'none')\n"
    )
    subprocess.run([sys.executable, "-c", code], env={"EDGEINFER_CPU": "none"}, check=True)
