"""The last step of a registration: do the pictures show one person, and is that person already enrolled?"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.views.registration.consent import stated
from app.views.registration.refused import refused_list
from app.views.registration.state import Piece, Registration
from app.views.registration.words import cost, shot_face, shot_marks, step_name
from app.web import access
from app.web.pictures import inline
from app.words import said, say, say_count
from engine.enrolment import ENOUGH_PHOTOS, Draft
from engine.errors import MusterError
from engine.people import Person
from engine.workbench import Workbench


def show(state: Registration, bench: Workbench) -> None:
    """Draw it."""
    person = state.person
    if not state.known and person.employee_id in bench.people.known():
        parts.notice(
            say("The id {id} is already taken", id=person.employee_id),
            say("Someone else just registered with it. Choose another id; your pictures stay."),
            tone="warn",
            action=lambda: st.button(say("Choose another id"), type="primary", on_click=_other_id, args=(state,)),
        )
        return
    draft = bench.registrar.draft(
        person.employee_id, person.name, [piece.shot for piece in state.compared], state.refused
    )
    _verdict(state, draft, bench)
    if state.compared:
        _spread(state, draft)
    if draft.nearest:
        _nearest(state, draft, bench)
    refused_list(state)


def _other_id(state: Registration) -> None:
    state.person, state.suggested, state.stage = replace(state.person, employee_id=""), "", "details"


def _back(state: Registration) -> None:
    state.stage, state.problem = "pictures", ""


def _verdict(state: Registration, draft: Draft, bench: Workbench) -> None:
    """The verdict and its buttons."""
    title, why, tone = _words(state, draft, bench)
    with st.container(border=True):
        parts.show('<div class="m-notice m-{tone}"><h2>{title}</h2><p>{why}</p></div>', tone=tone, title=title, why=why)
        ready, reason = draft.verdict == "safe", ""
        if draft.verdict == "look_alike":
            ready, reason = _second_look(draft, bench)
        few = draft.verdict == "safe" and draft.templates < ENOUGH_PHOTOS
        with st.container(horizontal=True):
            if few:
                st.button(say("Add more pictures"), type="primary", on_click=_back, args=(state,))
            if draft.verdict in {"safe", "look_alike"}:
                text = say("Add the pictures") if state.known else say("Register")
                if st.button(text, type="secondary" if few else "primary", disabled=not ready):
                    _store(state, draft, reason)
            if draft.verdict in {"look_alike", "already_enrolled"} and not state.known:
                other = draft.nearest[0].person
                label = say("Same person: add pictures to {name}", name=parts.plain(_name(bench, other)))
                if st.button(label, type="primary" if draft.verdict == "already_enrolled" else "secondary"):
                    _become(state, other, bench)
            if not few:
                st.button(say("Back to the pictures"), on_click=_back, args=(state,))
        if state.problem:
            st.error(parts.plain(state.problem), icon=":material/error:")


def _words(state: Registration, draft: Draft, bench: Workbench) -> tuple[str, str, str]:
    who = state.person.name or state.person.employee_id
    nearest = _name(bench, draft.nearest[0].person) if draft.nearest else ""
    if draft.stranger:
        return (
            say("This is not {name}", name=who),
            say("The pictures do not match {name}'s templates. Check your choice.", name=who),
            "bad",
        )
    if draft.verdict == "safe":
        return _safe(state, draft, bench)
    return {
        "unusable": (say("No usable picture"), say("Go back and take at least one."), "bad"),
        "different_people": (
            say("The pictures show different people"),
            say("All pictures must show one person. Remove the others below, or take new ones."),
            "bad",
        ),
        "already_enrolled": (
            say("Already enrolled as {name}", name=nearest),
            say("The faces match. An administrator can enrol twins: muster enrol --allow-look-alike."),
            "bad",
        ),
        "look_alike": (
            say("Look-alike: ask a colleague"),
            say("Cameras would take {name} for {other}. Compare both below.", name=who, other=nearest),
            "warn",
        ),
    }[draft.verdict]


def _safe(state: Registration, draft: Draft, bench: Workbench) -> tuple[str, str, str]:
    """A draft that may be stored: with reservations if there are few pictures, or some that the check refused."""
    safe, why = say("Safe to enrol"), [say("The pictures show one person, and no one enrolled matches.")]
    if state.known:
        safe, why = say("Safe to add"), [say("The pictures show the person on the list.")]
    title = safe
    missing = ENOUGH_PHOTOS - draft.templates
    overruled = sum(bool(shot.overruled) for shot in draft.chosen)
    if overruled:
        title = say("{title}, with reservations", title=safe)
        why.append(
            say_count(
                "The check refused {count} of them. Cameras recognise a person less well by it.",
                "The check refused {count} of them. Cameras recognise a person less well by them.",
                overruled,
            )
        )
    if missing > 0:
        title = say("{title}, but with too few pictures", title=safe)
        why += [cost(bench, draft.templates), say("Add {count} more.", count=missing)]
    return title, " ".join(why), "warn" if missing > 0 or overruled else "good"


def _second_look(draft: Draft, bench: Workbench) -> tuple[bool, str]:
    other = parts.plain(_name(bench, draft.nearest[0].person))
    sure = st.checkbox(say("Two of us compared the faces: this is not {name}", name=other), key="registration-sure")
    reason = st.text_input(
        say("Reason"), max_chars=300, key="registration-reason", help=say("The audit trail keeps it with your name.")
    )
    return sure and bool(reason.strip()), reason


def _become(state: Registration, employee_id: str, bench: Workbench) -> None:
    """Add the pictures to a person who is already enrolled."""
    state.person = bench.people.all().get(employee_id) or Person(employee_id, employee_id)
    state.known, state.problem = True, ""
    st.rerun()


def _store(state: Registration, draft: Draft, reason: str) -> None:
    person = state.person
    try:
        bench, author = access.acting("people.enrol")
        state.report = bench.registrar.enrol(
            draft,
            department=person.department,
            email=person.email,
            consent_at=stated(state),
            new=not state.known,
            known=state.known,
            allow_look_alike=draft.verdict == "look_alike",
            reason=reason,
            author=author,
        )
    except MusterError as error:
        state.problem = said(error)
        st.rerun()
    state.stage, state.problem = "done", ""
    if state.dossier:
        try:
            bench.office.name(state.dossier, person.employee_id, author=author, reason="registered from the dossier")
        except MusterError as error:
            state.problem = said(error)
    state.clear()
    st.toast(say("{name} is registered", name=parts.plain(person.name)), icon=":material/check:")
    st.rerun()


def _name(bench: Workbench, employee_id: str) -> str:
    row = bench.people.known().get(employee_id)
    return row.name if row else employee_id


def _spread(state: Registration, draft: Draft) -> None:
    """The similarity of the pictures to each other."""
    st.header(say("Similarity of the pictures"), anchor=False)
    single = len(state.compared) == 1
    with st.container(horizontal=True):
        for index, (piece, alike, kept) in enumerate(zip(state.compared, draft.alike, draft.kept, strict=True)):
            with st.container(width=140, gap=None):
                _one(state, piece, index, float(alike), kept=bool(kept), single=single, limit=draft.same_person)
    st.caption(
        say("One picture cannot be compared.")
        if single
        else say("Each bar shows a picture's similarity to the others. Left of the line, Muster drops it.")
    )


def _one(
    state: Registration, piece: Piece, index: int, alike: float, *, kept: bool, single: bool, limit: float
) -> None:
    name = step_name(piece.step) if piece.step else say("picture {number}", number=index + 1)
    bar = Markup("") if single else parts.similarity_bar(alike, limit)
    mark = shot_marks(piece.shot) if kept else parts.status("late", say("outlier"))
    parts.show(
        '<div class="m-photo">{face}<strong>{name}</strong>{mark}{bar}</div>',
        face=shot_face(piece.shot, name),
        name=name,
        mark=mark,
        bar=bar,
    )
    if not single and st.button(say("Remove {name}", name=name), key=f"registration-out-{id(piece)}", type="tertiary"):
        state.drop(piece)
        st.rerun()


def _nearest(state: Registration, draft: Draft, bench: Workbench) -> None:
    """The most similar people already enrolled, face beside face."""
    st.header(say("Most similar people"), anchor=False)
    best = max(draft.chosen or draft.shots, key=lambda shot: shot.quality.score)
    own = inline(best.picture, share=0.76)
    who = state.person.name or state.person.employee_id
    inactive = bench.people.inactive()
    cells = parts.joined(
        parts.markup(
            '<div><div class="m-row">{a}{b}</div><strong>{name}</strong>{inactive}<br>{bar} {mark}</div>',
            a=parts.face(own, 104, who),
            b=parts.face(parts.portrait(candidate.person, 112), 104, _name(bench, candidate.person)),
            name=_name(bench, candidate.person),
            inactive=parts.markup(' <span class="m-soft">({text})</span>', text=say("inactive"))
            if candidate.person in inactive
            else Markup(""),
            bar=parts.similarity_bar(
                candidate.similarity, draft.threshold, tone=_likeness(candidate.similarity, draft)[1]
            ),
            mark=_likeness(candidate.similarity, draft)[0],
        )
        for candidate in draft.nearest
    )
    parts.show('<div class="m-near">{cells}</div>', cells=cells)


def _likeness(similarity: float, draft: Draft) -> tuple[Markup, parts.Tone]:
    if similarity >= draft.certain:
        return parts.status("absent", say("the same person")), "bad"
    if similarity >= draft.threshold:
        return parts.status("late", say("look-alike")), "warn"
    return parts.status("on time", say("different")), "good"
