"""Charts of the attendance page; only the chosen one is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import streamlit as st

from app.ui import parts
from app.ui.address import put
from app.views.attendance.filters import SheetFilter
from app.web import access
from app.words import say, say_date
from engine.attendance import DaySheet
from engine.operations.reporting import AttendanceReports
from engine.reports import Stay, arrivals, by_department, days_of, quarters, starts, weeks
from engine.workbench import Workbench

__all__ = ["show"]

_WEEKS = 13
_KEY = "attendance-chart"
_CHARTS = ("arrivals", "delays", "presence", "trend", "departments")


@st.fragment
@parts.guarded
def show(asked: SheetFilter) -> None:
    """The choice of charts, and the chosen one.

    Args:
        asked: days and people.
    """
    bench = access.reading("attendance.view")
    names = {
        "arrivals": say("Arrivals"),
        "delays": say("Punctuality"),
        "presence": say("Presence"),
        "trend": say("13 weeks"),
        "departments": say("Departments"),
    }
    chart = st.query_params.get("chart", "")
    st.session_state[_KEY] = chart if chart in _CHARTS else None
    st.segmented_control(
        say("Chart"),
        _CHARTS,
        key=_KEY,
        format_func=lambda name: names[name],
        label_visibility="collapsed",
        on_change=lambda: put(chart=st.session_state[_KEY] or ""),
    )
    draw: Mapping[str, Callable[[Workbench, SheetFilter], None]] = {
        "arrivals": _arrivals,
        "delays": _delays,
        "presence": _presence,
        "trend": _trend,
        "departments": _departments,
    }
    if chart in draw:
        draw[chart](bench, asked)
    else:
        st.caption(say("Choose a chart for the days and people above."))


def _rows(bench: Workbench, asked: SheetFilter) -> list[DaySheet]:
    return [row for row in AttendanceReports(bench).rows(asked.first, asked.last) if asked.keeps(row)]


def _plot(figure: Any, alt: str) -> None:
    from app.charts.theme import CONFIG  # noqa: PLC0415 - Plotly takes a moment to load

    st.plotly_chart(figure, theme=None, config=CONFIG, key=f"{_KEY}-figure", alt=alt)


def _empty() -> None:
    parts.notice(say("No data"), say("These days have no arrivals, or no shifts to compare them with."))


def _arrivals(bench: Workbench, asked: SheetFilter) -> None:
    from app.charts.arrivals import heat_map  # noqa: PLC0415

    rows = _rows(bench, asked)
    counts = quarters(arrivals(rows))
    if not counts:
        _empty()
        return
    _plot(heat_map(counts, starts(rows)), say("Heat map of arrivals by weekday and quarter hour"))


def _delays(bench: Workbench, asked: SheetFilter) -> None:
    from app.charts.arrivals import delays  # noqa: PLC0415

    found = [row for row in _rows(bench, asked) if row.start_offset_min is not None]
    if not found:
        _empty()
        return
    graces = {shift.grace_min for shift in bench.config.shifts.values()}
    _plot(
        delays(found, graces.pop() if len(graces) == 1 else None),
        say("A dot per arrival, minutes after the planned start"),
    )


def _trend(bench: Workbench, asked: SheetFilter) -> None:
    from app.charts.trends import trend  # noqa: PLC0415

    last = min(asked.last, AttendanceReports(bench).now.date())
    monday = last - timedelta(days=last.weekday())
    span = SheetFilter(monday - timedelta(weeks=_WEEKS - 1), last, asked.department, asked.find)
    days = days_of(_rows(bench, span))
    if not days:
        _empty()
        return
    _plot(trend(days, weeks(days)), say("Shares of late and absent people over 13 weeks"))


def _departments(bench: Workbench, asked: SheetFilter) -> None:
    from app.charts.trends import departments  # noqa: PLC0415

    found = by_department(_rows(bench, asked))
    if not found:
        _empty()
        return
    _plot(departments(found), say("Shares of late and absent people by department"))


# --------------------------------------------------------------------------------------------- presence


def _presence(bench: Workbench, asked: SheetFilter) -> None:
    """Of one day everybody, of one person every day."""
    from app.charts.presence import Lane, time_line  # noqa: PLC0415

    rows = [row for row in _rows(bench, asked) if row.first_in or row.last_out]
    ids = {row.employee_id for row in rows}
    if not rows:
        _empty()
        return
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
        _empty()
        return
    from app.charts.theme import label  # noqa: PLC0415

    figure = time_line(lanes, label(title, 90), bench.config.zone, reports.now)
    with st.container(height=640) if len(lanes) > 20 else st.container():
        _plot(figure, say("A bar per person and day from arrival to departure"))
