"""Fields for lists whose entries are more than a word: days with names, and addresses that hold passwords."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from app.ui import parts
from app.ui.address import day_of
from app.views.settings.draft import Draft, at, key
from app.words import date_format, say, say_date
from engine.config.editing import SettingPath
from engine.incidents.notifications import channel_of
from engine.records import Kept


def dates(path: SettingPath, label: str, note: str | None, value: Any, fixed: bool, *, named: bool) -> Any:
    """Days, with a name each if `named`: a mapping of names by ISO day, or a list of days."""
    held = key(path)
    if held not in st.session_state:
        st.session_state[held] = dict(value or {}) if named else {each.isoformat(): "" for each in value or ()}
    there: dict[str, str] = st.session_state[held]
    st.markdown(f"**{label}**", help=note)
    for day, name in sorted(there.items()):
        with st.container(horizontal=True, vertical_alignment="center"):
            shown = day_of(day)
            parts.show("<span>{day} {name}</span>", day=say_date(shown) if shown else day, name=name)
            if not fixed:
                st.button(
                    say("Remove"),
                    key=key(path, f"#remove-{day}"),
                    icon=":material/close:",
                    type="tertiary",
                    on_click=there.__delitem__,
                    args=(day,),
                )
    if not fixed:
        _new_day(path, there, named=named)
    return dict(sorted(there.items())) if named else [date.fromisoformat(each) for each in sorted(there)]


def _new_day(path: SettingPath, there: dict[str, str], *, named: bool) -> None:
    day_key, name_key = key(path, "#day"), key(path, "#name")

    def add() -> None:
        day = st.session_state.get(day_key)
        name = str(st.session_state.get(name_key) or "").strip()
        if isinstance(day, date) and (name or not named):
            there[day.isoformat()] = name
            st.session_state[day_key] = None
            st.session_state[name_key] = ""

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.date_input(say("Day"), None, key=day_key, format=date_format(), width=160)
        if named:
            st.text_input(say("Name"), key=name_key, max_chars=80, width=260)
        st.button(say("Add day"), key=key(path, "#add"), icon=":material/add:", on_click=add)


def entries(draft: Draft, path: SettingPath, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    """Addresses that hold passwords: those that are there by their service alone, and new ones."""
    held, typed = key(path), key(path, "#typed")
    if held not in st.session_state:
        st.session_state[held] = [Kept(index) for index in range(len(value or ()))]
    there: list[Kept | str] = st.session_state[held]
    st.markdown(f"**{label}**", help=note)
    for place, each in enumerate(list(there)):
        with st.container(horizontal=True, vertical_alignment="center"):
            parts.show("<span>{name}</span>", name=_service(draft, path, each))
            if not fixed:
                st.button(
                    say("Remove"),
                    key=key(path, f"#remove-{place}"),
                    icon=":material/close:",
                    type="tertiary",
                    on_click=there.__delitem__,
                    args=(place,),
                )

    def add() -> None:
        if text := str(st.session_state.get(typed) or "").strip():
            there.append(text)
            st.session_state[typed] = ""

    if not fixed:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(
                say("New address"),
                key=typed,
                type="password",
                autocomplete="off",
                placeholder="mailto://…",
                max_chars=2000,
                width=360,
            )
            st.button(say("Add address"), key=key(path, "#add"), icon=":material/add:", on_click=add)
    unchanged = there == [Kept(index) for index in range(len(value or ()))]
    return list(value or ()) if unchanged else list(there)


def region(path: SettingPath, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    """A part of the picture, by its edges; None: all of it."""
    left, top, right, bottom = (round(100 * each) for each in (value or (0, 0, 1, 1)))
    st.markdown(f"**{label}**", help=note)
    across = st.slider(say("From left to right (%)"), 0, 100, (left, right), 5, key=key(path, "#x"), disabled=fixed)
    down = st.slider(say("From top to bottom (%)"), 0, 100, (top, bottom), 5, key=key(path, "#y"), disabled=fixed)
    found = [across[0] / 100, down[0] / 100, across[1] / 100, down[1] / 100]
    if (across, down) == ((left, right), (top, bottom)):  # finer edges, written by hand, stay as they are
        return value
    return None if found == [0, 0, 1, 1] else found


def _service(draft: Draft, path: SettingPath, entry: Kept | str) -> str:
    if isinstance(entry, str):
        return channel_of(entry)
    secret = at(draft.now.config, (*path, entry.index))
    return channel_of(secret.get_secret_value()) if secret is not None else "–"
