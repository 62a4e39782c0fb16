"""The templates of a person: pictures, quality, similarity and removal."""

from __future__ import annotations

import streamlit as st

from app.ui import parts
from app.views.registration.words import cost
from app.views.search.tiles import face_link
from app.web import access
from app.words import say, say_moment, say_number
from engine.enrolment import ENOUGH_PHOTOS
from engine.records import TemplateView
from engine.storage.pictures import enrolment_picture
from engine.workbench import Workbench


def show(bench: Workbench, employee_id: str, name: str) -> None:
    """The strip of templates."""
    views = bench.staff.templates(employee_id)
    st.header(say("Templates ({count})", count=len(views)))
    if not views and bench.badges.has(employee_id):
        parts.soft(say("None is needed: this person has a badge."))
        return
    if not views:
        parts.notice(
            say("No templates"),
            say("Cameras cannot recognise this person. Add pictures, or register them at a camera."),
            tone="warn",
        )
        return
    if len(views) < ENOUGH_PHOTOS:
        parts.notice(
            say("Fewer than {count} pictures", count=ENOUGH_PHOTOS),
            cost(bench, len(views)) + " " + say("Add {count} more.", count=ENOUGH_PHOTOS - len(views)),
            tone="warn",
        )
    threshold, editing = bench.calibration.threshold(), access.may("people.edit")
    odd = sum(view.outlier for view in views)
    text = say("Each bar shows how similar a picture is to the others. The line is the threshold.")
    if odd:
        text += " " + say("Unlike the others: {count}. Check who is in them.", count=odd)
    st.caption(text)
    chosen = []
    with st.container(horizontal=True):
        for number, view in enumerate(views, start=1):
            with st.container(width=128, gap="xxsmall"):
                _template(view, threshold, number, name)
                if editing and st.checkbox(say("Select"), key=f"template-{view.template_id}"):
                    chosen.append(view.template_id)
    if editing:
        with st.container(horizontal=True):
            if st.button(
                say("Remove selected ({count})", count=len(chosen)), icon=":material/delete:", disabled=not chosen
            ):
                _removal(employee_id, chosen, len(views))
            if st.button(
                say("Set selected aside ({count})", count=len(chosen)),
                icon=":material/move_item:",
                disabled=not chosen or len(chosen) >= len(views),
                help=say("Cameras no longer use them. You can put them back."),
            ):
                _set_aside(chosen)
    _aside(bench, employee_id, editing=editing)


def _template(view: TemplateView, threshold: float, number: int, name: str) -> None:
    address = parts.picture(view.picture or enrolment_picture("-"), 112)
    quality = "good" if view.quality >= 0.6 else "fair" if view.quality >= 0.25 else "poor"
    parts.show(
        '<div class="m-template">{face}<div>{quality}</div><div>{bar}</div><div>{odd}</div><div>{find}</div></div>',
        find=face_link(view.picture),
        face=parts.face(address, 112, say("Picture {number} of {name}", number=number, name=name)),
        quality=parts.status(quality),
        bar=parts.similarity_bar(view.similarity, threshold),
        odd=parts.status("no templates", say("unlike the others")) if view.outlier else "",
    )


def _removal(employee_id: str, chosen: list[str], count: int) -> None:
    @st.dialog(say("Remove templates"))
    @parts.guarded
    def ask() -> None:
        last = len(chosen) >= count
        parts.show("<p>{text}</p>", text=say("Templates to remove, with their pictures: {count}", count=len(chosen)))
        meant = True
        if last:
            st.warning(
                say("These are all their templates. Cameras will no longer recognise this person."),
                icon=":material/warning:",
            )
            meant = st.checkbox(say("Remove them anyway"), key="meant")
        if st.button(say("Remove"), type="primary", disabled=not meant, key="remove_templates"):
            with parts.told():
                bench, author = access.acting("people.edit")
                left = bench.staff.remove_templates(employee_id, chosen, author=author, allow_last=last)
                parts.done(say("Removed. Templates left: {count}", count=left))

    ask()


def _set_aside(chosen: list[str]) -> None:
    @st.dialog(say("Set templates aside"))
    @parts.guarded
    def ask() -> None:
        reason = st.text_input(say("Reason"), max_chars=300, key="aside-reason")
        if st.button(say("Set aside"), type="primary", disabled=not reason.strip(), key="aside-save"):
            with parts.told():
                bench, author = access.acting("people.edit")
                for each in chosen:
                    bench.hygiene.set_aside(each, author=author, why=reason.strip())
                parts.done(say("Set aside. Cameras no longer use them."))

    ask()


def _aside(bench: Workbench, employee_id: str, *, editing: bool) -> None:
    """What is set aside: its picture beside the person's, and beside whom it resembles."""
    found = [each for each in bench.hygiene.aside() if each.employee_id == employee_id]
    if not found:
        return
    st.subheader(say("Set aside ({count})", count=len(found)))
    st.caption(say("Cameras do not use these pictures. Compare the faces, then put a picture back or leave it."))
    names = {key: person.name for key, person in bench.people.known().items()}
    for each in found:
        kind, own, other, rival = each.found
        told = {
            "wrong": say("It would be named as {name}.", name=names.get(other) or other),
            "unlike": say("The person's other pictures show another face."),
        }.get(kind, f"{each.author}: {bench.office.readable(each.why)}")
        figures = []
        if own is not None:
            figures.append(say("similarity with the person {value}", value=say_number(own, 2)))
        if other:
            figures.append(say("with {name} {value}", name=names.get(other) or other, value=say_number(rival, 2)))
        faces = [
            (parts.picture(enrolment_picture(each.template_id), 112), say("set aside")),
            (parts.portrait(employee_id), names.get(employee_id) or employee_id),
            *([(parts.portrait(other), names.get(other) or other)] if other else []),
        ]
        parts.show(
            '<div class="m-row">{faces}<div>{told}<br><span class="m-soft">{about}</span></div></div>',
            faces=parts.joined(
                parts.markup(
                    "<figure>{face}<figcaption>{text}</figcaption></figure>",
                    face=parts.face(source, 112, text),
                    text=text,
                )
                for source, text in faces
            ),
            told=told,
            about=" · ".join([say_moment(each.set_at.astimezone(bench.config.zone)), *figures]),
        )
        if editing:
            _choice(each.template_id)


def _choice(template_id: str) -> None:
    with st.container(horizontal=True):
        back = st.button(say("Put back"), icon=":material/undo:", key=f"put-back-{template_id}")
        gone = st.button(say("Erase picture"), icon=":material/delete:", key=f"erase-{template_id}")
    if back or gone:
        with parts.told():
            bench, author = access.acting("people.edit")
            if back:
                bench.hygiene.put_back(template_id, author=author)
            else:
                bench.hygiene.erase(template_id, author=author)
            parts.done(say("Cameras use this picture again.") if back else say("Erased."))
