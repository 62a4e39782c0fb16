"""Access to the kiosk: host names, device tokens, scopes, and error answers that reveal no more than necessary."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from flask import Flask, Response, current_app, g, jsonify, make_response, redirect, render_template, request
from markupsafe import Markup
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from app.kiosk.station import Station
from app.kiosk.words import pairing_words, screen_language
from app.web.hosts import PINNED, known_host, pinned
from app.web.proxies import normal_origin
from engine.access import Device, TryLater
from engine.errors import GalleryMismatch, InputError, ModelUnavailable, MusterError, StorageError
from engine.imaging import PictureTooLarge

log = logging.getLogger(__name__)

COOKIE = "muster_kiosk"
_DAY_S = 24 * 3600
_PAIR = "pair"

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
}
_PAGE_STYLE = (Path(__file__).parent / "templates" / "unpaired.css").read_text(encoding="utf-8")
_STYLE = f"'sha256-{base64.b64encode(hashlib.sha256(_PAGE_STYLE.encode()).digest()).decode()}'"
"""The page for screens that are not paired gets no file, so its style is in it."""
_NOT_READY: Mapping[type, str] = {
    StorageError: "the workspace cannot be read or written",
    ModelUnavailable: "the models are missing",
    GalleryMismatch: "the templates belong to another model",
}
"""Public messages for server errors, because the original messages contain paths."""
_Route = TypeVar("_Route", bound=Callable[..., object])


def needs(scope: str) -> Callable[[_Route], _Route]:
    """Mark a route for devices with a scope; an empty scope admits everyone."""

    def mark(route: _Route) -> _Route:
        route.scope = scope  # type: ignore[attr-defined]
        return route

    return mark


def station() -> Station:
    """The kiosk of the current request."""
    found: Station = current_app.extensions["muster"]
    return found


def device() -> Device:
    """The device of the current request."""
    found: Device = g.device
    return found


def problem(status: int, code: str, message: str, **more: object) -> Response:
    """A machine-readable error answer."""
    answer = jsonify({"error": {"code": code, "message": message, **more}})
    answer.status_code = status
    return answer


def still_may(scope: str) -> Callable[[], bool]:
    """A check for long answers, made outside the request: whether the device still has the right."""
    book, token = station().bench.devices, _token()

    def may() -> bool:
        device = book.check(token)
        return device is not None and device.may(scope)

    return may


def _token() -> str:
    given = request.authorization
    return (given.token or "") if given and given.type == "bearer" else request.cookies.get(COOKIE, "")


def _known() -> Device | None:
    """The device that sends a request. A screen counts as used, and its cookie lives on; unused for too long, it is nobody."""
    kiosk, token = station(), _token()
    device = kiosk.bench.devices.check(token)
    if device is None or request.cookies.get(COOKIE) != token:
        return device
    today = kiosk.bench.clock().date()
    unused = device.unused_days(today)
    if unused > kiosk.config.paired_days:
        return None
    if unused or not device.used_on:
        g.renewed = token
        try:
            kiosk.bench.devices.seen(device.device_id, today)
        except StorageError as error:  # the screen works on; the next request tries again
            log.warning("the use of %s cannot be noted: %s", device.device_id, error)
    return device


def guard(app: Flask, hosts: frozenset[str]) -> None:
    """Put the guard before every route of an application."""

    @app.before_request
    def check() -> AnyResponse | None:
        if not known_host(request.host, hosts):
            return problem(
                421, "unknown_host", "unknown host name: add it to `hosts` in section [kiosk] of muster.toml"
            )
        scope = _scope(app)
        if scope == "":
            return None
        if request.path == "/" and request.method == "GET" and _PAIR in request.args:
            return _pair(request.args[_PAIR])
        device = _known()
        if device is None:
            return _unpaired()
        g.device = device
        return _refusal(device, scope)

    @app.after_request
    def finish(answer: Response) -> Response:
        if (token := g.get("renewed")) is not None and answer.status_code != 401:
            _keep(answer, token)
        for name, value in _HEADERS.items():
            answer.headers.setdefault(name, value)
        if pinned(request.scheme, request.host):
            answer.headers["Strict-Transport-Security"] = PINNED
        return answer

    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(MusterError, _expected)
    app.register_error_handler(Exception, _unexpected)


def _refused(error: HTTPException) -> AnyResponse:
    status = error.code or 500
    if status < 400:  # a redirect
        return error.get_response()
    answer = problem(status, error.name.casefold().replace(" ", "_"), error.name)
    allowed = error.get_response().headers.get("Allow")
    if allowed:
        answer.headers["Allow"] = allowed
    return answer


def _expected(error: MusterError) -> Response:
    if isinstance(error, TryLater):
        answer = problem(429, "throttled", error.message, retry_after_s=error.wait_s)
        answer.headers["Retry-After"] = str(error.wait_s)
        return answer
    if isinstance(error, PictureTooLarge):
        return problem(413, "too_large", error.message, hint=error.hint)
    if isinstance(error, InputError):
        return problem(422, "cannot_be_used", error.message, hint=error.hint)
    log.warning("%s", error)
    return problem(503, "not_ready", _NOT_READY.get(type(error), "the kiosk is not ready: see its log"))


def _unexpected(error: Exception) -> Response:
    log.error("%r %r", request.method, request.path, exc_info=error)
    return problem(500, "fault", "internal error: see the log of the kiosk")


def _scope(app: Flask) -> str | None:
    """The scope of the requested route: empty for everyone, None for an unknown route or one for all devices."""
    if request.endpoint == "static":
        return "screen"
    route = app.view_functions.get(request.endpoint or "")
    found: str | None = getattr(route, "scope", None)
    return found


def _refusal(device: Device, scope: str | None) -> Response | None:
    """The refusal for a device without the right, or None."""
    if scope is not None and not device.may(scope):
        return problem(403, "wrong_scope", f"this device lacks the scope {scope}")
    if request.method not in {"GET", "HEAD", "OPTIONS"} and not _own_page():
        return problem(403, "foreign_origin", "only pages of this kiosk may send this request")
    return None


def _own_page() -> bool:
    """Whether a page of this kiosk sent a request, or a program, which names no origin. Foreign pages can send a cookie, but no token."""
    named = request.headers.get("Origin")
    if named is None:
        return "Authorization" in request.headers
    return normal_origin(named) == normal_origin(f"{request.scheme}://{request.host}")


def _pair(code: str) -> AnyResponse:
    """Handle a pairing link: exchange its code for a token, which the browser keeps where scripts cannot read it."""
    admitted = station().bench.kiosk.admit(code)
    if admitted is None:
        return _unpaired(refused=True)
    answer = redirect("/", 303)
    _keep(answer, admitted[1])
    return answer


def _keep(answer: AnyResponse, token: str) -> None:
    answer.set_cookie(
        COOKIE,
        token,
        max_age=station().config.paired_days * _DAY_S,
        httponly=True,
        samesite="Lax",  # a link from elsewhere leads to a page that is paired
        secure=request.is_secure,
    )


def _unpaired(*, refused: bool = False) -> Response:
    """The answer to who is not paired; `refused`: with a code that is not good."""
    if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
        language = screen_language(station().config.language, [code for code, _ in request.accept_languages])
        shown = {"language": language, "words": pairing_words(language), "refused": refused}
        page = render_template("unpaired.html", style=Markup(_PAGE_STYLE), **shown)
        answer = make_response(page, 401)
        policy = _HEADERS["Content-Security-Policy"].replace("style-src 'self'", f"style-src {_STYLE}")
        answer.headers["Content-Security-Policy"] = policy
    elif refused:
        answer = problem(401, "wrong_code", "this code was used or is over: `muster kiosk pair` prints a new one")
    else:
        answer = problem(401, "not_paired", "device token missing: create one with `muster kiosk pair`")
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer
