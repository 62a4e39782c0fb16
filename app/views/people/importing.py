"""Import of staff and leave lists, with a preview before anything is written."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.ui import parts
from app.web import access
from app.words import say, say_number, term
from engine.people import LeaveImport, RowMessage, StaffImport
from engine.records import uploaded
from engine.workbench import Workbench

_SHOWN = 200


def dialog() -> None:
    """Ask for a file, preview its changes, and import it."""

    @st.dialog(say("Import lists"), width="large")
    def ask() -> None:
        kinds = {"staff": say("Staff list"), "leave": say("Leave, remote and sick days")}
        what = parts.choice(say("Contents"), kinds, "import_what")
        if what == "staff":
            st.caption(
                say(
                    "A CSV file with ids and names; department, e-mail, active and consent are optional. "
                    "Empty cells and people not listed stay unchanged."
                )
            )
            file = st.file_uploader(say("Staff list"), type=["csv", "txt", "tsv"], key="import_staff")
        else:
            st.caption(
                say(
                    "A CSV file with who, from, to and kind, or a calendar (.ics). "
                    "An error stops a whole table; a calendar skips only that event."
                )
            )
            file = st.file_uploader(
                say("Table or calendar"), type=["csv", "txt", "tsv", "ics", "ical"], key="import_leave"
            )
        if file is None:
            return
        with parts.told():
            bench, author = access.acting("people.edit")
            result = _take(bench, what, file.name, file.getvalue(), author, dry_run=True)
            _show(result)
            ready = _changes(result)
            if st.button(
                say("Import"), type="primary", icon=":material/check:", disabled=not ready, key="import_apply"
            ):
                _take(bench, what, file.name, file.getvalue(), author, dry_run=False)
                parts.done(say("The list was imported"))

    ask()


def _take(
    bench: Workbench, what: str, name: str, content: bytes, author: str, *, dry_run: bool
) -> StaffImport | LeaveImport:
    with uploaded(content, name) as path:
        if what == "staff":
            return bench.staff.import_staff(path, author=author, dry_run=dry_run)
        return bench.staff.import_leave(path, author=author, dry_run=dry_run)


def _changes(result: StaffImport | LeaveImport) -> bool:
    """Whether anything would be written."""
    if isinstance(result, StaffImport):
        return not result.errors and bool(result.added or result.changed)
    return bool(result.added or result.removed)


def _show(result: StaffImport | LeaveImport) -> None:
    errors = len(result.errors)
    parts.figures(
        parts.Metric(say("New"), len(result.added)),
        parts.Metric(say("Changed"), len(result.changed))
        if isinstance(result, StaffImport)
        else parts.Metric(say("Removed or replaced"), len(result.removed)),
        parts.Metric(say("Unchanged"), len(result.unchanged)),
        parts.Metric(say("Errors"), errors, tone="bad"),
    )
    if errors and isinstance(result, StaffImport):
        st.error(say("Correct the rows with errors, then choose the file again."), icon=":material/error:")
    elif not _changes(result):
        st.info(say("This file contains nothing new."), icon=":material/info:")
    else:
        st.caption(say("Nothing is saved yet."))
    _messages(result.messages)


def _messages(messages: Sequence[RowMessage]) -> None:
    if not messages:
        return
    ordered = sorted(messages, key=lambda message: (message.level != "error", message.line))
    rows = [
        {
            say("Line"): str(message.line or "–"),
            say("Column"): message.column,
            say("Type"): f"{'■' if message.level == 'error' else '▲'} {term(message.level)}",
            say("Message"): message.text,
        }
        for message in ordered[:_SHOWN]
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        alt=say("Messages"),
        column_config={say("Message"): st.column_config.TextColumn(width="large")},
    )
    if len(ordered) > _SHOWN:
        st.caption(say("… and {count} more", count=say_number(len(ordered) - _SHOWN)))
