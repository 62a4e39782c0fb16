"""Files that a process renews as long as it lives, so that others know how it stands."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from engine.storage import parse_json

STALE_S = 10.0
"""A file that was not renewed for so long is of a process that was killed, whose number may be another's now."""


def fresh(path: Path, within_s: float = STALE_S) -> dict[str, Any] | None:
    """What a file says that was renewed lately; None: there is none, or it cannot be read."""
    try:
        if time.time() - path.stat().st_mtime > within_s:
            return None
        found = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
