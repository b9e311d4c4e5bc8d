"""Makes the committed seeds of the fuzz targets: `python tests/fuzz/make_corpus.py`.

A seed only has to lead the fuzzer into a part of the code; it finds the values itself. The layouts
of the tail's and the plans' inputs are those in which cpp/fuzz/*.cpp draw them.
"""

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from oracles import statistics  # noqa: E402
from oracles.onnx_quantised import Chain  # noqa: E402
from oracles.onnx_stems import stem  # noqa: E402
from oracles.onnx_tails import argmax, dequantize, network, quantize, resize, step  # noqa: E402


def small(model: onnx.ModelProto) -> bytes:
    """The model without the values of its weights: their shape is enough."""
    for tensor in model.graph.initializer:
        if tensor.name == "w":
            tensor.CopyFrom(numpy_helper.from_array(np.ones((5, 3, 3, 3), np.int8), "w"))
    return model.SerializeToString(deterministic=True)


def everything() -> bytes:
    """One of each thing that a file can hold and a tail does not."""
    value = helper.make_tensor_value_info
    inner = helper.make_graph(
        [helper.make_node("Add", ["a", "x"], ["b"]), helper.make_node("Cast", ["b"], ["c"], to=9)],
        "body",
        [value("a", 1, [])],
        [value("b", 1, []), value("c", 9, [])],
        [numpy_helper.from_array(np.float32(1), "one")],
    )
    types = [
        ("s", helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, None))),
        ("m", helper.make_map_type_proto(7, helper.make_tensor_type_proto(1, [2]))),
        ("o", helper.make_optional_type_proto(helper.make_tensor_type_proto(8, ["n"]))),
        ("p", helper.make_sparse_tensor_type_proto(1, [4, None])),
    ]
    inputs = [helper.make_value_info(name, type_) for name, type_ in types]
    inputs.append(value("x", 1, ["batch", 3, None]))
    sparse = helper.make_sparse_tensor(
        helper.make_tensor("v", 1, [2], [1, 2]), helper.make_tensor("i", 7, [2], [0, 3]), [4]
    )
    far = TensorProto(name="far", data_type=1, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, text in {"location": "weights.bin", "offset": "8", "length": "16"}.items():
        far.external_data.add(key=key, value=text)
    nodes = [
        helper.make_node("Loop", ["", "", "x"], ["y", "z"], body=inner),
        helper.make_node("Twice", ["x"], ["t"], domain="own"),
        helper.make_node("Constant", [], ["k"], value_floats=[1.0, 2.0]),
        helper.make_node("Any", ["k"], ["q"], domain="com.microsoft", words=["a", "b"], n=[1, 2]),
    ]
    graph = helper.make_graph(nodes, "all", inputs, [value("y", 1, None)], [far])
    graph.sparse_initializer.add().CopyFrom(sparse)
    for kind, data in {6: [1, -2], 7: [3], 10: [4], 11: [0.5], 9: [True]}.items():
        graph.initializer.append(helper.make_tensor(f"typed{kind}", kind, [len(data)], data))
    twice = helper.make_function(
        "own",
        "Twice",
        ["u"],
        ["v"],
        [helper.make_node("Add", ["u", "u"], ["v"])],
        [helper.make_opsetid("", 17)],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, opset_imports=opsets, functions=[twice], ir_version=8)
    helper.set_model_props(model, {"author": "seed"})
    return model.SerializeToString(deterministic=True)


def shapes() -> bytes:
    """Operators whose output sizes are inferred, before a tail."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], auto_pad="SAME_UPPER", strides=[2, 2]),
        helper.make_node("MaxPool", ["c"], ["p"], kernel_shape=[2, 2], ceil_mode=1),
        helper.make_node("ConvTranspose", ["p", "u"], ["d"], strides=[2, 2]),
        helper.make_node("Pad", ["d", "pads"], ["e"]),
        helper.make_node("Concat", ["e", "e"], ["f"], axis=1),
        helper.make_node("Slice", ["f", "from", "to"], ["g"]),
        helper.make_node("Resize", ["g", "", "", "size"], ["h"], mode="linear"),
        helper.make_node("ArgMax", ["h"], ["y"], axis=1, keepdims=0),
    ]
    constants = {
        "w": np.ones((2, 1, 3, 3), np.int8),
        "u": np.ones((2, 2, 2, 2), np.int8),
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
        "from": np.array([0, 0, 0, 0]),
        "to": np.array([1, 3, 5, 5]),
        "size": np.array([1, 3, 20, 24]),
    }
    graph = helper.make_graph(
        nodes,
        "shapes",
        [helper.make_tensor_value_info("x", 1, [1, 1, 16, 16])],
        [helper.make_tensor_value_info("y", 7, None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString(deterministic=True)


def repeated() -> bytes:
    """Scans in each other, and two initialisers of one name."""
    value = helper.make_tensor_value_info
    nodes = [helper.make_node("Add", ["v", "s"], ["w"])]
    for _ in range(2):
        ends = [value("v", 1, [1]), value("e", 1, [1])]
        body = helper.make_graph(nodes, "body", ends, [value("w", 1, [1])])
        nodes = [helper.make_node("Scan", ["v", "long"], ["w"], body=body, num_scan_inputs=1)]
    held = [
        ("s", np.ones(1, np.float32)),
        ("s", np.zeros(1, np.float32)),
        ("long", np.ones((9, 1), np.float32)),
    ]
    graph = helper.make_graph(
        nodes,
        "repeated",
        [value("v", 1, [1])],
        [value("w", 1, [1])],
        [numpy_helper.from_array(array, name) for name, array in held],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString(deterministic=True)


def graph_seeds() -> Iterator[tuple[str, bytes]]:
    """Networks with every kind of tail."""
    pair = (quantize(), dequantize())
    tails = {
        "resize_argmax": (resize(), argmax()),
        "corners": (resize(coordinate_transformation_mode="align_corners"), argmax(keepdims=0)),
        "softmax": (resize(scales=[1, 1, 2, 2]), step("Softmax", axis=1), argmax()),
        "quantised": (*pair, resize(), quantize(), dequantize(), argmax()),
        "signed": (quantize(dtype=np.int8), dequantize(dtype=np.int8), argmax()),
        "twice": (resize((1, 5, 8, 8)), resize(), step("Transpose", perm=[0, 2, 3, 1])),
        "cast": (argmax(), step("Cast", to=6), step("Squeeze", np.array([1]))),
        "reshape": (argmax(), step("Reshape", np.array([1, 8, 8, 1]))),
    }
    for name, steps in tails.items():
        yield f"{name}.onnx", small(network(*steps))
    yield "nodes.onnx", small(network(resize(), argmax(), as_nodes=True))
    yield "outputs.onnx", small(network(resize(), step("Identity"), argmax(), outputs=["t0", "t2"]))
    yield "old.onnx", small(network(resize(scales=[1, 1, 2.5, 3], roi=[]), opset=11, ir=3))
    yield "axes.onnx", small(network(resize((20, 24), axes=[2, 3]), opset=18))
    yield "everything.onnx", everything()
    yield "shapes.onnx", shapes()
    yield "repeated.onnx", repeated()
    yield from head_seeds()
    yield from uint8_seeds()
    yield from stem_seeds()


def head(
    dtype: type, zero: int | None, paired: bool = True, ir: int = 10, **attributes: int
) -> bytes:
    """An input that is quantised first; `zero` None: without a zero point of its own."""
    names = ["x", "s"] + ([] if zero is None else ["z"])
    constants = {"s": np.float32(0.5), "w": np.ones((1, 1, 1, 1), np.float32)}
    if zero is not None:
        constants["z"] = np.array(zero, dtype)
    if not paired:
        constants["t"] = np.float32(0.25)
    last = ["q", "s" if paired else "t", *names[2:]]
    nodes = [
        helper.make_node("QuantizeLinear", names, ["q"], **attributes),
        helper.make_node("DequantizeLinear", last, ["d"]),
        helper.make_node("Conv", ["d", "w"], ["y"]),
    ]
    inputs = [helper.make_tensor_value_info("x", 1, ["n", 1, 4, 4])]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    if ir < 4:
        inputs += [
            helper.make_tensor_value_info(one.name, one.data_type, one.dims) for one in weights
        ]
    graph = helper.make_graph(
        nodes, "head", inputs, [helper.make_tensor_value_info("y", 1, None)], weights
    )
    opset = helper.make_opsetid("", 13 if ir < 4 else 21)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=ir)
    return model.SerializeToString(deterministic=True)


def head_seeds() -> Iterator[tuple[str, bytes]]:
    """Networks with every kind of head that can be cut."""
    yield "head_uint8.onnx", head(np.uint8, 7)
    yield "head_int8.onnx", head(np.int8, -3)
    yield "head_alone.onnx", head(np.int8, -3, paired=False)
    yield "head_dtype.onnx", head(np.int8, None, output_dtype=TensorProto.INT8)
    yield "head_both.onnx", head(np.int8, -3, output_dtype=TensorProto.INT8)
    yield "head_old.onnx", head(np.int8, -3, ir=3)


def stem_seeds() -> Iterator[tuple[str, bytes]]:
    """First convolutions that take a fourth channel."""
    for name, kept in {"": {}, "_operators": {"operators": True}, "_old": {"ir": 3}}.items():
        model = stem(1, kernel=(2, 1), per_channel=False, opset=13, **kept)
        yield f"stem{name}.onnx", model.SerializeToString(deterministic=True)


def uint8_seeds() -> Iterator[tuple[str, bytes]]:
    """int8 activations that can be moved to uint8, and some that cannot."""
    chain = Chain((1, 1, 4, 4))
    first = chain.pair("x")
    picked = chain.integer("MaxPool", [chain.quantize(first)], kernel_shape=[1, 1])
    held = chain.dequantize(chain.constant([[7]], np.int8))
    total = chain.node("Add", [first, held])
    yield (
        "uint8.onnx",
        chain.model({chain.dequantize(picked): 1, chain.quantize(total): 3}).SerializeToString(
            deterministic=True
        ),
    )
    chain = Chain((1, 1, 4, 4))
    point = [chain.constant(0.5, np.float32), chain.constant(-3, np.int8)]
    value = chain.node("QuantizeLinear", ["x", *point])
    held = chain.constant([[7]], np.int8)
    value = chain.node("QLinearAdd", [value, *point, held, *point, *point], "com.microsoft")
    value = chain.node("QLinearConcat", [*point, value, *point, held, *point], "com.microsoft")
    yield (
        "uint8_operators.onnx",
        chain.model({chain.dequantize(value): 1}).SerializeToString(deterministic=True),
    )


def tail_seeds() -> Iterator[tuple[str, bytes]]:
    """A task, its geometry, and values."""
    noise = np.random.default_rng(1).normal(size=60).astype(np.float32).tobytes()
    odd = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 1e-40, 3e38, -3e38], np.float32).tobytes()
    # type, corners, width of ids, classes, sides, then whether and to what each side changes
    for kind, name in {7: "float", 2: "uint8", 4: "int8"}.items():
        yield f"{name}_larger", bytes([kind, 0, 0, 20, 3, 8, 1, 30, 1, 70]) + noise
        yield f"{name}_corners", bytes([kind, 1, 0, 4, 8, 2, 1, 47, 1, 48]) + noise
        yield f"{name}_same", bytes([kind, 0, 0, 6, 8, 16, 0, 0]) + noise
        wide = struct.pack("<BBBHBB", kind, 0, 15, 100, 2, 3)
        yield f"{name}_wide", wide + bytes([1, 9, 1, 20]) + noise
    yield "float_odd", bytes([7, 0, 0, 20, 3, 8, 1, 30, 1, 70]) + odd
    yield "classify_softmax", bytes([0, 1, 0, 5, 12]) + noise
    yield "classify_doubles", bytes([0, 1, 1, 3, 5]) + np.array([1e300, np.nan, -np.inf]).tobytes()
    for code, dtype in enumerate(["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]):
        ids = np.arange(20).astype(dtype).tobytes()
        yield f"ids_{dtype}", bytes([1, code, 19]) + ids[:0] + bytes([1]) + ids


def preprocess_seeds() -> Iterator[tuple[str, bytes]]:
    """A recipe, a frame, and pixels."""
    pixels = bytes(np.random.default_rng(2).integers(0, 256, 48, np.uint8))
    # how the numbers come, scale 1/255, mean and std by channel
    usual = struct.pack("<BB6h", 3, 1, 62, 58, 52, 29, 29, 28)
    formats = ["rgb", "bgr", "rgba", "gray", "bgra", "nv12", "nv21", "i420", "yuyv"]
    planes = [1, 1, 1, 1, 1, 2, 2, 3, 1]
    sizes = {"smaller": (59, 89), "larger": (9, 11), "half": (63, 95), "same": (31, 47)}
    for resize_, method in enumerate(["pillow", "opencv", "area", "nearest"]):
        for code, format_ in enumerate(formats):
            size, sides = list(sizes.items())[(resize_ + code) % 4]
            fit, order, layout = (resize_ + 2 * code) % 3, code % 2, (code // 2) % 2
            dtype = (resize_ + code) % 3
            recipe = bytes([31, 47, resize_, fit, order, layout, dtype, 114])
            if dtype:
                recipe += struct.pack("<Bhb", 1, 128, 3 - 5 * dtype)  # quant (1 / 64, zero point)
            frame = bytes([code, *sides, 0])
            if code > 4:
                frame += bytes([resize_ % 2, code % 2, 0])
            frame += bytes([5, 3 * (code % 2)]) * planes[code]
            yield f"{method}_{format_}_{size}", recipe + usual + frame + frame + pixels


def calib_state(values: list[float], bins: int) -> bytes:
    """Statistics of one sample and one channel, written here the plain way."""
    array = np.array(values, np.float32)
    counts, zeros = np.zeros(0, np.int64), 0
    low, high, total, squares = np.inf, -np.inf, 0.0, 0.0
    if values:
        counts, _, _, zeros = statistics.histogram(array, bins)
        low, high = array.min(), array.max()
        total, squares = array.sum(dtype=np.float64), (array.astype(np.float64) ** 2).sum()
    mark = int.from_bytes(b"\x1a\nEICALB", "little")
    # mark, version, bins, counts, channels, extremes, zeros, samples, not finite, and of the
    # samples that had values: how many, the sums of their extremes
    extremes = [low, high] if values else [0.0, 0.0]
    head = (mark, 1, bins, counts.size, 1, min(low, 0), max(high, 0), zeros, 1, 0)
    averaged = (int(bool(values)), *extremes)
    channel = struct.pack("<Qffdd", array.size, low, high, total, squares)
    return struct.pack("<QIIQQffQQQQdd", *head, *averaged) + counts.tobytes() + channel


def calib_seeds() -> Iterator[tuple[str, bytes]]:
    """States, then shapes with their cuts, changes of the state, and values."""
    for name, values in {
        "empty": [],
        "zeros": [0.0, -0.0],
        "both_sides": [-1.0, 0.0, 0.5, 0.5],
        "one_side": [1e-45, 3e38],
    }.items():
        yield f"state_{name}", b"\0" + calib_state(values, 16)
    odd = np.array([1, -2.5, 0, -0.0, 1e-45, -3e38, 3.4e38, 7e-20], np.float32).tobytes()
    broken = np.array([1, np.nan, -2, np.inf, 3, -np.inf], np.float32).tobytes()
    # channels, inner, outer, bins, pieces, changes, whether whole numbers; cuts and changes
    for name, shape in {"rows": [2, 8, 6], "short": [4, 0, 11], "one": [0, 19, 3]}.items():
        for kind, values in {"odd": odd, "broken": broken}.items():
            drawn = bytes([1, *shape, len(name) % 3, 2, 1, len(kind) % 2])
            yield f"{name}_{kind}", drawn + struct.pack("<HHHB", 1, 2, 70, 1) + bytes(9) + values


TARGETS = {
    "calib": calib_seeds,
    "graph": graph_seeds,
    "preprocess": preprocess_seeds,
    "tail": tail_seeds,
}


def main() -> None:
    """Write every seed into its target's folder."""
    for target, seeds in TARGETS.items():
        folder = HERE / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if not old.name.startswith("found-"):  # a finding of the past, which stays
                old.unlink()
        for name, data in seeds():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
