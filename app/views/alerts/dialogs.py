"""Decisions about a stranger: each shows the faces, asks for a reason, and becomes a row with its author."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Literal

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.ui.address import put
from app.views.alerts.pieces import act, name_of, problem
from app.words import say, say_count
from engine.errors import InputError
from engine.records.alerts import latest_picture
from engine.records.likeness import likeness, nearest_people, nearest_strangers
from engine.workbench import Workbench

_MOST, _OFFERED = 200, 8


def _address(bench: Workbench, key: str) -> str:
    """The address of a stranger's or a person's face."""
    if key in bench.people.known():
        return parts.portrait(key, 160)
    path = latest_picture(bench.records, [each.row for each in bench.alerts.all()], key)
    return parts.picture(path, 320) if path else parts.portrait("")


def pair(bench: Workbench, first: str, second: str, similarity: float | None) -> None:
    """Two faces side by side, with their similarity while templates are kept."""
    faces = []
    for key in (first, second):
        name = name_of(bench, key)
        faces.append(parts.captioned(parts.face(_address(bench, key), 160, name), name))
    gone = parts.markup(
        '<span class="m-soft">{text}</span>', text=say("No similarity: their templates are no longer kept.")
    )
    alike = gone if similarity is None else parts.similarity_bar(similarity, bench.calibration.threshold())
    parts.show('<div class="m-pair">{faces}<div>{alike}</div></div>', faces=parts.joined(faces), alike=alike)


def _confirm(
    subject: str, label: str, deed: Callable[[Workbench, str, str], str], *, then: Callable[[], None] | None = None
) -> None:
    """The reason and the button of a dialog; a decision about another subject begins without the reason.

    Args:
        deed: given the workbench, the author and the reason; returns what to say.
        then: what follows when it was done.
    """
    reason = st.text_input(say("Reason"), key=f"reason-{subject}", max_chars=300)

    def reasoned(bench: Workbench, author: str) -> str:
        if not (reason or "").strip():
            raise InputError(say("Enter a reason."), hint=say("A few words are enough."))
        return deed(bench, author, str(reason))

    if st.button(label, type="primary", key="dossier-confirm") and act(reasoned):
        if then is not None:
            then()
        st.rerun()
    problem()


def merge(bench: Workbench, unknown_id: str, into: str = "") -> None:
    """Merge two dossiers; `into` is the other one if already known."""

    @st.dialog(say("The same person"), width="medium")
    @parts.guarded
    def shown() -> None:
        other = into or _other(bench, unknown_id)
        if not other:
            return
        pair(bench, unknown_id, other, likeness(bench.records, unknown_id, other))
        st.caption(
            parts.plain(
                say(
                    "Muster adds all visits of {one} to {other}.",
                    one=name_of(bench, unknown_id),
                    other=name_of(bench, other),
                )
            )
        )

        def deed(bench: Workbench, author: str, reason: str) -> str:
            bench.office.merge(unknown_id, other, author=author, reason=reason)
            return say(
                "{one} and {other} are now one person.", one=name_of(bench, unknown_id), other=name_of(bench, other)
            )

        _confirm(f"merge-{unknown_id}", say("Merge"), deed, then=lambda: put(dossier=other))

    shown()


def _other(bench: Workbench, unknown_id: str) -> str:
    """Choose the other dossier among those with a picture and a likeness, most similar first."""
    rows = [each.row for each in bench.alerts.all()]
    seen = {each.unknown_id for each in bench.dossiers.dossiers(rows)}
    pictured = (
        (each, path)
        for each in nearest_strangers(bench.records, unknown_id, top=_MOST)
        if each.person in seen and (path := latest_picture(bench.records, rows, each.person))
    )
    alike = list(islice(pictured, _OFFERED))
    if not alike:
        st.caption(say("There is no other stranger with a picture and a template."))
        return ""
    threshold = bench.calibration.threshold()
    with st.container(horizontal=True):
        for each, path in alike:
            with st.container(width=112, gap="xxsmall"):
                called = name_of(bench, each.person)
                face = parts.face(parts.picture(path, 320), 112, called)
                bar = parts.similarity_bar(each.similarity, threshold)
                parts.show(
                    '<div class="m-template">{face}<div>{name}</div>{bar}</div>', face=face, name=called, bar=bar
                )
    return (
        st.selectbox(
            say("Other stranger (most similar first)"),
            [each.person for each, _ in alike],
            format_func=lambda key: name_of(bench, key),
            key="dossier-other",
        )
        or ""
    )


def nickname(bench: Workbench, unknown_id: str) -> None:
    """Say what people call a stranger on pages."""
    before = bench.dossiers.register().nicknames.get(unknown_id, "")

    @st.dialog(say("Nickname"))
    @parts.guarded
    def shown() -> None:
        text = st.text_input(
            say("Nickname"),
            before,
            max_chars=40,
            key=f"nickname-{unknown_id}",
            help=say("Pages show it beside the identifier. Leave it empty to remove it."),
        )

        def deed(bench: Workbench, author: str) -> str:
            bench.office.nickname(unknown_id, text or "", author=author)
            return say("Saved")

        if st.button(say("Save"), type="primary", key="nickname-save") and act(deed):
            st.rerun()
        problem()

    shown()


def name(bench: Workbench, unknown_id: str) -> None:
    """Name a stranger as an enrolled person."""

    @st.dialog(say("This is …"), width="medium")
    @parts.guarded
    def shown() -> None:
        people = bench.people.known()
        alike = {each.person: each.similarity for each in nearest_people(bench.records, unknown_id, top=1000)}
        keys = sorted(people, key=lambda key: (-alike.get(key, -2.0), people[key].name.casefold()))
        if not keys:
            st.caption(say("No one is enrolled yet."))
            return
        key = st.selectbox(
            say("Person (most similar first)"),
            keys,
            format_func=lambda key: f"{people[key].name} ({key})",
            key="dossier-person",
        )
        pair(bench, unknown_id, key, likeness(bench.records, unknown_id, key))

        def deed(bench: Workbench, author: str, reason: str) -> str:
            bench.office.name(unknown_id, key, author=author, reason=reason)
            return say("{one} is {name}.", one=unknown_id, name=people[key].name)

        _confirm(f"name-{unknown_id}", say("Confirm this person"), deed)

    shown()


def mark(bench: Workbench, unknown_id: str, what: Literal["watch", "ignore"], *, on: bool) -> None:
    """Put a stranger on the watch list, or ignore them; or take that back."""
    name = name_of(bench, unknown_id)
    title, effect, done = {
        ("watch", True): (
            say("Add to watch list"),
            say("From now on each visit raises an alert of high severity."),
            say("{one} is on the watch list.", one=name),
        ),
        ("watch", False): (
            say("Remove from watch list"),
            say("From now on visits raise the same alerts as any stranger's."),
            say("{one} is no longer on the watch list.", one=name),
        ),
        ("ignore", True): (
            say("Ignore"),
            say("Muster records visits without alerts, such as a courier's or cleaner's."),
            say("Visits of {one} no longer raise alerts.", one=name),
        ),
        ("ignore", False): (
            say("Resume alerts"),
            say("Each visit raises an alert again."),
            say("Visits of {one} raise alerts again.", one=name),
        ),
    }[what, on]

    @st.dialog(title)
    @parts.guarded
    def shown() -> None:
        parts.show(
            '<div class="m-row">{face}<div><strong>{name}</strong><br><span>{text}</span></div></div>',
            face=parts.face(_address(bench, unknown_id), 112, name),
            name=name,
            text=effect,
        )

        def deed(bench: Workbench, author: str, reason: str) -> str:
            decide = bench.office.watch if what == "watch" else bench.office.ignore
            decide(unknown_id, author=author, reason=reason, on=on)
            return done

        _confirm(f"{what}-{unknown_id}", title, deed)

    shown()


def split(bench: Workbench, unknown_id: str, incidents: list[str]) -> None:
    """Split visits off into a new dossier."""

    @st.dialog(say("Different person"))
    @parts.guarded
    def shown() -> None:
        rows = [alert.row for each in incidents if (alert := bench.alerts.get(each)) is not None]
        faces = [parts.face(parts.picture(row.image, 160), 112) for row in rows if bench.records.inside(row.image)]
        parts.show('<div class="m-faces">{faces}</div>', faces=Markup("").join(faces))
        text = say_count(
            "{count} visit moves from {one} to a new dossier.",
            "{count} visits move from {one} to a new dossier.",
            len(incidents),
            one=name,
        )
        st.caption(parts.plain(text))

        def deed(bench: Workbench, author: str, reason: str) -> str:
            new = bench.office.split(unknown_id, incidents, author=author, reason=reason)
            st.session_state["dossier-new"] = new
            return say("The new dossier is {new}.", new=new)

        _confirm(
            f"split-{unknown_id}",
            say("Split visits"),
            deed,
            then=lambda: put(dossier=st.session_state.pop("dossier-new")),
        )

    shown()
