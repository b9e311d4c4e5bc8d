"""What is refused before the runtime sees it, what is warned of, and what is left alone."""

import math
import time
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

import edgeinfer as ei
from session.networks import convolution, counting, doubler, endless, model_bytes, tensor

IDS, BOOL, FLOAT = TensorProto.INT64, TensorProto.BOOL, TensorProto.FLOAT

# Operator, domain, its number of inputs, and the inputs that are scales; from the operators' pages.
QUANTISING = [
    ("QuantizeLinear", "", 3, (1,)),
    ("DequantizeLinear", "", 3, (1,)),
    ("QuantizeLinear", "com.microsoft", 3, (1,)),
    ("DequantizeLinear", "com.microsoft", 3, (1,)),
    ("QLinearConv", "", 9, (1, 4, 6)),
    ("QLinearMatMul", "", 8, (1, 4, 6)),
    ("QLinearConv", "com.microsoft", 9, (1, 4, 6)),
    ("QLinearAdd", "com.microsoft", 8, (1, 4, 6)),
    ("QLinearMul", "com.microsoft", 8, (1, 4, 6)),
    ("QLinearSigmoid", "com.microsoft", 5, (1, 3)),
    ("QLinearLeakyRelu", "com.microsoft", 5, (1, 3)),
    ("QLinearSoftmax", "com.microsoft", 5, (1, 3)),
    ("QLinearReduceMean", "com.microsoft", 5, (1, 3)),
    ("QLinearAveragePool", "com.microsoft", 5, (1, 3)),
    ("QLinearGlobalAveragePool", "com.microsoft", 5, (1, 3)),
    ("QLinearWhere", "com.microsoft", 9, (2, 5, 7)),
    ("QLinearConcat", "com.microsoft", 8, (0, 3, 6)),
    ("QGemm", "com.microsoft", 9, (1, 4, 7)),
    ("MatMulIntegerToFloat", "com.microsoft", 7, (2, 3)),
    ("DynamicQuantizeMatMul", "com.microsoft", 5, (2,)),
]
BAD = [math.nan, -math.nan, math.inf, -math.inf, 0.0, -0.0, -0.1]
SCALE_TYPES = [np.float32, np.float16, ml_dtypes.bfloat16, np.float64]


def codes(model: bytes) -> list[str]:
    facts = ei.inspect(model)
    return sorted({one.code for one in (*facts.problems, *facts.warnings)})


def typed(name: str, values: NDArray) -> TensorProto:
    """The values in the message's typed field, not as raw bytes."""
    raw = numpy_helper.from_array(values, name)
    out = TensorProto(name=name, data_type=raw.data_type, dims=raw.dims)
    match values.dtype:
        case np.float32:
            out.float_data.extend(values.ravel())
        case np.float64:
            out.double_data.extend(values.ravel())
        case _:
            out.int32_data.extend(values.view(np.uint16).ravel().tolist())
    return out


def hold(model: onnx.ModelProto, name: str, values: NDArray, how: str) -> None:
    """Put a constant into a model in one of the ways a file can."""
    graph = model.graph
    match how:
        case "raw":
            graph.initializer.append(numpy_helper.from_array(values, name))
        case "typed":
            graph.initializer.append(typed(name, values))
        case "Constant":
            held = numpy_helper.from_array(values)
            graph.node.insert(0, helper.make_node("Constant", [], [name], value=held))
        case "value_floats":
            numbers = [float(one) for one in values.ravel()]
            graph.node.insert(0, helper.make_node("Constant", [], [name], value_floats=numbers))
        case "passed on":
            graph.initializer.append(numpy_helper.from_array(values, f"{name}.0"))
            graph.node.insert(0, helper.make_node("Identity", [f"{name}.0"], [f"{name}.1"]))
            graph.node.insert(1, helper.make_node("Cast", [f"{name}.1"], [name], to=FLOAT))


def quantising(
    op: str, domain: str, count: int, scales: dict[int, NDArray], how: str = "raw"
) -> bytes:
    """One node whose scales are these, and whose other inputs are no subject."""
    names = [f"i{at}" for at in range(count)]
    node = helper.make_node(op, names, ["y"], domain=domain)
    graph = helper.make_graph([node], "g", [tensor("x", ())], [tensor("y", ())])
    imports = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=10)
    for at, name in enumerate(names):
        if at in scales:
            hold(model, name, scales[at], how)
        else:
            hold(model, name, np.zeros((), np.uint8), "raw")
    return model.SerializeToString()


