"""The dry run of enrolling many: everybody with their photos, the verdicts, and a tick to leave somebody out."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.views.registration.many_words import reason, standing, verdict
from app.words import say, say_count
from engine.enrolment import Photo, Planned
from engine.workbench import Workbench

PAGE = 20
_SHOWN = 12


def figures(found: Sequence[Planned], ready: int) -> None:
    """How many of what."""
    photos = [photo for each in found for photo in each.photos]
    good = sum(photo.verdict == "good" for photo in photos)
    look = sum(each.standing == "look" for each in found)
    nothing = sum(each.standing == "nothing" for each in found)
    parts.figures(
        parts.Metric(say("People"), len(found), say("in the upload")),
        parts.Metric(say("Ready"), ready, say("will be enrolled"), "good"),
        parts.Metric(say("Need a look"), look, say("will not be enrolled") if look else "", "bad"),
        parts.Metric(say("Nothing to do"), nothing, say("no new usable photo") if nothing else ""),
        parts.Metric(say("Photos"), len(photos), say("{count} good", count=good)),
    )


def people(bench: Workbench, found: Sequence[Planned], left_out: set[str]) -> None:
    """Everybody, in pages; those who need a look come first."""
    names = {
        "all": say("Everyone"),
        "ready": say("Ready"),
        "look": say("Need a look"),
        "nothing": say("Nothing to do"),
    }
    kinds = {"enrol": "ready", "add": "ready", "look": "look", "nothing": "nothing"}
    show = parts.choice(say("Show"), names, "registration-many-show", "show")
    shown = [each for each in found if show in {"all", kinds[each.standing]}]
    order = {"look": 0, "nothing": 2}
    shown.sort(key=lambda each: order.get(each.standing, 1))
    if not shown:
        parts.soft(say("No one."))
    for each in shown[parts.paged(len(shown), PAGE)]:
        with st.container(border=True, gap="xsmall"):
            _person(bench, each, left_out)


def _person(bench: Workbench, each: Planned, left_out: set[str]) -> None:
    folder, key = each.folder, each.folder.employee_id
    who = (
        f"{folder.name} · {key}"
        if folder.name and folder.name != key
        else key or folder.label or say("Nobody's photos")
    )

    def ticked() -> None:
        if st.session_state[widget]:
            left_out.discard(key)
        else:
            left_out.add(key)

    widget = f"registration-many-in-{key}"
    with st.container(horizontal=True, vertical_alignment="center"):
        if each.standing in {"enrol", "add"} or each.reason == "twice":
            st.session_state[widget] = key not in left_out
            st.checkbox(f"**{parts.plain(who)}**", key=widget, on_change=ticked)
        else:
            with st.container(width="content"):
                parts.show("<strong>{who}</strong>", who=who)
        with st.container(width="content"):
            parts.html(standing(each))
    notes = [reason(bench, each)]
    if folder.label not in {key, folder.name, ""}:
        notes.append(say("Folder or file: {label}", label=folder.label))
    if folder.known and each.draft is not None and not each.draft.before:
        notes.append(say("On the staff list."))
    if folder.known and key in bench.people.inactive() and each.reason != "withdrawn":
        notes.append(say("This person is inactive, so cameras do not recognise them."))
    parts.soft(" ".join(notes))
    more = len(each.photos) - _SHOWN
    parts.show(
        '<ul class="m-photos">{photos}{more}{other}</ul>',
        other=_enrolled(bench, each.other) if each.reason == "looks like" else "",
        photos=parts.joined(_photo(photo, number) for number, photo in enumerate(each.photos[:_SHOWN], start=1)),
        more=parts.markup("<li>{text}</li>", text=say_count("and {count} more", "and {count} more", more))
        if more > 0
        else "",
    )


def _enrolled(bench: Workbench, key: str) -> Markup:
    """The face of the person whom somebody resembles too much."""
    person = bench.people.known().get(key)
    name = person.name if person is not None and person.name else key
    return parts.markup(
        '<li class="m-apart">{face}<span class="m-soft">{text}</span></li>',
        face=parts.face(parts.portrait(key, 112), 72, name),
        text=say("{name}, enrolled", name=name),
    )


def _photo(photo: Photo, number: int) -> Markup:
    tone, text, why = verdict(photo)
    file = photo.file.rpartition("/")[2]
    source = "data:image/jpeg;base64," + base64.b64encode(photo.thumbnail).decode() if photo.thumbnail else ""
    return parts.markup(
        '<li title="{title}">{face}<span class="m-status m-{tone}"><span aria-hidden="true">{sign}</span> {text}</span>'
        '<span class="m-unseen"> {file}</span></li>',
        title=f"{file}: {why}" if why else file,
        face=parts.face(source, 72, say("picture {number}", number=number))
        if source
        else Markup('<span class="m-slot m-none" aria-hidden="true">?</span>'),
        tone=tone,
        sign={"good": "●", "warn": "▲"}.get(tone, "–"),
        text=text,
        file=file,
    )
