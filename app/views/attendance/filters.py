"""Filters of the attendance page: one row, kept in the address so that users can share it and go back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import streamlit as st

from app.ui import parts, people_filter
from app.ui.address import day_of, put
from app.words import date_format, say, say_date
from engine.attendance import DaySheet, Status
from engine.operations.reporting import AttendanceReports
from engine.types import Person
from engine.workbench import Workbench

SHOWN = timedelta(days=92)
"""The longest range that the page draws day by day."""
LONGEST = timedelta(days=366)
"""The longest range of a download."""
_KEY = "attendance-{}".format
_BACK_DAYS = 15


@dataclass(frozen=True)
class SheetFilter:
    """What is to be shown.

    Attributes:
        first, last: days, both included.
        department: empty: all.
        find: part of a name or id; empty: everybody.
        show: one of `KINDS`, the rows that a figure counts; empty: all.
    """

    first: date
    last: date
    department: str = ""
    find: str = ""
    show: str = ""

    @property
    def shown(self) -> SheetFilter:
        """The same without the days that are too many for the page."""
        return replace(self, last=min(self.last, self.first + SHOWN - timedelta(days=1)))

    def keeps(self, row: DaySheet) -> bool:
        """Whether a row of the sheet is shown, by person."""
        return people_filter.keeps(row, self.department, self.find)

    def rows(self, bench: Workbench) -> list[DaySheet]:
        """The rows of the sheet that are shown."""
        return [row for row in AttendanceReports(bench).rows(self.first, self.last) if self.keeps(row)]


KINDS: Mapping[str, Callable[[DaySheet], bool]] = {
    "present": lambda row: row.present,
    "late": lambda row: row.late is True,
    "not_yet": lambda row: row.status is Status.NOT_YET,
    "absent": lambda row: row.status is Status.ABSENT,
    "away": lambda row: row.away,
    "not_identified": lambda row: row.status in {Status.NOT_IDENTIFIED, Status.NOT_COVERED},
    "uncovered": lambda row: row.covered_pct is not None and row.covered_pct < 99.5,
}
"""The rows that each figure counts."""


def opening(bench: Workbench, today: date) -> date:
    """The day on which the page opens: today, or on a day off the last day on which somebody was expected or came."""
    if not bench.config.shifts:
        return today
    reports = AttendanceReports(bench)
    for back in range(_BACK_DAYS):
        day = today - timedelta(days=back)
        if any(row.expected or row.present for row in reports.rows(day, day)):
            return day
    return today


def wanted(opens: date) -> SheetFilter:
    """The filter in the address: by default the day on which the page opens, at most `LONGEST`; `cut` says what was left out."""
    first = day_of(st.query_params.get("from", "")) or opens
    last = max(first, day_of(st.query_params.get("to", "")) or first)
    last = min(last, first + LONGEST - timedelta(days=1))
    asked = st.query_params
    show = asked.get("show", "")
    return SheetFilter(
        first, last, asked.get("department", ""), asked.get("find", "").strip(), show if show in KINDS else ""
    )


def cut(asked: SheetFilter) -> None:
    """Say which of the days in the address are not shown."""
    days = {"first": say_date(asked.first), "last": say_date(asked.shown.last)}
    to = day_of(st.query_params.get("to", ""))
    if to is not None and to > asked.last:
        limit = say("Downloads end on {day}: a year is the longest range.", day=say_date(asked.last))
    else:
        limit = say("Downloads hold all days until {day}.", day=say_date(asked.last))
    if asked.shown != asked:
        st.warning(
            parts.plain(say("The page shows 92 days, from {first} to {last}.", **days) + " " + limit),
            icon=":material/date_range:",
        )


def spans(today: date) -> dict[str, tuple[date, date]]:
    """First and last day of each period."""
    yesterday, monday, first = today - timedelta(days=1), today - timedelta(days=today.weekday()), today.replace(day=1)
    before = first - timedelta(days=1)
    return {
        "today": (today, today),
        "yesterday": (yesterday, yesterday),
        "week": (monday, today),
        "month": (first, today),
        "last": (before.replace(day=1), before),
    }


def row(asked: SheetFilter, today: date, opens: date, people: Iterable[Person]) -> None:
    """Draw the row; without a day in the address the page shows the one on which it opens."""
    names = {
        "today": say("Today"),
        "yesterday": say("Yesterday"),
        "week": say("Week"),
        "month": say("Month"),
        "last": say("Last month"),
    }
    offered = spans(today)
    st.session_state[_KEY("period")] = next(
        (name for name, span in offered.items() if span == (asked.first, asked.last)), None
    )
    st.session_state[_KEY("days")] = (asked.first, asked.last)

    def period() -> None:
        first, last = offered[st.session_state[_KEY("period")] or "today"]
        _go(first, last, opens)

    def days() -> None:
        chosen = st.session_state[_KEY("days")]
        if len(chosen) == 2:
            _go(chosen[0], chosen[1], opens)

    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        st.segmented_control(
            say("Period"), list(names), key=_KEY("period"), on_change=period, format_func=lambda name: names[name]
        )
        st.date_input(say("Days"), key=_KEY("days"), on_change=days, format=date_format(), width=222)
        people_filter.fields("attendance", asked.department, asked.find, people, width=145)


def _go(first: date, last: date, opens: date) -> None:
    """Show other days."""
    alone = first == last
    days = {"from": "" if alone and first == opens else first.isoformat(), "to": "" if alone else last.isoformat()}
    put(**days, page="")