@pytest.mark.parametrize("bad", BAD, ids=repr)
@pytest.mark.parametrize(("op", "domain", "count", "scales"), QUANTISING)
def test_each_bad_scale_of_each_operator_is_refused(
    op: str, domain: str, count: int, scales: tuple[int, ...], bad: float
) -> None:
    good = {at: np.float32(0.5) for at in scales}
    assert "scale" not in codes(quantising(op, domain, count, good))
    for at in scales:
        model = quantising(op, domain, count, {**good, at: np.float32(bad)})
        found = [one for one in ei.inspect(model).problems if one.code == "scale"]
        assert len(found) == 1
        assert op in found[0].text
        assert f"'i{at}'" in found[0].text
        assert found[0].verdict == "refused"
        with pytest.raises(ei.ModelError, match="model refused: "):
            ei.Session(model)


@given(
    values=st.lists(st.floats(allow_nan=True, width=16), min_size=1, max_size=20),
    kind=st.sampled_from(SCALE_TYPES),
    how=st.sampled_from(["raw", "typed", "Constant", "value_floats", "passed on"]),
    vector=st.booleans(),
)
def test_a_scale_is_judged_by_its_values_however_it_is_stored(
    values: list[float], kind: type, how: str, vector: bool
) -> None:
    held = np.array(values if vector else values[0], dtype=kind)
    numbers = held.astype(np.float64)
    model = quantising("QLinearConv", "", 9, {1: held, 4: np.float32(1), 6: np.float32(1)}, how)
    bad = bool((~np.isfinite(numbers) | (numbers <= 0)).any())
    assert ("scale" in codes(model)) == bad


def test_a_scale_in_a_file_of_its_own_is_read(tmp_path: Path) -> None:
    model = onnx.load_from_string(
        quantising("QuantizeLinear", "", 3, {1: np.array([1, 2, np.nan], np.float32)})
    )
    (held,) = [one for one in model.graph.initializer if one.name == "i1"]
    (tmp_path / "scales.bin").write_bytes(b"before" + held.raw_data)
    held.ClearField("raw_data")
    held.data_location = TensorProto.EXTERNAL
    held.external_data.add(key="location", value="scales.bin")
    held.external_data.add(key="offset", value="6")
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    found = ei.inspect(tmp_path / "m.onnx").problems
    assert "its scale 'i1' (of 3 values) is NaN" in " ".join(one.text for one in found)


def test_scales_inside_of_graphs_and_functions_are_judged() -> None:
    pair = helper.make_node("QuantizeLinear", ["x", "s"], ["q"])
    bad = helper.make_node("Constant", [], ["s"], value_float=-1.0)
    out = tensor("q", (4,), TensorProto.UINT8)
    branch = helper.make_graph([bad, pair], "b", [], [out])
    choose = helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)
    ends = [tensor("x", (4,))], [tensor("y", (4,), TensorProto.UINT8)]
    assert codes(model_bytes([choose], *ends, {"yes": np.array(True)})) == ["scale"]
    body = helper.make_function("my", "F", ["x"], ["q"], [bad, pair], [helper.make_opsetid("", 17)])
    called = onnx.load_from_string(
        model_bytes([helper.make_node("F", ["x"], ["y"], domain="my")], *ends)
    )
    called.opset_import.append(helper.make_opsetid("my", 1))
    called.functions.append(body)
    assert codes(called.SerializeToString()) == ["scale"]


def pair(
    scale: NDArray, zero: NDArray | None, shape: tuple[int, ...] = (1, 3, 8, 8), **attributes: int
) -> bytes:
    inputs = ["x", "s"] if zero is None else ["x", "s", "z"]
    held = {"s": scale} if zero is None else {"s": scale, "z": zero}
    nodes = [
        helper.make_node("QuantizeLinear", inputs, ["q"], **attributes),
        helper.make_node("DequantizeLinear", ["q", *inputs[1:]], ["y"], **attributes),
    ]
    return model_bytes(nodes, [tensor("x", shape)], [tensor("y", shape)], held, 21, 10)


