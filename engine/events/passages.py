"""Who passes together.

A *passage* is a group of people who go through together: the track of each begins while another member is in view, or within the
door window after that member was last seen. A passage of two or more distinct people is one tailgating incident, reported once, when
everybody's identity has settled (or the wait is over). Tracks of the same identity are one person, so a track that breaks off and
continues follows nobody. A face that never settles counts only if it had good frames and stood beside another for a while. A face
seen once, or cut off by the picture's edge, is nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from engine.config import CameraConfig, EventsConfig
from engine.config.hours import within
from engine.events.rules import LOOKED_AT, classify
from engine.types import Event, EventKind, Severity, Track, TrackState


@dataclass
class _Passage:
    """A group on its way through.

    Attributes:
        opened: when it became two people.
        members: track id → latest snapshot.
        beside_s: track id → seconds in view together with another member.
        told: the incident was reported; `told_of`: its strangers, `counted`: the tracks of everybody in it.
        mild: it was reported with a severity that another stranger would raise, or not at all.
    """

    opened: datetime
    members: dict[int, Track] = field(default_factory=dict)
    beside_s: dict[int, float] = field(default_factory=dict)
    told: bool = False
    told_of: frozenset[str] = frozenset()
    counted: frozenset[int] = frozenset()
    mild: bool = False

    @property
    def last_seen(self) -> datetime:
        return max(track.last_seen for track in self.members.values())


class Passages:
    """Watches who passes one camera together.

    Args:
        zone: of the workplace, for quiet hours.
        numbered: strangers get identifiers; else the track of each stands for a person of its own.
    """

    def __init__(
        self, config: EventsConfig, camera: str, rules: CameraConfig, zone: tzinfo, *, numbered: bool = True
    ) -> None:
        self._numbered = numbered
        self._config, self._camera, self._rules, self._zone = config, camera, rules, zone
        own = rules.door_window_s
        self._window = timedelta(seconds=config.door_window_s if own is None else own)
        self._passage: _Passage | None = None
        self._recent: dict[int, Track] = {}  # tracks that may yet be followed
        self._last_time: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether a possible incident is being watched, so that pictures must be kept."""
        return self._passage is not None and not self._passage.told

    def _counts(self, track: Track) -> bool:
        """Whether a track lasted long enough to be a person who passes, not a flicker."""
        return track.hits >= 3 and (track.last_seen - track.first_seen).total_seconds() >= self._config.min_presence_s

    def _together(self, a: Track, b: Track) -> bool:
        """Whether two tracks were in view at once, or one came within the door window after the other had left."""
        return max(a.first_seen, b.first_seen) - min(a.last_seen, b.last_seen) <= self._window

    def update(self, tracks: Sequence[Track], time: datetime, *, final: bool = False) -> list[Event]:
        """Process the tracks of a frame, see `EventMaker.update`."""
        # somebody who left must be remembered until a follower has been in view long enough to count
        memory = self._window + timedelta(seconds=self._config.settle_s)
        for track in tracks:
            if self._counts(track):
                self._recent[track.track_id] = track
        self._recent = {key: track for key, track in self._recent.items() if abs(time - track.last_seen) <= memory}
        if self._passage is None:
            self._open(time)
        else:  # who is awaited for longer than that is known later, too
            self._passage.members |= {each.track_id: each for each in tracks if each.track_id in self._passage.members}
        events = [] if self._passage is None else self._follow(self._passage, tracks, time, final=final)
        self._last_time = time
        return events

    def _follow(self, passage: _Passage, tracks: Sequence[Track], time: datetime, *, final: bool) -> list[Event]:
        self._extend(passage, time)
        if passage.told and self._has_new_stranger(passage):
            # somebody who stays at the door must not cover for whoever slips in behind
            in_view = {key: track for key, track in passage.members.items() if track.visible}
            self._passage = passage = _Passage(opened=time, members=in_view)
        events = [] if passage.told else self._tell(passage, time, final=final)
        followed = any(track.first_seen - passage.last_seen <= self._window for track in tracks if track.visible)
        waits = not passage.told and self._waiting(passage, time)
        if abs(time - passage.last_seen) > self._window and not followed and not waits:
            self._passage = None
            self._recent = {key: track for key, track in self._recent.items() if key not in passage.members}
        return events

    def _has_new_stranger(self, passage: _Passage) -> bool:
        """Whether a stranger still in view came after the passage was reported: well after, or the passage had been excused."""
        return any(
            track.visible
            and track.identity.state is TrackState.UNKNOWN
            and (track.unknown_id is not None or not self._numbered)
            and _who(track) not in passage.told_of
            and (
                track.first_seen - passage.opened > self._window
                or (passage.mild and track.track_id not in passage.counted)
            )
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
        """Tracks by who they are."""
        people: dict[str, list[Track]] = {}
        for track in tracks:
            people.setdefault(_who(track), []).append(track)
        return people

    def _waiting(self, passage: _Passage, time: datetime) -> bool:
        """Whether somebody in the passage may yet be identified, in view or not (votes may come after they have gone)."""
        undecided = {TrackState.PENDING, TrackState.CONFLICT}
        if any(track.held for track in passage.members.values()):
            return True
        return (time - passage.opened).total_seconds() < self._config.settle_s and any(
            track.identity.state in undecided and not track.unsure and not track.ended
            for track in passage.members.values()
        )

    def _tell(self, passage: _Passage, time: datetime, *, final: bool) -> list[Event]:
        members = list(passage.members.values())
        waited = (time - passage.opened).total_seconds()
        if not final and (self._waiting(passage, time) or waited < self._config.context_s):
            return []
        people = self._distinct(members)
        known = sorted(
            key for key, rows in people.items() if rows[0].unsure or rows[0].identity.state is TrackState.KNOWN
        )
        strangers = sorted(key for key, rows in people.items() if rows[0].identity.state is TrackState.UNKNOWN)
        unsettled = [
            rows[0]
            for key, rows in people.items()
            if key not in known
            and key not in strangers
            and passage.beside_s.get(rows[0].track_id, 0.0) >= self._config.min_presence_s
            and rows[0].identity.voting >= LOOKED_AT
        ]
        others = len(strangers) + len(unsettled)
        if len(known) + others < 2:
            return []
        passage.told, passage.told_of = True, frozenset(strangers)
        settled = {track.track_id for key in (*known, *strangers) for track in people[key]}
        passage.counted = frozenset(settled | {track.track_id for track in unsettled})
        severity, why = self._judge(known, others, passage.opened)
        passage.mild = severity in {None, Severity.INFO, Severity.LOW}
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
                tuple(key for key in strangers if people[key][0].unknown_id),
                until=time,
                classification=classify(len(known), others),
                people=len(known) + others,
                severity=severity,
                detail=f"{len(known) + others} people together: {told}{why}",
            )
        ]

    def _judge(self, known: Sequence[str], others: int, time: datetime) -> tuple[Severity | None, str]:
        """The severity of a passage of several people by the camera's rules (None: none), and what to add to the detail."""
        if within(self._rules.quiet_hours, time.astimezone(self._zone)):
            return Severity.HIGH, ", in quiet hours"
        if not others:
            usual = {"incident": Severity.LOW, "note": Severity.INFO, "ignore": None}
            return usual[self._rules.two_known], ""
        hosts = [person for person in known if "*" in self._rules.hosts or person in self._rules.hosts]
        if hosts and others <= self._rules.visitors_per_host * len(hosts):
            return Severity.INFO, ", escorted"
        return Severity.HIGH if known else Severity.MEDIUM, ""


def _who(track: Track) -> str:
    """By what tracks of one person are taken together; an unsettled one, and a stranger without an identifier, stands for itself."""
    settled = track.unsure or track.identity.state is TrackState.KNOWN or track.unknown_id is not None
    return track.label if settled else f"track {track.track_id}"
