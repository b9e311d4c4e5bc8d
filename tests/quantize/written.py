"""What the writer of integers made of a float network, looked at."""

from pathlib import Path

import onnx
import onnxruntime

from edgeinfer.quantize.network import Network
from edgeinfer.quantize.plan import Plan

Written = tuple[onnx.ModelProto, Plan, Network]


def optimised(model: onnx.ModelProto, folder: Path) -> list[str]:
    """Operators that are left once the runtime has fused what it can."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    options.log_severity_level = 3  # the file is for this machine only, which it would say
    onnxruntime.InferenceSession(model.SerializeToString(), options)
    return [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]


def kinds(plan: Plan, network: Network) -> dict[str, str]:
    return {n.output[0]: d.kind for n, d in zip(network.nodes, plan.decisions, strict=True)}
