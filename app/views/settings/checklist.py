"""What a new workplace still needs, as a list of links; it disappears when all of it is done."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import streamlit as st

from app.ui import parts
from app.ui.address import to
from app.web import access
from app.words import say
from engine.workbench import Workbench

_PEOPLE = 3
_LATER = "checklist-later"
_OWN = {"localhost", "127.0.0.1", "::1", ""}
"""Hosts of browsers on this very computer, which need no TLS."""


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        name: in the address of the page that does it. link: there.
    """

    name: str
    title: str
    text: str
    link: str
    done: bool


def steps(bench: Workbench, url: str) -> list[Step]:
    """What there is to do.

    Args:
        url: as the browser reached the workbench.
    """
    config, enrolled = bench.config, len(bench.gallery.current())
    asked = urlsplit(url)
    found = [
        Step(
            "camera",
            say("A camera with a picture"),
            say("Add it and press Test."),
            to("/settings", part="cameras", entry="cameras:new"),
            any(each.source for each in config.cameras.values()) and _seen(bench),
        ),
        Step(
            "people",
            say("The first three people"),
            say("{count} of {all} are enrolled.", count=min(enrolled, _PEOPLE), all=_PEOPLE),
            to("/registration"),
            enrolled >= _PEOPLE,
        ),
        Step(
            "basis",
            say("A legal basis"),
            say("Say on what recognising people rests here."),
            to("/settings", part="organisation"),
            bool(config.people.basis),
        ),
        Step(
            "shift",
            say("A shift"),
            say("It says who is late and who is absent."),
            to("/settings", part="shifts", entry="shifts:new"),
            bool(config.shifts),
        ),
        Step(
            "channel",
            say("An alert channel"),
            say("Muster tells somebody about strangers."),
            to("/settings", part="notifications", entry="notifications-rules:new"),
            bool(config.notifications.rules),
        ),
    ]
    if (asked.hostname or "") not in _OWN:  # others come
        found.append(
            Step(
                "tls",
                say("TLS"),
                say("Browsers elsewhere give Muster no camera without it."),
                to("/settings", part="sign_in"),
                asked.scheme == "https",
            )
        )
    return found


def _seen(bench: Workbench) -> bool:
    """Whether a camera gave a picture: to a recorder, or to whoever pressed Test."""
    coverage = bench.attendance.plan.coverage
    return (coverage is not None and bool(coverage.log.days())) or bench.settings_desk.camera_tried()


def show() -> None:
    """Draw the list for who can do something about it, until all is done."""
    if not access.may("system.settings") or st.session_state.get(_LATER):
        return
    bench = access.reading("system.settings")
    if bench.config.sample:
        return
    found = steps(bench, str(st.context.url or ""))
    if all(each.done for each in found):
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            parts.show(
                '<div><b>{title}</b> <span class="m-soft">{count}</span></div>',
                title=say("Getting started"),
                count=say("{count} of {all} done", count=sum(each.done for each in found), all=len(found)),
            )
            st.space("stretch")
            st.button(
                say("Later"),
                type="tertiary",
                key="checklist-hide",
                on_click=st.session_state.__setitem__,
                args=(_LATER, True),
            )
        parts.show('<ol class="m-todo">{steps}</ol>', steps=parts.joined(_line(each) for each in found))


def _line(step: Step) -> str:
    if step.done:
        return parts.markup(
            '<li class="m-done"><span aria-hidden="true">✓</span> {title} <span class="m-hide">{done}</span></li>',
            title=step.title,
            done=say("done"),
        )
    return parts.markup(
        '<li><span aria-hidden="true">○</span> {link} <span class="m-soft">{text}</span></li>',
        link=parts.link(step.link, step.title),
        text=step.text,
    )
