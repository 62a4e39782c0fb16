"""What somebody asks for about their own record, on a phone first: a forgotten punch, a passage that is not theirs, other hours, leave."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta
from functools import partial

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.ui.address import day_of, put
from app.views.leave import words as leave_words
from app.views.requests import words
from app.web import access
from app.words import date_format, said, say, say_date, say_time
from engine.attendance import DaySheet, Request, Status
from engine.errors import MusterError
from engine.people import Leave
from engine.records import RequestDesk
from engine.workbench import Workbench

__all__ = ["render"]

_KEY = "own-request"
_OTHER = "other"
_TOLD = f"{_KEY}-told"
_SHOWN = 20
_OUT = frozenset({Status.MISSING_OUT, Status.INSIDE, Status.POSSIBLY_INSIDE})


def render(bench: Workbench, person_id: str) -> None:
    """The form and the person's requests."""
    if not access.may("own.request"):
        return
    parts.html(Markup('<span id="ask"></span>'))
    st.header(say("Requests"), anchor=False)
    if told := st.session_state.pop(_TOLD, None):
        title, why, good = told
        parts.notice(title, why, tone="good" if good else "bad")
    names = {
        "punch": say("I forgot to punch"),
        "not-me": say("This is not me"),
        "hours": say("Other hours"),
        "leave": say("Leave"),
    }
    asked = st.query_params.get("ask", "")
    chosen = st.pills(
        say("What do you ask for?"),
        list(names),
        default=asked if asked in names else None,
        key=f"{_KEY}-what-{asked}-{st.query_params.get('day', '')}",
        format_func=lambda word: names.get(word, word),
    )
    if chosen:
        with st.container(border=True):
            _FORMS[chosen](bench, person_id)
    _list(bench, person_id)


def _day(bench: Workbench, kind: str) -> date | None:
    """The day of a correction: that of the address, or today."""
    today = bench.records.now().date()
    given = day_of(st.query_params.get("day", "")) or today
    chosen = st.date_input(
        say("Day"),
        min(given, today),
        max_value=today,
        format=date_format(),
        key=f"{_KEY}-day-{kind}-{given}",
    )
    return chosen if isinstance(chosen, date) else None


def _sheet(bench: Workbench, person_id: str, day: date) -> DaySheet | None:
    return next(iter(bench.attendance.sheets.between(day, day, bench.people.known(), person_id)), None)


def _punch(bench: Workbench, person_id: str) -> None:
    day = _day(bench, "punch")
    if day is None:
        return
    row = _sheet(bench, person_id, day)
    out = row is not None and row.status in _OUT
    names = {"in": say("I came"), "out": say("I left")}
    direction = st.pills(
        say("Direction"),
        list(names),
        default="out" if out else "in",
        key=f"{_KEY}-direction-{day}",
        format_func=lambda word: names.get(word, word),
        required=True,
    )
    planned = row and (row.planned_out if direction == "out" else row.planned_in)
    at = st.time_input(
        say("Time"),
        planned.time() if planned else time(17 if direction == "out" else 9),
        step=60,
        key=f"{_KEY}-time-{day}-{direction}",
    )
    reason = _reason("punch", say("forgot to punch"), say("the camera did not see me"))
    _send(
        at is not None and bool(reason),
        lambda desk: desk.ask_passage(person_id, day, at, direction or "in", reason=reason),  # type: ignore[arg-type]
    )


def _not_me(bench: Workbench, person_id: str) -> None:
    day = _day(bench, "not-me")
    if day is None:
        return
    passages = {each.event_id: each for each in bench.requests.passages(person_id, day)}
    if not passages:
        parts.soft(say("Nothing was recorded on this day."))
        return
    event = st.pills(
        say("Passage"),
        list(passages),
        key=f"{_KEY}-passage-{day}",
        format_func=lambda key: f"{say_time(passages[key].timestamp)} · {passages[key].camera}",
    )
    reason = _reason("not-me", say("this is not me"), say("I was not there at this time"))
    _send(bool(event and reason), lambda desk: desk.ask_removal(person_id, day, event or "", reason=reason))


def _hours(bench: Workbench, person_id: str) -> None:
    day = _day(bench, "hours")
    if day is None:
        return
    row = _sheet(bench, person_id, day)
    planned = (row.planned_in, row.planned_out) if row else (None, None)
    came = st.time_input(say("I came"), planned[0].time() if planned[0] else time(9), step=60, key=f"{_KEY}-came-{day}")
    left = st.time_input(
        say("I left"), planned[1].time() if planned[1] else time(17), step=60, key=f"{_KEY}-left-{day}"
    )
    parts.soft(say("These hours take the place of everything that was recorded on this day."))
    reason = _reason("hours", say("worked elsewhere"), say("the times are wrong"))
    _send(
        came is not None and left is not None and bool(reason),
        lambda desk: desk.ask_hours(person_id, day, came, left, reason=reason),
    )


