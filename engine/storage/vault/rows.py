"""The lines of a ring, and what can be said of it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import StorageError


class KeyErased(StorageError):
    """The key was destroyed on purpose: what it sealed was erased."""


@dataclass(frozen=True)
class RingState:
    """What a ring holds.

    Attributes:
        folder: where ring and workspace key lie.
        inside: they lie in the workspace, where they protect nothing.
        key: name of the workspace key.
        owners: number of keys by kind of owner.
        old: keys that `reencrypt` has not replaced yet.
        erased: names of destroyed keys.
    """

    folder: Path
    inside: bool
    key: str
    owners: Mapping[str, int]
    old: int
    erased: int


@dataclass(frozen=True)
class Row:
    name: str
    owner: str
    state: str  # empty: in use; `old`: to be replaced; `gone`: destroyed
    wrapped: bytes

    @property
    def line(self) -> str:
        cells = [self.name, self.owner, self.state, b64encode(self.wrapped).decode()]
        return json.dumps(cells, separators=(",", ":")) + "\n"


@dataclass(frozen=True)
class Head:
    """The first line of a ring: the name under which everything was sealed, where the workspace lies, and its key."""

    origin: str
    home: str
    key: str

    @property
    def line(self) -> str:
        return json.dumps({"muster_ring": 1, **vars(self)}) + "\n"
