"""Facts about an ONNX file, read without ONNX Runtime, onnx or protobuf.

The reader is bounded: a damaged or hostile file raises ModelError and costs no more memory than its
own size allows. What would keep a session from loading an intact file is listed as problems, and
what it would warn of as warnings, each with its remedy; they raise nothing. docs/checks.md lists
the checks.
"""

import dataclasses
import os
from typing import Any

from edgeinfer import _core
from edgeinfer._arguments import checked_bytes
from edgeinfer.errors import InputError

__all__ = [
    "HeadFacts",
    "ModelFacts",
    "Problem",
    "TailFacts",
    "Uint8Facts",
    "ValueFacts",
    "inspect",
]


@dataclasses.dataclass(frozen=True)
class ValueFacts:
    """A declared input or output.

    Attributes:
        kind: ``"tensor"``, or what else the file declares (``"sequence"``, ``"map"``, ...).
        dtype: as NumPy spells it; ``"unknown"`` where the file does not say.
        shape: one entry per axis: a number, a symbol, or ``""`` for an axis of unknown size;
            None when not even the number of axes is declared.
    """

    name: str
    kind: str
    dtype: str
    shape: tuple[int | str, ...] | None


@dataclasses.dataclass(frozen=True)
class Problem:
    """What speaks against the file, and what to do about it.

    Attributes:
        verdict: ``"refused"``: a session raises ``ModelError`` before the runtime sees the file;
            ``"unsupported"``: the runtime decides, and most probably says no; ``"warning"``: a
            session loads the file and warns.
        code: for programs, e.g. ``"ir-version"``, ``"opset"``, ``"external-data"``, ``"cycle"``.
    """

    verdict: str
    code: str
    text: str
    remedy: str


@dataclasses.dataclass(frozen=True)
class HeadFacts:
    """An input that the graph turns into integers at once, or that is integers already.

    Attributes:
        name: of the input.
        dtype: of the integers: ``"uint8"``, ``"int8"``, ``"uint16"`` or ``"int16"``.
        scale, zero_point: real value = (integer - zero_point) * scale.
        quantizes: the input is float32 and feeds one QuantizeLinear, which
            ``SessionOptions(cut_head=True)`` cuts off; False: the file takes integers itself.
    """

    name: str
    dtype: str
    scale: float
    zero_point: int
    quantizes: bool


@dataclasses.dataclass(frozen=True)
class Uint8Facts:
    """The int8 activations, which a session moves to uint8 where the CPU is faster so.

    Attributes:
        movable: int8 tensors between operators that can move.
        left: how many cannot, by reason.
        kept: why a session with default options moves none on this machine; empty: it moves them.
    """

    movable: int
    left: dict[str, int]
    kept: str


