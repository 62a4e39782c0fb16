"""Exceptions one after the other: what was recorded, and what settles the day, by button or key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import partial
from pathlib import Path

import streamlit as st

from app.ui import parts
from app.ui.address import put, to
from app.views.attendance import corrections, person, tables
from app.views.attendance.filters import SheetFilter
from app.web import access
from app.words import say, say_count, say_date, say_time, term
from engine.attendance import LONG, DaySheet, Direction, Status
from engine.attendance.corrections import Correction, authors, waiting
from engine.errors import MusterError
from engine.operations.reporting import AttendanceReports
from engine.reports import exceptions
from engine.workbench import Workbench

VIEW = "settle"
"""What the address says while this view is open."""

_KEY = "attendance-settle"
_OTHER = "other"
_STATUSES = (
    ("as planned", "P"),
    ("present", "T"),
    ("sick", "K"),
    ("on leave", "L"),
    ("remote", "M"),
    ("excused", "E"),
    ("absent", "X"),
)


@dataclass(frozen=True)
class _Case:
    """One person's day; `kind`: see `engine.reports.Exceptional`."""

    employee_id: str
    day: date
    kind: str


@dataclass
class _Round:
    """The exceptions that a session works on.

    Attributes:
        place: the workspace and the filters that they are of.
        cases: all of them, in the order of the list.
        at: the place of the one that is asked about; the number of cases at the end.
        last: the latest decision; problem: why the latest one failed, with what to do.
        settled: how many were decided.
    """

    place: tuple[Path, SheetFilter]
    cases: list[_Case]
    at: int = 0
    last: Correction | None = None
    problem: tuple[str, str] | None = None
    settled: set[int] = field(default_factory=set)


def begin() -> None:
    """Open the view."""
    _forget()
    put(view=VIEW, chart="")


def _forget() -> None:
    st.session_state.pop(_KEY, None)


def _cases(rows: Sequence[DaySheet], bench: Workbench, reports: AttendanceReports) -> list[_Case]:
    today = reports.now.date()
    found = exceptions([row for row in rows if row.day <= today], reports.now, bench.attendance.rota)
    return [_Case(each.row.employee_id, each.row.day, each.kind) for each in found if each.open]


def _round(bench: Workbench, asked: SheetFilter, reports: AttendanceReports) -> _Round:
    """The exceptions, found once: those of a long month take a moment, and the next one must not."""
    known, place = st.session_state.get(_KEY), (bench.workspace, asked)
    if isinstance(known, _Round) and known.place == place:
        return known
    made = _Round(place, _cases(asked.rows(bench), bench, reports))
    st.session_state[_KEY] = made
    return made


def show(asked: SheetFilter) -> None:
    """The view."""
    bench = access.reading("attendance.correct")
    reports = AttendanceReports(bench)
    found = _round(bench, asked, reports)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(say("Attendance"), icon=":material/arrow_back:", shortcut="B", key=f"{_KEY}-back", on_click=_leave)
        st.button(
            say("Previous"),
            shortcut="Left",
            key=f"{_KEY}-back-one",
            disabled=not found.at,
            on_click=partial(_go, found, -1),
        )
        st.button(
            say("Skip"),
            shortcut="S",
            key=f"{_KEY}-skip",
            disabled=found.at >= len(found.cases),
            on_click=partial(_go, found, 1),
        )
        if found.cases:
            number = min(found.at + 1, len(found.cases))
            with st.container(width="content"):
                parts.show(
                    '<span class="a-tally m-soft">{tally}</span>',
                    tally=say("{number} of {total}", number=number, total=len(found.cases)),
                )
        _after(bench, found)
    if found.problem:
        title, hint = found.problem
        parts.notice(title, hint, tone="bad")
    if found.at >= len(found.cases):
        _end(found)
        return
    case = found.cases[found.at]
    row = next(iter(reports.rows(case.day, case.day, case.employee_id)), None)
    if row is None:
        parts.notice(say("This day is gone"), say("The person may have been erased. Skip it."))
        return
    access.viewed("view_attendance", case.employee_id, f"day {case.day}")
    _head(found, case, row)
    reason = _reason()
    _decisions(bench, found, case, row, reason)
    person.evidence(bench, reports, case.employee_id, case.day, row)
    parts.html(
        parts.link(
            to("/attendance", person=case.employee_id, day=case.day.isoformat()), say("All corrections"), "m-link"
        )
    )


def _leave() -> None:
    _forget()
    put(view="")


def _go(found: _Round, step: int) -> None:
    found.at += step
    found.last = found.problem = None


def _after(bench: Workbench, found: _Round) -> None:
    """What became of the latest decision, and the way back from it; what was approved or revoked stays so."""
    if found.last is None:
        return
    known = bench.people.known().get(found.last.employee_id)
    name = known.name if known else found.last.employee_id
    with st.container(width="content"):
        parts.show('<span role="status">{text}</span>', text=f"{name}: {corrections.what(bench, found.last)}")
    if found.last.action in {"add", "status"}:
        st.button(say("Undo"), icon=":material/undo:", shortcut="U", key=f"{_KEY}-undo", on_click=partial(_undo, found))


def _end(found: _Round) -> None:
    if not found.cases:
        parts.notice(say("No decisions needed"), say("No day of this period is open."), tone="good")
        return
    left = len(found.cases) - len(found.settled)
    told = say_count("{count} day was settled.", "{count} days were settled.", len(found.settled))
    more = say_count("{count} day was skipped.", "{count} days were skipped.", left) if left else ""
    parts.notice(say("This was the last one"), " ".join(filter(None, (told, more))), tone="warn" if left else "good")


