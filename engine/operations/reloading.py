"""Tell the running `muster serve` of a workspace that the settings have changed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from engine.operations.standing import standing


def reload_served(workspace: Path) -> bool:
    """Ask `muster serve` to read the settings again (SIGHUP); return whether one runs on this workspace and was asked."""
    served = standing(workspace)
    if served is None or not isinstance(served.pid, int) or served.pid <= 1:
        return False
    try:
        os.kill(served.pid, signal.SIGHUP)
    except (OSError, OverflowError, AttributeError):  # it has ended, or is another user's; no SIGHUP on Windows
        return False
    return True
