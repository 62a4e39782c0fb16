"""Every error that Muster raises on purpose.

::

    MusterError                what a user can act on; always one line, with the next step
    ├── ConfigError            a setting is missing or makes no sense
    ├── InputError             a file or a value given by the user cannot be used
    ├── ModelUnavailable       weights are missing, damaged or cannot be fetched
    ├── SourceLost             a camera or a video cannot be read
    ├── EnrolmentRejected      photos that do not make a safe template
    ├── GalleryMismatch        templates of another model or alignment
    └── StorageError           the workspace cannot be read or written
        └── Unreachable        the database gives no answer; what must be kept goes to the spool

Each class carries the exit code that the command line ends with. A message says what was expected, what was found and
what to do next: `MusterError("what is wrong", hint="what to do")`.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "ConfigError",
    "EnrolmentRejected",
    "GalleryMismatch",
    "InputError",
    "ModelUnavailable",
    "MusterError",
    "SourceLost",
    "StorageError",
    "Unreachable",
]


def _one_line(text: str, limit: int = 400) -> str:
    """The text on one line: control characters become spaces, runs of white space one space, long texts are cut."""
    printable = "".join(ch if ch.isprintable() else " " for ch in text)
    line = " ".join(printable.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


class MusterError(Exception):
    """Base of all expected failures.

    Args:
        message: what is wrong, naming the file or the value.
        hint: the next step that mends it; may be empty.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = _one_line(message)
        self.hint = _one_line(hint)
        super().__init__(f"{self.message} → {self.hint}" if self.hint else self.message)


class ConfigError(MusterError):
    """A setting is missing or makes no sense."""

    exit_code = 3


class InputError(MusterError):
    """A file or a value given by the user cannot be used."""

    exit_code = 4


class ModelUnavailable(MusterError):
    """Weights are missing, damaged or cannot be fetched."""

    exit_code = 5


class SourceLost(MusterError):
    """A camera or a video cannot be read."""

    exit_code = 6


class EnrolmentRejected(MusterError):
    """Photos that do not make a safe template."""

    exit_code = 7


class GalleryMismatch(MusterError):
    """Templates of another model or alignment."""

    exit_code = 8


class StorageError(MusterError):
    """The workspace cannot be read or written."""

    exit_code = 9


class Unreachable(StorageError):
    """The database gives no answer; what must be kept goes to the spool."""
