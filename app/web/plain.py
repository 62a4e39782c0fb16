"""Plain pages without scripts, which need no session, and what browsers keep after sign-in."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.web import authority, services
from app.web.below import at
from app.web.browsers import browser_name
from app.web.sessions import BROWSER, BROWSER_S, COOKIE
from app.words import choose, translations
from engine.access import PASSWORD_LENGTH, Account, NotAdmitted, Visitor
from engine.errors import MusterError
from engine.words import Phrase

_pages = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape())
log = logging.getLogger(__name__)
Answer = TypeVar("Answer", bound=Response)


def language(request: Request) -> str:
    fixed = services.home().config.app.language
    accepted = [part.split(";")[0].strip() for part in request.headers.get("accept-language", "").split(",")]
    return fixed or choose(accepted)


def sign_in(
    request: Request,
    *,
    problem: str = "",
    name: str = "",
    status: int = 200,
    away: bool = False,
    wait_s: int = 0,
    setup: str = "",
) -> Response:
    """The sign-in page: with the problem and the name of the last try, or (away) while the accounts cannot be read or written.

    Visitors who are not signed in do not learn where the accounts are kept.
    """
    bench = services.home()
    try:
        first = not bench.accounts.all()
    except MusterError as error:
        log.warning("the accounts cannot be read: %s", error)
        first, away = False, True
    return shown(
        request,
        "sign_in.html",
        503 if away else status,
        wait_s=wait_s,
        first=first,
        problem=problem,
        away=away,
        name=name,
        next=local(request.query_params.get("next", "/")),
        sample=bench.config.sample,
        length=PASSWORD_LENGTH,
        workspace=str(bench.workspace),
        setup=setup or request.query_params.get("setup", ""),
        oidc=bench.config.app.oidc,
    )


def shown(request: Request, template: str, status: int = 200, *, wait_s: int = 0, **values: object) -> HTMLResponse:
    """A page of `app/web/templates` in the visitor's language."""
    code = language(request)
    html = _pages.get_template(template).render(
        say=lambda text, **values: translations(code).gettext(text).format(**values),
        language=code,
        root=at(""),
        self_signed=authority.offered() is not None,
        organisation=services.home().config.organisation,
        **values,
    )
    response = HTMLResponse(html, status, headers={"Cache-Control": "no-store"})
    if wait_s:
        response.headers["Retry-After"] = str(wait_s)
    return response


def local(place: str) -> str:
    """A path on this server; anything else becomes the first page."""
    parts = urlsplit(place)
    plain = place.startswith("/") and not place.startswith("//") and "\\" not in place and place.isprintable()
    return place if plain and not parts.scheme and not parts.netloc and parts.path != "/sign-in" else "/"


def answered(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """A handler of a route for people without a session: while a file cannot be read or written, it shows a page that says so."""

    @functools.wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except MusterError as error:
            log.warning("nobody can sign in or out: %s", error)
            return await run_in_threadpool(sign_in, request, away=True)

    return answer


def told(request: Request, refusal: NotAdmitted) -> str:
    """Why an identity opens no account, and what to do, in the visitor's language."""
    translate = translations(language(request)).gettext
    return f"{refusal.told.said(translate)} {refusal.step.said(translate)}"


def explained(request: Request, error: MusterError) -> str:
    """What an error says, with its next step, as sentences in the visitor's language."""
    translate = translations(language(request)).gettext
    parts = [text.said(translate) if isinstance(text, Phrase) else text for text in (error.message, error.hint)]
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in parts if part)


def onward(request: Request, place: str) -> Response:
    """A page that leads on by itself, as links of this server do: browsers send cookies that other sites' redirects do not get."""
    return shown(request, "onward.html", place=at(place))


def visitor(request: Request) -> Visitor:
    """Who asks.

    Raises:
        StorageError: the key of browsers cannot be read or written.
    """
    address = request.client.host if request.client else ""
    return services.browsers().visitor(request.cookies.get(BROWSER, ""), address)


def keep(
    request: Request,
    response: Response,
    cookie: str,
    value: str,
    life_s: int,
    *,
    path: str = "/",
    samesite: Literal["strict", "lax"] = "strict",
) -> None:
    """Let the browser keep something out of the reach of scripts, and behind TLS also of plain HTTP."""
    secure = request.url.scheme == "https"
    response.set_cookie(cookie, value, max_age=life_s, path=path, httponly=True, samesite=samesite, secure=secure)


def welcome(request: Request, account: Account, response: Answer, *, life_s: float | None = None) -> Answer:
    """Begin a session with an answer; the browser is known from now on.

    Args:
        life_s: shorter than usual.

    Raises:
        StorageError: the session cannot be written.
    """
    sessions, who, known = services.sessions(), visitor(request), services.browsers()
    name = browser_name(request.headers.get("user-agent", ""))
    token = sessions.begin(account, browser=name, address=who.address, life_s=life_s)
    keep(request, response, COOKIE, token, round(min(life_s or sessions.life_s, sessions.life_s)))
    keep(request, response, BROWSER, known.after(who, account), BROWSER_S)
    return response
