"""Strangers: unknown people over days and cameras, and pairs that may be one person."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.views.alerts import dialogs
from app.views.alerts.pieces import PAGE, here, moment, name_of, shown
from app.web import access
from app.words import say, say_count
from engine.incidents import Dossier
from engine.records.alerts import latest_picture
from engine.workbench import Workbench

_PAIRS = 3


def show(bench: Workbench) -> None:
    """The strangers."""
    dossiers = bench.dossiers.dossiers([each.row for each in bench.alerts.all()])
    if not dossiers:
        if bench.config.strangers.recognised_again:
            told = say("Each unknown person whom a camera sees well gets a dossier here.")
        else:
            told = say("Muster recognises no stranger again: Settings › Retention › Strangers.")
        parts.notice(say("No strangers yet"), told)
        return
    if access.may("alerts.review"):
        _suggestions(bench, dossiers)
    grid = st.grid(6, min_column_width=118)
    choices = {
        "new": say("Unresolved"),
        "watched": say("On the watch list"),
        "ignored": say("Ignored"),
        "named": say("Identified"),
        "any": say("Everyone"),
    }
    with grid.cell():
        which = parts.choice(say("Show strangers"), choices, "alerts-who", "who", menu=True)
    found = [each for each in dossiers if _fits(each, which)]
    if not found:
        parts.notice(say("No strangers here"), say("This list is empty."), tone="good")
        return
    page = found[parts.paged(len(found), PAGE)]
    grid = st.grid(min_column_width=162)
    for each in page:
        with grid.cell():
            parts.html(_tile(bench, each))


def _fits(each: Dossier, which: str) -> bool:
    return {
        "new": not each.ignored and not each.employee_id,
        "watched": each.watched,
        "ignored": each.ignored,
        "named": bool(each.employee_id),
    }.get(which, True)


def seen(dossier: Dossier) -> str:
    """Such as `seen 4 times on 3 days`."""
    times, days = len(dossier.incidents), len(dossier.days)
    if times == 1:
        return say("seen once")
    return say_count("seen {times} times on {count} day", "seen {times} times on {count} days", days, times=times)


def marks(bench: Workbench, dossier: Dossier) -> Markup:
    """Decisions about a stranger, as signs and words."""
    found = []
    if dossier.watched:
        found.append(parts.status("watched", say("On the watch list")))
    if dossier.ignored:
        found.append(parts.status("ignored", say("Ignored")))
    if dossier.employee_id:
        found.append(parts.status("named", say("Is {name}", name=name_of(bench, dossier.employee_id))))
    return Markup("").join(found)


def _tile(bench: Workbench, dossier: Dossier) -> Markup:
    path = latest_picture(bench.records, dossier.incidents, dossier.unknown_id)
    first, last = dossier.incidents[0], dossier.incidents[-1]
    return parts.markup(
        '<div class="m-tile">{picture}<strong><a href="{address}">{name}</a></strong><span>{seen}</span>'
        '<span class="m-soft">{time} · {cameras}</span>'
        '<span class="m-states">{marks}</span></div>',
        picture=shown(bench, path, 160, dossier.unknown_id),
        name=name_of(bench, dossier.unknown_id),
        address=here(dossier=dossier.unknown_id),
        seen=seen(dossier),
        time=" – ".join(dict.fromkeys(moment(bench, row.timestamp) for row in (first, last))),
        cameras=", ".join(dossier.cameras),
        marks=marks(bench, dossier),
    )


def _suggestions(bench: Workbench, dossiers: Sequence[Dossier]) -> None:
    """Pairs that may be one person, for a decision."""
    known = {each.unknown_id: each for each in dossiers}
    pairs = [each for each in bench.office.suggestions() if each.first in known and each.second in known]
    if not pairs:
        return
    label = say("Possibly one person ({count})", count=len(pairs))
    with st.expander(label, icon=":material/join_inner:", expanded=len(pairs) <= _PAIRS):
        for each in pairs[:_PAIRS]:
            with st.container(horizontal=True, vertical_alignment="center"):
                dialogs.pair(bench, each.first, each.second, each.similarity)
                if st.button(say("Merge …"), key=f"pair-{each.first}-{each.second}"):
                    dialogs.merge(bench, each.second, each.first)
