"""The month report: one printable HTML page about everybody, or about one person."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from engine.attendance import DaySheet, kinds_of_hours
from engine.people import TimeAccounts
from engine.reports.arrivals import punctuality
from engine.reports.charts import arrivals_chart, late_chart, presence_chart
from engine.reports.columns import COLUMNS, STATUSES, SUMMARY_COLUMNS, heading
from engine.reports.payroll import summarise
from engine.reports.render import render
from engine.reports.texts import notes_text
from engine.words import ENGLISH, N_, Words

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
_HOURS = {
    "days_worked": N_("Days"),
    "hours": N_("Hours"),
    "planned_hours": N_("Planned"),
    "credited_hours": N_("Credited"),
    "balance": N_("Balance"),
    "overtime_hours": N_("Overtime"),
    "night_hours": N_("Night"),
    "sunday_hours": N_("Sunday"),
    "holiday_hours": N_("Holiday"),
    "account": N_("Account"),
}
"""The table of hours: a short heading by column."""
_DAYS = {
    "late_days": N_("Late days"),
    "late_min": N_("Late min"),
    "early_min": N_("Early min"),
    "absent": N_("Absent"),
    "on_leave": N_("On leave"),
    "unpaid": N_("Unpaid"),
    "remote": N_("Remote"),
    "sick": N_("Sick"),
    "holiday": N_("Holidays"),
    "settle": N_("To be settled"),
}
"""The table of days: likewise; `settle` adds up what somebody must settle."""
_ALWAYS = {"days_worked", "hours", "planned_hours", "balance", "late_days", "absent", "settle"}
"""Columns that are there even if nobody has a figure in them; the others would only make the page hard to read."""
_DAY = {
    "balance": N_("Balance"),
    "overtime_hours": N_("Overtime"),
    "night_hours": N_("Night"),
    "sunday_hours": N_("Sunday"),
    "holiday_hours": N_("Holiday"),
}
"""Columns of a single day that are there if one of the days has a figure."""
_OPEN = ("missing_in_out", "not_covered", "not_identified", "long_days", "awaiting_approval")


def month_report(
    rows: Sequence[DaySheet],
    *,
    title: str,
    organisation: str,
    generated_at: datetime,
    verified: str,
    grace_min: float | None = None,
    accounts: TimeAccounts | None = None,
    words: Words = ENGLISH,
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
        accounts: time accounts up to the last of the days; None: no column.
        words: language of the page.

    Raises:
        ConfigError: the package that renders pages is not installed.
    """
    rows = sorted(rows, key=lambda row: (row.day, row.name.casefold(), row.employee_id))
    single = len({row.employee_id for row in rows}) == 1
    first, last = (rows[0].day, rows[-1].day) if rows else (generated_at.date(), generated_at.date())
    say = words.say
    arrivals = [row for row in rows if row.start_offset_min is not None]
    svg, beyond = arrivals_chart(arrivals, first, last, grace_min=grace_min, words=words) if arrivals else ("", 0)
    late = _late_by_day(rows, minutes=single)
    exceptions = [row for row in rows if _next_step(row)]
    summed = summarise(rows, by_month=False, accounts=accounts)
    hours, days = _shown_columns(_HOURS, summed), _shown_columns(_DAYS, summed)
    kinds = [column for column in _DAY if any(_figure(row, column) for row in rows)]
    defined = {
        column: {**COLUMNS, **SUMMARY_COLUMNS}[column]
        for column in (*_DEFINED, *kinds, *hours, *days)
        if column != "settle"
    }
    return render(
        "month.html.j2",
        generated_at,
        lang=words.code,
        say=say,
        title=title,
        organisation=organisation,
        verified=say(verified) if verified else say("was not verified"),
        range=words.span(first, last) if rows else say("no days"),
        rows_count=len(rows),
        single=single,
        status=lambda word: STATUSES[word],
        statuses=STATUSES,
        columns={say(heading(key)): say(meaning) for key, meaning in defined.items()},
        kpis=_kpis(rows, summed, len(exceptions), words, single=single),
        exceptions=[_shown(row, kinds, words) for row in exceptions[:MAX_EXCEPTIONS]],
        exceptions_count=len(exceptions),
        arrivals=svg,
        arrivals_text=_arrivals_text(arrivals, beyond, words),
        grace_min=f"{grace_min:g}" if grace_min else "",
        presence=presence_chart(rows, words) if single else "",
        has_plans=bool(arrivals),
        late=late_chart(late, first, last, minutes=single, words=words) if any(late.values()) else "",
        kinds=[say(_DAY[column]) for column in kinds],
        hours_heads=[say(_HOURS[column]) for column in hours],
        days_heads=[say(_DAYS[column]) for column in days],
        people=_people(rows, summed, hours, days, kinds, words),
    )


