"""Rows of day sheets that the tests of exports share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from html.parser import HTMLParser
from itertools import cycle
from typing import Any
from zoneinfo import ZoneInfo

from engine.attendance import Book, DaySheet, Inside, Presence, Rota, Status
from engine.attendance.day import Variant, credit
from engine.attendance.explain import Part
from engine.config import AwayPart, HolidaysConfig
from engine.reports import STATUSES, month_report, muster_list_html
from engine.types import Person

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 12, 1, 9, 5, tzinfo=timezone(timedelta(hours=1)))


def plain_book(people: Mapping[str, Person], zone: ZoneInfo) -> Book:
    """A book without plan, coverage, leave or corrections: only who was seen when."""
    return Book(people, Rota({}, HolidaysConfig(), zone), zone)


SCRIPT = '<script>alert("x")</script>'


def row(day: int = 2, **values: object) -> DaySheet:
    """A day of Ann's, given as the cells of the sheet or as fields; on time unless said otherwise."""
    usual: dict[str, object] = {
        "employee_id": "E1",
        "name": "Ann Ray",
        "date": f"2026-11-{day:02d}",
        "first_in": "08:55:10",
        "last_out": "17:10:40",
        "hours": "7.76",
        "status": "on time",
        "punches": 2,
        "utc_offset": "UTC+01:00",
        "department": "Lab",
        "shift": "day",
        "planned_in": "09:00",
        "planned_out": "17:00",
        "planned_hours": "7.50",
        "late_min": 0,
        "early_min": 0,
        "covered_pct": 100,
    }
    return typed({**usual, **values})


def typed(cells: Mapping[str, object]) -> DaySheet:
    """A day from its cells; what they do not tell follows from those that they do."""
    left = dict(cells)

    def take(name: str) -> str:
        return str(left.pop(name, ""))

    def minutes(name: str) -> int | None:
        text = take(name)
        return int(text) if text else None

    day, status = date.fromisoformat(take("date")), Status(take("status"))
    planned_in = _at(day, take("planned_in"))
    planned_out = _after(planned_in, _at(day, take("planned_out")))
    first_in = _at(day, take("first_in"))
    if first_in and planned_in and abs(first_in - planned_in) > timedelta(hours=12):  # around midnight
        first_in += timedelta(days=1 if first_in < planned_in else -1)
    last_out = _after(first_in, _at(day, take("last_out")))
    worked, asked = _hours(take("hours")), _hours(take("planned_hours"))
    planned = asked if planned_in else None
    stayed, breaks, note = _hours(take("presence_hours")), _hours(take("break_hours")), take("note")
    similarity, covered, recorded_status = take("similarity_in"), take("covered_pct"), take("recorded_status")
    late_min, early_min = minutes("late_min"), minutes("early_min")
    arrival = None if status in {Status.NOT_COVERED, Status.MISSING_IN} else first_in
    open_ = {Status.NOT_COVERED, Status.MISSING_OUT, Status.INSIDE, Status.POSSIBLY_INSIDE}
    departure = None if status in open_ else last_out
    judged = planned is not None and STATUSES[status].group != "away"
    late = "late" in status or bool(late_min) if judged and arrival else None
    left_early = "left early" in status or bool(early_min) if judged and departure else None
    sides = {Status.INSIDE: Presence.INSIDE, Status.POSSIBLY_INSIDE: Presence.UNSURE}
    found = DaySheet(
        employee_id=take("employee_id"),
        day=day,
        status=status,
        presence=sides.get(status, Presence.OUTSIDE),
        first_in=first_in,
        last_out=last_out,
        arrival=arrival,
        departure=departure,
        late=late,
        left_early=left_early,
        late_min=late_min if late is not None else None,
        early_min=early_min if left_early is not None else None,
        worked=worked,
        breaks=breaks,
        stayed=stayed or (last_out - first_in if first_in and last_out else None),
        planned_in=planned_in,
        planned_out=planned_out,
        planned=planned,
        credited=credit(status, planned, worked),
        covered_pct=int(covered) if covered else None,
        similarity_in=float(similarity) if similarity else None,
        notes=(Part("{note}", {"note": note}),) if note else (),
        leave=(AwayPart("", status, status),) if status in {Status.ON_LEAVE, Status.REMOTE, Status.SICK} else (),
        recorded=Variant(
            _at(day, take("recorded_first_in")),
            _at(day, take("recorded_last_out")),
            _hours(take("recorded_hours")),
            Status(recorded_status) if recorded_status else None,
        ),
    )
    return replace(found, **left)  # type: ignore[arg-type] - cells that are fields as they stand


def _at(day: date, text: str) -> datetime | None:
    return datetime.combine(day, time.fromisoformat(text), BERLIN) if text else None


def _after(begin: datetime | None, end: datetime | None) -> datetime | None:
    """An end on the next day where the clock says that it comes before its beginning."""
    return end + timedelta(days=1) if begin and end and end < begin else end


def _hours(text: str) -> timedelta | None:
    return timedelta(hours=float(text)) if text else None


def unseen(day: int, status: str, **values: object) -> DaySheet:
    """A planned day on which nobody was seen."""
    return row(
        day,
        **{"status": status, "first_in": "", "last_out": "", "hours": "", "late_min": "", "early_min": "", **values},
    )


def month(people: int) -> list[DaySheet]:
    """The working days of November 2026 of so many people, every status among them."""
    words = cycle(STATUSES)
    days = [day for day in range(1, 31) if date(2026, 11, day).weekday() < 5]
    rows = []
    for person in range(people):
        for index, day in enumerate(days):
            word = next(words) if (person + index) % 4 == 0 else "on time"
            who = {"employee_id": f"E{person:03d}", "name": f"Person {person}", "department": f"D{person % 5}"}
            if STATUSES[word].group == "worked":
                late = 25 if "late" in word else 0
                rows.append(row(day, status=word, first_in=f"{9:02d}:{late:02d}:00", late_min=late, **who))
            else:
                rows.append(unseen(day, word, **who))
    return rows


VOID = {"meta", "br", "hr", "img", "input", "link", "path", "rect", "circle", "wbr"}


class Page(HTMLParser):
    """A page that was read: elements in order, visible text, and whether all that was opened was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"{tag} ends here, but something else is open"

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style" and data.strip():
            self.words.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def count(self, tag: str, css: str = "") -> int:
        return sum(name == tag and css in (attrs.get("class") or "") for name, attrs in self.elements)


def report(rows: Sequence[DaySheet], **options: Any) -> Page:
    usual = {"title": "Attendance", "organisation": "Works", "generated_at": NOW, "verified": "30 days verified"}
    return Page(month_report(rows, **{**usual, **options}))


def muster(rows: Sequence[Inside], **options: Any) -> Page:
    return Page(muster_list_html(rows, **{"generated_at": NOW, "place": "Hall 2", **options}))


def inside(employee_id: str, name: str, department: str = "Lab", state: str = "inside", **fields: Any) -> Inside:
    """Somebody who is inside since 08:31 and was last seen at 09:01."""
    since, seen = NOW.replace(hour=8, minute=31, second=10), NOW.replace(minute=1)
    usual = Inside(employee_id, name, department, Presence(state), since, seen, "door", NOW.date())
    return replace(usual, **fields)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
