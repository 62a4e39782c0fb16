"""The third step of a registration: pictures from guided capture, files, single shots or a dossier."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st
from markupsafe import Markup

from app.live.stream import browser_camera
from app.ui import parts
from app.views.registration.refused import refused_list
from app.views.registration.state import CAMERA_KEY, MOST_PICTURES, Piece, Registration, camera_name
from app.views.registration.words import cost, instruction, photo_name, quality_mark, shot_face, shot_marks, step_name
from app.web import access, uploads
from app.web.pictures import inline, picture
from app.words import say, say_count
from engine.enrolment import ENOUGH_PHOTOS, STEPS, Picture, RefusedPhoto, Shot, Step, Take
from engine.imaging import MAX_BYTES
from engine.workbench import Workbench

_TICK_S = 0.4


def show(state: Registration, bench: Workbench) -> None:
    """Draw it."""
    names = {
        "dossier": say("From the dossier"),
        "camera": say("Camera"),
        "files": say("Files"),
        "single": say("Single pictures"),
    }
    if not state.dossier:
        del names["dossier"]
    elif not state.brought:
        _bring(state)
        return
    way = parts.choice(say("Source of the pictures"), names, "registration-way")
    if way == "camera":
        _camera(state, bench)
    elif way == "files":
        _files(state)
    elif way == "single":
        _single(state)
    else:
        _dossier(state)
    _others(state)
    _buttons(state, cost(bench, 1))


@st.fragment(run_every=2 * _TICK_S)
@parts.guarded
def _buttons(state: Registration, why: str) -> None:
    """Buttons to continue and go back; counts pictures itself, because the camera adds some between runs."""
    with st.container(horizontal=True, vertical_alignment="center"):
        forward = st.button(say("Check"), type="primary", disabled=not state.count, key="registration-to-check")
        back = st.button(say("Back"), key="registration-to-consent")
        if state.count < ENOUGH_PHOTOS and not state.known:
            st.caption(say("Take {count} or more pictures in different poses.", count=ENOUGH_PHOTOS) + " " + why)
    if back:
        state.stage = "consent"
        st.rerun()
    if forward:
        _gather(state)


def _gather(state: Registration) -> None:
    """Examine all pictures together and go to the check."""
    takes = state.capture.guidance.takes if state.capture else ()
    with parts.told(), st.spinner(say("Comparing…")):
        bench, _ = access.acting("people.enrol")
        overruled = {piece.step for piece in state.pieces}
        names: dict[str, Step] = {camera_name(take.step): take.step for take in takes if take.step not in overruled}
        shots, refused = bench.registrar.examine(
            (camera_name(take.step), take.picture) for take in takes if take.step not in overruled
        )
        state.compared = [*(Piece(shot, names[shot.name]) for shot in shots), *state.pieces]
        state.refused = [each for each in state.refused if each.name not in names] + refused
        state.stage = "check"
        st.rerun()


def _take_in(state: Registration, pictures: Iterable[tuple[str, Picture]], count: int) -> None:
    """Examine pictures and keep the usable ones."""
    bar = st.progress(0.0, say("Examining…"))
    with parts.told():
        bench, _ = access.acting("people.enrol")
        for index, each in enumerate(pictures):
            shots, refused = bench.registrar.examine([each])
            state.pieces += [Piece(shot) for shot in shots]
            state.refused += refused
            bar.progress((index + 1) / count, say("Examining…"))
        state.rounds += 1
        st.rerun()


def _camera(state: Registration, bench: Workbench) -> None:
    with st.spinner(say("Loading the models…")):
        _, camera = state.begin_capture(bench)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        playing = browser_camera(CAMERA_KEY, camera, mirrored=True)
        st.caption(say("No picture after a few seconds? Choose “Single pictures”."))
    with right:
        _guidance(state, playing=playing)


@st.fragment(run_every=_TICK_S)
@parts.guarded
def _guidance(state: Registration, *, playing: bool) -> None:
    """The current instruction and the pictures taken."""
    if state.capture is None:
        return
    guidance = state.capture.guidance
    words, why, tone = instruction(guidance, playing=playing)
    parts.show(
        '<div class="m-guide {tone}" role="status" aria-live="polite"><strong>{words}</strong><span>{why}</span>'
        '<div class="m-fill" role="progressbar" aria-label="{label}" aria-valuemin="0" aria-valuemax="100" '
        'aria-valuenow="{share}"><b style="width:{share}%"></b></div></div>',
        tone=tone,
        words=words,
        why=why,
        label=say("Pictures"),
        share=round(100 * guidance.progress),
    )
    takes = {take.step: take for take in guidance.takes}
    for row in (STEPS[:2], STEPS[2:]):
        for column, step in zip(st.columns(2), row, strict=True):
            with column, st.container(gap=None):
                _slot(state, step, takes.get(step), now=guidance.step == step)


def _slot(state: Registration, step: Step, take: Take | None, *, now: bool) -> None:
    if take is None:
        body = parts.markup('<div class="m-slot{now}" aria-hidden="true"></div>', now=" m-now" if now else "")
        mark = Markup("")
    else:
        body, mark = parts.face(inline(take.picture, share=0.66), 84, step_name(step)), quality_mark(take.quality)
    parts.show("<div>{body}<div><strong>{name}</strong> {mark}</div></div>", body=body, name=step_name(step), mark=mark)
    if take is not None:
        label = say("Retake {name}", name=step_name(step))
        st.button(label, key=f"registration-retake-{step}", type="tertiary", on_click=state.retake, args=(step,))


def _files(state: Registration) -> None:
    room = MOST_PICTURES - state.count
    uploads.expect("people.enrol")
    files = st.file_uploader(
        say(
            "Photos of this person only, at most {count}: JPEG, PNG, HEIC, WebP, AVIF, TIFF, GIF, BMP",
            count=MOST_PICTURES,
        ),
        accept_multiple_files=True,
        max_upload_size=MAX_BYTES // 1_000_000,
        key=f"registration-files-{state.rounds}",
        disabled=room <= 0,
    )
    if files:
        state.refused += [RefusedPhoto(file.name, "too many pictures", "") for file in files[room:]]
        _take_in(state, ((file.name, file.getvalue()) for file in files[:room]), min(len(files), room))


def _single(state: Registration) -> None:
    with st.container(width=560):
        uploads.expect("people.enrol")
        taken = st.camera_input(
            say("One from the front, then some with the head turned slightly"),
            key=f"registration-single-{state.rounds}",
            disabled=state.count >= MOST_PICTURES,
        )
    if taken is not None:
        _take_in(state, [(say("picture {number}", number=len(state.pieces) + 1), taken.getvalue())], 1)


def _bring(state: Registration) -> None:
    """Examine the pictures of the dossier and take the best; the loop goes on in the next run if something interrupts it."""
    waiting = [each for each in state.offered[:MOST_PICTURES] if each[0] not in state.looked]
    bar, count = st.progress(0.0, say("Examining…")), min(len(state.offered), MOST_PICTURES)
    with parts.told():
        bench, _ = access.acting("people.enrol")
        for name, path in waiting:
            bar.progress(len(state.looked) / count, say("Examining…"))
            shots, refused = bench.registrar.examine([(name, path)])
            state.looked[name] = shots[0] if shots else refused[0]
        state.bring()
        st.rerun()


def _dossier(state: Registration) -> None:
    """The pictures from a stranger's alerts: the best are chosen, others can be."""
    used = {piece.shot.name for piece in state.pieces}
    spare = [
        (number, name, shot)
        for number, (name, _) in enumerate(state.offered, start=1)
        if name not in used and isinstance(shot := state.looked.get(name), Shot)
    ]
    stranger = say("stranger {number}", number=parts.plain(state.dossier.removeprefix("unknown-")))
    st.write(
        say("The best pictures of {stranger} are chosen. Remove those that show someone else.", stranger=stranger)
        if used
        else say("No picture of {stranger} is chosen. Add some here or from a camera.", stranger=stranger)
    )
    if not spare:
        return
    chosen = []
    others = say_count("{count} other picture", "{count} other pictures", len(spare))
    with st.expander(others, expanded=not used), st.form("registration-dossier", border=False):
        with st.container(horizontal=True):
            for number, name, shot in spare:
                with st.container(width=170, gap=None):
                    title = say("picture {number}", number=number)
                    parts.html(parts.face(picture(name, 160), 160, title))
                    if st.checkbox(title, key=f"registration-d-{number}"):
                        chosen.append(shot)
        if st.form_submit_button(say("Use selected pictures")) and chosen:
            state.pieces += [Piece(shot) for shot in chosen[: MOST_PICTURES - state.count]]
            st.rerun()


def _others(state: Registration) -> None:
    """Pictures from other sources than guided capture, and unusable ones."""
    if state.pieces:
        with st.container(horizontal=True):
            for index, piece in enumerate(list(state.pieces)):
                with st.container(width=150, gap=None):
                    alt = say("picture {number}", number=index + 1)
                    parts.show(
                        '<div class="m-photo">{face}<strong>{alt}</strong><span class="m-soft">{name}</span>{marks}</div>',
                        face=shot_face(piece.shot, alt),
                        alt=alt,
                        name=name if (name := photo_name(piece.shot.name)) != alt else "",
                        marks=shot_marks(piece.shot),
                    )
                    if st.button(
                        say("Remove {name}", name=alt), key=f"registration-remove-{id(piece)}", type="tertiary"
                    ):
                        state.drop(piece)
                        st.rerun()
    refused_list(state)
