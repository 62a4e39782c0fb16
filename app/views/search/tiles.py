"""Who was found: people and strangers at a glance, and each sighting with its picture and where it leads."""

from __future__ import annotations

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.ui.address import to
from app.views.alerts import dialogs
from app.views.alerts.pieces import face_of, gone, moment, name_of
from app.web import access, pictures
from app.words import say, say_time
from engine.records import Answer, Seen
from engine.records.alerts import is_stranger
from engine.types import Candidate, TrackState
from engine.workbench import Workbench


def face_link(picture: str) -> Markup:
    """A link that searches for the face in a picture of the workspace; empty for who may not search."""
    if not picture or not access.may("search.faces"):
        return Markup("")
    return parts.link(to("/search", picture=picture), say("Find this face"))


def candidates(bench: Workbench, answer: Answer) -> None:
    """Enrolled people and strangers who resemble the face."""
    found = [*answer.people, *answer.strangers]
    st.header(say("Who it may be"), anchor=False)
    if not found:
        parts.soft(say("No enrolled person and no stranger resembles this face enough."))
        return
    grid = st.grid(4, min_column_width=220)
    for each in sorted(found, key=lambda each: -each.similarity):
        with grid.cell():
            parts.html(_candidate(bench, each, answer.threshold))
            _acts(bench, each.person)


def _candidate(bench: Workbench, each: Candidate, threshold: float) -> Markup:
    stranger = is_stranger(each.person)
    watched = each.person in bench.dossiers.register().watched
    return parts.markup(
        '<div class="m-row">{face}<div><strong>{name}</strong> {watched}<br>{bar}<br>{link}</div></div>',
        watched=parts.status("watched", say("On the watch list")) if watched else "",
        face=face_of(bench, each.person, 56),
        name=name_of(bench, each.person),
        bar=parts.similarity_bar(each.similarity, threshold),
        link=page_link(bench, each.person, say("Dossier") if stranger else say("View this person")),
    )


def _acts(bench: Workbench, key: str) -> None:
    """What follows from a find: enrol a stranger, or watch for them."""
    watched = key in bench.dossiers.register().watched
    with st.container(horizontal=True, gap="small"):
        if is_stranger(key) and access.may("people.enrol"):
            with st.container(width="content"):
                parts.html(parts.link(to("/registration", dossier=key), say("Enrol this person"), "m-link"))
        if (
            access.may("alerts.review")
            and not watched
            and st.button(say("Add to watch list …"), key=f"search-watch-{key}")
        ):
            dialogs.mark(bench, key, "watch", on=True)


def page_link(bench: Workbench, key: str, text: str) -> Markup:
    """A link to the page of a person or a stranger, for who may see it; else the bare text."""
    if is_stranger(key) and access.may("alerts.view"):
        return parts.link(to("/alerts", dossier=key, view="strangers"), text)
    if key in bench.people.known() and access.may("people.view"):
        return parts.link(to("/people", person=key), text)
    return parts.markup("{text}", text=text)


def decision(each: Seen) -> Markup:
    """What was decided about a sighting."""
    if each.face.state == TrackState.KNOWN and each.certain:
        return parts.status("named", say("recognised"))
    if each.face.state == TrackState.KNOWN:
        return parts.status("pending", say("taken back"))
    if each.face.state == TrackState.UNKNOWN:
        return (
            parts.status("named", say("named later"))
            if each.key and not is_stranger(each.key)
            else parts.status("noted", say("stranger"))
        )
    return parts.status("pending", say("undecided"))


def links(bench: Workbench, each: Seen) -> list[Markup]:
    """Where a sighting leads: its alert or punch, and the same face elsewhere."""
    found = []
    if each.incident_id and access.may("alerts.view"):
        found.append(parts.link(to("/alerts", incident=each.incident_id), say("View alert")))
    if each.punch is not None and access.may("attendance.view"):
        day = each.punch.timestamp.astimezone(bench.config.zone).date().isoformat()
        found.append(parts.link(to("/attendance", person=each.punch.employee_id, day=day), say("View punch")))
    if picture := visible(each):
        found.append(face_link(picture))
    return [link for link in found if link]


def visible(each: Seen) -> str:
    """The picture of a sighting, if the account may see it."""
    folder = each.picture.removeprefix("images/").partition("/")[0]
    return each.picture if each.picture and pictures.allowed(access.own(), folder) else ""


def picture_of(bench: Workbench, each: Seen, side: int = 160) -> Markup:
    """The picture of a sighting, else the person's face, else a placeholder."""
    name = name_of(bench, each.key) if each.key else say("Unknown person")
    if path := visible(each):
        return parts.face(parts.picture(path, 2 * side), side, name)
    if each.key in bench.people.known():
        face = parts.face(parts.portrait(each.key, side), side, name)
        return parts.markup(
            '<div>{face}<div class="m-soft">{text}</div></div>', face=face, text=say("Enrolment picture")
        )
    return gone(side, side)


def tile(bench: Workbench, each: Seen, threshold: float | None) -> None:
    """One sighting; without a threshold it is one of somebody's own, below their name and the day."""
    name = name_of(bench, each.key) if each.key else say("Unknown person")
    if each.key and not each.certain:
        name = say("perhaps {name}", name=name)
    time = each.face.first_seen.astimezone(bench.config.zone)
    until = say_time(each.face.last_seen.astimezone(bench.config.zone))
    begin = say_time(time) if threshold is None else moment(bench, time)  # the day is above
    span = begin if until == say_time(time) else f"{begin} – {until}"
    parts.show(
        '<div class="m-tile">{picture}<strong>{name}</strong>{bar}<span>{time}</span><span class="m-soft">{camera}</span>'
        '<span class="m-states">{decision}</span><span class="m-states">{links}</span></div>',
        picture=picture_of(bench, each),
        name=page_link(bench, each.key, name) if threshold is not None else "",
        bar=parts.similarity_bar(each.similarity, threshold),
        time=span,
        camera=each.face.camera,
        decision=decision(each),
        links=parts.joined(links(bench, each)),
    )
