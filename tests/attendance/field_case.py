"""One case from the field: what is given, and what must come out.

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

from engine.attendance import Book, Correction, DayRows, DaySheet, PunchRow, Rota, day_sheet
from engine.attendance.coverage import Coverage
from engine.config import AttendanceConfig, HolidaysConfig, RotaConfig, ShiftConfig
from engine.people import Career, EmploymentRow, LeaveBook, PeopleStore, import_table
from engine.types import Person, Position

WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ANN = Person("E1", "Ann Lee", "Lab", enrolled_at="2026-01-05T10:00:00+00:00")
LEAVE_HEAD = "id,from,to,type,status,half day,half day date"


def shift(start: str, end: str, days: str = "mon-fri", **more: Any) -> ShiftConfig:
    return ShiftConfig(start=time.fromisoformat(start), end=time.fromisoformat(end), days=days, **more)


OFFICE = {"office": shift("09:00", "17:30", break_min=30)}
NIGHT = {"night": shift("22:00", "06:00", "mon-sun")}
MORNING = {"morning": shift("08:00", "12:00")}
FAIR = HolidaysConfig(extra={date(2026, 11, 23): "Fair"})
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
        later: rows of a list that is imported after it.
        fixes: corrections: author, action, day, and what it takes.
        career: dated facts: fact, first day (`-`: since ever), value.
        off: time of a day when the camera was off.
        policy: what other systems decide, where Muster decides otherwise; empty: the same.
    """

    name: str
    want: Mapping[str, str]
    passages: str = ""
    shifts: Mapping[str, ShiftConfig] = field(default_factory=lambda: OFFICE)
    rotas: Mapping[str, RotaConfig] = field(default_factory=dict)
    holidays: HolidaysConfig = field(default_factory=HolidaysConfig)
    leave: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()
    career: tuple[str, ...] = ()
    person: Person = ANN
    off: str = ""
    now: str = ""
    zone: str = "Europe/Berlin"
    monday: date = date(2026, 11, 23)
    config: Mapping[str, Any] = field(default_factory=dict)
    policy: str = ""

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
        people.put_all([self.person])
        for rows in filter(None, (self.leave, self.later)):
            lines = [LEAVE_HEAD]
            for row in rows:
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
