"""One request after the other: what it asks for, what the day is and would be, and a key for each decision."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import streamlit as st

from app.ui import parts
from app.ui.address import to
from app.views.attendance import person, tables
from app.views.leave import words as leave_words
from app.views.requests import words
from app.web import access
from app.words import said, say, say_count, say_date, say_minutes
from engine.attendance import DaySheet, Request
from engine.errors import MusterError
from engine.operations.reporting import AttendanceReports
from engine.records import Outcome
from engine.workbench import Workbench

__all__ = ["open_count", "show"]

RIGHT = "requests.decide"
_KEY = "requests"
_OTHER = "other"
_DECIDED = 20
"""So many of the latest decisions are listed."""


@dataclass
class _Round:
    """The work of a session.

    Attributes:
        place: the workspace that it is of. skipped: ids of requests that wait for later.
        last: the latest decision; problem: why the latest one failed.
    """

    place: Path
    skipped: list[str] = field(default_factory=list)
    last: Request | None = None
    problem: str = ""


def open_count() -> int:
    """How many requests wait for the user.

    Raises:
        MusterError: they may not decide here, or the log cannot be read.
    """
    return len(access.reading(RIGHT).requests.open())


def _round(bench: Workbench) -> _Round:
    known = st.session_state.get(_KEY)
    if isinstance(known, _Round) and known.place == bench.workspace:
        return known
    made = _Round(bench.workspace)
    st.session_state[_KEY] = made
    return made


def show() -> None:
    """The page."""
    bench = access.reading(RIGHT)
    parts.stylesheet("attendance")
    st.title(say("Requests"), anchor=False)
    found, everything = _round(bench), bench.requests.open()
    waiting = [each for each in everything if each.id not in found.skipped]
    _after(bench, found)
    if found.problem:
        parts.notice(say("This was not decided"), found.problem, tone="bad")
    if waiting:
        _ask(bench, found, waiting[0], len(waiting))
        _list(bench, say("Waiting"), waiting[1:])
    elif everything:
        parts.notice(
            say("The rest was skipped"),
            say_count("{count} request waits.", "{count} requests wait.", len(everything)),
            action=partial(
                st.button,
                say("Show skipped requests"),
                key=f"{_KEY}-again",
                on_click=found.skipped.clear,
            ),
        )
    else:
        parts.notice(say("No request is open"), say("People ask on the page “My record”."), tone="good")
    _list(bench, say("Decided"), [each for each in bench.requests.all() if each.state != "open"][:_DECIDED])


def _after(bench: Workbench, found: _Round) -> None:
    """What became of the latest decision, and the way back from it."""
    if found.last is None:
        return
    row = found.last.asked
    known = bench.people.known().get(row.employee_id)
    told = f"{words.state(found.last)[1]}: {known.name if known else row.employee_id}, {words.days_of(row)}"
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width="content"):
            parts.show('<span role="status">{text}</span>', text=told[:1].upper() + told[1:])
        st.button(say("Undo"), icon=":material/undo:", shortcut="U", key=f"{_KEY}-undo", on_click=partial(_undo, found))


def _ask(bench: Workbench, found: _Round, request: Request, left: int) -> None:
    row, outcome = request.asked, bench.requests.outcome(request)
    known = bench.people.known().get(row.employee_id)
    access.viewed("view_attendance", row.employee_id, f"request {request.id}")
    parts.show(
        '<div class="a-head">{face}<div><h2>{name}</h2><b>{what}</b> · {days}<br><span class="m-soft">{about}</span></div></div>',
        face=parts.face(parts.portrait(row.employee_id), 56, ""),
        name=known.name if known else row.employee_id,
        what=words.asked_for(row, bench.leave_desk.kinds, outcome),
        days=words.days_of(row),
        about=" · ".join(
            filter(
                None,
                (
                    known.department if known else "",
                    f"“{bench.office.readable(row.reason)}”" if row.reason else say("no reason given"),
                    say("asked on {date}", date=say_date(row.timestamp.date())),
                    say_count("{count} open", "{count} open", left),
                ),
            )
        ),
    )
    if outcome.problem is not None:
        parts.notice(said(outcome.problem), said(outcome.problem.hint) if outcome.problem.hint else "", tone="warn")
    if row.kind == "leave":
        _leave(bench, outcome)
    else:
        parts.table((say("Day"), say("Now"), say("If approved")), _compared(outcome.before, outcome.after))
    _decisions(found, request, outcome)
    if row.kind != "leave":
        person.evidence(bench, AttendanceReports(bench), row.employee_id, row.day, None)
        address = to("/attendance", person=row.employee_id, day=row.day.isoformat())
        parts.html(parts.link(address, say("Open the day"), "m-link"))


def _compared(before: DaySheet | None, after: DaySheet | None) -> list[tuple[object, object, object]]:
    """A day as it is and as it would be, line by line."""

    def cells(row: DaySheet | None) -> tuple[object, object, object]:
        if row is None:
            return "–", "–", "–"
        times = tables.span(row.first_in, row.last_out) if row.first_in or row.last_out else "–"
        hours = say_minutes(60 * row.hours) if row.hours is not None else "–"
        return parts.status(row.status), times, hours

    names = (say("Status"), say("In and out"), say("Hours"))
    return list(zip(names, cells(before), cells(after), strict=True))


def _leave(bench: Workbench, outcome: Outcome) -> None:
    """How many days it takes, what remains, and who else is away."""
    facts: list[tuple[str, object]] = [(say("Working days"), leave_words.days(outcome.days))]
    if outcome.balance is not None and outcome.balance.left is not None and outcome.left is not None:
        facts.append((say("Left now"), leave_words.days(outcome.balance.left)))
        facts.append((say("Left afterwards"), leave_words.days(outcome.left)))
    known = bench.people.known()
    away = [
        f"{known[each.entry.employee_id].name}: {leave_words.span(each.entry)}"
        for each in outcome.others
        if each.entry.employee_id in known
    ]
    facts.append((say("Also away"), parts.items(away) if away else say("nobody of the department")))
    parts.html(parts.facts(facts))


def _decisions(found: _Round, request: Request, outcome: Outcome) -> None:
    if access.person() == request.asked.employee_id:
        st.caption(say("This is your own request. Somebody else must decide."))
        _skip_button(found, request)
        return
    beyond = outcome.left is not None and outcome.left < 0
    word = _word()
    with st.container(horizontal=True):
        st.button(
            say("Approve beyond the balance") if beyond else say("Approve"),
            key=f"{_KEY}-approve",
            type="primary",
            shortcut="Y",
            disabled=outcome.problem is not None,
            on_click=partial(_decide, found, request.id, "approve", "", beyond=beyond),
        )
        st.button(
            say("Decline"),
            key=f"{_KEY}-decline",
            shortcut="N",
            disabled=not word,
            on_click=partial(_decide, found, request.id, "decline", word),
        )
        _skip_button(found, request)


def _skip_button(found: _Round, request: Request) -> None:
    st.button(say("Skip"), key=f"{_KEY}-skip", shortcut="S", on_click=partial(_skip, found, request.id))


def _word() -> str:
    """What the person reads if the request is declined; it stays for those that follow."""
    names = {
        say("please talk to me first"): say("Please talk to me first"),
        say("the record is right"): say("The record is right"),
        say("too many are away then"): say("Too many are away then"),
        _OTHER: say("Other"),
    }
    chosen = st.pills(
        say("Word to the person if you decline"),
        list(names),
        default=next(iter(names)),
        key=f"{_KEY}-word",
        format_func=lambda word: names.get(word, word),
        required=True,
    )
    if chosen == _OTHER:
        chosen = st.text_input(say("Other word"), key=f"{_KEY}-other", max_chars=300)
    return (chosen or "").strip()


def _list(bench: Workbench, title: str, requests: list[Request]) -> None:
    if not requests:
        return
    st.header(title, anchor=False)
    known, kinds = bench.people.known(), bench.leave_desk.kinds
    rows = []
    for each in requests:
        row, (tone, state) = each.asked, words.state(each)
        decision = each.decision
        by = f"{decision.author}: {bench.office.readable(decision.reason)}".rstrip(": ") if decision else ""
        rows.append(
            (
                known[row.employee_id].name if row.employee_id in known else row.employee_id,
                words.asked_for(row, kinds),
                words.days_of(row),
                parts.markup('<span class="m-status m-{tone}">{text}</span>', tone=tone, text=state),
                by if each.state != "withdrawn" else "",
            )
        )
    heads = (say("Name"), say("Asks for"), say("Date"), say("State"), say("Decided by"))
    if all(not row[-1] for row in rows):
        heads, rows = heads[:-1], [row[:-1] for row in rows]  # type: ignore[assignment, misc]
    parts.table(heads, rows)


def _skip(found: _Round, request_id: str) -> None:
    found.skipped.append(request_id)
    found.last, found.problem = None, ""


def _decide(
    found: _Round, request_id: str, action: Literal["approve", "decline"], word: str, *, beyond: bool = False
) -> None:
    """Write a decision; a key that is pressed twice decides one request."""
    found.last, found.problem = None, ""
    try:
        bench, author = access.acting(RIGHT)
        if action == "approve":
            found.last = bench.requests.approve(request_id, author=author, own=access.person(), beyond=beyond)
        else:
            found.last = bench.requests.decline(request_id, author=author, own=access.person(), word=word)
    except MusterError as error:
        found.problem = said(error)


def _undo(found: _Round) -> None:
    if found.last is None:
        return
    last, found.last, found.problem = found.last, None, ""
    try:
        bench, author = access.acting(RIGHT)
        bench.requests.reopen(last.id, author=author, own=access.person())
    except MusterError as error:
        found.problem = said(error)
