"""Cutting a file's tail off, and running both parts as the file."""

import numpy as np
import onnx

from edgeinfer import _core
from oracles import onnx_tails

SAME = (1, 5, 8, 8)
IDENTITY = "Resize that changes nothing (8x8)"
HALF = "Resize half_pixel 8x8 -> 20x24"


def cut(model: onnx.ModelProto) -> tuple[_core.TailFacts, onnx.ModelProto, onnx.ModelProto]:
    """Cuts, and proves that the two parts are sound and together equal the whole."""
    whole = model.SerializeToString()
    parts = _core.cut_tail(whole)
    assert parts is not None, _core.inspect_model(whole).tail_why
    core, rest, tail = parts
    for part in (core, rest):
        onnx.checker.check_model(onnx.load_from_string(part))
    inputs = onnx_tails.image(model)
    wanted = onnx_tails.run(whole, inputs)
    found = onnx_tails.run(core, inputs)
    logits = found[tail.logits]
    assert str(logits.dtype) == tail.dtype
    for size, known in zip(
        logits.shape, (tail.batch, tail.classes, tail.height, tail.width), strict=True
    ):
        assert known in (None, size)
    found |= onnx_tails.run(rest, {tail.logits: logits})
    for name, values in wanted.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
        assert found[name].dtype == values.dtype
    wanted = onnx_tails.run(whole, inputs, layouts=True)
    found = onnx_tails.run(core, inputs, layouts=True)
    found |= onnx_tails.run(rest, {tail.logits: found[tail.logits]}, layouts=True)
    for name, values in wanted.items():
        if values.dtype == np.float32:  # a last bit may differ, but no mask may follow from it
            np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    return tail, onnx.load_from_string(core), onnx.load_from_string(rest)


def why_not(model: onnx.ModelProto) -> str:
    data = model.SerializeToString()
    assert _core.cut_tail(data) is None
    facts = _core.inspect_model(data)
    assert facts.tail is None
    return facts.tail_why
