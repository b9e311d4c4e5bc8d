"""A report in which everything is known."""

import io
import math

from PIL import Image

from edgeinfer.quantize import (
    ClassShare,
    LayerHistogram,
    LayerReport,
    MaskPictures,
    OutputReport,
    QuantizeReport,
    RepairReport,
)


def picture(kind: str, mode: str) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (24, 16), 90).save(file, kind)
    return file.getvalue()


def full_report() -> QuantizeReport:
    first = LayerReport(
        name="first",
        op="Conv",
        decision="int8",
        weights=(8, 3, 3, 3),
        low=-1.0,
        high=2.0,
        shape=(1, 8, None, 16),
        clipped=0.01,
        histogram=LayerHistogram(counts=(1, 5, 2, 1), first_edge=-2.0, width=1.25, zeros=3),
        macs=1000,
        sqnr_db=math.inf,
        network_sqnr_db=30.0,
        float_ms=2.0,
        int8_ms=1.0,
    )
    relu = LayerReport(name="relu", op="Relu", decision="merged", into="first")
    second = LayerReport(
        name="second",
        op="MatMul",
        decision="int16",
        low=0.0,
        high=6.0,
        clipped=0.0,
        histogram=LayerHistogram(counts=(9, 1), first_edge=0.0, width=3.5),
        sqnr_db=12.0,
        network_sqnr_db=9.0,
    )
    last = LayerReport(
        name="last", op="Softmax", decision="float", reason="no integer kernel for Softmax"
    )
    masks = MaskPictures(
        name="a.jpg",
        width=24,
        height=16,
        frame=picture("JPEG", "RGB"),
        float_mask=picture("PNG", "L"),
        int8_mask=picture("PNG", "L"),
        difference=picture("PNG", "L"),
        agreement=0.9712,
        classes=(ClassShare(0, "#808080", 0.88, 0.9), ClassShare(1, "#ff0000", 0.12, 0.1)),
    )
    return QuantizeReport(
        mode="static",
        target="a76",
        activations="int8",
        weight_bits=8,
        method="percentile",
        parameter=99.9,
        samples=40,
        float_bytes=1000,
        int8_bytes=270,
        prepared={"normalisations folded": 2},
        layers=(first, relu, second, last),
        judged=2,
        outputs=(
            OutputReport(name="scores", sqnr_db=math.inf, agreement=1.0),
            OutputReport(name="mask", sqnr_db=21.0, agreement=0.97123),
        ),
        seconds={"calibrate": 1.0},
        notes=("weights have 7 bits",),
        repairs=(
            RepairReport(name="equalise", applied=True, before=20.0, after=22.5, seconds=0.1),
            RepairReport(name="split", applied=False, note="Nothing to split."),
        ),
        float_ms=4.0,
        int8_ms=2.0,
        timing="measured on this CPU",
        advice="Integers do not pay here.",
        pictures=(masks,),
    )
