"""The templates of a person: pictures, quality, similarity and removal."""

from __future__ import annotations

import streamlit as st

from app.ui import parts
from app.views.registration.words import cost
from app.views.search.tiles import face_link
from app.web import access
from app.words import say
from engine.enrolment import ENOUGH_PHOTOS
from engine.records import TemplateView
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
    if editing and st.button(
        say("Remove selected ({count})", count=len(chosen)), icon=":material/delete:", disabled=not chosen
    ):
        _removal(employee_id, chosen, len(views))


def _template(view: TemplateView, threshold: float, number: int, name: str) -> None:
    address = parts.picture(view.picture or "images/enrolment/-.jpg", 112)
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
