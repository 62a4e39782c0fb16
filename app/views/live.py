"""Live: the picture on the left, who came on the right, the figures of the moment above."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import cast
from urllib.parse import quote

import streamlit as st
from markupsafe import Markup

from app.live.session import LiveSession
from app.live.stream import BrowserCamera, browser_camera, show_failure
from app.ui import parts
from app.views import live_grid, search
from app.views.alerts import open_count
from app.views.search.tiles import face_link
from app.views.system.cameras import no_picture, tell_turned
from app.web import access, services, uploads
from app.web.below import at
from app.web.pictures import at_site
from app.words import say, say_minutes, say_number, say_time, term
from engine.attendance import Inside, Presence, count_inside
from engine.errors import MusterError
from engine.imaging import decode_image
from engine.pipeline import IdentifiedFace
from engine.records.today import Arrival
from engine.types import NOBODY
from engine.workbench import Workbench

BROWSER, STILL = "browser", "still"
CAMERA_NAME = "workbench"


def show() -> None:
    """The page."""
    bench = access.reading("live.view")
    st.title(say("Live"))
    _figures()
    grid = live_grid.choose(len(services.cameras(access.site())))
    if grid != "1":
        live_grid.show(grid)
        _feed()
        return
    left, right = st.columns([5, 3], gap="large")
    with left:
        _picture(bench)
    with right:
        _feed()


def _picture(bench: Workbench) -> None:
    choices = {name: parts.plain(name) for name in services.cameras(access.site())}
    if access.may("live.camera"):
        choices |= {BROWSER: say("This device's camera"), STILL: say("Single pictures")}
    if not choices:
        parts.notice(
            say("No camera available"),
            say("An administrator can add one under Settings › Cameras."),
        )
        return
    chosen = parts.choice(say("Camera"), choices, "camera", address="camera")
    if not len(bench.gallery.current()):
        st.info(
            say("No one is enrolled yet, so everyone is a stranger. Start with Registration."),
            icon=":material/person_add:",
        )
    if chosen == BROWSER:
        _browser_camera(bench)
    elif chosen == STILL:
        _still(bench)
    else:
        _server_camera(chosen)


def _open(bench: Workbench) -> None:
    """Open the networks before the first frame waits for them; if that fails, the stream says why."""
    with contextlib.suppress(MusterError):
        bench.reader  # noqa: B018


def _browser_camera(bench: Workbench) -> None:
    if "live_camera" not in st.session_state:
        threading.Thread(target=_open, args=(bench,), name="reader").start()
        words = {"pending": say("looking…"), "conflict": say("not sure"), "unknown": say("unknown")}
        session = LiveSession(bench, CAMERA_NAME, words, access.lasting("live.camera"))
        st.session_state["live_camera"] = (session, BrowserCamera(session.process, "live.camera"))
    session, camera = cast(tuple[LiveSession, BrowserCamera], st.session_state["live_camera"])
    playing = browser_camera("live", camera, ideal_height=480, turn_deg=session.turn_deg)
    if playing:
        _pace(session, camera)
    else:
        session.close()
        parts.soft(
            say(
                "It records arrivals as “{name}”. If no picture appears in a few seconds, choose “Single pictures”.",
                name=CAMERA_NAME,
            )
        )


@st.fragment(run_every=1.0)
@parts.guarded
def _pace(session: LiveSession, camera: BrowserCamera) -> None:
    """What the stream is like now."""
    access.acting("live.camera")  # a role that was taken away ends here
    show_failure(camera)
    parts.show(
        '<p class="m-soft" data-frames="{frames}">{text}</p>',
        frames=session.frames,
        text=_rate(session.rate.per_second(), camera.dropped),
    )
    if camera.too_slow:
        st.caption(
            say("This computer is too slow: most pictures are left out. Close other programs or watch fewer cameras.")
        )


def _rate(fps: float, dropped: int) -> str:
    shown = say_number(fps)
    return say("{rate} frames per second · {dropped} dropped", rate=shown, dropped=dropped)


def _server_camera(name: str) -> None:
    parts.show(
        '<div class="m-live"><img src="{root}/camera?name={name}{site}" alt="{alt}"></div>',
        name=Markup(quote(name, safe="")),
        site=Markup(at_site()),
        root=at(""),
        alt=say("Live picture of camera {name}", name=name),
    )
    _server_state(name)
    if access.may("search.faces") and st.button(
        say("Find a face in this picture"), icon=":material/image_search:", key="live-find"
    ):
        _find(name)


def _find(name: str) -> None:
    """Search for the faces in the newest picture of a camera."""
    access.acting("search.faces")
    camera = services.cameras(access.site()).get(name)
    image = camera.frame() if camera is not None else None
    if image is None:
        st.warning(say("The camera gives no picture now."), icon=":material/videocam_off:")
        return
    search.give(image, f"camera {name} {time.time_ns()}")


@st.fragment(run_every=1.0)
@parts.guarded
def _server_state(name: str) -> None:
    """Whether the camera plays, and what to try when it does not."""
    access.reading("live.view")
    camera = services.cameras(access.site()).get(name)
    if camera is None:
        return
    if camera.state == "failed":
        parts.notice(say("Muster cannot read the camera"), camera.detail, tone="bad")
    elif camera.state == "lost":
        why = camera.trouble
        parts.notice(
            no_picture(why) if why else say("The connection to the camera was lost"),
            f"{term(why.hint)}. {say('Muster keeps trying.')}" if why else say("Muster keeps trying."),
            tone="warn",
        )
    elif camera.state == "ended":
        parts.notice(say("The recording has ended"), say("Choose the camera again to restart it."))
    elif camera.state != "playing":
        st.caption(say("Opening the camera…"))
    else:
        told = camera.told
        text = _rate(told.fps, told.dropped)
        if camera.taken:
            text += " · " + say("another recorder is using this camera")
        parts.soft(text)
        if told.advice is not None:
            tell_turned(name, told.advice)


def _still(bench: Workbench) -> None:
    uploads.expect("live.camera")
    shot = st.camera_input(say("Take a picture"), resolution="720p", key="still")
    st.caption(
        say("A single picture identifies people but records nothing. Attendance needs several frames that agree.")
    )
    if shot is None:
        return
    with parts.told():
        most_px = 1e6 * bench.config.detection.photo_max_megapixels
        picture = decode_image(shot.getvalue(), name=say("the picture"), most_px=most_px)
        faces = bench.services().identify(picture)
        if not faces:
            parts.notice(say("No face found"), say("Come closer, face the camera and check the light."))
        for face in faces:
            _identified(bench, face)


def _identified(bench: Workbench, face: IdentifiedFace) -> None:
    best = face.match.candidates[0] if face.match.candidates else None
    if best is None or not face.quality.good:
        reason = term(face.quality.flaw) if not face.quality.good else say("no one is enrolled")
        parts.show('<div class="m-row"><strong>{a}</strong><span>{b}</span></div>', a=say("Undecided"), b=reason)
        return
    known = face.match.person is not None
    name = bench.people.known().get(best.person, NOBODY).name or best.person
    runner_up = face.match.candidates[1].similarity if len(face.match.candidates) > 1 else None
    parts.show(
        '<div class="m-row">{face}<div><strong>{name}</strong><br>{bar}</div></div>',
        face=parts.face(parts.portrait(best.person), 56, name),
        name=name if known else say("Unknown; most similar: {name}", name=name),
        bar=parts.similarity_bar(best.similarity, face.match.threshold, runner_up),
    )


@st.fragment(run_every=2.0)
@parts.guarded
def _figures() -> None:
    bench = access.reading("live.view")
    inside = bench.office.inside()
    came, _ = bench.office.arrivals(1)
    sure, unsure = count_inside(inside)
    row = [
        parts.Metric(say("Inside now"), sure, say("{count} unsure", count=unsure) if unsure else ""),
        parts.Metric(say("Arrivals today"), came),
    ]
    if access.may("alerts.view"):
        row.append(parts.Metric(say("Open alerts"), open_count(bench), tone="bad"))
    left, right = st.columns([5, 3], gap="large", vertical_alignment="center")
    with left:
        parts.figures(*row)
    with right:
        if inside and access.may("attendance.view"):
            with st.popover(say("Who is inside"), icon=":material/groups:"):
                parts.html(parts.joined(_inside(each) for each in inside))


def _inside(row: Inside) -> Markup:
    name = row.name or row.employee_id
    return parts.markup(
        '<div class="m-row">{face}<div><strong>{name}</strong><br><span class="m-soft">{department} · {state} {since}</span></div></div>',
        face=parts.face(parts.portrait(row.employee_id), 40, name),
        name=name,
        department=row.department,
        state=say("since") if row.presence is Presence.INSIDE else say("unsure, since"),
        since=say_time(row.since),
    )


@st.fragment(run_every=1.0)
@parts.guarded
def _feed() -> None:
    """Arrivals of today, newest on top."""
    bench = access.reading("live.view")
    st.header(say("Arrivals today"))
    _, found = bench.office.arrivals(12)
    if not found:
        parts.notice(say("No one yet"), say("Recognised people appear here within a second."))
        return
    evidence = access.may("attendance.evidence")
    parts.html(parts.joined(_arrival(each, evidence=evidence) for each in found))


def _arrival(each: Arrival, *, evidence: bool) -> Markup:
    name = each.name or each.employee_id
    if not each.first or not access.may("attendance.view"):
        state = Markup("")
    elif each.late:
        state = parts.status("late", say("{time} late", time=say_minutes(each.late_min or 0)))
    else:
        state = parts.status("present" if each.late is None else "on time")
    source = (
        parts.picture(each.picture, 112) + "&square" if evidence and each.picture else parts.portrait(each.employee_id)
    )
    return parts.markup(
        '<div class="m-row m-arrival">{face}<div><strong>{name}</strong><br>'
        '<span class="m-soft">{time} · {camera}</span> {state} {find}</div></div>',
        find=face_link(each.picture) if evidence and each.picture else "",
        face=parts.face(source, 56, name),
        name=name,
        time=each.time,
        camera=each.camera,
        state=state,
    )
