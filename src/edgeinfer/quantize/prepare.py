"""From a model file to the float network that is calibrated and quantised.

Shapes are inferred, constants computed, normalisation folded into convolutions. The results are
compared with the file's own before anything else is done with them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, inliner, version_converter

from edgeinfer._arguments import checked_path
from edgeinfer.errors import InputError, ModelError
from edgeinfer.inspection import inspect
from edgeinfer.quantize.folding import fold_affine, fold_constants, pool_means, skip_identities
from edgeinfer.quantize.network import Network, subgraphs
from edgeinfer.session import Session

__all__ = ["MARK", "Prepared", "prepare", "require_equal"]

# The entry among a file's properties that says how we wrote it.
MARK: Final = "edgeinfer.quantize"
# The first opset whose DequantizeLinear has an axis, so that weights can have a scale per channel.
_OPSET: Final = 13
_IR: Final = 8
_QUANTISED: Final = frozenset(
    (
        *("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger"),
        *("MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "MatMulNBits"),
        *("QGemm", "QAttention", "DynamicQuantizeLSTM", "FakeQuant"),
    )
)
# One message of protobuf holds 2 GiB, and folding adds constants.
_MOST_BYTES: Final = 15 * 2**27
# Folding rounds each weight once more, 6e-8 of it, and products are summed in another order. Of
# what the largest output is; a wrong fold is off by far more.
_TOLERANCE: Final = 1e-4


@dataclass(frozen=True)
class Prepared:
    """The float network to quantise.

    Attributes:
        model: its bytes.
        network: the same, to look things up in.
        steps: what was done, and to how many nodes.
    """

    model: bytes
    network: Network
    steps: dict[str, int]


def prepare(model: str | os.PathLike[str] | bytes) -> Prepared:
    """Read a model and fold what can be folded.

    Args:
        model: path or bytes of an ``.onnx`` file, float32.

    Raises:
        ModelError: damaged or unsupported, or quantised already; the text says what was found.

    Cost: memory for three copies of the weights.
    """
    proto = _read(model)
    steps: dict[str, int] = {}
    if proto.functions:
        proto, count = _without_functions(proto)
        steps["functions unfolded"] = count
    refuse_quantised(proto)
    # Old files list their weights among the inputs, where a caller could replace them.
    constants = {tensor.name for tensor in proto.graph.initializer}
    kept = [value for value in proto.graph.input if value.name not in constants]
    steps["weights no longer inputs"] = len(proto.graph.input) - len(kept)
    del proto.graph.input[:]
    proto.graph.input.extend(kept)
    proto = _modern(proto, steps)
    network = Network(_inferred(proto))
    # What folds may tell the shape of what comes behind, and so what folds next.
    while True:
        done = {
            "constants computed": fold_constants(network),
            "identities skipped": skip_identities(network),
        }
        for step, count in done.items():
            steps[step] = steps.get(step, 0) + count
        if not any(done.values()):
            break
        network = Network(_inferred(network.model))
    steps["means pooled"] = pool_means(network)
    steps["normalisations folded"] = fold_affine(network)
    network = Network(_inferred(network.model))
    network.store()
    return Prepared(
        network.model.SerializeToString(), network, {k: v for k, v in steps.items() if v}
    )


def require_equal(
    model: str | os.PathLike[str] | bytes,
    prepared: Prepared,
    inputs: Mapping[str, NDArray[Any]],
    threads: int | None = None,
) -> float:
    """Run the file and what was made of it; the largest difference, as a share of the output.

    Raises:
        ModelError: they differ by more than rounding.
    """
    with Session(model, threads=threads, cache=False) as session:
        wanted = session.run(inputs)
    with Session(prepared.model, threads=threads, cache=False) as session:
        found = session.run(inputs)
    worst = 0.0
    for name, want in wanted.items():
        if not np.issubdtype(want.dtype, np.floating):
            continue  # class numbers: a tie may fall either way
        scale = float(np.abs(want).max(initial=0.0)) or 1.0
        worst = max(worst, float(np.abs(found[name] - want).max(initial=0.0)) / scale)
        if not worst <= _TOLERANCE:
            raise ModelError(
                f"output {name!r}: after folding it differs by {worst:.2g} of its largest value, "
                f"allowed {_TOLERANCE:.0e}; please report this model"
            )
    return worst


def refuse_quantised(proto: ModelProto) -> None:
    """Raise ModelError for a model that holds 8-bit arithmetic already."""
    found: dict[str, int] = {}
    _count_quantised(proto.graph, found)
    if any(entry.key == MARK for entry in proto.metadata_props):
        found["mark of edgeinfer"] = 1
    if found:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(found.items()))
        raise ModelError(
            f"the model is quantised already ({counts}); doing it again would add the errors of "
            "both: quantise the float model it was made from, or use this one as it is"
        )


def _count_quantised(graph: onnx.GraphProto, found: dict[str, int]) -> None:
    for node in graph.node:
        if node.op_type in _QUANTISED or node.op_type.startswith("QLinear"):
            found[node.op_type] = found.get(node.op_type, 0) + 1
        for inner in subgraphs(node):
            _count_quantised(inner, found)


def _read(model: str | os.PathLike[str] | bytes) -> ModelProto:
    # The bounded reader sees a hostile file first.
    facts = inspect(model)
    if facts.problems:
        problem = facts.problems[0]
        raise ModelError(f"{problem.text}; {problem.remedy}")
    if facts.weight_bytes > _MOST_BYTES:
        raise ModelError(
            f"found {facts.weight_bytes / 1e9:.1f} GB of weights, wanted {_MOST_BYTES / 1e9:.1f} "
            "at most: one file of the format holds no more while it is rewritten; quantise parts "
            "of the network"
        )
    try:
        if isinstance(model, bytes):
            return onnx.load_model_from_string(model)
        return onnx.load_model(Path(checked_path(model)))
    except (ValueError, OSError, onnx.checker.ValidationError) as error:
        raise ModelError(f"the model cannot be read: {error}") from error
    except Exception as error:
        # protobuf's own error derives from Exception, and its module is an implementation's.
        if type(error).__name__ == "DecodeError":
            raise ModelError(f"the model cannot be read: {error}") from error
        raise


def _without_functions(proto: ModelProto) -> tuple[ModelProto, int]:
    """The model with the bodies of its own functions in the place of their calls."""
    try:
        return inliner.inline_local_functions(proto), len(proto.functions)
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"its functions cannot be unfolded ({error}); export it without functions"
        ) from error


def _modern(proto: ModelProto, steps: dict[str, int]) -> ModelProto:
    network = Network(proto)
    if not network.inputs:
        raise InputError("model: found a network without inputs, wanted one to quantise")
    if network.opset < _OPSET:
        try:
            converted = version_converter.convert_version(proto, _OPSET)
        except RuntimeError as error:
            raise ModelError(
                f"the model has opset {network.opset}, which cannot be turned into {_OPSET} "
                f"({error}); export it with opset {_OPSET} or newer"
            ) from error
        steps[f"opset {network.opset} turned into {_OPSET}"] = 1
        proto = converted
    proto.ir_version = max(proto.ir_version, _IR)
    return proto


def _inferred(proto: ModelProto) -> ModelProto:
    try:
        return onnx.shape_inference.infer_shapes(proto, data_prop=True)
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"shapes cannot be inferred: {error}") from error
