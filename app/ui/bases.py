"""On what recognising somebody rests, as pages ask for it and show it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import streamlit as st

from app.ui import parts
from app.ui.address import day_of
from app.words import date_format, said, say, say_date
from engine.people.basis import BASES, Basis, country_of, doubt
from engine.workbench import Workbench


def _names() -> Mapping[str, str]:
    """The bases in the viewer's language."""
    return {
        "": say("Not stated"),
        "consent": say("Consent"),
        "agreement": say("Works agreement"),
        "law": say("Law"),
        "contract": say("Contract"),
        "visit": say("Contract of a visit"),
        "withdrawn": say("Withdrawn"),
    }


def told(basis: Basis) -> str:
    """A basis in one line, such as `Works agreement, BV 7, since 1 March 2026`."""
    day = day_of(basis.since)
    since = say("since {day}", day=say_date(day)) if day else ""
    return ", ".join(filter(None, (_names()[basis.kind], basis.version, since)))


def fields(bench: Workbench, given: Basis, *, stated: bool) -> Basis:
    """Draw the fields of a basis; return what they say. What was withdrawn, or is not stated, begins with the workplace's usual one.

    Args:
        stated: it must be one of `BASES`; else it may stay open.
    """
    usual, today = bench.settings.get().people, bench.attendance.day_of(bench.clock())
    named, open_ = _names(), () if stated else ("",)
    begin = given if given.holds else Basis(usual.basis if stated else "", "", usual.basis_version if stated else "")
    choices = (*open_, *BASES)
    kind = st.selectbox(
        say("Basis"),
        choices,
        choices.index(begin.kind) if begin.kind in choices else 0,
        format_func=lambda each: named[each],
        width=280,
    )
    known = day_of(begin.since)
    on = st.date_input(
        say("Holds since"),
        known or today,
        max_value=max(today, known or today),
        format=date_format(),
        width=180,
    )
    version = st.text_input(
        say("Version"),
        begin.version,
        max_chars=60,
        help=say("Of the form, agreement or law, such as BV 7 of 2026-03."),
        width=280,
    )
    if concern := doubt(str(kind), country_of(bench.config)):
        st.warning(parts.plain(said(concern) + "."), icon=":material/gavel:")
    if not kind:
        return Basis()
    same = kind == given.kind and on == day_of(given.since)
    return Basis(
        str(kind), given.since if same else on.isoformat() if isinstance(on, date) else "", (version or "").strip()
    )
