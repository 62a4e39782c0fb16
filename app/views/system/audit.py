"""The audit trail: who changed what, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd
import streamlit as st

from app.ui import parts
from app.web import access
from app.words import date_format, say, say_moment, term
from engine.access import AUDIT, AuditRow
from engine.storage import table_text
from engine.workbench import Workbench

_PAGE = 25


def show(_bench: Workbench) -> None:
    """The part of the page."""
    bench = access.reading("system.audit")
    rows = bench.audit.read()
    if not rows:
        parts.notice(
            say("No changes yet"),
            say("Registrations, corrections, erasures and exports appear here with their authors."),
        )
        return
    found = _filtered(bench, rows)
    st.caption(say("{count} of {all} entries, newest first", count=len(found), all=len(rows)))
    if not found:
        parts.notice(say("No entry matches these filters"), say("Choose another author, action or period."))
        return
    _export(bench, found)
    pages = -(-len(found) // _PAGE)
    number = min(int(st.session_state.get("audit_page", 1)), pages)
    _table(bench, found[(number - 1) * _PAGE : number * _PAGE])
    if pages > 1:
        st.pagination(pages, default=number, key="audit_page")


def _filtered(bench: Workbench, rows: Sequence[AuditRow]) -> list[AuditRow]:
    word, who, what, when = st.columns([1, 1, 1, 1], vertical_alignment="bottom")
    wanted = word.text_input(
        say("Search"), key="audit_text", type="search", placeholder=say("Subject or detail"), bind="query-params"
    )
    words = (wanted or "").casefold().split()
    authors = {row.author: bench.office.readable(row.author) for row in rows}
    author = who.selectbox(
        say("Author"),
        ["", *sorted(set(authors.values()) - {""})],
        format_func=lambda each: each or say("All"),
        key="audit_author",
        bind="query-params",
    )
    action = what.selectbox(
        say("Action"),
        ["", *sorted({row.action for row in rows})],
        format_func=lambda each: term(each) if each else say("All"),
        key="audit_action",
        bind="query-params",
    )
    span = when.date_input(
        say("Days"), [], format=date_format(), max_value=bench.attendance.day_of(bench.clock()), key="audit_days"
    )
    days = [day for day in span if isinstance(day, date)] if isinstance(span, tuple) else []
    first, last = (days[0], days[-1]) if days else (date.min, date.max)
    return [
        row
        for row in reversed(rows)
        if (not author or authors[row.author] == author)
        and (not action or row.action == action)
        and first <= row.timestamp.date() <= last
        and (not words or _holds(bench, row, words))
    ]


def _holds(bench: Workbench, row: AuditRow, words: Sequence[str]) -> bool:
    person = bench.people.known().get(bench.office.readable(row.subject))
    texts = (row.subject, row.detail, term(row.action), row.action, row.author, person.name if person else "")
    text = " ".join(bench.office.readable(each) for each in texts).casefold()
    return all(word in text for word in words)


def _export(bench: Workbench, rows: Sequence[AuditRow]) -> None:
    tell, readable = access.telling(), bench.office.readable

    def content() -> bytes:
        texts = [{name: readable(text) for name, text in AUDIT.texts(row).items()} for row in rows]
        made = table_text(AUDIT.columns, texts).encode()
        tell("export_audit", "", f"{len(rows)} rows", made)
        return made

    st.download_button(
        say("Download, CSV"),
        access.on_click("system.audit", content),
        "audit.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="audit-csv",
    )


def _table(bench: Workbench, rows: Sequence[AuditRow]) -> None:
    people = bench.people.known()

    def called(subject: str) -> str:
        plain = bench.office.readable(subject)
        return f"{people[plain].name} ({plain})" if plain in people else plain

    shown = [
        {
            say("Time"): say_moment(row.timestamp),
            say("Author"): called(row.author) or "–",
            say("Action"): term(row.action),
            say("Subject"): called(row.subject) or "–",
            say("Detail"): bench.office.readable(row.detail),
        }
        for row in rows
    ]
    st.dataframe(
        pd.DataFrame(shown),
        hide_index=True,
        height="content",
        alt=say("Audit trail"),
        column_config={
            say("Action"): st.column_config.TextColumn(width="medium"),
            say("Subject"): st.column_config.TextColumn(width="medium"),
            say("Detail"): st.column_config.TextColumn(width="large"),
        },
    )
