"""The int8 files that rows judge: ours, made anew in every run, and the peers', kept.

What a peer makes depends on its version, the network and the samples alone; so its files stay under
``bench/.cache/`` and only its figures belong to a run.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from pathlib import Path
from typing import Any

import apart
import edgeinfer as ei
from edgeinfer.quantize.targets import choose_target
from int8.children import THREADS
from int8.networks import BENCH, CACHE, Network

ONNXRUNTIME = "onnxruntime MinMax"
NNCF = "NNCF"
SOURCES = ("children.py", "networks.py", "nncf_quantiser.py", "onnxruntime_quantiser.py")


def make(network: Network, out: Path, **settings: Any) -> ei.QuantizeReport:
    """``edgeinfer.quantize`` with its defaults, but for ``settings``."""
    return ei.quantize(
        network.file,
        out,
        samples=network.calibration(),
        preprocess=network.preprocess(),
        threads=THREADS,
        **settings,
    )


def unsigned_activations() -> bool:
    """Whether this CPU is better served by uint8 activations, as edgeinfer chooses them."""
    return choose_target(None).activations == "uint8"


def from_peer(network: Network, peer: str) -> Path:
    """The peer's file, made in a process of its own if it is not there.

    Raises:
        ImportError: the peer is not installed.
        RuntimeError: it refuses the network.
    """
    work: dict[str, tuple[str, str, dict[str, Any]]] = {
        ONNXRUNTIME: (
            "onnxruntime",
            "int8.children:quantise_onnxruntime",
            {"method": "minmax", "unsigned": unsigned_activations()},
        ),
        NNCF: ("nncf", "int8.children:quantise_nncf", {}),
    }
    distribution, function, settings = work[peer]
    version = importlib.metadata.version(distribution)  # its error is an ImportError
    target = CACHE / "int8" / f"{network.name}-{distribution}-{_digest(network, version)}.onnx"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_suffix(".new")
        apart.call(function, network=network.name, out=str(beside), **settings)
        beside.replace(target)
    return target


def _digest(network: Network, version: str) -> str:
    digest = hashlib.sha256(f"{version} onnx {importlib.metadata.version('onnx')}".encode())
    digest.update(network.file.read_bytes())
    for sample in network.calibration():
        digest.update(sample.name.encode() if isinstance(sample, Path) else sample.tobytes())
    for source in SOURCES:
        digest.update((BENCH / "int8" / source).read_bytes())
    return digest.hexdigest()[:16]
