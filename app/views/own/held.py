"""What is held on oneself: kinds with their periods, on what it rests, how to object, and a copy of all of it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from app.ui import bases, parts
from app.web import access
from app.words import say, say_count
from engine.people import Person
from engine.people.basis import Basis
from engine.workbench import Workbench

_COPY = "own-copy-ready"


def forget() -> None:
    """Drop the copy."""
    st.session_state.pop(_COPY, None)


def show(bench: Workbench, person: Person) -> None:
    """Draw it."""
    st.header(say("Stored about me"), anchor=False)
    ready = st.session_state.get(_COPY)
    counts: Mapping[str, int] = ready[1] if ready else {}
    parts.show('<div class="o-box">{facts}</div>', facts=parts.facts(_kinds(bench, counts)))
    basis = Basis.of(person)
    st.subheader(say("Your rights"), anchor=False)
    parts.bullets(
        [
            say("Recognition rests on: {basis}", basis=bases.told(basis)),
            say("Something is wrong: ask HR to correct it. The log keeps both."),
            say(
                "You may object, or withdraw a consent: tell HR. Cameras then stop recognising you; a badge or PIN does instead."
            ),
            say("You may have your data erased, and complain to the data protection authority."),
        ]
    )
    parts.soft(say("The copy holds your rows, pictures and templates. Nobody else can be recognised in it."))
    with st.container(key="own-copy"):
        if ready:
            st.download_button(
                say("Download the file"),
                ready[0],
                "my-record.zip",
                "application/zip",
                icon=":material/download:",
                type="primary",
                key="own-copy-download",
            )
        elif st.button(say("Prepare a copy"), icon=":material/folder_zip:", key="own-copy-prepare"):
            _prepare()


def _prepare() -> None:
    with parts.told():
        bench, employee_id, author = access.oneself("own.view")
        with st.spinner(say("Preparing the copy …")), tempfile.TemporaryDirectory(prefix="muster-") as folder:
            target = Path(folder) / "person.zip"
            counts = bench.privacy.own_copy(employee_id, target, author=author)
            st.session_state[_COPY] = (target.read_bytes(), counts)
        st.rerun()


def _kinds(bench: Workbench, counts: Mapping[str, int]) -> list[tuple[str, object]]:
    """Each kind, how many there are (once a copy was made), and until when it is kept."""
    kept = bench.settings.get().retention

    def line(name: str, key: str, days: int | None, forever: str) -> tuple[str, object]:
        period = forever if days is None else say_count("{count} day", "{count} days", days)
        number = f"{counts[key]} · " if key in counts else ""
        return name, f"{number}{period}"

    erased = say("until you are erased")
    return [
        line(say("Templates and their pictures"), "templates", None, erased),
        line(say("Pictures"), "pictures", kept.evidence_images, say("until somebody erases them")),
        line(say("Passages"), "attendance_rows", kept.attendance, say("until somebody erases them")),
        line(say("Days"), "days", kept.attendance, say("until somebody erases them")),
        line(say("Corrections"), "corrections", kept.attendance, say("until somebody erases them")),
        line(say("Decisions of cameras"), "sightings", kept.sightings, say("until somebody erases them")),
        line(say("Alerts with you"), "incidents", kept.incidents, say("until somebody erases them")),
    ]