def _head(found: _Round, case: _Case, row: DaySheet) -> None:
    parts.show(
        '<div class="a-head">{face}<div><h2>{name}</h2>{mark} {day} · {planned}<br><span class="m-soft">{todo}</span></div></div>',
        face=parts.face(parts.portrait(case.employee_id), 56, ""),
        name=row.name or case.employee_id,
        mark=parts.status(case.kind),
        day=say_date(case.day),
        planned=say("planned {times}", times=tables.planned(row)) if row.planned_in else say("not planned"),
        todo=" · ".join(filter(None, (tables.note(row), tables.next_step(case.kind, row)))),
    )


def _reason() -> str:
    """Why the days are decided so: it holds for those that follow until another one is chosen."""
    names = {
        say("told by the person"): say("Told by the person"),
        say("told by the manager"): say("Told by the manager"),
        say("document seen"): say("Document seen"),
        say("seen in the pictures"): say("Seen in the pictures"),
        _OTHER: say("Other"),
    }
    chosen = st.pills(
        say("Reason"), list(names), key=f"{_KEY}-reason", format_func=lambda word: names.get(word, word), required=False
    )
    if chosen == _OTHER:
        chosen = st.text_input(say("Other reason"), key=f"{_KEY}-other", max_chars=500)
    return (chosen or "").strip()


def _decisions(bench: Workbench, found: _Round, case: _Case, row: DaySheet, reason: str) -> None:
    """The buttons: of a correction that waits, whether it holds; else what settles the day, first what fits its kind."""
    if not reason:
        st.caption(say("Choose a reason. It stays for the days that follow."))
    decide = partial(_button, found, case, reason)
    own = [
        each
        for each in bench.attendance.corrections.about_days(case.day, case.day)
        if each.employee_id == case.employee_id
    ]
    if unapproved := waiting(own):
        _approval(bench, decide, own, unapproved)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for direction, key, planned, missing in _punches(row):
            at = st.time_input(
                say("Time"),
                planned.time() if planned else time(9),
                step=60,
                width=110,
                key=f"{_KEY}-{direction}-{found.at}",
                label_visibility="collapsed",
            )
            label = say("Add arrival {time}") if direction == "in" else say("Add departure {time}")
            told = label.format(time=say_time(datetime.combine(case.day, at)))
            decide(told, key, "add", first=missing, time=at, direction=direction)
    with st.container(horizontal=True):
        for status, key in _STATUSES:
            if status != "as planned" or row.planned is not None:
                word = term(status)
                decide(
                    word[:1].upper() + word[1:],
                    key,
                    "status",
                    first=case.kind == LONG and status == "present",
                    value=status,
                )


def _approval(
    bench: Workbench, decide: Callable[..., None], own: Sequence[Correction], unapproved: Sequence[Correction]
) -> None:
    told = "; ".join(
        f"{corrections.what(bench, each)} ({each.author}: {bench.office.readable(each.reason)})" for each in unapproved
    )
    parts.show("<p>{text}</p>", text=told)
    if not access.may("attendance.approve"):
        st.caption(say("Someone with the right to approve must decide."))
        return
    with st.container(horizontal=True):
        if bench.config.attendance.four_eyes and access.own().name.casefold() in authors(own):
            st.caption(say("Someone else must approve your correction."))
        else:
            decide(say("Approve"), "Y", "approve", first=True)
        decide(say("Revoke a correction"), "V", "revoke", refers_to=unapproved[-1].correction_id)


def _punches(row: DaySheet) -> list[tuple[Direction, str, datetime | None, bool]]:
    """Passages that may be missing: direction, key, planned time, and whether exactly this one is."""
    no_in, no_out = row.status is Status.MISSING_IN, row.status is Status.MISSING_OUT
    found: list[tuple[Direction, str, datetime | None, bool]] = []
    if not no_out:
        found.append(("in", "A", row.planned_in, no_in))
    if not no_in:
        found.append(("out", "D", row.planned_out, no_out))
    return found


def _button(
    found: _Round,
    case: _Case,
    reason: str,
    label: str,
    key: str,
    action: str,
    *,
    first: bool = False,
    **more: object,
) -> None:
    st.button(
        label,
        key=f"{_KEY}-{action}-{key}",
        type="primary" if first else "secondary",
        shortcut=key,
        disabled=not reason,
        on_click=partial(_decide, found, found.at, case, action, reason, **more),
    )


def _decide(found: _Round, at: int, case: _Case, action: str, reason: str, **more: object) -> None:
    """Write a correction, and go on; a key that is pressed twice decides one day."""
    if found.at != at:
        return
    found.problem = None
    try:
        bench, author = access.acting("attendance.approve" if action == "approve" else "attendance.correct")
        found.last = bench.office.correct(case.employee_id, case.day, action, author=author, reason=reason, **more)  # type: ignore[arg-type]
    except MusterError as error:
        found.problem = error.message, error.hint
        return
    found.settled.add(found.at)
    found.at += 1


def _undo(found: _Round) -> None:
    """Revoke the latest decision, and show its day again."""
    if found.last is None:
        return
    found.problem = None
    try:
        bench, author = access.acting("attendance.correct")
        bench.office.correct(
            found.last.employee_id,
            found.last.day,
            "revoke",
            author=author,
            reason=say("decided by mistake"),
            refers_to=found.last.correction_id,
        )
    except MusterError as error:
        found.problem = error.message, error.hint
        return
    found.at -= 1
    found.settled.discard(found.at)
    found.last = None
