"""Films of incidents for pages, checked against the role."""

from __future__ import annotations

import hashlib
import re

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.web import services
from app.web.below import at
from app.web.gate import visitor
from app.web.pictures import allowed, at_site, threaded, viewed
from engine.errors import InputError, StorageError
from engine.imaging import boxes_of
from engine.incidents import film_of
from engine.storage.vault import read_file

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_GONE = "there is no film of this incident"


def film(incident_id: str, what: str = "film") -> str:
    """The address of an incident's film at the current site; `what`: `boxes` for those of the faces in it."""
    return at(f"/{what}/{incident_id}?{at_site().removeprefix('&')}")


def _content(request: Request) -> tuple[str, bytes] | Response:
    """Where the film lies, and the film, or why it is not shown."""
    if (found := visitor(request)) is None:
        return PlainTextResponse(_GONE, 404)
    if not allowed(found[0], "films"):
        return PlainTextResponse("your role does not allow this", 403)
    records = services.bench(found[1]).records
    try:
        place = film_of(records.incidents.find(request.path_params["incident"]))
        path = records.inside(place)
        content = read_file(path) if path is not None else b""
    except (InputError, StorageError, FileNotFoundError):
        content, place = b"", ""
    if not content:
        return PlainTextResponse(_GONE, 404)
    if records.picture_fault(place):
        return PlainTextResponse("this film was changed outside of Muster", 409)
    return place, content


def _film(request: Request) -> Response:
    given = _content(request)
    if isinstance(given, Response):
        return given
    place, content = given
    headers = {
        "Cache-Control": "private, no-cache",  # an erased film must not linger in a browser
        "Accept-Ranges": "bytes",
        "ETag": f'"{hashlib.sha256(content).hexdigest()[:24]}"',
    }
    if (found := visitor(request)) is not None:
        viewed(request, found, place.removeprefix("images/"))
    wanted = _RANGE.fullmatch(request.headers.get("range", ""))
    if wanted is None:
        return Response(content, media_type="video/mp4", headers=headers)
    first, last = int(wanted[1]), min(int(wanted[2] or len(content) - 1), len(content) - 1)
    if first > last:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    return Response(content[first : last + 1], 206, media_type="video/mp4", headers=headers)


def _boxes(request: Request) -> Response:
    given = _content(request)
    if isinstance(given, Response):
        return given
    return JSONResponse(boxes_of(given[1]) or {}, headers={"Cache-Control": "private, no-cache"})


routes = [Route("/film/{incident}", threaded(_film)), Route("/boxes/{incident}", threaded(_boxes))]
