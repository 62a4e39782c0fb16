"""Charts of the attendance page, each with its data, from the sheets of the chosen days and people.

Imported only when a chart is shown: Plotly takes a moment to load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pandas as pd

from app.charts import tables
from app.charts.absence import absence
from app.charts.arrivals import delays, heat_map
from app.charts.comparing import compares, unnamed
from app.charts.hours import balance, hours, overtime
from app.charts.people import names as measures
from app.charts.people import people
from app.charts.presence import Lane, time_line
from app.charts.theme import label
from app.charts.trends import departments, trend
from app.ui import parts
from app.views.attendance.filters import SheetFilter
from app.words import say, say_date
from engine.attendance import DaySheet
from engine.operations.reporting import AttendanceReports
from engine.reports import Stay, arrivals, days_of, quarters, starts, weeks
from engine.workbench import Workbench

_WEEKS = 13


@dataclass(frozen=True)
class Chart:
    """A chart of the page.

    Attributes:
        figure: of Plotly. alt: what it shows, for those who do not see it.
        table: its data. reading: how to read it.
    """

    figure: Any
    alt: str
    table: pd.DataFrame
    reading: str


def _arrivals(bench: Workbench, asked: SheetFilter, _measure: str) -> Chart | None:
    rows = asked.rows(bench)
    counts = quarters(arrivals(rows))
    if not counts:
        return None
    alt = say("Heat map of arrivals by weekday and quarter hour")
    reading = say("Darker: more arrivals. Lines: planned starts.")
    return Chart(heat_map(counts, starts(rows)), alt, tables.quarter_hours(counts), reading)


def _delays(bench: Workbench, asked: SheetFilter, _measure: str) -> Chart | None:
    found = [row for row in asked.rows(bench) if row.start_offset_min is not None]
    if not found:
        return None
    if not _compares(bench, found):
        found = unnamed(found)
    named = bool(found[0].employee_id)
    graces = {shift.grace_min for shift in bench.config.shifts.values()}
    figure = delays(found, graces.pop() if len(graces) == 1 else None)
    alt = say("A dot per arrival, minutes after the planned start")
    reading = say("A dot is an arrival; choose one to open the person.") if named else say("A dot is an arrival.")
    return Chart(figure, alt, tables.arrivals(found), reading)


def _compares(bench: Workbench, rows: Sequence[DaySheet]) -> bool:
    """Whether these may be shown by name: they are one person's, or people may be compared here."""
    alone = len({row.employee_id for row in rows}) <= 1
    return alone or compares(bench.settings.get())


def _trend(bench: Workbench, asked: SheetFilter, _measure: str) -> Chart | None:
    last = min(asked.last, AttendanceReports(bench).now.date())
    monday = last - timedelta(days=last.weekday())
    span = SheetFilter(monday - timedelta(weeks=_WEEKS - 1), last, asked.department, asked.find)
    days = days_of(span.rows(bench))
    if not days:
        return None
    alt = say("Shares of late and absent people over 13 weeks")
    reading = say("Line: median day of a week; band: middle half of days; dots: single days.")
    return Chart(trend(days, weeks(days)), alt, tables.shares(days), reading)


def _departments(bench: Workbench, asked: SheetFilter, _measure: str) -> Chart | None:
    table = tables.departments(asked.rows(bench))
    if table.empty:
        return None
    alt = say("Punctuality with its median, and shares of late and absent people, by department")
    reading = say("Above: the middle half of arrivals and their median. Below: shares of days.")
    return Chart(departments(table), alt, table, reading)


def _hours(bench: Workbench, asked: SheetFilter, _measure: str) -> Chart | None:
    table = tables.by_time(tables.person_days(asked.rows(bench)))
    if table.empty:
        return None
    alt = say("Hours worked and credited as bars, planned hours as a line")
    return Chart(hours(table), alt, table, say("Credited: planned hours of leave, holidays and open days."))


def _overtime(bench: Workbench, asked: SheetFilter, _measure: str) -> Chart | None:
    table = tables.overtime_by_department(tables.person_days(asked.rows(bench)))
    if table.empty or not table["overtime_hours"].any():
        return None
    return Chart(overtime(table), say("Overtime as bars"), table, say("Hours beyond the plan of each day, added up."))


def _balance(bench: Workbench, asked: SheetFilter, _measure: str) -> Chart | None:
    rows = asked.rows(bench)
    few = tables.FEW if _compares(bench, rows) else 1
    table = tables.running_balance(tables.person_days(rows), few)
    if table.empty:
        return None
    reading = say("Hours worked and credited less planned hours, from the first day on.")
    return Chart(balance(table), say("The balance as lines"), table, reading)


