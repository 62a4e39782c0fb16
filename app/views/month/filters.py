"""The days and people of the month page: one row, kept in the address so that users can share it and go back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import streamlit as st

from app.ui import people_filter
from app.ui.address import day_of, put
from app.words import date_format, say, say_date, say_month
from engine.attendance import DaySheet, Status
from engine.config import AttendanceConfig
from engine.reports import AWAITING
from engine.types import Person

LONGEST = timedelta(days=62)
"""The longest period that the page draws."""
_KEY = "month-{}".format
_CALENDAR = AttendanceConfig()

KINDS: Mapping[str, Callable[[DaySheet], bool]] = {
    "open": lambda row: row.to_settle,
    "late": lambda row: row.late is True,
    "early": lambda row: row.left_early is True,
    "absent": lambda row: row.status is Status.ABSENT,
    "away": lambda row: row.away,
    "corrected": lambda row: bool(row.corrected_by),
    AWAITING: lambda row: row.awaiting_approval,
}
"""Kinds of days by the word in the address."""


@dataclass(frozen=True)
class MonthFilter:
    """What is to be shown.

    Attributes:
        first, last: days, both included.
        department, find: as on the attendance page; empty: all.
        kind: one of `KINDS`: only people with such a day; empty: everybody.
        rules: on which day a month begins.
    """

    first: date
    last: date
    department: str = ""
    find: str = ""
    kind: str = ""
    rules: AttendanceConfig = _CALENDAR

    @property
    def whole(self) -> bool:
        """Whether it is a month, as payroll counts them."""
        return (self.first, self.last) == self.rules.payroll_month_of(self.first)

    @property
    def title(self) -> str:
        """The month, or the period."""
        if not self.whole:
            return f"{say_date(self.first)} – {say_date(self.last)}"
        if self.first.day == 1:
            return say_month(self.last)
        days = f"{say_date(self.first, year=False)} – {say_date(self.last, year=False)}"
        return f"{say_month(self.last)} ({days})"

    def keeps(self, row: DaySheet) -> bool:
        """Whether a row is shown, by person."""
        return people_filter.keeps(row, self.department, self.find)

    def of_kind(self, rows: Sequence[DaySheet]) -> list[DaySheet]:
        """All rows of the people who have a day of the kind."""
        if self.kind not in KINDS:
            return list(rows)
        who = {row.employee_id for row in rows if KINDS[self.kind](row)}
        return [row for row in rows if row.employee_id in who]


def wanted(today: date, rules: AttendanceConfig) -> MonthFilter:
    """The filter in the address: by default this month, at most `LONGEST`."""
    asked = st.query_params
    first, last = rules.payroll_month_of(today)
    if begin := day_of(asked.get("from", "")):
        first = begin
        last = max(first, day_of(asked.get("to", "")) or rules.payroll_month_of(first)[1])
    last = min(last, first + LONGEST - timedelta(days=1))
    department, find, kind = (asked.get(name, "").strip() for name in ("department", "find", "kind"))
    return MonthFilter(first, last, department, find, kind, rules)


def _put(span: tuple[date, date], today: date, rules: AttendanceConfig) -> None:
    this, usual = span == rules.payroll_month_of(today), span == rules.payroll_month_of(span[0])
    put(**{"from": "" if this else f"{span[0]}", "to": "" if usual else f"{span[1]}"})


def row(asked: MonthFilter, today: date, people: Iterable[Person]) -> None:
    """Draw the row."""
    rules = asked.rules
    kinds = {
        "": say("All days"),
        "open": say("To settle"),
        "late": say("Late"),
        "early": say("Left early"),
        "absent": say("Absent"),
        "away": say("Away"),
        "corrected": say("Corrected"),
        AWAITING: say("Awaiting approval"),
    }
    st.session_state[_KEY("days")] = (asked.first, asked.last)
    st.session_state[_KEY("kind")] = asked.kind if asked.kind in kinds else ""

    def days() -> None:
        chosen = st.session_state[_KEY("days")]
        if len(chosen) == 2:
            _put((chosen[0], chosen[1]), today, rules)

    next_day = rules.payroll_month_of(asked.first)[1] + timedelta(days=1)
    before, after = (rules.payroll_month_of(day) for day in (asked.first - timedelta(days=1), next_day))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            ":material/chevron_left:",
            help=say("Previous month"),
            on_click=_put,
            args=(before, today, rules),
            key=_KEY("before"),
        )
        st.button(
            ":material/chevron_right:",
            help=say("Next month"),
            on_click=_put,
            args=(after, today, rules),
            disabled=after[0] > today,
            key=_KEY("after"),
        )
        st.date_input(say("Days"), key=_KEY("days"), on_change=days, format=date_format(), width=222)
        people_filter.fields("month", asked.department, asked.find, people, width=150)
        st.selectbox(
            say("People with"),
            list(kinds),
            key=_KEY("kind"),
            on_change=lambda: put(kind=st.session_state[_KEY("kind")] or ""),
            width=155,
            format_func=lambda name: kinds[name],
        )
