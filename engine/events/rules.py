"""Rules for decisions, both at the door and in a replay of the past."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime, timedelta

from engine.types import Identity, TailgatingClass, TrackState

LOOKED_AT = 2
"""Good frames that a face needs to count if it never settles: a print on a shirt or half a face has none."""


def almost(identity: Identity) -> bool:
    """Whether a face that left too early to be certain resembled somebody in enough of its good frames to say so."""
    return identity.nearest is not None and identity.agreeing >= LOOKED_AT and 2 * identity.agreeing >= identity.voting


def living_person(identity: Identity, liveness: str, *, required: bool) -> str | None:
    """Whose name may be recorded: a picture held before the camera is nobody.

    Args:
        liveness: `passed`, `unproven`, `failed`; empty: not checked.
        required: the face must have passed the checks; otherwise it only must not have failed them.
    """
    alive = liveness == "passed" if required else liveness != "failed"
    return identity.person if alive and identity.state is TrackState.KNOWN else None


def classify(known: int, others: int) -> TailgatingClass:
    """The class of a passage of `known` enrolled people and `others` who are not enrolled or not identified."""
    if others == 0:
        return TailgatingClass.TWO_KNOWN
    return TailgatingClass.KNOWN_UNKNOWN if known else TailgatingClass.TWO_UNKNOWN


class Episodes:
    """Visits of strangers; a stranger who returns within `gap` continues the same visit."""

    def __init__(self, gap: timedelta) -> None:
        self._gap = gap
        self._last: dict[Hashable, datetime] = {}

    def begins(self, stranger: Hashable, first_seen: datetime, last_seen: datetime) -> bool:
        """Whether a track begins a visit. Tracks come in order of time; each may come again with a later end."""
        self._last = {key: last for key, last in self._last.items() if first_seen - last <= self._gap}
        last = self._last.get(stranger)
        self._last[stranger] = last_seen if last is None else max(last, last_seen)
        return last is None
