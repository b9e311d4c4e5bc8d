"""The errors of edgeinfer: one tree; every text names what was found, what was wanted, the remedy.

EdgeInferError               catch this for all of them
├─ InputError (ValueError)   the caller's data: shape, dtype, range, image
├─ ModelError                a network file: damaged, unsupported, refused
├─ PackageError              a package: manifest, digest, signature, version
├─ RunError                  the runtime: out of memory, timeout, cancelled (see .reason)
└─ BusyError                 a queue is full; retry later

ModelWarning (UserWarning)         a network file that loads, but is hardly what its maker meant
CalibrationWarning (UserWarning)   samples that calibrate, but hardly as they were meant to
"""

__all__ = [
    "BusyError",
    "CalibrationWarning",
    "EdgeInferError",
    "InputError",
    "ModelError",
    "ModelWarning",
    "PackageError",
    "RunError",
]


class EdgeInferError(Exception):
    """Base of every error that edgeinfer raises on purpose."""


class InputError(EdgeInferError, ValueError):
    """The caller's data does not fit: shape, dtype, range, image."""


class ModelError(EdgeInferError):
    """The network file is damaged, unsupported or refused."""


class PackageError(EdgeInferError):
    """The model package is refused: manifest, digest, signature or version."""


class RunError(EdgeInferError):
    """The runtime gave up.

    Attributes:
        reason: ``"timeout"``, ``"cancelled"``, ``"memory"`` (the bound of
            ``SessionOptions.arena_mb``) or ``"runtime"``.
    """

    def __init__(self, text: str, reason: str = "runtime") -> None:
        super().__init__(text)
        self.reason = reason


class BusyError(EdgeInferError):
    """A queue is full; retry later."""


class ModelWarning(UserWarning):
    """The network file loads, but is hardly what its maker meant: NaN among its weights."""


class CalibrationWarning(UserWarning):
    """Samples that are few, the same, or of a strange range or order of colours."""
