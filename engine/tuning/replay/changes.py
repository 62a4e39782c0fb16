"""What comes of the recounted votes: which punches and alerts would have been other ones.

Both sides, then and now, are worked out by the same rules from the same rows, so the threshold that was in force changes nothing. Where
those rules do not lead to what the logs say, the track is left out and counted: nothing is told that could not be explained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, tzinfo

from engine.attendance.sheet import valid_rows
from engine.config import EventsConfig, VotingConfig
from engine.errors import InputError
from engine.incidents import as_it_stands
from engine.tracking import TrackSighting, parse_sighting
from engine.tuning.replay.result import Change, ChangeKind, Limits, Replay, ReplayedDay
from engine.tuning.replay.rules import SETTLED, Row, Rows, Rules, Side, moment
from engine.tuning.replay.votes import Key, Outcome, Progress, key_of, no_progress, rerun

__all__ = ["Past"]


class Past:
    """Some days of the logs, whose decisions can be made again under any threshold.

    Args:
        sightings: rows of the log of sightings of these days.
        attendance: rows of the attendance log, best from the day before to two days after: nights, and retractions.
        incidents: rows of the incident log, reviews included.
        first, last: the days.
        zone: of the workplace.
        voting, events: how votes are counted, cool-down and episodes.
        require_liveness: a name counts only for a face that is proven to be a living person's.
        directions: of cameras by name, others see both ways.
        gallery: model and version of today's.
        progress: told how far it is while the decisions are made as they were.
    """

    def __init__(
        self,
        sightings: Iterable[Row],
        attendance: Sequence[Row],
        incidents: Sequence[Row],
        *,
        first: date,
        last: date,
        zone: tzinfo,
        voting: VotingConfig,
        events: EventsConfig,
        require_liveness: bool = False,
        directions: Mapping[str, str] | None = None,
        gallery: tuple[str, int] = ("", 0),
        progress: Progress = no_progress,
    ) -> None:
        self._first, self._last, self._voting, self._gallery = first, last, voting, gallery
        self._logged, self._unreadable = _parsed(sightings)
        self._outcomes = rerun(self._logged, voting, progress=progress)
        tracks = {key_of(each): each for each in self._logged if _explained(each, self._outcomes[key_of(each)])}
        self._rules = Rules(tracks, zone, events, require_liveness, directions or {})
        self._rows = self._rules.rows(attendance, incidents)
        self._then = self._rules.side(self._outcomes, self._rows)
        self._reviews = _reviews(incidents)
        self._passages = [row for row in incidents if row["kind"] == "tailgating" and self._within(row)]
        keys = {key_of(each) for each in self._logged}
        punches = [row for row in valid_rows(attendance) if row["event"] == "punch" and self._within(row)]
        self._without_sighting = sum((row["camera"], row["track"]) not in keys for row in punches)

    def _within(self, row: Row) -> bool:
        time = moment(row)
        return time is not None and self._first <= self._rules.day(time) <= self._last

    def at(self, threshold: float, min_margin: float | None = None, *, progress: Progress = no_progress) -> Replay:
        """What another threshold would have changed.

        Args:
            threshold: similarity from which on (`>=`) a match is accepted, -1 to 1; to four digits, as the log.
            min_margin: how far the best must lie before the runner-up, 0 to 1; None: as it was.
            progress: told how far it is.

        Raises:
            InputError: threshold or margin are none.
        """
        if not -1 <= threshold <= 1:
            raise InputError(f"{threshold} is no similarity", hint="give a threshold from -1 to 1, such as 0.5")
        if min_margin is not None and not 0 <= min_margin <= 1:
            raise InputError(f"{min_margin} is no margin", hint="give one from 0 to 1, such as 0.05")
        outcomes = rerun(self._logged, self._voting, threshold, min_margin, known=self._outcomes, progress=progress)
        now = self._rules.side(outcomes, self._rows)
        comparison = _Comparison(self._rules, self._rows, self._then, now, self._reviews)
        changes = sorted(
            [*comparison.punches(), *comparison.alerts(), *comparison.tailgating(self._passages)],
            key=lambda change: (change.time, change.camera, change.track, change.kind),
        )
        tracks = self._rules.tracks
        in_force = [each.identity.threshold for each in self._logged if each.identity.threshold is not None]
        return Replay(
            threshold=threshold,
            min_margin=min_margin,
            first=self._first,
            last=self._last,
            in_force=(min(in_force), max(in_force)) if in_force else None,
            tracks=len(tracks),
            changes=tuple(changes),
            days=tuple(day for day in comparison.days(changes) if self._first <= day.day <= self._last),
            limits=Limits(
                without_sighting=self._without_sighting,
                unreadable=self._unreadable,
                unexplained=len(self._logged) - len(tracks),
                disagreeing=len(comparison.disagreeing),
                tailgating=comparison.untold,
                shortened=sum(each.left_out > 0 for each in tracks.values()),
                undecided=sum(
                    self._then.outcomes[key].identity.state in SETTLED
                    and now.outcomes[key].identity.state not in SETTLED
                    for key in tracks
                ),
                other_gallery=sum((each.model, each.gallery_version) != self._gallery for each in self._logged),
            ),
        )


def _parsed(rows: Iterable[Row]) -> tuple[list[TrackSighting], int]:
    """Sightings, one per track, and how many rows cannot be read."""
    found: dict[Key, TrackSighting] = {}
    unreadable = 0
    for row in rows:
        try:
            sighting = parse_sighting(row)
        except (ValueError, OverflowError):
            unreadable += 1
        else:
            found[key_of(sighting)] = sighting
    return list(found.values()), unreadable


def _explained(sighting: TrackSighting, outcome: Outcome) -> bool:
    """The logged votes lead to the logged decision."""
    logged, again = sighting.identity, outcome.identity
    return (logged.state, logged.person) == (again.state, again.person)


def _reviews(incidents: Iterable[Row]) -> dict[str, list[Row]]:
    """Reviews by people, by the incident that they are about."""
    found: dict[str, list[Row]] = {}
    for row in incidents:
        if row["kind"] == "review" and row["author"] != "engine":
            found.setdefault(row["refers_to"], []).append(row)
    return found


class _Comparison:
    """Then and now beside each other.

    Attributes:
        disagreeing: tracks that the logs tell otherwise of than the rules.
        untold: tailgating incidents of which they do.
    """

    def __init__(self, rules: Rules, rows: Rows, then: Side, now: Side, reviews: Mapping[str, Sequence[Row]]) -> None:
        self._rules, self._rows, self._then, self._now, self._reviews = rules, rows, then, now, reviews
        self.disagreeing: set[Key] = set()
        self.untold = 0

    def _said(self, row: Row) -> str:
        own = self._reviews.get(row["incident_id"], ())
        return as_it_stands(row, own).state if own else ""

    def punches(self) -> Iterator[Change]:
        """Punches that differ."""
        for key in self._rules.tracks:
            was, will, row = self._then.punches.get(key), self._now.punches.get(key), self._rows.punches.get(key)
            if was != (row["employee_id"] if row else None):
                self.disagreeing.add(key)
            elif was != will:
                kind = ChangeKind.NEW if was is None else ChangeKind.LOST
                event_id = row["event_id"] if row else ""
                said = "taken back" if event_id in self._rows.taken_back else ""
                yield self._change(kind, key, event_id=event_id, said=said)

    def alerts(self) -> Iterator[Change]:
        """Alerts of unknown people that differ."""
        for key in self._rules.tracks:
            was, will, row = key in self._then.alerts, key in self._now.alerts, self._rows.alerts.get(key)
            if was != (row is not None):
                self.disagreeing.add(key)
            elif was != will:
                kind = ChangeKind.GONE if was else ChangeKind.APPEARED
                incident_id, said = (row["incident_id"], self._said(row)) if row else ("", "")
                yield self._change(kind, key, incident_id=incident_id, said=said)

    def _change(
        self, kind: ChangeKind, key: Key, *, event_id: str = "", incident_id: str = "", said: str = ""
    ) -> Change:
        track, rules = self._rules.tracks[key], self._rules
        return Change(
            kind=kind,
            day=rules.day(track.first_seen),
            time=track.first_seen,
            camera=track.camera,
            track=track.track,
            then=rules.says(key, self._then),
            now=rules.says(key, self._now),
            person_then=rules.person(key, self._then.outcomes[key]) or "",
            person_now=rules.person(key, self._now.outcomes[key]) or "",
            similarity=track.candidates[0].similarity if track.candidates else None,
            event_id=event_id,
            incident_id=incident_id,
            picture=self._rows.pictures.get(key, ""),
            said=said,
        )

    def tailgating(self, rows: Iterable[Row]) -> Iterator[Change]:
        """Incidents of another class, or none any more because two tracks are one person."""
        for row in rows:
            keys = [(row["camera"], track) for track in row["tracks"].split(";")]
            keys = [key for key in keys if key in self._rules.tracks]  # a face that was never good has no sighting
            was, will = self._rules.passage(keys, self._then), self._rules.passage(keys, self._now)
            time = moment(row)
            if was is None or time is None or (was[0].value, str(was[1])) != (row["classification"], row["people"]):
                self.untold += 1
            elif was != will:
                yield Change(
                    kind=ChangeKind.RECLASSIFIED,
                    day=self._rules.day(time),
                    time=time,
                    camera=row["camera"],
                    track=row["tracks"],
                    then=was[0].value,
                    now=will[0].value if will else "none",
                    person_then=";".join(self._rules.named(keys, self._then)),
                    person_now=";".join(self._rules.named(keys, self._now)),
                    incident_id=row["incident_id"],
                    picture=row["image"],
                    said=self._said(row),
                )

    def days(self, changes: Iterable[Change]) -> Iterator[ReplayedDay]:
        """Counts by day, oldest first."""
        fixed = Counter(self._rules.day(time) for _, _, time in self._rows.fixed)
        fixed_alerts = Counter(map(self._rules.day, self._rows.fixed_alerts))
        of = {key: self._rules.day(track.first_seen) for key, track in self._rules.tracks.items()}
        kinds: dict[date, Counter[ChangeKind]] = {}
        for change in changes:
            kinds.setdefault(change.day, Counter())[change.kind] += 1
        tracks, sides = Counter(of.values()), (self._then, self._now)
        punches = [Counter(of[key] for key in side.punches) for side in sides]
        alerts = [Counter(of[key] for key in side.alerts) for side in sides]
        for day in sorted(tracks.keys() | fixed.keys() | fixed_alerts.keys() | kinds.keys()):
            yield ReplayedDay(
                day=day,
                tracks=tracks[day],
                punches_then=fixed[day] + punches[0][day],
                punches_now=fixed[day] + punches[1][day],
                unknown_then=fixed_alerts[day] + alerts[0][day],
                unknown_now=fixed_alerts[day] + alerts[1][day],
                changes=dict(sorted(kinds.get(day, Counter()).items())),
            )
