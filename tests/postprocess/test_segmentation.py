import numpy as np
import pytest

import edgeinfer as ei

LOGITS = np.arange(24, dtype=np.float32).reshape(2, 3, 4) % 7


def test_segment_gives_a_mask_with_areas_and_labels():
    mask = ei.segment(LOGITS, size=(6, 8), labels=["road", "tree"])
    assert isinstance(mask, ei.Mask)
    assert mask.classes.shape == (6, 8)
    assert mask.classes.dtype == np.uint8
    assert mask.areas.sum() == 48
    assert mask.labels == ["road", "tree"]
    assert mask.fractions.sum() == pytest.approx(1)


def test_corners_are_aligned_on_demand():
    logits = np.array([[[0, 0, 0]], [[1, -3, -3]]], np.float32)
    assert ei.segment(logits, size=(1, 9)).classes.tolist() == [[1, 1, 0, 0, 0, 0, 0, 0, 0]]
    aligned = ei.segment(logits, size=(1, 9), align_corners=True)
    assert aligned.classes.tolist() == [[1, 0, 0, 0, 0, 0, 0, 0, 0]]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_quantised_logits_need_no_dequantisation(dtype):
    rng = np.random.default_rng(1)
    quantised = rng.integers(np.iinfo(dtype).min, 100, (7, 6, 5)).astype(dtype)
    scale, zero_point = np.float32(0.037), dtype(12)
    mask = ei.segment(quantised, size=(48, 40), quant=(scale, zero_point))
    # A scale of a power of two keeps float32 exact, so that ties stay ties.
    real = (quantised.astype(np.float32) - np.float32(zero_point)) * np.float32(2**-5)
    np.testing.assert_array_equal(mask.classes, ei.segment(real, size=(48, 40)).classes)


def test_tensors_of_pytorch_are_taken_as_they_are():
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(LOGITS)[None]
    mask = ei.segment(tensor, size=(6, 8))
    np.testing.assert_array_equal(mask.classes, ei.segment(LOGITS, size=(6, 8)).classes)


@pytest.mark.parametrize(
    ("logits", "arguments", "words"),
    [
        (LOGITS[0], {}, ["float32 (3, 4)", "(classes, height, width)"]),
        (np.stack([LOGITS, LOGITS]), {}, ["float32 (2, 2, 3, 4)", "one frame at a time"]),
        (LOGITS.astype(np.float64), {}, ["float64 (2, 3, 4)", "astype('float32')"]),
        (LOGITS[:, :0], {}, ["(2, 0, 4)", "empty"]),
        (LOGITS[:0], {}, ["(0, 3, 4)", "empty"]),
        (np.zeros((65537, 1, 1), np.float32), {}, ["65537 classes", "65536"]),
        ("logits", {}, ["found str", "array"]),
        (LOGITS, {"size": (0, 4)}, ["(0, 4)"]),
        (LOGITS, {"size": (4, 1 << 40)}, ["size", "65535"]),
        (LOGITS, {"size": (True, 4)}, ["(True, 4)"]),
        (LOGITS, {"size": (4, np.True_)}, ["True"]),
        (LOGITS, {"size": 4}, ["size: found 4", "(height, width)"]),
        (LOGITS, {"size": (4.0, 4)}, ["(4.0, 4)"]),
        (LOGITS, {"labels": ["one"]}, ["1 names", "2 classes"]),
        (LOGITS, {"quant": (1.0, 0)}, ["float logits"]),
        (LOGITS.astype(np.int8), {"quant": (0.0, 0)}, ["scale above 0"]),
        (LOGITS.astype(np.int8), {"quant": (np.nan, 0)}, ["scale above 0"]),
        (LOGITS.astype(np.int8), {"quant": (0.1, 0.5)}, ["integer zero point"]),
        (LOGITS.astype(np.int8), {"quant": (0.05, 300)}, ["(0.05, 300)", "from -128 to 127"]),
        (LOGITS.astype(np.int8), {"quant": (0.05, 128)}, ["from -128 to 127", "int8 logits"]),
        (LOGITS.astype(np.uint8), {"quant": (0.05, -1)}, ["from 0 to 255", "uint8 logits"]),
        (
            memoryview(LOGITS.astype(np.int8)),
            {"quant": (0.05, -129)},
            ["from -128 to 127", "int8 logits"],
        ),
        (LOGITS.astype(np.int8), {"quant": ([0.1, 0.2], 0)}, ["dequantise"]),
        (LOGITS.astype(np.int8), {"quant": 0.1}, ["(scale, zero_point)"]),
    ],
)
def test_what_does_not_fit_is_named(logits, arguments, words):
    with pytest.raises(ei.InputError) as caught:
        ei.segment(logits, **{"size": (6, 8), **arguments})
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("dtype", "zero_point"), [(np.int8, -128), (np.int8, 127), (np.uint8, 0), (np.uint8, 255)]
)
def test_every_zero_point_of_the_type_is_taken(dtype, zero_point):
    logits = LOGITS.astype(dtype)
    wanted = ei.segment(logits, size=(6, 8)).classes
    for given in (logits, memoryview(logits)):
        mask = ei.segment(given, size=(6, 8), quant=(0.05, zero_point))
        np.testing.assert_array_equal(mask.classes, wanted)


def test_a_session_takes_the_sizes_that_segment_takes():
    from session.networks import convolution

    session = ei.Session(convolution(8), threads=1)
    frame = np.ones((1, 3, 8, 8), np.float32)
    logits = session.run(frame)["y"]
    for size in ((65535, 1), (1, 65535)):
        mask = session.segment(frame, size=size)
        np.testing.assert_array_equal(mask.classes, ei.segment(logits, size=size).classes)
    for size in (65536, 1), (1, 65536):
        with pytest.raises(ei.InputError, match="of 1 to 65535"):
            session.segment(frame, size=size)
        with pytest.raises(ei.InputError, match="of 1 to 65535"):
            ei.segment(logits, size=size)