@dataclasses.dataclass(frozen=True)
class TailFacts:
    """The end of a segmentation network that a session replaces by its fused pass.

    Attributes:
        logits: tensor (N, classes, height, width) at which the network is cut.
        output: the graph output that the tail makes.
        dtype: of the logits: ``"float32"``, ``"uint8"`` or ``"int8"``.
        scale, zero_point: real value = (integer - zero_point) * scale; None for float logits.
        align_corners: how the Resize maps pixels; half-pixel centres otherwise.
        size: (height, width) of the logits, None where it is not known before a run.
        out_size: (height, width) after the Resize.
        argmax: the output holds class indices, not scores.
        steps: the operators cut off, in order.
    """

    logits: str
    output: str
    dtype: str
    scale: float | None
    zero_point: int | None
    align_corners: bool
    classes: int | None
    size: tuple[int | None, int | None]
    out_size: tuple[int | None, int | None]
    argmax: bool
    steps: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """What an ONNX file is.

    Attributes:
        opsets: version by domain; the standard operators are ``"ai.onnx"``.
        inputs: what a caller must give; initialisers that old files list as inputs are left out.
        parameters: elements of all initialisers, those of subgraphs included.
        weight_bytes: what they take, external files included.
        operators: nodes by operator, subgraphs included; names outside of ai.onnx carry their
            domain (``"com.microsoft.QGemm"``).
        weighted_nodes: convolutions and products with weights; quantised_nodes: those of them
            that compute in 8-bit integers.
        external_files: locations of weights kept beside the file, as the file gives them.
        heads: inputs that may be given as integers.
        uint8: int8 activations that can be moved to uint8 (``SessionOptions.to_uint8``).
        tail: the segmentation tail, or None; tail_why: one sentence on what was found.
        may_loop: a run may last as long as the file likes, so that a session limits it by
            default; loops: one sentence on what was found.
        problems: empty when nothing is known to speak against loading.
        warnings: what a session warns of.
    """

    file_bytes: int
    ir_version: int
    producer_name: str
    producer_version: str
    graph_name: str
    opsets: dict[str, int]
    metadata: dict[str, str]
    inputs: tuple[ValueFacts, ...]
    outputs: tuple[ValueFacts, ...]
    parameters: int
    weight_bytes: int
    operators: dict[str, int]
    weighted_nodes: int
    quantised_nodes: int
    external_files: tuple[str, ...]
    heads: tuple[HeadFacts, ...]
    uint8: Uint8Facts
    tail: TailFacts | None
    tail_why: str
    may_loop: bool
    loops: str
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    @property
    def quantised_share(self) -> float:
        """Share of the weighted nodes that compute in 8-bit integers, 0 to 1; 0 without any."""
        return self.quantised_nodes / self.weighted_nodes if self.weighted_nodes else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers, as ``edgeinfer inspect --json`` prints them."""
        return {**dataclasses.asdict(self), "quantised_share": self.quantised_share}


def inspect(model: str | os.PathLike[str] | bytes | bytearray | memoryview) -> ModelFacts:
    """Read what an ONNX file is and what would keep it from loading.

    Args:
        model: path, or the bytes of the file. External data is looked for beside a path only.
    Returns:
        Facts, the problems among them.
    Raises:
        ModelError: no readable file, a damaged one, or one beyond the reader's limits.
        InputError: ``model`` is neither a path nor bytes.
    Cost: one pass over the structure and one over the floating-point weights, a few milliseconds.
    GIL released.
    """
    if isinstance(model, bytearray | memoryview):
        model = checked_bytes(model)
    if not isinstance(model, str | os.PathLike | bytes):
        raise InputError(
            f"model: found {type(model).__name__}, wanted a path or the bytes of a model file"
        )
    facts = _core.inspect_model(model)
    found = tuple(_problem(one) for one in facts.problems)
    return ModelFacts(
        file_bytes=facts.file_bytes,
        ir_version=facts.ir_version,
        producer_name=facts.producer_name,
        producer_version=facts.producer_version,
        graph_name=facts.graph_name,
        opsets={opset.domain: opset.version for opset in facts.opsets},
        metadata=dict(facts.metadata),
        inputs=tuple(_value(value) for value in facts.inputs),
        outputs=tuple(_value(value) for value in facts.outputs),
        parameters=facts.parameters,
        weight_bytes=facts.weight_bytes,
        operators=dict(facts.operators),
        weighted_nodes=facts.weighted_nodes,
        quantised_nodes=facts.quantised_nodes,
        external_files=tuple(facts.external_files),
        heads=tuple(
            HeadFacts(one.name, one.dtype, one.scale, one.zero_point, one.quantizes)
            for one in facts.heads
        ),
        uint8=Uint8Facts(facts.uint8.movable, dict(facts.uint8.left), _core.uint8_kept_here()),
        tail=None if facts.tail is None else _tail(facts.tail),
        tail_why=facts.tail_why,
        may_loop=facts.may_loop,
        loops=facts.loops,
        problems=tuple(one for one in found if one.verdict != "warning"),
        warnings=tuple(one for one in found if one.verdict == "warning"),
    )


def _problem(one: _core.ModelProblem) -> Problem:
    return Problem(one.verdict, one.code, one.text, one.remedy)


def _value(value: _core.ValueFacts) -> ValueFacts:
    shape = None if value.shape is None else tuple(value.shape)
    return ValueFacts(value.name, value.kind, value.dtype, shape)


def _tail(tail: _core.TailFacts) -> TailFacts:
    return TailFacts(
        logits=tail.logits,
        output=tail.output,
        dtype=tail.dtype,
        scale=tail.scale,
        zero_point=tail.zero_point,
        align_corners=tail.align_corners,
        classes=tail.classes,
        size=(tail.height, tail.width),
        out_size=(tail.out_height, tail.out_width),
        argmax=tail.argmax,
        steps=tuple(tail.steps),
    )