F32 = np.float32


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        (pair(F32(1), None), []),
        (pair(F32(1), np.int8(0)), []),
        (pair(F32([1]), np.int8([0])), []),
        (pair(F32([1, 2, 3]), np.int8([0, 0, 0])), []),
        (pair(F32([1, 2, 3]), np.int8([0, 0, 0]), axis=-3), []),
        (pair(F32([1] * 8), np.uint8([0] * 8), axis=3), []),
        (pair(F32([1, 2]), np.int8([0, 0])), ["scale"]),
        (pair(F32([1, 2, 3]), None, axis=4), ["scale"]),
        (pair(F32([1, 2, 3]), np.int8(0)), ["zero-point"]),
        (pair(F32(1), F32(0)), ["zero-point"]),
        (pair(F32(1), np.int64(0)), ["zero-point"]),
        (pair(F32([[-1.0], [0.0]]), None, (4, 1), block_size=2, axis=0), []),
        (pair(F32([[-1.0], [math.nan]]), None, (4, 1), block_size=2, axis=0), ["scale"]),
    ],
)
def test_shapes_and_types_of_scales_and_zero_points(model: bytes, wanted: list[str]) -> None:
    assert codes(model) == wanted


# Names.


def twice(first: float, last: float, how: str) -> bytes:
    """y = x through int8 and back, with two initialisers for the one scale."""
    model = onnx.load_from_string(pair(F32(first), np.uint8(0), (1,)))
    again = numpy_helper.from_array(F32([last]), "s")
    if how == "dense":
        again.dims.pop()
        model.graph.initializer.append(again)
    else:
        sparse = model.graph.sparse_initializer.add(dims=[1])
        sparse.values.CopyFrom(again)
        sparse.indices.CopyFrom(numpy_helper.from_array(sizes(0), "at"))
    return model.SerializeToString()


@pytest.mark.parametrize("how", ["dense", "sparse"])
def test_two_initialisers_of_one_name_are_refused(how: str) -> None:
    # The runtime takes the last one: neither a bad scale nor another scale may hide behind it.
    for last in (-4.0, 4.0):
        model = twice(1.0, last, how)
        assert "duplicate" in codes(model)
        for cut in (False, True):
            with pytest.raises(ei.ModelError, match="initialiser 's' is there twice"):
                ei.Session(model, options=ei.SessionOptions(cut_head=cut))


def test_two_initialisers_of_one_name_are_refused_inside_of_graphs_and_functions() -> None:
    held = [numpy_helper.from_array(F32([one] * 4), "s") for one in (1, 4)]
    add = helper.make_node("Add", ["x", "s"], ["u"])
    ends = [tensor("x", (4,))], [tensor("y", (4,))]
    for count, wanted in ((1, []), (2, ["duplicate"])):
        branch = helper.make_graph([add], "b", [], [tensor("u", (4,))], held[:count])
        choose = helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)
        assert codes(model_bytes([choose], *ends, {"yes": np.array(True)})) == wanted
        yes = helper.make_node(
            "Constant", [], ["yes"], value=numpy_helper.from_array(np.array(True))
        )
        call = helper.make_node("F", ["x"], ["y"], domain="my")
        called = onnx.load_from_string(model_bytes([call], *ends))
        called.opset_import.append(helper.make_opsetid("my", 1))
        imports = [helper.make_opsetid("", 17)]
        body = helper.make_function("my", "F", ["x"], ["y"], [yes, choose], imports)
        called.functions.append(body)
        assert codes(called.SerializeToString()) == wanted


def test_a_default_of_an_input_is_no_second_maker() -> None:
    model = onnx.load_from_string(pair(F32(1), np.uint8(0), (1,)))
    model.graph.input.append(tensor("s", ()))
    assert codes(model.SerializeToString()) == []


def test_a_forged_mark_of_the_runtimes_own_format_skips_no_check(tmp_path: Path) -> None:
    # The mark lies in the name of the producer, the first field of the file.
    mark = bytes([0x12, 10]) + b"abORTMabcd"
    for scale in (1.0, -1.0):
        model = onnx.load_from_string(pair(F32(scale), np.uint8(0), (1,)))
        model.ClearField("producer_name")
        forged = mark + model.SerializeToString()
        assert forged[4:8] == b"ORTM"
        for name in ("m.onnx", "m.ort"):
            (tmp_path / name).write_bytes(forged)
            with pytest.raises(ei.ModelError):
                ei.Session(tmp_path / name)
        with pytest.raises(ei.ModelError):
            ei.Session(forged)
        # Whoever names the format has the file looked at as just that.
        options = ei.SessionOptions(config={"session.load_model_format": "ONNX"})
        for source in (tmp_path / "m.onnx", forged):
            if scale < 0:
                with pytest.raises(ei.ModelError, match="zero or negative"):
                    ei.Session(source, options=options)
            else:
                assert ei.Session(source, options=options).describe()["looked_at"]


