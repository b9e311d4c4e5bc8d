"""What a calibration observes, and of what: the part of it that two runs must have in common."""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

from edgeinfer import _core
from edgeinfer.errors import InputError, ModelError

__all__ = ["Origin", "Tensor", "origin_of"]


class Tensor(NamedTuple):
    """A tensor that is observed.

    Attributes:
        name: in the graph.
        layer: what makes it, for people: ``"Conv 'features.0'"``, or ``"input"``.
        channel_axis: where its channels are, counted from the front; None: it has none.
    """

    name: str
    layer: str
    channel_axis: int | None


class Origin(NamedTuple):
    """What two runs must have in common for their statistics to be added up.

    Attributes:
        model_digest: SHA-256 of the model file, in hexadecimal.
        tensors: what is observed, in the order of the graph.
        same_range_as: tensors that are not observed, since the range of another holds for them:
            what a Relu or Clip alone reads, and what a Reshape or Transpose makes.
        bins: at most so many for each histogram.
        recipe: of the preprocessing, None where arrays were given as they are.
    """

    model_digest: str
    tensors: tuple[Tensor, ...]
    same_range_as: dict[str, str]
    bins: int
    recipe: dict[str, Any] | None

    @property
    def digest(self) -> str:
        """Of all of it."""
        text = json.dumps([1, *self], sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def differences(self, other: Origin) -> str:
        """What is not the same, for an error text; empty: nothing."""
        found = []
        if self.model_digest != other.model_digest:
            found.append(f"model {self.model_digest[:12]} and {other.model_digest[:12]}")
        if self.bins != other.bins:
            found.append(f"bins {self.bins} and {other.bins}")
        if self.recipe != other.recipe:
            found.append(f"preprocess: {_apart(self.recipe, other.recipe)}")
        if (self.tensors, self.same_range_as) != (other.tensors, other.same_range_as):
            found.append("the observed tensors")
        return "; ".join(found)


def origin_of(
    model: bytes, names: list[str] | None, bins: int, recipe: dict[str, Any] | None
) -> Origin:
    """Find out what is to be observed.

    Args:
        model: the file's bytes.
        names: tensors to observe; None: all that a quantiser needs.
        bins: see `Origin`.
        recipe: see `Origin`.
    Raises:
        ModelError: damaged, refused, with weights in other files, or nothing to observe in it.
        InputError: no such tensor.
    """
    facts = _core.inspect_model(model)
    if facts.external_files:
        raise ModelError(
            f"calibrate: found weights beside the file ({facts.external_files[0]}), wanted all of "
            "them inside; save the model in one file (onnx.save_model without external data)"
        )
    known = _core.find_activations(model, names or [])
    if names is None:
        tensors = tuple(
            Tensor(one.name, one.layer, one.channel_axis) for one in known if not one.same_range_as
        )
        if not tensors:
            quantised = f": {facts.quantised_nodes} of {facts.weighted_nodes} layers compute in "
            raise ModelError(
                "calibrate: found no float tensor to observe"
                + (f"{quantised}integers already" if facts.quantised_nodes else "")
                + "; wanted a float32 network"
            )
        aliases = {one.name: one.same_range_as for one in known if one.same_range_as}
    else:
        by_name = {one.name: one for one in known}
        for name in names:
            if name not in by_name:
                raise InputError(
                    f"tensors: found {name!r}, which is no float32 tensor that varies in "
                    f"this model; wanted some of {_some(by_name)}"
                )
        if not names or len(set(names)) != len(names):
            raise InputError("tensors: found none, or one twice; wanted names, or None for all")
        tensors = tuple(
            Tensor(one.name, one.layer, one.channel_axis) for one in map(by_name.__getitem__, names)
        )
        aliases = {}
    return Origin(hashlib.sha256(model).hexdigest(), tensors, aliases, bins, recipe)


def _apart(one: dict[str, Any] | None, other: dict[str, Any] | None) -> str:
    if one is None or other is None:
        return "here none, there one" if one is None else "here one, there none"
    keys = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    return ", ".join(f"{key} {one.get(key)} and {other.get(key)}" for key in keys)


def _some(names: dict[str, Any]) -> str:
    first = [repr(name) for name in names][:5]
    return ", ".join(first) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
