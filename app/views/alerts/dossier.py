"""One stranger: visits with faces, past decisions, and possible ones."""

from __future__ import annotations

from functools import partial

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.ui.address import put, to
from app.views import registration
from app.views.alerts import dialogs
from app.views.alerts.decisions import decide
from app.views.alerts.pieces import PAGE, here, moment, name_of, problem, shown
from app.views.alerts.strangers import marks, seen
from app.views.person import timeline
from app.views.search.tiles import face_link
from app.web import access
from app.words import say, say_count
from engine.incidents import Dossier, DossierRow
from engine.records.alerts import UNSETTLED
from engine.workbench import Workbench


def show(bench: Workbench, unknown_id: str) -> None:
    """The dossier."""
    current = bench.dossiers.register().current(unknown_id)
    dossiers = bench.dossiers.dossiers([each.row for each in bench.alerts.all()])
    dossier = next((each for each in dossiers if each.unknown_id == current), None)
    st.button(
        say("All strangers"),
        icon=":material/arrow_back:",
        key="back",
        shortcut="B",
        on_click=partial(put, dossier="", view="strangers", tab="", page=""),
    )
    if dossier is None:
        parts.notice(say("Dossier not found"), say("It may have been erased after its retention time."))
        return
    access.viewed("view_stranger", current)
    parts.window(name_of(bench, current), say("Alerts"))
    st.title(parts.plain(name_of(bench, current)), anchor=False)
    first, last = (moment(bench, dossier.incidents[place].timestamp) for place in (0, -1))
    parts.show(
        '<div>{seen} · {cameras} <span class="m-soft">({first} – {last})</span> {marks}</div>',
        seen=seen(dossier),
        cameras=", ".join(dossier.cameras),
        first=first,
        last=last,
        marks=marks(bench, dossier),
    )
    chosen = [row.incident_id for row in dossier.incidents if st.session_state.get(f"visit-{row.incident_id}")]
    if access.may("alerts.review"):
        _actions(bench, dossier, chosen)
    if dossier.employee_id:
        _became(bench, dossier)
    views = {"visits": say("Visits"), "sightings": say("Sightings")}
    if not access.may("search.faces"):
        del views["sightings"]
    if len(views) > 1 and parts.choice(say("View"), views, "dossier-view", "tab") == "sightings":
        access.viewed("view_sightings", current)
        timeline.show(bench, current)
        return
    _visits(bench, dossier)
    _decisions(bench, dossier)


def _actions(bench: Workbench, dossier: Dossier, chosen: list[str]) -> None:
    key, several = dossier.unknown_id, len(dossier.incidents) > 1
    kept = any(bench.records.inside(row.image) for row in dossier.incidents)
    with st.container(horizontal=True):
        if not dossier.employee_id:
            if (
                kept
                and access.may("people.enrol")
                and st.button(say("Enrol this person"), type="primary", icon=":material/person_add:", key="enrol")
            ):
                st.switch_page(st.Page(registration.show, url_path="registration"), query_params={"dossier": key})
            if st.button(say("This is …"), key="name"):
                dialogs.name(bench, key)
            if st.button(say("Merge with another …"), key="merge"):
                dialogs.merge(bench, key)
        if several and st.button(
            say_count("Split off {count} visit …", "Split off {count} visits …", len(chosen))
            if chosen
            else say("Split off …"),
            key="split",
            disabled=not chosen or len(chosen) == len(dossier.incidents),
            help=say("Select the visits that show a different person. At least one must stay."),
        ):
            dialogs.split(bench, key, chosen)
        if st.button(say("Nickname …"), key="nickname"):
            dialogs.nickname(bench, key)
        if st.button(say("Remove from watch list …") if dossier.watched else say("Add to watch list …"), key="watch"):
            dialogs.mark(bench, key, "watch", on=not dossier.watched)
        if st.button(say("Resume alerts …") if dossier.ignored else say("Ignore …"), key="ignore"):
            dialogs.mark(bench, key, "ignore", on=not dossier.ignored)


def _became(bench: Workbench, dossier: Dossier) -> None:
    """Who the stranger is, and what is still open about them."""
    key, name = dossier.employee_id, name_of(bench, dossier.employee_id)
    found = [bench.alerts.get(row.incident_id) for row in dossier.incidents]
    seen = {each.row.incident_id: each.state for each in found if each is not None and each.state in UNSETTLED}

    def further() -> None:
        with st.container(horizontal=True, vertical_alignment="center"):
            label = say_count("Resolve {count} open alert", "Resolve {count} open alerts", len(seen))
            if seen and access.may("alerts.review") and st.button(label, key="settle", icon=":material/check:"):
                decide(seen, "resolved", note=f"{dossier.unknown_id} = {key}")
                st.rerun()
            if key in bench.people.known() and access.may("people.view"):
                parts.html(parts.link(to("/people", person=key), say("View this person")))

    why = say("From now on cameras recognise this person. The visits below stay.")
    parts.notice(say("This stranger is {name}", name=name), why, tone="good", action=further)
    problem()
    dialogs.pair(bench, dossier.unknown_id, key, None)


def _visits(bench: Workbench, dossier: Dossier) -> None:
    st.header(say("Visits"), anchor=False)
    rows = list(reversed(dossier.incidents))
    page = rows[parts.paged(len(rows), PAGE)]
    grid = st.grid(min_column_width=162)
    selectable = access.may("alerts.review") and len(rows) > 1
    for row in page:
        alert = bench.alerts.get(row.incident_id)
        with grid.cell():
            parts.show(
                '<div class="m-tile">{picture}<strong><a href="{address}">{time}</a></strong>'
                '<span class="m-soft">{camera}</span>{state}{find}</div>',
                address=here(incident=row.incident_id),
                find=face_link(row.image) if bench.records.inside(row.image) else "",
                picture=shown(bench, row.image, 160, dossier.unknown_id),
                time=moment(bench, row.timestamp),
                camera=row.camera,
                state=parts.status(alert.state) if alert else "",
            )
            if selectable:
                st.checkbox(say("Select"), key=f"visit-{row.incident_id}")


def _decisions(bench: Workbench, dossier: Dossier) -> None:
    register, readable = bench.dossiers.register(), bench.office.readable
    rows = [
        row
        for row in bench.dossiers.rows()
        if dossier.unknown_id in (register.current(row.subject), register.current(row.into))
    ]
    if not rows:
        return
    st.header(say("Decisions"), anchor=False)
    done = {
        "merge": say("Merged"),
        "split": say("Split off"),
        "name": say("Named"),
        "watch": say("Add to watch list"),
        "unwatch": say("Removed from watch list"),
        "ignore": say("Ignored"),
        "unignore": say("Alerts resumed"),
        "nickname": say("Nickname"),
    }
    entries = [
        parts.markup(
            '<li><strong>{action}</strong> {into} <span class="m-soft">{time} · {author}</span><br>{reason}</li>',
            action=done.get(row.action, row.action),
            into=_about(bench, row),
            time=moment(bench, row.timestamp),
            author=readable(row.author),
            reason=readable(row.reason),
        )
        for row in reversed(rows)
    ]
    parts.show('<ul class="m-history">{rows}</ul>', rows=Markup("").join(entries))


def _about(bench: Workbench, row: DossierRow) -> str:
    """Whom a decision is about, and whom or what it named."""
    if row.action == "nickname":
        return f"{row.subject} → {row.into or '–'}"
    return f"{row.subject} → {name_of(bench, row.into)}" if row.into else row.subject
