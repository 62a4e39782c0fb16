"""Fields for lists whose entries are more than a word: days with names, and addresses that hold passwords."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from app.ui import parts
from app.ui.address import day_of
from app.views.settings.draft import Field, at, key
from app.words import date_format, say, say_date
from engine.config.editing import SettingPath
from engine.incidents.notifications import channel_of
from engine.records import Kept


def dates(each: Field, *, named: bool) -> Any:
    """Days, with a name each if `named`: a mapping of names by ISO day, or a list of days."""
    if each.key not in st.session_state:
        held = dict(each.value or {}) if named else {day.isoformat(): "" for day in each.value or ()}
        st.session_state[each.key] = held
    there: dict[str, str] = st.session_state[each.key]
    st.markdown(f"**{each.label}**", help=each.note)
    for day, name in sorted(there.items()):
        with st.container(horizontal=True, vertical_alignment="center"):
            shown = day_of(day)
            parts.show("<span>{day} {name}</span>", day=say_date(shown) if shown else day, name=name)
            if not each.fixed:
                st.button(
                    say("Remove"),
                    key=key(each.path, f"#remove-{day}"),
                    icon=":material/close:",
                    type="tertiary",
                    on_click=there.__delitem__,
                    args=(day,),
                )
    if not each.fixed:
        _new_day(each.path, there, named=named)
    return dict(sorted(there.items())) if named else [date.fromisoformat(day) for day in sorted(there)]


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


def entries(each: Field) -> Any:
    """Addresses that hold passwords: those that are there by their service alone, and new ones."""
    before, typed = [Kept(index) for index in range(len(each.value or ()))], key(each.path, "#typed")
    if each.key not in st.session_state:
        st.session_state[each.key] = list(before)
    there: list[Kept | str] = st.session_state[each.key]
    st.markdown(f"**{each.label}**", help=each.note)
    for place, entry in enumerate(list(there)):
        with st.container(horizontal=True, vertical_alignment="center"):
            parts.show("<span>{name}</span>", name=_service(each, entry))
            if not each.fixed:
                st.button(
                    say("Remove"),
                    key=key(each.path, f"#remove-{place}"),
                    icon=":material/close:",
                    type="tertiary",
                    on_click=there.__delitem__,
                    args=(place,),
                )

    def add() -> None:
        if text := str(st.session_state.get(typed) or "").strip():
            there.append(text)
            st.session_state[typed] = ""

    if not each.fixed:
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
            st.button(say("Add address"), key=key(each.path, "#add"), icon=":material/add:", on_click=add)
    return list(each.value or ()) if there == before else list(there)


def region(each: Field) -> Any:
    """A part of the picture, by its edges; None: all of it."""
    left, top, right, bottom = (round(100 * edge) for edge in (each.value or (0, 0, 1, 1)))
    st.markdown(f"**{each.label}**", help=each.note)
    x, y = key(each.path, "#x"), key(each.path, "#y")
    across = st.slider(say("From left to right (%)"), 0, 100, (left, right), 5, key=x, disabled=each.fixed)
    down = st.slider(say("From top to bottom (%)"), 0, 100, (top, bottom), 5, key=y, disabled=each.fixed)
    found = [across[0] / 100, down[0] / 100, across[1] / 100, down[1] / 100]
    if (across, down) == ((left, right), (top, bottom)):  # finer edges, written by hand, stay as they are
        return each.value
    return None if found == [0, 0, 1, 1] else found


def _service(each: Field, entry: Kept | str) -> str:
    if isinstance(entry, str):
        return channel_of(entry)
    secret = at(each.draft.now.config, (*each.path, entry.index))
    return channel_of(secret.get_secret_value()) if secret is not None else "–"
