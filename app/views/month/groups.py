"""What waits for a decision, grouped by cause, and one form that settles a whole group with one reason."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.ui import parts
from app.views.attendance import tables
from app.views.month.filters import MonthFilter
from app.web import access
from app.words import said, say, say_count, say_date
from engine.attendance import DaySheet
from engine.attendance.corrections import EXCUSES
from engine.errors import InputError, MusterError
from engine.operations.reporting import AttendanceReports
from engine.records import BulkAction
from engine.reports import AWAITING, OpenGroup, open_groups

_KEY = "month-bulk"
_DONE, _ERROR = f"{_KEY}-done", f"{_KEY}-error"
_SHOWN = 5


@st.fragment
@parts.guarded
def show(asked: MonthFilter) -> None:
    """The groups, and the chosen one."""
    bench = access.reading("attendance.view")
    if done := st.session_state.pop(_DONE, None):
        parts.done(parts.plain(done))  # the figures above change, too
    for error in st.session_state.pop(_ERROR, ()):
        st.warning(parts.plain(error), icon=":material/error:")
    everybody = AttendanceReports(bench).rows(asked.first, asked.last)
    found = open_groups(asked.of_kind([row for row in everybody if asked.keeps(row)]))
    if not found:
        st.caption(say("No decisions needed."))
        return
    if bench.attendance.closed.about(asked.first, asked.last):
        st.info(say("Closed days keep their figures. Corrections are listed."), icon=":material/lock:")
    cells = [
        {
            "status": [parts.mark(group.kind)],
            "cause": cause(group),
            "people": group.people,
            "days": len(group.rows),
            "next": tables.next_step(group.kind, group.rows[0]),
        }
        for group in found
    ]
    words = list(dict.fromkeys(group.kind for group in found))
    columns = {
        "status": st.column_config.MultiselectColumn(
            say("Status"),
            options=[parts.mark(word) for word in words],
            color=[tables.CHIPS[parts.tone(word)] for word in words],
            width=190,
        ),
        "cause": st.column_config.TextColumn(say("Cause"), width=250),
        "people": st.column_config.NumberColumn(say("People"), width=80),
        "days": st.column_config.NumberColumn(say("Days"), width=80),
        "next": st.column_config.TextColumn(say("Next step"), width=440),
    }
    state = st.dataframe(
        pd.DataFrame(cells),
        column_config=columns,
        hide_index=True,
        height=min(420, 40 + 35 * len(cells)),
        key=f"{_KEY}-groups",
        on_select="rerun",
        selection_mode="single-row-required",
        selection_default={"selection": {"rows": [0]}},
    )
    chosen = next(iter(state["selection"]["rows"]), 0)
    _group(found[min(chosen, len(found) - 1)])


def cause(group: OpenGroup) -> str:
    """What the days of a group have in common: `Thu 8 Oct: camera off 08:30–09:35`, or the span of days."""
    told = list(map(tables.notes_text, group.notes[:1]))
    if group.day is not None:
        day = say_date(group.day, year=False)
        more = say(" and similar") if len(group.notes) > 1 else ""
        return f"{day}: {told[0]}{more}" if told else day
    first, last = group.rows[0].day, group.rows[-1].day
    days = (
        say_date(first, year=False)
        if first == last
        else f"{say_date(first, year=False)} – {say_date(last, year=False)}"
    )
    return f"{told[0]}, {days}" if told and len(group.notes) == 1 else days


def _group(group: OpenGroup) -> None:
    """The days of a group, and the form for all of them or for those that are chosen."""
    st.markdown(f"**{parts.plain(parts.mark(group.kind))}** · {parts.plain(cause(group))}")
    cells = [
        {
            "name": row.name or row.employee_id,
            "date": say_date(row.day),
            "planned": tables.planned(row),
            "came": tables.span(row.first_in, row.last_out) if row.first_in or row.last_out else "–",
            "department": row.department,
            "note": " · ".join(filter(None, (tables.note(row), row.correction_reason))),
        }
        for row in group.rows
    ]
    text = st.column_config.TextColumn
    state = st.dataframe(
        pd.DataFrame(cells),
        column_config={
            "name": text(say("Name"), width=190),
            "date": text(say("Date"), width=130),
            "planned": text(say("Planned"), width=110),
            "came": text(say("Seen"), width=120),
            "department": text(say("Department"), width=130),
            "note": text(say("Notes"), width=330),
        },
        hide_index=True,
        height=min(285, 40 + 35 * len(cells)),
        key=f"{_KEY}-rows-{group.kind}-{group.day}",
        on_select="rerun",
        selection_mode="multi-row",
    )
    rows = [group.rows[place] for place in state["selection"]["rows"] if place < len(group.rows)] or list(group.rows)
    if access.may("attendance.correct" if group.kind != AWAITING else "attendance.approve"):
        _form(group.kind, rows, every=len(rows) == len(group.rows))


def _form(kind: str, rows: Sequence[DaySheet], *, every: bool) -> None:
    names: dict[str, str] = {
        "planned_in": say("Arrival as planned"),
        "planned_out": say("Departure as planned"),
        "status": say("Set a status"),
        "approve": say("Approve"),
    }
    ways = {AWAITING: ("approve",), "missing out": ("planned_out", "status"), "missing in": ("planned_in", "status")}
    usual = ("status", "planned_in", "planned_out")
    offered = [name for name in ways.get(kind, usual) if name in {"status", "approve"} or rows[0].planned_in]
    with st.container(border=True):
        st.caption(
            say_count("For all: {count} day.", "For all {count} days. Choose rows above for some of them.", len(rows))
            if every
            else say_count("For {count} chosen day.", "For {count} chosen days.", len(rows))
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            action = st.selectbox(
                say("Correction"), offered, format_func=names.__getitem__, key=f"{_KEY}-action-{kind}", width=220
            )
            value = ""
            if action == "status":
                value = st.selectbox(say("Status"), EXCUSES, format_func=parts.mark, key=f"{_KEY}-status", width=200)
            reason = st.text_input(
                say("Reason"),
                key=f"{_KEY}-reason",
                max_chars=500,
                placeholder=say("Example: camera replaced, seen by the shift lead"),
            )
            label = (
                say_count("Approve {count} day", "Approve {count} days", len(rows))
                if action == "approve"
                else say_count("Correct {count} day", "Correct {count} days", len(rows))
            )
            st.button(
                label,
                type="primary",
                key=f"{_KEY}-save",
                disabled=not reason.strip(),
                on_click=_save,
                args=(tuple(rows), action, value, reason),
            )


@parts.guarded
def _save(rows: Sequence[DaySheet], action: BulkAction, value: str, reason: str) -> None:
    """Correct or approve in the name of the signed-in user."""
    try:
        bench, author = access.acting("attendance.approve" if action == "approve" else "attendance.correct")
        found = bench.office.correct_all(rows, action, author=author, reason=reason, value=value)
    except MusterError as error:
        st.session_state[_ERROR] = [said(error)]
        return
    refused = [(made, error) for made, error in found if error is not None]
    st.session_state[_DONE] = say_count("{count} day saved", "{count} days saved", len(found) - len(refused))
    st.session_state[_ERROR] = _told(refused)
    st.session_state.pop(f"{_KEY}-reason", None)


def _told(refused: Sequence[tuple[object, InputError]]) -> list[str]:
    """The first refusals, each message once, and how many there are."""
    messages = list(dict.fromkeys(said(error) for _, error in refused))
    if not messages:
        return []
    more = len(messages) - _SHOWN
    head = say_count("{count} day was refused.", "{count} days were refused.", len(refused))
    return [head, *messages[:_SHOWN], *([say("{count} more reasons", count=more)] if more > 0 else [])]
