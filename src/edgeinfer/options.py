"""How a network is loaded and run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from edgeinfer import _core
from edgeinfer._arguments import (
    checked_arena,
    checked_max_tensor,
    checked_path,
    checked_timeout,
    is_whole,
)
from edgeinfer.errors import InputError

__all__ = ["SessionOptions"]

Entries = tuple[tuple[str, str], ...]
Provider = str | tuple[str, Entries]

MOST_ASYNC_THREADS = 64
MOST_WAITING = 1_000_000
LARGEST_DIMENSION = 2**31 - 1

# How the runtime's append call spells the providers that it lists under longer names.
APPENDED_AS = {
    "azure": "AZURE",
    "coreml": "CoreML",
    "openvino": "OpenVINO",
    "qnn": "QNN",
    "vitisai": "VitisAI",
    "webgpu": "WebGPU",
    "xnnpack": "XNNPACK",
}
# Keys that a field of SessionOptions sets, and one that would open the disk to a model.
OWN_KEYS = {
    "session.intra_op.allow_spinning": "use spin",
    "session.set_denormal_as_zero": "use flush_denormals",
    "session.use_env_allocators": "use arena_mb",
    "session.disable_cpu_ep_fallback": "leave 'CPU' out of providers",
    "session.model_external_initializers_file_folder_path": "external data lies beside its model",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """How a network is loaded and run.

    Attributes:
        fuse_tail: cut a recognised final Resize and/or ArgMax off the graph, so that
            ``Session.segment`` does it in one fused pass. False leaves the graph alone. With
            ``graph="all"`` the runtime may choose another kernel for a Resize that stands alone,
            so that ``Session.run`` can differ from the uncut file in the last bits of a float.
        cut_head: cut the QuantizeLinear off that a float input feeds, so that ``run`` and ``bind``
            also take the integers (``Session.quantized_inputs``): preprocessing then writes them
            straight into the bound input. Floats still give what the file gives; they cost one
            more call into the runtime, so leave it False where only floats come.
        to_uint8: whether int8 activations of a statically quantised file become uint8, with zero
            points 128 higher and hence the same real values; weights stay int8, and so do integers
            that a caller gives or gets. None: on x86 with VNNI (avx512_vnni or avx_vnni), where
            uint8 times int8 is what the CPU multiplies, for sessions on the CPU alone. Without VNNI
            such products saturate unless the weights have 7 bits, so nothing is moved. True:
            wherever it can be done. False: never. A probe checks the moved file, once where a cache
            is kept and else at each load: that runs the network four times, twice without
            optimisations, about a second for a 512 x 512 MobileNetV2. See
            ``Session.describe()["uint8"]``.
        spin: whether threads of the session's own pool (``threads=N``) wait for work by spinning.
            ``"auto"``: for 20 microseconds behind each piece of work, which is longer than the gaps
            within a run and far shorter than those between runs, and only while the threads of all
            pools that spin fit into the cores of the process (and ONNX Runtime is 1.26 or newer;
            older ones cannot spin briefly). Two threads then take 0.63 to 0.88 of the time without
            spinning, and an idle session next to none. ``"on"``: for as long as the runtime likes,
            tens of milliseconds behind each run: no faster, 22 % of a core at 5 frames/s, and
            1.5 times slower beside a program that keeps one core busy. ``"off"``: never. The shared
            pool never spins, since the runtime would let it spin for that long.
            ``Session.describe()["threads"]`` tells what was chosen and why,
            docs/threads-and-memory.md the figures. Upstream keys
            ``session.intra_op.allow_spinning`` and ``session.intra_op.spin_duration_us``.
        graph: how far the runtime optimises the graph: ``"off"``, ``"basic"``, ``"extended"``,
            ``"all"``. Upstream ``GraphOptimizationLevel``. From ``"extended"`` on, on x86 with
            VNNI, the first convolution of an int8 network is given a fourth channel, of zeros,
            which the runtime's kernels are faster with; results are the same bit for bit
            (``Session.describe()["stem"]``).
        providers: execution providers in order of preference, by the runtime's names in any case,
            with or without "ExecutionProvider": ``("XNNPACK", "CPU")``. One with settings is a
            pair: ``(("XNNPACK", {"intra_op_num_threads": "2"}), "CPU")``. One that the installed
            runtime lacks is an error. What no other provider takes runs on ``"CPU"`` where that
            stands at the end; where it is left out, a model that would need it is refused at load.
            Upstream ``SessionOptionsAppendExecutionProvider`` and
            ``session.disable_cpu_ep_fallback``. Whether a setting that it does not know is an
            error is up to the provider.
        free_dimensions: ``{"batch": 1}``: sizes for symbolic axes of the inputs, by name, so that
            the runtime can plan for fixed shapes. ``Session.inputs`` stays as the file has it;
            ``Session.describe`` tells the shapes that result. Upstream
            ``AddFreeDimensionOverrideByName``.
        arena_mb: how much memory, in 2**20 bytes, runs of the session may take together: what
            they compute on the way, and results that the runtime allocated until their arrays are
            gone. A run that needs more ends with a ``RunError`` whose ``reason`` is ``"memory"``,
            and the next one runs as ever. Weights and what the runtime makes of them at load are
            not counted, nor arrays of the caller's (inputs, ``out``, the buffers of ``bind``), nor
            providers with memory of their own; one allocation that a thread of the pool makes may
            pass the bound. ``Session.describe()["arena"]`` tells how much was in use at most. None:
            no bound. Runs with a bound plan no common block (``memory_pattern``). Upstream key
            ``session.use_env_allocators``, with an allocator of this session's own.
        arena: keep freed memory for the next run (faster, larger). Where inputs vary in size and
            those of eight runs on end were at most half of the largest, the last of the eight gives
            the rest back; the large one may then come again. False: give back after each run.
            Upstream ``EnableCpuMemArena`` and ``memory.enable_memory_arena_shrinkage``.
        memory_pattern: plan one block for all intermediate tensors of a fixed input shape.
            Upstream ``EnableMemPattern``.
        flush_denormals: treat denormal floats as zero; speeds up some networks on some CPUs and
            changes results in the last digits. Set it in the first session of the process: the
            runtime heeds it in the thread that loads that one, where NumPy computes so too from
            then on, and a later session that asks for something else may not get it. Upstream key
            ``session.set_denormal_as_zero``.
        timeout_s: seconds after which any run of the session stops with a ``RunError`` whose
            ``reason`` is ``"timeout"``. None: no limit, but 10 s for a graph that may loop without
            bound (``Session.describe()["loops"]``) or that cannot be looked at (``.ort`` files).
            ``math.inf``: no limit for those either.
        max_tensor_mb: largest tensor, in 2**20 bytes, that the file may declare or, by its
            constants, lead to; an eighth of it for one computed from constants alone. Files
            beyond it are refused at load. Raise it for networks that really need more.
        async_threads: how many runs of ``Session.run_async`` go on at once, 1 to 64; each takes a
            thread, started when it is first needed.
        async_waiting: how many further runs may wait for one of those threads; one more raises
            ``BusyError``. 0 takes a run only when a thread is free.
        profile: prefix (path and start of the name) of the file that the runtime writes timings
            to, one event a node and run, until ``Session.end_profiling``. Slows runs down. None:
            no file. Upstream ``EnableProfiling``.
        config: further session entries by the runtime's own keys, ``{"session.key": "value"}``,
            for what has no field here, e.g. ``mlas.disable_kleidiai`` where that library's memory
            grows with every new shape. The runtime ignores keys that it does not know. Upstream
            ``AddSessionConfigEntry``.

    Mappings are kept as tuples of pairs, so that options can be compared and hashed.

    Raises:
        InputError: a value outside those named above.
    """

    fuse_tail: bool = True
    cut_head: bool = False
    to_uint8: bool | None = None
    spin: Literal["auto", "on", "off"] = "auto"
    graph: Literal["off", "basic", "extended", "all"] = "all"
    providers: tuple[str | tuple[str, Any], ...] = ("CPU",)
    free_dimensions: Mapping[str, int] | tuple[tuple[str, int], ...] = ()
    arena_mb: int | None = None
    arena: bool = True
    memory_pattern: bool = True
    flush_denormals: bool = False
    timeout_s: float | None = None
    max_tensor_mb: int = 2048
    async_threads: int = 1
    async_waiting: int = 8
    profile: str | os.PathLike[str] | None = None
    config: Mapping[str, str] | tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        _expect_one_of("spin", self.spin, ("auto", "on", "off"))
        _expect_one_of("graph", self.graph, ("off", "basic", "extended", "all"))
        for name in ("fuse_tail", "cut_head", "arena", "memory_pattern", "flush_denormals"):
            if not isinstance(getattr(self, name), bool):
                raise _unlike(name, getattr(self, name), "True or False")
        if self.to_uint8 is not None and not isinstance(self.to_uint8, bool):
            raise _unlike("to_uint8", self.to_uint8, "None, True or False")
        checked_arena(self.arena_mb)
        checked_timeout(self.timeout_s)
        checked_max_tensor(self.max_tensor_mb)
        _expect_count("async_threads", self.async_threads, 1, MOST_ASYNC_THREADS)
        _expect_count("async_waiting", self.async_waiting, 0, MOST_WAITING)
        object.__setattr__(self, "providers", _providers(self.providers))
        object.__setattr__(self, "free_dimensions", _dimensions(self.free_dimensions))
        object.__setattr__(self, "profile", _profile(self.profile))
        object.__setattr__(self, "config", _config(self.config))


def runtime_options(options: SessionOptions, threads: int | None) -> _core.RuntimeOptions:
    """The core's form of the options, once the runtime is open.

    Raises:
        InputError: the runtime has no such provider.
    """
    runtime = _core.RuntimeOptions()
    runtime.threads = threads
    runtime.spin = getattr(_core.Spin, options.spin)
    runtime.graph = getattr(_core.GraphLevel, options.graph)
    runtime.arena = options.arena
    runtime.memory_pattern = options.memory_pattern
    runtime.flush_denormals = options.flush_denormals
    runtime.timeout_s = checked_timeout(options.timeout_s)
    runtime.free_dimensions = list(_pairs("free_dimensions", options.free_dimensions))
    runtime.config = list(_pairs("config", options.config))
    runtime.profile = os.fspath(options.profile) if options.profile is not None else ""
    named = [p if isinstance(p, tuple) else (p, ()) for p in options.providers]
    runtime.cpu_fallback = _key(named[-1][0]) == "cpu"
    present = present_providers()
    for name, settings in named:
        if _key(name) not in map(_key, present):
            raise InputError(
                f"SessionOptions.providers: found {name!r}, wanted providers that the installed "
                f"ONNX Runtime has: {', '.join(present)}; install a build "
                "that has it and name it in EDGEINFER_ONNXRUNTIME, or leave it out"
            )
        if _key(name) != "cpu":
            runtime.add_provider(APPENDED_AS.get(_key(name), _short(name)), list(settings))
    if options.arena_mb is not None:
        runtime.bound_arena(checked_arena(options.arena_mb) << 20)
    return runtime


def loading_options(options: SessionOptions, threads: int | None) -> _core.LoadOptions:
    """The same, and what is done with the file before the runtime gets it."""
    loading = _core.LoadOptions()
    loading.runtime = runtime_options(options, threads)
    loading.fuse_tail = options.fuse_tail
    loading.cut_head = options.cut_head
    loading.to_uint8 = options.to_uint8
    loading.max_tensor_bytes = checked_max_tensor(options.max_tensor_mb) << 20
    return loading


def present_providers() -> tuple[str, ...]:
    """Short names of the providers that the open runtime has."""
    return tuple(_short(name) for name in _core.runtime_providers())


def used_providers(network: _core.Network) -> list[str]:
    """Short names of the providers that the runtime took for a network, as it spells them."""
    spelled = {_key(name): name for name in present_providers()}
    last = ["CPU"] if network.cpu_fallback else []
    return [spelled[_key(name)] for name in network.appended_providers] + last


def _providers(given: object) -> tuple[Provider, ...]:
    wanted = "names of execution providers, each once, with 'CPU' at the end or left out"
    if not isinstance(given, tuple | list) or not given:
        raise _unlike("providers", given, wanted)
    found: list[Provider] = []
    seen: set[str] = set()
    for item in given:
        name, settings = item if isinstance(item, tuple) and len(item) == 2 else (item, ())
        if not _is_text(name) or "cpu" in seen or _key(name) in seen:
            raise _unlike("providers", given, wanted)
        seen.add(_key(name))
        entries = _texts("providers", settings)
        if entries and _key(name) == "cpu":
            raise _unlike("providers", given, "no settings for 'CPU'; see the fields")
        found.append((name, entries) if entries else name)
    return tuple(found)


def _dimensions(given: object) -> tuple[tuple[str, int], ...]:
    pairs = _pairs("free_dimensions", given)
    for name, size in pairs:
        is_size = is_whole(size)
        if not _is_text(name) or not is_size or not 1 <= size <= LARGEST_DIMENSION:
            raise _unlike("free_dimensions", given, "{name: size}, sizes from 1 up")
    return tuple((name, int(size)) for name, size in pairs)


def _profile(given: object) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str | os.PathLike):
        raise _unlike("profile", given, "None or a path and the start of a file's name")
    prefix = checked_path(given)
    folder = os.path.dirname(prefix) or "."
    if not os.path.basename(prefix):
        raise _unlike("profile", given, "the start of a file's name behind the folder")
    if not os.access(folder, os.W_OK | os.X_OK) or not os.path.isdir(folder):
        raise _unlike("profile", given, f"a folder that can be written to, unlike {folder!r}")
    return prefix


def _config(given: object) -> Entries:
    entries = _texts("config", given)
    for key, _ in entries:
        if key in OWN_KEYS:
            raise _unlike("config", key, f"other keys; {OWN_KEYS[key]}")
    return entries


def _texts(field: str, given: object) -> Entries:
    pairs = _pairs(field, given)
    for key, value in pairs:
        if not _is_text(key) or not (value == "" or _is_text(value)):
            raise _unlike(field, given, "{key: value}, both text")
    return tuple(pairs)


def _pairs(field: str, given: object) -> list[tuple[Any, Any]]:
    items = given.items() if isinstance(given, Mapping) else given
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        raise _unlike(field, given, "a mapping, or pairs")
    pairs = [tuple(item) if isinstance(item, tuple | list) else () for item in items]
    try:
        distinct = len({pair[0] for pair in pairs if pair}) == len(pairs)
    except TypeError:
        distinct = False
    if not distinct or any(len(pair) != 2 for pair in pairs):
        raise _unlike(field, given, "a mapping, or pairs with each key once")
    return [(pair[0], pair[1]) for pair in pairs]


def _is_text(name: object) -> bool:
    # What a C string can hold: no NUL, and no lone surrogates.
    if not isinstance(name, str) or not name or "\0" in name:
        return False
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def _key(provider: str) -> str:
    return _short(provider).lower()


def _short(provider: str) -> str:
    return provider.removesuffix("ExecutionProvider") or provider


def _expect_one_of(name: str, value: object, wanted: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in wanted:
        raise _unlike(name, value, f"one of {wanted}")


def _expect_count(name: str, value: object, least: int, most: int) -> None:
    is_number = is_whole(value)
    if not is_number or not least <= value <= most:  # type: ignore[operator]
        raise _unlike(name, value, f"a number from {least} to {most}")


def _unlike(name: str, found: object, wanted: str) -> InputError:
    return InputError(f"SessionOptions.{name}: found {found!r}, wanted {wanted}")
