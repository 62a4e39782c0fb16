"""The result of a replay: changes, counts by day, and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class ChangeKind(StrEnum):
    """A kind of difference."""

    LOST = "punch lost"
    NEW = "punch new"
    GONE = "alert gone"
    APPEARED = "alert new"
    RECLASSIFIED = "tailgating changed"


@dataclass(frozen=True)
class Change:
    """A punch or alert that would have been different.

    Attributes:
        time: when the person came into view, or the incident began.
        then, now: the decision: `known`, `cool-down` (known, but too soon for another punch), `unknown`, `unidentified`, `undecided`,
            `not living`; for tailgating its class, or `none`.
        person_then, person_now: employee ids; empty if nobody.
        similarity: of the track's mean embedding with the best candidate; None for tailgating.
        event_id, incident_id, picture: the row that would change, and a picture of the face; may be empty.
        said: what people have decided since: `taken back`, or the state of a review; may be empty.
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
    """Counts of one day: replayed tracks, punches, alerts about unknown people, and changes by kind."""

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
        without_sighting: punches whose track is not in the log of sightings (older, or invented); they stay.
        unreadable: rows of that log that somebody changed.
        unexplained: tracks whose logged votes do not lead to the logged decision; their punches stay.
        disagreeing: tracks whose decision does not lead to the logged punch or alert; not reported as changes.
        tailgating: incidents whose logged class does not follow from the decisions; they stay.
        shortened: tracks replayed without their first frames, for which the log had no room.
        undecided: tracks decided then that lack frames for a decision now; at the door there would have been more.
        other_gallery: tracks compared with another gallery than today's.
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

    No punch changes its name, because the person whom a track's mean embedding resembles most does not depend on the threshold.

    A replay keeps the logged liveness checks. It does not repeat identifiers of strangers (newly unknown people count as one if they
    resemble the same person most), `seen` rows, passages that would only now be tailgating, names withdrawn again, and the choice
    of frames.

    Attributes:
        min_margin: None: the margin that was in force.
        in_force: lowest and highest threshold in force then; None if no face was compared.
        tracks: number of replayed tracks.
        changes: in the order of time.
        days: with at least one track or punch, oldest first.
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
        """Return how many changes are of these kinds."""
        return sum(change.kind in kinds for change in self.changes)
