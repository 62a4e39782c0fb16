"""Routes for the screen: page, live picture, events."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from flask import Blueprint, Response, render_template, request

from app.kiosk.guard import device, needs, problem, station, still_may
from app.kiosk.hub import as_event
from app.kiosk.station import Station
from app.kiosk.words import screen_language, table
from app.live.multipart import MULTIPART, part
from app.words import LANGUAGES

routes = Blueprint("screen", __name__)

_IDLE_S = 15.0
"""Viewers without a new picture for this long are disconnected; the page reconnects when the camera is back."""
_PING_S = 10.0
_CHECK_S = 5.0
_MORE_LISTENERS = 10
"""Event listeners allowed beyond one per viewer of the picture."""


@routes.get("/")
@needs("screen")
def page() -> str:
    """The kiosk's page; `?lang=de` asks for a language."""
    kiosk, asked = station(), request.args.get("lang", "")
    config = kiosk.config
    accepted = [code for code, _ in request.accept_languages]
    language = screen_language(asked if asked in LANGUAGES else config.language, accepted)
    words = table(language)
    settings = {
        "language": language,
        "words": words,
        "greeting_s": config.greeting_s,
        "change_s": config.change_s,
        "pin": device().may("pin") and kiosk.offers_pin(),
        "badge": device().may("pin") and kiosk.offers_badge(),
        "sound": config.sound,
        "camera": kiosk.camera.name,
        "organisation": kiosk.bench.config.organisation,
    }
    shown = {"language": language, "title": words["title"], "words": words, "settings": settings}
    return render_template("kiosk.html", page=shown)


@routes.get("/stream.mjpg")
@needs("screen")
def stream() -> Response:
    """The live picture: one JPEG after the other (multipart/x-mixed-replace)."""
    kiosk, owner = station(), device().device_id
    if not kiosk.watching.enter(owner):
        return _crowded("this device watches too often")
    if not kiosk.picture.enter(kiosk.config.max_viewers):
        kiosk.watching.leave(owner)
        return _crowded("too many screens watch this camera")
    return _streamed(
        _pictures(kiosk, still_may("screen")), MULTIPART, kiosk.picture.leave, lambda: kiosk.watching.leave(owner)
    )


def _pictures(kiosk: Station, may: Callable[[], bool]) -> Iterator[bytes]:
    seen, sent, checked = 0, time.monotonic(), time.monotonic()
    while not kiosk.hub.closed:
        shot = kiosk.picture.next(seen, 1.0)
        now = time.monotonic()
        if shot is not None:
            seen = shot.number
            if shot.jpeg:
                sent = now
                yield part(shot.jpeg)
        if now - sent > _IDLE_S:
            return
        if now - checked > _CHECK_S:
            checked = now
            if not may():
                return


@routes.get("/snapshot.jpg")
@needs("screen")
def snapshot() -> Response:
    """The newest picture."""
    jpeg = station().camera.snapshot()
    if jpeg is None:
        return problem(503, "no_picture", "the camera has no picture right now")
    return Response(jpeg, mimetype="image/jpeg")


@routes.get("/events")
@needs("screen")
def events() -> Response:
    """Server-sent events, continued after `Last-Event-ID`."""
    kiosk, owner = station(), device().device_id
    if not kiosk.listening.enter(owner):
        return _crowded("this device listens too often")
    if not kiosk.hub.enter(kiosk.config.max_viewers + _MORE_LISTENERS):
        kiosk.listening.leave(owner)
        return _crowded("too many screens are connected")
    pin = device().may("pin")
    told = _told(kiosk, request.headers.get("Last-Event-ID", ""), still_may("screen"), pin=pin)
    return _streamed(told, "text/event-stream", kiosk.hub.leave, lambda: kiosk.listening.leave(owner))


def _told(kiosk: Station, last_id: str, may: Callable[[], bool], *, pin: bool) -> Iterator[bytes]:
    hub = kiosk.hub
    place = hub.place(last_id)

    def offers() -> dict[str, bool]:
        return {"pin": pin and kiosk.offers_pin(), "badge": pin and kiosk.offers_badge()}

    offered = offers()
    yield f"retry: 2000\n{as_event('hello', kiosk.hello(**offered))}".encode()
    pinged = time.monotonic()
    while not hub.closed:
        for message in hub.after(place, _CHECK_S):
            place = message.number
            yield as_event(message.kind, message.data, hub.name(place)).encode()
        if time.monotonic() - pinged >= _PING_S:
            pinged = time.monotonic()
            yield as_event("ping", {}).encode()
        if not may():
            return
        if offered != (now_offered := offers()):
            offered = now_offered
            yield as_event("hello", kiosk.hello(**offered)).encode()


def _streamed(parts: Iterator[bytes], mimetype: str, *leave: Callable[[], None]) -> Response:
    """A streamed answer that calls each `leave` once when it ends, even if it never started."""
    answer, ending = Response(parts, mimetype=mimetype), contextlib.ExitStack()
    for each in leave:
        ending.callback(each)
    answer.call_on_close(ending.close)
    return answer


def _crowded(message: str) -> Response:
    answer = problem(503, "too_many", message)
    answer.headers["Retry-After"] = "10"
    return answer
