"""Small pictures of the workspace for pages, checked against the role."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.web import services, viewer
from app.web.below import at
from app.web.gate import visitor
from app.web.sessions import token_of
from engine.access import Account
from engine.errors import MusterError
from engine.imaging import encode_jpeg, read_image, shrunk
from engine.operations.reporting import AttendanceReports
from engine.records import Records
from engine.storage import below

log = logging.getLogger(__name__)

_RIGHTS = {
    "enrolment": ("people.view", "attendance.evidence"),
    "evidence": ("attendance.picture",),
    "unidentified": ("attendance.evidence", "alerts.view"),
}
_SIDES = (56, 112, 160, 320, 640, 1280)
_SHOWN = frozenset({200, 304})
_FACES = ("live.view", "attendance.view", "people.view", "alerts.view")
_FACE_PX = 160  # beside a name, for roles without the right to larger pictures
_KEPT_PX = 320
_RED = (200, 0, 0)
_TONES = ("#0072B2", "#9A6A00", "#00785A", "#A0527D", "#1F6F99", "#A64B00")


def at_site() -> str:
    """The query that makes one of our routes refer to the current site."""
    site = viewer.current.get().site
    return f"&site={quote(site, safe='')}" if site else ""


def picture(path: str, side: int = 160) -> str:
    """The address of a picture of the current site; its longest side is at least `side` pixels, as far as it has them."""
    return at(f"/picture/{quote(path)}?side={side}{at_site()}")


def portrait(employee_id: str, side: int = 112) -> str:
    """The address of a person's face: their best enrolment picture, or their initials."""
    return at(f"/portrait?id={quote(employee_id, safe='')}&side={side}{at_site()}")


def _middle(image: NDArray[np.uint8], share: float = 1.0) -> NDArray[np.uint8]:
    """The square in the middle of a picture, RGB uint8 (H, W, 3), with a share of its shorter side."""
    edge = max(1, round(min(image.shape[:2]) * share))
    top, left = (image.shape[0] - edge) // 2, (image.shape[1] - edge) // 2
    return image[top : top + edge, left : left + edge]


def inline(image: NDArray[np.uint8], side: int = 160, share: float = 1.0, *, whole: bool = False) -> str:
    """A data URL for a picture that is not stored, RGB uint8 (H, W, 3): a square of `side` pixels.

    It shows a share of the picture's shorter side, from its middle; `whole`: all of it, with its own proportions.
    """
    part = (
        shrunk(image, side)[0]
        if whole
        else cv2.resize(_middle(image, share), (side, side), interpolation=cv2.INTER_AREA)
    )
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(np.asarray(part, np.uint8), 85)).decode()


def _small(path: Path, stamp: tuple[int, int], side: int, *, square: bool, changed: bool) -> bytes:
    del stamp  # part of the key, so that a replaced file is a new picture
    image = read_image(path)
    image, _ = shrunk(_middle(image) if square else image, side)
    image = np.ascontiguousarray(image)
    return encode_jpeg(_struck_out(image) if changed else image, 85)


