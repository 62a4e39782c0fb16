"""Live data for browsers: pictures of one of the server's cameras, one JPEG after the other (multipart/x-mixed-replace); small ones of
many cameras in one answer, because a browser opens no more than six; and what to draw over the preview of a browser's own camera
(server-sent events).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import struct
import time
from collections.abc import AsyncIterator, Callable, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.live.cameras import Camera
from app.live.multipart import MULTIPART, part
from app.live.overlay import Overlay, find
from app.live.places import Places
from app.web import services
from app.web.gate import signed_in, visitor
from engine.errors import MusterError

log = logging.getLogger(__name__)

_POLL_S = 0.03
_OVERLAY_POLL_S = 0.015
_CHECK_S = 20.0
_GLANCE_S, _BEAT_S = 0.1, 2.0
MOST_TILES = 9
"""Cameras in one answer."""
_HEAD = struct.Struct(">II")
_MOST_VIEWERS, _EACH = 24, 8
_watching, _drawing = Places(_EACH), Places(_EACH)
"""Pictures of cameras, and drawings, that are being sent to each account."""
_HEADERS = {"Cache-Control": "no-store", "Content-Encoding": "identity"}  # compression would delay what is sent


async def _frames(request: Request, camera: Camera) -> AsyncIterator[bytes]:
    """Each newer picture, until the viewer leaves or is signed out."""
    seen, checked = 0, time.monotonic()
    with camera.watched() as picture:
        while not await request.is_disconnected():
            shot = picture.newest
            if shot.number > seen and shot.jpeg:
                seen = shot.number
                yield part(shot.jpeg)
            if time.monotonic() - checked > _CHECK_S:
                checked = time.monotonic()
                if not _may_look(request):
                    return
            await asyncio.sleep(_POLL_S)


def _may_look(request: Request) -> bool:
    """Whether the viewer still has the right; False if that is unknown."""
    try:
        found = visitor(request)
    except MusterError:
        return False
    return found is not None and found[0].may("live.view")


async def _asked(request: Request) -> tuple[list[Camera], str] | Response:
    """The cameras that a request names, and whose it is; else the refusal."""
    try:
        found = visitor(request)
        if found is None or not found[0].may("live.view"):
            return PlainTextResponse("your role does not allow this", 403)
        cameras = await run_in_threadpool(services.cameras, found[1])
    except MusterError as error:
        log.warning("%s", error)
        return PlainTextResponse("Muster cannot read this right now", 503)
    names = dict.fromkeys(request.query_params.getlist("name"))
    if not names or len(names) > MOST_TILES or names.keys() - cameras.keys():
        return PlainTextResponse("camera not found", 404)
    return [cameras[name] for name in names], found[0].name


async def _stream(request: Request) -> Response:
    asked = await _asked(request)
    if isinstance(asked, Response):
        return asked
    (camera, *more), account = asked
    if more:
        return PlainTextResponse("camera not found", 404)
    if camera.picture.viewers >= _MOST_VIEWERS:
        return PlainTextResponse("too many viewers for this camera", 503)
    return _lasting(_frames(request, camera), MULTIPART, _watching, account)


async def _many(request: Request) -> Response:
    asked = await _asked(request)
    if isinstance(asked, Response):
        return asked
    return _lasting(_glances(request, asked[0]), "application/octet-stream", _watching, asked[1])


async def _glances(request: Request, cameras: Sequence[Camera]) -> AsyncIterator[bytes]:
    """Each newer small picture of some cameras, and how they are: lengths of both, JSON, JPEG."""
    seen, told, checked = [0] * len(cameras), [("", 0.0)] * len(cameras), time.monotonic()
    with contextlib.ExitStack() as stack:
        shown = [stack.enter_context(camera.glanced()) for camera in cameras]
        while not await request.is_disconnected():
            for place, each in enumerate(shown):
                shot, (state, at), now = each.picture.newest, told[place], time.monotonic()
                fresh = shot.number > seen[place] and bool(shot.jpeg)
                if fresh or each.state != state or now - at > _BEAT_S:
                    seen[place], told[place] = shot.number, (each.state, now)
                    head = json.dumps({"name": each.name, "state": each.state}).encode()
                    jpeg = shot.jpeg if fresh else b""
                    yield _HEAD.pack(len(head), len(jpeg)) + head + jpeg
            if time.monotonic() - checked > _CHECK_S:
                checked = time.monotonic()
                if not _may_look(request):
                    return
            await asyncio.sleep(_GLANCE_S)


async def _drawings(request: Request, overlay: Overlay) -> AsyncIterator[str]:
    """Each newer drawing, until the page is left or its session loses the right to it."""
    seen, checked = 0, time.monotonic()
    while not await request.is_disconnected():
        number, drawing = overlay.newest
        if number > seen:
            seen = number
            yield f"data: {drawing}\n\n"
        if time.monotonic() - checked > _CHECK_S:
            checked = time.monotonic()
            if not _may_draw(overlay):
                return
        await asyncio.sleep(_OVERLAY_POLL_S)


def _may_draw(overlay: Overlay) -> bool:
    """Whether the page's session still has the right; False if that is unknown."""
    try:
        return overlay.allowed()
    except MusterError:
        return False


async def _overlay(request: Request) -> Response:
    try:
        account = signed_in(request.headers)
    except MusterError as error:
        log.warning("%s", error)
        return PlainTextResponse("Muster cannot read this right now", 503)
    overlay = find(request.query_params.get("key", ""), account.name) if account else None
    if overlay is None or account is None:
        return PlainTextResponse("camera not found", 404)
    if not _may_draw(overlay):
        return PlainTextResponse("your role does not allow this", 403)
    return _lasting(_drawings(request, overlay), "text/event-stream", _drawing, account.name)


def _lasting(parts: AsyncIterator[bytes] | AsyncIterator[str], media_type: str, places: Places, who: str) -> Response:
    """An answer that does not end by itself, unless its account has too many of them."""
    if not places.enter(who):
        return PlainTextResponse("you have too many of these open: close other windows", 503)
    return _Lasting(parts, media_type, lambda: places.leave(who))


class _Lasting(StreamingResponse):
    """Says when it ends, however it does."""

    def __init__(
        self, parts: AsyncIterator[bytes] | AsyncIterator[str], media_type: str, ended: Callable[[], None]
    ) -> None:
        super().__init__(parts, media_type=media_type, headers=_HEADERS)
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See `StreamingResponse`."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended()


routes = [Route("/camera", _stream), Route("/cameras", _many), Route("/overlay", _overlay)]
