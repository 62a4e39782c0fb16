"""Blocks with several entries: a line for each, and a form for the one that is added or changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import streamlit as st
from pydantic import SecretStr

from app.ui import parts
from app.ui.address import put
from app.views.settings.choices import choice
from app.views.settings.described import Block
from app.views.settings.draft import Draft, at, described, forget, key
from app.views.settings.form import fields, save_bar
from app.words import marked, say, say_weekdays
from engine.config.editing import SettingPath, value_at
from engine.config.hours import DAYS
from engine.incidents.notifications import channel_of

_NAME = re.compile(r"\w[\w .-]{0,39}")
_NEW, _REMOVING = "new", "settings-removing"


Beside = Callable[[Draft, SettingPath, dict[str, Any] | None], None]
"""Draws more below the fields of an entry, by its place and, if it is new, by what was given."""


def show(draft: Draft, block: Block, beside: Beside | None = None) -> None:
    """The entries of a block."""
    above = block.path[:-1]
    names = _names(draft, block)
    wanted = _chosen(block)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    left.header(marked(block.title))
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        if draft.locked_by(above):
            parts.soft(say("Set by the environment: {name}", name=draft.locked_by(above)))
        elif wanted is None:
            st.button(
                say("Add {what}", what=marked(block.entry)),
                icon=":material/add:",
                key=f"settings-add-{'-'.join(above)}",
                on_click=_open,
                args=(block, _NEW),
            )
    if wanted == _NEW:
        with st.container(border=True):
            _add(draft, block, names, beside)
    for name in names:
        with st.container(border=True):
            if wanted == f"={name}":
                _change(draft, block, name, _base(draft, block, name), beside)
            else:
                _line(draft, block, name, _base(draft, block, name))
    if not names and wanted is None:
        parts.soft(say("Nothing here yet."))


def _names(draft: Draft, block: Block) -> list[str]:
    found = at(draft.now.config, block.path[:-1])
    return [str(each.name) for each in found] if block.entries == "list" else [str(name) for name in found]


def _base(draft: Draft, block: Block, name: str) -> SettingPath:
    above = block.path[:-1]
    return (*above, _names(draft, block).index(name)) if block.entries == "list" else (*above, name)


def _word(block: Block) -> str:
    return "-".join(block.path[:-1])


def _chosen(block: Block) -> str | None:
    """The entry of this block whose form is open: `new`, or its name after `=`; None: none."""
    kind, _, name = st.query_params.get("entry", "").partition(":")
    return name if kind == _word(block) and name else None


def _open(block: Block, name: str) -> None:
    forget()
    st.session_state.pop(_REMOVING, None)
    put(entry=f"{_word(block)}:{name}")


def close() -> None:
    """Leave the form (a callback)."""
    forget()
    st.session_state.pop(_REMOVING, None)
    put(entry="")


def _line(draft: Draft, block: Block, name: str, base: SettingPath) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        parts.show(
            '<div class="m-entry"><strong>{name}</strong><br><span class="m-soft">{text}</span></div>',
            name=name,
            text=" · ".join(filter(None, (_summary(draft, block, base, each) for each in block.summary))) or "–",
        )
        st.space("stretch")
        st.button(
            say("Change"),
            key=f"settings-change-{_word(block)}-{name}",
            icon=":material/edit:",
            help=say("Change {name}", name=parts.plain(name)),
            on_click=_open,
            args=(block, f"={name}"),
        )


def _summary(draft: Draft, block: Block, base: SettingPath, name: str) -> str:
    named = next(each for each in block.fields if each.name == name)
    value = draft.effective((*base, name))
    if value in (None, "", []):
        return ""
    if isinstance(value, list):
        addresses = at(draft.now.config, (*base, name))
        return ", ".join(
            dict.fromkeys(
                channel_of(each.get_secret_value()) if isinstance(each, SecretStr) else str(each) for each in addresses
            )
        )
    spec = described(block, named)
    if spec.look == "days":
        return days_in_words(str(value))
    texts = {
        "choice": lambda: choice(name, value),
        "time": lambda: f"{value:%H:%M}",
        "secret": lambda: marked(named.title),
        "number": lambda: f"{marked(named.title)} {value:g}",
    }
    return texts.get(spec.kind, lambda: str(value))()


def days_in_words(text: str) -> str:
    """Days of the week such as `mon-fri` in the viewer's language."""
    names = dict(zip(DAYS, say_weekdays(), strict=True))
    return re.sub(r"[a-z]{3}", lambda found: names.get(found[0], found[0]), text).replace("-", "–").replace(",", ", ")


def _add(draft: Draft, block: Block, names: list[str], beside: Beside | None) -> None:
    st.subheader(say("Add {what}", what=marked(block.entry)))
    above = block.path[:-1]
    if block.entries == "list":
        base: SettingPath = (*above, len(names))
        given = fields(draft, block, base, new=True)
        if given:
            draft.changes[base] = given
    else:
        name = str(
            st.text_input(say("Name"), key=key(above, "#name"), max_chars=40, placeholder=_example(block)) or ""
        ).strip()
        wrong = _wrong(name, names)
        base = (*above, name or "?")
        given = fields(draft, block, (*above, _NEW), new=True)
        draft.slots = {(*base, *path[len(base) :]): slot for path, slot in draft.slots.items()}
        if wrong and name:
            st.error(wrong)
        elif name:
            draft.changes[base] = given
    if beside is not None:
        beside(draft, (*above, _NEW), given)
    save_bar(draft, block.takes, label=say("Add"), after=close, close=close)


def _example(block: Block) -> str:
    names = {"cameras": "entrance", "doors": "main", "shifts": "office", "rotas": "team-a"}
    return say("Example: {name}", name=names.get(block.path[0], "office"))


def _wrong(name: str, names: list[str]) -> str:
    if not _NAME.fullmatch(name):
        return say("Letters, digits, spaces, . and - only; at most 40.")
    if name.casefold() in {each.casefold() for each in names}:
        return say("This name is taken.")
    return ""


def _change(draft: Draft, block: Block, name: str, base: SettingPath, beside: Beside | None) -> None:
    st.subheader(parts.plain(name))
    if st.session_state.get(_REMOVING) == base:
        draft.changes[base] = None
        save_bar(draft, block.takes, label=say("Remove"), done=say("Removed"), after=close, close=close)
        return
    fields(draft, block, base)
    if beside is not None:
        beside(draft, base, None)
    save_bar(draft, block.takes, after=close, close=close)
    if value_at(draft.now.written, base) is not None and not draft.locked_by(base):
        st.button(
            say("Remove {name}", name=parts.plain(name)),
            key="settings-remove",
            icon=":material/delete:",
            type="tertiary",
            on_click=st.session_state.__setitem__,
            args=(_REMOVING, base),
        )
