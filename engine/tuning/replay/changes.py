"""The punches and alerts that would have been different after a recount.

The same rules compute both sides, then and now, from the same rows, so the threshold that was in force changes nothing. Tracks for which
the rules do not lead to the logged rows are left out and counted: a replay reports only what it can explain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

from engine.attendance import IMPORTED, PunchRow, valid_rows
from engine.config import EventsConfig, VotingConfig
from engine.errors import InputError
from engine.incidents import IncidentKind, IncidentRow
from engine.tracking import TrackSighting
from engine.tuning.replay.result import Change, ChangeKind, Limits, Replay, ReplayedDay
from engine.tuning.replay.rules import SETTLED, Consequences, DoorRules, KeptPunch
from engine.tuning.replay.votes import Key, TrackDecision, TrackProgress, key_of, no_progress, rerun


@dataclass
class _LoggedRows:
    """Rows of the logs by track.

    Attributes:
        punches: except for those that the engine retracted.
        taken_back: ids of punches that people retracted.
        pictures: of the face, from any row.
        alerts: about unknown people.
        kept_punches: of tracks that are not replayed.
        kept_alerts: when alerts about other unknown people began.
        reviews: by people, by incident.
    """

    punches: dict[Key, PunchRow] = field(default_factory=dict)
    taken_back: set[str] = field(default_factory=set)
    pictures: dict[Key, str] = field(default_factory=dict)
    alerts: dict[Key, IncidentRow] = field(default_factory=dict)
    kept_punches: list[KeptPunch] = field(default_factory=list)
    kept_alerts: list[datetime] = field(default_factory=list)
    reviews: dict[str, list[IncidentRow]] = field(default_factory=dict)

    def add_incident(self, row: IncidentRow, tracks: Mapping[Key, TrackSighting]) -> None:
        """Add a row of the incident log."""
        key = (row.camera, row.tracks[0] if row.tracks else "")
        if row.kind is IncidentKind.REVIEW and row.author != "engine":
            self.reviews.setdefault(row.refers_to, []).append(row)
        if row.kind is IncidentKind.UNKNOWN and key in tracks:
            self.alerts[key] = row
        elif row.kind is IncidentKind.UNKNOWN:
            self.kept_alerts.append(row.timestamp)
        if row.kind not in {IncidentKind.REVIEW, IncidentKind.TAILGATING} and row.image:
            self.pictures[key] = row.image

    def add_attendance(self, rows: Sequence[PunchRow], tracks: Mapping[Key, TrackSighting]) -> None:
        """Add the rows of the attendance log, except for imported ones: no camera's decision depends on them."""
        rows = [row for row in rows if row.method != IMPORTED]
        self.taken_back = {row.refers_to for row in rows if row.event == "retract" and row.author != "engine"}
        for row in valid_rows([row for row in rows if row.event != "retract" or row.author == "engine"]):
            key = (row.camera, row.track)
            if row.event == "punch" and key in tracks:
                self.punches[key] = row
            elif row.event == "punch" and row.event_id not in self.taken_back:
                self.kept_punches.append(KeptPunch(row.employee_id, row.direction or "both", row.timestamp))
        self.pictures |= {(row.camera, row.track): row.evidence_image for row in rows if row.evidence_image}

    def said(self, incident: IncidentRow) -> str:
        """Return an incident's state after reviews by people, or an empty text."""
        own = self.reviews.get(incident.incident_id)
        return own[-1].state if own else ""


