"""Every damaged model, quantised in every mode in a child with limits."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from hostile.runner import Outcome, Runner

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
FOLDER = SHARED / "malformed" / "onnx"
FILES = sorted(path.name for path in FOLDER.glob("*.onnx"))
# Sound, or damaged where nobody looks: these become int8.
SOUND = {
    "00_valid_reference.onnx",
    "04_bitflip_0.onnx",
    "04_bitflip_1.onnx",
    "04_bitflip_8.onnx",
    "16_declared_output_shape_wrong.onnx",
}

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the shared test data is not beside the project"
)


@pytest.mark.parametrize("mode", ["static", "dynamic", "weights8", "weights4"])
def test_a_damaged_model_is_refused_and_the_old_file_stays(
    mode: str, tally: Callable[[str, Iterable[Outcome]], None]
) -> None:
    with Runner(
        "hostile.quantising:quantise",
        setup="hostile.quantising:warm",
        memory_mb=300,
        timeout_s=20,
    ) as runner:
        found = {name: runner.run(json.dumps([str(FOLDER / name), mode])) for name in FILES}
    tally(f"malformed models, quantised: {mode}", found.values())
    bad = {name: one for name, one in found.items() if one.kind not in ("ok", "typed")}
    assert not bad, "\n".join(f"{n}: {o.kind} {o.what} {o.text}" for n, o in bad.items())
    made = {name for name, one in found.items() if one.kind == "ok"}
    if mode == "static":
        assert made == SOUND
    elif mode.startswith("weights"):
        assert not made  # the reference has 108 weights: too few
