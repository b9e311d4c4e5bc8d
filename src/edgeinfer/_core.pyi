"""Stubs of the compiled module; written by `./dev stubs`, compared by `./dev lint`."""

from __future__ import annotations

import collections.abc
import os
import typing

import numpy
import numpy.typing

__all__: list[str] = [
    "Activation",
    "ArenaTold",
    "Binding",
    "CacheFile",
    "Cancellation",
    "GraphLevel",
    "HeadFacts",
    "KernelCheck",
    "KernelVariant",
    "LoadOptions",
    "ModelFacts",
    "ModelProblem",
    "Network",
    "Observer",
    "OpsetFacts",
    "Pool",
    "PreprocessPlan",
    "QuantizedInput",
    "RuntimeOptions",
    "SegmentPlan",
    "Spin",
    "Stem",
    "TailFacts",
    "Tally",
    "TensorSpec",
    "TensorStatistics",
    "Uint8",
    "Uint8Facts",
    "ValueFacts",
    "cache_clear",
    "cache_files",
    "cache_folder",
    "cache_recall",
    "cache_remember",
    "check_kernels",
    "check_uint8",
    "classify",
    "cpu_features",
    "cut_tail",
    "dump_model",
    "find_activations",
    "inspect_model",
    "kernel_variants",
    "move_to_uint8",
    "open_runtime",
    "ort_slots",
    "rebuild_model",
    "runtime_providers",
    "segment",
    "uint8_kept_here",
    "usable_cores",
    "widen_stems",
]

class KernelVariant:
    """
    One way to compute a kernel.
    """
    @property
    def available(self) -> bool:
        """
        Whether this CPU has them and EDGEINFER_CPU leaves them in force.
        """
    @property
    def chosen(self) -> bool:
        """
        Whether plans use it here.
        """
    @property
    def kernel(self) -> str: ...
    @property
    def needs(self) -> str:
        """
        Comma list of CPU features, 'none' where it needs none.
        """
    @property
    def variant(self) -> str: ...

class KernelCheck:
    """
    A variant that ran on this machine.
    """
    @property
    def equal(self) -> bool:
        """
        Whether it equals scalar to the last bit.
        """
    @property
    def kernel(self) -> str: ...
    @property
    def times_scalar(self) -> float:
        """
        How many times faster than scalar; 1 for scalar itself.
        """
    @property
    def variant(self) -> str: ...

class TailFacts:
    """
    The recognised segmentation tail of a graph.
    """
    @property
    def align_corners(self) -> bool: ...
    @property
    def argmax(self) -> bool: ...
    @property
    def batch(self) -> int | None: ...
    @property
    def classes(self) -> int | None: ...
    @property
    def dtype(self) -> str: ...
    @property
    def height(self) -> int | None: ...
    @property
    def logits(self) -> str: ...
    @property
    def nodes(self) -> list[int]: ...
    @property
    def out_height(self) -> int | None: ...
    @property
    def out_width(self) -> int | None: ...
    @property
    def output(self) -> str: ...
    @property
    def quantizes(self) -> bool: ...
    @property
    def resizes(self) -> bool: ...
    @property
    def scale(self) -> float | None: ...
    @property
    def softmax(self) -> bool: ...
    @property
    def steps(self) -> list[str]: ...
    @property
    def transposes(self) -> bool: ...
    @property
    def width(self) -> int | None: ...
    @property
    def zero_point(self) -> int | None: ...