def _shown_columns(columns: Mapping[str, str], summed: Sequence[Mapping[str, object]]) -> list[str]:
    return [name for name in columns if name in _ALWAYS or any(_number(row, name) for row in summed)]


def _figure(row: DaySheet, column: str) -> float:
    """A figure of a day; days without hours have no balance worth a column of their own."""
    return row.balance if column == "balance" else kinds_of_hours(row)[column] or 0.0


def _next_step(row: DaySheet) -> str:
    """What somebody has to do about the row; may be empty."""
    if row.pending is not None:
        return N_("Approve the correction.")
    if step := STATUSES[row.status].next_step:
        return step
    if row.long:
        return N_("Check the times.")
    return N_("Approve the correction.") if row.awaiting_approval else ""


def _clock(time: datetime | None) -> str:
    return f"{time:%H:%M}" if time else ""


def _decimal(value: float | None, words: Words) -> str:
    return "" if value is None else words.number(value, 2)


def _whole(value: float | None, words: Words) -> str:
    """A count or minutes, half days as .5; empty for zero, so that other numbers stand out."""
    if not value:
        return ""
    return words.number(
        value, next(digits for digits in range(3) if digits == 2 or round(value, digits) == round(value, 2))
    )


def _number(row: Mapping[str, object], column: str) -> float:
    if column == "settle":
        return sum(_number(row, each) for each in _OPEN)
    return float(str(row[column] or 0))


def _cell(row: Mapping[str, object], column: str, words: Words) -> str:
    """A cell of the tables of people."""
    value = _number(row, column)
    if column in {"balance", "account"}:
        return "" if row[column] == "" else words.signed(value)
    if column in {"hours", "planned_hours"}:
        return words.number(value, 2)
    if column.endswith("_hours"):
        return words.number(value, 2) if value else ""
    return _whole(value, words)


def _shown(row: DaySheet, kinds: Sequence[str], words: Words) -> dict[str, object]:
    """A row of a table of days; `kinds`: further columns with hours."""
    say = words.say
    correction = ""
    if row.corrected_by:
        recorded, pending = row.recorded, row.pending
        correction = say(
            "Corrected by {author}. Recorded: {times}, {status}.",
            author=f"{row.corrected_by}: {row.correction_reason}" if row.correction_reason else row.corrected_by,
            times=_times(recorded.first_in, recorded.last_out),
            status=say(recorded.status or "–"),
        )
        approved = say("Approved by {author}.", author=row.approved_by) if row.approved_by else say("Not approved yet.")
        correction = f"{correction} {approved}"
        if pending:
            times, status = _times(pending.first_in, pending.last_out), say(pending.status or "–")
            correction += " " + say("Once approved: {times}, {status}.", times=times, status=status)
    return {
        "label": words.day(row.day),
        "employee_id": row.employee_id,
        "name": row.name,
        "status": row.status,
        "first_in": _clock(row.first_in),
        "last_out": _clock(row.last_out),
        "hours": _decimal(row.hours, words),
        "planned": f"{_clock(row.planned_in)}–{_clock(row.planned_out)}" if row.planned_in else "",
        "kinds": [_kind(row, column, words) for column in kinds],
        "late": _whole(row.late_min, words),
        "early": _whole(row.early_min, words),
        "note": notes_text(row.notes, words),
        "correction": correction,
        "next_step": say(_next_step(row)),
    }


