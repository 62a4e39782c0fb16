"""Charts of the attendance page; only the chosen one is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

import streamlit as st

from app.ui import parts
from app.ui.address import put
from app.views.attendance.filters import SheetFilter
from app.web import access
from app.words import say, say_date
from engine.operations.reporting import AttendanceReports
from engine.reports import Stay, arrivals, by_department, days_of, quarters, starts, weeks
from engine.workbench import Workbench

_WEEKS = 13
_KEY = "attendance-chart"


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
    chart = st.query_params.get("chart", "")
    st.session_state[_KEY] = chart if chart in names else None
    st.segmented_control(
        say("Chart"),
        list(names),
        key=_KEY,
        format_func=lambda name: names[name],
        label_visibility="collapsed",
        on_change=lambda: put(chart=st.session_state[_KEY] or ""),
    )
    if chart not in _DRAWN:
        st.caption(say("Choose a chart for the days and people above."))
    elif not _DRAWN[chart](bench, asked):
        parts.notice(say("No data"), say("These days have no arrivals, or no shifts to compare them with."))


def _plot(figure: object, alt: str) -> None:
    parts.plot(figure, f"{_KEY}-figure", alt)


def _arrivals(bench: Workbench, asked: SheetFilter) -> bool:
    from app.charts.arrivals import heat_map  # noqa: PLC0415

    rows = asked.rows(bench)
    counts = quarters(arrivals(rows))
    if not counts:
        return False
    _plot(heat_map(counts, starts(rows)), say("Heat map of arrivals by weekday and quarter hour"))
    return True


def _delays(bench: Workbench, asked: SheetFilter) -> bool:
    from app.charts.arrivals import delays  # noqa: PLC0415

    found = [row for row in asked.rows(bench) if row.start_offset_min is not None]
    if not found:
        return False
    graces = {shift.grace_min for shift in bench.config.shifts.values()}
    _plot(
        delays(found, graces.pop() if len(graces) == 1 else None),
        say("A dot per arrival, minutes after the planned start"),
    )
    return True


def _trend(bench: Workbench, asked: SheetFilter) -> bool:
    from app.charts.trends import trend  # noqa: PLC0415

    last = min(asked.last, AttendanceReports(bench).now.date())
    monday = last - timedelta(days=last.weekday())
    span = SheetFilter(monday - timedelta(weeks=_WEEKS - 1), last, asked.department, asked.find)
    days = days_of(span.rows(bench))
    if not days:
        return False
    _plot(trend(days, weeks(days)), say("Shares of late and absent people over 13 weeks"))
    return True


def _departments(bench: Workbench, asked: SheetFilter) -> bool:
    from app.charts.trends import departments  # noqa: PLC0415

    found = by_department(asked.rows(bench))
    if not found:
        return False
    _plot(departments(found), say("Shares of late and absent people by department"))
    return True


def _presence(bench: Workbench, asked: SheetFilter) -> bool:
    """Of one day everybody, of one person every day."""
    from app.charts.presence import Lane, time_line  # noqa: PLC0415

    rows = [row for row in asked.rows(bench) if row.first_in or row.last_out]
    ids = {row.employee_id for row in rows}
    if not rows:
        return False
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
        return False
    from app.charts.theme import label  # noqa: PLC0415

    figure = time_line(lanes, label(title, 90), bench.config.zone, reports.now)
    with st.container(height=640) if len(lanes) > 20 else st.container():
        _plot(figure, say("A bar per person and day from arrival to departure"))
    return True


_DRAWN: Mapping[str, Callable[[Workbench, SheetFilter], bool]] = {
    "arrivals": _arrivals,
    "delays": _delays,
    "presence": _presence,
    "trend": _trend,
    "departments": _departments,
}
"""Each draws its chart and tells whether there was something to draw."""
