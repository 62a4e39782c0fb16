"""Cases that other attendance and leave systems test, each with the figures that Muster gives, worked out by hand.

The week begins on Monday, 23 November 2026, unless a case says otherwise. The office works from 9:00 to 17:30 with a break of half an
hour, so 8 hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.attendance import Book, Correction, DayRows, DaySheet, PunchRow, Rota, cells, day_sheet
from engine.attendance.coverage import Coverage
from engine.config import AttendanceConfig, HolidaysConfig, RotaConfig, ShiftConfig
from engine.people import Career, EmploymentRow, LeaveBook, PeopleStore, import_table
from engine.reports import summarise
from engine.types import Person, Position

WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ANN = Person("E1", "Ann Lee", "Lab", enrolled_at="2026-01-05T10:00:00+00:00")
LEAVE_HEAD = "id,from,to,type,status,half day,half day date"


def shift(start: str, end: str, days: str = "mon-fri", **more: Any) -> ShiftConfig:
    return ShiftConfig(start=time.fromisoformat(start), end=time.fromisoformat(end), days=days, **more)


OFFICE = {"office": shift("09:00", "17:30", break_min=30)}
NIGHT = {"night": shift("22:00", "06:00", "mon-sun")}
MORNING = {"morning": shift("08:00", "12:00")}
TURNS = {
    "early": shift("06:00", "14:00", assigned_only=True),
    "late": shift("14:00", "22:00", assigned_only=True),
    "night": shift("22:00", "06:00", assigned_only=True),
}


@dataclass(frozen=True)
class Case:
    """What is given and what comes out.

    Attributes:
        want: by day, such as `Mon`, or `Mon+` a week later: the status, then columns of the sheet with their values; empty: no row.
        passages: such as `in Mon 09:00, out Mon 17:30, seen Mon 17:33`; without a direction, a camera that sees both ways.
        leave: rows of a list: first day, last day, kind, status, half day, half day date.
        fixes: corrections: author, action, day, and what it takes.
        career: dated facts: fact, first day (`-`: since ever), value.
        off: time of a day when the camera was off.
    """

    name: str
    want: Mapping[str, str]
    passages: str = ""
    shifts: Mapping[str, ShiftConfig] = field(default_factory=lambda: OFFICE)
    rotas: Mapping[str, RotaConfig] = field(default_factory=dict)
    holidays: HolidaysConfig = field(default_factory=HolidaysConfig)
    leave: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()
    career: tuple[str, ...] = ()
    person: Person = ANN
    off: str = ""
    now: str = ""
    zone: str = "Europe/Berlin"
    monday: date = date(2026, 11, 23)
    config: Mapping[str, Any] = field(default_factory=dict)

    def day(self, word: str) -> date:
        return self.monday + timedelta(days=WEEK.index(word[:3]) + 7 * word.count("+"))

    def moment(self, day: str, clock: str) -> datetime:
        return datetime.combine(self.day(day), time.fromisoformat(clock), ZoneInfo(self.zone)).astimezone(UTC)

    # ------------------------------------------------------------------------------------- what is given

    def rows(self) -> list[PunchRow]:
        found = []
        for number, part in enumerate(self.passages.split(", ") if self.passages else ()):
            *words, day, clock = part.split()
            event = next((word for word in words if word in {"seen", "unidentified"}), "punch")
            way = next((word for word in words if word in {"in", "out"}), "both")
            found.append(PunchRow(f"e{number}", self.moment(day, clock), "E1", event, "door", direction=way))  # type: ignore[arg-type]
        return found

    def corrections(self) -> list[Correction]:
        found = []
        for number, text in enumerate(self.fixes):
            author, action, day, *rest = text.split(" ", 3)
            made, more = datetime(2027, 1, 5, 9, number, tzinfo=UTC), {}
            if action == "add":
                way, when, clock = rest[0].split()
                more = {"direction": way, "time": self.moment(when, clock)}
            elif rest:
                more = {"value" if action == "status" else "refers_to": rest[0]}
            found.append(
                Correction(f"c{number}", made, self.day(day), "E1", action, author=author, reason="asked", **more)
            )  # type: ignore[arg-type]
        return found

    def on_leave(self, folder: Path) -> LeaveBook:
        """Leave as an import reads it."""
        book, people = LeaveBook(folder / "leave.csv"), PeopleStore(folder / "people.csv")
        if self.leave:
            people.put_all([self.person])
            lines = [LEAVE_HEAD]
            for row in self.leave:
                first, last, kind, *more = row.split("|")
                status, half, half_day = [*more, "", "", ""][:3]
                on = self.day(half_day) if half_day else ""
                lines.append(f"E1,{self.day(first)},{self.day(last)},{kind},{status or 'approved'},{half},{on}")
            path = folder / "list.csv"
            path.write_text("\n".join([*lines, ""]))
            import_table(book, path, people, now=datetime(2026, 1, 1, tzinfo=UTC))
        return book

    def employment(self) -> Dated:
        rows = []
        for text in self.career:
            fact, first, value = text.split(" ")
            rows.append(EmploymentRow("E1", None if first == "-" else self.day(first), fact, value.strip('"')))  # type: ignore[arg-type]
        return Dated(Career(rows))

    def coverage(self) -> Coverage | None:
        if not self.off:
            return None
        day, times = self.off.split()
        gap = [self.moment(day, clock) for clock in times.split("-")]
        begin, end = self.moment("Mon", "00:00") - timedelta(days=9), self.moment("Sun", "00:00") + timedelta(days=9)
        return Coverage(("door",), {"door": [(begin, gap[0]), (gap[1], end)]}, timedelta(seconds=60))

    # ------------------------------------------------------------------------------------- what comes out

    def sheet(self, word: str, folder: Path) -> DaySheet | None:
        zone, day = ZoneInfo(self.zone), self.day(word)
        book = Book(
            people={"E1": self.person},
            rota=Rota(self.shifts, self.holidays, zone, rotas=self.rotas, employment=self.employment()),
            zone=zone,
            config=AttendanceConfig(**{"count_unapproved": True, **self.config}),
            coverage=self.coverage(),
            leave=self.on_leave(folder).away(day, day),
            corrections=self.corrections(),
            present=self.moment(*self.now.split()) if self.now else None,
        )
        found = day_sheet([DayRows(self.rows())], day, book)
        return found[0] if found else None


@dataclass(frozen=True)
class Dated:
    """What is dated of Ann's work."""

    career: Career
    rules: str = ""

    def on(self, employee_id: str, day: date) -> Position:
        assert employee_id == "E1"
        return self.career.on(day)


