"""What comes from elsewhere: names of files, and JSON, which may be damaged or chosen by somebody who means harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def below(folder: Path, name: str, *, within: str = "") -> Path | None:
    """Return the resolved path of a name that came from elsewhere, relative to a folder; it need not exist.

    Args:
        within: folder below it that the path must not leave.

    Returns:
        None: it leads elsewhere, or the system can have no such name.
    """
    try:
        path = (folder / name).resolve()
        path.is_file()  # tells of a name that is too long, or has a null byte
        return path if path.is_relative_to((folder / within).resolve()) else None
    except (OSError, ValueError, RuntimeError):
        return None


def parse_json(content: str | bytes) -> Any:
    """Return what a JSON text says.

    Raises:
        ValueError: it is not JSON, or nests without end.
    """
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError("too many brackets within brackets") from error
