"""The charts tab of the attendance page: the choice of charts, and the chosen one with its picture and its data; only that is computed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import streamlit as st

from app.charts.comparing import compares
from app.ui import parts
from app.ui.address import put
from app.views.attendance.filters import SheetFilter
from app.web import access
from app.words import say, say_date

if TYPE_CHECKING:
    from app.views.attendance.drawn import Chart
    from engine.workbench import Workbench

_KEY = "attendance-chart"
_WENT = f"{_KEY}-went"
_TALLEST_PX, _SCROLLS_PX = 640, 900
_LEADS_TO = ("person", "day", "from", "to", "department")


def may_compare_people(bench: Workbench) -> bool:
    """Whether people may be compared by name here: an administrator gave a reason."""
    return compares(bench.settings.get())


@st.fragment
@parts.guarded
def show(asked: SheetFilter) -> None:
    """The choice of charts, and the chosen one."""
    from app.views.attendance import drawn  # noqa: PLC0415 - Plotly takes a moment to load

    bench = access.reading("attendance.view")
    if st.session_state.pop(_WENT, False):  # a point was chosen: the whole page changes
        st.rerun()
    names = {
        "presence": say("Presence"),
        "arrivals": say("Arrivals"),
        "delays": say("Punctuality"),
        "departments": say("Departments"),
        "hours": say("Hours"),
        "balance": say("Balance"),
        "overtime": say("Overtime"),
        "absence": say("Absence"),
        "working_time": say("Working time"),
        "people": say("People"),
        "trend": say("13 weeks"),
    }
    if not bench.settings.get().attendance.working_time:
        del names["working_time"]
    if not may_compare_people(bench):
        del names["people"]
    chosen = parts.choice(say("Chart"), names, _KEY, "chart")
    if chosen == "presence":
        asked = _one_day(asked)
    measure = drawn.choose_measure(_KEY) if chosen == "people" else ""
    chart = drawn.DRAWN[chosen](bench, asked, measure)
    if chart is None:
        parts.notice(say("No data"), say("Nothing to draw for these days and people. Choose other days."))
        return
    draw(chart, f"{_KEY}-figure", f"muster-{chosen}-{asked.first}" + f"-{asked.last}" * (asked.last > asked.first))


def _one_day(asked: SheetFilter) -> SheetFilter:
    """Of several people, presence is shown for one day: the last working day unless the user chose another."""
    from app.charts.presence import opening_day  # noqa: PLC0415

    rows = [row for row in asked.rows(access.reading("attendance.view")) if row.present]
    days = sorted({row.day for row in rows}, reverse=True)
    if len(days) < 2 or len({row.employee_id for row in rows}) == 1:
        return asked
    opens = opening_day(rows)
    index = days.index(opens) if opens else 0
    day = st.selectbox(say("Day"), days, index, format_func=say_date, key=f"{_KEY}-day-{asked.first}", width=240)
    return replace(asked, first=day, last=day)


def draw(chart: Chart, key: str, name: str) -> None:
    """A chart, and below it what it shows, and its data; `name`: of saved files, without ending."""
    tall = chart.figure.layout.height > _SCROLLS_PX
    with st.container(height=_TALLEST_PX if tall else "content", border=tall):
        parts.plot(chart.figure, key, chart.alt, name=name, follow=lambda: follow(key))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        parts.soft(chart.reading)
        if access.may("attendance.export"):
            from app.charts.tables import csv  # noqa: PLC0415

            table, told = chart.table, access.telling()

            def content() -> bytes:
                made = csv(table)
                told("export_chart", name, f"{len(table)} rows", made)
                return made

            st.download_button(
                say("Data, CSV"),
                access.on_click("attendance.export", content),
                f"{name}.csv",
                "text/csv",
                icon=":material/download:",
                on_click="ignore",
                key=f"{key}-csv",
            )


def follow(key: str) -> None:
    """Go where the chosen point leads."""
    points = st.session_state[key]["selection"]["points"]
    address = points[0].get("customdata") if points else None
    text = address[0] if isinstance(address, list) and address else address
    found = {name: value for name, value in parse_qsl(str(text or "")) if name in _LEADS_TO}
    if not found:
        return
    if "from" in found:
        found = {"to": "", **found}
    if "person" not in found:
        found |= {"view": "", "chart": ""}  # the rows behind the figure are on the sheet
    put(**found)
    st.session_state[_WENT] = True
