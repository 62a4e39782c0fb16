"""Leave: who is away when, what each may still take, and who changed it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pandas as pd
import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.ui.address import put
from app.views.leave import form, importing, kinds, words
from app.web import access
from app.words import column_format, say, say_date, say_time, term
from engine.operations.reporting import AttendanceReports
from engine.people import Balance
from engine.records import LeaveView
from engine.workbench import Workbench

_TALLEST_PX = 620


def show() -> None:
    """The page."""
    bench, edits = access.reading("leave.view"), access.may("attendance.correct")
    title, buttons = st.columns([1, 2], vertical_alignment="center")
    title.title(say("Leave"))
    with buttons, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        if access.may("people.edit") and st.button(say("Import list"), icon=":material/upload_file:"):
            importing.dialog()
        if edits:
            st.button(say("Add leave"), icon=":material/add:", type="primary", on_click=lambda: put(entry=form.NEW))
    if not bench.people.known():
        parts.notice(say("No people yet"), say("Register someone or import your staff list first."))
        return
    today = AttendanceReports(bench).now.date()
    person, year = _filters(bench, today)
    views = {"entries": say("Entries"), "balances": say("Balances")}
    if edits:
        form.show(bench, person, year)
        views |= {"history": say("History"), "kinds": say("Kinds")}
    view = parts.choice(say("View"), views, "leave-view", "view")
    if view == "balances":
        _balances(bench, person, year, edits=edits)
    elif view == "history":
        _history(bench, person)
    elif view == "kinds":
        kinds.show(bench)
    else:
        _entries(bench, person, year, today, edits=edits)


def _name(bench: Workbench, employee_id: str) -> str:
    person = bench.people.known().get(employee_id)
    return person.name if person else employee_id


def _filters(bench: Workbench, today: date) -> tuple[str, int]:
    """The person (empty: everybody) and the year that the address asks for."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    known = bench.people.known()
    people = ["", *sorted(known, key=lambda key: known[key].name.casefold())]

    def label(key: str) -> str:
        return f"{known[key].name} ({key})" if key else say("Everyone")

    with left:
        person = _chosen(say("Person"), people, label, "person", "")
    years = sorted({*bench.leave_desk.years(), today.year - 1, today.year, today.year + 1}, reverse=True)
    with right:
        year = _chosen(say("Year"), [str(each) for each in years], str, "year", str(today.year))
    return person, int(year)


def _chosen(label: str, options: list[str], name: Callable[[str], str], address: str, usual: str) -> str:
    """A menu whose choice is kept in the address."""
    key = f"leave-{address}"
    asked = st.query_params.get(address, usual)
    st.session_state[key] = asked if asked in options else usual

    def follow() -> None:
        word = str(st.session_state[key] or "")
        put(**{address: "" if word == usual else word, "entry": "", "entitle": ""})

    st.selectbox(label, options, format_func=name, key=key, on_change=follow)
    return str(st.session_state[key] or "")


def _entries(bench: Workbench, person: str, year: int, today: date, *, edits: bool) -> None:
    found = bench.leave_desk.entries(date(year, 1, 1), date(year, 12, 31), person)
    away = [each for each in found if each.entry.approved and each.entry.overlaps(today, today)]
    waiting = [each for each in found if not each.entry.approved]
    parts.figures(
        parts.Metric(say("Away today"), len(away)),
        parts.Metric(say("Still to come"), sum(each.entry.approved and each.entry.first_day > today for each in found)),
        parts.Metric(say("Not approved"), len(waiting), say("no leave yet") if waiting else "", "warn"),
        parts.Metric(say("Working days"), words.days(sum(each.days for each in found if each.entry.approved))),
    )
    if not found:
        parts.notice(say("No leave in {year}", year=year), say("Add leave, or import a list from your HR system."))
        return
    if edits:
        st.caption(say("Select a row to change it, approve it or take it out."))
    table = pd.DataFrame([_row(bench, each) for each in found])

    def chosen() -> None:
        picked = st.session_state["leave-table"]["selection"]["rows"]
        if picked and picked[0] < len(found):
            put(entry=found[picked[0]].entry.leave_id)

    text, day = st.column_config.TextColumn, column_format()
    st.dataframe(
        table,
        hide_index=True,
        height=min(_TALLEST_PX, 38 + 35 * len(table)),
        key="leave-table",
        on_select=chosen if edits else "ignore",
        selection_mode="single-row",
        alt=say("Leave entries"),
        column_config={
            "name": text(say("Person")),
            "kind": text(say("Kind"), width=150),
            "first": st.column_config.DateColumn(say("First day"), format=day),
            "last": st.column_config.DateColumn(say("Last day"), format=day),
            "part": text(say("Part of the day")),
            "days": st.column_config.NumberColumn(
                say("Working days"), format="localized", help=say("Without days off and holidays.")
            ),
            "state": text(say("State")),
            "word": text(say("As written"), help=say("The kind as the list says it.")) if table["word"].any() else None,
            "source": text(say("Source")),
        },
    )