def figures(row: DaySheet) -> dict[str, str]:
    """A row as texts; `balance` as in the summary, `open` if somebody must look at the day."""
    more = {"balance": f"{summarise([row])[0]['balance']:g}", "open": "yes" if row.to_settle else ""}
    return {name: str(value) for name, value in (cells(row) | more).items()}


PAIRS = [
    Case(
        "first in and last out without directions",
        {"Mon": "present, hours 6.50"},
        shifts={},
        passages="Mon 08:00, Mon 09:30, Mon 10:00, Mon 13:00, Mon 14:30",
    ),
    Case(
        "only pairs of in and out count",
        {"Mon": "missing in, hours 4.50, late "},
        shifts={},
        passages="out Mon 08:00, in Mon 08:30, out Mon 09:30, in Mon 09:40, out Mon 10:10, in Mon 10:30, in Mon 12:00, out Mon 13:30",
    ),
    Case(
        "two check-ins in a row",
        {"Mon": "on time, hours 8.00, first_in 09:00:00"},
        passages="in Mon 09:00, in Mon 09:30, out Mon 17:30",
    ),
    Case(
        "two check-outs in a row, hours apart",
        {"Mon": "missing in, hours 3.00, open yes"},
        passages="in Mon 09:00, out Mon 12:00, out Mon 17:30",
    ),
    Case(
        "duplicate punches within a minute",
        {"Mon": "on time, hours 8.00, punches 4"},
        passages="in Mon 09:00, in Mon 09:00:40, out Mon 17:30, out Mon 17:30:50",
    ),
    Case(
        "the same punch from two devices",
        {"Mon": "on time, hours 8.00"},
        passages="in Mon 09:00, in Mon 09:00, out Mon 17:30, out Mon 17:30",
    ),
    Case(
        "a check-in without a check-out",
        {"Mon": "missing out, hours , credited_hours 8.00, balance 0, open yes"},
        passages="in Mon 09:00",
    ),
    Case("a check-out without a check-in", {"Mon": "missing in, hours , late , open yes"}, passages="out Mon 17:30"),
    Case(
        "no check-out is made up after 24 hours",
        {"Mon": "missing out, hours ", "Tue": "on time, hours 8.00"},
        passages="in Mon 09:00, in Tue 09:00, out Tue 17:30",
    ),
    Case(
        "a check-out more than 24 hours later belongs to no check-in",
        {"Mon": "missing out", "Tue": "missing in, hours "},
        shifts={},
        passages="in Mon 08:00, out Tue 09:30",
    ),
    Case(
        "23 hours count, but somebody must look",
        {"Mon": "present, hours 23.00, long yes, open yes", "Tue": ""},
        shifts={},
        passages="in Mon 08:00, out Tue 07:00",
    ),
    Case(
        "lingering at the door is no departure",
        {"Mon": "missing out, hours , left_early "},
        passages="Mon 09:00, seen Mon 09:03",
    ),
    Case(
        "a visit of three minutes by two cameras",
        {"Sat": "present, hours 0.05"},
        passages="in Sat 10:00, out Sat 10:03",
    ),
]

