"""On what recognition rests: what is stored for how long, and who agreed to it when. One person and a whole batch are asked alike."""

from __future__ import annotations

from typing import Protocol

import streamlit as st

from app.ui import bases, parts
from app.words import say, say_count
from engine.people.basis import Basis
from engine.workbench import Workbench


class Consented(Protocol):
    """What was said.

    Attributes:
        agreed: they consented, or were informed of the other basis.
        basis: which, since when, and its version; empty before anything was said.
    """

    agreed: bool
    basis: Basis


def stated(state: Consented) -> str:
    """On what the recognition rests, as stored."""
    return state.basis.stored if state.agreed else ""


def _kept(days: int | None) -> str:
    return say_count("{count} day", "{count} days", days) if days is not None else say("until someone erases them")


def ask(state: Consented, bench: Workbench, *, informed: str, agrees: str, way_back: bool = True) -> tuple[bool, bool]:
    """Ask, keep the answer in the state, and tell whether the user goes on, or back.

    Args:
        informed, agrees: what is confirmed under another basis, and under consent.
        way_back: whether there is a step before.
    """
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
        st.caption(say("All data stays in this workspace. After a withdrawal, “Forget” on the page People erases it."))
        basis = bases.fields(bench, state.basis, stated=True)
        agreed = st.checkbox(agrees if basis.kind == "consent" else informed, state.agreed)
        with st.container(horizontal=True):
            forward = st.button(say("Continue"), type="primary", disabled=not agreed)
            back = way_back and st.button(say("Back"))
        if not agreed:
            st.caption(say("Muster takes no pictures without consent."))
    state.agreed, state.basis = agreed, basis
    return forward, back
