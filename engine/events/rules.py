"""Rules that hold for a decision wherever it is judged: at the door as it is made, and when the past is replayed."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime, timedelta

from engine.types import Identity, TailgatingClass, TrackState

LOOKED_AT = 2
"""Good frames from which on a face that never settles counts: a print on a shirt or half a face has none."""


def almost(identity: Identity) -> bool:
    """A face that left before it was certain who it was resembled somebody in enough of its good frames to say so."""
    return identity.nearest is not None and identity.agreeing >= LOOKED_AT and 2 * identity.agreeing >= identity.voting


def living_person(identity: Identity, liveness: str, *, required: bool) -> str | None:
    """Whose name may be written down: a picture held before the camera is nobody.

    Args:
        identity: the decision.
        liveness: what the checks say: `passed`, `unproven`, `failed`; empty: not checked.
        required: a name counts only for a face that passed the checks; otherwise for every face that did not fail.
    """
    alive = liveness == "passed" if required else liveness != "failed"
    return identity.person if alive and identity.state is TrackState.KNOWN else None


def classify(known: int, others: int) -> TailgatingClass:
    """The kind of a passage of `known` enrolled people and `others` who are not (or not identified)."""
    if others == 0:
        return TailgatingClass.TWO_KNOWN
    return TailgatingClass.KNOWN_UNKNOWN if known else TailgatingClass.TWO_UNKNOWN


class Episodes:
    """Visits of strangers: who comes back within a gap is still on the same visit.

    Args:
        gap: the longest pause within a visit.
    """

    def __init__(self, gap: timedelta) -> None:
        self._gap = gap
        self._last: dict[Hashable, datetime] = {}

    def begins(self, stranger: Hashable, first_seen: datetime, last_seen: datetime) -> bool:
        """Whether a track begins a visit; tracks come in the order of time, and each may come again with a later end."""
        last = self._last.get(stranger)
        self._last[stranger] = last_seen if last is None else max(last, last_seen)
        return last is None or first_seen - last > self._gap
