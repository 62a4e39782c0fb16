"""Sign-in and sign-out: plain pages without scripts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import segno
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from app.web import services
from app.web.browsers import browser_name
from app.web.sessions import BROWSER, BROWSER_S, COOKIE
from app.words import choose, translations
from engine.access import (
    PASSWORD_LENGTH,
    Account,
    TryLater,
    Visitor,
    WrongSecret,
    end_setup,
    right_setup,
    second_factor,
)
from engine.errors import InputError, MusterError

_pages = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape())
_FORM_LIMIT = 8192
_SECOND_S = 600
log = logging.getLogger(__name__)


def _language(request: Request) -> str:
    fixed = services.home().config.app.language
    accepted = [part.split(";")[0].strip() for part in request.headers.get("accept-language", "").split(",")]
    return fixed or choose(accepted)


def _page(
    request: Request,
    *,
    problem: str = "",
    name: str = "",
    status: int = 200,
    away: bool = False,
    headers: Mapping[str, str] | None = None,
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
    return _shown(
        request,
        "sign_in.html",
        503 if away else status,
        headers=headers or {},
        first=first,
        problem=problem,
        away=away,
        name=name,
        next=_local(request.query_params.get("next", "/")),
        sample=bench.config.sample,
        length=PASSWORD_LENGTH,
        workspace=str(bench.workspace),
        setup=setup or request.query_params.get("setup", ""),
        oidc=bench.config.app.oidc,
    )


def _shown(
    request: Request, template: str, status: int = 200, *, headers: Mapping[str, str] = {}, **values: object
) -> Response:
    """A page of `app/web/templates` in the visitor's language."""
    code = _language(request)
    html = _pages.get_template(template).render(
        say=lambda text, **values: translations(code).gettext(text).format(**values),
        language=code,
        organisation=services.home().config.organisation,
        **values,
    )
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store", **headers})


def _local(place: str) -> str:
    """A path on this server; anything else becomes the first page."""
    parts = urlsplit(place)
    plain = place.startswith("/") and not place.startswith("//") and "\\" not in place and place.isprintable()
    return place if plain and not parts.scheme and not parts.netloc and parts.path != "/sign-in" else "/"


async def _form(request: Request) -> dict[str, str] | None:
    if int(request.headers.get("content-length") or _FORM_LIMIT + 1) > _FORM_LIMIT:
        return None
    form = await request.form()
    return {key: value for key, value in form.items() if isinstance(value, str)}


def _visitor(request: Request) -> Visitor:
    address = request.client.host if request.client else ""
    return services.browsers().visitor(request.cookies.get(BROWSER, ""), address)


def _welcome(request: Request, account: Account, place: str) -> Response:
    """Start a session and redirect; the browser is known from now on."""
    sessions, visitor = services.sessions(), _visitor(request)
    name = browser_name(request.headers.get("user-agent", ""))
    token, known = sessions.begin(account, browser=name, address=visitor.address), services.browsers()
    response = RedirectResponse(_local(place), 303)
    for cookie, value, life_s in (
        (COOKIE, token, round(sessions.life_s)),
        (BROWSER, known.after(visitor, account), BROWSER_S),
    ):
        response.set_cookie(
            cookie, value, max_age=life_s, httponly=True, samesite="strict", secure=request.url.scheme == "https"
        )
    return response


async def _sign_in(request: Request) -> Response:
    if request.method == "GET":
        return await run_in_threadpool(_page, request)
    form = await _form(request)
    if form is None:
        return PlainTextResponse("use the sign-in page of this server", 400)
    return await run_in_threadpool(_checked, request, form)


def _checked(request: Request, form: dict[str, str]) -> Response:
    name, bench = form.get("name", ""), services.home()
    now = datetime.now(UTC)
    try:
        if not bench.accounts.all():
            if not right_setup(bench.workspace, form.get("setup", "")):
                raise InputError("the set-up code is wrong", hint="open the link that `muster app` printed last")
            if form.get("password", "") != form.get("again", ""):
                raise InputError("the passwords differ", hint="type the same password twice")
            account = bench.accounts.add(name, "admin", form.get("password", ""), first=True)
            end_setup(bench.workspace)
            bench.audit.note("first_admin", "", "created the first account", author=account.name, now=now)
        else:
            account = bench.accounts.check(name, form.get("password", ""), now, _visitor(request))
            if account.totp or account.role in bench.config.app.second_factor:
                return _second(request, account, form)
            bench.users.entered(account)
    except InputError as error:
        return _refused(request, error, name, form.get("setup", ""))
    except MusterError as error:
        log.warning("nobody can sign in: %s", error)
        return _page(request, name=name, away=True)
    return _welcome(request, account, form.get("next", "/"))