# Sizes.


def made_by(node: NodeProto, held: dict[str, NDArray], into: str = "big") -> bytes:
    """A model whose first node makes "big" of x (1, 3, 8, 8)."""
    use = helper.make_node("ReduceMax", [into], ["y"], keepdims=0)
    return model_bytes([node, use], [tensor("x", (1, 3, 8, 8))], [tensor("y", ())], held)


def sizes(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


HUGE: dict[str, Callable[[int], bytes]] = {  # each makes about 4 * n bytes, from x if it reads it
    "ConstantOfShape": lambda n: made_by(
        helper.make_node("ConstantOfShape", ["s"], ["big"]), {"s": sizes(n)}
    ),
    "Expand": lambda n: made_by(
        helper.make_node("Expand", ["x", "s"], ["big"]), {"s": sizes(n // 192, 3, 8, 8)}
    ),
    "Tile": lambda n: made_by(
        helper.make_node("Tile", ["x", "s"], ["big"]), {"s": sizes(1, 1, n // 192, 1)}
    ),
    "Pad": lambda n: made_by(
        helper.make_node("Pad", ["x", "s"], ["big"]), {"s": sizes(0, 0, 0, 0, 0, 0, n // 24, 0)}
    ),
    "Resize": lambda n: made_by(
        helper.make_node("Resize", ["x", "", "", "s"], ["big"]), {"s": sizes(1, 3, 8, n // 24)}
    ),
    "Range": lambda n: made_by(
        helper.make_node("Range", ["a", "s", "b"], ["big"]),
        {"a": np.array(0), "s": np.array(n // 2), "b": np.array(1)},
    ),
    "RandomNormal": lambda n: made_by(
        helper.make_node("RandomNormal", [], ["big"], shape=[n]), {}
    ),
    "OneHot": lambda n: made_by(
        helper.make_node("OneHot", ["i", "s", "v"], ["big"]),
        {"i": sizes(1), "s": np.array(n), "v": np.zeros(2, np.uint8)},
    ),
    "Conv": lambda n: made_by(
        helper.make_node("Conv", ["x", "w"], ["big"], pads=[0, 0, n // 6, 0]),
        {"w": np.zeros((1, 3, 3, 3), F32)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("op", HUGE)
def test_what_constants_make_huge_is_refused(op: str) -> None:
    model = HUGE[op](3 * 2**29)
    assert codes(model) == ["size"]
    with pytest.raises(ei.ModelError, match=r"model refused: .*max_tensor_mb"):
        ei.Session(model)
    assert codes(HUGE[op](2**20)) == []
    assert codes(HUGE[op](2**62)) == ["size"]


def small(op: str, first: NDArray, second: NDArray) -> bytes:
    """A ConstantOfShape of about 4 GB, whose sizes another node computes from constants."""
    nodes = [
        helper.make_node(op, ["a", "b"], ["s"], **({"axis": 0} if op == "Concat" else {})),
        helper.make_node("Cast", ["s"], ["t"], to=IDS),
        helper.make_node("ConstantOfShape", ["t"], ["big"]),
        helper.make_node("ReduceMax", ["big"], ["y"], keepdims=0),
    ]
    held = {"a": first, "b": second}
    return model_bytes(nodes, [tensor("x", ())], [tensor("y", ())], held)


def of_constants(op: str, *held: NDArray, **attributes: object) -> bytes:
    names = [f"c{i}" for i in range(len(held))]
    node = helper.make_node(op, names, ["big"], **attributes)
    return made_by(node, dict(zip(names, held, strict=True)))


@pytest.mark.parametrize(
    "model",
    [
        small("Add", sizes(10**9), sizes(5)),
        small("Sub", sizes(10**9), sizes(5)),
        small("Mul", sizes(10**5), sizes(10**4)),
        small("Div", sizes(10**12), sizes(10**3)),
        small("Max", sizes(5), sizes(10**9)),
        small("Concat", sizes(10**5), sizes(10**4)),
        of_constants("Range", F32(0), F32(5e8), F32(1)),
        of_constants("HannWindow", np.array(10**9)),
        of_constants("Einsum", np.ones(30000, F32), np.ones(30000, F32), equation="i,j->ij"),
        of_constants("Einsum", np.ones(30000, F32), np.ones(30000, F32), equation="i, j"),
        of_constants("Gather", np.ones((1, 30000), F32), np.zeros(30000, np.int64)),
    ],
)  # fmt: skip
def test_sizes_that_constants_lead_to_are_found(model: bytes) -> None:
    assert codes(model) == ["size"]


def test_weights_of_the_file_may_be_larger_than_what_it_computes() -> None:
    # 1 MB of int8 becomes 4 MB of floats, where 16 MB leave 2 MB to what constants make.
    held = {"w": np.ones((1024, 1024), np.int8), "s": F32(1)}
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s"], ["f"]),
        helper.make_node("Transpose", ["f"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "t"], ["y"]),
    ]
    ends = [tensor("x", (1, 1024))], [tensor("y", (1, 1024))]
    options = ei.SessionOptions(max_tensor_mb=16)
    ei.Session(model_bytes(nodes, *ends, held), threads=1, options=options)
    nodes[1] = helper.make_node("Mul", ["f", "s"], ["t"])
    with pytest.raises(ei.ModelError, match=r"max_tensor_mb, an eighth of which is the limit"):
        ei.Session(model_bytes(nodes, *ends, held), threads=1, options=options)


def test_the_limit_is_the_callers() -> None:
    model = HUGE["Resize"](24 * 2**15)  # 3 MB
    ei.Session(model, options=ei.SessionOptions(max_tensor_mb=3))
    with pytest.raises(ei.ModelError, match="3145728 bytes; the limit is 2097152"):
        ei.Session(model, options=ei.SessionOptions(max_tensor_mb=2))


@pytest.mark.parametrize("wrong", [0, -1, True, 1.5, "1", 2**41, None])
def test_a_limit_that_is_no_size_is_an_input_error(wrong: object) -> None:
    with pytest.raises(ei.InputError, match="max_tensor_mb: found"):
        ei.SessionOptions(max_tensor_mb=wrong)  # type: ignore[arg-type]


def test_a_huge_declared_input_is_refused_before_bind_allocates_it() -> None:
    for shape in ((2**40, 2**40), (2**16, 2**16), (1, 3, 2**32, 1, "n")):
        with pytest.raises(ei.ModelError, match="input 'x' is"):
            ei.Session(doubler(shape))
    ei.Session(doubler(("n", "m")))
    ei.Session(doubler((-1, 3)))  # the runtime takes it as symbolic


def test_doubling_a_constant_is_refused_before_the_runtime_computes_it() -> None:
    def doubled(times: int) -> bytes:
        nodes = [
            helper.make_node("Concat", [f"d{i}", f"d{i}"], [f"d{i + 1}"], axis=0)
            for i in range(times)
        ]
        nodes += [
            helper.make_node("ReduceMax", [f"d{times}"], ["r"]),
            helper.make_node("Add", ["x", "r"], ["y"]),
        ]
        return model_bytes(nodes, [tensor("x", (1,))], [tensor("y", (1,))], {"d0": np.ones(1, F32)})

    assert codes(doubled(26)) == []  # 256 MiB
    assert codes(doubled(27)) == ["size"]
    assert codes(doubled(60)) == ["size"]


def test_sizes_inside_of_graphs_are_judged() -> None:
    inner = helper.make_node("ConstantOfShape", ["s"], ["b"])
    branch = helper.make_graph([inner], "b", [], [tensor("b", ("n",))])
    choose = helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)
    held = {"yes": np.array(True), "s": sizes(2**40)}
    assert codes(model_bytes([choose], [tensor("x", ())], [tensor("y", ("n",))], held)) == ["size"]


# Header and functions.


def test_opset_imports_are_there_once() -> None:
    model = onnx.load_from_string(doubler())
    model.opset_import.append(helper.make_opsetid("ai.onnx", 17))
    assert codes(model.SerializeToString()) == []
    model.opset_import[1].version = 11
    assert codes(model.SerializeToString()) == ["opset"]
    with pytest.raises(ei.ModelError, match="versions 17 and 11"):
        ei.Session(model.SerializeToString())
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    with pytest.raises(ei.ModelError, match=r"no opset import of ai\.onnx, but Add is of it"):
        ei.Session(model.SerializeToString())


def calling(functions: int, times: int) -> bytes:
    """Functions of which each calls the next one `times` times, in a row."""
    model = onnx.load_from_string(doubler((4,)))
    model.opset_import.append(helper.make_opsetid("my", 1))
    imports = list(model.opset_import)
    for i in range(functions):
        called = f"f{(i + 1) % functions}" if times < 0 else f"f{i + 1}"
        names = ["a", *(f"t{k}" for k in range(abs(times) - 1)), "b"]
        body = [helper.make_node(called, [one], [two], domain="my") for one, two in pairwise(names)]
        if times > 0 and i == functions - 1:
            body = [helper.make_node("Relu", ["a"], ["b"])]
        model.functions.append(helper.make_function("my", f"f{i}", ["a"], ["b"], body, imports))
    model.graph.node[0].CopyFrom(helper.make_node("f0", ["x"], ["y"], domain="my"))
    return model.SerializeToString()


def test_functions_that_unfold_without_end_are_refused() -> None:
    assert codes(calling(5, 2)) == []
    ei.Session(calling(5, 2))
    start = time.perf_counter()
    for model in (calling(40, 2), calling(300, 9), calling(1, -1), calling(7, -1)):
        assert codes(model) == ["function"]
        with pytest.raises(ei.ModelError, match="model refused: "):
            ei.Session(model)
    assert codes(calling(5000, 1)) == ["function"]  # a chain too deep to follow
    assert time.perf_counter() - start < 10


def test_constants_that_functions_copy_without_end_are_refused() -> None:
    def copying(depth: int) -> bytes:
        model = onnx.load_from_string(calling(depth, 2))
        last = model.functions[depth - 1]
        held = numpy_helper.from_array(np.ones(2**18, F32))  # 1 MB
        last.node.insert(0, helper.make_node("Constant", [], ["big"], value=held))
        return model.SerializeToString()

    assert codes(copying(8)) == []  # 128 MB
    assert codes(copying(10)) == ["function"]  # 512 MB
    with pytest.raises(ei.ModelError, match="bytes of constants more than it holds"):
        ei.Session(copying(10))


# Weights.


@given(
    values=st.lists(st.floats(width=16), max_size=9000),
    kind=st.sampled_from(SCALE_TYPES),
    how=st.sampled_from(["raw", "typed", "Constant"]),
)
def test_nan_and_infinite_weights_are_counted(values: list[float], kind: type, how: str) -> None:
    held = np.array(values, dtype=kind)
    model = onnx.load_from_string(
        model_bytes(
            [helper.make_node("MatMul", ["w", "x"], ["y"])],
            [tensor("x", ("n",))], [tensor("y", ())],
        )
    )  # fmt: skip
    hold(model, "w", held, how)
    nan, infinite = int(np.isnan(held).sum()), int(np.isinf(held).sum())
    found = ei.inspect(model.SerializeToString()).warnings
    if not nan and not infinite:
        assert found == ()
        return
    counts = [f"{nan} NaN"] * (nan > 0) + [f"{infinite} infinite"] * (infinite > 0)
    assert [one.code for one in found] == ["weights"]
    assert f"holds {' and '.join(counts)} values" in found[0].text


def with_weight(value: float, op: str) -> bytes:
    node = helper.make_node(op, ["x", "w"], ["y"])
    held = np.ones((4, 4), F32)
    held[1, 1] = value
    return model_bytes([node], [tensor("x", (4, 4))], [tensor("y", (4, 4))], {"w": held})


def test_a_session_warns_of_nan_weights_and_tells_of_them() -> None:
    with pytest.warns(ei.ModelWarning, match="initialiser 'w' holds 1 NaN values"):
        session = ei.Session(with_weight(math.nan, "MatMul"), threads=1)
    assert session.describe()["warnings"] == ["initialiser 'w' holds 1 NaN values"]
    assert np.isnan(session.run(np.ones((4, 4), F32))["y"]).any()


def test_infinity_is_at_home_in_a_mask() -> None:
    assert codes(with_weight(-math.inf, "Add")) == []
    assert codes(with_weight(-math.inf, "MatMul")) == ["weights"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ei.Session(with_weight(-math.inf, "Add"), threads=1).describe()["warnings"] == []


# Loops.


def looping(most: NDArray | None, outer: NDArray | None = None, place: str = "graph") -> bytes:
    """y = x after a Loop; inside of another one, an If or a function where that is asked for."""
    ends = [tensor("i", (), IDS), tensor("go", (), BOOL), tensor("v", (4,))]
    results = [tensor("on", (), BOOL), tensor("w", (4,))]

    def loop(name: str, held: NDArray | None, source: str, into: str, nodes: list[NodeProto]):
        body = helper.make_graph(
            [*nodes, helper.make_node("Identity", ["go"], ["on"])], name, ends, results
        )
        count = "" if held is None else f"{name}.n"
        out = [helper.make_node("Loop", [count, "", source], [into], body=body)]
        if held is not None:
            value = numpy_helper.from_array(held)
            out.insert(0, helper.make_node("Constant", [], [count], value=value))
        return out

    inner = loop("inner", most, "x" if outer is None else "v", "y" if outer is None else "w", [
        helper.make_node("Identity", ["v"], ["w"])
    ])  # fmt: skip
    nodes = inner if outer is None else loop("outer", outer, "x", "y", inner)
    x, y = tensor("x", (4,)), tensor("y", (4,))
    if place == "if":
        branch = helper.make_graph(nodes, "branch", [], [y])
        nodes = [helper.make_node("If", ["yes"], ["z"], then_branch=branch, else_branch=branch)]
        return model_bytes(nodes, [x], [tensor("z", (4,))], {"yes": np.array(True)})
    if place == "function":
        model = onnx.load_from_string(
            model_bytes([helper.make_node("F", ["x"], ["y"], domain="my")], [x], [y])
        )
        imports = [helper.make_opsetid("", 17)]
        model.functions.append(helper.make_function("my", "F", ["x"], ["y"], nodes, imports))
        model.opset_import.append(helper.make_opsetid("my", 1))
        return model.SerializeToString()
    return model_bytes(nodes, [x], [y])


def casted(to: int) -> bytes:
    """A loop whose number of iterations passes a Cast."""
    model = onnx.load_from_string(counting(5))
    (loop,) = [one for one in model.graph.node if one.op_type == "Loop"]
    model.graph.node.insert(0, helper.make_node("Cast", [loop.input[0]], ["narrow"], to=to))
    model.graph.node.insert(1, helper.make_node("Cast", ["narrow"], ["wide"], to=IDS))
    loop.input[0] = "wide"
    return model.SerializeToString()


def scanning(length: int | str, *, depth: int = 1, held: bool = True, most: int = 1) -> bytes:
    """Scans in each other along "long"; in a loop of ``most`` iterations if that is more than 1."""
    state, one = tensor("v", (1,)), tensor("e", (1,))
    nodes = [helper.make_node("Add", ["v", "v"], ["w"])]
    for _ in range(depth):
        body = helper.make_graph(nodes, "body", [state, one], [tensor("w", (1,))])
        nodes = [helper.make_node("Scan", ["v", "long"], ["w"], body=body, num_scan_inputs=1)]
    inputs = [state]
    weights = {"n": np.array(most)}
    if held:
        assert isinstance(length, int)
        weights["long"] = np.zeros((length, 1), F32)
    else:
        inputs.append(tensor("long", (length, 1)))
    if most > 1:
        go, on = tensor("go", (), BOOL), tensor("on", (), BOOL)
        nodes.append(helper.make_node("Identity", ["go"], ["on"]))
        ends = [tensor("i", (), IDS), go, tensor("v", (1,))]
        body = helper.make_graph(nodes, "loop", ends, [on, tensor("w", (1,))])
        nodes = [helper.make_node("Loop", ["n", "", "v"], ["w"], body=body)]
    return model_bytes(nodes, inputs, [tensor("w", (1,))], weights)


def mapping() -> bytes:
    """Adds each of a sequence of two to itself."""
    body = helper.make_graph(
        [helper.make_node("Add", ["e", "e"], ["f"])], "b", [tensor("e", (1,))], [tensor("f", (1,))]
    )
    nodes = [
        helper.make_node("SequenceConstruct", ["x", "x"], ["s"]),
        helper.make_node("SequenceMap", ["s"], ["t"], body=body),
        helper.make_node("ConcatFromSequence", ["t"], ["y"], axis=0),
    ]
    return model_bytes(nodes, [tensor("x", (1,))], [tensor("y", (2,))])


COUNT = np.int64
BOUNDED: list[tuple[bytes, bool]] = [
    (doubler(), True),
    (counting(1000), True),
    (counting(100_000), True),
    (counting(100_001), False),
    (endless(), False),
    (looping(None), False),
    (looping(np.array(5)), True),
    (looping(np.array(5), np.array(7)), True),
    (looping(np.array(500), np.array(700)), False),
    (looping(None, np.array(7)), False),
    (looping(np.array(7), place="if"), True),
    (looping(None, place="if"), False),
    (looping(np.array(7), place="function"), False),
    (looping(np.array(-7)), True),
    (casted(TensorProto.UINT32), False),  # -1 comes out as 2^32 - 1
    (casted(IDS), False),
    (scanning(1000), True),
    (scanning(100_001), False),
    (scanning(300, depth=2), True),
    (scanning(1000, depth=2), False),
    (scanning(1000, depth=5), False),
    (scanning(300, most=300), True),
    (scanning(300, most=500), False),
    (scanning(300, held=False), True),
    (scanning("n", held=False), False),
    (mapping(), False),
]


@pytest.mark.parametrize(("model", "bounded"), BOUNDED)
def test_loops_without_bound_are_found_and_limited(model: bytes, bounded: bool) -> None:
    facts = ei.inspect(model)
    assert facts.may_loop == (not bounded)
    told = ei.Session(model, threads=1).describe()
    assert told["loops"] == {"without_bound": not bounded, "why": facts.loops}
    assert told["timeout_s"] == (None if bounded else 10.0)
    for limit in (3.0, math.inf):
        options = ei.SessionOptions(timeout_s=limit)
        told = ei.Session(model, threads=1, options=options).describe()
        assert told["timeout_s"] == min(limit, 1e9)


def test_a_number_of_iterations_that_is_an_input_is_no_bound() -> None:
    model = onnx.load_from_string(counting(5))
    model.graph.input.append(tensor("most", (), IDS))
    # Since IR version 4 the initialiser is only what a caller may leave.
    assert ei.inspect(model.SerializeToString()).may_loop


def test_a_count_is_followed_in_the_graph_that_computes_it() -> None:
    model = onnx.load_from_string(looping(np.array(5), np.array(7)))
    body = model.graph.node[1].attribute[0].g
    inner = next(one for one in body.node if one.op_type == "Loop")
    inner.input[0] = "count"  # outside: of an "inner.n" that is not the 5 of the body
    model.graph.node.insert(0, helper.make_node("Identity", ["inner.n"], ["count"]))
    model.graph.initializer.append(numpy_helper.from_array(np.array(10**15), "inner.n"))
    assert ei.inspect(model.SerializeToString()).may_loop


def test_a_file_that_cannot_be_looked_at_is_limited_too(tmp_path: Path) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "m.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(convolution(), options, providers=["CPUExecutionProvider"])
    told = ei.Session(tmp_path / "m.ort", threads=1).describe()
    assert told["looked_at"] is False
    assert told["loops"]["why"].startswith("not known")
    assert told["timeout_s"] == 10.0


def graph_of(nodes: list[NodeProto], ends: list[ValueInfoProto]) -> onnx.GraphProto:
    return helper.make_graph(nodes, "g", [], ends)


def test_a_branch_may_use_names_that_others_use_outside() -> None:
    # The inner "t" is the branch's own; taken for the outer one, it would close a cycle.
    inner = graph_of([helper.make_node("Neg", ["x"], ["t"])], [tensor("t", (4,))])
    nodes = [
        helper.make_node("If", ["yes"], ["u"], then_branch=inner, else_branch=inner),
        helper.make_node("Relu", ["u"], ["t"]),
        helper.make_node("Identity", ["t"], ["y"]),
    ]
    model = model_bytes(nodes, [tensor("x", (4,))], [tensor("y", (4,))], {"yes": np.array(True)})
    assert codes(model) == []
