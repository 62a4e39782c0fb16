"""Filters of the attendance page: one row, kept in the address so that users can share it and go back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

import streamlit as st

from app.ui import parts, people_filter
from app.ui.address import day_of, put
from app.words import date_format, say, say_date
from engine.attendance import DaySheet
from engine.operations.reporting import AttendanceReports
from engine.types import Person
from engine.workbench import Workbench

SHOWN = timedelta(days=92)
"""The longest range that the page draws day by day."""
LONGEST = timedelta(days=366)
"""The longest range of a download."""
_KEY = "attendance-{}".format


@dataclass(frozen=True)
class SheetFilter:
    """What is to be shown.

    Attributes:
        first, last: days, both included.
        department: empty: all.
        find: part of a name or id; empty: everybody.
    """

    first: date
    last: date
    department: str = ""
    find: str = ""

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


def wanted(today: date) -> SheetFilter:
    """The filter in the address: by default today, at most `LONGEST`; `cut` says what was left out."""
    first = day_of(st.query_params.get("from", "")) or today
    last = max(first, day_of(st.query_params.get("to", "")) or first)
    last = min(last, first + LONGEST - timedelta(days=1))
    return SheetFilter(first, last, st.query_params.get("department", ""), st.query_params.get("find", "").strip())


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


def row(asked: SheetFilter, today: date, people: Iterable[Person]) -> None:
    """Draw the row."""
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
        put(**{"from": "" if first == today else first.isoformat(), "to": "" if last == first else last.isoformat()})

    def days() -> None:
        chosen = st.session_state[_KEY("days")]
        if len(chosen) == 2:
            put(**{"from": chosen[0].isoformat(), "to": chosen[1].isoformat() if chosen[1] != chosen[0] else ""})

    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        st.segmented_control(
            say("Period"), list(names), key=_KEY("period"), on_change=period, format_func=lambda name: names[name]
        )
        st.date_input(say("Days"), key=_KEY("days"), on_change=days, format=date_format(), width=222)
        people_filter.fields("attendance", asked.department, asked.find, people, width=145)
