"""The day sheet: a pure function of the logs, the plan and what cameras can have seen.

Nobody is called late, gone early or absent for a time at which a camera was off, nobody absent whom a camera may have seen
without being able to tell who it was, and nobody late whose arrival was missed or who was not expected that day. Both what the camera
alone says and what holds after corrections stand in the row.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from math import floor
from zoneinfo import ZoneInfo

from engine.attendance.corrections import Correction, InForce, in_force
from engine.attendance.coverage import Coverage
from engine.attendance.presence import Mark, Presence, presence
from engine.attendance.rota import Planned, Rota
from engine.config import AttendanceConfig, HolidaysConfig

__all__ = ["SHEET_COLUMNS", "Book", "DayRows", "Status", "day_sheet", "marks_of", "valid_rows"]

SHEET_COLUMNS = (
    "employee_id", "name", "date", "first_in", "last_out", "hours", "status", "punches", "utc_offset", "camera_in",
    "similarity_in", "department", "shift", "planned_in", "planned_out", "planned_hours", "presence_hours",
    "break_hours", "late_min", "early_min", "note", "recorded_first_in", "recorded_last_out", "recorded_hours",
    "recorded_status", "corrected_by", "correction_reason", "approved_by", "covered_pct", "liveness",
)  # fmt: skip


log = logging.getLogger(__name__)


class Status(StrEnum):
    """What a day came to."""

    ON_TIME = "on time"
    LATE = "late"
    LEFT_EARLY = "left early"
    LATE_AND_EARLY = "late, left early"
    PRESENT = "present"
    INSIDE = "inside"
    NOT_YET = "not yet"
    MISSING_OUT = "missing out"
    MISSING_IN = "missing in"
    ABSENT = "absent"
    NOT_COVERED = "not covered"
    NOT_IDENTIFIED = "not identified"
    HOLIDAY = "holiday"
    DAY_OFF = "day off"


@dataclass(frozen=True)
class Book:
    """What a sheet is made from, beside the rows of the log.

    Attributes:
        people: name, department, `active` and `enrolled_at` by id.
        rota: shifts and holidays.
        zone: of the workplace.
        config: margins.
        coverage: when cameras were watching; None: not known, nobody is excused by it.
        leave: kind of leave by person and day.
        corrections: of these days, oldest first.
        present: the moment at which the sheet is made; None: everything is over.
    """

    people: Mapping[str, Mapping[str, str]]
    rota: Rota
    zone: ZoneInfo
    config: AttendanceConfig = field(default_factory=AttendanceConfig)
    coverage: Coverage | None = None
    leave: Mapping[tuple[str, date], str] = field(default_factory=dict)
    corrections: Sequence[Correction] = ()
    present: datetime | None = None


def valid_rows(rows: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Punches and sightings that no later row takes back, and whose time can be read."""
    gone = {row["refers_to"] for row in rows if row["event"] == "retract"}
    kept = []
    for row in rows:
        if row["event"] in {"punch", "seen"} and row["event_id"] not in gone:
            if _moment(row) is None:
                _warn(row)
            else:
                kept.append(row)
    return kept


def _warn(row: Mapping[str, str]) -> None:
    log.warning("attendance row %s has no readable time: %r", row["event_id"], row["timestamp"])


def _moment(row: Mapping[str, str]) -> datetime | None:
    return _parsed(row["timestamp"])


