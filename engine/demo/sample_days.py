"""Made-up people, punches, outages, leave and corrections, so that charts have something to show.

The same seed, days and clock give the same rows. Made-up punches have `sample` in the column `method`, and their workspace has the
setting `sample = true`, so that nobody takes them for real ones.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial

from engine.attendance import Correction, PunchRow, Span
from engine.attendance.presence import Direction
from engine.attendance.rows import PunchEvent
from engine.demo.run import CAMERA
from engine.demo.sample_alerts import SampleAlerts
from engine.demo.sample_people import Habit, habits_of, made_up
from engine.errors import InputError
from engine.incidents import IncidentKind, IncidentRow
from engine.people import Leave, Person
from engine.types import Severity
from engine.workbench import Workbench

_SEED = 2026
_WATCHED = (time(5), time(21))
_OUTAGE = (time(8, 25), time(9, 35))
_COVERAGE_STEP = timedelta(minutes=10)  # a recorder writes one row a minute; fewer say the same
_THRESHOLD = 0.46
_OFFICE, _LEAD = "sample.hr", "sample.lead"


@dataclass(frozen=True)
class _Day:
    """A person's day; `fix`: what the office corrects on the next working day: `out`, `excused` or nothing."""

    rows: Sequence[PunchRow] = ()
    fix: str = ""
    left: datetime | None = None


