"""From tracks and time to events: sightings, withdrawn names, uncertain faces, unknown people, attacks.

Pure decisions: this module reads and writes nothing, and time comes with the frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from engine.config import CameraConfig, EventsConfig
from engine.config.hours import within
from engine.events.passages import Passages
from engine.events.rules import Episodes, almost, living_person
from engine.types import Event, EventKind, Severity, Track, TrackState

_STAYED = timedelta(seconds=3)
"""A person in view before an interruption and this soon after it was there all the time."""


class EventMaker:
    """Watches the tracks of one camera.

    Args:
        zone: of the workplace, for quiet hours.
        require_liveness: a name counts only for a face proven to be a living person's.
        numbered: strangers get identifiers; else each is told as soon as it is decided that it is one.
    """

    def __init__(
        self,
        config: EventsConfig,
        camera: str,
        rules: CameraConfig | None = None,
        zone: tzinfo = UTC,
        *,
        require_liveness: bool = False,
        numbered: bool = True,
    ) -> None:
        self._config = config
        self._camera = camera
        self._rules = rules or CameraConfig()
        self._zone = zone
        self._require_liveness, self._numbered = require_liveness, numbered
        self._attacks: set[int] = set()  # tracks reported as attacks
        together = config.tailgating if self._rules.tailgating is None else self._rules.tailgating
        self._passages = Passages(config, camera, self._rules, zone, numbered=numbered) if together else None
        self._named: dict[int, str] = {}  # track → the person it was reported as
        self._reported: dict[int, datetime] = {}  # track → time of its last sighting event
        self._alerted: set[int] = set()  # tracks reported as unknown
        self._episodes = Episodes(timedelta(seconds=config.episode_gap_s))
        self._interrupted: frozenset[str] = frozenset()  # people in view when the camera was lost
        self._resumed: datetime | None = None

    @property
    def passage_open(self) -> bool:
        """Whether a possible tailgating incident is being watched, so that pictures must be kept."""
        return self._passages is not None and self._passages.open

    def interrupted(self, time: datetime) -> None:
        """The camera was lost."""
        if self._resumed is None or time - self._resumed > _STAYED:  # else it was back for a moment only
            self._interrupted = frozenset()
        self._interrupted, self._resumed = self._interrupted | frozenset(self._named.values()), None

    def resumed(self, time: datetime) -> None:
        """The camera is back. People who stood there before and still do have not arrived anew."""
        self._resumed = time

    def _stayed(self, person: str, track: Track) -> bool:
        return person in self._interrupted and self._resumed is not None and track.first_seen - self._resumed <= _STAYED

    def update(self, tracks: Sequence[Track], time: datetime, *, final: bool = False) -> list[Event]:
        """Process the tracks of a frame: those alive, and those that ended with it (`Track.ended`); `final`: the source has ended."""
        events: list[Event] = []
        for track in tracks:
            events += self._retraction(track)
        for track in tracks:
            events += self._sighting(track, time)
            events += self._unknown(track)
            events += self._unidentified(track)
            events += self._attack(track)
        if self._passages is not None:
            events += self._passages.update(tracks, time, final=final)
        for track in tracks:
            if track.ended:
                self._named.pop(track.track_id, None)
                self._reported.pop(track.track_id, None)
                self._alerted.discard(track.track_id)
                self._attacks.discard(track.track_id)
        return events

    def _event(self, kind: EventKind, track: Track, *people: str, **more: Any) -> Event:
        """An event about one track, from when it was first seen until now."""
        facts: dict[str, Any] = {"time": track.first_seen, "until": track.last_seen, "liveness": track.liveness, **more}
        return Event(
            kind,
            camera=self._camera,
            track_ids=(track.track_id,),
            employee_ids=people,
            identity=track.identity,
            **facts,
        )

    def _person(self, track: Track) -> str | None:
        """Who the track is, as far as that may be recorded: a picture held before the camera is nobody."""
        return living_person(track.identity, track.liveness, required=self._require_liveness)

    def _retraction(self, track: Track) -> list[Event]:
        """Withdraw a reported name that no longer holds. Comes before sightings, because the name may go to another track."""
        person, before = self._person(track), self._named.get(track.track_id)
        if before is None or before == person or track.unsure:
            return []
        detail = f"later frames say {'somebody else' if person else track.identity.state.value}"
        if track.liveness == "failed":
            detail = f"not a living person: {track.liveness_reason}"
        del self._named[track.track_id]
        self._reported.pop(track.track_id, None)
        # the rows of the wrong track are taken back, so whoever really is that person must be recorded again
        for other, name in self._named.items():
            if name == before:
                self._reported.pop(other, None)
        withdrawn = {"time": track.last_seen, "until": None, "liveness": "", "detail": detail}
        return [self._event(EventKind.RETRACTION, track, before, **withdrawn)]

    def _sighting(self, track: Track, time: datetime) -> list[Event]:
        person, last = self._person(track), self._reported.get(track.track_id)
        again = last is not None and (time - last).total_seconds() < max(self._config.cool_down_s, 1.0)
        if track.claimed or person is None or again:
            return []
        self._named[track.track_id], self._reported[track.track_id] = person, time
        begin = track.first_seen if last is None else track.until
        arrival = last is None and not self._stayed(person, track)
        return [self._event(EventKind.SIGHTING, track, person, time=begin, until=track.until, arrival=arrival)]

    def _unknown(self, track: Track) -> list[Event]:
        """A stranger, or somebody who left with the face covered: who hides their face must not pass without a trace."""
        if track.held:
            return []
        covered = track.ended and bool(track.covered) and track.liveness != "failed"
        named = track.unknown_id is not None or track.ended or not self._numbered
        unknown = track.identity.state is TrackState.UNKNOWN and named
        if not unknown and not covered:
            return []
        # without an identifier (the strangers' gallery cannot be written) the track is reported all the same
        stranger = track.unknown_id or f"track {track.track_id}"
        begins = self._episodes.begins(stranger, track.first_seen, track.last_seen)
        if track.track_id in self._alerted:
            return []
        self._alerted.add(track.track_id)
        if not begins or not self._config.unknown:
            return []
        quiet = within(self._rules.quiet_hours, track.first_seen.astimezone(self._zone))
        severity = Severity.HIGH if quiet else Severity.LOW if covered else Severity.MEDIUM
        facts = {"unknown_ids": _stranger(track), "severity": severity, "liveness": "", "detail": track.covered}
        return [self._event(EventKind.UNKNOWN, track, **facts)]

    def _unidentified(self, track: Track) -> list[Event]:
        """A face that looked like somebody enrolled and left before it was certain: no punch, but not nobody either."""
        identity = track.identity
        if track.claimed or not track.ended or track.liveness == "failed":
            return []
        if identity.state is TrackState.KNOWN and self._person(track) is None:
            detail = f"not proven to be a living person: {track.liveness_reason}"
        elif identity.state in {TrackState.PENDING, TrackState.CONFLICT}:
            detail = f"{identity.agreeing} of {identity.voting} frames, {identity.state.value} when it left"
        else:
            return []
        if identity.nearest is None or not almost(identity):
            return []
        return [self._event(EventKind.UNIDENTIFIED, track, identity.nearest, detail=detail)]

    def _attack(self, track: Track) -> list[Event]:
        """A picture or a screen was held before the camera instead of a face."""
        if track.liveness != "failed" or track.track_id in self._attacks:
            return []
        if track.identity.state is TrackState.PENDING and not track.ended:
            return []  # whose picture it is may be known in a moment
        self._attacks.add(track.track_id)
        known = track.identity.state is TrackState.KNOWN and track.identity.person
        facts = {"unknown_ids": _stranger(track), "severity": Severity.HIGH, "detail": track.liveness_reason}
        return [self._event(EventKind.PRESENTATION_ATTACK, track, *([known] if known else []), **facts)]


def _stranger(track: Track) -> tuple[str, ...]:
    return (track.unknown_id,) if track.unknown_id else ()
