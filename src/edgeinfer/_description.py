"""What was changed at load and why, as plain values."""

from __future__ import annotations

from typing import Any

from edgeinfer import _core
from edgeinfer.options import SessionOptions, present_providers, used_providers


def description(network: _core.Network, options: SessionOptions) -> dict[str, Any]:
    """Tell of a loaded network, in what ``json`` can write."""
    required = network.inputs[: network.required]
    return {
        "tail": {
            "cut": network.tail_cut,
            "why": network.tail_why,
            "steps": list(network.tail_steps),
        },
        "head": {
            "cut": any(one.cut for one in network.quantized),
            "why": network.head_why,
            "inputs": {
                one.name: {"dtype": one.dtype, "scale": one.scale, "zero_point": one.zero_point}
                for one in network.quantized
            },
        },
        "uint8": {
            "moved": network.uint8.moved,
            "left": dict(network.uint8.left),
            "why": network.uint8.why,
        },
        "stem": {"widened": network.stem.widened, "why": network.stem.why},
        "cache": _cache(network),
        "looked_at": network.looked_at,
        "warnings": [one.text for one in network.warnings],
        "loops": {"without_bound": network.may_loop, "why": network.loops},
        "timeout_s": network.timeout_s or None,
        "providers": used_providers(network),
        "providers_present": list(present_providers()),
        "free_dimensions": {
            "fixed": dict(options.free_dimensions),
            "inputs": {spec.name: list(spec.shape) for spec in required},
            "outputs": {spec.name: list(spec.shape) for spec in network.outputs},
        },
        "config": dict(options.config),
        "threads": _threads(network.pool),
        "arena": _arena(network.arena),
    }


def _arena(told: _core.ArenaTold | None) -> dict[str, int] | None:
    if told is None:
        return None
    return {
        "bound_bytes": told.bound,
        "in_use_bytes": told.in_use,
        "kept_bytes": told.kept,
        "most_bytes": told.most,
    }


def _threads(pool: _core.Pool) -> dict[str, Any]:
    spin = {0: "never", -1: "as long as the runtime does"}
    return {
        "count": pool.threads,
        "pool": "shared" if pool.shared else "own",
        "spin": spin.get(pool.spin_us, f"{pool.spin_us} us behind each piece of work"),
        "why": pool.why,
    }


def _cache(network: _core.Network) -> dict[str, str | None]:
    state, why, path = network.cache
    return {"state": state, "why": why, "path": path or None}
