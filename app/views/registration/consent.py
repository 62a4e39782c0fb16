"""On what recognition rests: what is stored for how long, and who agreed to it when. One person and a whole batch are asked alike."""

from __future__ import annotations

from datetime import date
from typing import Protocol

import streamlit as st

from app.ui import parts
from app.words import date_format, say, say_count
from engine.people.basis import BASES
from engine.workbench import Workbench


class Consented(Protocol):
    """What was said.

    Attributes:
        agreed, consent_on: whether and when they consented, or the other basis was stated.
        basis: one of `engine.people.basis.BASES`.
    """

    agreed: bool
    consent_on: date | None
    basis: str


def stated(state: Consented) -> str:
    """On what the recognition rests, as stored."""
    if state.consent_on is None or not state.agreed:
        return ""
    day = state.consent_on.isoformat()
    return day if state.basis == "consent" else f"{state.basis} {day}"


def _kept(days: int | None) -> str:
    return say_count("{count} day", "{count} days", days) if days is not None else say("until someone erases them")


def ask(state: Consented, bench: Workbench, *, informed: str, agrees: str, way_back: bool = True) -> tuple[bool, bool]:
    """Ask, keep the answer in the state, and tell whether the user goes on, or back.

    Args:
        informed, agrees: what is confirmed under another basis, and under consent.
        way_back: whether there is a step before.
    """
    today = bench.clock().astimezone(bench.config.zone).date()
    kept = bench.config.retention
    with st.container(width=760):
        rows = (
            (say("Name, id, department, e-mail"), say("until the person is erased")),
            (say("From each picture: the face and its template"), say("until the person is erased")),
            (say("Each arrival and departure that the cameras see"), _kept(kept.attendance)),
            (say("One picture of each as evidence"), _kept(kept.evidence_images)),
            (say("How similar seen faces are to this person, as numbers"), _kept(kept.sightings)),
        )
        parts.table((say("Stored data"), say("Retention")), rows)
        st.caption(say("All data stays in this workspace. After a withdrawal, People → Forget erases it."))
        names = {
            "consent": say("Consent"),
            "agreement": say("Works agreement"),
            "law": say("Law"),
            "contract": say("Contract"),
        }
        basis = st.selectbox(
            say("Basis"), BASES, BASES.index(state.basis), format_func=lambda each: names[each], width=280
        )
        agreed = st.checkbox(agrees if basis == "consent" else informed, state.agreed)
        on = st.date_input(
            say("Agreed on"),
            state.consent_on or today,
            max_value=max(today, state.consent_on or today),
            width=180,
            format=date_format(),
        )
        with st.container(horizontal=True):
            forward = st.button(say("Continue"), type="primary", disabled=not agreed)
            back = way_back and st.button(say("Back"))
        if not agreed:
            st.caption(say("Muster takes no pictures without consent."))
    state.agreed, state.consent_on, state.basis = agreed, on, str(basis)
    return forward, back
