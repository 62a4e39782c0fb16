"""How the parts of `muster serve` stand: written by the supervisor, read by the pages, by monitoring and by other commands.

`log/serve.json` in each workspace that it serves.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from engine.errors import MusterError
from engine.operations.beats import fresh
from engine.storage import atomic_write, storage_errors

BEAT_S = 2.0

PartState = Literal["starting", "running", "waiting", "stopping"]


@dataclass(frozen=True)
class PartStanding:
    """One part.

    Attributes:
        state: `starting`, `running`, `waiting` (it ended, and is started again in a moment) or `stopping`.
        since: from when on, ISO 8601.
        pid: its process; 0: there is none.
        restarts: how often it was started again after it ended by itself.
        why: how it ended last; empty: it did not.
        ended: when, ISO 8601.
    """

    state: PartState = "starting"
    since: str = ""
    pid: int = 0
    restarts: int = 0
    why: str = ""
    ended: str = ""


@dataclass(frozen=True)
class Standing:
    """All parts.

    Attributes:
        pid: the supervisor's. since: when it began, ISO 8601.
        cameras: those of this workspace that are to be recorded.
        problem: why the newest settings are not followed; empty: they are.
        gone: the folder is not the one any more that was there at the start.
    """

    pid: int = 0
    since: str = ""
    parts: Mapping[str, PartStanding] = field(default_factory=dict)
    cameras: tuple[str, ...] = ()
    problem: str = ""
    gone: bool = False


def _path(workspace: Path) -> Path:
    return workspace / "log" / "serve.json"


def write_standing(workspace: Path, standing: Standing) -> None:
    """Tell how the parts stand.

    Raises:
        StorageError: the workspace cannot be written.
    """
    atomic_write(_path(workspace), json.dumps(asdict(standing)).encode(), durable=False)


def forget_standing(workspace: Path) -> None:
    """The supervisor has ended."""
    with contextlib.suppress(MusterError), storage_errors(_path(workspace)):
        _path(workspace).unlink(missing_ok=True)


def standing(workspace: Path) -> Standing | None:
    """How the parts of a workspace's `muster serve` stand; None: it does not run, or on another machine."""
    told = fresh(_path(workspace))
    if told is None:
        return None
    try:
        parts = {str(name): PartStanding(**each) for name, each in told["parts"].items()}
        return Standing(**{**told, "parts": parts, "cameras": tuple(told["cameras"])})
    except (KeyError, TypeError, AttributeError):
        return None
