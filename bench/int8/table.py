"""The rows of ``./dev bench quantize``."""

from int8 import accuracy_rows, calibration_rows, speed_row, whole_row
from rows import Row

ROWS: tuple[Row, ...] = (
    Row(
        "calibrate",
        "calibrating MobileNetV2 on 128 images, channels too",
        calibration_rows.against_onnxruntime,
    ),
    Row("calibrate-memory", "peak memory of calibrating", calibration_rows.memory),
    Row("calibrate-inference", "calibrating beside inference", calibration_rows.over_inference),
    Row("quantize", "whole quantize, cold process, percentile", whole_row.measure),
    Row("int8-speed", "static int8 beside float", speed_row.measure),
    Row("int8-mobilenet", "MobileNetV2 in int8", accuracy_rows.row("mobilenet_v2")),
    Row("int8-squeezenet", "SqueezeNet in int8", accuracy_rows.row("squeezenet")),
    Row("int8-deeplab", "DeepLab in int8", accuracy_rows.row("deeplab")),
    Row(
        "int8-deeplab-dm05",
        "DeepLab, half the channels, in int8",
        accuracy_rows.row("deeplab_dm05"),
    ),
    Row("int8-person", "person or none, in int8", accuracy_rows.row("person")),
    Row("int8-ultraface", "UltraFace in int8", accuracy_rows.row("ultraface")),
    Row("int8-vqi", "the demo's network in int8", accuracy_rows.row("vqi")),
)