GRACES = [
    Case(
        "late entry and early exit beyond an hour's grace",
        {"Mon": "late, left early, hours 1.00, late_min 90, early_min 90"},
        shifts={"morning": shift("08:00", "12:00", grace_min=60, leave_grace_min=60)},
        passages="in Mon 09:30, out Mon 10:30",
    ),
    Case(
        "both exactly at the end of the grace",
        {"Mon": "on time, hours 2.00, late_min 0, early_min 0"},
        shifts={"morning": shift("08:00", "12:00", grace_min=60, leave_grace_min=60)},
        passages="in Mon 09:00, out Mon 11:00",
    ),
    Case(
        "a second after the grace: minutes count from the start",
        {"Mon": "late, late_min 5"},
        passages="in Mon 09:05:01, out Mon 17:30",
    ),
    Case(
        "coming early counts as time",
        {"Mon": "on time, hours 8.50, balance 0.5"},
        passages="in Mon 08:30, out Mon 17:30",
    ),
    Case(
        "staying longer counts as time",
        {"Mon": "on time, hours 10.00, balance 2"},
        passages="in Mon 09:00, out Mon 19:30",
    ),
    Case(
        "below a threshold of hours: no half day, no absence",
        {"Mon": "left early, hours 1.50, balance -2.5"},
        shifts=MORNING,
        passages="in Mon 08:00, out Mon 09:30",
    ),
    Case(
        "late and no check-out: both are told", {"Mon": "missing out, late yes, late_min 60"}, passages="in Mon 10:00"
    ),
    Case(
        "late while the camera was off",
        {"Mon": "not covered, late , hours 7.67, balance 0"},
        off="Mon 08:50-09:10",
        passages="in Mon 09:20, out Mon 17:30",
    ),
]

