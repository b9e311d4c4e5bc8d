"""Facts about the machine and the versions, written beside every measured figure."""

import datetime
import importlib.metadata
import os
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_BOARD = Path("/proc/device-tree/model")
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
# Of dozens of flags, those that choose an int8 or float kernel here or in onnxruntime.
_FEATURES = (
    *("sse4_1", "avx", "avx2", "fma", "avx_vnni", "amx_int8"),
    *("avx512f", "avx512bw", "avx512vl", "avx512_vnni"),
    *("neon", "asimd", "asimddp", "asimdhp", "fphp", "i8mm", "sve"),
)


@dataclass(frozen=True)
class Machine:
    """One machine at one moment. ``load`` is the one-minute load average when measuring began."""

    board: str | None
    cpu: str
    cores: int
    features: tuple[str, ...]
    governor: str | None
    system: str
    load: float
    date: str
    versions: dict[str, str]

    @property
    def slug(self) -> str:
        """Folder name below ``record/``."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.board or self.cpu} {self.cores} cores".lower())


def this_machine(distributions: Iterable[str]) -> Machine:
    """Read the facts; what a system does not tell stays None. All distributions must exist."""
    info = _CPUINFO.read_text() if _CPUINFO.exists() else ""
    fields: dict[str, str] = dict(re.findall(r"^(\S[^\t:]*)\s*:\s*(.*)$", info, re.MULTILINE))
    flags = set(fields.get("flags", fields.get("Features", "")).split())
    return Machine(
        board=_text(_BOARD),
        cpu=_cpu_name(fields),
        cores=os.cpu_count() or 1,
        features=tuple(name for name in _FEATURES if name in flags),
        governor=_text(_GOVERNOR),
        # Without the vendor's suffix, which names the host more than the kernel.
        system=f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        load=round(os.getloadavg()[0], 2),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        versions={"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in distributions},
    )


def _cpu_name(fields: dict[str, str]) -> str:
    """A name that tells generations apart: virtual machines often say the brand alone."""
    if "model name" in fields and "cpu family" in fields:
        return f"{fields['model name']} family {fields['cpu family']} model {fields['model']}"
    if "CPU part" in fields:
        return f"implementer {fields['CPU implementer']} part {fields['CPU part']}"
    return platform.processor() or "unknown"


def _text(path: Path) -> str | None:
    return path.read_text().strip("\0\n ") if path.exists() else None
