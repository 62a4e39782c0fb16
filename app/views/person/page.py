"""One person: face and name, and a tab for each right: details, day by day, sightings."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.ui import parts
from app.ui.address import put
from app.views.attendance import person as attendance_person
from app.views.people import person as people_person
from app.views.person import timeline
from app.web import access
from app.words import say
from engine.workbench import Workbench

_LEFT = ("person", "tab", "day", "page")
"""What the address says about one person."""


def show(employee_id: str, first: str) -> None:
    """The page.

    Args:
        first: the tab that is open unless the address names another: `details` under People, `attendance` under Attendance.
    """
    tabs: dict[str, tuple[str, str, Callable[[Workbench, str], None]]] = {
        "details": (say("Details"), "people.view", people_person.show),
        "attendance": (say("Day by day"), "attendance.view", attendance_person.show),
        "sightings": (say("Sightings"), "search.faces", _sightings),
    }
    own = {word: tab for word, tab in tabs.items() if access.may(tab[1])}
    names = {word: own[word][0] for word in (first, *own) if word in own}
    back = say("All people") if first == "details" else say("Everyone")
    st.button(back, icon=":material/arrow_back:", type="tertiary", key="person-back", on_click=_leave)
    # the address holds the open tab only if it is not the page's first
    chosen = (
        parts.choice(say("About this person"), names, "person-tab", "tab", drops="page") if len(names) > 1 else first
    )
    bench = access.reading(own[chosen][1])
    own[chosen][2](bench, employee_id)


def _leave() -> None:
    put(**dict.fromkeys(_LEFT, ""))


def _sightings(bench: Workbench, employee_id: str) -> None:
    person = bench.people.known().get(employee_id)
    name = person.name if person else employee_id
    parts.stylesheet("alerts")
    parts.show(
        '<div class="m-row">{face}<div><h1 style="margin:0;padding:0">{name}</h1><span class="m-soft">{about}</span></div></div>',
        face=parts.face(parts.portrait(employee_id), 56, ""),
        name=name,
        about=" · ".join(filter(None, (employee_id, person.department if person else ""))),
    )
    access.viewed("view_sightings", employee_id)
    timeline.show(bench, employee_id)
