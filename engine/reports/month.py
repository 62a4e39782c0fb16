"""The month report: one printable HTML page about everybody, or about one person."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from engine.attendance import KINDS_OF_HOURS, DaySheet
from engine.reports.arrivals import punctuality
from engine.reports.charts import arrivals_chart, late_chart, presence_chart
from engine.reports.columns import COLUMNS, STATUSES, SUMMARY_COLUMNS, heading
from engine.reports.payroll import summarise
from engine.reports.render import render

MAX_EXCEPTIONS = 100
_DEFINED = (
    "date",
    "first_in",
    "last_out",
    "hours",
    "planned_hours",
    "late_min",
    "early_min",
    "note",
    "corrected_by",
    "approved_by",
)
_NOT_SUMMED = {
    "employee_id",
    "name",
    "department",
    "month",
    "early_days",
    "corrected",
    "pending_hours",
    *KINDS_OF_HOURS,
}
_OPEN = ("missing_in_out", "not_covered", "not_identified", "long_days", "awaiting_approval")


def month_report(
    rows: Sequence[DaySheet],
    *,
    title: str,
    organisation: str,
    generated_at: datetime,
    verified: str,
    grace_min: float | None = None,
) -> str:
    """A self-contained HTML page: the month's numbers, open questions, charts, and a table per person.

    For one person, the report has a bar of presence for each day; for several, a summary with each person's days to unfold. The page
    has no scripts and loads nothing; it prints on A4 portrait.

    Args:
        title: such as "Attendance November 2026".
        organisation: printed above the title; may be empty.
        generated_at: timezone-aware.
        verified: result of the log's verification, in words; may be empty.
        grace_min: minutes after the planned start that do not count as late, drawn in the chart of arrivals.

    Raises:
        ConfigError: the package that renders pages is not installed.
    """
    rows = sorted(rows, key=lambda row: (row.day, row.name.casefold(), row.employee_id))
    single = len({row.employee_id for row in rows}) == 1
    first, last = (rows[0].day, rows[-1].day) if rows else (generated_at.date(), generated_at.date())
    arrivals = [row for row in rows if row.start_offset_min is not None]
    svg, beyond = arrivals_chart(arrivals, first, last, grace_min=grace_min) if arrivals else ("", 0)
    late = _late_by_day(rows, minutes=single)
    exceptions = [row for row in rows if _next_step(row)]
    defined = (*_DEFINED, *(column for column in SUMMARY_COLUMNS if column not in _NOT_SUMMED))
    return render(
        "month.html.j2",
        generated_at,
        title=title,
        organisation=organisation,
        verified=verified,
        range=_range(first, last) if rows else "no days",
        rows_count=len(rows),
        single=single,
        status=lambda word: STATUSES[word],
        statuses=STATUSES,
        columns={heading(key): {**COLUMNS, **SUMMARY_COLUMNS}[key] for key in defined},
        kpis=_kpis(rows, len(exceptions), single=single),
        exceptions=[_shown(row) for row in exceptions[:MAX_EXCEPTIONS]],
        exceptions_count=len(exceptions),
        arrivals=svg,
        arrivals_text=_arrivals_text(arrivals, beyond),
        grace_min=f"{grace_min:g}" if grace_min else "",
        presence=presence_chart(rows) if single else "",
        has_plans=bool(arrivals),
        late=late_chart(late, first, last, unit="minutes" if single else "people") if any(late.values()) else "",
        late_text="Minutes late, by day." if single else "How many people came late, by day.",
        people=_people(rows),
    )


def _range(first: date, last: date) -> str:
    if first == last:
        return f"{first.day} {first:%B %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {last.day} {last:%B %Y}"
    return f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"


def _next_step(row: DaySheet) -> str:
    """What somebody has to do about the row; may be empty."""
    if row.pending is not None:
        return "Approve the correction."
    if step := STATUSES[row.status].next_step:
        return step
    if row.long:
        return "Check the times."
    return "Approve the correction." if row.awaiting_approval else ""


def _clock(time: datetime | None) -> str:
    return f"{time:%H:%M}" if time else ""


def _decimal(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"


def _balance(value: float) -> str:
    return f"{value:+,.2f}".replace("-", "−")


def _whole(value: float | None) -> str:
    """A count or minutes, half days as .5; empty for zero, so that other numbers stand out."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else ""


def _number(row: Mapping[str, object], column: str) -> float:
    return float(str(row[column] or 0))


