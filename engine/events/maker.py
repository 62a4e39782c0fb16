"""From tracks and time to events: sightings, withdrawn names, faces that could not be told, unknown people, attacks.

Pure decisions: nothing is read or written here, and time comes with the frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from engine.config import CameraConfig, EventsConfig
from engine.config.hours import within
from engine.events.passages import Passages
from engine.events.rules import Episodes, almost, living_person
from engine.types import Event, EventKind, Severity, Track, TrackState

_STAYED = timedelta(seconds=3)
"""Whoever is in view so soon after an interruption, and was before it, was there all the time."""


class EventMaker:
    """Watches the tracks of one camera.

    Args:
        config: windows and cool-downs.
        camera: its name.
        rules: what differs for this camera.
        zone: of the workplace, for quiet hours.
        require_liveness: a name counts only for a face that is proven to be a living person's.
    """

    def __init__(
        self,
        config: EventsConfig,
        camera: str,
        rules: CameraConfig | None = None,
        zone: tzinfo = UTC,
        *,
        require_liveness: bool = False,
    ) -> None:
        self._config = config
        self._camera = camera
        self._rules = rules or CameraConfig()
        self._zone = zone
        self._require_liveness = require_liveness
        self._attacks: set[int] = set()  # tracks reported as attacks
        together = config.tailgating if self._rules.tailgating is None else self._rules.tailgating
        self._passages = Passages(config, camera, self._rules, zone) if together else None
        self._named: dict[int, str] = {}  # track → the person it was reported as
        self._reported: dict[int, datetime] = {}  # track → time of its last sighting event
        self._alerted: set[int] = set()  # tracks reported as unknown
        self._episodes = Episodes(timedelta(seconds=config.episode_gap_s))
        self._interrupted: frozenset[str] = frozenset()  # people in view when the camera was lost
        self._resumed: datetime | None = None

    @property
    def passage_open(self) -> bool:
        """A possible tailgating incident is being watched: keep pictures."""
        return self._passages is not None and self._passages.open

    def interrupted(self, time: datetime) -> None:
        """The camera was lost."""
        before = frozenset[str]()
        if self._resumed is not None and time - self._resumed <= _STAYED:  # it was back for a moment only
            before = self._interrupted
        self._interrupted, self._resumed = before | frozenset(self._named.values()), None

    def resumed(self, time: datetime) -> None:
        """It is back: who stood there before and stands there still has not arrived anew."""
        self._resumed = time

    def _stayed(self, person: str, track: Track) -> bool:
        return person in self._interrupted and self._resumed is not None and track.first_seen - self._resumed <= _STAYED

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

    # ----------------------------------------------------------------------------------------- one track

    def _person(self, track: Track) -> str | None:
        """Who the track is, as far as that may be written down: a picture held before the camera is nobody."""
        return living_person(track.identity, track.liveness, required=self._require_liveness)

    def _retraction(self, track: Track) -> list[Event]:
        """A name that was reported no longer holds. Comes before sightings: the name may go to another track."""
        events: list[Event] = []
        identity, person = track.identity, self._person(track)
        before = self._named.get(track.track_id)
        if before is not None and before != person:
            says = "somebody else" if person else identity.state.value
            attack = track.liveness == "failed"
            events.append(
                Event(
                    EventKind.RETRACTION,
                    track.last_seen,
                    self._camera,
                    (track.track_id,),
                    (before,),
                    identity=identity,
                    detail=f"not a living person: {track.liveness_reason}" if attack else f"later frames say {says}",
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
                        arrival=last is None and not self._stayed(person, track),
                        liveness=track.liveness,
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
        begins = self._episodes.begins(stranger, track.first_seen, track.last_seen)
        if track.track_id in self._alerted:
            return []
        self._alerted.add(track.track_id)
        if not begins or not self._config.unknown:
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
        if not track.ended or track.liveness == "failed":
            return []
        if identity.state is TrackState.KNOWN and self._person(track) is None:
            detail = f"not proven to be a living person: {track.liveness_reason}"
        elif identity.state in {TrackState.PENDING, TrackState.CONFLICT}:
            detail = f"{identity.agreeing} of {identity.voting} frames, {identity.state.value} when it left"
        else:
            return []
        if identity.nearest is None or not almost(identity):
            return []
        return [
            Event(
                EventKind.UNIDENTIFIED,
                track.first_seen,
                self._camera,
                (track.track_id,),
                (identity.nearest,),
                identity=identity,
                until=track.last_seen,
                liveness=track.liveness,
                detail=detail,
            )
        ]

    def _attack(self, track: Track) -> list[Event]:
        """A picture or a screen was held before the camera instead of a face."""
        if track.liveness != "failed" or track.track_id in self._attacks:
            return []
        known = track.identity.state is TrackState.KNOWN and track.identity.person
        if track.identity.state is TrackState.PENDING and not track.ended:
            return []  # whose picture it is may be known in a moment
        self._attacks.add(track.track_id)
        return [
            Event(
                EventKind.PRESENTATION_ATTACK,
                track.first_seen,
                self._camera,
                (track.track_id,),
                (track.identity.person,) if known and track.identity.person else (),
                (track.unknown_id,) if track.unknown_id else (),
                identity=track.identity,
                until=track.last_seen,
                severity=Severity.HIGH,
                liveness=track.liveness,
                detail=track.liveness_reason,
            )
        ]

    def _severity(self, usual: Severity, time: datetime) -> Severity:
        return Severity.HIGH if self._quiet(time) else usual

    def _quiet(self, time: datetime) -> bool:
        return within(self._rules.quiet_hours, time.astimezone(self._zone))
