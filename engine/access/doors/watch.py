"""Who stands before the camera of a door, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.access.doors.keeper import DoorKeeper
from engine.access.doors.rule import Decision, Facts, chosen
from engine.config import DoorConfig
from engine.types import NOBODY, Person, Track, TrackState

_SEEN_HITS = 3


@dataclass
class _Visit:
    """A track before a door.

    Attributes:
        nearest: the decision with the fewest refusals, and for whom.
        opened: the door has opened for it, or would have: it does so once.
    """

    nearest: tuple[str, Decision] | None = None
    opened: bool = False


@dataclass
class DoorWatch:
    """Watches one camera. Belongs to the pipeline's thread; nothing here waits for anything.

    Attributes:
        window: who was seen within it is still at the door.
        people: by id. live: see `Facts`.
    """

    camera: str
    keeper: DoorKeeper
    window: timedelta
    people: Callable[[], Mapping[str, Person]]
    live: bool
    _since: datetime | None = None
    _lately: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    _others: dict[int, str] = field(default_factory=dict)
    _visits: dict[tuple[str, int], _Visit] = field(default_factory=dict)

    def look(self, tracks: Sequence[Track], time: datetime, *, tailgating: bool) -> None:
        """Take the tracks of a frame in, with those that ended with it.

        Args:
            tailgating: people are passing together, or an alarm about it runs.
        """
        self._since = self._since or time
        self._lately |= {track.track_id: (_who(track), track.last_seen) for track in tracks if track.hits >= _SEEN_HITS}
        self._lately = {key: each for key, each in self._lately.items() if abs(time - each[1]) <= self.window}
        self._others = {key: who for key, (who, _) in self._lately.items()}
        self._others |= {track.track_id: _who(track) for track in tracks if track.visible}
        for name, door in self.keeper.doors_of(self.camera).items():
            for track in tracks:
                self._visit(name, door, track, tailgating=tailgating)
        for track in tracks:
            if track.ended:
                self._visits = {key: each for key, each in self._visits.items() if key[1] != track.track_id}

    def _visit(self, name: str, door: DoorConfig, track: Track, *, tailgating: bool) -> None:
        visit = self._visits.setdefault((name, track.track_id), _Visit())
        if visit.opened:
            return
        person = track.identity.person or (track.identity.nearest if track.unsure else None)
        if track.ended:
            if visit.nearest is not None:
                self.keeper.refuse(name, self.camera, *visit.nearest)
            return
        if person is None or not track.visible:
            return
        row = self.people().get(person, NOBODY)
        if not chosen(door, person, row.department):
            return
        facts = Facts(
            camera=self.camera,
            person=person,
            department=row.department,
            live=self.live,
            employed=row.active and row is not NOBODY,
            state=track.identity.state,
            unsure=track.unsure,
            by_face=not track.claimed,
            liveness=track.liveness,
            others=len({*self._others.values()} - {_who(track)}),
            tailgating=tailgating,
            confirmed=track.recognised,
            first_seen=track.first_seen,
            watched_since=self._since,
        )
        decision = self.keeper.ask(name, door, facts)
        visit.opened = decision.opened
        if visit.nearest is None or len(decision.refusals) <= len(visit.nearest[1].refusals):
            visit.nearest = person, decision


def _who(track: Track) -> str:
    """By what tracks of one person are taken together; one that is not settled stands for itself."""
    settled = track.identity.state is TrackState.KNOWN or track.unsure or track.unknown_id is not None
    return track.label if settled else f"track {track.track_id}"