def _row(bench: Workbench, each: LeaveView) -> dict[str, object]:
    entry, known = each.entry, bench.leave_desk.kinds
    own = entry.word.casefold() in {"", entry.kind, known.name(entry.kind).casefold()}
    return {
        "name": _name(bench, entry.employee_id),
        "kind": words.kind_name(known, entry.kind),
        "first": entry.first_day,
        "last": entry.last_day,
        "part": words.part(entry),
        "days": each.days,
        "state": parts.mark("approved" if entry.approved else "pending"),
        "word": "" if own else entry.word,
        "source": say("by hand") if entry.source == "hand" else entry.source.partition(":")[2] or entry.source,
    }


def _balances(bench: Workbench, person: str, year: int, *, edits: bool) -> None:
    found = bench.leave_desk.balances(year, person)
    known = bench.leave_desk.kinds
    if edits and not any(each.entitled is not None for each in found):
        st.info(
            say("Set the days of a year under “Kinds”, or select a row to set them for one person."),
            icon=":material/info:",
        )
    if edits and person:
        st.button(
            say("Set the opening value"), icon=":material/edit:", on_click=lambda: put(entitle="annual", entry="")
        )
    if not found:
        parts.notice(say("No leave in {year}", year=year), say("No one has taken leave or is entitled to any."))
        return
    rows = [
        {
            "name": _name(bench, each.employee_id),
            "kind": words.kind_name(known, each.kind),
            "entitled": each.entitled,
            **({"own": "✎" if each.own else ""} if any(row.own for row in found) else {}),
            "taken": each.taken,
            "planned": each.planned,
            "left": each.left,
            "pending": each.pending,
        }
        for each in found
    ]

    def chosen() -> None:
        picked = st.session_state["leave-balances"]["selection"]["rows"]
        if picked and picked[0] < len(found):
            row: Balance = found[picked[0]]
            put(person=row.employee_id, entitle=row.kind, entry="")

    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height=min(_TALLEST_PX, 38 + 35 * len(rows)),
        key="leave-balances",
        on_select=chosen if edits else "ignore",
        selection_mode="single-row",
        placeholder="–",
        alt=say("Balances of leave"),
        column_config={
            "name": st.column_config.TextColumn(say("Person")),
            "kind": st.column_config.TextColumn(say("Kind")),
            "entitled": number(
                say("Opening value"), format="localized", help=say("Days of the year, carried days included.")
            ),
            "own": st.column_config.TextColumn(" ", width="small", help=say("Set for this person.")),
            "taken": number(say("Days taken"), format="localized", help=say("Up to today.")),
            "planned": number(say("Days planned"), format="localized", help=say("Approved, after today.")),
            "left": number(say("Days left"), format="localized", help=say("Opening value less taken and planned.")),
            "pending": number(say("Not approved"), format="localized"),
        },
    )
    st.caption(say("Working days only: days off and public holidays do not count."))


def _history(bench: Workbench, person: str) -> None:
    rows = bench.leave_desk.history(person)[:500]
    if not rows:
        parts.notice(say("No changes yet"), say("Each change of leave is listed here with its author and reason."))
        return
    parts.table(
        (say("When"), say("Person"), say("What"), say("Change and reason"), say("By")),
        (
            (
                _whole(f"{say_date(row.timestamp.date())} {say_time(row.timestamp)}"),
                _name(bench, row.subject),
                term(row.action),
                words.change(bench.office.readable(row.detail), bench.leave_desk.kinds),
                _whole(row.author),
            )
            for row in rows
        ),
    )


def _whole(text: str) -> Markup:
    """A cell that is not broken into lines."""
    return parts.markup('<span style="white-space:nowrap">{text}</span>', text=text)
