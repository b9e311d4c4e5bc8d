"""The committed model of examples/vqi is the one its record speaks of."""

from __future__ import annotations

import hashlib
import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

MODEL = Path(__file__).resolve().parents[2] / "examples" / "vqi" / "model"


@pytest.fixture(scope="module")
def evaluate() -> ModuleType:
    sys.path.insert(0, str(MODEL.parent))
    try:
        return importlib.import_module("evaluate")
    finally:
        sys.path.remove(str(MODEL.parent))


def test_record_names_this_very_file() -> None:
    data = (MODEL / "vqi_light.onnx").read_bytes()
    record = json.loads((MODEL / "training.json").read_text())
    assert record["sha256"] == hashlib.sha256(data).hexdigest()
    assert record["file_bytes"] == len(data) <= 2_500_000


def test_recorded_figures_meet_the_floors_and_beat_colour_alone() -> None:
    record = json.loads((MODEL / "training.json").read_text())
    found = record["evaluation"]
    assert found["miou"] >= 0.75
    assert found["iou_cable"] >= 0.40
    for simple in record["baseline"].values():
        assert found["miou"] > simple["miou"] + 0.3
        assert found["iou_cable"] > simple["iou_cable"] + 0.3


def test_training_never_saw_the_evaluation_scenes() -> None:
    record = json.loads((MODEL / "training.json").read_text())
    low, high = record["evaluation_seeds"]
    first, last = record["training_seeds"]
    assert last < low or first > high
    assert record["started_from"] is None


def test_graph_is_standard_self_contained_and_ends_in_the_resize() -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(MODEL / "vqi_light.onnx", load_external_data=False)
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version <= 10
    assert [(entry.domain, 17 <= entry.version <= 21) for entry in model.opset_import] == [
        ("", True)
    ]
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    shapes = [
        [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    ]
    assert shapes == [[1, 3, 320, 320], [1, 5, 320, 320]]
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    last = model.graph.node[-1]
    modes = {a.name: a.s.decode() for a in last.attribute if a.type == onnx.AttributeProto.STRING}
    assert last.op_type == "Resize"
    assert modes["mode"] == "linear"
    assert modes["coordinate_transformation_mode"] in ("half_pixel", "pytorch_half_pixel")
    labels = (MODEL / "labels.txt").read_text().split()
    assert labels == ["sky", "ground", "tower", "cable", "insulator"]


def test_unseen_scenes_are_segmented_as_the_record_says() -> None:
    done = subprocess.run(
        [sys.executable, str(MODEL.parent / "evaluate.py"), "--count", "40", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["images"] == 40
    assert found["miou"] >= 0.75
    assert found["iou_cable"] >= 0.40
    # The same seeds as the record's, fewer of them.
    recorded = json.loads((MODEL / "training.json").read_text())["evaluation"]
    assert found["miou"] == pytest.approx(recorded["miou"], abs=0.04)


def test_a_model_file_is_judged_as_numpy_judges_what_the_runtime_gives(
    evaluate: ModuleType,
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    scenes = list(evaluate.scenes(evaluate.EVALUATION_SEEDS[:4]))
    found = evaluate.held_out_miou(MODEL / "vqi_light.onnx", scenes)

    recipe = json.loads((MODEL / "recipe.json").read_text())
    network = onnxruntime.InferenceSession(MODEL / "vqi_light.onnx")
    hits, either = np.zeros(5), np.zeros(5)
    for scene in scenes:  # 320 x 320 already: no resize
        values = (scene.image * recipe["scale"] - recipe["mean"]) / recipe["std"]
        tensor = values.transpose(2, 0, 1)[None].astype(np.float32)
        mask = network.run(None, {"image": tensor})[0][0].argmax(axis=0)
        for label in range(5):
            hits[label] += np.sum((mask == label) & (scene.mask == label))
            either[label] += np.sum((mask == label) | (scene.mask == label))
    # A pixel between two classes may fall on either side.
    assert found == pytest.approx(float(np.mean(hits / either)), abs=1e-4)


def test_what_quantising_learns_from_is_none_of_what_it_is_judged_on(
    evaluate: ModuleType,
) -> None:
    record = json.loads((MODEL / "training.json").read_text())
    trained = set(range(record["training_seeds"][0], record["training_seeds"][1] + 1))
    judged = set(evaluate.EVALUATION_SEEDS)
    assert set(evaluate.CALIBRATION_SEEDS) <= trained
    assert not judged & trained
    assert not judged & set(evaluate.CHOICE_SEEDS)
    assert not trained & set(evaluate.CHOICE_SEEDS)