NIGHTS = [
    Case(
        "check-out after midnight and after the shift",
        {"Mon": "on time, hours 2.50, last_out 01:30:00", "Tue": ""},
        shifts={"midnight": shift("23:00", "01:00", "mon")},
        passages="in Mon 23:00, out Tue 01:30",
    ),
    Case(
        "a night assigned for one day",
        {"Mon": "on time, hours 8.00, planned_hours 8.00", "Tue": ""},
        shifts={"night": shift("23:00", "07:00", "mon")},
        passages="in Mon 23:00, out Tue 07:00",
    ),
    Case(
        "the night after the assigned one has no shift",
        {"Mon": "absent", "Tue": "present, hours 8.00, shift "},
        shifts={"night": shift("23:00", "07:00", "mon")},
        passages="in Tue 23:00, out Wed 07:00",
    ),
    Case(
        "an evening that ends after midnight",
        {"Mon": "on time, hours 5.50", "Tue": ""},
        shifts={"evening": shift("19:00", "00:30", "mon")},
        passages="in Mon 19:00, out Tue 00:30",
    ),
    Case(
        "coming before midnight for a shift after it",
        {"Mon": "", "Tue": "on time, hours 10.50, first_in 23:30:00"},
        shifts={"owl": shift("00:30", "10:00", "tue")},
        passages="in Mon 23:30, out Tue 10:00",
    ),
    Case(
        "coming in the evening after that shift",
        {"Tue": "absent", "Wed": "present, hours 6.00"},
        shifts={"owl": shift("00:30", "10:00", "tue")},
        passages="in Tue 23:30, out Wed 05:30",
    ),
    Case(
        "leaving an hour after a late shift, on the next date",
        {"Mon": "on time, hours 9.50, balance 1", "Tue": ""},
        shifts={"late": shift("15:00", "23:30", "mon")},
        passages="in Mon 15:00, out Tue 00:30",
    ),
    Case(
        "not absent before the shift is over",
        {"Mon": "not yet"},
        shifts={"late": shift("15:00", "23:30")},
        now="Mon 23:29",
    ),
    Case("absent once it is over", {"Mon": "absent"}, shifts={"late": shift("15:00", "23:30")}, now="Tue 00:30"),
    Case(
        "two nights in a row",
        {"Mon": "on time, hours 8.00", "Tue": "on time, hours 8.00"},
        shifts=NIGHT,
        passages="in Mon 22:00, out Tue 06:00, in Tue 22:00, out Wed 06:00",
    ),
    Case(
        "two nights in a row without directions",
        {"Mon": "on time, hours 8.00", "Tue": "on time, hours 8.00"},
        shifts=NIGHT,
        passages="Mon 22:00, Tue 06:00, Tue 22:00, Wed 06:00",
    ),
    Case(
        "a late shift and an early one the next day",
        {"Mon": "on time, hours 8.17", "Tue": "on time, hours 8.17"},
        shifts={"late": shift("14:00", "22:00", "mon"), "early": shift("06:00", "14:00", "tue")},
        passages="in Mon 14:00, out Mon 22:10, in Tue 05:50, out Tue 14:00",
    ),
    Case(
        "a night and a late shift on the day it ends",
        {"Mon": "on time, hours 8.00", "Tue": "on time, hours 8.00"},
        shifts={"night": shift("22:00", "06:00", "mon"), "late": shift("14:00", "22:00", "tue")},
        passages="in Mon 22:00, out Tue 06:00, in Tue 14:00, out Tue 22:00",
    ),
    Case(
        "24 hours on duty",
        {"Mon": "on time, hours 24.25, open ", "Tue": ""},
        shifts={"fire": shift("07:00", "07:00", "mon")},
        passages="in Mon 06:50, out Tue 07:05",
    ),
    Case(
        "the night of the new year belongs to the old one",
        {"Thu": "present, hours 1.50", "Fri": ""},
        shifts={},
        monday=date(2026, 12, 28),
        passages="in Thu 23:45, out Fri 01:15",
    ),
]

