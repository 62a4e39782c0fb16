"""Messages about the rows of an imported list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd
import streamlit as st

from app.ui import parts
from app.words import language, said, say, say_count, say_number, term
from engine.people import RowMessage
from engine.reports import messages_excel
from engine.words import Words

_SHOWN = 200
_ALIKE = {"warning": 4, "error": 20}
"""So many messages of one kind are shown each; of more, one row names the lines."""
_LINES = 12
_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def show_messages(messages: Sequence[RowMessage], name: str) -> None:
    """Show them, errors first, and offer them as a workbook; `name`: of the list."""
    if not messages:
        return
    ordered = sorted(messages, key=lambda message: (message.level != "error", message.line))
    shown = list(_folded(ordered))
    rows = [
        {
            say("Line"): str(alike[0].line or "–"),
            say("Column"): said(alike[0].column),
            say("Type"): f"{'■' if alike[0].level == 'error' else '▲'} {term(alike[0].level)}",
            say("Message"): _told(alike),
        }
        for alike in shown[:_SHOWN]
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        alt=say("Messages"),
        column_config={
            say("Line"): st.column_config.TextColumn(width=45),
            say("Column"): st.column_config.TextColumn(width=100),
            say("Type"): st.column_config.TextColumn(width=80),
            say("Message"): st.column_config.TextColumn(width=760),
        },
    )
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        more = len(shown) - _SHOWN
        parts.soft(
            say("… and {count} more", count=say_number(more))
            if more > 0
            else say("Double-click a cell to read all of it.")
        )
        words = Words(language())
        st.download_button(
            say("Messages, Excel"),
            lambda: messages_excel(ordered, name, words),
            f"{name.rpartition('.')[0] or name}-{say('messages')}.xlsx",
            _EXCEL,
            icon=":material/download:",
            on_click="ignore",
            key="import_messages",
        )


def nothing_new(has_errors: bool) -> None:
    """Say that the list changes nothing, and that its rows with errors are left out."""
    if has_errors:
        st.info(say("Besides the rows with errors, this file contains nothing new."), icon=":material/info:")
    else:
        st.info(say("This file contains nothing new."), icon=":material/info:")


def _folded(messages: Iterable[RowMessage]) -> Iterable[list[RowMessage]]:
    """Messages one by one; of many of one kind about one column, all together."""
    kinds: dict[object, list[RowMessage]] = {}
    for place, message in enumerate(messages):
        kind = (message.level, message.column, message.text.pattern) if message.line else place
        kinds.setdefault(kind, []).append(message)
    for alike in kinds.values():
        if len(alike) > _ALIKE[alike[0].level]:
            yield alike
        else:
            yield from ([message] for message in alike)


def _told(alike: Sequence[RowMessage]) -> str:
    text = said(alike[0].text)
    if len(alike) == 1:
        return text
    lines = [str(message.line) for message in alike[1:]]
    told = ", ".join(lines[:_LINES]) + (" …" if len(lines) > _LINES else "")
    return f"{text} – " + say_count(
        "the same in line {lines}", "the same in {count} lines: {lines}", len(lines), lines=told
    )
