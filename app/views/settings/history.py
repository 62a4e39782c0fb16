"""Who changed which setting when, and the last change, which can be taken back."""

from __future__ import annotations

import streamlit as st

from app.ui import parts
from app.views.settings import form
from app.words import say, say_count, say_moment
from engine.workbench import Workbench

_SHOWN = 200
_ACTIONS = {"change_setting", "undo_setting"}


def last(bench: Workbench) -> None:
    """The last change with a button that takes it back, if it can be."""
    found = bench.settings_desk.last()
    if found is None:
        return
    with st.container(border=True):
        count = say_count("Last change: {count} setting", "Last change: {count} settings", len(found.changes))
        parts.show("<b>{count}</b>, {when}", count=count, when=say_moment(found.at))
        parts.table(
            (say("Setting"), say("Before"), say("After")),
            [(form.place_of(each.path), each.before, each.after) for each in found.changes],
        )
        st.button(say("Take it back"), icon=":material/undo:", key="settings-undo", on_click=form.undo)


def show(bench: Workbench) -> None:
    """The part of the page."""
    last(bench)
    found = [row for row in bench.audit.read() if row.action in _ACTIONS][-_SHOWN:]
    if not found:
        parts.soft(say("Nobody has changed a setting here yet."))
        return
    parts.table(
        (say("When"), say("Who"), say("Setting"), say("What")),
        [
            (
                say_moment(row.timestamp),
                row.author,
                form.place_of(tuple(row.subject.split("."))),
                say("{what} (taken back)", what=row.detail) if row.action == "undo_setting" else row.detail,
            )
            for row in reversed(found)
        ],
    )