CLOCKS = [
    Case(
        "an hour is skipped in a night, Berlin",
        {"Sat": "on time, hours 7.00, planned_hours 7.00"},
        shifts=NIGHT,
        monday=date(2026, 3, 23),
        passages="in Sat 22:00, out Sun 06:00",
    ),
    Case(
        "an hour comes twice in a night, Berlin",
        {"Sat": "on time, hours 9.00, planned_hours 9.00"},
        shifts=NIGHT,
        monday=date(2026, 10, 19),
        passages="in Sat 22:00, out Sun 06:00",
    ),
    Case(
        "an hour is skipped in a night, New York",
        {"Sat": "on time, hours 7.00, balance 0"},
        shifts=NIGHT,
        zone="America/New_York",
        monday=date(2026, 3, 2),
        passages="in Sat 22:00, out Sun 06:00",
    ),
    Case(
        "half an hour is skipped in a night, Lord Howe",
        {"Sat": "on time, hours 7.50, balance 0"},
        shifts=NIGHT,
        zone="Australia/Lord_Howe",
        monday=date(2026, 9, 28),
        passages="in Sat 22:00, out Sun 06:00",
    ),
    Case(
        "the day after the change is as long as ever",
        {"Sun": "on time, hours 8.00, utc_offset UTC+01:00"},
        shifts={"office": shift("09:00", "17:30", "sun", break_min=30)},
        monday=date(2026, 10, 19),
        passages="in Sun 09:00, out Sun 17:30",
    ),
    Case(
        "far from Greenwich the date is the workplace's",
        {"Mon": "on time, hours 8.00", "Tue": "absent", "Sun": ""},
        zone="Pacific/Honolulu",
        passages="in Mon 09:00, out Mon 17:30",
    ),
]

FAIR = HolidaysConfig(extra={date(2026, 11, 23): "Fair"})
HOLIDAYS = [
    Case(
        "a holiday that is worked",
        {"Mon": "present, hours 4.00, planned_hours , late , balance 4"},
        shifts=MORNING,
        holidays=FAIR,
        passages="in Mon 08:30, out Mon 12:30",
    ),
    Case("nobody is absent on a holiday", {"Mon": "holiday, planned_hours , balance 0"}, holidays=FAIR),
    Case(
        "a shift that is worked on holidays, too",
        {"Mon": "absent, planned_hours 8.00"},
        holidays=FAIR,
        shifts={"office": shift("09:00", "17:30", break_min=30, on_holidays=True)},
    ),
    Case("nobody is absent on a weekly day off", {"Sat": "", "Sun": ""}),
    Case(
        "work on a weekly day off",
        {"Sat": "present, hours 3.00, planned_hours , balance 3"},
        passages="in Sat 08:00, out Sat 11:00",
    ),
    Case(
        "a holiday of another region",
        {"Mon": "absent"},
        holidays=HolidaysConfig(groups={"munich": {"departments": ["Munich"], "extra": {"2026-11-23": "Fair"}}}),
    ),  # type: ignore[dict-item]
    Case(
        "a holiday of one's own region",
        {"Mon": "holiday"},
        holidays=HolidaysConfig(groups={"lab": {"departments": ["Lab"], "extra": {"2026-11-23": "Fair"}}}),
    ),  # type: ignore[dict-item]
    Case(
        "a public holiday that is a working day here",
        {"Fri": "absent"},
        monday=date(2026, 12, 21),
        holidays=HolidaysConfig(country="DE", working=(date(2026, 12, 25),)),
    ),
]