class _Year:
    """Draws a workplace's days, one after the other."""

    def __init__(self, bench: Workbench, people: Sequence[Person], rng: random.Random) -> None:
        self._bench, self._people, self._rng = bench, people, rng
        self._habits = habits_of(people, rng)
        self.ids = [person.employee_id for person in people]
        self._zone = bench.config.zone
        self.away: dict[tuple[str, date], str] = {}

    def moment(self, day: date, at: time) -> datetime:
        """A local time."""
        return datetime.combine(day, at, self._zone)

    def identifier(self, moment: datetime) -> str:
        """Like `engine.storage.new_id`, drawn from the seed."""
        return f"{moment:%Y%m%dT%H%M%S}-{self._rng.getrandbits(32):08x}"

    def plan_leave(self, days: Sequence[date]) -> list[Leave]:
        """Leave, sick and remote days of everybody."""
        rows: list[Leave] = []
        for person in self._people:
            spans = [("annual", self._rng.randint(2, 8)) for _ in range(_times(self._rng, len(days) / 45))]
            spans += [("sick", self._rng.randint(1, 3)) for _ in range(_times(self._rng, len(days) / 60))]
            for kind, length in spans:
                place = self._rng.randrange(len(days))
                span = days[place : place + length]
                if any((person.employee_id, day) in self.away for day in span):
                    continue
                self.away |= {(person.employee_id, day): kind for day in span}
                rows.append(self._entry(person, span, kind))
            remote = self._habits[person.employee_id].remote_day
            for day in days:
                if day.weekday() == remote and (person.employee_id, day) not in self.away:
                    self.away[person.employee_id, day] = "remote"
                    rows.append(self._entry(person, [day], "remote"))
        return rows

    def _entry(self, person: Person, span: Sequence[date], kind: str) -> Leave:
        return Leave(f"sample-{self._rng.getrandbits(40):010x}", person.employee_id, span[0], span[-1], kind, "sample")

    def day(self, person: Person, day: date) -> _Day:
        """One person's day."""
        planned = self._bench.attendance.rota.planned(person.employee_id, person.department, day)
        habit, rng = self._habits[person.employee_id], self._rng
        chance = rng.random()
        if planned is None or (person.employee_id, day) in self.away:
            return _Day()
        begin, end = planned.start.astimezone(self._zone), planned.end.astimezone(self._zone)
        if chance < 0.014:
            return _Day(fix="excused" if chance < 0.004 else "")
        came = begin + timedelta(minutes=rng.gauss(habit.offset_min, habit.spread_min))
        if rng.random() < habit.late_share:
            came = begin + timedelta(minutes=rng.uniform(6, 70))
        if chance < 0.019:
            reason = "the face was turned too far"
            return _Day([self._row(person, came, "in", habit, event="unidentified", reason=reason)])
        left = end + timedelta(minutes=abs(rng.gauss(7, 12)))
        if rng.random() < 0.025:
            left = end - timedelta(minutes=rng.uniform(15, 150))
        passages: list[tuple[datetime, Direction]] = [(came, "in"), (left, "out")]
        if rng.random() < habit.lunch_out:
            out = begin + (end - begin) / 2 + timedelta(minutes=rng.uniform(-45, 20))
            passages[1:1] = [(out, "out"), (out + timedelta(minutes=rng.uniform(22, 55)), "in")]
        fix = ""
        if rng.random() < 0.012:
            passages.pop()
            fix = "out" if rng.random() < 0.6 else ""
        return _Day([self._row(person, at, direction, habit) for at, direction in passages], fix, left)

    def _row(
        self,
        person: Person,
        at: datetime,
        direction: Direction,
        habit: Habit,
        *,
        event: PunchEvent = "punch",
        reason: str = "",
    ) -> PunchRow:
        rng = self._rng
        agreeing = rng.randint(3, 11)
        similarity = min(0.97, rng.gauss(habit.similarity, 0.05)) if event == "punch" else rng.uniform(0.36, 0.45)
        second = rng.gauss(0.21, 0.06)
        others = [each for each in rng.sample(self.ids, min(2, len(self.ids))) if each != person.employee_id]
        identifier = self.identifier(at)
        return PunchRow(
            event_id=identifier,
            timestamp=at,
            employee_id=person.employee_id,
            event=event,
            camera=CAMERA,
            method="sample",
            track=f"sample-{identifier}",
            agreeing_frames=agreeing if event == "punch" else 1,
            voting_frames=agreeing + (rng.randint(0, 2) if event == "punch" else 3),
            similarity=round(similarity, 4),
            runner_up=others[0] if others else "",
            runner_up_similarity=round(second, 4),
            margin=round(similarity - second, 4),
            threshold=_THRESHOLD,
            model="sample",
            gallery_version=1,
            reason=reason,
            direction=direction,
            liveness="passed" if rng.random() < 0.8 else "unproven",
        )

    def coverage(self, day: date, off: tuple[datetime, datetime] | None, now: datetime) -> Iterator[Span]:
        """When the camera was watching."""
        step = _COVERAGE_STEP
        at, end = self.moment(day, _WATCHED[0]), min(self.moment(day, _WATCHED[1]), now)
        while at < end:
            until, why = min(at + step, end), "running"
            if off and at <= off[0] < until:
                until, why = off[0], "lost"
            elif until == end:
                why = "stopped"
            if until > at:
                yield Span(CAMERA, at, until, why)
            at = off[1] if why == "lost" and off else until

    def incidents(self, off: tuple[datetime, datetime]) -> list[IncidentRow]:
        """The camera was lost and came back."""
        lost, back = (IncidentKind.CAMERA_LOST, Severity.HIGH), (IncidentKind.CAMERA_BACK, Severity.INFO)
        made_up = partial(IncidentRow, camera=CAMERA, author="engine", detail="made up for the sample")
        return [
            made_up(self.identifier(at), at, kind, severity=severity)
            for at, (kind, severity) in zip(off, (lost, back), strict=True)
        ]

    def corrections(self, person: Person, day: date, found: _Day, made: datetime) -> list[Correction]:
        """What the office corrects of a day, and who approves it."""
        approved = made + timedelta(hours=2, minutes=self._rng.randint(0, 59))
        if found.fix == "out" and found.left:
            left = found.left.replace(second=0, microsecond=0)
            what = partial(Correction, action="add", time=left, direction="out", reason="left by the loading gate")
        else:
            what = partial(Correction, action="status", value="excused", reason="was at the training course")
        who = person.employee_id
        rows = [what(self.identifier(made), made, day, who, author=_OFFICE)]
        if self._rng.random() < 0.7:
            approval = partial(Correction, action="approve", author=_LEAD, reason="approved")
            rows.append(approval(self.identifier(approved), approved, day, who))
        return rows


