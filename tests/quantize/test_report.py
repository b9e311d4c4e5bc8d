"""What the report says, and what of it programs can read."""

import dataclasses
import json
import math

import numpy as np

from edgeinfer.quantize import OutputReport, QuantizeReport
from quantize.reports import full_report


def report(**facts: object) -> QuantizeReport:
    return dataclasses.replace(full_report(), **facts)


def test_a_report_is_valid_json_and_comes_back_the_same() -> None:
    facts = report().to_dict()
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert (facts["size_ratio"], facts["speedup"]) == (0.27, 2.0)
    assert facts["repairs"][0]["after"] == 22.5


def test_infinite_decibels_are_told_from_unknown_ones() -> None:
    facts = report().to_dict()
    first, _, _, last = facts["layers"]
    assert (first["sqnr_db"], first["equal"]) == (None, True)
    assert (last["sqnr_db"], last["equal"]) == (None, None)
    assert (facts["outputs"][0]["sqnr_db"], facts["outputs"][0]["equal"]) == (None, True)
    lost = OutputReport(name="o", sqnr_db=-math.inf, agreement=None)
    (output,) = report(outputs=(lost,)).to_dict()["outputs"]
    assert (output["sqnr_db"], output["equal"]) == (None, False)


def test_histograms_and_pictures_are_not_in_the_document() -> None:
    facts = report().to_dict()
    assert "pictures" not in facts
    assert all("histogram" not in layer for layer in facts["layers"])


def test_numbers_of_numpy_become_pythons_own() -> None:
    facts = report(float_bytes=np.int64(1000), drop=np.float32(0.5), score=np.nan).to_dict()
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert (facts["float_bytes"], facts["drop"], facts["score"]) == (1000, 0.5, None)