EMPLOYED = [
    Case(
        "joining in the middle of the month",
        {"Mon": "", "Tue": "", "Wed": "absent"},
        career=("employed - no", "employed Wed yes"),
    ),
    Case(
        "joining before the photos are taken",
        {"Tue": "", "Wed": "not enrolled, planned_hours 8.00, balance 0", "Thu": "absent"},
        career=("employed - no", "employed Wed yes"),
        person=Person("E1", "Ann Lee", "Lab", enrolled_at="2026-11-26T08:00:00+01:00"),
    ),
    Case("the relieving date is the last day", {"Tue": "absent", "Wed": "", "Thu": ""}, career=("employed Wed no",)),
    Case(
        "seen after the last day",
        {"Wed": "present, hours 8.50, planned_hours "},
        career=("employed Wed no",),
        shifts={"office": shift("09:00", "17:30", break_min=30, break_off_plan=False)},
        passages="in Wed 09:00, out Wed 17:30",
    ),
    Case(
        "inactive people are not absent",
        {"Mon": ""},
        person=Person("E1", "Ann Lee", "Lab", enrolled_at=ANN.enrolled_at, active=False),
    ),
    Case(
        "back after a gap",
        {"Mon": "absent", "Tue": "", "Wed": "", "Thu": "absent"},
        career=("employed Tue no", "employed Thu yes"),
    ),
    Case(
        "moving to another department",
        {"Mon": "on time, hours 8.00, department Lab", "Wed": "on time, hours 4.00, shift desk"},
        shifts={
            "lab": shift("09:00", "17:30", break_min=30, departments=("Lab",)),
            "desk": shift("13:00", "17:00", departments=("Desk",)),
        },
        career=("department - Lab", "department Wed Desk"),
        passages="in Mon 09:00, out Mon 17:30, in Wed 13:00, out Wed 17:00",
    ),
    Case(
        "an assigned shift comes before the usual one",
        {"Tue": "absent, shift office", "Wed": "on time, shift late"},
        shifts=OFFICE | TURNS,
        career=('shift - ""', "shift Wed late"),
        passages="in Wed 14:00, out Wed 22:00",
    ),
    Case(
        "after the assignment the usual shift holds again",
        {"Tue": "absent, shift late", "Wed": "absent, shift office"},
        shifts=OFFICE | TURNS,
        career=('shift - ""', "shift Tue late", 'shift Wed ""'),
    ),
    Case(
        "a rotation by weeks",
        {"Mon": "on time, shift early", "Mon+": "on time, shift late", "Mon++": "absent, shift night"},
        shifts=TURNS,
        rotas={"a": RotaConfig(cycle=("early", "late", "night"), anchor=date(2026, 11, 23), people=("E1",))},
        passages="in Mon 06:00, out Mon 14:00, in Mon+ 14:00, out Mon+ 22:00",
    ),
    Case(
        "four days on, four days off",
        {"Thu": "absent", "Fri": "", "Mon+": "", "Tue+": "absent"},
        shifts={"long": shift("06:30", "18:30", "mon-sun", assigned_only=True)},
        rotas={"four": RotaConfig(cycle=("long", "off"), anchor=date(2026, 11, 23), days_each=4, people=("E1",))},
    ),
    Case(
        "a split shift",
        {"Mon": "on time, hours 8.00, planned_hours 8.00"},
        shifts={"split": shift("08:00", "20:00", break_min=240)},
        passages="in Mon 08:00, out Mon 12:00, in Mon 16:00, out Mon 20:00",
    ),
    Case(
        "a new timetable does not change the past",
        {"Tue": "late, late_min 30", "Wed": "on time"},
        shifts={
            "old": shift("09:00", "17:00", valid_until=date(2026, 11, 24)),
            "new": shift("10:00", "17:00", valid_from=date(2026, 11, 25)),
        },
        passages="in Tue 09:30, out Tue 17:00, in Wed 09:30, out Wed 17:00",
    ),
]

