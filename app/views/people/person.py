"""One person: details, templates, last punches, and their stored data."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import streamlit as st
from markupsafe import Markup

from app.ui import bases, parts
from app.ui.address import day_of, to
from app.views.people import employment, forget, identify, own_access
from app.views.people import templates as people_templates
from app.web import access
from app.words import say, say_date, say_time
from engine.attendance import PunchRow
from engine.enrolment import ENOUGH_PHOTOS
from engine.operations.overview import last_punches
from engine.people import Person
from engine.people.basis import Basis, based_on
from engine.workbench import Workbench

_PUNCHES, _DAYS = 8, 31


def show(bench: Workbench, employee_id: str) -> None:
    """Their details."""
    person = bench.people.all().get(employee_id)
    templates = bench.gallery.current().of(employee_id)[0]
    if person is None and not templates:
        parts.notice(
            say("No one has the id {id}", id=employee_id),
            say("The person may have been erased. The list shows everyone."),
        )
        return
    access.viewed("view_person", employee_id, "record")
    _head(employee_id, person, len(templates), badge=bench.badges.has(employee_id))
    details, punches = st.columns([1, 1], gap="large")
    with details:
        _details(bench, employee_id, person)
    with punches:
        if access.may("attendance.view"):
            _punches(bench, employee_id)
    if person is not None and access.may("people.edit"):
        identify.show(bench, employee_id, person)
    if person is not None and access.may("people.access"):
        own_access.show(bench, employee_id, person)
    people_templates.show(bench, employee_id, person.name if person else employee_id)
    if access.may("people.edit") or access.may("people.forget"):
        _held(bench, employee_id, person)


def _head(employee_id: str, person: Person | None, templates: int, *, badge: bool) -> None:
    active = person is not None and person.active
    states = [] if person else ["not in the list"]
    states += [("active" if active else "inactive")] if person else []
    states += ["no templates"] if not templates and not badge else []
    states += ["few pictures"] if active and 0 < templates < ENOUGH_PHOTOS else []
    states += ["no consent"] if active and person and not based_on(person) else []
    link, day = Markup(""), day_of(person.enrolled_at) if person else None
    registered = say("registered {day}", day=say_date(day)) if day else ""
    if access.may("people.enrol"):
        link = parts.markup(
            '<p style="margin:.6rem 0 0"><a class="m-link" href="{address}" target="_self">{text}</a></p>',
            address=to("/registration", person=employee_id),
            text=say("Add pictures, or register again"),
        )
    parts.window(person.name if person else employee_id, say("People"))
    parts.show(
        '<div class="m-row">{face}<div><h1 style="margin:0;padding:0">{name}</h1><p class="m-soft" style="margin:.2rem 0">{line}</p>'
        "<p style='margin:.2rem 0'>{states}</p>{link}</div></div>",
        face=parts.face(parts.portrait(employee_id, 160), 160, person.name if person else employee_id),
        name=person.name if person else employee_id,
        line=" · ".join(filter(None, [employee_id, person.department if person else "", registered])),
        states=Markup(" &nbsp; ").join(map(parts.status, states)),
        link=link,
    )


def _details(bench: Workbench, employee_id: str, person: Person | None) -> None:
    st.header(say("Details"))
    if person is None:
        parts.notice(
            say("Templates without a person"),
            say("Cameras recognise them without a name. Forget them, or register them again under this id."),
        )
        return
    if not access.may("people.edit"):
        basis = Basis.of(person)
        for name, value in (
            (say("E-mail"), person.email or "–"),
            (say("Legal basis"), bases.told(basis)),
        ):
            parts.show("<p><b>{name}</b><br>{value}</p>", name=name, value=value)
        return
    basis = Basis.of(person)
    if basis.kind == "withdrawn":
        st.warning(
            say(
                "It was withdrawn: cameras no longer recognise this person. “Forget this person” erases the templates."
            ),
            icon=":material/person_off:",
        )
    with st.form("details", border=False):
        name = st.text_input(say("Name"), person.name, max_chars=200)
        department = st.text_input(say("Department"), person.department, max_chars=200)
        email = st.text_input(say("E-mail"), person.email, max_chars=254)
        stated = bases.fields(bench, basis, stated=basis.holds)
        dates = employment.fields(bench, employee_id, bench.attendance.day_of(bench.clock()))
        saved = st.form_submit_button(say("Save"), type="primary")
    if saved:
        _change(
            employee_id,
            say("Saved"),
            name=name or "",
            department=department or "",
            email=email or "",
            consent_at=stated.stored or None,
            **dates,
        )
    _withdrawal(employee_id, basis)
    if person.active:
        st.caption(say("Cameras no longer recognise inactive people. Their data stays."))
        if st.button(say("Set inactive"), icon=":material/person_off:"):
            _change(employee_id, say("Set inactive"), active=False)
    else:
        st.caption(say("This person is inactive, so cameras do not recognise them."))
        if st.button(say("Set active"), icon=":material/person_check:", type="primary"):
            _change(employee_id, say("Set active"), active=True)
    employment.history(bench, employee_id)


def _withdrawal(employee_id: str, basis: Basis) -> None:
    if basis.holds:
        st.caption(say("After a withdrawal, cameras no longer recognise this person, and nobody can search for them."))
        if st.button(say("Withdraw"), icon=":material/undo:", key="withdraw"):
            _change(employee_id, say("Withdrawn"), consent_at="")


def _change(employee_id: str, done: str, **changes: object) -> None:
    with parts.told():
        bench, author = access.acting("people.edit")
        bench.staff.change(employee_id, author=author, **changes)  # type: ignore[arg-type]
        parts.done(done)


def _punches(bench: Workbench, employee_id: str) -> None:
    st.header(say("Last punches"))
    found = last_punches(bench, employee_id, _PUNCHES, _DAYS)
    if not found:
        parts.show("<p>{text}</p>", text=say("None in the last {days} days.", days=_DAYS))
        return
    evidence = access.may("attendance.evidence")
    parts.html(parts.joined(_punch(row, evidence=evidence) for row in found))


def _punch(row: PunchRow, *, evidence: bool) -> Markup:
    shown = evidence and row.evidence_image
    return parts.markup(
        '<div class="m-row">{face}<div><strong>{day}, {time}</strong><br><span class="m-soft">{camera}</span><br>{bar}</div></div>',
        face=parts.face(parts.picture(row.evidence_image), 56, say("Picture of this punch")) if shown else "",
        day=say_date(row.timestamp.date(), year=False),
        time=say_time(row.timestamp),
        camera=row.camera,
        bar=parts.similarity_bar(row.similarity, row.threshold, row.runner_up_similarity) if evidence else "",
    )


def _held(bench: Workbench, employee_id: str, person: Person | None) -> None:
    st.header(say("Stored data"))
    st.caption(
        say(
            "The copy contains their rows, pictures and templates; everyone else is blurred. “Forget” erases all of it."
        )
    )
    wanted = forgotten = False
    with st.container(horizontal=True, vertical_alignment="center"):
        if access.may("people.edit"):
            wanted = _copy(employee_id)
        if access.may("people.forget"):
            forgotten = st.button(say("Forget this person"), icon=":material/person_remove:", key="forget")
    if wanted:
        _collect(employee_id)
    if forgotten:
        forget.dialog(bench, employee_id, person.name if person else "")


def _copy(employee_id: str) -> bool:
    """The button that prepares or downloads the copy; returns whether one was requested."""
    ready = st.session_state.get("export")
    if not ready or ready[0] != employee_id:
        st.session_state.pop("export", None)  # somebody else's
        return st.button(say("Prepare a copy"), icon=":material/folder_zip:", key="export_prepare")
    st.download_button(
        say("Download the file"),
        ready[1],
        f"{re.sub(r'[^A-Za-z0-9._-]', '-', employee_id)}.zip",
        "application/zip",
        icon=":material/download:",
        type="primary",
        on_click=lambda: st.session_state.pop("export", None),
    )
    return False


def _collect(employee_id: str) -> None:
    with parts.told():
        bench, author = access.acting("people.edit")
        with st.spinner(say("Preparing the copy …")), tempfile.TemporaryDirectory(prefix="muster-") as folder:
            target = Path(folder) / "person.zip"
            bench.privacy.export_subject(employee_id, target, author=author)
            st.session_state["export"] = (employee_id, target.read_bytes())
        st.rerun()
