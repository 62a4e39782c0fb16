"""Rows of day sheets that the tests of exports share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from html.parser import HTMLParser
from typing import Any

from engine.exports import (
    COLUMNS,
    STATUSES,
    month_report,
    muster_list_html,
)

NOW = datetime(2026, 12, 1, 9, 5, tzinfo=timezone(timedelta(hours=1)))


SCRIPT = '<script>alert("x")</script>'


def row(day: int = 2, **values: object) -> dict[str, object]:
    """A day of Ann's as the sheet has it; on time unless said otherwise."""
    usual: dict[str, object] = {
        **dict.fromkeys(COLUMNS, ""),
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
    return {**usual, **values}


def unseen(day: int, status: str, **values: object) -> dict[str, object]:
    """A planned day on which nobody was seen."""
    return row(day, status=status, first_in="", last_out="", hours="", late_min="", early_min="", **values)


def month(people: int) -> list[dict[str, object]]:
    """The working days of November 2026 of so many people, every status among them."""
    words = list(STATUSES)
    days = [day for day in range(1, 31) if date(2026, 11, day).weekday() < 5]
    rows = []
    for person in range(people):
        for index, day in enumerate(days):
            word = words[(person * 7 + index) % len(words)] if (person + index) % 4 == 0 else "on time"
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


def report(rows: Sequence[dict[str, object]], **options: Any) -> Page:
    usual = {"title": "Attendance", "organisation": "Works", "generated_at": NOW, "verified": "30 days verified"}
    return Page(month_report(rows, **{**usual, **options}))


def muster(rows: Sequence[dict[str, object]], **options: Any) -> Page:
    return Page(muster_list_html(rows, **{"generated_at": NOW, "place": "Hall 2", **options}))


def inside(
    employee_id: str, name: str, department: str = "Lab", state: str = "inside", **more: object
) -> dict[str, object]:
    base = {"date": "2026-12-01", "since": "08:31:10", "last_seen": "2026-12-01T09:01:00+01:00", "camera": "door"}
    return {"employee_id": employee_id, "name": name, "department": department, "state": state, **base, **more}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
