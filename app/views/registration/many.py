"""Enrol many: consent → files → check → enrolled. A ZIP archive or a folder holds the photos of many people.

The photos wait in the session's memory, as small faces; nothing is stored before the user says so, and each person whole or not at all.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import streamlit as st

from app.ui import parts
from app.ui.address import put
from app.views.registration import consent, many_words, planned
from app.views.registration.words import steps
from app.web import access, uploads
from app.words import said, say, say_count
from engine.enrolment import Batch, Folders, PhotoFile, Planned, in_archive
from engine.enrolment.files import beside_the_point, parts_of
from engine.errors import InputError, MusterError
from engine.people.basis import Basis
from engine.workbench import Workbench

Stage = Literal["consent", "files", "check", "done"]

MOST_MB = 60
"""Of one file; the server takes no larger ones (`app.web.server`)."""
_KEY = "registration-many"


@dataclass
class Many:
    """Many people that are about to be enrolled.

    Attributes:
        site: whose. stage: where the page is.
        agreed, basis: see `consent.Consented`.
        left_out: ids of people whom the user left out.
        total: photos of the uploads that are being examined.
        to_enrol: ids of the people who are still to be stored; `of`: how many they were.
        told: what became of each, once it is done. problems: of files.
        rounds: number of uploads; part of their widgets' keys, so that these start empty.
    """

    site: str
    batch: Batch
    stage: Stage = "consent"
    agreed: bool = False
    basis: Basis = field(default_factory=Basis)
    left_out: set[str] = field(default_factory=set)
    total: int = 0
    to_enrol: list[str] = field(default_factory=list)
    of: int = 0
    told: list[many_words.Outcome] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    rounds: int = 0


def forget() -> None:
    """Drop everything: the user left the page."""
    st.session_state.pop(_KEY, None)


def _current(bench: Workbench) -> Many:
    found = st.session_state.get(_KEY)
    if not isinstance(found, Many) or found.site != access.site():
        found = st.session_state[_KEY] = Many(access.site(), Batch(bench.registrar))
    return found


def _leave() -> None:
    forget()
    put(many="", page="", show="")


def show(bench: Workbench) -> None:
    """Draw it."""
    state = _current(bench)
    steps(state.stage, ("consent", say("Consent")), ("files", say("Files")), ("check", say("Check")))
    for problem in state.problems:
        st.warning(parts.plain(problem), icon=":material/error:")
    if state.to_enrol:
        _store(state)
    elif state.batch.waiting:
        _examine(state)
    else:
        {"consent": _consent, "files": _files, "check": _check, "done": _done}[state.stage](state, bench)


# ----------------------------------------------------------------------------------------- consent and files


def _consent(state: Many, bench: Workbench) -> None:
    st.write(say("You state the basis once, for everyone in the upload. People with a basis on record keep it."))
    forward, back = consent.ask(
        state,
        bench,
        informed=say("All people in the upload have been informed"),
        agrees=say("All people in the upload have been informed and agree"),
    )
    if forward:
        state.stage = "files"
        st.rerun()
    if back:
        _leave()
        st.rerun()


def _files(state: Many, _bench: Workbench) -> None:
    with st.container(width=760):
        st.write(say("Give each person a folder with three good photos. The folder's name says who it is:"))
        rows = (
            ("E17/", say("the id")),
            ("Ada Example/", say("the name")),
            ("E17_Ada Example/", say("both")),
            ("E17_1.jpg, E17_2.jpg", say("files of many people in one folder")),
        )
        parts.table((say("Folder or file"), say("Meaning")), rows)
        ways = {"zip": say("ZIP archive or photos"), "folder": say("Folder")}
        way = parts.choice(say("Source of the pictures"), ways, "registration-many-way")
        uploads.expect("people.enrol")
        given: Any = st.file_uploader(
            say("ZIP archives, or photos with ids as names, {most} MB each", most=MOST_MB)
            if way == "zip"
            else say("A folder with a folder per person"),
            accept_multiple_files="directory" if way == "folder" else True,
            max_upload_size=MOST_MB,
            key=f"registration-many-{way}-{state.rounds}",
        )
        st.caption(say("120 MB at once. More: several uploads, one after the other, or `muster enrol FOLDER…`."))
        if given:
            _take_in(state, [(each.name, each) for each in given])
        with st.container(horizontal=True):
            if len(state.batch) and st.button(say("Back to the check"), type="primary"):
                state.stage = "check"
                st.rerun()
            if st.button(say("Back")):
                state.stage = "consent"
                st.rerun()


def _take_in(state: Many, given: list[tuple[str, io.BytesIO]]) -> None:
    """Find out whose the photos of an upload are; they are examined from the next run on."""
    files: list[PhotoFile] = []
    state.problems = []
    for name, content in given:
        if name.casefold().endswith(".zip"):
            try:
                files += in_archive(io.BytesIO(content.getvalue()), name)
            except InputError as error:
                state.problems.append(said(error))
        elif not beside_the_point(path := parts_of(name)):
            files.append(PhotoFile(path, content.getvalue))
    with parts.told():
        bench, _ = access.acting("people.enrol")
        if not files and not state.problems:
            state.problems.append(say("The upload contains no photos."))
        fresh, taken = bench.registrar.fresh_ids(), state.batch.taken
        folders = Folders(bench.people.all(), lambda more: fresh({*taken, *more}))
        state.batch.add(folders.people(folders.labelled(files)))
    state.total, state.rounds = state.batch.waiting, state.rounds + 1
    if files:
        state.stage = "check"
    st.rerun()


def _examine(state: Many) -> None:
    """Examine what waits. The loop goes on in the next run if something interrupts it, and keeps what is done."""
    st.write(say("Muster looks at each photo. Nothing is stored yet."))
    bar = st.progress(0.0)
    st.button(say("Stop"), on_click=state.batch.drop_waiting)
    with parts.told():
        with st.spinner(say("Loading the models…")):
            access.acting("people.enrol")[0].reader  # noqa: B018 - opened before the first photo waits for it
        while waiting := state.batch.waiting:
            access.acting("people.enrol")
            done = max(0, state.total - waiting)
            bar.progress(
                done / max(state.total, 1), say("{done} of {total} photos examined", done=done, total=state.total)
            )
            state.batch.examine_next()
        st.rerun()


# ----------------------------------------------------------------------------------------- check


def _check(state: Many, bench: Workbench) -> None:
    found = state.batch.plan(state.left_out)
    if not found:
        state.stage = "files"
        st.rerun()
    ready = [each for each in found if _ready(each) and each.folder.employee_id not in state.left_out]
    planned.figures(found, len(ready))
    with st.container(horizontal=True, vertical_alignment="center"):
        label = say_count("Enrol {count} person", "Enrol {count} people", len(ready))
        if st.button(label, type="primary", icon=":material/check:", disabled=not ready, key="registration-many-go"):
            state.to_enrol = [each.folder.employee_id for each in ready]
            state.of, state.told, state.problems = len(ready), [], []
            st.rerun()
        if st.button(say("Add more photos")):
            state.stage = "files"
            st.rerun()
        st.button(say("Start over"), on_click=forget)
    planned.people(bench, found, state.left_out)


def _ready(each: Planned) -> bool:
    return each.standing in {"enrol", "add"}


def _store(state: Many) -> None:
    """Enrol one person after the other. Whoever is enrolled stays so if something interrupts it, and the next run goes on."""
    st.write(say("Each person is enrolled whole or not at all. If you leave the page, those enrolled so far stay."))
    bar = st.progress(0.0)
    with parts.told():
        bench, author = access.acting("people.enrol")
        plan = {each.folder.employee_id: each for each in state.batch.plan(state.left_out)}
        while state.to_enrol:
            bench, author = access.acting("people.enrol")
            done, key = state.of - len(state.to_enrol), state.to_enrol[0]
            bar.progress(done / state.of, say("{done} of {total} people enrolled", done=done, total=state.of))
            if (each := plan.get(key)) is not None and _ready(each):
                try:
                    report = state.batch.enrol(each, basis=consent.stated(state), author=author)
                    state.told.append(many_words.enrolled(each, report))
                except MusterError as error:
                    state.told.append(many_words.not_enrolled(each, said(error)))
            del state.to_enrol[0]
        told = {each.employee_id for each in state.told if each.employee_id}
        rest = [each for each in state.batch.plan(state.left_out) if each.folder.employee_id not in told]
        state.told += [
            many_words.outcome(bench, each, left_out=each.folder.employee_id in state.left_out) for each in rest
        ]
        state.stage = "done"
        state.batch = Batch(bench.registrar)  # the pictures go
        st.rerun()


# ----------------------------------------------------------------------------------------- the result


def _done(state: Many, bench: Workbench) -> None:
    done = [each for each in state.told if each.done]
    parts.notice(
        say_count("{count} person is enrolled", "{count} people are enrolled", len(done)),
        say("Cameras recognise them from now on.") if done else say("Nothing was changed."),
        tone="good" if done else "warn",
        action=partial(_after, state),
    )
    many_words.table([*(each for each in state.told if not each.done), *done])


def _after(state: Many) -> None:
    tell, content = access.telling(), many_words.as_csv(state.told)

    def made() -> bytes:
        tell("export_enrolment", "", f"{len(state.told)} people", content)
        return content

    with st.container(horizontal=True):
        save: Callable[[], bytes] = access.on_click("people.enrol", made)
        st.download_button(
            say("Download, CSV"), save, "enrolment.csv", "text/csv", icon=":material/download:", on_click="ignore"
        )
        st.button(say("Enrol more people"), on_click=forget)
        st.button(say("Close"), on_click=_leave)
