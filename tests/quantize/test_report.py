"""What the report says, and what of it programs can read."""

import json
import math

import numpy as np

from edgeinfer.quantize import (
    LayerHistogram,
    LayerReport,
    MaskPictures,
    OutputReport,
    QuantizeReport,
    RepairReport,
)


def report(**facts: object) -> QuantizeReport:
    """A report of two layers, of which everything is known."""
    histogram = LayerHistogram(counts=(1, 5, 2), first_edge=-1.0, width=1.0)
    first = LayerReport(
        name="first",
        op="Conv",
        decision="int8",
        weights=(8, 3, 3, 3),
        low=-1.0,
        high=2.0,
        shape=(1, 8, None, 16),
        clipped=0.01,
        histogram=histogram,
        macs=1000,
        sqnr_db=math.inf,
        network_sqnr_db=30.0,
        float_ms=2.0,
        int8_ms=1.0,
    )
    last = LayerReport(name="last", op="Softmax", decision="float", reason="no integer kernel")
    picture = MaskPictures(
        name="a.jpg",
        width=4,
        height=4,
        frame=b"jpeg",
        float_mask=b"png",
        int8_mask=b"png",
        difference=b"png",
        agreement=0.9,
    )
    known = {
        "mode": "static",
        "target": "a76",
        "activations": "int8",
        "weight_bits": 8,
        "method": "percentile",
        "parameter": None,
        "samples": 40,
        "float_bytes": 1000,
        "int8_bytes": 270,
        "prepared": {"normalisations folded": 2},
        "layers": (first, last),
        "judged": 2,
        "outputs": (OutputReport(name="scores", sqnr_db=math.inf, agreement=1.0),),
        "seconds": {"calibrate": 1.0},
        "repairs": (RepairReport(name="bias", applied=True, before=20.0, after=22.0),),
        "float_ms": 4.0,
        "int8_ms": 2.0,
        "pictures": (picture,),
    }
    return QuantizeReport(**{**known, **facts})


def test_a_report_is_valid_json_and_comes_back_the_same() -> None:
    facts = report().to_dict()
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert (facts["size_ratio"], facts["speedup"]) == (0.27, 2.0)
    assert facts["repairs"][0]["after"] == 22.0


def test_infinite_decibels_are_told_from_unknown_ones() -> None:
    facts = report().to_dict()
    first, last = facts["layers"]
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