def _shown(row: DaySheet) -> dict[str, str]:
    """A row of a table of days."""
    correction = ""
    if row.corrected_by:
        reason = f": {row.correction_reason}" if row.correction_reason else ""
        recorded = row.recorded
        times = " to ".join(_clock(time) or "–" for time in (recorded.first_in, recorded.last_out))
        correction = (
            f"Corrected by {row.corrected_by}{reason}. Recorded: {times}, {recorded.status or ''}. "
            f"{f'Approved by {row.approved_by}.' if row.approved_by else 'Not approved yet.'}"
        )
        if pending := row.pending:
            would = " to ".join(_clock(time) or "–" for time in (pending.first_in, pending.last_out))
            correction += f" Once approved: {would}, {pending.status or ''}."
    return {
        "label": f"{row.day:%a} {row.day.day} {row.day:%b}",
        "employee_id": row.employee_id,
        "name": row.name,
        "status": row.status,
        "first_in": _clock(row.first_in),
        "last_out": _clock(row.last_out),
        "hours": _decimal(row.hours),
        "planned": f"{_clock(row.planned_in)}–{_clock(row.planned_out)}" if row.planned_in else "",
        "late": _whole(row.late_min),
        "early": _whole(row.early_min),
        "note": row.note,
        "correction": correction,
        "next_step": _next_step(row),
    }


def _late_by_day(rows: Sequence[DaySheet], *, minutes: bool) -> dict[date, float]:
    """Minutes late, or people late, by day."""
    found: dict[date, float] = {}
    for row in rows:
        if row.late:
            found[row.day] = found.get(row.day, 0.0) + ((row.late_min or 0) if minutes else 1)
    return found


def _arrivals_text(arrivals: Sequence[DaySheet], beyond: int) -> str:
    if not arrivals:
        return ""
    median = round(statistics.median(row.start_offset_min or 0.0 for row in arrivals))
    offset = f"{abs(median)} minutes {'after' if median > 0 else 'before'} " if median else ""
    when = f"{offset}the planned start"
    on_time, known = punctuality(arrivals)
    text = f"{known} arrival{'s' if known > 1 else ''}, {known - on_time} late; the middle one at {when}."
    return f"{text} Beyond the chart, drawn on its edge: {beyond}." if beyond else text


def _kpis(rows: Sequence[DaySheet], open_count: int, *, single: bool) -> list[dict[str, str]]:
    summary = summarise(rows)

    def total(column: str) -> float:
        return sum(_number(row, column) for row in summary)

    on_time, known = punctuality(rows)
    share, late = f"{100 * on_time / known:.0f}%" if known else "–", total("late_days")
    tiles = [
        {"label": "Days worked", "value": f"{total('days_worked'):,.0f}", "under": ""},
        {"label": "Hours", "value": f"{total('hours'):,.0f}", "under": f"of {total('planned_hours'):,.0f} planned"},
        {"label": "Not late", "value": share, "under": f"{on_time} of {known} arrivals"},
        {"label": "Late", "value": f"{late:,.0f}", "under": f"{_days(late)}, {total('late_min'):,.0f} min"},
        {"label": "Absent", "value": f"{total('absent'):,.0f}", "under": _days(total("absent"))},
        {"label": "To be settled", "value": f"{open_count}", "under": _days(open_count)},
    ]
    if single:
        balance = {"label": "Balance", "value": _balance(total("balance")), "under": "hours"}
        return [*tiles[:2], balance, *tiles[2:]]
    return [{"label": "People", "value": f"{len({row['employee_id'] for row in summary})}", "under": ""}, *tiles]


def _days(count: float) -> str:
    return "day" if count == 1 else "days"


def _people(rows: Sequence[DaySheet]) -> list[dict[str, object]]:
    """Everybody's numbers and days; if the rows span several months, these are added up."""
    own: dict[str, list[DaySheet]] = {}
    for row in rows:
        own.setdefault(row.employee_id, []).append(row)
    people: list[dict[str, object]] = []
    for summed in summarise(rows, by_month=False):
        settle = sum(_number(summed, column) for column in _OPEN)
        wanted = ("late_days", "late_min", "early_min", "absent", "on_leave", "remote", "sick", "holiday")
        key = str(summed["employee_id"])
        people.append(
            {
                "employee_id": key,
                "name": summed["name"],
                "under": " · ".join(str(summed[column]) for column in ("employee_id", "department") if summed[column]),
                "cells": [
                    _whole(_number(summed, "days_worked")),
                    _decimal(_number(summed, "hours")),
                    _decimal(_number(summed, "planned_hours")),
                    _balance(_number(summed, "balance")),
                    *(_whole(_number(summed, column)) for column in wanted),
                    _whole(settle),
                ],
                "days": [_shown(each) for each in own[key]],
            }
        )
    return people
