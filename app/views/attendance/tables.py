"""The tables of the attendance page: exceptions and the complete day sheet, with faces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from app.ui import parts
from app.ui.address import put
from app.words import language, say, say_minutes, say_time, term
from engine.attendance import LONG, DaySheet, Status
from engine.attendance.explain import Part
from engine.reports import STATUSES, Exceptional

_TALLEST_PX = 62 + 6 * 58
CHIPS = {"good": "green", "warn": "orange", "bad": "red", "info": "blue", "quiet": "gray"}


def _columns(words: Sequence[str], *, several_days: bool) -> dict[str, Any]:
    """How columns are shown, by name."""
    found = list(dict.fromkeys(words))
    text, day = st.column_config.TextColumn, "DD.MM.YYYY" if language() == "de" else "ddd D MMM YYYY"
    columns: dict[str, Any] = {
        "face": st.column_config.ImageColumn(" ", width=64),
        "name": text(say("Name"), width=165),
        "date": st.column_config.DateColumn(say("Date"), format=day, width=120),
        "status": st.column_config.MultiselectColumn(
            say("Status"),
            options=[parts.mark(word) for word in found],
            color=[CHIPS[parts.tone(word)] for word in found],
            width=175,
        ),
        "department": text(say("Department"), width=120),
        "came": text(say("In"), width=62, help=say("First valid arrival.")),
        "left": text(say("Out"), width=62, help=say("Last valid departure.")),
        "planned": text(say("Planned"), width=105),
        "next": text(say("Next step"), width=330),
        "hours": text(say("Worked"), width=100, help=say("Excluding breaks.")),
        "late": text(say("Late"), width=80, help=say("From the planned start to the arrival.")),
        "note": text(say("Notes"), width=220),
        "recorded": text(say("Cameras only"), width=190, help=say("The cameras' record before corrections.")),
        "corrected": text(say("Corrected by"), width=120),
        "reason": text(say("Reason"), width=200),
        "approved": text(say("Approved by"), width=120),
        "covered": st.column_config.NumberColumn(
            say("Covered"), format="%d %%", width=80, help=say("Share of the planned time that the cameras watched.")
        ),
    }
    return columns if several_days else {**columns, "date": None}


def _base(row: DaySheet, mark: str) -> dict[str, Any]:
    return {
        "face": parts.portrait(row.employee_id),
        "name": row.name or row.employee_id,
        "date": row.day,
        "department": row.department,
        "status": [mark],
        "came": say_time(row.first_in) if row.first_in else "",
        "left": say_time(row.last_out) if row.last_out else "",
        "planned": planned(row),
    }


def planned(row: DaySheet) -> str:
    """The planned times, such as `09:00–17:30`; empty without a plan."""
    return f"{say_time(row.planned_in)}–{say_time(row.planned_out)}" if row.planned_in and row.planned_out else ""


def span(first: datetime | None, last: datetime | None, between: str = " – ") -> str:
    """Two local times, with a dash in place of one that is not known."""
    return between.join(say_time(time) if time else "–" for time in (first, last))


def note(row: DaySheet) -> str:
    """Notes of the engine in the language of who is looking."""
    return notes_text(row.notes)


def notes_text(notes: Iterable[Part]) -> str:
    """Notes of the engine, see `note`."""
    return "; ".join(
        term(part.text).format(**{key: term(value) if key == "leave" else value for key, value in part.values.items()})
        for part in notes
    )


def _show(
    rows: Sequence[DaySheet], cells: Sequence[dict[str, Any]], columns: dict[str, Any], order: Sequence[str], key: str
) -> None:
    def open_person() -> None:
        chosen = st.session_state[key]["selection"]["rows"]
        if chosen and chosen[0] < len(rows):
            row = rows[chosen[0]]
            put(person=row.employee_id, day=row.day.isoformat())

    used = [column for column in order if columns.get(column) is not None]
    st.dataframe(
        pd.DataFrame(list(cells), columns=used),
        column_config={column: columns[column] for column in used},
        hide_index=True,
        row_height=58,
        height=min(_TALLEST_PX, 40 + 58 * len(rows)) if len(rows) > 6 else "content",
        key=key,
        on_select=open_person,
        selection_mode="single-row",
    )


def exceptions(found: Sequence[Exceptional], *, several_days: bool) -> None:
    """What needs a decision; choosing a row opens the person."""
    cells = []
    marks = {kind: parts.mark(kind) for kind in {each.kind for each in found}}
    for each in found:
        told, would, todo = note(each.row), once_approved(each.row), next_step(each.kind, each.row)
        cells.append({**_base(each.row, marks[each.kind]), "next": " · ".join(filter(None, (told, would, todo)))})
    order = ["face", "name", "status", "date", "came", "left", "next", "planned", "department"]
    columns = _columns([each.kind for each in found], several_days=several_days)
    columns["next"] = st.column_config.TextColumn(say("Finding and next step"), width=400)
    _show([each.row for each in found], cells, columns, order, "attendance-exceptions")


def next_step(kind: str, row: DaySheet) -> str:
    """What settles an exception."""
    told: Mapping[str, Callable[[], str]] = {
        "overdue": lambda: say(
            "Expected since {time}. Ask, or enter leave.", time=say_time(row.planned_in) if row.planned_in else "–"
        ),
        "awaiting approval": lambda: say("Someone else must approve a correction."),
        "corrected": lambda: say("Corrected and approved."),
        LONG: lambda: say("Check the times. If they are right, set the status present."),
        "late": lambda: say("{minutes} after the planned start", minutes=say_minutes(row.late_min or 0)),
        "left early": lambda: say("{minutes} before the planned end", minutes=say_minutes(row.early_min or 0)),
    }
    if kind in told:
        return told[kind]()
    step = STATUSES[Status(kind)].next_step if kind in STATUSES else ""
    return term(step) if step else ""


def sheet(rows: Sequence[DaySheet], *, several_days: bool) -> None:
    """All rows; choosing one opens the person."""
    corrected = any(row.corrected_by for row in rows)
    marks = {word: parts.mark(word) for word in {row.status for row in rows}}
    cells = [
        {
            **_base(row, marks[row.status]),
            "hours": say_minutes(row.worked.total_seconds() / 60) if row.worked is not None else "",
            "late": say_minutes(row.late_min or 0) if row.late else "",
            "note": note(row),
            "recorded": _recorded(row),
            "corrected": row.corrected_by,
            "reason": row.correction_reason,
            "approved": row.approved_by,
            "covered": row.covered_pct,
        }
        for row in rows
    ]
    order = ["face", "name", "status", "date", "came", "left", "hours", "planned", "late", "department", "note"]
    order += ["recorded", "corrected", "reason", "approved"] if corrected else []
    columns = _columns([row.status for row in rows], several_days=several_days)
    _show(rows, cells, columns, [*order, "covered"], "attendance-sheet")


def once_approved(row: DaySheet) -> str:
    """What will hold if somebody approves the corrections that wait; empty: none waits."""
    if row.pending is None:
        return ""
    hours = say_minutes(row.pending.worked.total_seconds() / 60) if row.pending.worked is not None else ""
    status = term(row.pending.status) if row.pending.status else ""
    times = span(row.pending.first_in, row.pending.last_out) if row.pending.first_in or row.pending.last_out else ""
    return say("once approved: {what}", what=", ".join(filter(None, (status, times, hours))) or "–")


def _recorded(row: DaySheet) -> str:
    """What the cameras alone say, of rows that were corrected."""
    if not row.corrected_by:
        return ""
    times = span(row.recorded.first_in, row.recorded.last_out)
    return f"{times}, {term(row.recorded.status)}" if row.recorded.status else times