def _kind(row: DaySheet, column: str, words: Words) -> str:
    value = _figure(row, column)
    if not value:
        return ""
    return words.signed(value) if column == "balance" else words.number(value, 2)


def _times(first: datetime | None, last: datetime | None) -> str:
    return "–".join(_clock(time) or "…" for time in (first, last))


def _late_by_day(rows: Sequence[DaySheet], *, minutes: bool) -> dict[date, float]:
    """Minutes late, or people late, by day."""
    found: dict[date, float] = {}
    for row in rows:
        if row.late:
            found[row.day] = found.get(row.day, 0.0) + ((row.late_min or 0) if minutes else 1)
    return found


def _arrivals_text(arrivals: Sequence[DaySheet], beyond: int, words: Words) -> str:
    if not arrivals:
        return ""
    say = words.say
    median = round(statistics.median(row.start_offset_min or 0.0 for row in arrivals))
    on_time, known = punctuality(arrivals)
    parts = [
        say("Arrivals: {count}, late: {late}.", count=words.number(known), late=words.number(known - on_time)),
        say("The middle one is {minutes} min after the planned start.", minutes=median)
        if median > 0
        else say("The middle one is {minutes} min before the planned start.", minutes=-median)
        if median
        else say("The middle one is at the planned start."),
    ]
    if beyond:
        parts.append(say("Beyond the chart, drawn on its edge: {count}.", count=beyond))
    return " ".join(parts)


def _kpis(
    rows: Sequence[DaySheet], summary: Sequence[Mapping[str, object]], open_count: int, words: Words, *, single: bool
) -> list[dict[str, str]]:
    say, number = words.say, words.number

    def total(column: str) -> float:
        return sum(_number(row, column) for row in summary)

    def days(count: float) -> str:
        return say("day") if count == 1 else say("days")

    on_time, known = punctuality(rows)
    share, late, overtime = (
        f"{100 * on_time / known:.0f}%" if known else "–",
        total("late_days"),
        total("overtime_hours"),
    )
    balance = {
        "label": say("Balance"),
        "value": words.signed(total("balance"), 2 if single else 0),
        "under": say("hours"),
    }
    tiles = [
        {"label": say("Days worked"), "value": number(total("days_worked")), "under": ""},
        {
            "label": say("Hours"),
            "value": number(total("hours")),
            "under": say("of {hours} planned", hours=number(total("planned_hours"))),
        },
        balance,
        {"label": say("Not late"), "value": share, "under": say("{some} of {all} arrivals", some=on_time, all=known)},
        {
            "label": say("Late"),
            "value": number(late),
            "under": f"{days(late)}, {number(total('late_min'))} min",
        },
        {"label": say("Absent"), "value": number(total("absent")), "under": days(total("absent"))},
        {"label": say("To be settled"), "value": number(open_count), "under": days(open_count)},
    ]
    if overtime:
        tiles.insert(
            3, {"label": say("Overtime"), "value": number(overtime, 2 if single else 0), "under": say("hours")}
        )
    return tiles if single else [{"label": say("People"), "value": number(len(summary)), "under": ""}, *tiles]


def _people(
    rows: Sequence[DaySheet],
    summary: Sequence[Mapping[str, object]],
    hours: Sequence[str],
    days: Sequence[str],
    kinds: Sequence[str],
    words: Words,
) -> list[dict[str, object]]:
    """Everybody's numbers and days; if the rows span several months, these are added up."""
    own: dict[str, list[DaySheet]] = {}
    for row in rows:
        own.setdefault(row.employee_id, []).append(row)
    return [
        {
            "employee_id": summed["employee_id"],
            "name": summed["name"],
            "under": " · ".join(str(summed[column]) for column in ("employee_id", "department") if summed[column]),
            "hours": [_cell(summed, column, words) for column in hours],
            "cells": [_cell(summed, column, words) for column in days],
            "days": [_shown(each, kinds, words) for each in own[str(summed["employee_id"])]],
        }
        for summed in summary
    ]
