"""Closing a month and reopening it, and what has changed since it was closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

import streamlit as st

from app.ui import parts, people_filter
from app.ui.address import put, to
from app.views.month.filters import MonthFilter
from app.web import access
from app.words import say, say_count, say_date, say_time, term
from engine.attendance import Closing, DaySheet
from engine.errors import MusterError
from engine.records import open_kind

_KEY = "month-close"
_DONE, _ERROR = f"{_KEY}-done", f"{_KEY}-error"


def show(asked: MonthFilter, rows: Sequence[DaySheet], today: date) -> None:
    """Whether the days are closed, and for those who may, the form that closes or reopens them."""
    bench = access.reading("attendance.view")
    if done := st.session_state.pop(_DONE, None):
        st.toast(parts.plain(done), icon=":material/check:")
    held = bench.attendance.closed.about(asked.first, asked.last)
    exact = next((row for row in held if (row.first, row.last) == (asked.first, asked.last)), None)
    for row in held:
        _closed(row, asked)
    if access.may("attendance.close"):
        if exact is not None:
            _reopen(asked)
        elif not held and asked.last < today:
            _close(asked, rows)
    if error := st.session_state.pop(_ERROR, None):
        parts.notice(*error, tone="bad")


def _closed(row: Closing, asked: MonthFilter) -> None:
    bench = access.reading("attendance.view")
    made = row.timestamp.astimezone(bench.config.zone)
    whole = (row.first, row.last) == (asked.first, asked.last)
    days = "" if whole else f"{say_date(row.first)} – {say_date(row.last)}: "
    left = say_count("{count} day was open", "{count} days were open", row.unsettled) if row.unsettled else ""
    parts.show(
        '<p class="q-closed"><b>{state}</b> <span>{about}</span> <code title="SHA-256 {hash}">SHA-256 {short}</code></p>',
        state=f"{days}{say('Closed')}",
        about=" · ".join(
            filter(
                None,
                (
                    say("by {name}, {day}, {time}", name=row.author, day=say_date(made.date()), time=say_time(made)),
                    left,
                ),
            )
        ),
        hash=row.sha256,
        short=f"{row.sha256[:12]}…",
    )
    if not whole:
        st.button(
            say("Show these days"),
            key=f"{_KEY}-show-{row.closing_id}",
            on_click=lambda: put(**{"from": f"{row.first}", "to": f"{row.last}"}),
        )


def _close(asked: MonthFilter, rows: Sequence[DaySheet]) -> None:
    kinds = Counter(filter(None, map(open_kind, rows)))
    with st.expander(
        say("Close this month") if asked.whole else say("Close this period"),
        icon=":material/lock:",
        expanded=_ERROR in st.session_state,
    ):
        st.caption(say("Closing seals the sheet. Later changes are listed and move no figure."))
        anyway = True
        if kinds:
            told = ", ".join(f"{count} × {term(kind)}" for kind, count in kinds.most_common())
            days = say_count("{count} day is open", "{count} days are open", kinds.total())
            st.warning(parts.plain(f"{days}: {told}"), icon=":material/pending_actions:")
            anyway = st.checkbox(say("Close although days are open"), key=f"{_KEY}-anyway")
        reason = st.text_input(say("Remark"), key=f"{_KEY}-reason", max_chars=500)
        st.button(
            say("Close {month}", month=asked.title),
            type="primary",
            icon=":material/lock:",
            key=f"{_KEY}-save",
            disabled=not anyway,
            on_click=_act,
            args=(asked, True, reason, bool(kinds)),
        )


def _reopen(asked: MonthFilter) -> None:
    with st.expander(
        say("Reopen this month") if asked.whole else say("Reopen this period"),
        icon=":material/lock_open:",
        expanded=_ERROR in st.session_state,
    ):
        st.caption(say("Its figures are computed again. The sealed sheet stays in the log."))
        reason = st.text_input(say("Reason"), key=f"{_KEY}-reason", max_chars=500)
        st.button(
            say("Reopen {month}", month=asked.title),
            icon=":material/lock_open:",
            key=f"{_KEY}-reopen",
            disabled=not reason.strip(),
            on_click=_act,
            args=(asked, False, reason, False),
        )


@parts.guarded
def _act(asked: MonthFilter, close: bool, reason: str, anyway: bool) -> None:
    """Close or reopen in the name of the signed-in user."""
    try:
        bench, author = access.acting("attendance.close")
        if close:
            bench.months.close(asked.first, asked.last, author=author, reason=reason, anyway=anyway)
        else:
            bench.months.reopen(asked.first, asked.last, author=author, reason=reason)
    except MusterError as error:
        st.session_state[_ERROR] = (error.message, error.hint)
        return
    st.session_state[_DONE] = say("Closed") if close else say("Reopened")
    for name in ("anyway", "reason"):
        st.session_state.pop(f"{_KEY}-{name}", None)


def changes(asked: MonthFilter) -> None:
    """What the computation would say now, against what is closed."""
    bench = access.reading("attendance.view")
    held = bench.attendance.closed.about(asked.first, asked.last)
    if not held:
        parts.notice(say("This month is open"), say("Changes are listed once it is closed."))
        return
    people = bench.people.known()
    found = [each for row in held for each in bench.months.changed(row)]
    found = [each for each in found if people_filter.keeps(people[each.employee_id], asked.department, asked.find)]
    if not found:
        parts.notice(say("Nothing has changed"), say("The computation gives the closed figures."), tone="good")
        return
    st.caption(say("The closed figures hold. To take changes over, reopen the month and close it again."))
    heads = (say("Name"), say("Date"), say("Column"), say("Closed figure"), say("Computed now"))
    parts.table(
        heads,
        (
            (
                parts.link(
                    to("attendance", person=each.employee_id, day=f"{each.day}"),
                    people[each.employee_id].name or each.employee_id,
                ),
                say_date(each.day),
                column(each.column),
                _value(each.column, each.closed),
                _value(each.column, each.now),
            )
            for each in found[:_MOST]
        ),
    )
    if len(found) > _MOST:
        st.caption(say("{count} more: `muster month changes` lists them all.", count=len(found) - _MOST))


_MOST = 500


def column(name: str) -> str:
    """A column of the day sheet in a word or two."""
    names = {
        "status": say("Status"),
        "first_in": say("In"),
        "last_out": say("Out"),
        "counted_in": say("Counted from"),
        "counted_out": say("Counted until"),
        "hours": say("Hours"),
        "day_share": say("Counts as, days"),
        "overtime_hours": say("Overtime, hours"),
        "night_hours": say("Night hours"),
        "sunday_hours": say("Sunday hours"),
        "holiday_hours": say("Holiday hours"),
        "break_hours": say("Break, hours"),
        "presence_hours": say("Presence, hours"),
        "planned_in": say("Planned start"),
        "planned_out": say("Planned end"),
        "planned_hours": say("Planned hours"),
        "credited_hours": say("Credited hours"),
        "late": say("Late"),
        "late_min": say("Late, minutes"),
        "left_early": say("Left early"),
        "early_min": say("Left early, minutes"),
        "department": say("Department"),
        "shift": say("Shift"),
        "corrected_by": say("Corrected by"),
        "approved_by": say("Approved by"),
    }
    return names.get(name, name.replace("_", " "))


def _value(name: str, text: str) -> str:
    """A cell in the language of whoever looks."""
    words = {"yes": say("yes"), "no": say("no")}
    return term(text) if name == "status" and text else words.get(text, text) or "–"
