"""The result of a replay: changes, counts by day, and how far to trust them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class ChangeKind(StrEnum):
    """What would have been different."""

    LOST = "punch lost"
    NEW = "punch new"
    GONE = "alert gone"
    APPEARED = "alert new"
    RECLASSIFIED = "tailgating changed"


@dataclass(frozen=True)
class Change:
    """One punch or alert that would have been different.

    Attributes:
        kind: what changes.
        day, time, camera, track: where to look; the time is when the person came into view, or the incident began.
        then, now: the decision: `known`, `cool-down` (known, but no punch so soon after another), `unknown`, `unidentified`, `undecided`,
            `not living`; of tailgating its class, or `none`.
        person_then, person_now: employee ids; empty: nobody.
        similarity: of the track's mean embedding with the best candidate; None for tailgating.
        event_id, incident_id, picture: the row that would change, and a picture of the face; may be empty.
        said: what people have decided since: `taken back`, or the state of a review; empty: nothing.
    """

    kind: ChangeKind
    day: date
    time: datetime
    camera: str
    track: str
    then: str
    now: str
    person_then: str = ""
    person_now: str = ""
    similarity: float | None = None
    event_id: str = ""
    incident_id: str = ""
    picture: str = ""
    said: str = ""


@dataclass(frozen=True)
class ReplayedDay:
    """Counts of one day.

    Attributes:
        day: which.
        tracks: replayed.
        punches_then, punches_now, unknown_then, unknown_now: punches, and alerts of unknown people.
        changes: how many by kind.
    """

    day: date
    tracks: int
    punches_then: int
    punches_now: int
    unknown_then: int
    unknown_now: int
    changes: Mapping[ChangeKind, int]


@dataclass(frozen=True)
class Limits:
    """What a replay had to leave out.

    Attributes:
        without_sighting: punches whose track has no row in the log of sightings (older, or made up); they stay as they are.
        unreadable: rows of that log that cannot be read because somebody changed them.
        unexplained: tracks whose logged votes do not lead to the logged decision; their punches stay as they are.
        disagreeing: tracks whose decision does not lead to the logged punch or alert; they are not reported as changes.
        tailgating: incidents whose logged class the decisions do not lead to; they stay as they are.
        shortened: tracks that were replayed without their first frames, which the log had no room for.
        undecided: tracks that were decided then and lack frames for a decision now; the door would have looked at more.
        other_gallery: tracks that were compared with another gallery than today's.
    """

    without_sighting: int = 0
    unreadable: int = 0
    unexplained: int = 0
    disagreeing: int = 0
    tailgating: int = 0
    shortened: int = 0
    undecided: int = 0
    other_gallery: int = 0


@dataclass(frozen=True)
class Replay:
    """What another threshold would have changed.

    No punch changes its name: whom a track's mean embedding resembles most does not depend on the threshold, and it is that name or none.

    A replay takes liveness checks as they turned out, and does not repeat: identifiers of strangers (newly unknown people count as one
    when they resemble the same person most), `seen` rows, passages that would only now be tailgating, names that were given and
    withdrawn on the way, and the choice of frames to look at.

    Attributes:
        threshold, min_margin: tried; None: the margin that was in force.
        first, last: the days.
        in_force: lowest and highest threshold that was in force then; None: no face was compared.
        tracks: replayed.
        changes: in the order of time.
        days: with at least one track or punch, oldest first.
        limits: what was left out.
    """

    threshold: float
    min_margin: float | None
    first: date
    last: date
    in_force: tuple[float, float] | None
    tracks: int
    changes: tuple[Change, ...]
    days: tuple[ReplayedDay, ...]
    limits: Limits

    def count(self, *kinds: ChangeKind) -> int:
        """How many changes are of these kinds."""
        return sum(change.kind in kinds for change in self.changes)
