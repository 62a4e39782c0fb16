"""The form for one entry of leave, and for somebody's opening value of the year."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import streamlit as st

from app.ui import parts
from app.ui.address import put
from app.views.leave import words
from app.web import access
from app.words import date_format, say, say_count, term
from engine.errors import MusterError
from engine.people import Leave
from engine.records import LeaveDesk
from engine.workbench import Workbench

NEW = "new"
_KEY = "leave-form"
_ERROR, _DONE = f"{_KEY}-error", f"{_KEY}-done"


def show(bench: Workbench, person: str, year: int) -> None:
    """The form that the address asks for, if any."""
    if done := st.session_state.pop(_DONE, None):
        st.toast(parts.plain(done), icon=":material/check:")
    wanted = st.query_params.get("entry", "")
    if wanted:
        old = next((row for row in bench.leave.all() if row.leave_id == wanted), None)
        if old is None and wanted != NEW:
            parts.notice(
                say("This entry is gone"), say("Someone may have taken it out. The history tells."), tone="warn"
            )
            return
        with st.container(border=True):
            _entry(bench, person, old)
    elif person and (kind := st.query_params.get("entitle", "")):
        with st.container(border=True):
            _entitlement(bench, person, year, kind)


def _key(name: str) -> str:
    """The key of a field, of its own for each entry and opening value."""
    asked = (st.query_params.get(each, "") for each in ("entry", "entitle", "person", "year"))
    return f"{_KEY}-{name}-{'-'.join(asked)}"


def _close() -> None:
    put(entry="", entitle="")
    for key in [each for each in st.session_state if str(each).startswith(f"{_KEY}-")]:
        if key not in {_DONE}:
            del st.session_state[key]


def _entry(bench: Workbench, person: str, old: Leave | None) -> None:
    desk = bench.leave_desk
    who = old.employee_id if old else person
    known = bench.people.known()
    name = known[who].name if who in known else who
    st.subheader(say("Add leave") if old is None else say("Leave of {name}", name=parts.plain(name)))
    if old is not None:
        told = (words.kind_name(desk.kinds, old.kind), words.span(old), words.part(old))
        pending = "" if old.approved else term("pending")
        parts.soft(" · ".join(filter(None, (*told, pending))))
    actions = {"change": say("Change"), "remove": say("Take out")} if old else {"add": say("Add")}
    if old and not old.approved:
        actions = {"approve": say("Approve"), **actions}
    action = parts.choice(say("Action"), actions, _key("action")) if old else "add"
    if action in {"add", "change"}:
        _changed(bench, who, old)
    elif action == "remove":
        assert old is not None
        _taken_out(desk, old)
    else:
        assert old is not None
        reason = _reason(say("Example: agreed with the team"), needed=False)
        _buttons(
            say("Approve"),
            lambda d, author: d.change(old.leave_id, author=author, reason=reason or say("approved"), approved=True),
            say("Approved"),
        )
    if error := st.session_state.pop(_ERROR, None):
        parts.notice(*error, tone="bad")


def _changed(bench: Workbench, who: str, old: Leave | None) -> None:
    """Fields of a new or a changed entry, and the button."""
    desk, known = bench.leave_desk, bench.people.known()
    today = bench.records.now().date()
    left, right = st.columns(2)
    with left:
        if old is None:
            people = sorted(known, key=lambda key: known[key].name.casefold())
            who = (
                st.selectbox(
                    say("Person"),
                    people,
                    index=people.index(who) if who in people else None,
                    format_func=lambda key: f"{known[key].name} ({key})",
                    placeholder=say("Choose a person"),
                    key=_key("who"),
                )
                or ""
            )
        kinds = _offered(desk, old.kind if old else "")
        kind = st.selectbox(
            say("Kind"),
            kinds,
            index=kinds.index(old.kind) if old and old.kind in kinds else 0,
            format_func=lambda key: words.kind_name(desk.kinds, key),
            key=_key("kind"),
            help=say("Add kinds of your own under “Kinds”."),
        )
        names = words.part_names()
        part = st.selectbox(
            say("Part of the day"),
            list(names),
            index=list(names).index(words.part_of(old)) if old else 0,
            format_func=lambda each: names[each],
            key=_key("part"),
        )
    with right:
        first = st.date_input(
            say("First day"), old.first_day if old else today, format=date_format(), key=_key("first")
        )
        last = st.date_input(
            say("Last day"),
            old.last_day if old else first,
            format=date_format(),
            key=_key("last" if old else f"last-{first}"),
        )
        pending = old is None and st.checkbox(say("Not approved yet"), key=_key("pending"))
    reason = _reason(say("Example: came back earlier"), needed=old is not None)
    share, half = words.PARTS[part or "whole"]
    if not isinstance(first, date) or not isinstance(last, date) or not who or not kind:
        st.caption(say("Choose a person and days."))
        _buttons(say("Save"), None, "")
        return
    if last >= first:
        probe = Leave("", who, first, last, kind, share=share, half=half)
        _count(desk, probe, old)

    def save(desk: LeaveDesk, author: str) -> object:
        if old is None:
            return desk.add(
                who, kind, first, last, author=author, reason=reason, share=share, half=half, pending=bool(pending)
            )
        return desk.change(
            old.leave_id,
            author=author,
            reason=reason,
            first=first,
            last=last,
            kind=kind,
            share=share,
            half=half,
            whole=share is None,
        )

    ready = old is None or bool(reason.strip())
    _buttons(say("Save"), save if ready else None, say("Leave added") if old is None else say("Leave changed"))


def _offered(desk: LeaveDesk, also: str) -> list[str]:
    """The kinds to choose from, and the one that is there already."""
    return [*desk.kinds.offered, *([also] if also in desk.kinds.all and desk.kinds.all[also].withdrawn else [])]


def _count(desk: LeaveDesk, entry: Leave, old: Leave | None) -> None:
    """How many working days it would take."""
    count = desk.working_days(entry)
    text = (
        say("This takes {days} working days.", days=words.days(count))
        if count != 1
        else say("This takes one working day.")
    )
    if old is not None and (before := desk.working_days(old)) != count:
        text += " " + say("It took {days} before.", days=words.days(before))
    st.caption(text)


def _taken_out(desk: LeaveDesk, old: Leave) -> None:
    left, right = st.columns(2)
    first, last = old.first_day, old.last_day
    if last > first:
        with left:
            found = st.date_input(
                say("From"), first, min_value=first, max_value=last, format=date_format(), key=_key("out-first")
            )
        with right:
            until = st.date_input(
                say("Until"), last, min_value=first, max_value=last, format=date_format(), key=_key("out-last")
            )
        if isinstance(found, date) and isinstance(until, date):
            first, last = found, until
    if first <= last:
        count = desk.working_days(replace(old, first_day=first, last_day=last))
        st.caption(
            say_count(
                "One working day is no leave any more.", "{count} working days are no leave any more.", int(count)
            )
            if count.is_integer()
            else say("{days} working days are no leave any more.", days=words.days(count))
        )
    reason = _reason(say("Example: cancelled by the employee"), needed=True)
    _buttons(
        say("Take out"),
        (lambda desk, author: desk.remove(old.leave_id, author=author, reason=reason, first=first, last=last))
        if reason.strip()
        else None,
        say("Leave taken out"),
    )


def _entitlement(bench: Workbench, person: str, year: int, kind: str) -> None:
    desk, known = bench.leave_desk, bench.people.known()
    if person not in known or kind not in desk.kinds.all:
        return
    st.subheader(say("Opening value of {name}, {year}", name=parts.plain(known[person].name), year=year))
    now = next((each for each in desk.balances(year, person) if each.kind == kind), None)
    kinds = _offered(desk, kind)
    left, right = st.columns(2)
    chosen = left.selectbox(
        say("Kind"),
        kinds,
        index=kinds.index(kind),
        format_func=lambda key: words.kind_name(desk.kinds, key),
        key=_key("kind"),
    )
    days = right.number_input(
        say("Days"),
        min_value=0.0,
        max_value=366.0,
        step=0.5,
        value=now.entitled if now else None,
        key=_key("days"),
        placeholder=say("As in the settings"),
        help=say("Carried days included. Empty: as in the settings."),
    )
    reason = _reason(say("Example: 3 days carried from last year"), needed=False)
    _buttons(
        say("Save"),
        lambda desk, author: desk.entitle(person, chosen or kind, year, days, author=author, reason=reason),
        say("Opening value saved"),
    )
    if error := st.session_state.pop(_ERROR, None):
        parts.notice(*error, tone="bad")


def _reason(example: str, *, needed: bool) -> str:
    label = say("Reason") if needed else say("Reason (optional)")
    return str(st.text_input(label, key=_key("reason"), max_chars=300, placeholder=example) or "")


def _buttons(label: str, deed: Callable[[LeaveDesk, str], object] | None, done: str) -> None:
    with st.container(horizontal=True):
        st.button(label, type="primary", disabled=deed is None, key=_key("save"), on_click=_do, args=(deed, done))
        st.button(say("Close"), key=f"{_KEY}-close", on_click=_close)


@parts.guarded
def _do(deed: Callable[[LeaveDesk, str], object], done: str) -> None:
    """Do it in the name of the signed-in user."""
    try:
        bench, author = access.acting("attendance.correct")
        deed(bench.leave_desk, author)
    except MusterError as error:
        st.session_state[_ERROR] = (error.message, error.hint)
        return
    st.session_state[_DONE] = done
    _close()
