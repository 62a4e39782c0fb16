"""Import of staff lists and of lists of shifts, with a preview before anything is written."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from app.ui import parts, reading
from app.ui.messages import nothing_new, show_messages
from app.web import access, uploads
from app.words import say
from engine.people import DateOrder, StaffImport
from engine.records import uploaded
from engine.workbench import Workbench

_TYPES = ["csv", "txt", "tsv", "xlsx"]


@dataclass(frozen=True)
class _Upload:
    """A file, and how to read it."""

    what: str
    name: str
    content: bytes
    encoding: str | None
    order: DateOrder | None

    def take(self, bench: Workbench, author: str, *, dry_run: bool) -> StaffImport:
        """Import the file without the rows that have errors, or say what that would do."""
        with uploaded(self.content, self.name) as path:
            imported = bench.staff.import_staff if self.what == "staff" else bench.staff.import_shifts
            return imported(
                path,
                author=author,
                dry_run=dry_run,
                encoding=self.encoding,
                date_order=self.order,
                skip_bad=True,
            )


def body(what: str) -> None:
    """Ask for a list, preview its changes, and import it; `what`: `staff` or `shifts`."""
    if what == "staff":
        st.caption(
            say(
                "A CSV or Excel file with ids and names; department, e-mail, status, first and last day, and consent are optional. "
                "Empty cells and people not listed stay unchanged."
            )
        )
    else:
        st.caption(
            say(
                "A CSV or Excel file with who, shift, from and, if it ends, until. The shifts are those of the settings."
            )
        )
    label = say("Staff list") if what == "staff" else say("List of shifts")
    uploads.expect("people.edit")
    file = st.file_uploader(label, type=_TYPES, key=f"import_{what}")
    if file is None:
        return
    with st.expander(say("How to read the file")):
        encoding, order = reading.asked(what)
    upload = _Upload(what, file.name, file.getvalue(), encoding, order)
    with parts.told():
        bench, author = access.acting("people.edit")
        result = upload.take(bench, author, dry_run=True)
        ready = bool(result.added or result.changed)
        _show(result, file.name, ready=ready)
        label = say("Import") if not result.errors else say("Import the rest")
        if st.button(label, type="primary", icon=":material/check:", disabled=not ready, key="import_apply"):
            upload.take(bench, author, dry_run=False)
            parts.done(say("The list was imported"))


def _show(result: StaffImport, name: str, *, ready: bool) -> None:
    left_out = len({message.line for message in result.errors})
    parts.figures(
        parts.Metric(say("New"), len(result.added)),
        parts.Metric(say("Changed"), len(result.changed)),
        parts.Metric(say("Unchanged"), len(result.unchanged)),
        parts.Metric(say("Left out"), left_out, say("rows with errors") if left_out else "", "bad"),
    )
    if result.errors:
        text = say("Correct the rows with errors and choose the file again, or import the rest now.")
        st.warning(text, icon=":material/error:")
    if not ready:
        nothing_new(bool(result.errors))
    else:
        st.caption(say("Nothing is saved yet."))
    show_messages(result.messages, name)
