"""Import of staff and leave lists, with a preview before anything is written."""

from __future__ import annotations

import streamlit as st

from app.ui import parts
from app.views.people import staff_import
from app.web import access
from app.words import say
from engine.people import LeaveImport
from engine.records import uploaded
from engine.workbench import Workbench


def dialog() -> None:
    """Ask for a file, preview its changes, and import it."""

    @st.dialog(say("Import lists"), width="large")
    def ask() -> None:
        kinds = {
            "staff": say("Staff list"),
            "shifts": say("Shifts of people"),
            "leave": say("Leave, remote and sick days"),
        }
        what = parts.choice(say("Contents"), kinds, "import_what")
        if what in {"staff", "shifts"}:
            staff_import.body(what)
            return
        st.caption(
            say(
                "A CSV file with who, from, to and kind, or a calendar (.ics). "
                "An error stops a whole table; a calendar skips only that event."
            )
        )
        file = st.file_uploader(say("Table or calendar"), type=["csv", "txt", "tsv", "ics", "ical"], key="import_leave")
        if file is None:
            return
        with parts.told():
            bench, author = access.acting("people.edit")
            result = _take(bench, file.name, file.getvalue(), author, dry_run=True)
            _show(result)
            ready = _changes(result)
            if st.button(
                say("Import"), type="primary", icon=":material/check:", disabled=not ready, key="import_apply"
            ):
                _take(bench, file.name, file.getvalue(), author, dry_run=False)
                parts.done(say("The list was imported"))

    ask()


def _take(bench: Workbench, name: str, content: bytes, author: str, *, dry_run: bool) -> LeaveImport:
    with uploaded(content, name) as path:
        return bench.staff.import_leave(path, author=author, dry_run=dry_run)


def _changes(result: LeaveImport) -> bool:
    """Whether anything would be written."""
    return bool(result.added or result.removed)


def _show(result: LeaveImport) -> None:
    parts.figures(
        parts.Metric(say("New"), len(result.added)),
        parts.Metric(say("Removed or replaced"), len(result.removed)),
        parts.Metric(say("Unchanged"), len(result.unchanged)),
        parts.Metric(say("Errors"), len(result.errors), tone="bad"),
    )
    if not _changes(result):
        st.info(say("This file contains nothing new."), icon=":material/info:")
    else:
        st.caption(say("Nothing is saved yet."))
    staff_import.show_messages(result.messages)