class ValueFacts:
    """
    A declared input or output of a graph.
    """
    @property
    def dtype(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> list[int | str] | None: ...

class OpsetFacts:
    """
    A set of operators a file uses.
    """
    @property
    def domain(self) -> str: ...
    @property
    def version(self) -> int: ...

class ModelProblem:
    """
    What speaks against a file, and the remedy.
    """
    @property
    def code(self) -> str: ...
    @property
    def remedy(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def verdict(self) -> str: ...

class HeadFacts:
    """
    An input that is quantised, or integers already.
    """
    @property
    def dtype(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def quantizes(self) -> bool: ...
    @property
    def scale(self) -> float: ...
    @property
    def zero_point(self) -> int: ...

class Uint8Facts:
    """
    int8 tensors that could be uint8.
    """
    @property
    def left(self) -> dict[str, int]: ...
    @property
    def movable(self) -> int: ...

class ModelFacts:
    """
    What a model file is; see edgeinfer.inspect.
    """
    @property
    def external_files(self) -> list[str]: ...
    @property
    def file_bytes(self) -> int: ...
    @property
    def graph_name(self) -> str: ...
    @property
    def heads(self) -> list[HeadFacts]: ...
    @property
    def inputs(self) -> list[ValueFacts]: ...
    @property
    def ir_version(self) -> int: ...
    @property
    def loops(self) -> str: ...
    @property
    def may_loop(self) -> bool: ...
    @property
    def metadata(self) -> list[tuple[str, str]]: ...
    @property
    def operators(self) -> dict[str, int]: ...
    @property
    def opsets(self) -> list[OpsetFacts]: ...
    @property
    def outputs(self) -> list[ValueFacts]: ...
    @property
    def parameters(self) -> int: ...
    @property
    def problems(self) -> list[ModelProblem]: ...
    @property
    def producer_name(self) -> str: ...
    @property
    def producer_version(self) -> str: ...
    @property
    def quantised_nodes(self) -> int: ...
    @property
    def tail(self) -> TailFacts | None: ...
    @property
    def tail_why(self) -> str: ...
    @property
    def uint8(self) -> Uint8Facts: ...
    @property
    def weight_bytes(self) -> int: ...
    @property
    def weighted_nodes(self) -> int: ...

class Activation:
    """
    A float tensor that a quantiser needs to know.
    """
    @property
    def channel_axis(self) -> int | None: ...
    @property
    def channels(self) -> int | None: ...
    @property
    def layer(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def same_range_as(self) -> str:
        """
        The tensor whose range holds for it; empty: to be observed.
        """

class PreprocessPlan:
    """
    A compiled edgeinfer.Preprocess.
    """
    def __init__(
        self,
        *,
        height: typing.SupportsInt | typing.SupportsIndex,
        width: typing.SupportsInt | typing.SupportsIndex,
        resize: str,
        fit: str = "STRETCH",
        color: str,
        scale: typing.SupportsFloat | typing.SupportsIndex,
        mean: typing.Annotated[
            collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex], "FixedSize(3)"
        ],
        std: typing.Annotated[
            collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex], "FixedSize(3)"
        ],
        layout: str = "NCHW",
        dtype: str = "float32",
        quant: tuple[
            typing.SupportsFloat | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex
        ]
        | None = None,
        pad: typing.SupportsInt | typing.SupportsIndex = 114,
        scalar: bool = False,
        threads: typing.SupportsInt | typing.SupportsIndex = 4,
    ) -> None:
        """
        scalar=True keeps to the scalar kernels, for comparison. threads: at most.
        """
    def resize(
        self, frame: typing.Any, format: str, matrix: str = "bt601", full_range: bool = False
    ) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        The resized bytes (h, w, 3 or 1), channels in frame order, of YUV as RGB.
        """
    def run(
        self,
        frame: typing.Any,
        format: str,
        out: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]],
        matrix: str = "bt601",
        full_range: bool = False,
    ) -> tuple[typing.Any, ...]:
        """
        Writes `out`; `frame` is an array, or a tuple of one array a plane. Returns the placement's (scale_x, scale_y, pad_x, pad_y, frame_width, frame_height, model_width, model_height).
        """
    @property
    def variants(self) -> str:
        """
        The kernel variants chosen, as 'operation=variant ...'.
        """

class SegmentPlan:
    """
    Tables for logits of one shape and masks of one size, made once.
    """
    def __call__(self, logits: typing.Any) -> tuple[typing.Any, ...]:
        """
        (mask, areas) of logits (C, h, w).
        """
    def __init__(
        self,
        classes: typing.SupportsInt | typing.SupportsIndex,
        height: typing.SupportsInt | typing.SupportsIndex,
        width: typing.SupportsInt | typing.SupportsIndex,
        out_height: typing.SupportsInt | typing.SupportsIndex,
        out_width: typing.SupportsInt | typing.SupportsIndex,
        *,
        align_corners: bool = False,
    ) -> None: ...
    @property
    def variant(self) -> str:
        """
        Name of the kernel variant in use.
        """

class TensorSpec:
    @property
    def dtype(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[typing.Any, ...]: ...

class GraphLevel:
    """
    Members:

      off

      basic

      extended

      all
    """

    __members__: typing.ClassVar[dict[str, GraphLevel]]
    all: typing.ClassVar[GraphLevel]
    basic: typing.ClassVar[GraphLevel]
    extended: typing.ClassVar[GraphLevel]
    off: typing.ClassVar[GraphLevel]
    @typing.overload
    def __eq__(self, other: GraphLevel) -> bool: ...
    @typing.overload
    def __eq__(self, other: typing.Any) -> bool: ...
    def __getstate__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __index__(self) -> int: ...
    def __init__(self, value: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __int__(self) -> int: ...
    @typing.overload
    def __ne__(self, other: GraphLevel) -> bool: ...
    @typing.overload
    def __ne__(self, other: typing.Any) -> bool: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, state: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __str__(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...

class Spin:
    """
    Members:

      auto

      on

      off
    """

    __members__: typing.ClassVar[dict[str, Spin]]
    auto: typing.ClassVar[Spin]
    off: typing.ClassVar[Spin]
    on: typing.ClassVar[Spin]
    @typing.overload
    def __eq__(self, other: Spin) -> bool: ...
    @typing.overload
    def __eq__(self, other: typing.Any) -> bool: ...
    def __getstate__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __index__(self) -> int: ...
    def __init__(self, value: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __int__(self) -> int: ...
    @typing.overload
    def __ne__(self, other: Spin) -> bool: ...
    @typing.overload
    def __ne__(self, other: typing.Any) -> bool: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, state: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __str__(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...

class Pool:
    @property
    def shared(self) -> bool: ...
    @property
    def spin_us(self) -> int: ...
    @property
    def threads(self) -> int: ...
    @property
    def why(self) -> str: ...

class ArenaTold:
    @property
    def bound(self) -> int: ...
    @property
    def in_use(self) -> int: ...
    @property
    def kept(self) -> int: ...
    @property
    def most(self) -> int: ...

class RuntimeOptions:
    arena: bool
    cpu_fallback: bool
    flush_denormals: bool
    graph: GraphLevel
    memory_pattern: bool
    profile: str
    spin: Spin
    def __init__(self) -> None: ...
    def add_provider(
        self, name: str, settings: collections.abc.Sequence[tuple[str, str]]
    ) -> None: ...
    def bound_arena(self, bytes: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        To be called last, since it takes `arena` as it is set then.
        """
    @property
    def config(self) -> list[tuple[str, str]]: ...
    @config.setter
    def config(self, arg0: collections.abc.Sequence[tuple[str, str]]) -> None: ...
    @property
    def free_dimensions(self) -> list[tuple[str, int]]: ...
    @free_dimensions.setter
    def free_dimensions(
        self, arg0: collections.abc.Sequence[tuple[str, typing.SupportsInt | typing.SupportsIndex]]
    ) -> None: ...
    @property
    def threads(self) -> int | None: ...
    @threads.setter
    def threads(self, arg0: typing.SupportsInt | typing.SupportsIndex | None) -> None: ...
    @property
    def timeout_s(self) -> float: ...
    @timeout_s.setter
    def timeout_s(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None: ...

class Cancellation:
    def __init__(self) -> None: ...
    def cancel(self) -> None: ...
    @property
    def requested(self) -> bool: ...

class Tally:
    @property
    def counts(self) -> list[int]: ...
    @property
    def edges_ns(self) -> list[int]: ...
    @property
    def ends(self) -> typing.Annotated[list[int], "FixedSize(4)"]: ...
    @property
    def longest_ns(self) -> int: ...
    @property
    def total_ns(self) -> int: ...

class QuantizedInput:
    @property
    def cut(self) -> bool: ...
    @property
    def dtype(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def scale(self) -> float: ...
    @property
    def zero_point(self) -> int: ...

class Uint8:
    """
    Which int8 activations were moved to uint8, and why.
    """
    @property
    def left(self) -> dict[str, int]: ...
    @property
    def moved(self) -> int: ...
    @property
    def why(self) -> str: ...

class Stem:
    """
    Which first convolutions got a channel, and why.
    """
    @property
    def why(self) -> str: ...
    @property
    def widened(self) -> int: ...

class LoadOptions:
    cache: bool
    cut_head: bool
    fuse_tail: bool
    runtime: RuntimeOptions
    to_uint8: bool | None
    def __init__(self) -> None: ...
    @property
    def max_tensor_bytes(self) -> int: ...
    @max_tensor_bytes.setter
    def max_tensor_bytes(self, arg1: typing.SupportsInt | typing.SupportsIndex) -> None: ...

class Network:
    @staticmethod
    def from_bytes(model: bytes, options: LoadOptions) -> Network: ...
    @staticmethod
    def from_file(path: os.PathLike[str] | str | bytes, options: LoadOptions) -> Network: ...
    def end_profiling(self) -> list[str]: ...
    def input_address(self, name: str, object: typing.Any) -> int:
        """
        Where the runtime would read this object in run(); for proofs that nothing is copied.
        """
    def run(
        self,
        inputs: typing.Any,
        outputs: list[typing.Any] | None,
        out: dict[typing.Any, typing.Any] | None,
        timeout_s: float,
        cancel: Cancellation | None,
    ) -> dict[typing.Any, typing.Any]: ...
    def segment(
        self,
        inputs: typing.Any,
        size: typing.Annotated[
            collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(2)"
        ]
        | None,
        timeout_s: typing.SupportsFloat | typing.SupportsIndex,
        cancel: Cancellation | None,
    ) -> tuple[typing.Any, ...]: ...
    def tally(self, reset: bool) -> Tally: ...
    @property
    def appended_providers(self) -> list[str]: ...
    @property
    def arena(self) -> ArenaTold | None: ...
    @property
    def cache(self) -> tuple[str, str, str]: ...
    @property
    def cpu_fallback(self) -> bool: ...
    @property
    def file_inputs(self) -> list[TensorSpec]: ...
    @property
    def file_outputs(self) -> list[TensorSpec]: ...
    @property
    def head_why(self) -> str: ...
    @property
    def inputs(self) -> list[TensorSpec]: ...
    @property
    def looked_at(self) -> bool: ...
    @property
    def loops(self) -> str: ...
    @property
    def may_loop(self) -> bool: ...
    @property
    def outputs(self) -> list[TensorSpec]: ...
    @property
    def pool(self) -> Pool: ...
    @property
    def quantized(self) -> list[QuantizedInput]: ...
    @property
    def required(self) -> int: ...
    @property
    def stem(self) -> Stem: ...
    @property
    def tail_cut(self) -> bool: ...
    @property
    def tail_steps(self) -> list[str]: ...
    @property
    def tail_why(self) -> str: ...
    @property
    def timeout_s(self) -> float: ...
    @property
    def uint8(self) -> Uint8: ...
    @property
    def warnings(self) -> list[ModelProblem]: ...

class Binding:
    def __init__(
        self,
        network: Network,
        shapes: collections.abc.Mapping[
            str, collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]
        ],
        outputs: list[typing.Any] | None,
        quantized: bool,
    ) -> None: ...
    def inputs(self) -> dict[typing.Any, typing.Any]: ...
    def outputs(self) -> dict[typing.Any, typing.Any]: ...
    def run(self, *, timeout_s: float | None = None, cancel: typing.Any = None) -> None:
        """
        What edgeinfer.Binding.run tells; checks its arguments itself.
        """
    def segment(
        self,
        size: typing.Annotated[
            collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(2)"
        ]
        | None,
        timeout_s: typing.SupportsFloat | typing.SupportsIndex,
        cancel: Cancellation | None,
    ) -> tuple[typing.Any, ...]: ...
    def time_bare_loop(self, count: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        A C++ loop over the runtime's RunWithBinding; what measurements compare run() with.
        """
    @property
    def last_times_ms(self) -> tuple[float, float]: ...

class CacheFile:
    @property
    def bytes(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def used_s(self) -> int: ...

class TensorStatistics:
    """
    What is kept of one tensor over a calibration: 8 bytes for each of `bins`, 32 for each channel. Not finite values are counted and otherwise left out.
    """
    @staticmethod
    def from_state(state: bytes) -> TensorStatistics: ...
    def __init__(
        self,
        channels: typing.SupportsInt | typing.SupportsIndex,
        bins: typing.SupportsInt | typing.SupportsIndex = 2048,
    ) -> None: ...
    def channel_high(self) -> numpy.typing.NDArray[numpy.float64]: ...
    def channel_low(self) -> numpy.typing.NDArray[numpy.float64]: ...
    def channel_mean(self) -> numpy.typing.NDArray[numpy.float64]: ...
    def channel_variance(self) -> numpy.typing.NDArray[numpy.float64]: ...
    def end_sample(self) -> None:
        """
        Close the sample that observe() gave the parts of.
        """
    def histogram(self) -> tuple[numpy.typing.NDArray[numpy.uint64], float, float]:
        """
        (counts uint64 (n,), first_edge, width): bin i holds the values from first_edge + i * width on; exact zeros are in none of them. An edge belongs to the bin that lies farther from zero.
        """
    def merge(self, other: TensorStatistics) -> None: ...
    def observe(
        self, values: typing.Any, channel_axis: typing.SupportsInt | typing.SupportsIndex | None
    ) -> None:
        """
        Take float32 values of one sample, or of a part of it, of any shape.
        """
    def range(
        self, method: str, parameter: typing.SupportsFloat | typing.SupportsIndex | None = None
    ) -> tuple[float, float]:
        """
        (low, high) by 'minmax', 'moving_average', 'percentile' (parameter: per cent kept at each end, 99.99), 'entropy' or 'mse' (parameter: levels of the quantiser, 256).
        """
    def state(self) -> bytes:
        """
        Bytes for from_state(), the same on every machine.
        """
    @property
    def bins(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def count(self) -> int:
        """
        Finite values, zeros included.
        """
    @property
    def high(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def not_finite(self) -> int: ...
    @property
    def samples(self) -> int: ...
    @property
    def zeros(self) -> int: ...

class Observer:
    """
    Statistics of a float model's tensors, read where the runtime leaves them, one sample at a time.
    """
    def __init__(
        self,
        model: bytes,
        tensors: collections.abc.Sequence[
            tuple[str, typing.SupportsInt | typing.SupportsIndex | None]
        ],
        threads: typing.SupportsInt | typing.SupportsIndex,
        bins: typing.SupportsInt | typing.SupportsIndex,
    ) -> None:
        """
        tensors: (name, channel axis or None) of inputs, outputs and tensors between.
        """
    def merge(self, name: str, statistics: TensorStatistics) -> None: ...
    def run(self, inputs: typing.Any) -> None:
        """
        Run one sample, {input: array}, and observe it; where it raises, nothing was observed.
        """
    def statistics(self, name: str) -> TensorStatistics:
        """
        A copy of what was observed so far.
        """
    @property
    def not_finite(self) -> list[str]:
        """
        Names of the tensors with values that were NaN or infinite.
        """

def cache_clear() -> int: ...
def cache_files() -> list[CacheFile]: ...
def cache_folder() -> tuple[str, str]:
    """
    (path, why it is not used); an empty reason: it is.
    """

def cache_recall(model: typing.Any, name: str) -> str | None:
    """
    What was remembered of a model, or None.
    """

def cache_remember(model: typing.Any, name: str, text: str) -> str:
    """
    Why the text could not be kept; empty: it is.
    """

def check_kernels() -> list[KernelCheck]:
    """
    Runs every available variant on seeded data against scalar. About 50 ms.
    """

def check_uint8(file: bytes, moved: bytes, *, exact: bool = True) -> tuple[bool, str]:
    """
    Whether the second model gives what the first one gives, and why; for tests of the check.
    """

def classify(
    scores: typing.Any, k: typing.SupportsInt | typing.SupportsIndex, *, softmax: bool = False
) -> tuple[typing.Any, ...]:
    """
    Scores (N,) to (indices int64, scores float32) of the k best, best first.
    """

def cpu_features(*, limited: bool = True) -> str:
    """
    Comma list of this CPU's features; limited=False ignores EDGEINFER_CPU.
    """

def cut_tail(model: bytes) -> tuple[bytes, bytes, TailFacts] | None:
    """
    (core, rest, tail) of a model with a segmentation tail, else None.
    """

def dump_model(model: bytes) -> dict[str, typing.Any]:
    """
    Everything the reader sees, as dicts and lists; for tests.
    """

def find_activations(model: bytes, also: collections.abc.Sequence[str] = []) -> list[Activation]:
    """
    The float tensors that quantisation needs the values of, and those of `also`, in the order of the graph.
    """

def inspect_model(
    model: typing.Any,
    *,
    folder: str | None = None,
    max_ir: typing.SupportsInt | typing.SupportsIndex = 13,
    max_opset: typing.SupportsInt | typing.SupportsIndex = 26,
    max_ml_opset: typing.SupportsInt | typing.SupportsIndex = 5,
) -> ModelFacts:
    """
    Facts about a model file, given as a path or as its bytes. folder: where external data is looked for (default: beside the path). Raises ModelError for a damaged file.
    """

def kernel_variants() -> list[KernelVariant]:
    """
    Every variant of every kernel, best first, scalar last.
    """

def move_to_uint8(model: bytes) -> bytes | None:
    """
    The model with its int8 activations as uint8; None where none can move.
    """

def open_runtime(
    wanted: str,
    candidates: collections.abc.Sequence[str],
    meanwhile: collections.abc.Callable[..., typing.Any] | None = None,
) -> tuple[str, str]:
    """
    Open libonnxruntime once for the process; returns (path, version). `meanwhile` is called while it opens, and always comes to its end.
    """

def ort_slots() -> list[tuple[int, str]]:
    """
    (slot, name) of every function of the runtime's table that is used.
    """

def rebuild_model(
    model: bytes,
    *,
    drop_nodes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [],
) -> bytes:
    """
    The model without the nodes of these indices, all else byte for byte.
    """

def runtime_providers() -> list[str]:
    """
    Execution providers the open library has.
    """

def segment(
    logits: typing.Any,
    height: typing.SupportsInt | typing.SupportsIndex,
    width: typing.SupportsInt | typing.SupportsIndex,
    *,
    align_corners: bool = False,
) -> tuple[typing.Any, ...]:
    """
    Logits (C, h, w) to (mask (height, width), areas (C,) int64): bilinear upsampling and argmax in one pass.
    """

def uint8_kept_here() -> str:
    """
    Why a session with default options leaves int8 activations on this machine; empty: it moves them.
    """

def usable_cores(root: str = "") -> int:
    """
    Threads that can compute at once: physical cores that this thread may run on, within the cgroup's quota. root stands before /proc and /sys, for tests.
    """

def widen_stems(model: bytes) -> bytes | None:
    """
    The model with a fourth channel for its first convolution; None where that is not one of integers that has less.
    """

__version__: str
