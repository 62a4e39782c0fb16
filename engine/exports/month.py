"""The month report: one printable HTML page about everybody, or about one person."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import date, datetime

from engine.exports.charts import Arrival, arrivals_chart, arrivals_of, late_chart, presence_chart
from engine.exports.columns import COLUMNS, STATUSES, SUMMARY_COLUMNS, Row, heading, status_of
from engine.exports.payroll import number, summarise
from engine.exports.render import render

__all__ = ["month_report"]

MAX_EXCEPTIONS = 100
_LATE = {"late", "late, left early"}
_DEFINED = (
    "date", "first_in", "last_out", "hours", "planned_hours", "late_min", "early_min", "note", "corrected_by", "approved_by",
)  # fmt: skip
_SUMMED = (
    "days_worked", "hours", "planned_hours", "credited_hours", "balance", "late_days", "late_min", "early_min", "absent",
    "on_leave", "remote", "sick", "holiday", "missing_in_out", "not_covered", "not_identified", "awaiting_approval",
)  # fmt: skip
_OPEN = ("missing_in_out", "not_covered", "not_identified", "awaiting_approval")


def month_report(
    rows: Sequence[Row],
    *,
    title: str,
    organisation: str,
    generated_at: datetime,
    verified: str,
    grace_min: float | None = None,
) -> str:
    """A self-contained HTML page: numbers of the month, what is to be settled, charts, a table per person.

    Rows of one person give a report with a bar of presence for each day; rows of several, a summary with each person's days to
    unfold. The page has no scripts and loads nothing; it prints on A4 portrait.

    Args:
        rows: of day sheets, usually of one month; those without an ISO date are left out.
        title: such as "Attendance November 2026".
        organisation: stands above the title; may be empty.
        generated_at: timezone-aware.
        verified: what is known of the log's integrity, in words; may be empty.
        grace_min: minutes after the planned start that do not count as late, drawn in the chart of arrivals.

    Raises:
        ConfigError: the package that renders pages is not installed.
    """
    dated = sorted(
        ((day, row) for row in rows if (day := _day(row)) is not None),
        key=lambda pair: (pair[0], _text(pair[1], "name").casefold(), _text(pair[1], "employee_id")),
    )
    rows = [row for _, row in dated]
    single = len({_text(row, "employee_id") for row in rows}) == 1
    days = [day for day, _ in dated]
    first, last = (days[0], days[-1]) if days else (generated_at.date(), generated_at.date())
    arrivals = arrivals_of(rows)
    svg, beyond = arrivals_chart(arrivals, first, last, grace_min=grace_min) if arrivals else ("", 0)
    late = _late_by_day(dated, minutes=single)
    exceptions = [row for row in rows if _next_step(row)]
    return render(
        "month.html.j2",
        generated_at,
        title=title,
        organisation=organisation,
        verified=verified,
        range=_range(first, last) if days else "no days",
        rows_count=len(rows),
        single=single,
        status=lambda word: status_of({"status": word}),
        statuses=STATUSES,
        columns={heading(key): {**COLUMNS, **SUMMARY_COLUMNS}[key] for key in (*_DEFINED, *_SUMMED)},
        kpis=_kpis(rows, arrivals, len(exceptions), single=single),
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


def _text(row: Row, column: str) -> str:
    value = row.get(column, "")
    return "" if value is None else str(value)


def _day(row: Row) -> date | None:
    try:
        return date.fromisoformat(_text(row, "date"))
    except ValueError:
        return None


def _range(first: date, last: date) -> str:
    if first == last:
        return f"{first.day} {first:%B %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {last.day} {last:%B %Y}"
    return f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"


def _next_step(row: Row) -> str:
    """What somebody has to do about the row; empty when nothing."""
    if step := status_of(row).next_step:
        return step
    return "Approve the correction." if _text(row, "corrected_by") and not _text(row, "approved_by") else ""


def _clock(text: str) -> str:
    return text[:5]


def _decimal(value: object) -> str:
    found = number(value)
    return "" if found is None else f"{found:,.2f}"


def _balance(value: object) -> str:
    return f"{number(value) or 0.0:+,.2f}".replace("-", "−")


def _whole(value: object) -> str:
    """A count or minutes; nothing for none, so that the eye finds what there is."""
    found = number(value)
    return f"{found:.0f}" if found else ""


def _shown(row: Row) -> dict[str, str]:
    """A row as it stands in a table of days."""
    day = _day(row)
    correction = ""
    if author := _text(row, "corrected_by"):
        reason = f": {_text(row, 'correction_reason')}" if _text(row, "correction_reason") else ""
        recorded = " to ".join(
            _clock(_text(row, column)) or "–" for column in ("recorded_first_in", "recorded_last_out")
        )
        approved = _text(row, "approved_by")
        correction = (
            f"Corrected by {author}{reason}. Recorded: {recorded}, {_text(row, 'recorded_status')}. "
            f"{f'Approved by {approved}.' if approved else 'Not approved yet.'}"
        )
    planned = [_clock(_text(row, column)) for column in ("planned_in", "planned_out")]
    return {
        "label": f"{day:%a} {day.day} {day:%b}" if day else "",
        "employee_id": _text(row, "employee_id"),
        "name": _text(row, "name"),
        "status": _text(row, "status"),
        "first_in": _clock(_text(row, "first_in")),
        "last_out": _clock(_text(row, "last_out")),
        "hours": _decimal(row.get("hours")),
        "planned": "–".join(planned) if all(planned) else "",
        "late": _whole(row.get("late_min")),
        "early": _whole(row.get("early_min")),
        "note": _text(row, "note"),
        "correction": correction,
        "next_step": _next_step(row),
    }


def _late_by_day(dated: Sequence[tuple[date, Row]], *, minutes: bool) -> dict[date, float]:
    """Minutes late, or people late, by day."""
    found: dict[date, float] = {}
    for day, row in dated:
        if _text(row, "status") in _LATE:
            found[day] = found.get(day, 0.0) + ((number(row.get("late_min")) or 0.0) if minutes else 1.0)
    return found


def _arrivals_text(arrivals: Sequence[Arrival], beyond: int) -> str:
    if not arrivals:
        return ""
    median = round(statistics.median(arrival.delta_min for arrival in arrivals))
    when = (
        f"{abs(median)} minutes {'after' if median > 0 else 'before'} the planned start"
        if median
        else "the planned start"
    )
    late = sum(arrival.late for arrival in arrivals)
    count = f"{len(arrivals)} arrival{'s' if len(arrivals) > 1 else ''}, {late} late"
    text = f"{count}; the middle one at {when}."
    return f"{text} Beyond the chart, drawn on its edge: {beyond}." if beyond else text


def _kpis(rows: Sequence[Row], arrivals: Sequence[Arrival], open_count: int, *, single: bool) -> list[dict[str, str]]:
    summary = summarise(rows)

    def total(column: str) -> float:
        return sum(number(row[column]) or 0.0 for row in summary)

    in_time = sum(not arrival.late for arrival in arrivals)
    share = f"{100 * in_time / len(arrivals):.0f}%" if arrivals else "–"
    tiles = [
        {"label": "Days worked", "value": f"{total('days_worked'):,.0f}", "under": ""},
        {"label": "Hours", "value": f"{total('hours'):,.0f}", "under": f"of {total('planned_hours'):,.0f} planned"},
        {"label": "Not late", "value": share, "under": f"{in_time} of {len(arrivals)} arrivals"},
        {
            "label": "Late",
            "value": f"{total('late_days'):,.0f}",
            "under": f"{_days(total('late_days'))}, {total('late_min'):,.0f} min",
        },
        {"label": "Absent", "value": f"{total('absent'):,.0f}", "under": _days(total("absent"))},
        {"label": "To be settled", "value": f"{open_count}", "under": _days(open_count)},
    ]
    if single:
        balance = {"label": "Balance", "value": _balance(total("balance")), "under": "hours"}
        return [*tiles[:2], balance, *tiles[2:]]
    return [{"label": "People", "value": f"{len({row['employee_id'] for row in summary})}", "under": ""}, *tiles]


def _days(count: float) -> str:
    return "day" if count == 1 else "days"


def _people(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Everybody's numbers and days; months of one person are added up where the rows span several."""
    own: dict[str, list[Row]] = {}
    for row in rows:
        own.setdefault(_text(row, "employee_id"), []).append(row)
    # one month for all, so that a person has one row however many months the report spans
    summary = summarise([{**row, "date": ""} for row in rows])
    people: list[dict[str, object]] = []
    for row in summary:
        settle = sum(int(number(row[column]) or 0) for column in _OPEN)
        wanted = ("late_days", "late_min", "early_min", "absent", "on_leave", "remote", "sick", "holiday")
        key = str(row["employee_id"])
        people.append(
            {
                "employee_id": key,
                "name": row["name"],
                "under": " · ".join(str(row[column]) for column in ("employee_id", "department") if row[column]),
                "cells": [
                    _whole(row["days_worked"]),
                    _decimal(row["hours"]),
                    _decimal(row["planned_hours"]),
                    _balance(row["balance"]),
                    *(_whole(row[column]) for column in wanted),
                    _whole(settle),
                ],
                "days": [_shown(each) for each in own[key]],
            }
        )
    return people