def _absence(bench: Workbench, asked: SheetFilter, _measure: str) -> Chart | None:
    rows = asked.rows(bench)
    table = tables.absence_by_kind(rows)
    if table.empty:
        return None
    figure = absence(table, tables.steps(tables.person_days(rows)))
    return Chart(figure, say("Days of absence by kind as bars"), table, say("Without remote work and public holidays."))


def _working_time(bench: Workbench, asked: SheetFilter, _measure: str) -> Chart | None:
    rows = asked.rows(bench)
    people = {row.employee_id for row in rows}
    found = AttendanceReports(bench).working_time(asked.first, asked.last) if rows else []
    table = tables.warnings_by_kind(rows, [each for each in found if each.employee_id in people])
    if table.empty:
        return None
    figure = absence(table, tables.steps(tables.person_days(rows)), say("Beyond the law on working time"))
    reading = say("Rest, hours, breaks and the mean of weeks, by the law that the settings name.")
    return Chart(figure, say("Warnings of working time by kind as bars"), table, reading)


def choose_measure(key: str) -> str:
    """What people are compared by."""

    return parts.choice(say("Compare"), measures(), f"{key}-measure", "by", menu=True, width=240)


def _people(bench: Workbench, asked: SheetFilter, measure: str) -> Chart | None:
    table = tables.per_person(tables.person_days(asked.rows(bench)))
    if table.empty:
        return None
    return Chart(
        people(table, measure),
        say("A bar per person"),
        table,
        say("Choose a bar to open the person. Triangles mark values beyond the axis."),
    )


def _presence(bench: Workbench, asked: SheetFilter, _measure: str) -> Chart | None:
    """Of one day everybody, of one person every day."""
    rows = [row for row in asked.rows(bench) if row.present]
    ids = {row.employee_id for row in rows}
    if not rows:
        return None
    names = {row.employee_id: row.name or row.employee_id for row in rows}
    if len(ids) == 1:
        return of_person(bench, asked.first, asked.last, next(iter(ids)), names)
    found: dict[str, list[Stay]] = {}
    for stay in AttendanceReports(bench).stays(asked.first, asked.first):
        if stay.employee_id in ids:
            found.setdefault(stay.employee_id, []).append(stay)
    order = sorted(found.items(), key=lambda pair: pair[1][0].begin)
    lanes = [(names[who], who, asked.first, own) for who, own in order]
    title = say("Who was inside on {day}", day=say_date(asked.first))
    return _time_line(bench, lanes, title, names)


def of_person(bench: Workbench, first: date, last: date, employee_id: str, names: Mapping[str, str]) -> Chart | None:
    """When a person was inside, a line per day; None: never."""
    found: dict[date, list[Stay]] = {}
    for stay in AttendanceReports(bench).stays(first, last, employee_id) if last >= first else ():
        found.setdefault(stay.day, []).append(stay)
    lanes = [(say_date(day, year=False), employee_id, day, own) for day, own in sorted(found.items())]
    return _time_line(bench, lanes, say("When {name} was inside", name=names.get(employee_id, employee_id)), names)


def _time_line(
    bench: Workbench, lanes: Sequence[tuple[str, str, date, list[Stay]]], title: str, names: Mapping[str, str]
) -> Chart | None:
    if not lanes:
        return None
    reports = AttendanceReports(bench)
    gaps: dict[date, list[tuple[datetime, datetime]]] = {day: reports.outages(day) for _, _, day, _ in lanes}
    shown = [Lane(name, day, own, gaps[day], urlencode({"person": who, "day": day})) for name, who, day, own in lanes]
    figure = time_line(shown, label(title, 90), bench.config.zone, reports.now)
    table = tables.stays([stay for *_, own in lanes for stay in own], names)
    reading = say("Gaps are breaks. Choose a bar to open the day.")
    return Chart(figure, say("A bar per person and day from arrival to departure"), table, reading)


DRAWN: Mapping[str, Callable[[Workbench, SheetFilter, str], Chart | None]] = {
    "presence": _presence,
    "arrivals": _arrivals,
    "delays": _delays,
    "departments": _departments,
    "hours": _hours,
    "balance": _balance,
    "overtime": _overtime,
    "absence": _absence,
    "people": _people,
    "working_time": _working_time,
    "trend": _trend,
}
"""Charts by their word in the address; None: there is nothing to draw."""
