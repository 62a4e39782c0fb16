"""The tables of the attendance page: exceptions and the complete day sheet, with faces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from app import parts
from app.address import put
from app.words import language, say, say_minutes, term
from engine.exports import STATUSES
from engine.insights import Exceptional, came_late

__all__ = ["exceptions", "note", "sheet"]

Row = Mapping[str, object]
_TALLEST_PX = 62 + 6 * 58
_CHIPS = {"good": "green", "warn": "orange", "bad": "red", "info": "blue", "quiet": "gray"}


def _status(label: str, words: Sequence[str]) -> Any:
    """A column of statuses as coloured chips of sign and word."""
    found = list(dict.fromkeys(words))
    return st.column_config.MultiselectColumn(
        label,
        options=[parts.mark(word) for word in found],
        color=[_CHIPS[parts.tone(word)] for word in found],
        width=150,
    )


def _columns(words: Sequence[str], *, several_days: bool) -> dict[str, Any]:
    """How columns are shown, by name."""
    text, day = st.column_config.TextColumn, "DD.MM.YYYY" if language() == "de" else "ddd D MMM YYYY"
    columns: dict[str, Any] = {
        "face": st.column_config.ImageColumn(" ", width=64),
        "name": text(say("Name"), width=165),
        "date": st.column_config.DateColumn(say("Date"), format=day, width=120),
        "status": _status(say("Status"), words),
        "department": text(say("Department"), width=120),
        "came": text(say("In"), width=62, help=say("First arrival that is in force.")),
        "left": text(say("Out"), width=62, help=say("Last departure that is in force.")),
        "planned": text(say("Planned"), width=105),
        "next": text(say("What to do"), width=330),
        "hours": text(say("Worked"), width=100, help=say("Without breaks.")),
        "late": text(say("Late"), width=80, help=say("From the planned start to the arrival.")),
        "note": text(say("Notes"), width=220),
        "recorded": text(say("Cameras alone"), width=190, help=say("What the cameras recorded, before any correction.")),
        "corrected": text(say("Corrected by"), width=120),
        "reason": text(say("Reason"), width=200),
        "approved": text(say("Approved by"), width=120),
        "covered": st.column_config.NumberColumn(
            say("Covered"), format="%d %%", width=80, help=say("Share of the planned time during which the cameras were watching.")
        ),
    }  # fmt: skip
    return columns if several_days else {**columns, "date": None}


def _base(row: Row, mark: str) -> dict[str, Any]:
    return {
        "face": parts.portrait(str(row["employee_id"])),
        "name": str(row["name"] or row["employee_id"]),
        "date": date.fromisoformat(str(row["date"])),
        "department": row["department"],
        "status": [mark],
        "came": str(row["first_in"])[:5],
        "left": str(row["last_out"])[:5],
        "planned": f"{row['planned_in']}–{row['planned_out']}" if row["planned_in"] else "",
    }


def note(row: Row) -> str:
    """Notes of the engine, part by part: those that it says often are translated."""
    found = []
    for part in filter(None, str(row["note"]).split("; ")):
        begin, _, rest = part.partition("camera off ")
        if not begin and rest:
            found.append(say("camera off {times}", times=rest))
        elif part.startswith("late by ") and part.endswith(" min"):
            found.append(say("late by {minutes}", minutes=say_minutes(float(part[8:-4]))))
        elif part.startswith("somebody like them was seen at "):
            found.append(say("somebody like them was seen at {times}", times=part[31:]))
        else:
            found.append(term(part))
    return "; ".join(found)


def _show(
    rows: Sequence[Row], cells: Sequence[dict[str, Any]], columns: dict[str, Any], order: Sequence[str], key: str
) -> None:
    def open_person() -> None:
        chosen = st.session_state[key]["selection"]["rows"]
        if chosen and chosen[0] < len(rows):
            row = rows[chosen[0]]
            put(person=str(row["employee_id"]), day=str(row["date"]))

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
        told = note(each.row)
        todo = _next_step(each.kind, each.row)
        cells.append({**_base(each.row, marks[each.kind]), "next": " · ".join(filter(None, (told, todo)))})
    order = ["face", "name", "status", "date", "next", "came", "left", "planned", "department"]
    columns = _columns([each.kind for each in found], several_days=several_days)
    columns["next"] = st.column_config.TextColumn(say("What happened, and what to do"), width=400)
    _show([each.row for each in found], cells, columns, order, "attendance-exceptions")


def _next_step(kind: str, row: Row) -> str:
    """What settles an exception."""
    late = say("{minutes} after the planned start", minutes=say_minutes(float(str(row["late_min"] or 0))))
    told: Mapping[str, Callable[[], str]] = {
        "overdue": lambda: say("Should be here since {time}. Ask, or enter leave.", time=row["planned_in"]),
        "awaiting approval": lambda: say("A correction waits for somebody else's approval."),
        "corrected": lambda: say("Corrected and approved."),
        "late": lambda: late,
        "left early": lambda: say("{minutes} before the planned end", minutes=say_minutes(float(str(row["early_min"] or 0)))),
    }  # fmt: skip
    if kind in told:
        return told[kind]()
    step = STATUSES[kind].next_step if kind in STATUSES else ""
    return term(step) if step else ""


def sheet(rows: Sequence[Row], *, several_days: bool) -> None:
    """All rows; choosing one opens the person."""
    corrected = any(row["corrected_by"] for row in rows)
    marks = {word: parts.mark(word) for word in {str(row["status"]) for row in rows}}
    cells = [
        {
            **_base(row, marks[str(row["status"])]),
            "hours": say_minutes(60 * float(str(row["hours"]))) if row["hours"] else "",
            "late": say_minutes(float(str(row["late_min"])))
            if came_late(row) and row["late_min"] not in {"", 0}
            else "",
            "note": note(row),
            "recorded": _recorded(row),
            "corrected": row["corrected_by"],
            "reason": row["correction_reason"],
            "approved": row["approved_by"],
            "covered": row["covered_pct"] if row["covered_pct"] != "" else None,
        }
        for row in rows
    ]
    order = ["face", "name", "status", "date", "came", "left", "hours", "planned", "late", "department", "note"]
    order += ["recorded", "corrected", "reason", "approved"] if corrected else []
    columns = _columns([str(row["status"]) for row in rows], several_days=several_days)
    _show(rows, cells, columns, [*order, "covered"], "attendance-sheet")


def _recorded(row: Row) -> str:
    """What the cameras alone say, of rows that were corrected."""
    if not row["corrected_by"]:
        return ""
    times = f"{str(row['recorded_first_in'])[:5] or '–'} – {str(row['recorded_last_out'])[:5] or '–'}"
    return f"{times}, {term(str(row['recorded_status']))}" if row["recorded_status"] else times