def _second(request: Request, account: Account, form: dict[str, str]) -> Response:
    """Ask for the second factor, or set it up if the role must have one."""
    secret = "" if account.totp else second_factor.new_secret()
    pending = services.sessions().begin(account, "second", life_s=_SECOND_S, data=secret)
    return _code_page(request, account, secret, pending, _local(form.get("next", "/")))


def _code_page(
    request: Request, account: Account, secret: str, pending: str, place: str, *, problem: str = "", status: int = 200
) -> Response:
    place_name = services.home().config.organisation
    qr = segno.make(second_factor.address(secret, account.name, place_name)).svg_data_uri(scale=4) if secret else ""
    return _shown(
        request, "second_factor.html", status, secret=secret, qr=qr, pending=pending, next=place, problem=problem
    )


def _code_checked(request: Request, form: dict[str, str]) -> Response:
    sessions, users, place = services.sessions(), services.home().users, _local(form.get("next", "/"))
    token, code = form.get("pending", ""), form.get("code", "")
    try:
        if (found := sessions.pending(token)) is None:
            return RedirectResponse("/sign-in", 303)
        account, secret = found
        try:
            codes = users.enrol(account, secret, code) if secret else []
            if not secret:
                services.home().accounts.check_code(account.name, code, datetime.now(UTC))
        except InputError as error:
            if isinstance(error, WrongSecret):
                users.failed(error, _visitor(request).address)
            status = 429 if isinstance(error, TryLater) else 400
            return _code_page(request, account, secret, token, place, problem=str(error), status=status)
        sessions.end(token)
        now_there = services.home().accounts.of_id(account.id)
        if now_there is None:
            return RedirectResponse("/sign-in", 303)
        users.entered(now_there)
    except MusterError as error:
        log.warning("nobody can sign in: %s", error)
        return _page(request, away=True)
    welcome = _welcome(request, now_there, place)
    if not codes:
        return welcome
    page = _shown(request, "recovery.html", codes=codes, next=place)
    for cookie in welcome.headers.getlist("set-cookie"):
        page.headers.append("set-cookie", cookie)
    return page


async def _code(request: Request) -> Response:
    form = await _form(request)
    if form is None:
        return PlainTextResponse("use the sign-in page of this server", 400)
    return await run_in_threadpool(_code_checked, request, form)


def _refused(request: Request, error: InputError, name: str, setup: str = "") -> Response:
    """The page again, after something was wrong."""
    if isinstance(error, TryLater):
        return _page(request, problem=str(error), name=name, status=429, headers={"Retry-After": str(error.wait_s)})
    if isinstance(error, WrongSecret):
        try:
            services.home().users.failed(error, _visitor(request).address)
        except MusterError as unwritten:
            log.warning("a failed sign-in cannot be recorded: %s", unwritten)
    return _page(request, problem=str(error), name=name, status=400, setup=setup)


async def _ticket(request: Request) -> Response:
    """Redeem the ticket from the organisation's sign-in."""
    account = await run_in_threadpool(services.sessions().redeem, request.query_params.get("ticket", ""))
    if account is None:
        return RedirectResponse("/sign-in", 303)
    return await run_in_threadpool(_welcome, request, account, "/")


async def _sign_out(request: Request) -> Response:
    """End the session. Only this server's own pages can (the gate sees to it): a link, which other sites can show, leads to a button."""
    if request.method == "GET":
        return await run_in_threadpool(_leaving, request)
    try:
        await run_in_threadpool(_ended, request.cookies.get(COOKIE, ""))
    except MusterError as error:
        log.warning("nobody can sign out: %s", error)
        return PlainTextResponse("Muster cannot end the session right now. Try again.", 503)
    # also sign out of the organisation's service
    response = RedirectResponse("/auth/logout" if services.home().config.app.oidc else "/sign-in", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def _ended(token: str) -> None:
    bench, sessions = services.home(), services.sessions()
    account = sessions.account(token)
    sessions.end(token)
    if account is not None:
        bench.users.entered(account, "signed out")


def _leaving(request: Request) -> Response:
    return _shown(request, "sign_out.html")


async def _first_page(request: Request) -> Response:
    """Streamlit serves the first page of the menu without a path of its own."""
    query = request.url.query
    return RedirectResponse(f"/?{query}" if query else "/", 307)


routes = [
    Route("/sign-in", _sign_in, methods=["GET", "POST"]),
    Route("/sign-in/code", _code, methods=["POST"]),
    Route("/ticket", _ticket),
    Route("/sign-out", _sign_out, methods=["GET", "POST"]),
    Route("/healthz", PlainTextResponse("ok"), methods=["GET"]),
    Route("/live", _first_page),
]
