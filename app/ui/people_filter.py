"""Which people a page shows: by department, and by a part of a name or id. Kept in the address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import streamlit as st

from app.ui.address import put
from app.words import said, say
from engine.config.ids import did_you_mean
from engine.types import same_department, spellings


class _Row(Protocol):
    """A person, or a day of one."""

    @property
    def employee_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def department(self) -> str: ...


def keeps(row: _Row, department: str, find: str) -> bool:
    """Whether a row is shown; empty filters keep everything."""
    if department and same_department(row.department) != same_department(department):
        return False
    find = find.casefold()
    return not find or find in row.name.casefold() or find in row.employee_id.casefold()


def near(find: str, people: Iterable[_Row]) -> str:
    """A question whether another id is meant, to show where nobody matches; empty: none is like what was typed."""
    asked = did_you_mean(find, [person.employee_id for person in people])
    text = said(asked) if asked else ""
    return text[:1].upper() + text[1:]


def departments(people: Iterable[_Row], *also: str) -> list[str]:
    """The departments to choose from, each in one spelling.

    Args:
        also: further ones, such as those that were chosen before.
    """
    found = spellings(person.department for person in people)
    for name in also:
        found.setdefault(same_department(name), name)
    return sorted(filter(None, found.values()), key=str.casefold)


def fields(key: str, department: str, find: str, people: Iterable[_Row], *, width: int) -> None:
    """Draw both filters, `width` pixels wide each."""
    names = ["", *departments(people, department)]
    chosen = same_department(department)
    st.session_state[f"{key}-department"] = next(name for name in names if same_department(name) == chosen)
    st.session_state[f"{key}-find"] = find
    st.selectbox(
        say("Department"),
        names,
        key=f"{key}-department",
        on_change=lambda: put(department=st.session_state[f"{key}-department"] or ""),
        width=width,
        format_func=lambda name: name or say("All departments"),
    )
    st.text_input(
        say("Person"),
        key=f"{key}-find",
        placeholder=say("Name or id"),
        width=width,
        icon=":material/search:",
        on_change=lambda: put(find=st.session_state[f"{key}-find"]),
    )
