"""People who identify themselves at the kiosk, by badge or PIN: the face in front of its camera is theirs, and no stranger's.

Whoever is unknown by the face is held for a while where people may identify themselves: until then nothing is kept of them and nobody is
told, because they may have a badge. A claim binds the face in front: the largest one that nobody has claimed. If that face is somebody
else's who is enrolled, the claim and the face differ, and the face goes on to count as what it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from engine.gallery import Gallery
from engine.pipeline.faces import Decisions
from engine.types import Event, EventKind, Identity, Severity, Track, TrackState

_COMES = timedelta(seconds=4)
"""A face that appears so long after the claim is still theirs: people look at the reader first."""
_WENT = timedelta(seconds=3)
"""A face that was seen so long before the claim is still theirs."""
_YIELDS = timedelta(seconds=1.5)
"""So long somebody enrolled who was recognised may stand in front before the face and the claim differ: they may be just leaving."""
DIFFER = "badge or PIN and face differ"


@dataclass
class _Claim:
    """Somebody identified themselves; `since`: time of the first frame that knew of it."""

    person: str
    since: datetime


class Claims:
    """The claims of one camera. Belongs to the pipeline's thread, but for `claim`.

    Args:
        waits_s: returns for how long somebody unknown may yet identify themselves; 0: nobody can.
    """

    def __init__(self, camera: str, waits_s: Callable[[], float] = lambda: 0.0) -> None:
        self._camera, self._waits_s = camera, waits_s
        self._new: deque[str] = deque()
        self._open: list[_Claim] = []
        self._bound: dict[int, str] = {}
        self._told: set[int] = set()
        self._unknown_since: dict[int, datetime] = {}
        self._time: datetime | None = None
        self._over = False

    def claim(self, person: str) -> None:
        """Somebody identified themselves just now. May be called from any thread."""
        self._new.append(person)

    def finish(self) -> None:
        """The source has ended: nobody is waited for any more."""
        self._over = True

    def held(self, unknown: Collection[int], time: datetime) -> frozenset[int]:
        """Tracks of unknown people who may yet identify themselves, or have.

        Args:
            unknown: all tracks that are unknown by the face.
            time: of the newest frame.
        """
        self._time = time
        self._unknown_since = {key: self._unknown_since.get(key, time) for key in unknown}
        wait = timedelta(0) if self._over else timedelta(seconds=self._waits_s())
        waiting = {key for key, since in self._unknown_since.items() if time - since < wait}
        return frozenset(waiting | (self._bound.keys() & set(unknown)))

    @property
    def waiting(self) -> frozenset[int]:
        """Tracks that have not ended although nobody sees them any more, because they may yet identify themselves."""
        if self._time is None or self._over:
            return frozenset()
        wait, time = timedelta(seconds=self._waits_s()), self._time
        return frozenset(
            key for key, since in self._unknown_since.items() if time - since < wait and key not in self._bound
        )

    def judge(self, decisions: Decisions, time: datetime) -> tuple[Decisions, list[Event], list[tuple[Track, str]]]:
        """Apply the claims.

        Returns:
            The decisions with those who identified themselves, what differs, and strangers who turned out to be somebody after all.
        """
        while self._new:
            self._open.append(_Claim(self._new.popleft(), time))
        events, late = [], list[tuple[Track, str]]()
        for claim in list(self._open):
            track = self._in_front(decisions.tracks, time)
            if track is None:
                done = time - claim.since > _COMES
            elif _by_face(track) not in {None, claim.person}:
                done = time - claim.since > _YIELDS
                events += self._differs(track, claim.person, time) if done else []
            else:
                done = True
                if _by_face(track) is None:
                    self._bound[track.track_id] = claim.person
                    late += [(track, claim.person)] if track.identity.state is TrackState.UNKNOWN else []
            if done:
                self._open.remove(claim)
        for track in decisions.tracks:
            events += self._found_out(track, decisions.gallery, time)
        waiting = self.waiting
        tracks = [self._as_claimed(track, waiting) for track in decisions.tracks]
        for track in decisions.tracks:
            if track.ended:
                self._bound.pop(track.track_id, None)
                self._told.discard(track.track_id)
        return replace(decisions, tracks=tracks), events, late

    def _in_front(self, tracks: Iterable[Track], time: datetime) -> Track | None:
        """The largest face in view that nobody has claimed; without one the one seen last."""
        free = [each for each in tracks if each.track_id not in self._bound and time - each.last_seen <= _WENT]
        visible = [each for each in free if each.visible]
        if visible:
            return max(visible, key=lambda each: float((each.box[2:] - each.box[:2]).prod()))
        gone = [each for each in free if _by_face(each) is None]
        return max(gone, key=lambda each: each.last_seen, default=None)

    def _found_out(self, track: Track, gallery: Gallery, time: datetime) -> list[Event]:
        """Whether the face of somebody who identified themselves turns out to be another's, or is not theirs although it is enrolled."""
        person = self._bound.get(track.track_id)
        if person is None or track.track_id in self._told:
            return []
        if _by_face(track) not in {None, person}:
            del self._bound[track.track_id]  # the face counts as what it is
            return self._differs(track, person, time)
        if track.identity.state is TrackState.UNKNOWN and gallery.of(person)[0]:
            return self._differs(track, person, time)
        return []

    def _differs(self, track: Track, person: str, time: datetime) -> list[Event]:
        if track.track_id in self._told:
            return []
        self._told.add(track.track_id)
        people = dict.fromkeys(filter(None, (person, _by_face(track))))
        return [
            Event(
                EventKind.BADGE,
                time,
                self._camera,
                (track.track_id,),
                tuple(people),
                identity=track.identity,
                severity=Severity.HIGH,
                detail=DIFFER,
            )
        ]

    def _as_claimed(self, track: Track, waiting: Collection[int]) -> Track:
        person = self._bound.get(track.track_id)
        if person is None:
            return replace(track, held=True) if track.track_id in waiting else track
        identity = Identity(TrackState.KNOWN, person)
        return replace(track, identity=identity, unknown_id=None, unsure=False, covered="", claimed=True)


def _by_face(track: Track) -> str | None:
    """Who the track is by its face alone, also if no face has confirmed it for a while."""
    return track.identity.nearest if track.unsure else track.identity.person
