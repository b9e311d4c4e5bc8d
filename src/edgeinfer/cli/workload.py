"""What ``bench`` runs again and again: a model on an image, or on inputs made up for it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edgeinfer.cli import recipe, tasks
from edgeinfer.errors import InputError

if TYPE_CHECKING:
    from edgeinfer.binding import Binding
    from edgeinfer.frame import Frame
    from edgeinfer.options import SessionOptions
    from edgeinfer.preprocess import Preprocess
    from edgeinfer.session import Session
    from edgeinfer.specs import TensorSpec

__all__ = ["Plan", "plan"]

# Of names of element types, how values of them are made; what stands for indices is 0.
_RANDOM_INTEGERS = ("int8", "uint8")


@dataclass(frozen=True)
class Plan:
    """A session's work, and the same work as a program of its own.

    Attributes:
        workload: for ``bench.stages.measure``.
        program: of ``bench.fresh.Program``, all but model, threads and options.
        summary: one line for people.
        facts: for the record.
        variants: of the preprocessing kernels, ``"operation=variant ..."``; empty without one.
    """

    workload: _Frames | _Tensors
    program: dict[str, Any]
    summary: str
    facts: dict[str, Any]
    variants: str


class _Tensors:
    """The network on inputs that stay as they are."""

    stages: tuple[str, ...] = ("network",)

    def __init__(self, binding: Binding) -> None:
        self._binding = binding

    def frame(self) -> tuple[int, ...]:
        clock = time.perf_counter_ns
        begin = clock()
        self._binding.run()
        return (clock() - begin,)

    def answer(self) -> list[Any]:
        """What the network gives, copied."""
        self._binding.run()
        return [array.copy() for array in self._binding.outputs.values()]


class _Frames:
    """From the frame, or its file, to the answer."""

    def __init__(
        self,
        source: Frame | Path,
        preprocess: Preprocess,
        binding: Binding,
        name: str,
        task: tasks.TaskName,
    ) -> None:
        self._source: Any = source
        self._preprocess, self._binding = preprocess, binding
        self._input = binding.inputs[name]
        self._decodes, self._task = isinstance(source, Path), task
        self._finish: Callable[[], tuple[int, ...]] = {
            "segment": self._segment,
            "classify": self._classify,
            "tensors": self._run,
        }[task]
        last = {"segment": ("tail",), "classify": ("postprocess",), "tensors": ()}[task]
        first = ("decode",) if self._decodes else ()
        self.stages: tuple[str, ...] = (*first, "preprocess", "network", *last)

    def frame(self) -> tuple[int, ...]:
        clock = time.perf_counter_ns
        begin = clock()
        if self._decodes:
            from edgeinfer.decode import decode

            frame = decode(self._source)
            read = clock()
            self._preprocess(frame, out=self._input)
            return (read - begin, clock() - read, *self._finish())
        self._preprocess(self._source, out=self._input)
        return (clock() - begin, *self._finish())

    def answer(self) -> list[Any]:
        """The mask, or what the network gives, copied."""
        self.frame()
        if self._task == "segment":
            return [self._binding.segment().classes]
        return [array.copy() for array in self._binding.outputs.values()]

    def _run(self) -> tuple[int, ...]:
        begin = time.perf_counter_ns()
        self._binding.run()
        return (time.perf_counter_ns() - begin,)

    def _segment(self) -> tuple[int, ...]:
        begin = time.perf_counter_ns()
        self._binding.segment()
        total = time.perf_counter_ns() - begin
        network = int(self._binding.last_times.run_ms * 1e6)
        return (network, max(total - network, 0))

    def _classify(self) -> tuple[int, ...]:
        from edgeinfer.postprocess.classification import classify

        clock = time.perf_counter_ns
        begin = clock()
        self._binding.run()
        middle = clock()
        (scores,) = self._binding.outputs.values()
        classify(scores, k=min(5, scores.size))
        return (middle - begin, clock() - middle)


def plan(session: Session, options: argparse.Namespace, settings: SessionOptions) -> Plan:
    """Find out what the model takes, and make it.

    A model of one image gets a frame: of ``--image``, or made up. Any other gets made-up tensors.

    Raises:
        InputError: an input whose size is not known, or whose type cannot be made up.
    """
    wanted = None if options.shape else _image(session)
    if wanted is None:
        flags = [flag for flag in (*recipe.FLAGS, "recipe", "image") if _given(options, flag)]
        if flags:
            raise InputError(
                f"--{flags[0]}: found for a model that does not take one image, wanted for one "
                "that does; leave it away (--shape NAME=1,3,224,224 gives the sizes of tensors)"
            )
        return _plan_tensors(session, options, settings)
    return _plan_frames(session, options, settings, wanted)


def _given(options: argparse.Namespace, name: str) -> bool:
    return getattr(options, name) is not None


def _image(session: Session) -> recipe.ImageInput | None:
    try:
        return recipe.image_input(session)
    except InputError:
        return None


def _plan_frames(
    session: Session,
    options: argparse.Namespace,
    settings: SessionOptions,
    wanted: recipe.ImageInput,
) -> Plan:
    quantized = settings.cut_head and wanted.name in session.quantized_inputs
    if quantized:
        own = session.quantized_inputs[wanted.name]
        wanted = replace(wanted, dtype=own.dtype, quant=(own.scale, own.zero_point))
    preprocess = recipe.build(options, wanted)
    recipe.check_fits(preprocess, wanted)
    task = tasks.recognise(session)
    shape = wanted.shape(preprocess.size)
    binding = session.bind({wanted.name: shape}, quantized=quantized)
    height, width = options.frame
    source = options.image if options.image is not None else _made_up(height, width)
    workload = _Frames(source, preprocess, binding, wanted.name, task)
    call: Literal["run", "segment"] = "segment" if task == "segment" else "run"
    read = (
        f"frame = ei.decode({str(options.image)!r})"
        if options.image is not None
        else f"frame = np.full(({height}, {width}, 3), 114, np.uint8)"
    )
    fill = (
        read,
        f"preprocess = ei.Preprocess.from_recipe({preprocess.to_recipe()!r})",
        f"preprocess(frame, out=bound.inputs[{wanted.name!r}])",
    )
    high, wide = preprocess.size
    given = f"picture {options.image.name}" if options.image else f"frame {width} x {height}"
    return Plan(
        workload,
        {"shapes": {wanted.name: shape}, "fill": fill, "call": call},
        f"{task}, {given} to {wide} x {high} {wanted.dtype}",
        {
            "task": task,
            "image": None if options.image is None else options.image.name,
            "frame": None if options.image is not None else [height, width],
            "preprocess": preprocess.to_recipe(),
        },
        preprocess.variants,
    )


def _made_up(height: int, width: int) -> Any:
    """A frame with something at every place: slopes in three directions, and noise."""
    import numpy as np

    from edgeinfer.frame import Frame, PixelFormat

    y, x = np.mgrid[0:height, 0:width]
    slopes = np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)], -1)
    noise = np.random.default_rng(0).integers(-8, 9, slopes.shape)
    pixels = np.clip(slopes + noise, 0, 255).astype(np.uint8)
    return Frame(pixels, PixelFormat.RGB, width=width, height=height)


def _plan_tensors(session: Session, options: argparse.Namespace, settings: SessionOptions) -> Plan:
    shapes = _shapes(session, dict(options.shape or ()))
    binding = session.bind(shapes)
    for spec in session.inputs:
        _fill(binding.inputs[spec.name], spec)
    sizes = ", ".join(
        f"{name} {' x '.join(map(str, shape)) or 'scalar'}" for name, shape in shapes.items()
    )
    # Zeros do as well for a cold start: every page of an input is written to either way.
    fill = tuple(f"bound.inputs[{name!r}][...] = 0" for name in shapes)
    return Plan(
        _Tensors(binding),
        {"shapes": shapes, "fill": fill, "call": "run"},
        f"tensors, {sizes or 'no inputs'}",
        {"task": "tensors", "shapes": {name: list(shape) for name, shape in shapes.items()}},
        "",
    )


def _shapes(session: Session, given: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    known = {spec.name for spec in session.inputs}
    for name in given:
        if name not in known:
            raise InputError(
                f"--shape: found input {name!r}, wanted one of {', '.join(sorted(known)) or 'none'}"
            )
    shapes = {}
    for spec in session.inputs:
        if spec.name not in given and any(isinstance(extent, str) for extent in spec.shape):
            example = ",".join("1" if isinstance(one, str) else str(one) for one in spec.shape)
            names = ", ".join(map(str, spec.shape))
            raise InputError(
                f"input {spec.name!r} has open sizes ({names}); say them, such as "
                f"--shape {spec.name}={example}"
            )
        fixed = tuple(extent for extent in spec.shape if isinstance(extent, int))
        shapes[spec.name] = given.get(spec.name, fixed)
    return shapes


def _fill(array: Any, spec: TensorSpec) -> None:
    """Values that any network may get: floats and bytes at random, 0 where it may be an index."""
    import numpy as np

    rng = np.random.default_rng(0)
    if array.dtype.kind in "fV":
        # In pieces: a large input needs no second copy of itself in doubles.
        flat = array.reshape(-1)
        for begin in range(0, flat.size, 1 << 16):
            piece = flat[begin : begin + (1 << 16)]
            piece[...] = rng.random(piece.size).astype(array.dtype)
    elif spec.dtype in _RANDOM_INTEGERS:
        facts = np.iinfo(array.dtype)
        array[...] = rng.integers(facts.min, facts.max + 1, array.shape, array.dtype)
    else:
        array[...] = 0