def _leave(bench: Workbench, person_id: str) -> None:
    desk, today = bench.leave_desk, bench.records.now().date()
    offered = list(desk.kinds.offered)
    kind = st.selectbox(
        say("Kind"), offered, format_func=lambda key: leave_words.kind_name(desk.kinds, key), key=f"{_KEY}-kind"
    )
    first = st.date_input(say("First day"), today + timedelta(days=1), format=date_format(), key=f"{_KEY}-first")
    last = st.date_input(say("Last day"), first, format=date_format(), key=f"{_KEY}-last-{first}")
    names = {key: name for key, name in leave_words.part_names().items() if key in {"whole", "morning", "afternoon"}}
    part = st.pills(
        say("Part of the day"),
        list(names),
        default="whole",
        key=f"{_KEY}-part",
        format_func=lambda word: names.get(word, word),
        required=True,
    )
    if not isinstance(first, date) or not isinstance(last, date) or not kind:
        return
    share, half = leave_words.PARTS[part or "whole"]
    if last >= first:
        days = desk.working_days(Leave("", person_id, first, last, kind, share=share, half=half))
        found = next((each for each in desk.balances(first.year, person_id) if each.kind == kind), None)
        left = found.left if found else None
        told = say("Working days: {count}", count=leave_words.days(days))
        if left is not None:
            told += " · " + say("left afterwards: {count}", count=leave_words.days(round(left - days, 2)))
        parts.soft(told)
    reason = st.text_input(say("Reason (optional)"), key=f"{_KEY}-leave-reason", max_chars=500)
    _send(
        True,
        lambda asked: asked.ask_leave(person_id, kind, first, last, reason=reason, share=share, half=half),
    )


_FORMS: dict[str, Callable[[Workbench, str], None]] = {
    "punch": _punch,
    "not-me": _not_me,
    "hours": _hours,
    "leave": _leave,
}


def _reason(kind: str, *offered: str) -> str:
    """Why: the first usual reason unless another one is chosen."""
    names = {word: word[:1].upper() + word[1:] for word in offered} | {_OTHER: say("Other")}
    chosen = st.pills(
        say("Reason"),
        list(names),
        default=offered[0],
        key=f"{_KEY}-reason-{kind}",
        format_func=lambda word: names.get(word, word),
        required=True,
    )
    if chosen == _OTHER:
        chosen = st.text_input(say("Other reason"), key=f"{_KEY}-other-{kind}", max_chars=500)
    return (chosen or "").strip()


def _send(ready: bool, ask: Callable[[RequestDesk], Request]) -> None:
    st.button(
        say("Send request"),
        type="primary",
        disabled=not ready,
        key=f"{_KEY}-send",
        width="stretch",
        on_click=partial(_sent, ask),
    )


def _sent(ask: Callable[[RequestDesk], Request]) -> None:
    try:
        bench, _, _ = access.oneself("own.request")
        ask(bench.requests)
    except MusterError as error:
        st.session_state[_TOLD] = (say("Not sent"), said(error), False)
        return
    st.session_state[_TOLD] = (say("Request sent"), say("HR or your manager decides. You see it here."), True)
    put(ask="")


def _list(bench: Workbench, person_id: str) -> None:
    found = bench.requests.of(person_id)
    if not found:
        parts.soft(say("You have asked for nothing yet."))
        return
    kinds = bench.leave_desk.kinds
    for each in found[:_SHOWN]:
        row, (tone, state) = each.asked, words.state(each)
        decision = each.decision if each.state != "withdrawn" else None
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container():
                parts.show(
                    '<b>{what}</b> · {days}<br><span class="m-status m-{tone}">{state}</span> <span class="m-soft">{by}</span>',
                    what=words.asked_for(row, kinds, bench.requests.outcome(each) if row.kind == "remove" else None),
                    days=words.days_of(row),
                    tone=tone,
                    state=state,
                    by=f"{decision.author}{f': {bench.office.readable(decision.reason)}' if decision.reason else ''}"
                    if decision
                    else say("asked on {date}", date=say_date(row.timestamp.date())),
                )
            if each.state == "open":
                st.button(say("Withdraw"), key=f"{_KEY}-withdraw-{each.id}", on_click=partial(_withdraw, each.id))


def _withdraw(request_id: str) -> None:
    try:
        bench, person_id, _ = access.oneself("own.request")
        bench.requests.withdraw(request_id, employee_id=person_id)
    except MusterError as error:
        st.session_state[_TOLD] = (say("Not withdrawn"), said(error), False)