@lru_cache(maxsize=50_000)  # a row is looked at for the sheets of four days, and again after each punch
def _parsed(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.utcoffset() is not None else None


def marks_of(rows: Sequence[Mapping[str, str]]) -> list[Mark]:
    """Rows as passages."""
    return [mark for row in rows if (mark := _mark(row)) is not None]


def _mark(row: Mapping[str, str]) -> Mark | None:
    time, direction = _moment(row), row.get("direction", "")
    if time is None:
        return None
    return Mark(time, row["event_id"], direction if direction in {"in", "out"} else "both")  # type: ignore[arg-type]


_Passage = tuple[Mark, Mapping[str, str]]


class DayRows:
    """What the rows of one day of the log say, in the form that the sheets of this and of neighbouring days need.

    Args:
        rows: of one day, in any order.
    """

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self.passages: dict[str, list[_Passage]] = {}
        """By person, withdrawn ones, too."""
        self.withdrawn: set[str] = set()
        """Rows, of this day or of one before, that are taken back."""
        self.doubts: list[tuple[str, str, datetime | None]] = []
        """Somebody was perhaps seen: who, the row that was taken back (empty: none), when."""
        self.times: dict[str, datetime | None] = {}
        """Of all rows by id."""
        for row in rows:
            mark, event = _mark(row), row["event"]
            self.times[row["event_id"]] = mark.time if mark else None
            if event in {"unidentified", "retract"}:
                self.doubts.append((row["employee_id"], row.get("refers_to", ""), mark.time if mark else None))
                if event == "retract":
                    self.withdrawn.add(row["refers_to"])
            elif event in {"punch", "seen"}:
                if mark is None:
                    _warn(row)
                else:
                    self.passages.setdefault(row["employee_id"], []).append((mark, row))


def day_sheet(near: Sequence[DayRows], day: date, book: Book, only: str | None = None) -> list[dict[str, object]]:
    """One row per person who was seen, expected, away or corrected on a day, earliest first.

    Args:
        near: the log from the day before to two days after, day by day: nights, and retractions after midnight.
        day: the working day; a night shift belongs to the day on which it begins.
        book: everything else.
        only: this person's row alone.
    """
    withdrawn = {event_id for rows in near for event_id in rows.withdrawn}
    times = {event_id: time for rows in near for event_id, time in rows.times.items()} if withdrawn else {}
    doubts: dict[str, list[datetime]] = {}
    for employee_id, refers_to, own in (doubt for rows in near for doubt in rows.doubts):
        time = times.get(refers_to, own)  # a withdrawal may come after midnight
        if time is not None:
            doubts.setdefault(employee_id, []).append(time)
    corrected: dict[str, list[Correction]] = {}
    for correction in book.corrections:
        if correction.day == day:
            corrected.setdefault(correction.employee_id, []).append(correction)
    seen = {employee_id for rows in near for employee_id in rows.passages}
    everybody = {*seen, *corrected, *(book.people if book.rota or book.leave else ())}
    sheet = []
    for employee_id in everybody if only is None else everybody & {only}:
        passages = [
            each for rows in near for each in rows.passages.get(employee_id, ()) if each[0].event_id not in withdrawn
        ]
        person = _Person(employee_id, day, book, passages, doubts.get(employee_id, []))
        found = person.row(in_force(corrected.get(employee_id, [])))
        if found is not None:
            sheet.append(found)
    return sorted(sheet, key=lambda row: (str(row["first_in"]) or "~", str(row["employee_id"])))


@dataclass(frozen=True)
class _Outcome:
    """What a person's day comes to, with or without corrections."""

    presence: Presence
    status: str
    worked_s: float | None
    break_s: float
    late_min: int | None
    early_min: int | None
    notes: tuple[str, ...] = ()


class _Person:
    """A person's day."""

    def __init__(
        self, employee_id: str, day: date, book: Book, passages: Iterable[_Passage], doubts: Iterable[datetime]
    ) -> None:
        self._id, self._day, self._book = employee_id, day, book
        self._known = book.people.get(employee_id, {})
        department = self._known.get("department", "")
        self._begin, self._end = book.rota.window(employee_id, department, day)
        own = (each for each in passages if self._begin <= each[0].time < self._end)
        self._passages = sorted(own, key=lambda each: each[0])
        self._doubts = [time for time in doubts if self._begin <= time < self._end]
        planned = book.rota.planned(employee_id, department, day)
        active = self._known.get("active", "yes") != "no" and employee_id in book.people
        self._planned = planned if active and not self._before_enrolment() else None
        self._holiday = book.rota.holiday(day) if planned is not None and not book.rota.expected(planned, day) else ""
        self._leave = book.leave.get((employee_id, day), "")
        self._over = book.present is None or book.present >= self._end

    def _before_enrolment(self) -> bool:
        try:
            time = datetime.fromisoformat(self._known.get("enrolled_at", ""))
        except ValueError:
            return False
        return (time if time.tzinfo is None else time.astimezone(self._book.zone)).date() > self._day

    def row(self, corrections: InForce) -> dict[str, object] | None:
        """The sheet's row; None when there is nothing to say."""
        if self._book.present is not None and self._book.present < self._begin:
            return None
        recorded = self._outcome(InForce())
        outcome = self._outcome(corrections) if corrections else recorded
        if outcome is None and recorded is None:
            return None
        recorded = recorded or _Outcome(Presence(), "", None, 0.0, None, None)
        outcome = outcome or _Outcome(Presence(), Status.DAY_OFF, None, 0.0, None, None)  # all passages were taken off
        planned, covered = self._planned, None
        if planned is not None and self._book.coverage is not None:
            until = self._told_until(planned.end)
            covered = round(100 * self._book.coverage.share(planned.start, until)) if until > planned.start else None
        here = outcome.presence
        first = next((row for mark, row in self._passages if mark.time == here.first_in), {})
        at = here.first_in or here.last_out or (planned.start if planned else self._begin)
        notes = list(outcome.notes)
        if here.last_out and here.last_out.astimezone(self._book.zone).date() > self._day:
            notes.append("left on the next day")
        return {
            "employee_id": self._id,
            "name": self._known.get("name", ""),
            "date": self._day.isoformat(),
            "first_in": self._clock(here.first_in),
            "last_out": self._clock(here.last_out),
            "hours": _hours(outcome.worked_s),
            "status": outcome.status,
            "punches": sum(row["event"] == "punch" for _, row in self._passages),
            "utc_offset": f"UTC{at.astimezone(self._book.zone).isoformat()[-6:]}",
            "camera_in": first.get("camera", ""),
            "similarity_in": first.get("similarity", ""),
            "department": self._known.get("department", ""),
            "shift": planned.shift if planned else "",
            "planned_in": f"{planned.start:%H:%M}" if planned else "",
            "planned_out": f"{planned.end:%H:%M}" if planned else "",
            "planned_hours": f"{planned.hours:.2f}" if planned and not self._holiday else "",
            "presence_hours": _hours(_wall(here)),
            "break_hours": _hours(outcome.break_s) if outcome.worked_s is not None else "",
            "late_min": "" if outcome.late_min is None else outcome.late_min,
            "early_min": "" if outcome.early_min is None else outcome.early_min,
            "note": "; ".join(notes),
            "recorded_first_in": self._clock(recorded.presence.first_in),
            "recorded_last_out": self._clock(recorded.presence.last_out),
            "recorded_hours": _hours(recorded.worked_s),
            "recorded_status": recorded.status,
            "corrected_by": "; ".join(corrections.by),
            "correction_reason": "; ".join(corrections.reasons),
            "approved_by": corrections.approved_by,
            "covered_pct": "" if covered is None else covered,
            "liveness": first.get("liveness", ""),
        }

    def _clock(self, time: datetime | None) -> str:
        if time is None:
            return ""
        local = time.astimezone(self._book.zone)
        return f"{local.hour:02}:{local.minute:02}:{local.second:02}"  # a third of what %H:%M:%S takes, and there are thousands

    # ----------------------------------------------------------------------------------------- what it comes to

    def _outcome(self, corrections: InForce) -> _Outcome | None:
        marks = [mark for mark, _ in self._passages if mark.event_id not in corrections.removed]
        marks = sorted([*marks, *corrections.added])
        here = presence(marks)
        if here.last_seen is None:
            status = corrections.status or self._status_unseen()
            return _Outcome(here, status, None, 0.0, None, None, self._unseen_notes(status)) if status else None
        outcome = self._seen(here, marks, corrected=bool(corrections))
        return replace(outcome, status=corrections.status) if corrections.status else outcome

    def _status_unseen(self) -> str:
        """What it means that somebody was not seen; empty: nothing, they were not expected."""
        planned, now = self._planned, self._book.present
        if self._leave or planned is None:
            return self._leave
        not_enrolled = "enrolled_at" in self._known and not self._known["enrolled_at"]
        rules = (
            (bool(self._holiday), Status.HOLIDAY),
            (now is not None and now < planned.end, Status.NOT_YET),
            (bool(self._doubts) or not_enrolled, Status.NOT_IDENTIFIED),
            (bool(self._gaps(planned.start, planned.end)), Status.NOT_COVERED),
        )
        return next((status for holds, status in rules if holds), Status.ABSENT)

    def _unseen_notes(self, status: str) -> tuple[str, ...]:
        if status == Status.HOLIDAY:
            return (self._holiday,)
        if status == Status.NOT_COVERED and self._planned:
            return self._told(self._gaps(self._planned.start, self._planned.end))
        if status == Status.NOT_IDENTIFIED:
            times = ", ".join(self._clock(time)[:5] for time in self._doubts)
            return (f"somebody like them was seen at {times}",) if times else ("has no pictures enrolled yet",)
        return ()

    def _gaps(self, begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        return self._book.coverage.gaps(begin, self._told_until(end)) if self._book.coverage is not None else []

    def _told_until(self, end: datetime) -> datetime:
        """Up to when the log of coverage can be complete: it tells of a minute only after it."""
        if self._book.present is None:
            return end
        config = self._book.config
        return min(end, self._book.present - timedelta(seconds=config.coverage_every_s + config.gap_s))

    def _told(self, gaps: Sequence[tuple[datetime, datetime]]) -> tuple[str, ...]:
        spans = ", ".join(f"{self._clock(begin)[:5]}–{self._clock(end)[:5]}" for begin, end in gaps)
        return (f"camera off {spans}",) if spans else ()

    def _seen(self, here: Presence, marks: Sequence[Mark], *, corrected: bool) -> _Outcome:
        """What it means when and where somebody was seen; what was corrected by hand needs no camera as its witness."""
        planned = None if self._holiday or self._leave else self._planned
        notes = [f"worked on a holiday: {self._holiday}"] if self._holiday else []
        notes += [f"seen although {self._leave}"] if self._leave else []
        worked, pause = self._worked(here)
        ongoing = self._ongoing(here, marks)
        came = here.first_in if marks[0].direction != "out" else None  # else their arrival was missed
        gone = here.last_out if here.open_since is None and not ongoing else None
        judged = planned is not None and (self._book.present is None or self._book.present >= planned.end)
        late = _minutes(came - planned.start) if planned and came else None
        early = _minutes(planned.end - gone) if planned and gone and judged else None
        is_late = planned is not None and came is not None and came > planned.start + planned.grace
        # while the shift goes on, whoever went may come back
        is_early = planned is not None and judged and gone is not None and gone < planned.end - planned.leave_grace
        blind = [] if planned is None or corrected else self._blind(here, planned, gone, (is_late, is_early), ongoing)
        if self._leave:
            status: str = self._leave
        elif ongoing:
            status = Status.INSIDE
        elif blind:
            status = Status.NOT_COVERED
        elif gone is None:
            status = Status.MISSING_OUT
        elif here.missing_in:
            status = Status.MISSING_IN
        elif planned is None:
            status = Status.PRESENT
        else:
            status = _PUNCTUALITY[is_late, is_early]
        if is_late and not blind and status not in {Status.LATE, Status.LATE_AND_EARLY}:
            notes.append(f"late by {late} min")
        return _Outcome(here, status, worked, pause, late, early, (*notes, *self._told(blind)))

    def _blind(
        self, here: Presence, planned: Planned, gone: datetime | None, judged: tuple[bool, bool], ongoing: bool
    ) -> list[tuple[datetime, datetime]]:
        """Times at which a camera was off and that could put what looks late, early or missing in another light."""
        lead, (is_late, is_early) = timedelta(minutes=self._book.config.lead_min), judged
        gaps: list[tuple[datetime, datetime]] = []
        if here.missing_in and here.last_seen:
            gaps += self._gaps(planned.start - lead, here.last_seen)
        elif is_late and here.first_in:
            gaps += self._gaps(planned.start - lead, here.first_in)
        if gone is None and not ongoing and here.last_seen:
            gaps += self._gaps(here.last_seen, max(planned.end, here.last_seen) + lead)
        if is_early and gone:
            gaps += self._gaps(gone, planned.end)
        return gaps

    def _ongoing(self, here: Presence, marks: Sequence[Mark]) -> bool:
        """The day is not over, and nobody saw them leave."""
        if self._over:
            return False
        if here.open_since is not None:
            return True
        # where cameras see both ways, the last passage of a shift is known only when it is over
        planned, now = self._planned, self._book.present
        left = any(mark.direction == "out" and mark.time == here.last_out for mark in marks)
        return planned is not None and now is not None and now < planned.end and not left

    def _worked(self, here: Presence) -> tuple[float | None, float]:
        """Seconds worked (None: not known) and seconds of breaks."""
        if not here.spans:
            return None, 0.0
        measured, rules = here.break_s, self._planned.config if self._planned else None
        pause = measured
        if rules is not None and here.inside_s + measured > rules.break_after_h * 3600:
            pause = max(measured, min(rules.break_min * 60, here.inside_s + measured))
        return max(0.0, here.inside_s - (pause - measured)), pause


_PUNCTUALITY = {
    (False, False): Status.ON_TIME,
    (True, False): Status.LATE,
    (False, True): Status.LEFT_EARLY,
    (True, True): Status.LATE_AND_EARLY,
}


def _minutes(duration: timedelta) -> int:
    """Whole minutes, none when negative."""
    return max(0, floor(duration.total_seconds() / 60))


def _wall(here: Presence) -> float | None:
    if here.first_in is None or here.last_out is None or not here.spans:
        return None
    return (here.last_out - here.first_in).total_seconds()


def _hours(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds / 3600:.2f}"


def plain_book(people: Mapping[str, Mapping[str, str]], zone: ZoneInfo) -> Book:
    """A book without plan, coverage, leave or corrections: only who was seen when."""
    return Book(people, Rota({}, HolidaysConfig(), zone), zone)
