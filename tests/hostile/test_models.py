"""Every damaged model, in a child with limits: a typed error or a defined result, and which."""

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from hostile.runner import Outcome, Runner

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
FOLDER = SHARED / "malformed" / "onnx"
FILES = sorted(path.name for path in FOLDER.glob("*.onnx"))

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the shared test data is not beside the project"
)

# What becomes of each file:
#   reader     the file cannot be read as an ONNX model
#   refused    it can be read, and our checks refuse it
#   runtime    our checks leave it to ONNX Runtime, which refuses it while loading
#   run_error  it loads, and running it fails
#   runs       it gives a result
#   timeout    it is stopped
VERDICTS = {
    "00_valid_reference": "runs",
    "01_empty": "reader",
    "02_text": "reader",
    "03_truncated_0": "reader",
    "03_truncated_1": "reader",
    "03_truncated_2": "reader",
    "03_truncated_3": "reader",
    "04_bitflip_0": "runs",  # in a weight, or in text that nobody reads
    "04_bitflip_1": "runs",
    "04_bitflip_2": "reader",
    "04_bitflip_3": "reader",
    "04_bitflip_4": "runtime",  # an output of a type that its node does not make
    "04_bitflip_5": "reader",
    "04_bitflip_6": "reader",
    "04_bitflip_7": "reader",
    "04_bitflip_8": "runs",
    "04_bitflip_9": "reader",
    "05_trailing_garbage": "reader",
    "06_ir_9999": "refused",
    "06_opset_0": "refused",
    "06_opset_9999": "refused",
    "07_unknown_domain": "runtime",  # the runtime at hand may know more than we do
    "07_unknown_op": "runtime",
    "08_cycle": "refused",
    "09_duplicate_output_name": "refused",
    "09_missing_initializer": "refused",
    "09_missing_output_node": "refused",
    "09_no_graph": "reader",
    "09_no_inputs": "runs",  # a constant
    "09_no_outputs": "refused",
    "10_bad_dtype": "runtime",
    "10_dims_negative": "refused",
    "10_dims_overflow": "refused",
    "10_dims_zero": "run_error",  # a Conv without output channels, with a bias of four
    "10_short_raw_data": "refused",
    "11_external_absolute": "refused",
    "11_external_huge_offset": "refused",
    "11_external_missing": "refused",
    "11_external_traversal": "refused",
    "12_channel_mismatch": "run_error",
    "12_conv_bad_group": "run_error",
    "12_conv_huge_pads": "refused",
    "12_conv_stride_zero": "runtime",
    "13_expand_huge": "refused",
    "13_reshape_mismatch": "runtime",
    "14_nan_inf_weights": "runs",  # and warns
    "15_qdq_scale_nan": "refused",
    "15_qdq_scale_negative": "refused",
    "15_qdq_scale_vector": "refused",
    "15_qdq_scale_zero": "refused",
    "15_qdq_zp_float": "refused",
    "16_declared_output_shape_wrong": "runs",  # with the shape that is made, not the declared one
    "16_dynamic_dims": "run_error",  # with every symbolic axis at 1 the kernel does not fit
    "16_long_names": "runs",
    "16_string_input": "runs",
    "16_two_inputs": "runs",
    "16_zero_dim_input": "runs",  # a result without elements
    "17_nested_if_20": "runs",
    "18_loop_forever": "timeout",
}

# Where we do not do what onnxruntime 1.31.1 does, and why.
DIFFERENT = {
    "09_no_outputs": "useless: refused at load, where onnxruntime fails at the first run",
    "12_conv_huge_pads": "pads of 2^40: refused at load, where onnxruntime overflows when run",
    "15_qdq_scale_nan": "onnxruntime computes nonsense with it",
    "15_qdq_scale_negative": "onnxruntime computes with it; the specification has no such scale",
    "15_qdq_scale_vector": "two scales for three channels: refused at load instead of when run",
    "15_qdq_scale_zero": "onnxruntime divides by it",
    "16_dynamic_dims": "the file runs at other sizes; here every symbolic axis is 1",
    "18_loop_forever": "onnxruntime does not return; a timeout applies by default",
}

SAME = {
    "reader": "load_error",
    "refused": "load_error",
    "runtime": "load_error",
    "run_error": "run_error",
    "runs": "runs",
    "timeout": "does_not_return_20s",
}


def verdict(outcome: Outcome) -> str:
    """The word of the table for what became of a file."""
    if outcome.kind == "ok":
        return "runs"
    if outcome.kind != "typed":
        return outcome.kind
    if outcome.what == "RunError":
        return "timeout" if "timeout" in outcome.text else "run_error"
    assert outcome.what == "ModelError"
    if "ONNX Runtime" in outcome.text:
        return "runtime"
    return "refused" if "model refused: " in outcome.text else "reader"


@pytest.fixture(scope="module")
def outcomes(tally: Callable[[str, Iterable[Outcome]], None]) -> dict[str, Outcome]:
    with Runner(
        "hostile.models:examine", setup="hostile.models:warm", memory_mb=300, timeout_s=20
    ) as runner:
        found = {name: runner.run(json.dumps([str(FOLDER / name), 0.5])) for name in FILES}
    tally("malformed models", found.values())
    return found


def test_the_table_names_every_file() -> None:
    assert sorted(f"{name}.onnx" for name in VERDICTS) == FILES


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_model_gives_what_the_table_says(name: str, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[name]
    assert verdict(outcome) == VERDICTS[name.removesuffix(".onnx")], outcome
    assert outcome.peak_mb <= 300
    if outcome.kind == "ok":
        warned = bool(outcome.what["warnings"])
        assert warned == (name == "14_nan_inf_weights.onnx")
        assert outcome.what["outputs"]


def test_we_differ_from_onnxruntime_only_where_the_table_says_why() -> None:
    with (FOLDER / "ort_behaviour.csv").open(newline="") as rows:
        theirs = {row["file"]: row["onnxruntime_result"] for row in csv.DictReader(rows)}
    different = {name for name, ours in VERDICTS.items() if SAME[ours] != theirs[f"{name}.onnx"]}
    stopped = {"18_loop_forever"}  # the same word for another end
    assert different | stopped == set(DIFFERENT)


def test_an_endless_model_is_stopped_without_being_asked_to() -> None:
    # The runner's own limit is the bound above: a machine that is busy with others may be late.
    with Runner("hostile.models:examine", setup="hostile.models:warm", timeout_s=120) as runner:
        outcome = runner.run(json.dumps([str(FOLDER / "18_loop_forever.onnx"), None]))
    assert verdict(outcome) == "timeout", outcome
    assert "timeout of 10 s" in outcome.text
    assert outcome.seconds >= 10
