"""From tracks and time to events: sightings, withdrawn names, faces that could not be told, unknown people, tailgating.

Pure decisions: nothing is read or written here, and time comes with the frames.

A *passage* is a group of people who go through together: a person whose track begins while another member is in view, or within the
door window after the member was last seen. A passage of two or more distinct people is one tailgating incident, told once, when
everybody's identity has settled (or the wait is over). Tracks that carry the same identity are one person, so a track that
breaks and goes on is nobody's follower; a face that never settles counts only if it was good enough to be looked at and stood
beside another for a while. A face seen once, or cut off by the picture's edge, is nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from engine.config import CameraConfig, EventsConfig
from engine.hours import within
from engine.types import Event, EventKind, Severity, TailgatingClass, Track, TrackState

__all__ = ["EventMaker", "classify"]

_LOOKED_AT = 2
"""Good frames of a face that never settles, from which on it is a person: a print on a shirt or half a face has none."""


def classify(known: int, others: int) -> TailgatingClass:
    """The kind of a passage of `known` enrolled people and `others` who are not (or not identified)."""
    if others == 0:
        return TailgatingClass.TWO_KNOWN
    return TailgatingClass.KNOWN_UNKNOWN if known else TailgatingClass.TWO_UNKNOWN


@dataclass
class _Passage:
    """A group on its way through.

    Attributes:
        opened: when it became two people.
        members: track id → latest snapshot.
        beside_s: track id → seconds in view together with another member.
        told: the incident was reported; `told_of` names the strangers in it.
    """

    opened: datetime
    members: dict[int, Track] = field(default_factory=dict)
    beside_s: dict[int, float] = field(default_factory=dict)
    told: bool = False
    told_of: frozenset[str] = frozenset()

    @property
    def last_seen(self) -> datetime:
        return max(track.last_seen for track in self.members.values())


class EventMaker:
    """Watches the tracks of one camera.

    Args:
        config: windows and cool-downs.
        camera: its name.
        rules: what differs for this camera.
        zone: of the workplace, for quiet hours.
    """

    def __init__(
        self, config: EventsConfig, camera: str, rules: CameraConfig | None = None, zone: tzinfo = UTC
    ) -> None:
        self._config = config
        self._camera = camera
        self._rules = rules or CameraConfig()
        self._zone = zone
        own = self._rules.door_window_s
        self._window = timedelta(seconds=config.door_window_s if own is None else own)
        self._groups = config.tailgating if self._rules.tailgating is None else self._rules.tailgating
        self._named: dict[int, str] = {}  # track → the person it was reported as
        self._reported: dict[int, datetime] = {}  # track → time of its last sighting event
        self._alerted: set[int] = set()  # tracks reported as unknown
        self._episodes: dict[str, datetime] = {}  # stranger → last seen
        self._passage: _Passage | None = None
        self._recent: dict[int, Track] = {}  # tracks that may yet be followed
        self._last_time: datetime | None = None

    @property
    def passage_open(self) -> bool:
        """A possible tailgating incident is being watched: keep pictures."""
        return self._passage is not None and not self._passage.told

    def update(self, tracks: Sequence[Track], time: datetime, *, final: bool = False) -> list[Event]:
        """Take the tracks of a frame in.

        Args:
            tracks: all tracks that are alive, and those that ended with this frame (`Track.ended`).
            time: of the frame.
            final: the source has ended; nothing more will come.
        """
        events: list[Event] = []
        for track in tracks:
            events += self._retraction(track)
        for track in tracks:
            events += self._sighting(track, time)
            events += self._unknown(track)
            events += self._unidentified(track)
        if self._groups:
            events += self._tailgating(tracks, time, final)
        for track in tracks:
            if track.ended:
                self._named.pop(track.track_id, None)
                self._reported.pop(track.track_id, None)
                self._alerted.discard(track.track_id)
        self._last_time = time
        return events

    # ----------------------------------------------------------------------------------------- one track

    @staticmethod
    def _person(track: Track) -> str | None:
        return track.identity.person if track.identity.state is TrackState.KNOWN else None

    def _retraction(self, track: Track) -> list[Event]:
        """A name that was reported no longer holds. Comes before sightings: the name may go to another track."""
        events: list[Event] = []
        identity, person = track.identity, self._person(track)
        before = self._named.get(track.track_id)
        if before is not None and before != person:
            events.append(
                Event(
                    EventKind.RETRACTION,
                    track.last_seen,
                    self._camera,
                    (track.track_id,),
                    (before,),
                    identity=identity,
                    detail=f"later frames say {'somebody else' if person else identity.state.value}",
                )
            )
            del self._named[track.track_id]
            self._reported.pop(track.track_id, None)
            # What the wrong track wrote is taken back; who really is that person must be written again
            for other, name in self._named.items():
                if name == before:
                    self._reported.pop(other, None)
        return events

    def _sighting(self, track: Track, time: datetime) -> list[Event]:
        events: list[Event] = []
        identity, person = track.identity, self._person(track)
        if person is not None:
            last = self._reported.get(track.track_id)
            due = last is None or (time - last).total_seconds() >= max(self._config.cool_down_s, 1.0)
            if due:
                self._named[track.track_id] = person
                self._reported[track.track_id] = time
                events.append(
                    Event(
                        EventKind.SIGHTING,
                        track.first_seen if last is None else track.last_seen,
                        self._camera,
                        (track.track_id,),
                        (person,),
                        identity=identity,
                        until=track.last_seen,
                        arrival=last is None,
                    )
                )
        return events

    def _unknown(self, track: Track) -> list[Event]:
        stranger = track.unknown_id
        if track.identity.state is not TrackState.UNKNOWN or (stranger is None and not track.ended):
            return []
        if (
            stranger is None
        ):  # no identifier could be given (the strangers' gallery cannot be written): told all the same
            stranger = f"track {track.track_id}"
        last = self._episodes.get(stranger)
        self._episodes[stranger] = track.last_seen if last is None else max(last, track.last_seen)
        if track.track_id in self._alerted:
            return []
        self._alerted.add(track.track_id)
        same_episode = last is not None and (track.first_seen - last).total_seconds() <= self._config.episode_gap_s
        if same_episode or not self._config.unknown:
            return []
        return [
            Event(
                EventKind.UNKNOWN,
                track.first_seen,
                self._camera,
                (track.track_id,),
                (),
                (stranger,) if track.unknown_id else (),
                identity=track.identity,
                until=track.last_seen,
                severity=self._severity(Severity.MEDIUM, track.first_seen),
            )
        ]

    def _unidentified(self, track: Track) -> list[Event]:
        """A face that looked like somebody enrolled and left before it was certain: no punch, but not nobody either."""
        identity = track.identity
        undecided = identity.state in {TrackState.PENDING, TrackState.CONFLICT}
        if not (track.ended and undecided and identity.nearest and 2 * identity.agreeing >= max(identity.voting, 2)):
            return []
        detail = f"{identity.agreeing} of {identity.voting} frames, {identity.state.value} when it left"
        return [
            Event(
                EventKind.UNIDENTIFIED,
                track.first_seen,
                self._camera,
                (track.track_id,),
                (identity.nearest,),
                identity=identity,
                until=track.last_seen,
                detail=detail,
            )
        ]

    def _severity(self, usual: Severity, time: datetime) -> Severity:
        return Severity.HIGH if self._quiet(time) else usual

    def _quiet(self, time: datetime) -> bool:
        return within(self._rules.quiet_hours, time.astimezone(self._zone))

    # ----------------------------------------------------------------------------------------- groups

    def _counts(self, track: Track) -> bool:
        """Lasted long enough to be a person who passes, not a flicker."""
        return track.hits >= 3 and (track.last_seen - track.first_seen).total_seconds() >= self._config.min_presence_s

    def _together(self, a: Track, b: Track) -> bool:
        """In view at once, or one came within the door window after the other had left."""
        return max(a.first_seen, b.first_seen) - min(a.last_seen, b.last_seen) <= self._window

    def _tailgating(self, tracks: Sequence[Track], time: datetime, final: bool) -> list[Event]:
        # somebody who left must be remembered until a follower has been in view long enough to count
        memory = self._window + timedelta(seconds=self._config.settle_s)
        for track in tracks:
            if self._counts(track):
                self._recent[track.track_id] = track
        self._recent = {key: track for key, track in self._recent.items() if abs(time - track.last_seen) <= memory}
        if self._passage is None:
            self._open(time)
        if self._passage is None:
            return []
        passage = self._passage
        self._extend(passage, time)
        if passage.told and self._has_new_stranger(passage):
            # Somebody who stays at the door must not cover for whoever slips in behind
            in_view = {key: track for key, track in passage.members.items() if track.visible}
            self._passage = passage = _Passage(opened=time, members=in_view)
        events = [] if passage.told else self._tell(passage, time, final)
        followed = any(track.first_seen - passage.last_seen <= self._window for track in tracks if track.visible)
        waits = not passage.told and self._waiting(passage, time)
        if abs(time - passage.last_seen) > self._window and not followed and not waits:
            self._passage = None
            self._recent = {key: track for key, track in self._recent.items() if key not in passage.members}
        return events

    def _has_new_stranger(self, passage: _Passage) -> bool:
        """A stranger came in well after a passage was opened and told, and is still in view."""
        return any(
            track.visible
            and track.identity.state is TrackState.UNKNOWN
            and track.unknown_id is not None
            and track.unknown_id not in passage.told_of
            and track.first_seen - passage.opened > self._window
            for track in passage.members.values()
        )

    def _open(self, time: datetime) -> None:
        """Begin a passage when two people are together."""
        recent = list(self._recent.values())
        for index, track in enumerate(recent):
            members = [other for other in recent[index + 1 :] if self._together(track, other)]
            if len(self._distinct([track, *members])) >= 2:
                self._passage = _Passage(opened=time, members={row.track_id: row for row in (track, *members)})
                return

    def _extend(self, passage: _Passage, time: datetime) -> None:
        for key, track in self._recent.items():
            if key in passage.members or any(self._together(track, member) for member in passage.members.values()):
                passage.members[key] = track
        visible = [key for key, track in passage.members.items() if track.visible and track.last_seen == time]
        step = (time - self._last_time).total_seconds() if self._last_time else 0.0
        if len(visible) >= 2:
            for key in visible:
                passage.beside_s[key] = passage.beside_s.get(key, 0.0) + max(0.0, min(step, 1.0))

    @staticmethod
    def _distinct(tracks: Iterable[Track]) -> dict[str, list[Track]]:
        """Tracks by who they are; an unsettled one stands for itself."""
        people: dict[str, list[Track]] = {}
        for track in tracks:
            settled = track.identity.state in {TrackState.KNOWN, TrackState.UNKNOWN}
            people.setdefault(track.label if settled else f"track {track.track_id}", []).append(track)
        return people

    def _waiting(self, passage: _Passage, time: datetime) -> bool:
        """Somebody of the passage may yet be identified, in view or not (votes may come after they have gone)."""
        undecided = {TrackState.PENDING, TrackState.CONFLICT}
        return (time - passage.opened).total_seconds() < self._config.settle_s and any(
            track.identity.state in undecided and not track.ended for track in passage.members.values()
        )

    def _tell(self, passage: _Passage, time: datetime, final: bool) -> list[Event]:
        members = list(passage.members.values())
        waited = (time - passage.opened).total_seconds()
        if not final and (self._waiting(passage, time) or waited < self._config.context_s):
            return []
        people = self._distinct(members)
        known = sorted(key for key, rows in people.items() if rows[0].identity.state is TrackState.KNOWN)
        strangers = sorted(key for key, rows in people.items() if rows[0].identity.state is TrackState.UNKNOWN)
        unsettled = [
            rows[0]
            for key, rows in people.items()
            if key not in known
            and key not in strangers
            and passage.beside_s.get(rows[0].track_id, 0.0) >= self._config.min_presence_s
            and rows[0].identity.voting >= _LOOKED_AT
        ]
        others = len(strangers) + len(unsettled)
        if len(known) + others < 2:
            return []
        passage.told, passage.told_of = True, frozenset(strangers)
        severity, why = self._judge(known, others, passage.opened)
        if severity is None:
            return []
        parts = [f"{len(known)} known", f"{len(strangers)} unknown", f"{len(unsettled)} not identified"]
        told = ", ".join(part for part in parts if not part.startswith("0"))
        return [
            Event(
                EventKind.TAILGATING,
                passage.opened,
                self._camera,
                tuple(track.track_id for track in members),
                tuple(known),
                tuple(strangers),
                until=time,
                classification=classify(len(known), others),
                people=len(known) + others,
                severity=severity,
                detail=f"{len(known) + others} people together: {told}{why}",
            )
        ]

    def _judge(self, known: Sequence[str], others: int, time: datetime) -> tuple[Severity | None, str]:
        """How much a passage of several people matters by the camera's rules (None: not at all), and what to add to it."""
        if self._quiet(time):
            return Severity.HIGH, ", in quiet hours"
        if not others:
            usual = {"incident": Severity.LOW, "note": Severity.INFO, "ignore": None}
            return usual[self._rules.two_known], ""
        hosts = [person for person in known if "*" in self._rules.hosts or person in self._rules.hosts]
        if hosts and others <= self._rules.visitors_per_host * len(hosts):
            return Severity.INFO, ", escorted"
        return Severity.HIGH if known else Severity.MEDIUM, ""
