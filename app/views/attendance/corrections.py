"""Corrections of a person's day: what was corrected, and one form to correct, approve, revoke, or say "this is not …"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, time

import streamlit as st

from app.ui import parts
from app.web import access
from app.words import say, say_date, say_time, term
from engine.attendance import DaySheet, Status
from engine.attendance.corrections import EXCUSES, Correction, authors, holding, waiting
from engine.attendance.explain import Explanation
from engine.errors import InputError, MusterError
from engine.workbench import Workbench

_KEY = "attendance-correct"
_DONE, _ERROR = f"{_KEY}-done", f"{_KEY}-error"


def show(bench: Workbench, employee_id: str, day: date, passages: Sequence[Explanation], row: DaySheet | None) -> None:
    """What was corrected, and for those who may, the form."""
    own = [each for each in bench.attendance.corrections.about_days(day, day) if each.employee_id == employee_id]
    if own:
        _history(bench, own)
    if access.may("attendance.approve"):
        if done := st.session_state.pop(_DONE, None):
            st.toast(parts.plain(done), icon=":material/check:")
        valid = [each for each in passages if _counts(each)]
        acting, author = access.acting("attendance.approve")
        if names := _actions(valid, own, author, four_eyes=acting.config.attendance.four_eyes):
            _form(acting, names, employee_id, day, valid, own, row)


def _counts(each: Explanation) -> bool:
    return each.taken_back is None and each.row.passage and not each.repeats


def what(bench: Workbench, each: Correction) -> str:
    """A correction in words."""
    if each.action == "add":
        text = {"in": say("arrival {time}"), "out": say("departure {time}")}.get(
            each.direction or "both", say("passage {time}")
        )
        return text.format(time=_time(each, bench) if each.time else "")
    if each.action == "status":
        return say("status {word}", word=term(each.value))
    return {"remove": say("passage removed"), "approve": say("approved"), "revoke": say("correction revoked")}.get(
        each.action, each.action
    )


def _time(each: Correction, bench: Workbench) -> str:
    """An added time, with its date where that is not the working day's."""
    assert each.time is not None
    local = each.time.astimezone(bench.config.zone)
    return say_time(local) if local.date() == each.day else f"{say_time(local)} ({say_date(local.date())})"


def _history(bench: Workbench, own: Sequence[Correction]) -> None:
    held = {each.correction_id for each in holding(own)}
    unapproved = {each.correction_id for each in waiting(own)}
    first = bench.config.attendance.approval_first
    st.markdown("**" + say("Corrections") + "**")
    lines = []
    for each in own:
        made = each.timestamp.astimezone(bench.config.zone)
        state = ""
        if each.correction_id in held and each.correction_id not in unapproved:
            state = say("counts")
        elif each.correction_id in held:
            state = say("counts once approved") if first else say("counts, not approved yet")
        elif each.action in {"add", "remove", "status"}:
            state = say("revoked")
        when = f"{say_date(made.date())} {say_time(made)}"
        lines.append((when, what(bench, each), state, each.author, bench.office.readable(each.reason)))
    parts.table((say("Created"), say("What"), say("State"), say("By"), say("Reason")), lines)


def _shows_a_face(each: Explanation) -> bool:
    return bool(each.row.evidence_image) and each.row.method == "face"


def _actions(
    passages: Sequence[Explanation], own: Sequence[Correction], author: str, *, four_eyes: bool
) -> dict[str, str]:
    """Labels of the corrections that are possible now."""
    names: dict[str, str] = {}
    if access.may("attendance.correct"):
        names |= {"in": say("Add an arrival"), "out": say("Add a departure"), "status": say("Set a status")}
        if passages:
            names["remove"] = say("Remove a passage")
        if any(map(_shows_a_face, passages)):
            names["not_this"] = say("Not this person")
        if holding(own):
            names["revoke"] = say("Revoke a correction")
    if waiting(own) and not (four_eyes and author.casefold() in authors(own)):
        names["approve"] = say("Approve")
    return names


def _meaning(status: str) -> str:
    """What a status does with the hours."""
    told = {
        "as planned": say("The planned hours count as worked."),
        "present": say("The times stay. Planned hours without times are credited."),
        "absent": say("Nothing is credited."),
    }
    return told.get(status, say("The planned hours are credited, not worked."))


