"""The set-up code: whoever makes the first account has seen what `muster app` printed. `setup.code` holds its SHA-256."""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path

from engine.access.credentials import digest
from engine.storage import atomic_write, storage_errors

_NAME = "setup.code"


def offer_setup(workspace: Path) -> str:
    """Return a new set-up code of a workspace without accounts; earlier ones are worth nothing from now on.

    Raises:
        StorageError: it cannot be written.
    """
    code = secrets.token_urlsafe(16)
    atomic_write(workspace / _NAME, digest(code).encode(), mode=0o600)
    return code


def right_setup(workspace: Path, code: str) -> bool:
    """Whether a set-up code is the one that was offered last.

    Raises:
        StorageError: it cannot be read.
    """
    path = workspace / _NAME
    with storage_errors(path):
        kept = path.read_text("ascii", "replace") if path.exists() else ""
    return bool(kept) and hmac.compare_digest(kept.encode(), digest(code.strip()).encode())


def end_setup(workspace: Path) -> None:
    """The first account exists: no code is needed any more.

    Raises:
        StorageError: the file cannot be removed.
    """
    with storage_errors(workspace / _NAME):
        (workspace / _NAME).unlink(missing_ok=True)
