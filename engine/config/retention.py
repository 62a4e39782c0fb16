"""Periods of workspaces that began before they were set by purpose: what nobody set in their file goes on as it was.

Whether a workspace did so is kept where upkeep keeps its looks at the clock.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

LOOKS_NAME = "retention.json"
BEFORE: Mapping[str, int] = {"tailgating_images": 90, "evidence_images": 90, "sightings": 90}
_DAY = re.compile(r"-(\d{4}-\d\d-\d\d)\.")
_NEW = timedelta(days=2)


def began_before(workspace: Path) -> bool:
    """Whether a workspace began when other periods were usual: its looks say so, or without any, its logs reach back some days."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return not json.loads((workspace / LOOKS_NAME).read_bytes()).get("by_purpose", False)
    newest = (datetime.now(UTC).date() - _NEW).isoformat()
    return any((found := _DAY.search(path.name)) and found[1] < newest for path in workspace.glob("log/*.csv"))
