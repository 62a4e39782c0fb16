"""The workbench that pages and routes share: one per process and workspace, with its networks opened once.

Kept outside Streamlit's caches, because the web server's own routes use it, too.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from app.cameras import Cameras
from app.sessions import Sessions
from engine.workbench import Workbench

__all__ = ["bench", "cameras", "sessions", "workspace"]


def workspace() -> Path:
    """The folder that is worked on, from MUSTER_WORKSPACE."""
    return _absolute(os.environ.get("MUSTER_WORKSPACE") or "data", os.getcwd())  # noqa: PTH109 - asked for every word


@cache
def _absolute(folder: str, here: str) -> Path:
    return Path(here, folder)


@cache
def _bench(folder: Path) -> Workbench:
    return Workbench(folder)


@cache
def _sessions(folder: Path) -> Sessions:
    workbench = _bench(folder)
    return Sessions(workbench.accounts, folder / "sessions.key", life_h=workbench.config.app.session_h)


@cache
def _cameras(folder: Path) -> Cameras:
    return Cameras(_bench(folder))


def bench() -> Workbench:
    """The workbench of the workspace.

    Raises:
        ConfigError: its settings make no sense.
    """
    return _bench(workspace())


def sessions() -> Sessions:
    """Who is signed in."""
    return _sessions(workspace())


def cameras() -> Cameras:
    """The cameras that this process can read itself."""
    return _cameras(workspace())
