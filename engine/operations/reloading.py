"""Tell the running `muster serve` of a workspace that the settings have changed."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

_STALE_S = 10.0
"""Whoever serves renews the file more often; an older one is of a process that was killed, whose number may be another's now."""


def reload_served(workspace: Path) -> bool:
    """Ask `muster serve` to read the settings again (SIGHUP); return whether one runs on this workspace and was asked.

    It writes its number into `log/serve.json` every few seconds.
    """
    path = workspace / "log" / "serve.json"
    try:
        if time.time() - path.stat().st_mtime > _STALE_S:
            return False
        pid = json.loads(path.read_text(encoding="utf-8"))["pid"]
        if not isinstance(pid, int) or pid <= 1:
            return False
        os.kill(pid, signal.SIGHUP)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ):  # there is none, or it is another user's; no SIGHUP on Windows
        return False
    return True
