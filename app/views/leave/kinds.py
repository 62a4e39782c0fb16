"""Kinds of leave: what each means for pay and hours, and those that a workplace adds, changes or withdraws."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from app.ui import parts
from app.ui.address import put
from app.views.leave import words
from app.web import access
from app.words import say, say_count, say_number
from engine.errors import MusterError
from engine.records import KindDesk, KindUse
from engine.workbench import Workbench

NEW = "new"
_KEY = "leave-kind"
_ERROR, _DONE = f"{_KEY}-error", f"{_KEY}-done"


def show(bench: Workbench) -> None:
    """The kinds, and the form for the one that the address asks for."""
    if done := st.session_state.pop(_DONE, None):
        st.toast(parts.plain(done), icon=":material/check:")
    found = bench.leave_kinds.all()
    wanted = st.query_params.get("kind", "")
    chosen = next((each for each in found if each.key == wanted), None)
    if wanted == NEW or chosen:
        with st.container(border=True):
            _form(chosen)
    elif wanted:
        parts.notice(say("This kind is gone"), say("Someone may have removed it."), tone="warn")
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.caption(say("Select a kind to change it. It counts for all days that are not closed."))
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        st.button(say("Add kind"), icon=":material/add:", key=f"{_KEY}-add", on_click=lambda: put(kind=NEW))
    _table(found)


def _names() -> tuple[dict[str, str], dict[str, str]]:
    """Labels of the statuses and of the credits."""
    return (
        {"on leave": say("Away"), "remote": say("Works elsewhere"), "sick": say("Ill")},
        {
            "full": say("Counts as worked"),
            "none": say("Missing in the balance"),
            "unplanned": say("Nothing is planned"),
        },
    )


def _table(found: list[KindUse]) -> None:
    statuses, credits_ = _names()
    rows = [
        {
            "name": words.capital(each.name),
            "status": statuses[each.kind.status],
            "credit": credits_[each.kind.credit],
            "paid": say("paid") if each.kind.paid else say("unpaid"),
            "days": each.kind.days_per_year,
            "entries": each.entries,
            "state": parts.mark("withdrawn" if each.kind.withdrawn else "active"),
        }
        for each in found
    ]

    def chosen() -> None:
        picked = st.session_state[f"{_KEY}-table"]["selection"]["rows"]
        if picked and picked[0] < len(found):
            put(kind=found[picked[0]].key)

    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        key=f"{_KEY}-table",
        on_select=chosen,
        selection_mode="single-row",
        placeholder="–",
        alt=say("Kinds of leave"),
        column_config={
            "name": text(say("Name")),
            "status": text(say("Day")),
            "credit": text(say("Planned hours")),
            "paid": text(say("Pay")),
            "days": number(say("Days a year"), format="localized"),
            "entries": number(say("Entries"), format="localized"),
            "state": text(say("State")),
        },
    )


def _key(name: str) -> str:
    return f"{_KEY}-{name}-{st.query_params.get('kind', '')}"


def _form(old: KindUse | None) -> None:
    st.subheader(parts.plain(words.capital(old.name)) if old else say("Add kind"))
    fixed = bool(old and old.locked_by)
    if old and fixed:
        parts.notice(
            say("Set by the environment"),
            say("An administrator can change the variable {name}.", name=old.locked_by),
            tone="info",
        )
    elif old:
        used = say("No entry has this kind.")
        if old.entries:
            used = say_count("{count} entry has this kind.", "{count} entries have this kind.", old.entries)
        too = say("A change counts for them, too, except in closed months.") if old.entries else ""
        parts.soft(f"{used} {too}")
    statuses, credits_ = _names()
    left, right = st.columns(2)
    with left:
        name = st.text_input(
            say("Name"),
            words.capital(old.name) if old else "",
            max_chars=60,
            key=_key("name"),
            disabled=fixed,
            placeholder=say("Example: {name}", name=say("fire brigade")),
            help=say("Lists with the name before are still understood.") if old else None,
        )
        status = _choice(say("Day"), statuses, old.kind.status if old else None, "status", fixed=fixed)
        paid = st.toggle(say("Paid"), old.kind.paid if old else True, key=_key("paid"), disabled=fixed)
    with right:
        credit = _choice(
            say("Planned hours"),
            credits_,
            old.kind.credit if old else None,
            "credit",
            fixed=fixed,
            note=say("What a day of this kind does to the balance of hours."),
        )
        days = st.number_input(
            say("Days a year"),
            min_value=0.0,
            max_value=366.0,
            step=0.5,
            value=old.kind.days_per_year if old else None,
            key=_key("days"),
            disabled=fixed,
            placeholder=say("no balance"),
            help=say("Entitlement of a whole year. Empty: the kind has no balance."),
        )
    values = {"status": status, "credit": credit, "paid": paid, "days_per_year": days}

    def save(desk: KindDesk, author: str) -> object:
        if old is None:
            return desk.add(name, author=author, **values)
        new = "" if name.strip() == words.capital(old.name) else name
        desk.change(old.key, author=author, name=new, **values)
        return old.key

    with st.container(horizontal=True):
        label = say("Save") if old else say("Add")
        _button(label, None if fixed or not name.strip() else save, say("Kind saved"), "save", primary=True)
        if old and not fixed:
            if old.kind.withdrawn:
                _button(
                    say("Offer again"),
                    lambda desk, author: desk.withdraw(old.key, author=author, withdrawn=False),
                    say("Kind offered again"),
                    "offer",
                )
            else:
                _button(
                    say("Withdraw"),
                    lambda desk, author: desk.withdraw(old.key, author=author),
                    say("Kind withdrawn"),
                    "withdraw",
                    note=say("Nobody can choose it any more. Entries keep it."),
                )
            if not old.standard:
                _button(
                    say("Remove"),
                    (lambda desk, author: desk.remove(old.key, author=author)) if old.removable else None,
                    say("Kind removed"),
                    "remove",
                    note=""
                    if old.removable
                    else say(
                        "{count} entries have it. Withdraw it, or give them another kind.",
                        count=say_number(old.entries),
                    ),
                )
        st.button(say("Close"), key=f"{_KEY}-close", on_click=_close)
    if error := st.session_state.pop(_ERROR, None):
        parts.notice(*error, tone="bad")


def _choice(label: str, names: dict[str, str], now: str | None, name: str, *, fixed: bool, note: str = "") -> str:
    """A list of values under their labels; the first one is chosen where there is none yet."""
    values = list(names)
    return st.selectbox(
        label,
        values,
        index=values.index(now) if now else 0,
        format_func=names.__getitem__,
        key=_key(name),
        disabled=fixed,
        help=note or None,
    )


def _button(
    label: str,
    deed: Callable[[KindDesk, str], object] | None,
    done: str,
    name: str,
    *,
    primary: bool = False,
    note: str = "",
) -> None:
    st.button(
        label,
        type="primary" if primary else "secondary",
        disabled=deed is None,
        key=_key(name),
        on_click=_do,
        args=(deed, done),
        help=note or None,
    )


def _close() -> None:
    put(kind="")
    for key in [each for each in st.session_state if str(each).startswith(f"{_KEY}-") and each != _DONE]:
        del st.session_state[key]


@parts.guarded
def _do(deed: Callable[[KindDesk, str], object], done: str) -> None:
    """Do it in the name of the signed-in user."""
    try:
        bench, author = access.acting("attendance.correct")
        deed(bench.leave_kinds, author)
    except MusterError as error:
        st.session_state[_ERROR] = (error.message, error.hint)
        return
    st.session_state[_DONE] = done
    _close()