PART_TIME = {"part": shift("08:00", "12:00", "mon,wed,fri")}
LEAVE = [
    Case(
        "a whole day",
        {"Mon": "on leave, hours , credited_hours 8.00, balance 0, leave_days 1"},
        leave=("Mon|Mon|annual leave",),
    ),
    Case("pending leave is no leave yet", {"Mon": "absent, balance -8"}, leave=("Mon|Mon|annual leave|pending",)),
    Case("rejected leave is none", {"Mon": "absent"}, leave=("Mon|Mon|annual leave|rejected",)),
    Case("cancelled leave is none", {"Mon": "absent"}, leave=("Mon|Mon|annual leave|cancelled",)),
    Case(
        "half a day, the other half worked",
        {"Mon": "on time, hours 4.00, credited_hours 4.00, balance 0, planned_in 13:30"},
        leave=("Mon|Mon|annual leave|approved|morning",),
        passages="in Mon 13:30, out Mon 17:30",
    ),
    Case(
        "half a day, the other half missed",
        {"Mon": "absent, credited_hours 4.00, balance -4, leave_days 0.5"},
        leave=("Mon|Mon|annual leave|approved|afternoon",),
    ),
    Case(
        "half a day, nobody said which",
        {"Mon": "present, hours 4.00, late , balance 0"},
        leave=("Mon|Mon|half day annual leave",),
        passages="in Mon 10:00, out Mon 14:00",
    ),
    Case(
        "half a day at the end of a longer leave",
        {"Mon": "on leave, leave_days 1", "Tue": "on time, hours 4.00, leave_days 0.5"},
        leave=("Mon|Tue|annual leave|approved|morning|Tue",),
        passages="in Tue 13:30, out Tue 17:30",
    ),
    Case(
        "from Friday to Monday: two days",
        {"Fri": "on leave, leave_days 1", "Sat": "", "Sun": "", "Mon+": "on leave, leave_days 1"},
        leave=("Fri|Mon+|annual leave",),
    ),
    Case(
        "a holiday between days of leave is none",
        {"Mon": "holiday, leave_days ", "Tue": "on leave, leave_days 1"},
        holidays=FAIR,
        leave=("Mon|Tue|annual leave",),
    ),
    Case(
        "illness during a holiday",
        {"Tue": "on leave", "Wed": "sick, leave sick leave", "Thu": "on leave"},
        leave=("Mon|Fri|annual leave", "Wed|Wed|sick leave"),
    ),
    Case(
        "two halves of two kinds",
        {"Mon": "sick, credited_hours 8.00, leave_days 1"},
        leave=("Mon|Mon|annual leave|approved|morning", "Mon|Mon|sick leave|approved|afternoon"),
    ),
    Case(
        "unpaid leave is missing in the balance",
        {"Mon": "on leave, credited_hours , balance -8"},
        leave=("Mon|Mon|unpaid leave",),
    ),
    Case(
        "parental leave asks for no hours",
        {"Mon": "on leave, planned_hours , balance 0"},
        leave=("Mon|Mon|Elternzeit",),
    ),
    Case("a remote day", {"Mon": "remote, credited_hours 8.00, balance 0"}, leave=("Mon|Mon|home office",)),
    Case(
        "work on a day of leave",
        {"Mon": "on leave, hours 8.00, credited_hours , late , balance 0"},
        leave=("Mon|Mon|annual leave",),
        passages="in Mon 11:00, out Mon 19:30",
    ),
    Case(
        "leave before joining does not count",
        {"Mon": "", "Wed": "on leave, leave_days 1"},
        leave=("Mon|Wed|annual leave",),
        career=("employed - no", "employed Wed yes"),
    ),
    Case(
        "part time: only planned days count",
        {"Mon": "on leave, credited_hours 4.00", "Tue": "", "Wed": "on leave, leave_days 1"},
        shifts=PART_TIME,
        leave=("Mon|Wed|annual leave",),
    ),
    Case(
        "leave on a night",
        {"Mon": "on leave, credited_hours 8.00", "Tue": "absent"},
        shifts=NIGHT,
        leave=("Mon|Mon|annual leave",),
    ),
    Case(
        "leave without a shift",
        {"Fri": "on leave, leave_days 1, credited_hours ", "Sat": ""},
        shifts={},
        leave=("Fri|Sat|annual leave",),
    ),
]

BREAKS = [
    Case(
        "the planned break is deducted",
        {"Mon": "on time, hours 8.00, break_hours 0.50"},
        passages="in Mon 09:00, out Mon 17:30",
    ),
    Case(
        "not from six hours",
        {"Mon": "left early, hours 6.00, break_hours 0.00"},
        passages="in Mon 09:00, out Mon 15:00",
    ),
    Case(
        "a little more is not paid less",
        {"Mon": "left early, hours 6.00, break_hours 0.33"},
        passages="in Mon 09:00, out Mon 15:20",
    ),
    Case(
        "unless the settings want it",
        {"Mon": "left early, hours 5.83"},
        passages="in Mon 09:00, out Mon 15:20",
        shifts={"office": shift("09:00", "17:30", break_min=30, break_floor=False)},
    ),
    Case(
        "several breaks",
        {"Mon": "on time, hours 7.58, break_hours 0.92"},
        passages="in Mon 09:00, out Mon 10:00, in Mon 10:15, out Mon 12:00, in Mon 12:30, out Mon 15:00, in Mon 15:10, out Mon 17:30",
    ),
    Case(
        "a break longer than planned",
        {"Mon": "on time, hours 7.00, balance -1"},
        passages="in Mon 09:00, out Mon 12:00, in Mon 13:30, out Mon 17:30",
    ),
    Case(
        "a break shorter than planned",
        {"Mon": "on time, hours 8.00, break_hours 0.50"},
        passages="in Mon 09:00, out Mon 12:00, in Mon 12:10, out Mon 17:30",
    ),
]

