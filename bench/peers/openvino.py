"""OpenVINO, with its own preprocessing compiled into the network.

The frame goes in as it comes from the camera: resize, colour scaling and layout are steps of
OpenVINO's PrePostProcessor, which it compiles and fuses together with the network. Performance
settings are its defaults (hint "latency"), but for the one thread.
"""

from pathlib import Path

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor, ResizeAlgorithm

from peers.arrays import MEAN, STD, Frame, Tensor


class OpenVinoNetwork:
    """Frames, or tensors, to the network's first output, which the next call overwrites.

    With ``frame_hw`` it takes (height, width, 3) uint8 RGB frames of that size; without, it takes
    tensors that somebody else prepared.
    """

    def __init__(self, model: Path, frame_hw: tuple[int, int] | None = None) -> None:
        core = ov.Core()
        steps = PrePostProcessor(core.read_model(model))
        given = steps.input()
        given.model().set_layout(ov.Layout("NCHW"))
        if frame_hw is not None:
            given.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
            given.tensor().set_spatial_static_shape(*frame_hw)
            # In this order, which is the fastest of three: planes before the resize, bytes in it.
            given.preprocess().convert_layout(ov.Layout("NCHW"))
            given.preprocess().resize(ResizeAlgorithm.RESIZE_LINEAR)
            given.preprocess().convert_element_type(ov.Type.f32)
            given.preprocess().mean([255 * mean for mean in MEAN])
            given.preprocess().scale([255 * std for std in STD])
        self._compiled = core.compile_model(
            steps.build(),
            "CPU",
            {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"},
        )
        self._request = self._compiled.create_infer_request()
        self._output = self._compiled.output(0)

    def describe(self) -> str:
        """Precision and threads, as the compiled network tells them."""
        precision = self._compiled.get_property("INFERENCE_PRECISION_HINT")
        threads = self._compiled.get_property("INFERENCE_NUM_THREADS")
        return f"{precision.to_string()}, {threads} thread"

    def __call__(self, given: Frame | Tensor) -> Tensor:
        batch = given[None] if given.ndim == 3 else given
        shared = ov.Tensor(batch, shared_memory=True)
        self._request.infer({0: shared})
        output: NDArray[np.float32] = self._request.get_tensor(self._output).data
        return output
