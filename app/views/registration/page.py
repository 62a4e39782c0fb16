"""Registration: details → consent → pictures → check. Nothing is stored before the end."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app.ui import bases, parts, people_filter
from app.ui.address import put, to
from app.views.registration import check, consent, many, pictures
from app.views.registration.state import BROUGHT, Registration, current, restart
from app.views.registration.state import forget as forget_one
from app.views.registration.words import cost, steps
from app.web import access
from app.web.pictures import picture
from app.words import say, say_count
from engine.enrolment import ENOUGH_PHOTOS
from engine.errors import InputError
from engine.people import Person
from engine.people.basis import Basis
from engine.workbench import Workbench

__all__ = ["forget", "show"]


def forget() -> None:
    """Clear everything when the page is left or done."""
    forget_one()
    many.forget()


def show() -> None:
    """The page."""
    bench = access.reading("people.enrol")
    st.title(say("Registration"))
    if not _ready(bench):
        return
    if st.query_params.get("many"):
        many.show(bench)
        return
    many.forget()
    state = current()
    if not _known(state, bench):
        return
    pages = (
        ("details", say("Details")),
        ("consent", say("Consent")),
        ("pictures", say("Pictures")),
        ("check", say("Check")),
    )
    steps(state.stage, *pages)
    {"details": _details, "consent": _consent, "pictures": pictures.show, "check": check.show, "done": _done}[
        state.stage
    ](state, bench)


def _ready(bench: Workbench) -> bool:
    """Whether the models are present; otherwise show how to get them."""
    if bench.models.status(bench.spec.model_id).state == "ready":
        return True

    def fetch() -> None:
        if st.button(say("Download"), type="primary"):
            with parts.told():
                with st.spinner(say("Downloading the models: a few hundred megabytes, once.")):
                    access.acting("people.enrol")[0].reader  # noqa: B018 - opening it is what fetches
                st.rerun()

    parts.notice(
        say("The face models are missing"),
        say("Muster needs them to examine pictures. Download them here or with `muster models fetch`."),
        tone="warn",
        action=fetch,
    )
    return False


def _known(state: Registration, bench: Workbench) -> bool:
    """Fill in the person named by the address; False (after a notice) if impossible."""
    if state.stage == "done":
        return True
    person_id, dossier = state.origin
    if dossier and not access.may("alerts.review"):
        parts.notice(
            say("You cannot open dossiers"), say("Ask security to register a person from a dossier."), tone="warn"
        )
        return False
    if dossier and not state.offered:
        state.offered = bench.registrar.pictures_of(dossier)
    if dossier and not state.offered:
        parts.notice(
            say("This dossier has no pictures"),
            say("It was merged, or its pictures have been erased. Register the person with a camera."),
            action=lambda: st.button(say("Register without the dossier"), on_click=restart),
        )
        return False
    if person_id and not state.person.employee_id:
        found = bench.people.all().get(person_id)
        if found is None:
            parts.notice(
                say("No one has the id {id}", id=person_id),
                say("The person was erased, or the address is wrong."),
                action=lambda: st.button(say("Register someone new"), on_click=restart),
            )
            return False
        state.person, state.known = found, True
    return True


def _details(state: Registration, bench: Workbench) -> None:
    if state.known:
        _details_known(state)
        return
    if not state.dossier:
        st.button(say("Enrol many people"), icon=":material/group_add:", on_click=partial(put, many="1"))
    if state.dossier:
        _from_dossier(state)
    departments = people_filter.departments(bench.people.known().values())
    person, chosen = state.person, state.person.department
    state.suggested = state.suggested or bench.registrar.next_id()
    with st.container(width=640), st.form("registration-details", border=False):
        left, right = st.columns([1, 2])
        employee_id = left.text_input(
            say("Employee id"),
            person.employee_id or state.suggested,
            max_chars=64,
            help=say("Logs show it instead of the name. Choose one that does not reveal the person."),
        )
        name = right.text_input(say("Name"), person.name, max_chars=200)
        options = departments if chosen in departments or not chosen else [*departments, chosen]
        department = st.selectbox(
            say("Department"),
            options,
            index=options.index(chosen) if chosen else None,
            accept_new_options=True,
            placeholder=say("Choose one or type a new one"),
        )
        email = st.text_input(say("E-mail"), person.email, max_chars=254, help=say("Optional."))
        if not st.form_submit_button(say("Continue"), type="primary"):
            return
        try:
            acting, _ = access.acting("people.enrol")
            state.person = acting.registrar.checked(
                employee_id, name, department=department or "", email=email, new=True
            )
        except InputError as error:
            st.error(parts.plain(error), icon=":material/error:")
            if employee_id.strip() in bench.people.known():
                parts.html(parts.link(to(person=employee_id.strip()), say("Add pictures to this person")))
            return
    state.stage = "consent"
    st.rerun()


def _from_dossier(state: Registration) -> None:
    """The pictures that come along."""
    shown = state.offered[:BROUGHT]
    faces = parts.joined(
        parts.face(picture(name, 160), 84, say("picture {number}", number=number))
        for number, (name, _) in enumerate(shown, start=1)
    )
    text = say_count(
        "{count} picture of stranger {number} comes along. Muster checks it after the consent.",
        "{count} pictures of stranger {number} come along. Muster checks them after the consent.",
        len(state.offered),
        number=state.dossier.removeprefix("unknown-"),
    )
    parts.show('<div class="m-row">{faces}</div><p class="m-soft">{text}</p>', faces=faces, text=text)


def _details_known(state: Registration) -> None:
    person = state.person
    parts.show(
        '<div class="m-row">{face}<div><strong>{name}</strong><br><span class="m-soft">{id}{department}</span></div></div>',
        face=parts.face(parts.portrait(person.employee_id), 56, person.name),
        name=person.name,
        id=person.employee_id,
        department=f" · {person.department}" if person.department else "",
    )
    st.write(say("Muster adds the new pictures to this person's templates."))
    if not person.active:
        st.warning(say("This person is inactive, so cameras do not recognise them."), icon=":material/person_off:")
    with st.container(horizontal=True):
        if st.button(say("Continue"), type="primary"):
            state.stage = "consent"
            st.rerun()
        st.button(say("Register someone else"), on_click=restart)


def _consent(state: Registration, bench: Workbench) -> None:
    given = Basis.of(state.person)
    if given.holds and not state.agreed and not state.basis.kind:
        state.agreed, state.basis = True, given
    who = parts.plain(state.person.name or state.person.employee_id)
    informed, agrees = say("{name} has been informed", name=who), say("{name} has been informed and agrees", name=who)
    forward, back = consent.ask(state, bench, informed=informed, agrees=agrees)
    if forward or back:
        state.stage = "pictures" if forward else "details"
        st.rerun()


def _done(state: Registration, bench: Workbench) -> None:
    report = state.report
    assert report is not None
    person = bench.people.all().get(report.employee_id) or Person(report.employee_id, report.name)
    parts.show(
        '<div class="m-pair">{face}<div><h2>{title}</h2><p>{text}</p><p class="m-soft">{consent}</p></div></div>',
        face=parts.face(parts.portrait(person.employee_id, 160), 160, person.name),
        title=say("{name} is registered", name=person.name),
        text=say_count(
            "Muster now recognises this person by {count} picture.",
            "Muster now recognises this person by {count} pictures.",
            report.templates,
        )
        if report.templates >= ENOUGH_PHOTOS
        else cost(bench, report.templates),
        consent=bases.told(basis) if (basis := Basis.of(person)).holds else "",
    )
    if state.problem:
        st.warning(parts.plain(state.problem), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(say("Register someone else"), type="primary", on_click=restart)
        if report.templates < ENOUGH_PHOTOS:
            parts.html(parts.link(to(person=person.employee_id), say("Add more pictures"), "m-link"))
        if access.may("people.view"):
            parts.html(parts.link(to("/people", person=person.employee_id), say("View this person")))
        if state.dossier:
            parts.html(parts.link(to("/alerts", dossier=state.dossier, view="strangers"), say("Settle their alerts")))
