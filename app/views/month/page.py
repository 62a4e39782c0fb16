"""Month: everybody's days at a glance, what is still open, and closing the month for payroll."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from app.ui import parts, people_filter
from app.ui.address import put, to
from app.views.month import closing, filters, grid, groups
from app.views.month.filters import MonthFilter
from app.web import access
from app.words import say, say_number
from engine.attendance import DaySheet
from engine.operations.reporting import AttendanceReports
from engine.reports import open_groups, summarise
from engine.types import Person


def show() -> None:
    """The page."""
    bench = access.reading("attendance.view")
    parts.stylesheet("month")
    reports = AttendanceReports(bench)
    today = reports.now.date()
    asked = filters.wanted(today, bench.config.attendance)
    st.title(asked.title)
    filters.row(asked, today, bench.people.known().values())
    everybody = reports.rows(asked.first, asked.last)
    closing.show(asked, everybody, today)
    rows = asked.of_kind([row for row in everybody if asked.keeps(row)])
    if not rows:
        _nothing(asked, bench.people.known().values())
        return
    found = open_groups(rows)
    _figures(rows)
    waiting = sum(len(group.rows) for group in found)
    names = {
        "days": say("Days"),
        "open": say("Exceptions ({count})", count=say_number(waiting)) if waiting else say("Exceptions"),
        "changes": say("Changed since closing"),
    }
    view = parts.choice(say("View"), names, "month-view", "view")
    if view == "open":
        groups.show(asked)
    elif view == "changes":
        closing.changes(asked)
    else:
        grid.show(rows, asked, today)
        kept = {"from": f"{asked.first}", "to": f"{asked.last}", "department": asked.department, "find": asked.find}
        links = {say("Charts"): {"view": "charts", "chart": "hours"}, say("Sheet and downloads"): {}}
        parts.html(
            parts.joined(parts.link(to("/attendance", **kept, **view), text, "m-link") for text, view in links.items())
        )


def _figures(rows: list[DaySheet]) -> None:
    summary = summarise(rows, "all")

    def total(column: str) -> float:
        return sum(float(str(row[column] or 0)) for row in summary)

    balance = total("balance")
    settle = sum(row.to_settle for row in rows)
    parts.figures(
        parts.Metric(say("People"), len(summary)),
        parts.Metric(
            say("Hours"),
            say_number(total("hours")),
            say("of {hours} planned", hours=say_number(total("planned_hours"))),
        ),
        parts.Metric(
            say("Balance"),
            f"{'+' if balance > 0 else '−' if balance < 0 else ''}{say_number(abs(balance))}",
            say("{hours} h credited", hours=say_number(total("credited_hours"))),
        ),
        parts.Metric(
            say("Overtime"),
            say_number(total("overtime_hours")),
            say("{hours} h at night", hours=say_number(total("night_hours"))),
        ),
        parts.Metric(say("Late"), int(total("late_days")), say("person-days"), "warn"),
        parts.Metric(say("Absent"), int(total("absent")), say("person-days"), "bad"),
        parts.Metric(say("To settle"), settle, say("person-days"), "info"),
        parts.Metric(say("Awaiting approval"), sum(row.awaiting_approval for row in rows), say("person-days"), "info"),
    )


def _nothing(asked: MonthFilter, people: Iterable[Person]) -> None:
    def everybody() -> None:
        st.button(say("Show everyone"), on_click=lambda: put(department="", find="", kind=""))

    if asked.department or asked.find or asked.kind:
        near = people_filter.near(asked.find, people)
        told = " ".join(filter(None, (say("No row matches these filters."), near)))
        parts.notice(say("No one matches"), told, action=everybody)
    else:
        parts.notice(
            say("No one was expected or seen"), say("No shift applies on these days and no camera saw anyone.")
        )