def _struck_out(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy of a picture, RGB uint8 (H, W, 3), framed and struck out in red: it is not the one that Muster took."""
    marked, (height, width) = image.copy(), image.shape[:2]
    thick = max(2, min(height, width) // 24)
    cv2.rectangle(marked, (0, 0), (width - 1, height - 1), _RED, 2 * thick)
    cv2.line(marked, (0, 0), (width - 1, height - 1), _RED, thick)
    cv2.line(marked, (0, height - 1), (width - 1, 0), _RED, thick)
    return marked


_kept = lru_cache(maxsize=1500)(_small)


def allowed(account: Account, kind: str) -> bool:
    """Whether an account may see pictures in a folder below `images`."""
    return any(account.may(action) for action in _RIGHTS.get(kind, ("alerts.view",)))


def _side(request: Request) -> int:
    try:
        wanted = int(request.query_params.get("side", "160"))
    except ValueError:
        wanted = 160
    return next((side for side in _SIDES if side >= wanted), _SIDES[-1])


def _serve(request: Request, records: Records, path: Path, *, square: bool, most_px: int = _SIDES[-1]) -> Response:
    """A picture of a workspace; one that was changed outside of Muster is struck out."""
    try:
        changed = bool(records.picture_fault(path.relative_to(records.workspace.resolve()).as_posix()))
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        side = min(_side(request), most_px)
        tag = f'"{hashlib.sha256(f"{path}{stamp}{side}{square}{changed}".encode()).hexdigest()[:24]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}  # an erased picture must not linger in a browser
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        make = _kept if side <= _KEPT_PX else _small  # large ones are viewed only once
        return Response(
            make(path, stamp, side, square=square, changed=changed), media_type="image/jpeg", headers=headers
        )
    except (OSError, MusterError):
        return PlainTextResponse("this picture no longer exists", 404)


def _picture(request: Request) -> Response:
    if (found := visitor(request)) is None:
        return PlainTextResponse("picture not found", 404)
    account, workspace = found[0], services.sites().folders[found[1]]
    root = (workspace / "images").resolve()
    path = below(workspace, request.path_params["path"], within="images")
    if path is None or path == root:
        return PlainTextResponse("picture not found", 404)
    if not allowed(account, path.relative_to(root).parts[0]):
        return PlainTextResponse("your role does not allow this", 403)
    name = f"images/{path.relative_to(root).as_posix()}"
    if account.scope is not None and not AttendanceReports(services.bench_for(*found)).shows_picture(name):
        return PlainTextResponse("your role does not allow this", 403)
    records = services.bench(found[1]).records
    answer = _serve(request, records, path, square="square" in request.query_params)
    if answer.status_code in _SHOWN:
        viewed(request, found, str(path.relative_to(root)))
    return answer


def viewed(request: Request, found: tuple[Account, str], subject: str) -> None:
    session = services.sessions().key_of(token_of(request.headers.get("cookie", "")))
    services.bench(found[1]).views.note("view_picture", subject, author=found[0].name, session=session)


def _portrait(request: Request) -> Response:
    found = visitor(request)
    if found is None or not any(found[0].may(action) for action in _FACES):
        return PlainTextResponse("your role does not allow this", 403)
    account, bench, employee_id = found[0], services.bench(found[1]), request.query_params.get("id", "")
    row = services.bench_for(*found).people.known().get(employee_id)
    # without a row, somebody of another department looks like an id that does not exist
    best = bench.gallery.current().best_template(employee_id) if row or account.scope is None else None
    if best is not None:
        most = _SIDES[-1] if allowed(account, "enrolment") else _FACE_PX
        own = bench.registrar.picture(best).resolve()
        response = _serve(request, bench.records, own, square=True, most_px=most)
        if response.status_code in _SHOWN:
            if min(_side(request), most) > _FACE_PX:
                viewed(request, found, employee_id)
            return response
    return Response(
        _initials(row.name if row else "?", employee_id),
        media_type="image/svg+xml",
        headers={"Cache-Control": "private, no-cache", "Content-Security-Policy": "default-src 'none'"},
    )


def _initials(name: str, key: str) -> str:
    """A placeholder face: initials on a colour derived from the id."""
    words = [word for word in name.split() if word[0].isalnum()]
    letters = ((words[0][0] + (words[-1][0] if len(words) > 1 else "")) if words else "?").upper()
    tone = _TONES[int(hashlib.sha256(key.encode()).hexdigest(), 16) % len(_TONES)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 56 56"><rect width="56" height="56" fill="{tone}"/>'
        f'<text x="28" y="36" text-anchor="middle" font-family="sans-serif" font-size="22" fill="#fff">{letters}</text></svg>'
    )


def threaded(route: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Wraps a route that reads files: runs it off the event loop and answers errors briefly."""

    def answer(request: Request) -> Response:
        try:
            return route(request)
        except MusterError as error:
            log.warning("%s", error)
            return PlainTextResponse("Muster cannot read this right now", 503)

    async def threaded(request: Request) -> Response:
        return await run_in_threadpool(answer, request)

    return threaded


routes = [Route("/picture/{path:path}", threaded(_picture)), Route("/portrait", threaded(_portrait))]