def _form(
    bench: Workbench,
    names: dict[str, str],
    employee_id: str,
    day: date,
    passages: Sequence[Explanation],
    own: Sequence[Correction],
    row: DaySheet | None,
) -> None:
    with st.expander(say("Correct this day"), icon=":material/edit:", expanded=_ERROR in st.session_state):
        if bench.attendance.closed.about(day, day):
            st.info(say("This day is closed. A correction is listed and moves no figure."), icon=":material/lock:")
        action = st.segmented_control(
            say("Correction"), list(names), key=f"{_KEY}-action", format_func=lambda name: names[name]
        )
        if action is None:
            st.caption(say("The cameras' rows stay. Muster adds a row with your name and reason."))
            return
        value = _value(bench, action, passages, own, row)
        if action == "status" and value:
            st.caption(_meaning(str(value)))
        if action in {"in", "out"}:
            st.caption(say("After midnight, Muster takes the date that fits the shift."))
        if action == "not_this":
            st.caption(say("Muster removes the passage and no longer takes this face for them."))
        reason = st.text_input(
            say("Reason"),
            key=f"{_KEY}-reason",
            max_chars=500,
            placeholder=say("Example: seen at the badge desk at 08:57"),
        )

        st.button(
            say("Approve") if action == "approve" else say("Save correction"),
            type="primary",
            on_click=_save,
            args=(employee_id, day, action, value, reason),
            key=f"{_KEY}-save",
            disabled=value is None or not (reason.strip() or action == "approve"),
        )
        settings = bench.config.attendance
        if settings.approval_first and action != "approve":
            st.caption(say("A correction counts once someone else has approved it."))
        elif waiting(own) and settings.four_eyes and "approve" not in names:
            st.caption(say("Someone else must approve your correction."))
        if error := st.session_state.pop(_ERROR, None):
            parts.notice(*error, tone="bad")


def _value(
    bench: Workbench, action: str, passages: Sequence[Explanation], own: Sequence[Correction], row: DaySheet | None
) -> str | time | None:
    """What a correction needs beside its reason; None: it is missing."""
    if action in {"in", "out"}:
        planned = (row.planned_in if action == "in" else row.planned_out) if row else None
        at = planned.time() if planned else time(9)
        return st.time_input(say("Time"), at, step=60, width=160, key=f"{_KEY}-{action}")
    if action == "status":
        asked = row is not None and row.planned is not None
        offered = [each for each in EXCUSES if asked or each != Status.AS_PLANNED]
        return st.selectbox(say("Status"), offered, format_func=parts.mark, width=240, key=f"{_KEY}-status")
    if action == "revoke":
        made = {each.correction_id: f"{what(bench, each)}, {each.author}" for each in holding(own)}
        return _choice(say("Correction"), made, action)
    if action in {"remove", "not_this"}:
        seen = [each.row for each in passages if action == "remove" or _shows_a_face(each)]
        events = {row.event_id: f"{say_time(row.timestamp)} · {row.camera}" for row in seen}
        return _choice(say("Passage"), events, action)
    return ""


def _choice(label: str, options: Mapping[str, str], name: str) -> str | None:
    return st.selectbox(label, list(options), format_func=lambda key: options[key], key=f"{_KEY}-{name}")


@parts.guarded
def _save(employee_id: str, day: date, action: str, value: str | time | None, reason: str) -> None:
    """Save the correction in the name of the signed-in user."""
    try:
        bench, author = access.acting("attendance.approve" if action == "approve" else "attendance.correct")
        office = bench.office

        def correct(kind: str, **more: object) -> Correction:
            return office.correct(employee_id, day, kind, author=author, reason=reason or say("approved"), **more)  # type: ignore[arg-type]

        def passage() -> None:
            if not isinstance(value, time):
                raise InputError("the time is missing", hint="enter it like 08:57")
            correct("add", time=value, direction=action)

        todo: Mapping[str, Callable[[], object]] = {
            "in": passage,
            "out": passage,
            "status": lambda: correct("status", value=value),
            "remove": lambda: correct("remove", refers_to=value),
            "revoke": lambda: correct("revoke", refers_to=value),
            "approve": lambda: correct("approve"),
            "not_this": lambda: office.not_this(str(value), author=author, reason=reason),
        }
        todo[action]()
    except MusterError as error:
        st.session_state[_ERROR] = (error.message, error.hint)
        return
    st.session_state[_DONE] = say("Approved") if action == "approve" else say("Corrected")
    for name in ("action", "reason"):
        st.session_state.pop(f"{_KEY}-{name}", None)
