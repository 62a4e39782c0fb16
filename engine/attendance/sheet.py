"""The day sheet: a pure function of the logs, the plan and what cameras can have seen.

Nobody counts as late, gone early or absent for a time when a camera was off. Nobody counts as absent if a camera may have seen them
without identifying them, and nobody as late if their arrival was missed or they were not expected. A row shows both what the cameras
alone say and what holds after corrections.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from engine.attendance import away as leave_of
from engine.attendance.corrections import Correction, InForce
from engine.attendance.counting import NOTHING_COUNTED, Counted, counted, hours_by_kind, too_short
from engine.attendance.coverage import Coverage
from engine.attendance.day import PUNCTUAL, WORKED, DaySheet, Presence, Status, Variant, overtime
from engine.attendance.explain import Part
from engine.attendance.periods import Periods, forces, reach
from engine.attendance.presence import Mark, TimesInside, times_inside
from engine.attendance.punctual import NO_EDGE, Edge, Punctuality, without_gaps
from engine.attendance.rota import Planned, Rota
from engine.attendance.rows import DayRows, PunchRow, as_told, turned, without_repeats
from engine.attendance.stay import CurrentStay, current_stay
from engine.config import AttendanceConfig
from engine.config.away import Away
from engine.types import NOBODY, Person
from engine.words import N_

_DAY = timedelta(days=1)
_OVER = timedelta(hours=1)
"""A day may be this much longer than its shift before somebody must look at it."""


@dataclass(frozen=True)
class Book:
    """Everything that a sheet is made from besides the rows of the log.

    Attributes:
        people: by id.
        coverage: when cameras were watching; None: not known, so that it excuses nobody.
        leave: by person and day; days that are no working days do not count.
        corrections: from three days before the first of these days to one day after the last, oldest first.
        present: the moment of the sheet; None: all days are over.
    """

    people: Mapping[str, Person]
    rota: Rota
    zone: ZoneInfo
    config: AttendanceConfig = field(default_factory=AttendanceConfig)
    coverage: Coverage | None = None
    leave: Mapping[tuple[str, date], Away] = field(default_factory=dict)
    corrections: Sequence[Correction] = ()
    present: datetime | None = None


def day_sheet(near: Sequence[DayRows], day: date, book: Book, only: str | None = None) -> list[DaySheet]:
    """One row per person who was seen, expected, away, corrected or still inside on a day, earliest first.

    Args:
        near: the log from three days before to two days after, because of nights and of retractions after midnight.
        day: the working day; a night shift belongs to the day on which it begins.
    """
    withdrawn = {event_id for rows in near for event_id in rows.withdrawn}
    times = {event_id: time for rows in near for event_id, time in rows.times.items()} if withdrawn else {}
    told = turned(row for rows in near for row in rows.turns)
    doubts: dict[str, list[datetime]] = {}
    for row in (row for rows in near for row in rows.doubts):
        # a withdrawal may come after midnight
        doubts.setdefault(row.employee_id, []).append(times.get(row.refers_to, row.timestamp))
    corrected: dict[str, list[Correction]] = {}
    for correction in book.corrections:
        if day - 2 * _DAY <= correction.day <= day + _DAY:
            corrected.setdefault(correction.employee_id, []).append(correction)
    seen = {employee_id for rows in near for employee_id in rows.passages}
    everybody = {*seen, *corrected, *(book.people if book.rota or book.leave else ())}
    sheet = []
    for employee_id in everybody if only is None else everybody & {only}:
        own = [row for rows in near for row in rows.passages.get(employee_id, ()) if row.event_id not in withdrawn]
        passages = without_repeats(as_told(own, told) if told else own)
        person = _Person(employee_id, day, book, passages, doubts.get(employee_id, []), corrected.get(employee_id, []))
        if (found := person.sheet()) is not None:
            sheet.append(found)
    return sorted(sheet, key=lambda row: (f"{row.first_in:%H%M%S}" if row.first_in else "~", row.employee_id))


@dataclass(frozen=True)
class _Outcome:
    """The result of a person's day, with or without corrections.

    Attributes:
        complete: the hours of a day on which the person was there are all known.
        long: the day is so long that somebody must look at it.
        away: leave, unless a correction says otherwise.
        day_share: as in a day sheet.
    """

    times: TimesInside
    status: Status
    counted: Counted = NOTHING_COUNTED
    complete: bool = True
    long: bool = False
    arrival: Edge = NO_EDGE
    departure: Edge = NO_EDGE
    notes: tuple[Part, ...] = ()
    away: Away | None = None
    day_share: float | None = None


class _Person:
    """A person's day."""

    def __init__(
        self,
        employee_id: str,
        day: date,
        book: Book,
        passages: Sequence[PunchRow],
        doubts: Iterable[datetime],
        corrections: Sequence[Correction],
    ) -> None:
        self._id, self._day, self._book = employee_id, day, book
        position = book.rota.position(employee_id, day)
        self._known = known = book.people.get(employee_id, NOBODY).at(position)
        who, self._hired = (employee_id, known.department), position.hired_on is not None
        self._begin, self._end = book.rota.window(*who, day)
        self._near, self._corrections = passages, corrections
        self._all, self._counted = self._forces(approved=False), self._forces(approved=book.config.approval_first)
        self._periods = self._periods_with(self._counted)
        self._passages = self._periods.on(day)
        self._doubts = [time for time in doubts if self._begin <= time < self._end]
        planned = book.rota.planned(*who, day)
        enrolled = bool(known.enrolled_at) and not self._before_enrolment()
        self._not_enrolled = employee_id in book.people and not enrolled
        # somebody whose first day is known is expected from then on, seen or not
        self._active = known.active and employee_id in book.people and (self._hired or not self._before_enrolment())
        self._planned = planned if self._active else None
        self._reach = reach(planned, book.config.longest_day_h)
        self._holiday = planned.holiday if planned is not None and not book.rota.expected(planned, day) else ""
        self._away = leave if (leave := book.leave.get((employee_id, day))) and self._working_day() else None
        self._leave = self._away.status if self._away and self._away.whole else ""
        self._full = self._planned
        if self._planned and self._away and not self._leave:
            self._planned = leave_of.rest_of(self._planned, self._away, book.zone)
        # nobody is late or early on a half day of which nobody said which half it is
        self._free = self._away is not None and not self._leave and not self._away.half
        self._over = book.present is None or book.present >= self._periods.end(day)
        self._lead = timedelta(minutes=book.config.lead_min)

    def _working_day(self) -> bool:
        """Whether a day of leave would count."""
        return self._book.rota.counts_as_leave(self._id, self._known.department, self._day)

    def _forces(self, *, approved: bool) -> dict[date, InForce]:
        return forces(self._corrections, approved=approved)

    def _periods_with(self, corrected: Mapping[date, InForce]) -> Periods:
        rota, longest_h = self._book.rota, self._book.config.longest_day_h
        return Periods(rota, self._id, self._known.department, self._near, corrected, longest_h)

    def _before_enrolment(self) -> bool:
        try:
            time = datetime.fromisoformat(self._known.enrolled_at)
            return (time if time.tzinfo is None else time.astimezone(self._book.zone)).date() > self._day
        except (ValueError, OverflowError):
            return False

    def sheet(self) -> DaySheet | None:
        """The person's day; None if there is nothing to say."""
        if self._book.present is not None and self._book.present < self._begin:
            return None
        waiting, corrections = self._all.get(self._day, InForce()), self._counted.get(self._day, InForce())
        stay = self._stay(corrected=True)
        recorded = self._outcome(InForce(), self._stay(corrected=False) if self._corrections else stay)
        outcome = self._outcome(corrections, stay) if corrections else recorded
        if outcome is None and recorded is None and stay is None and not waiting:
            return None
        if outcome is None:  # all passages were removed, or the person has been inside since the day before
            outcome = _Outcome(TimesInside(), _ongoing_status(stay) if stay else Status.DAY_OFF)
        sheet = self._with_kinds_of_hours(self._filled(outcome, recorded, stay, waiting), outcome)
        if waiting == corrections:
            return sheet
        self._passages = self._periods_with(self._all).on(self._day)
        return replace(sheet, pending=self._variant(self._outcome(waiting, stay)))

    def _filled(
        self, outcome: _Outcome, recorded: _Outcome | None, stay: CurrentStay | None, corrections: InForce
    ) -> DaySheet:
        planned, here, away = self._planned, outcome.times, outcome.away
        timed = None if self._free else planned
        first = next((row for row in self._passages if row.timestamp == here.first_in), None)
        at = here.first_in or here.last_out or (planned.start if planned else self._begin)
        worked = _seconds(outcome.counted.worked_s)
        next_day = here.last_out and here.last_out.astimezone(self._book.zone).date() > self._day
        return DaySheet(
            employee_id=self._id,
            name=self._known.name,
            department=self._known.department,
            day=self._day,
            status=outcome.status,
            presence=stay.presence if stay and self._now_here else Presence.OUTSIDE,
            first_in=self._local(here.first_in),
            last_out=self._local(here.last_out),
            arrival=self._local(outcome.arrival.time),
            departure=self._local(outcome.departure.time),
            late=outcome.arrival.off,
            left_early=outcome.departure.off,
            late_min=outcome.arrival.minutes,
            early_min=outcome.departure.minutes,
            worked=worked,
            breaks=None if worked is None else _seconds(outcome.counted.break_s),
            stayed=here.last_out - here.first_in if here.first_in and here.last_out and here.spans else None,
            shift=planned.shift if planned else "",
            planned_in=timed.start if timed else None,
            planned_out=timed.end if timed else None,
            planned=leave_of.asked_for(self._full_time, outcome.away),
            credited=self._credited(outcome),
            covered_pct=self._covered_pct(),
            punches=sum(row.event == "punch" for row in self._passages),
            camera_in=first.camera if first else "",
            similarity_in=first.similarity if first else None,
            liveness=first.liveness if first else "",
            utc_offset=f"UTC{at.astimezone(self._book.zone).isoformat()[-6:]}",
            notes=(*leave_of.notes(away), *outcome.notes, *([Part("left on the next day")] if next_day else [])),
            long=outcome.long,
            recorded=self._variant(recorded),
            corrected_by="; ".join(corrections.by),
            correction_reason="; ".join(corrections.reasons),
            approved_by=corrections.approved_by,
            leave=away.parts if away and self._working_day() else (),
            counted_in=self._local(outcome.counted.begin),
            counted_out=self._local(outcome.counted.end),
            day_share=outcome.day_share,
        )

    def _with_kinds_of_hours(self, sheet: DaySheet, outcome: _Outcome) -> DaySheet:
        if sheet.worked is None:
            return sheet
        rota, config, who = self._book.rota, self._book.config, (self._id, self._known.department)
        kinds = hours_by_kind(outcome.counted.spans, sheet.worked, config.night, rota, *who)
        threshold = timedelta(minutes=config.overtime_after_min)
        planned = self._active and (sheet.planned is not None or rota.works_by_plan(*who, self._day))
        return replace(
            sheet,
            overtime=overtime(sheet.planned, sheet.worked, sheet.credited, threshold) if planned else None,
            night=kinds.night,
            sunday=kinds.sunday,
            holiday=kinds.holiday,
        )

    @property
    def _full_time(self) -> timedelta | None:
        """Working time of the day's shift, whatever leave takes of it."""
        return timedelta(hours=self._full.hours) if self._full and not self._holiday else None

    def _credited(self, outcome: _Outcome) -> timedelta:
        worked = _seconds(outcome.counted.worked_s)
        return leave_of.credited(outcome.status, self._full_time, worked, outcome.away, complete=outcome.complete)

    def _variant(self, found: _Outcome | None) -> Variant:
        if found is None:
            return Variant()
        first, last = self._local(found.times.first_in), self._local(found.times.last_out)
        return Variant(first, last, _seconds(found.counted.worked_s), found.status, self._credited(found))

    @property
    def _now_here(self) -> bool:
        """The present lies between the boundaries of this day. Who is still inside from the day before counts on the later day."""
        return self._book.present is not None and self._begin <= self._book.present < self._end

    def _covered_pct(self) -> int | None:
        """Per cent of the planned time during which cameras were watching."""
        if self._planned is None or self._book.coverage is None:
            return None
        start, until = self._planned.start, self._known_until(self._planned.end)
        return round(100 * self._book.coverage.share(start, until)) if until > start else None

    def _local(self, time: datetime | None) -> datetime | None:
        return None if time is None else time.astimezone(self._book.zone)

    def _clock(self, time: datetime) -> str:
        return f"{time.astimezone(self._book.zone):%H:%M}"

    def _stay(self, *, corrected: bool) -> CurrentStay | None:
        """Whether the person is inside now; None: no, or the present is not in this working day."""
        now, day, begin = self._book.present, self._day, self._begin
        if now is None or self._over or now < begin:
            return None
        if now < self._periods.end(day - _DAY):  # inside since the day before
            begin, _ = self._book.rota.window(self._id, self._known.department, day - _DAY)
        corrections = [row for row in self._corrections if corrected or row.day != day]
        return current_stay((row.mark for row in self._near), corrections, day, begin, now)

    def _outcome(self, corrections: InForce, stay: CurrentStay | None) -> _Outcome | None:
        marks = [row.mark for row in self._passages if row.event_id not in corrections.removed]
        marks = sorted([*marks, *corrections.added])
        here = without_gaps(times_inside(marks, self._reach), marks, self._full)
        found = self._seen(here, marks, stay, corrections) if marks else None
        away = leave_of.in_force(self._away, corrections.status)
        if corrections.status:
            found = self._set(Status(corrections.status), found, away)
        elif found is not None:
            found = self._judged(found)
        elif status := self._status_unseen():
            found = _Outcome(here, status, notes=self._unseen_notes(status))
        return found and replace(found, away=away)

    def _set(self, status: Status, seen: _Outcome | None, away: Away | None) -> _Outcome:
        """A day whose status a correction sets."""
        if seen is None:
            found = _Outcome(TimesInside(), status, complete=False, notes=self._unseen_notes(status))
        elif status is Status.PRESENT:
            found = replace(seen, status=status, complete=seen.status in WORKED, long=False)
        else:
            # people who need not come, or did not, are neither late nor punctual
            arrival, departure = Edge(seen.arrival.time), Edge(seen.departure.time)
            found = replace(seen, status=status, arrival=arrival, departure=departure, long=False)
        if status is Status.AS_PLANNED and self._full_time is not None:
            worked = self._full_time * (1 - away.share if away else 1)
            spans = tuple((part.start, part.end) for part in self._planned.parts) if self._planned else ()
            found = replace(found, counted=Counted(worked.total_seconds(), spans=spans), complete=True)
        if status is Status.PRESENT and not found.complete and self._full_time is not None:
            found = replace(found, notes=(*found.notes, Part(_CREDITED)))
        return found

    def _status_unseen(self) -> Status | None:
        """The status of somebody who was not seen; None: they were not expected."""
        planned, now = self._planned, self._book.present
        if self._leave:
            return Status(self._leave)
        if planned is None:
            return None
        if self._not_enrolled and not self._hired:
            return None  # cameras cannot know them, and nobody said that they work here already
        rules = (
            (bool(self._holiday), Status.HOLIDAY),
            (self._not_enrolled, Status.NOT_ENROLLED),
            (now is not None and now < planned.end, Status.NOT_YET),
            (bool(self._doubts), Status.NOT_IDENTIFIED),
            (bool(self._plan_gaps(planned)), Status.NOT_COVERED),
        )
        return next((status for holds, status in rules if holds), Status.ABSENT)

    def _unseen_notes(self, status: Status) -> tuple[Part, ...]:
        if status is Status.HOLIDAY:
            return (Part("{holiday}", {"holiday": self._holiday}),)
        if status is Status.NOT_COVERED and self._planned:
            return self._camera_off(self._plan_gaps(self._planned))
        if status is Status.NOT_ENROLLED:
            return (Part("has no pictures enrolled yet"),)
        if status is Status.NOT_IDENTIFIED:
            times = ", ".join(map(self._clock, self._doubts))
            return (Part("somebody like them was seen at {times}", {"times": times}),)
        return ()

    def _gaps(self, begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        return self._book.coverage.gaps(begin, self._known_until(end)) if self._book.coverage is not None else []

    def _plan_gaps(self, planned: Planned) -> list[tuple[datetime, datetime]]:
        return [gap for part in planned.parts for gap in self._gaps(part.start, part.end)]

    def _known_until(self, end: datetime) -> datetime:
        """The moment up to which the coverage log can be complete, because a minute is written only when it is over."""
        if self._book.present is None:
            return end
        config = self._book.config
        return min(end, self._book.present - timedelta(seconds=config.coverage_every_s + config.gap_s))

    def _camera_off(self, gaps: Iterable[tuple[datetime, datetime]]) -> tuple[Part, ...]:
        spans = ", ".join(f"{self._clock(begin)}–{self._clock(end)}" for begin, end in gaps)
        return (Part("camera off {times}", {"times": spans}),) if spans else ()

    def _seen(
        self, here: TimesInside, marks: Sequence[Mark], stay: CurrentStay | None, corrections: InForce
    ) -> _Outcome:
        """The result of a day on which somebody was seen; a time that a correction added needs no camera as a witness."""
        leave = "" if corrections.status else self._leave  # whose place any status takes
        expected = None if self._holiday or leave else self._planned
        planned = None if self._free else expected
        ongoing = self._ongoing(here, marks)
        first = next((mark for mark in marks if not mark.seen), marks[0])
        came = here.first_in if first.direction != "out" else None  # else their arrival was missed
        gone = here.last_out if here.open_since is None and not ongoing else None
        by_hand = frozenset(mark.time for mark in corrections.added)
        punctuality = Punctuality(self._gaps, self._lead, self._book.present, by_hand)
        arrival, departure = punctuality.edges(here, marks, came, gone, planned)
        blind: list[tuple[datetime, datetime]] = []
        if expected is not None:
            last, lead, unseen = marks[-1].time, self._lead, gone is None and not ongoing
            blind += self._gaps(expected.start - lead, here.last_stray or last) if here.missing_in else arrival.gaps
            blind += self._gaps(last, max(expected.end, last) + lead) if unseen else departure.gaps
        if leave:
            status = Status(leave)
        elif ongoing:
            status = _ongoing_status(stay)
        elif blind:
            status = Status.NOT_COVERED
        elif gone is None or here.missing_out:
            status = Status.MISSING_OUT
        elif here.missing_in:
            status = Status.MISSING_IN
        elif planned is None:
            status = Status.PRESENT
        else:
            status = _PUNCTUALITY[bool(arrival.off), bool(departure.off)]
        notes = [Part("worked on a holiday: {holiday}", {"holiday": self._holiday})] if self._holiday else []
        notes += [Part("seen although {leave}", {"leave": leave})] if leave else []
        if arrival.off and status not in {Status.LATE, Status.LATE_AND_EARLY}:
            notes.append(Part("late by {minutes} min", {"minutes": str(arrival.minutes)}))
        longest, settled = self._longest(), bool(corrections) or status in _OPEN
        long = not settled and here.inside_s > longest.total_seconds()
        if long:
            notes.append(Part("longer than {hours} h", {"hours": f"{longest / timedelta(hours=1):g}"}))
        notes += self._camera_off(blind)
        return _Outcome(here, status, self._hours(here), True, long, arrival, departure, tuple(notes))

    def _judged(self, found: _Outcome) -> _Outcome:
        """The outcome of a planned day with all its hours, unless they are too few."""
        worked_s, present = found.counted.worked_s, self._book.present
        if worked_s is None or found.status not in PUNCTUAL or self._full is None or self._holiday:
            return found
        if present is not None and present < self._full.end:  # they may come back
            return found
        short = too_short(worked_s, self._full.config, 1 - self._away.share if self._away else 1.0)
        if short is None:
            return found
        return replace(found, status=short.status, day_share=short.share, notes=(*found.notes, short.note))

    def _longest(self) -> timedelta:
        """Time inside beyond which somebody must look at the day."""
        longest = timedelta(hours=self._book.config.longest_day_h)
        return max(longest, self._planned.end - self._planned.start + _OVER) if self._planned else longest

    def _ongoing(self, here: TimesInside, marks: Sequence[Mark]) -> bool:
        """Whether the day is not over and nobody saw the person leave."""
        if self._over:
            return False
        if here.open_since is not None:
            return True
        # if cameras see both ways, the last passage of a shift is known only after it
        planned, now = self._planned, self._book.present
        left = any(mark.direction == "out" and mark.time == here.last_out for mark in marks)
        return planned is not None and now is not None and now < planned.end and not left

    def _hours(self, here: TimesInside) -> Counted:
        """What counts of the times inside."""
        rules = self._book.rota.break_rules(self._id, self._known.department, self._day) if self._active else None
        return counted(here, rules, self._book.config, self._book.zone, self._full.gaps if self._full else ())


_CREDITED = N_("present without all times: the missing planned hours are credited")
_OPEN = frozenset({Status.MISSING_IN, Status.MISSING_OUT, Status.NOT_COVERED})
_PUNCTUALITY = {
    (False, False): Status.ON_TIME,
    (True, False): Status.LATE,
    (False, True): Status.LEFT_EARLY,
    (True, True): Status.LATE_AND_EARLY,
}


def _ongoing_status(stay: CurrentStay | None) -> Status:
    return Status.INSIDE if stay and stay.presence is Presence.INSIDE else Status.POSSIBLY_INSIDE


def _seconds(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
