"""One alert: pictures, people involved, past decisions, and possible ones."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.ui.address import put
from app.views.alerts import film, filters
from app.views.alerts.decisions import decide
from app.views.alerts.pieces import (
    age,
    assignee_field,
    face_of,
    gone,
    kind_name,
    moment,
    person_link,
    problem,
    state_buttons,
    without_picture,
)
from app.views.search.tiles import face_link
from app.web import access
from app.words import say, term
from engine.incidents import REVIEW_STATES, Incident, IncidentKind
from engine.records import bundle_name
from engine.records.alerts import is_stranger, next_states, parties, select
from engine.workbench import Workbench


def show(bench: Workbench, incident_id: str) -> None:
    """The alert."""
    alert = bench.alerts.get(incident_id)
    if alert is None:
        parts.notice(
            say("Alert not found"),
            say("It may have been erased after its retention time."),
            action=lambda: st.button(say("All alerts"), on_click=partial(put, incident="")),
        )
        return
    access.viewed("view_incident", incident_id)
    _head(bench, alert)
    grid = st.grid(5, min_column_width=120)  # on a tablet the second cell moves below the first
    with grid.cell(column_span=3):
        parts.html(_pictures(bench, alert))
        film.show(bench, alert)
    with grid.cell(column_span=2):
        _facts(bench, alert)
        if access.may("alerts.review"):
            _workflow(bench, alert)
        _involved(bench, alert)
        _history(bench, alert)


def _place(alert: Incident) -> tuple[datetime, str]:
    return alert.row.timestamp, alert.row.incident_id


def _order(bench: Workbench) -> list[Incident]:
    return select(bench.alerts.all(), filters.wanted(), bench.incidents.day_of(bench.clock()))


def _head(bench: Workbench, alert: Incident) -> None:
    """Navigation in the order of the gallery, whose filters are still in the address."""
    order = _order(bench)
    older = next((each for each in order if _place(each) < _place(alert)), None)
    newer = next((each for each in reversed(order) if _place(each) > _place(alert)), None)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            say("All alerts"),
            icon=":material/arrow_back:",
            on_click=partial(put, incident=""),
            shortcut="B",
            key="back",
        )
        _step(say("Newer"), newer, "P", "newer")
        _step(say("Next"), older, "N", "older")
        _export(bench, alert)
    name = f"{kind_name(alert.row.kind)}, {moment(bench, alert.row.timestamp)}"
    parts.window(name, say("Alerts"))
    st.title(parts.plain(name), anchor=False)


def _step(label: str, alert: Incident | None, shortcut: str, key: str) -> None:
    going = partial(put, incident=alert.row.incident_id) if alert else None
    st.button(label, key=key, on_click=going, disabled=alert is None, shortcut=shortcut)


def _export(bench: Workbench, alert: Incident) -> None:
    incident_id, author = alert.row.incident_id, access.own().name
    st.download_button(
        say("Export"),
        access.on_click("alerts.view", lambda: bench.cases.export(incident_id, author=author)),
        f"{bundle_name(incident_id)}.zip",
        "application/zip",
        on_click="ignore",
        icon=":material/download:",
        help=say("A ZIP file with log rows, pictures and a printable sheet."),
        key="export",
    )


def _pictures(bench: Workbench, alert: Incident) -> Markup:
    row = alert.row
    captions = {
        "image": say("Finding"),
        "before_image": say("One second before"),
        "clean_image": say("At that moment"),
        "after_image": say("One second after"),
    }
    places: dict[str, str] = {column: place for column in captions if (place := getattr(row, column))}
    frames = []
    for column, place in places.items():
        kept = bench.records.inside(place) is not None
        if not kept:
            picture = gone(320, 180)
        else:
            picture = parts.markup(
                '<a href="{whole}" target="_blank" rel="noopener"><img src="{source}" alt="{alt}"></a>',
                whole=parts.picture(place, 1280),
                source=parts.picture(place, 1280 if column == "image" else 640),
                alt=captions[column],
            )
        css = ("m-main" if column == "image" else "") + (" m-single" if len(places) == 1 else "")
        fault = say("Changed or deleted outside of Muster") if bench.records.picture_fault(place) else ""
        frames.append(
            parts.markup(
                '<figure class="{css}">{picture}<figcaption>{caption}</figcaption></figure>',
                css=css,
                picture=picture,
                caption=parts.joined(
                    [" · ".join(filter(None, (captions[column], fault))), " ", face_link(place) if kept else ""]
                ),
            )
        )
    if not frames:
        return parts.markup('<p class="m-soft">{text}</p>', text=without_picture(bench))
    return parts.markup('<div class="m-frames">{frames}</div>', frames=Markup("").join(frames))


def _facts(bench: Workbench, alert: Incident) -> None:
    row = alert.row
    readable = bench.office.readable
    facts: list[tuple[str, object]] = [
        (say("State"), parts.status(alert.state)),
        (say("Severity"), parts.status(row.severity or "")),
        (say("Age"), age(bench.clock() - row.timestamp)),
        (say("Camera"), row.camera),
        (say("Assignee"), readable(alert.assignee)),
        (say("Until"), moment(bench, row.ended) if row.ended else ""),
        (say("Passed together"), row.classification and term(row.classification)),
        (say("Most similar person"), parts.similarity_bar(row.similarity, row.threshold)),
        (say("Detail"), readable(row.detail)),
    ]
    parts.html(parts.facts((name, value) for name, value in facts if value))


def _involved(bench: Workbench, alert: Incident) -> None:
    st.header(say("People involved"), anchor=False)
    people, register = bench.people.known(), bench.dossiers.register()
    keys = [bench.office.readable(key) for key in parties(alert.row)]
    moved = register.moved.get(alert.row.incident_id)
    if moved and alert.row.kind is IncidentKind.UNKNOWN:
        keys = [moved]
    if not keys:
        st.caption(say("No one was identified."))
    for key in dict.fromkeys(key if key in people else register.current(key) for key in keys):
        known = key in people
        about = f"{key} · {people[key].department}".removesuffix(" · ") if known else "" if is_stranger(key) else key
        with st.container(horizontal=True, vertical_alignment="center"):
            parts.show(
                '<div class="m-row">{face}<div><strong>{name}</strong><br><span class="m-soft">{about}</span></div></div>',
                face=face_of(bench, key),
                name=person_link(bench, key),
                about=about,
            )
            if is_stranger(key):
                st.button(
                    say("Dossier"),
                    key=f"dossier-{key}",
                    on_click=partial(put, incident="", dossier=key, view="strangers"),
                )


def _following(bench: Workbench, alert: Incident) -> Incident | None:
    """The next alert of the gallery that nobody has decided."""
    order = _order(bench)
    return next((each for each in order if _place(each) < _place(alert) and each.state == "open"), None)


def _workflow(bench: Workbench, alert: Incident) -> None:
    incident_id, following = alert.row.incident_id, _following(bench, alert)
    note, assignee = f"note-{incident_id}", f"assignee-{incident_id}"

    @parts.guarded
    def settle(state: str) -> None:
        values = {key: str(st.session_state.get(key) or "") for key in (note, assignee)}
        if decide({incident_id: alert.state}, state, note=values[note], assignee=values[assignee]):
            st.session_state[note], st.session_state[assignee] = "", None
            if alert.state == "open" != state and following is not None:
                put(incident=following.row.incident_id)

    with st.container(border=True):
        left, right = st.columns(2)
        with left:
            assignee_field(assignee)
        right.text_input(say("Note"), key=note, max_chars=500)
        problem()
        with st.container(horizontal=True):
            state_buttons(next_states(alert.state), settle)
            if alert.state in REVIEW_STATES:
                st.button(
                    say("Add note"),
                    type="tertiary",
                    key="only-note",
                    on_click=partial(settle, alert.state),
                    disabled=not (st.session_state.get(note) or st.session_state.get(assignee)),
                    help=say("Adds the note or assignee and keeps the state."),
                )


def _history(bench: Workbench, alert: Incident) -> None:
    st.header(say("Decisions"), anchor=False)
    readable = bench.office.readable
    rows = [
        parts.markup(
            '<li>{status} <span class="m-soft">{time} · {author}</span>{assignee}{note}</li>',
            status=parts.status(each.state),
            time=moment(bench, each.timestamp),
            author=say("Muster") if readable(each.author) == "engine" else readable(each.author),
            assignee=parts.markup("<br>{text}", text=say("Assigned to {name}", name=readable(each.assignee)))
            if each.assignee
            else "",
            note=parts.markup("<br>{text}", text=readable(each.detail)) if each.detail else "",
        )
        for each in reversed(alert.reviews)
    ]
    first = parts.markup(
        '<li>{status} <span class="m-soft">{time} · {camera}</span></li>',
        status=parts.status(alert.row.state),
        time=moment(bench, alert.row.timestamp),
        camera=alert.row.camera,
    )
    parts.show('<ul class="m-history">{rows}</ul>', rows=parts.joined([*rows, first]))
