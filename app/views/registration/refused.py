"""The pictures that the check refused: what they show, why, and a way to overrule it."""

from __future__ import annotations

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.views.registration.state import MOST_PICTURES, Registration
from app.views.registration.words import photo_name, refusal
from app.web.pictures import inline
from app.words import say
from engine.enrolment import RefusedPhoto


def refused_list(state: Registration) -> None:
    """Unusable pictures with reasons."""
    if not state.refused:
        return
    st.header(say("Not used ({count})", count=len(state.refused)), anchor=False)
    if any(each.anyway for each in state.refused):
        st.caption(
            say(
                "You know better? Use a picture anyway. Cameras recognise a person less well by it. "
                "The audit trail keeps your decision."
            )
        )
    with st.container(horizontal=True):
        for number, each in enumerate(list(state.refused), start=1):
            with st.container(width=190, gap="xsmall"):
                _refused(state, each, number)
    if st.button(say("Hide"), type="tertiary", key="registration-hide"):
        state.refused = []
        st.rerun()


def _refused(state: Registration, photo: RefusedPhoto, number: int) -> None:
    parts.show(
        '<div class="m-photo">{face}<strong>{name}</strong><span class="m-soft">{reason}</span></div>',
        face=parts.face(inline(photo.picture, whole=True), 112, photo_name(photo.name))
        if photo.picture is not None
        else Markup('<div class="m-slot m-none" aria-hidden="true">?</div>'),
        name=photo_name(photo.name),
        reason=refusal(photo.reason),
    )
    if photo.anyway is None:
        return
    st.button(
        say("Use anyway"),
        key=f"registration-anyway-{number}-{id(photo)}",
        disabled=state.count >= MOST_PICTURES,
        on_click=state.use_anyway,
        args=(photo,),
    )
