"""A person's time account: its entries, and the form that opens it, pays hours out or corrects it."""

from __future__ import annotations

from datetime import date

import streamlit as st

from app.ui import parts
from app.web import access
from app.words import date_format, say, say_date, say_number
from engine.errors import MusterError
from engine.people import AccountEntry, hours_of
from engine.workbench import Workbench

_KEY = "attendance-account"
_DONE, _ERROR = f"{_KEY}-done", f"{_KEY}-error"


def signed(hours: float) -> str:
    """Hours with their sign: `+12.50`."""
    return f"{'+' if hours > 0 else '−' if hours < 0 else '±'}{say_number(abs(hours), 2)}"


def show(bench: Workbench, employee_id: str, today: date) -> None:
    """The entries, and for those who may, the form."""
    entries = bench.time_accounts.entries(employee_id)
    may = access.may("attendance.correct")
    if not (entries or may):
        return
    if done := st.session_state.pop(_DONE, None):
        st.toast(parts.plain(done), icon=":material/check:")
    with st.expander(say("Time account"), icon=":material/savings:", expanded=_ERROR in st.session_state):
        if error := st.session_state.pop(_ERROR, None):
            parts.notice(*error, tone="bad")
        if entries:
            kinds = {"opening": say("opening balance"), "change": say("change")}
            heads = (say("Date"), say("Entry"), say("Hours"), say("Reason"))
            cells = [
                (say_date(row.day), kinds[row.kind], signed(row.hours), bench.office.readable(row.reason))
                for row in entries
            ]
            parts.table(heads, cells)
        else:
            st.caption(say("The account begins with an opening balance."))
        if may:
            _form(employee_id, entries, today)


def _form(employee_id: str, entries: list[AccountEntry], today: date) -> None:
    names = {
        "change": say("Pay out or correct"),
        "opening": say("Opening balance"),
        "remove": say("Remove an entry"),
    }
    offered = list(names) if entries else ["opening"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        action = st.selectbox(say("Action"), offered, format_func=names.__getitem__, key=f"{_KEY}-action", width=210)
        if action == "remove":
            told = {row.entry_id: f"{say_date(row.day)}, {signed(row.hours)}" for row in entries}
            st.selectbox(say("Entry"), list(told), format_func=told.__getitem__, key=f"{_KEY}-entry", width=230)
        else:
            st.date_input(say("Date"), today.replace(day=1), key=f"{_KEY}-day", format=date_format(), width=150)
            st.text_input(say("Hours"), key=f"{_KEY}-hours", placeholder="−10:30", width=110)
        reason = st.text_input(say("Reason"), key=f"{_KEY}-reason", max_chars=300)
        st.button(
            say("Save"),
            type="primary",
            key=f"{_KEY}-save",
            disabled=action != "opening" and not reason.strip(),
            on_click=_save,
            args=(employee_id, action),
        )


@parts.guarded
def _save(employee_id: str, action: str) -> None:
    """Write the entry in the name of the signed-in user."""
    state = st.session_state
    reason = str(state.get(f"{_KEY}-reason", ""))
    try:
        bench, author = access.acting("attendance.correct")
        desk = bench.time_accounts
        if action == "remove":
            desk.remove(state[f"{_KEY}-entry"], author=author, reason=reason)
        else:
            change = desk.open if action == "opening" else desk.change
            change(employee_id, state[f"{_KEY}-day"], hours_of(state[f"{_KEY}-hours"]), author=author, reason=reason)
    except MusterError as error:
        state[_ERROR] = (error.message, error.hint)
        return
    state[_DONE] = say("Saved")
    for name in ("hours", "reason"):
        state.pop(f"{_KEY}-{name}", None)