class Past:
    """Some days of the logs, whose decisions can be repeated under any threshold.

    Args:
        sightings: tracks of these days.
        attendance: rows from the day before to two days after, because of nights and retractions.
        incidents: rows with reviews.
        require_liveness: whether a name counts only for the face of a proven living person.
        directions: of cameras by name; other cameras see both ways.
        gallery: today's model and version.
        unreadable: number of unreadable rows in the log of sightings.
        progress: called while the logged decisions are repeated.
    """

    def __init__(
        self,
        sightings: Iterable[TrackSighting],
        attendance: Sequence[PunchRow],
        incidents: Sequence[IncidentRow],
        *,
        first: date,
        last: date,
        zone: tzinfo,
        voting: VotingConfig,
        events: EventsConfig,
        require_liveness: bool = False,
        directions: Mapping[str, str] | None = None,
        gallery: tuple[str, int] = ("", 0),
        unreadable: int = 0,
        progress: TrackProgress = no_progress,
    ) -> None:
        self._first, self._last, self._zone, self._voting, self._gallery = first, last, zone, voting, gallery
        self._unreadable = unreadable
        logged = {key_of(each): each for each in sightings}  # one per track
        self._logged = list(logged.values())
        self._decisions = rerun(self._logged, voting, progress=progress)
        self._tracks = {key: each for key, each in logged.items() if _explained(each, self._decisions[key])}
        self._rules = DoorRules(self._tracks, events, require_liveness, directions or {})
        self._rows = rows = _LoggedRows()
        rows.add_attendance(attendance, self._tracks)
        for row in incidents:
            rows.add_incident(row, self._tracks)
        self._then = then = self._rules.consequences(self._decisions, rows.kept_punches)
        self._punch_differs = {
            key
            for key in self._tracks
            if then.punches.get(key) != (rows.punches[key].employee_id if key in rows.punches else None)
        }
        self._alert_differs = {key for key in self._tracks if (key in then.alerts) != (key in rows.alerts)}
        self._passages = [
            row for row in incidents if row.kind is IncidentKind.TAILGATING and self._within(row.timestamp)
        ]
        recorded = [row for row in attendance if row.method != IMPORTED]
        punches = [row for row in valid_rows(recorded) if row.event == "punch" and self._within(row.timestamp)]
        self._without_sighting = sum((row.camera, row.track) not in logged for row in punches)

    def _day(self, time: datetime) -> date:
        return time.astimezone(self._zone).date()

    def _within(self, time: datetime) -> bool:
        return self._first <= self._day(time) <= self._last

    def at(self, threshold: float, min_margin: float | None = None, *, progress: TrackProgress = no_progress) -> Replay:
        """Return what another threshold would have changed.

        Args:
            threshold: smallest accepted similarity (`>=`), -1 to 1, rounded to four digits as in the log.
            min_margin: smallest lead over the runner-up, 0 to 1; None: as it was.

        Raises:
            InputError: threshold or margin is outside its range.
        """
        if not -1 <= threshold <= 1:
            raise InputError(f"{threshold} is no similarity", hint="give a threshold from -1 to 1, such as 0.5")
        if min_margin is not None and not 0 <= min_margin <= 1:
            raise InputError(f"{min_margin} is no margin", hint="give one from 0 to 1, such as 0.05")
        decisions = rerun(self._logged, self._voting, threshold, min_margin, known=self._decisions, progress=progress)
        now = self._rules.consequences(decisions, self._rows.kept_punches)
        passages, untold = self._tailgating(now)
        changes = sorted(
            [*self._punches(now), *self._alerts(now), *passages],
            key=lambda change: (change.time, change.camera, change.track, change.kind),
        )
        tracks = self._tracks
        in_force = [each.identity.threshold for each in self._logged if each.identity.threshold is not None]
        return Replay(
            threshold=threshold,
            min_margin=min_margin,
            first=self._first,
            last=self._last,
            in_force=(min(in_force), max(in_force)) if in_force else None,
            tracks=len(tracks),
            changes=tuple(changes),
            days=tuple(day for day in self._days(now, changes) if self._first <= day.day <= self._last),
            limits=Limits(
                without_sighting=self._without_sighting,
                unreadable=self._unreadable,
                unexplained=len(self._logged) - len(tracks),
                disagreeing=len(self._punch_differs | self._alert_differs),
                tailgating=untold,
                shortened=sum(each.left_out > 0 for each in tracks.values()),
                undecided=sum(
                    self._then.decisions[key].identity.state in SETTLED
                    and now.decisions[key].identity.state not in SETTLED
                    for key in tracks
                ),
                other_gallery=sum((each.model, each.gallery_version) != self._gallery for each in self._logged),
            ),
        )

    def _punches(self, now: Consequences) -> Iterator[Change]:
        """Yield the punches that differ."""
        for key in self._tracks.keys() - self._punch_differs:
            was, will, row = self._then.punches.get(key), now.punches.get(key), self._rows.punches.get(key)
            if was != will:
                event_id = row.event_id if row else ""
                said = "taken back" if event_id in self._rows.taken_back else ""
                yield self._change(ChangeKind.LOST if was else ChangeKind.NEW, key, now, event_id=event_id, said=said)

    def _alerts(self, now: Consequences) -> Iterator[Change]:
        """Yield the alerts about unknown people that differ."""
        for key in (self._then.alerts ^ now.alerts) - self._alert_differs:
            row = self._rows.alerts.get(key)
            kind = ChangeKind.GONE if row else ChangeKind.APPEARED
            incident_id, said = (row.incident_id, self._rows.said(row)) if row else ("", "")
            yield self._change(kind, key, now, incident_id=incident_id, said=said)

    def _change(
        self, kind: ChangeKind, key: Key, now: Consequences, *, said: str, event_id: str = "", incident_id: str = ""
    ) -> Change:
        track, then = self._tracks[key], self._then
        return Change(
            kind=kind,
            day=self._day(track.first_seen),
            time=track.first_seen,
            camera=track.camera,
            track=track.track,
            then=self._rules.word(key, then),
            now=self._rules.word(key, now),
            person_then=self._rules.person(key, then.decisions[key]) or "",
            person_now=self._rules.person(key, now.decisions[key]) or "",
            similarity=track.candidates[0].similarity if track.candidates else None,
            event_id=event_id,
            incident_id=incident_id,
            picture=self._rows.pictures.get(key, ""),
            said=said,
        )

    def _tailgating(self, now: Consequences) -> tuple[list[Change], int]:
        """Return incidents that change their class, or vanish because two tracks are one person, and the number of unexplained ones."""
        found, untold = [], 0
        for row in self._passages:
            keys = [(row.camera, track) for track in row.tracks]
            keys = [key for key in keys if key in self._tracks]  # a face that was never good has no sighting
            was, will = self._rules.passage(keys, self._then), self._rules.passage(keys, now)
            if (was.kind, was.people) != (row.classification, row.people):
                untold += 1
            elif (was.kind, was.people) != (will.kind, will.people):
                found.append(
                    Change(
                        kind=ChangeKind.RECLASSIFIED,
                        day=self._day(row.timestamp),
                        time=row.timestamp,
                        camera=row.camera,
                        track=";".join(row.tracks),
                        then=was.kind,
                        now=will.kind,
                        person_then=";".join(was.named),
                        person_now=";".join(will.named),
                        incident_id=row.incident_id,
                        picture=row.image,
                        said=self._rows.said(row),
                    )
                )
        return found, untold

    def _days(self, now: Consequences, changes: Iterable[Change]) -> Iterator[ReplayedDay]:
        """Yield counts by day, oldest first."""
        of = {key: self._day(track.first_seen) for key, track in self._tracks.items()}
        tracks = Counter(of.values())
        kept_punches = [self._day(punch.time) for punch in self._rows.kept_punches]
        kept_alerts = [self._day(time) for time in self._rows.kept_alerts]
        punches = [Counter([*kept_punches, *(of[key] for key in side.punches)]) for side in (self._then, now)]
        alerts = [Counter([*kept_alerts, *(of[key] for key in side.alerts)]) for side in (self._then, now)]
        kinds: dict[date, Counter[ChangeKind]] = {}
        for change in changes:
            kinds.setdefault(change.day, Counter())[change.kind] += 1
        for day in sorted({*tracks, *kept_punches, *kept_alerts, *kinds}):
            yield ReplayedDay(
                day=day,
                tracks=tracks[day],
                punches_then=punches[0][day],
                punches_now=punches[1][day],
                unknown_then=alerts[0][day],
                unknown_now=alerts[1][day],
                changes=dict(sorted(kinds.get(day, Counter()).items())),
            )


def _explained(sighting: TrackSighting, decision: TrackDecision) -> bool:
    """Return whether the logged votes lead to the logged decision."""
    logged, again = sighting.identity, decision.identity
    return (logged.state, logged.person) == (again.state, again.person)
