"""Which nodes gain when activations are rounded while running, and which do not and why."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import NodeProto

from edgeinfer.errors import ModelError
from edgeinfer.quantize.network import Network, attribute, subgraphs
from edgeinfer.quantize.plan import Decision, matching

__all__ = ["plan_dynamic"]


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
        reason = "excluded" if i in excluded else _why_float(network, node, force_convolutions)
        decisions.append(Decision("float", reason) if reason else Decision("int8"))
    if not any(decision.kind == "int8" for decision in decisions):
        convolutions = sum(node.op_type == "Conv" for node in network.nodes)
        raise ModelError(
            f"dynamic: found no MatMul, Gemm or LSTM to quantise, and {convolutions} convolutions. "
            "The runtime's dynamic convolution looks for the range of each activation anew and has "
            "no fast kernel: MobileNetV2 takes 8.5 times as long as in float on x86 with VNNI. Use "
            "mode='static' with samples, or force_convolutions=True for the comparison"
        )
    return tuple(decisions)


def _why_float(network: Network, node: NodeProto, force_convolutions: bool) -> str:
    op = node.op_type
    if any(subgraphs(node)):
        return f"{op} holds graphs, which are left as they are"
    if op in ("GRU", "RNN"):
        return f"the runtime has no dynamic kernel for {op}"
    wanted = "com.microsoft" if op == "Attention" else ""
    if node.domain.replace("ai.onnx", "") != wanted:
        return f"no dynamic kernel for {op} of {node.domain or 'ai.onnx'}"
    if op not in ("MatMul", "Gemm", "LSTM", "Attention", "Conv"):
        return f"{op} has no weights"
    if op == "Conv" and not force_convolutions:
        return "a dynamic convolution is slower than float"
    weights = [node.input[1], *(node.input[2:3] if op == "LSTM" else ())]
    if any(name not in network.constants for name in weights):
        return "its weights are not constant"
    if not all(map(network.is_float, (*weights, node.input[0]))):
        return "not float32"
    if len(network.constants[weights[0]].dims) < 2:
        return "its weights are no matrix"
    if op == "Gemm" and (
        attribute(node, "alpha", 1.0) != 1
        or attribute(node, "beta", 1.0) != 1
        or attribute(node, "transA", 0)
    ):
        return "alpha, beta or transA"
    return ""