FOUR_EYES = {"count_unapproved": False, "four_eyes": True}
CORRECTIONS = [
    Case(
        "a check-out that was forgotten",
        {"Mon": "on time, hours 8.00, recorded_status missing out, corrected_by hr"},
        passages="in Mon 09:00",
        fixes=("hr add Mon out Mon 17:30",),
    ),
    Case(
        "a whole day entered by hand",
        {"Mon": "late, hours 7.00, recorded_status absent"},
        fixes=("hr add Mon in Mon 10:00", "hr add Mon out Mon 17:30"),
    ),
    Case(
        "a check-out after midnight",
        {"Mon": "on time, hours 10.00", "Tue": "absent"},
        shifts={"late": shift("14:30", "22:30")},
        passages="in Mon 14:30",
        fixes=("hr add Mon out Tue 00:30",),
    ),
    Case(
        "waiting for approval",
        {"Mon": "missing out, pending_status on time, pending_hours 8.00, open yes"},
        passages="in Mon 09:00",
        fixes=("hr add Mon out Mon 17:30",),
        config=FOUR_EYES,
    ),
    Case(
        "approved",
        {"Mon": "on time, hours 8.00, approved_by lead, pending_status "},
        passages="in Mon 09:00",
        fixes=("hr add Mon out Mon 17:30", "lead approve Mon"),
        config=FOUR_EYES,
    ),
    Case(
        "revoked",
        {"Mon": "missing out, corrected_by "},
        passages="in Mon 09:00",
        fixes=("hr add Mon out Mon 17:30", "hr revoke Mon c0"),
    ),
    Case(
        "somebody else's passage is taken out",
        {"Mon": "on time, hours 8.00, recorded_status missing in"},
        passages="in Mon 09:00, out Mon 12:00, out Mon 17:30",
        fixes=("hr remove Mon e1",),
    ),
    Case("an absence is excused", {"Mon": "excused, credited_hours 8.00, balance 0"}, fixes=("hr status Mon excused",)),
    Case(
        "an entry by hand counts more than the cameras",
        {"Mon": "absent, hours 8.00, recorded_status on time"},
        passages="in Mon 09:00, out Mon 17:30",
        fixes=("hr status Mon absent",),
    ),
    Case(
        "as planned",
        {"Mon": "as planned, hours 8.00, balance 0"},
        passages="in Mon 09:00",
        fixes=("hr status Mon as planned",),
    ),
    Case(
        "present in place of a day of leave",
        {"Mon": "present, hours 6.50, credited_hours , left_early yes, leave , note , balance -1.5"},
        passages="in Mon 09:00, out Mon 16:00",
        leave=("Mon|Mon|home office",),
        fixes=("hr status Mon present",),
    ),
]

CASES = [*PAIRS, *GRACES, *NIGHTS, *CLOCKS, *HOLIDAYS, *EMPLOYED, *LEAVE, *BREAKS, *CORRECTIONS]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_case_from_the_field(tmp_path: Path, case: Case) -> None:
    for word, want in case.want.items():
        row = case.sheet(word, tmp_path)
        found = figures(row) if row else {}
        status, *rest = want.replace("late, left early", "late+left early").split(", ")
        wanted = {"status": status.replace("+", ", ")} | dict(cell.split(" ", 1) for cell in rest)
        assert {name: found.get(name, "") for name in wanted} == wanted, word
