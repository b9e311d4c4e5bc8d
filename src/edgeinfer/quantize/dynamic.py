"""Weights in integers, activations rounded while running: what onnxruntime calls dynamic."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import onnx
from onnx import ModelProto

from edgeinfer.errors import ModelError
from edgeinfer.quantize.network import Network, label
from edgeinfer.quantize.plan import Decision, matching
from edgeinfer.quantize.targets import Target

__all__ = ["plan_dynamic", "write_dynamic"]

# What gains: the weights' memory is the bottleneck, and rounding the activation is cheap beside it.
_GAINS: Final = ("MatMul", "Gemm", "LSTM", "Attention")


def plan_dynamic(
    network: Network, exclude: Sequence[str], force_convolutions: bool
) -> tuple[Decision, ...]:
    """Decide about each node.

    Raises:
        ModelError: nothing gains, and convolutions are not forced.
        InputError: an entry of ``exclude`` fits no node.
    """
    excluded = matching(network, exclude)
    decisions = []
    for i, node in enumerate(network.nodes):
        weights = node.input[1] if len(node.input) > 1 else ""
        if i in excluded:
            decisions.append(Decision("float", "excluded"))
        elif node.op_type in (*_GAINS, "Conv") and weights not in network.constants:
            decisions.append(Decision("float", "its weights are not constant"))
        elif node.op_type in _GAINS or (node.op_type == "Conv" and force_convolutions):
            decisions.append(Decision("int8"))
        elif node.op_type == "Conv":
            decisions.append(Decision("float", "a dynamic convolution is slower than float"))
        else:
            decisions.append(Decision("float", f"{node.op_type} has no weights"))
    if not any(decision.kind == "int8" for decision in decisions):
        convolutions = sum(node.op_type == "Conv" for node in network.nodes)
        raise ModelError(
            f"dynamic: found no MatMul, Gemm or LSTM to quantise, and {convolutions} convolutions. "
            "The runtime's dynamic convolution looks for the range of each activation anew and has "
            "no fast kernel: MobileNetV2 takes 8.5 times as long as in float on x86 with VNNI. Use "
            "mode='static' with samples, or force_convolutions=True for the comparison"
        )
    return tuple(decisions)


def write_dynamic(network: Network, decisions: Sequence[Decision], target: Target) -> ModelProto:
    """The model by onnxruntime's own quantiser: weights per channel."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    chosen = [
        node
        for node, decision in zip(network.nodes, decisions, strict=True)
        if decision.kind == "int8"
    ]
    named = ModelProto()
    named.CopyFrom(network.model)
    # The mark of its own preparation: without it, it logs a warning that there was none.
    mark = named.metadata_props.add()
    mark.key, mark.value = "onnx.quant.pre_process", "onnxruntime.quant"
    # It goes by names, which a node need not have.
    wanted = []
    for i, (node, decision) in enumerate(zip(named.graph.node, decisions, strict=True)):
        node.name = f"{i}.{label(node)}"
        if decision.kind == "int8":
            wanted.append(node.name)
    with tempfile.TemporaryDirectory(prefix="edgeinfer-") as folder:
        out = Path(folder) / "dynamic.onnx"
        quantize_dynamic(
            named,
            out,
            op_types_to_quantize=sorted({node.op_type for node in chosen}),
            nodes_to_quantize=wanted,
            per_channel=True,
            reduce_range=target.weight_bits == 7,
            # Its kernels take activations as uint8, whatever the processor.
            weight_type=QuantType.QInt8,
        )
        return onnx.load_model(out)
