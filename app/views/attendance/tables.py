"""The tables of the attendance page: exceptions and the complete day sheet, with faces. A row is a link to the person's day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.ui.address import to
from app.words import say, say_date, say_minutes, say_percent, say_time, term
from engine.attendance import LONG, DaySheet, Status
from engine.attendance.explain import Part
from engine.reports import STATUSES, Exceptional

PAGE = 50
CHIPS = {"good": "green", "warn": "orange", "bad": "red", "info": "blue", "quiet": "gray"}
_KEPT = ("from", "to", "department", "find", "view", "chart", "show", "sort", "page")
_DASH = Markup('<span class="m-soft" aria-hidden="true">–</span>')

Cell = tuple[str, str, object]
"""Class of the stylesheet, the column's name, and what stands there."""


def here(**values: str) -> str:
    """The address of this page with other values; what was chosen before stays, so that the way back leads to it."""
    kept = {name: st.query_params[name] for name in _KEPT if name in st.query_params}
    return to("/attendance", **{**kept, **values})


_SORTS: Mapping[str, Callable[[DaySheet], object]] = {
    "name": lambda row: (row.name or row.employee_id).casefold(),
    "date": lambda row: row.day,
    "status": lambda row: term(row.status),
    "in": lambda row: f"{row.first_in:%H:%M}" if row.first_in else "~",
    "out": lambda row: f"{row.last_out:%H:%M}" if row.last_out else "~",
    "worked": lambda row: row.worked.total_seconds() if row.worked is not None else -1.0,
    "covered": lambda row: -1 if row.covered_pct is None else row.covered_pct,
}


def in_order(rows: Iterable[DaySheet]) -> list[DaySheet]:
    """Rows by the column that the address names, the newest first without one; `-` before its name turns the order."""
    found = sorted(rows, key=lambda row: row.day, reverse=True)
    asked = st.query_params.get("sort", "")
    key = _SORTS.get(asked.removeprefix("-"))
    return sorted(found, key=key, reverse=asked.startswith("-")) if key else found  # type: ignore[arg-type]


def _head(word: str, name: str, css: str) -> Markup:
    """A column's head; one that sorts is a link."""
    if word not in _SORTS:
        return parts.markup('<th scope="col" class="{css}">{name}</th>', css=css, name=name)
    asked = st.query_params.get("sort", "")
    following = f"-{word}" if asked == word else word
    state = {word: ("ascending", " ↑"), f"-{word}": ("descending", " ↓")}.get(asked, ("none", ""))
    return parts.markup(
        '<th scope="col" class="{css}" aria-sort="{state}"><a href="{address}">{name}<span aria-hidden="true">{sign}</span></a></th>',
        css=css,
        state=state[0],
        address=here(sort=following, page=""),
        name=name,
        sign=state[1],
    )


def _table(heads: Iterable[Markup], lines: Iterable[Iterable[Cell]]) -> None:
    """Rows of cells; on a phone each is a card, where cells name their columns."""
    body = parts.joined(
        parts.markup(
            "<tr>{cells}</tr>",
            cells=parts.joined(
                parts.markup('<td class="{css}" data-label="{name}">{text}</td>', css=css, name=name, text=text)
                for css, name, text in cells
            ),
        )
        for cells in lines
    )
    parts.show(
        '<div class="a-box"><table class="m-table a-sheet"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>',
        heads=parts.joined(heads),
        body=body,
    )


def _who(row: DaySheet) -> Markup:
    """Face, name and department; the name's link covers the row."""
    return parts.markup(
        '<div class="a-who">{face}<div><a href="{address}">{name}</a><small>{department}</small></div></div>',
        face=parts.face(parts.portrait(row.employee_id), 48),
        address=here(person=row.employee_id, day=row.day.isoformat()),
        name=row.name or row.employee_id,
        department=row.department,
    )


def _cells(row: DaySheet, kind: str, *, several_days: bool) -> list[Cell]:
    """What both tables begin with: who, when, status, in and out."""
    late = ""
    if row.late and kind in {"late", "late, left early"}:
        late = parts.markup("<small>{text}</small>", text=say_minutes(row.late_min or 0))
    return [
        ("", "", _who(row)),
        *([("a-time", say("Date"), say_date(row.day))] if several_days else []),
        ("", "", parts.markup("{status}{late}", status=parts.status(kind), late=late)),
        ("a-time", say("In"), say_time(row.first_in) if row.first_in else _DASH),
        ("a-time", say("Out"), say_time(row.last_out) if row.last_out else _DASH),
    ]


def _heads(*, several_days: bool, sorts: bool) -> list[Markup]:
    names = [("name", say("Name"), ""), ("status", say("Status"), ""), ("in", say("In"), "a-time")]
    names.append(("out", say("Out"), "a-time"))
    if several_days:
        names.insert(1, ("date", say("Date"), "a-time"))
    return [_head(word if sorts else "", name, css) for word, name, css in names]


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


def exceptions(found: Sequence[Exceptional], *, several_days: bool) -> None:
    """What needs a decision, and what settles it."""
    shown = found[: 2 * PAGE]
    heads = _heads(several_days=several_days, sorts=False)
    heads += [_head("", say("Finding and next step"), "a-note"), _head("", say("Planned"), "a-plan")]
    lines = []
    for each in shown:
        told = (note(each.row), once_approved(each.row), next_step(each.kind, each.row))
        lines.append(
            [
                *_cells(each.row, each.kind, several_days=several_days),
                ("a-note", "", " · ".join(filter(None, told))),
                ("a-plan", say("Planned"), planned(each.row) or _DASH),
            ]
        )
    _table(heads, lines)
    if len(found) > len(shown):
        parts.soft(say("and {count} more", count=len(found) - len(shown)))


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
    """All rows, in the order that the address asks for, page by page."""
    rows = in_order(rows)
    heads = _heads(several_days=several_days, sorts=True)
    heads += [
        _head("worked", say("Worked"), "a-time"),
        _head("", say("Planned"), "a-plan"),
        _head("covered", say("Covered"), "a-time"),
        _head("", say("Notes"), "a-note"),
    ]
    lines = [
        [
            *_cells(row, row.status, several_days=several_days),
            (
                "a-time",
                say("Worked"),
                say_minutes(row.worked.total_seconds() / 60) if row.worked is not None else _DASH,
            ),
            ("a-plan", say("Planned"), planned(row) or _DASH),
            ("a-time", say("Covered"), _DASH if row.covered_pct is None else say_percent(int(row.covered_pct) / 100)),
            ("a-note", "", _notes(row)),
        ]
        for row in rows[parts.paged(len(rows), PAGE)]
    ]
    _table(heads, lines)


def _notes(row: DaySheet) -> Markup:
    """Notes, and who corrected what."""
    told = [note(row)]
    if row.corrected_by:
        told.append(say("Cameras only: {what}", what=_recorded(row)))
        told.append(say("Corrected by {name}: {reason}", name=row.corrected_by, reason=row.correction_reason))
    if row.approved_by:
        told.append(say("Approved by {name}", name=row.approved_by))
    return Markup("<br>").join(parts.markup("{text}", text=text) for text in told if text)


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
