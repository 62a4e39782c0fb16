"""Charts of the attendance page; only the chosen one is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import streamlit as st

from app.ui import parts
from app.views.attendance.filters import SheetFilter
from app.web import access
from app.words import say, say_date
from engine.operations.reporting import AttendanceReports
from engine.reports import Stay, arrivals, by_department, days_of, quarters, starts, weeks
from engine.workbench import Workbench

_WEEKS = 13
_KEY = "attendance-chart"
_TALLEST_PX = 640

Drawn = tuple[Any, str] | None
"""A chart and its description; None: there is nothing to draw."""


@st.fragment
@parts.guarded
def show(asked: SheetFilter) -> None:
    """The choice of charts, and the chosen one."""
    bench = access.reading("attendance.view")
    names = {
        "arrivals": say("Arrivals"),
        "delays": say("Punctuality"),
        "presence": say("Presence"),
        "trend": say("13 weeks"),
        "departments": say("Departments"),
    }
    chart = parts.choice(say("Chart"), names, _KEY, "chart", required=False)
    if not chart:
        st.caption(say("Choose a chart for the days and people above."))
        return
    drawn = _DRAWN[chart](bench, asked)
    if drawn is None:
        parts.notice(say("No data"), say("These days have no arrivals, or no shifts to compare them with."))
        return
    figure, alt = drawn
    tall = chart == "presence" and figure.layout.height > _TALLEST_PX
    with st.container(height=_TALLEST_PX if tall else "content"):
        parts.plot(figure, f"{_KEY}-figure", alt)


def _arrivals(bench: Workbench, asked: SheetFilter) -> Drawn:
    from app.charts.arrivals import heat_map  # noqa: PLC0415

    rows = asked.rows(bench)
    counts = quarters(arrivals(rows))
    if not counts:
        return None
    return heat_map(counts, starts(rows)), say("Heat map of arrivals by weekday and quarter hour")


def _delays(bench: Workbench, asked: SheetFilter) -> Drawn:
    from app.charts.arrivals import delays  # noqa: PLC0415

    found = [row for row in asked.rows(bench) if row.start_offset_min is not None]
    if not found:
        return None
    graces = {shift.grace_min for shift in bench.config.shifts.values()}
    figure = delays(found, graces.pop() if len(graces) == 1 else None)
    return figure, say("A dot per arrival, minutes after the planned start")


def _trend(bench: Workbench, asked: SheetFilter) -> Drawn:
    from app.charts.trends import trend  # noqa: PLC0415

    last = min(asked.last, AttendanceReports(bench).now.date())
    monday = last - timedelta(days=last.weekday())
    span = SheetFilter(monday - timedelta(weeks=_WEEKS - 1), last, asked.department, asked.find)
    days = days_of(span.rows(bench))
    if not days:
        return None
    return trend(days, weeks(days)), say("Shares of late and absent people over 13 weeks")


def _departments(bench: Workbench, asked: SheetFilter) -> Drawn:
    from app.charts.trends import departments  # noqa: PLC0415

    found = by_department(asked.rows(bench))
    if not found:
        return None
    return departments(found), say("Shares of late and absent people by department")


def _presence(bench: Workbench, asked: SheetFilter) -> Drawn:
    """Of one day everybody, of one person every day."""
    from app.charts.presence import Lane, time_line  # noqa: PLC0415

    rows = [row for row in asked.rows(bench) if row.first_in or row.last_out]
    ids = {row.employee_id for row in rows}
    if not rows:
        return None
    reports = AttendanceReports(bench)
    names = {row.employee_id: row.name or row.employee_id for row in rows}
    days = sorted({row.day for row in rows})
    one = next(iter(ids)) if len(ids) == 1 else None
    if one is None and len(days) > 1:
        days = [st.selectbox(say("Day"), days[::-1], format_func=say_date, key=f"{_KEY}-day", width=240) or days[-1]]
    found: dict[tuple[str, date], list[Stay]] = {}
    for stay in reports.stays(days[0], days[-1], one):
        if stay.employee_id in ids:
            found.setdefault((stay.employee_id, stay.day), []).append(stay)
    if one is not None:
        lanes = [Lane(say_date(day, year=False), day, found.get((one, day), []), reports.outages(day)) for day in days]
        title = say("When {name} was inside", name=names[one])
    else:
        gaps = reports.outages(days[0])
        order = sorted(found.items(), key=lambda pair: pair[1][0].begin)
        lanes = [Lane(names.get(who, who), day, own, gaps) for (who, day), own in order]
        title = say("Who was inside on {day}", day=say_date(days[0]))
    if not lanes:
        return None
    from app.charts.theme import label  # noqa: PLC0415

    figure = time_line(lanes, label(title, 90), bench.config.zone, reports.now)
    return figure, say("A bar per person and day from arrival to departure")


_DRAWN: Mapping[str, Callable[[Workbench, SheetFilter], Drawn]] = {
    "arrivals": _arrivals,
    "delays": _delays,
    "presence": _presence,
    "trend": _trend,
    "departments": _departments,
}
