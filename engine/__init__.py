"""Muster's engine: faces in, attendance and incidents out.

The way of the data, one module per station::

    Frame → Detections → aligned faces → embeddings → Matches → Tracks → Events → attendance log · incident log · images
    sources  detection    alignment       embedding    gallery   tracking  events   attendance · incidents

Programs start at `open_workspace`; docs/api.md describes the names exported here. They are imported on first use, so
`import engine` loads no networks.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.api import EnrolmentReport, FrameResult, IdentifiedFace, RunStats, Workspace, open_workspace
    from engine.errors import MusterError

__all__ = [
    "EnrolmentReport",
    "FrameResult",
    "IdentifiedFace",
    "MusterError",
    "RunStats",
    "Workspace",
    "__version__",
    "open_workspace",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name.startswith("_") or name not in __all__:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(importlib.import_module("engine.errors" if name == "MusterError" else "engine.api"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
