"""Every error that Muster raises on purpose.

::

    MusterError                the user can act on it; always one line, with the next step
    ├── ConfigError            a setting is missing or not valid
    ├── InputError             a file or value from the user cannot be used
    ├── ModelUnavailable       weights are missing, damaged or cannot be fetched
    ├── SourceLost             a camera or video cannot be read
    ├── BrokerAway             the MQTT broker cannot be reached, or refuses what it is sent
    ├── EnrolmentRejected      the photos do not make a safe template
    ├── GalleryMismatch        templates come from another model or alignment
    └── StorageError           the workspace cannot be read or written
        ├── LockLost           the lock over a read and the write that depends on it was lost in between
        ├── Tampered           a sealed file is not as Muster wrote it
        └── Unreachable        the database does not answer, or takes no changes

Each class carries the exit code of the command line. Raise one as `MusterError("what happened", hint="what to do")`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from engine.masking import mask

__all__ = [
    "BrokerAway",
    "ConfigError",
    "EnrolmentRejected",
    "GalleryMismatch",
    "InputError",
    "LockLost",
    "ModelUnavailable",
    "MusterError",
    "SourceLost",
    "StorageError",
    "Tampered",
    "Unreachable",
]


def _one_line(text: str, limit: int = 400) -> str:
    """Put a text on one line of at most `limit` characters; control characters and white space become single spaces."""
    printable = "".join(ch if ch.isprintable() else " " for ch in text)
    line = " ".join(printable.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _shown(text: str) -> str:
    """Return a text that may be shown: on one line, without secrets. A phrase stays one only if nothing had to be taken out."""
    line = _one_line(mask(text))  # masked before it is cut off: half an address is harder to recognise
    return text if line == text else line


class MusterError(Exception):
    """Base of all expected failures. No text of theirs repeats a password or a token.

    Args:
        message: what happened, naming the file or the value; a `Phrase` can be shown in the reader's language.
        hint: the next step; may be empty.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message, self.hint = _shown(message), _shown(hint)
        super().__init__(f"{self.message} → {self.hint}" if self.hint else self.message)


class ConfigError(MusterError):
    """A setting is missing or not valid."""

    exit_code = 3


class InputError(MusterError):
    """A file or value from the user cannot be used."""

    exit_code = 4


class ModelUnavailable(MusterError):
    """Weights are missing, damaged or cannot be fetched."""

    exit_code = 5


class SourceLost(MusterError):
    """A camera or video cannot be read."""

    exit_code = 6


class BrokerAway(MusterError):
    """The MQTT broker cannot be reached, or refuses what it is sent; another attempt may succeed."""


class EnrolmentRejected(MusterError):
    """The photos do not make a safe template; `left_out`: for each photo that was not used, one line that says why."""

    exit_code = 7

    def __init__(self, message: str, *, hint: str = "", left_out: Iterable[str] = ()) -> None:
        super().__init__(message, hint=hint)
        self.left_out = tuple(left_out)


class GalleryMismatch(MusterError):
    """Templates come from another model or alignment."""

    exit_code = 8


class StorageError(MusterError):
    """The workspace cannot be read or written."""

    exit_code = 9


class LockLost(StorageError):
    """The lock over a read and the write that depends on it was lost in between: nothing was written, and both must be repeated."""


class Tampered(StorageError):
    """A sealed file is not as Muster wrote it."""


class Unreachable(StorageError):
    """The database does not answer, or takes no changes for now."""