def _times(rng: random.Random, expected: float) -> int:
    """A random whole number with the given expectation."""
    return int(expected) + (rng.random() < expected % 1)


def fill(
    bench: Workbench, people: int, days: int, until: date, seed: int = _SEED, *, also: Collection[str] = ()
) -> int:
    """Write made-up people and their punches into a workspace, sealed like real ones; days that are over are closed.

    Args:
        people: number of people to make up; they have no templates.
        days: number of working days (Monday to Friday) up to `until`; nothing is in the future.
        also: ids of existing people who punch on the days before today, too.

    Returns:
        The number of rows written to the attendance log.

    Raises:
        InputError: the workspace is not a sample.
        StorageError: it cannot be written.
    """
    if not bench.config.sample:
        raise InputError(
            f"{bench.workspace} is no sample workspace", hint="made-up punches are never mixed with real ones"
        )
    rng, now = random.Random(seed), bench.clock().astimezone(bench.config.zone)  # noqa: S311 - nothing is kept secret
    before = (until - timedelta(days=back) for back in range(2 * days + 2))
    span = [day for day in before if day.weekday() < 5][:days][::-1]
    synthetic = made_up(people, rng, datetime.combine(span[0], time(8), bench.config.zone))
    bench.people.put_all(synthetic)
    known = [person for person in bench.people.all().values() if person.employee_id in also]
    year = _Year(bench, [*known, *synthetic], rng)
    leave = year.plan_leave(span)
    bench.leave.extend(leave)
    alerts = SampleAlerts(bench, year.ids, random.Random(seed + 1))  # noqa: S311
    outage = span[len(span) * 2 // 3]
    written, repairs = 0, dict[date, list[Correction]]()
    for place, day in enumerate(span):
        off = (year.moment(day, _OUTAGE[0]), year.moment(day, _OUTAGE[1])) if day == outage else None
        rows: list[PunchRow] = []
        for person in (*(known if day < now.date() else ()), *synthetic):
            found = year.day(person, day)
            rows += found.rows
            if found.fix and place + 1 < len(span):
                made = year.moment(span[place + 1], time(10, rng.randint(0, 59)))
                repairs.setdefault(made.date(), []).extend(year.corrections(person, day, found, made))
        told = [*year.incidents(off)] if off else []
        if day < now.date():
            told += alerts.day(day)
        written += _write_day(bench, year, day, rows, off, repairs.pop(day, []), told, now)
    everybody = bench.people.known()
    bench.records.close(now, everybody)
    for back in range(2):
        bench.attendance.keeper.refresh(now.date() - timedelta(days=back), everybody)
    return written


def _write_day(
    bench: Workbench,
    year: _Year,
    day: date,
    rows: Sequence[PunchRow],
    off: tuple[datetime, datetime] | None,
    repairs: Sequence[Correction],
    told: Sequence[IncidentRow],
    now: datetime,
) -> int:
    """Append once per log, leaving out the future and the passages that the camera did not see."""

    def seen(row: PunchRow) -> bool:
        return row.timestamp <= now and (off is None or not off[0] <= row.timestamp < off[1])

    coverage = bench.attendance.plan.coverage
    assert coverage is not None
    punches = sorted(filter(seen, rows), key=lambda row: row.event_id)
    made = sorted((row for row in repairs if row.timestamp <= now), key=lambda row: row.timestamp)
    with bench.attendance.log.exclusive():
        bench.attendance.log.append(day, punches)
    with coverage.log.exclusive():
        coverage.log.append(day, list(year.coverage(day, off, now)))
    with bench.attendance.corrections.exclusive():
        bench.attendance.corrections.append(day, made)
    alerts = sorted((row for row in told if row.timestamp <= now), key=lambda row: row.timestamp)
    with bench.incidents.log.exclusive():
        bench.incidents.log.append(day, alerts)
    return len(punches)
