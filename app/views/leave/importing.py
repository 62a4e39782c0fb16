"""Import of a leave list: what would change, what the unknown words mean, and how dates are written."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from app.ui import parts, reading
from app.ui.messages import nothing_new, show_messages
from app.views.leave import words
from app.web import access, uploads
from app.words import say, say_number
from engine.people import DateOrder, Leave, LeaveImport, LeaveKinds
from engine.records import uploaded
from engine.workbench import Workbench

_SHOWN = 200
_KEY = "import_leave"


def dialog() -> None:
    """Ask for a list, preview its changes, and import it."""

    @st.dialog(say("Import leave"), width="large")
    @parts.guarded
    def ask() -> None:
        body()

    ask()


def body() -> None:
    """The content of the dialog."""
    st.caption(
        say(
            "A table with who, from, to and kind, or a calendar (.ics). "
            "Columns for status, half days and request ids count, too. Rows with errors are left out."
        )
    )
    uploads.expect("people.edit")
    file = st.file_uploader(say("Table or calendar"), type=["csv", "txt", "tsv", "xlsx", "ics", "ical"], key=_KEY)
    if file is None:
        return
    with parts.told():
        bench, author = access.acting("people.edit")
        with st.expander(say("How to read the file")):
            how = reading.asked("leave")
        mapping: dict[str, str] = st.session_state.get(f"{_KEY}-kinds-{file.file_id}", {})
        result = _take(bench, file.name, file.getvalue(), author, mapping, how, dry_run=True)
        _unknown(bench.leave_desk.kinds, result, mapping, file.file_id)
        _show(result, bench.leave_desk.kinds, file.name)
        label = say("Import") if not result.errors else say("Import the rest")
        if st.button(label, type="primary", icon=":material/check:", disabled=not result.changes, key="import_apply"):
            _take(bench, file.name, file.getvalue(), author, mapping, how, dry_run=False)
            parts.done(say("The list was imported"))


def _take(
    bench: Workbench,
    name: str,
    content: bytes,
    author: str,
    mapping: Mapping[str, str],
    how: tuple[str | None, DateOrder | None],
    *,
    dry_run: bool,
) -> LeaveImport:
    encoding, order = how
    with uploaded(content, name) as path:
        return bench.leave_desk.import_file(
            path, author=author, mapping=mapping, order=order, encoding=encoding, dry_run=dry_run
        )


def _unknown(kinds: LeaveKinds, result: LeaveImport, mapping: Mapping[str, str], file_id: str) -> None:
    """Ask what unknown words mean."""
    unknown = result.unknown_kinds or {}
    # an empty cell means nothing that could be remembered: its message asks to fill it in
    found = [word for word in (*mapping, *(word for word in unknown if word not in mapping)) if word.strip()]
    if not found:
        return
    st.subheader(say("Unknown kinds"))
    st.caption(say("Choose what each word means. Muster remembers it for the next list."))
    names = {"": say("Leave these rows out"), **{key: words.kind_name(kinds, key) for key in kinds.all}}

    def chosen(word: str, key: str) -> None:
        kept = {each: kind for each, kind in mapping.items() if each != word}
        kind = st.session_state[key]
        st.session_state[f"{_KEY}-kinds-{file_id}"] = {**kept, word: kind} if kind else kept

    for word in sorted(found, key=str.casefold):
        key = f"{_KEY}-kind-{file_id}-{word}"
        st.selectbox(
            f"{parts.plain(word)} ({say_number(unknown[word])})" if word in unknown else parts.plain(word),
            list(names),
            format_func=lambda each: names[each],
            key=key,
            width=320,
            on_change=chosen,
            args=(word, key),
        )


def _show(result: LeaveImport, kinds: LeaveKinds, name: str) -> None:
    changed = [change for change in result.changes if change.before]
    parts.figures(
        parts.Metric(say("New"), sum(change.before is None for change in result.changes)),
        parts.Metric(say("Changed"), sum(change.after is not None for change in changed)),
        parts.Metric(say("Taken out"), sum(change.after is None for change in changed)),
        parts.Metric(say("Unchanged"), len(result.unchanged)),
        parts.Metric(say("Left out"), len(result.errors), say("rows with errors") if result.errors else "", "bad"),
    )
    if not result.changes:
        nothing_new(bool(result.errors))
    else:
        st.caption(say("Nothing is saved yet."))
    if changed:
        st.subheader(say("Entries that change"))
        rows = [
            {
                say("Person"): change.entry.employee_id,
                say("Before"): _told(kinds, change.before),
                say("After"): _told(kinds, change.after),
            }
            for change in changed[:_SHOWN]
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt=say("Entries that change"))
        if len(changed) > _SHOWN:
            st.caption(say("… and {count} more", count=say_number(len(changed) - _SHOWN)))
    show_messages(result.messages, name)


def _told(kinds: LeaveKinds, entry: Leave | None) -> str:
    if entry is None:
        return say("taken out")
    pending = "" if entry.approved else say("pending")
    return ", ".join(filter(None, (words.span(entry), words.kind_name(kinds, entry.kind), words.part(entry), pending)))
