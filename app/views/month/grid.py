"""People × days as one table: a letter, a colour and the hours per day, and totals. `month.js` draws it from these values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache, partial
from typing import Any

from app.ui import parts
from app.ui.address import to
from app.views.attendance.tables import note, span
from app.views.month.filters import KINDS, MonthFilter
from app.words import say, say_date, say_number, say_weekdays, term
from app.words.terms import N_
from engine.attendance import DaySheet
from engine.reports import summarise
from engine.storage.logs.rows import day_range

_draw = parts.component("month")

_LETTERS = {
    "on time": N_("P = on time"),
    "present": N_("P = present"),
    "as planned": N_("≡ = as planned"),
    "late": N_("L = late"),
    "left early": N_("E = left early"),
    "late, left early": N_("LE = late, left early"),
    "half day": N_("½ = half day"),
    "inside": N_("I = inside"),
    "possibly inside": N_("I? = possibly inside"),
    "not yet": N_("… = not yet"),
    "missing out": N_("!O = missing out"),
    "missing in": N_("!I = missing in"),
    "absent": N_("A = absent"),
    "not covered": N_("C = not covered"),
    "not identified": N_("? = not identified"),
    "not enrolled": N_("N = not enrolled"),
    "holiday": N_("H = holiday"),
    "day off": N_("– = day off"),
    "on leave": N_("V = on leave"),
    "remote": N_("R = remote"),
    "sick": N_("S = sick"),
    "excused": N_("X = excused"),
}


def letter(status: str) -> str:
    """The letter of a status; the first of its word where none is set."""
    text = term(_LETTERS[status]) if status in _LETTERS else f"{term(status)[:1].upper()} = "
    return text.partition(" = ")[0]


def values(rows: Sequence[DaySheet], asked: MonthFilter, today: date) -> dict[str, Any]:
    """What the table shows; cells are `[index of the status, hours, what the day was like, marked]`, or 0 without a row."""
    days = day_range(asked.first, asked.last)
    words = list(dict.fromkeys(row.status.value for row in rows))
    index = {word: place for place, word in enumerate(words)}
    chosen = KINDS.get(asked.kind)
    number = cache(partial(say_number, digits=1))  # few hours differ
    own: dict[str, dict[date, list[object]]] = {}
    for row in rows:
        hours = "" if row.hours is None else number(row.hours)
        mark = (1 if row.corrected_by else 0) + (2 if chosen and not chosen(row) else 0)
        own.setdefault(row.employee_id, {})[row.day] = [index[row.status.value], hours, _told(row), mark]
    summary = summarise(rows, "all")
    weekdays = say_weekdays()
    return {
        "days": [
            [day.isoformat(), day.day, weekdays[day.weekday()], _shade(day, today), say_date(day)] for day in days
        ],
        "statuses": [[letter(word), parts.tone(word), term(word)] for word in words],
        "people": [
            {
                "id": summed["employee_id"],
                "name": summed["name"] or summed["employee_id"],
                "department": summed["department"],
                "cells": [own[str(summed["employee_id"])].get(day, 0) for day in days],
                "totals": _totals([summed]),
            }
            for summed in summary
        ],
        "present": [sum(row.present for row in rows if row.day == day) or "" for day in days],
        "totals": _totals(summary),
        "address": to("attendance", **{"from": f"{asked.first}", "to": f"{asked.last}"}),
        "words": {
            "person": say("Person"),
            "hours": say("Hours"),
            "planned": say("Planned"),
            "balance": say("Balance"),
            "present": say("Present"),
            "all": say("Total"),
            "label": say("Attendance, {month}", month=asked.title),
            "corrected": say("corrected"),
        },
    }


def _shade(day: date, today: date) -> str:
    return " ".join(
        filter(
            None,
            ("q-off" if day.weekday() > 4 else "", "q-today" if day == today else "q-later" if day > today else ""),
        )
    )


def _told(row: DaySheet) -> str:
    """The times of a day and its notes."""
    times = span(row.first_in, row.last_out, "–") if row.first_in or row.last_out else ""
    return ", ".join(filter(None, (times, note(row))))


def _totals(rows: Iterable[Any]) -> list[str]:
    """Hours, planned hours and balance."""
    rows = list(rows)
    hours, planned, balance = (sum(float(row[name]) for row in rows) for name in ("hours", "planned_hours", "balance"))
    sign = "+" if balance > 0.005 else "−" if balance < -0.005 else "±"
    return [say_number(hours, 2), say_number(planned, 2), f"{sign}{say_number(abs(balance), 2)}"]


def show(rows: Sequence[DaySheet], asked: MonthFilter, today: date) -> None:
    """The table, and below it what its letters mean."""
    shown = values(rows, asked, today)
    _draw(key="month-grid", data=shown)
    legend = dict.fromkeys((sign, tone, word) for sign, tone, word in shown["statuses"])
    cells = parts.joined(
        parts.markup('<span><b class="q-{tone}">{sign}</b> {word}</span>', tone=tone, sign=sign, word=word)
        for sign, tone, word in legend
    )
    parts.show(
        '<div class="q-legend" aria-label="{label}">{cells}<span><b class="q-mark"></b> {corrected}</span></div>',
        label=say("Legend"),
        cells=cells,
        corrected=say("corrected"),
    )
