"""Sign-in and sign-out: plain pages without scripts."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import segno
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from app.web import oidc, plain, services
from app.web.sessions import COOKIE
from engine.access import (
    PASSWORD_LENGTH,
    Account,
    TryLater,
    WrongSecret,
    end_setup,
    right_setup,
    second_factor,
)
from engine.errors import InputError, MusterError
from engine.words import phrase

_FORM_LIMIT = 8192
_SECOND_S = 600
log = logging.getLogger(__name__)


async def _form(request: Request) -> dict[str, str] | None:
    if int(request.headers.get("content-length") or _FORM_LIMIT + 1) > _FORM_LIMIT:
        return None
    form = await request.form()
    return {key: value for key, value in form.items() if isinstance(value, str)}


async def _sign_in(request: Request) -> Response:
    if request.method == "GET":
        return await run_in_threadpool(plain.sign_in, request)
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
                raise InputError(
                    phrase("the set-up code is wrong"), hint=phrase("open the link that `muster app` printed last")
                )
            if form.get("password", "") != form.get("again", ""):
                raise InputError(phrase("the passwords differ"), hint=phrase("type the same password twice"))
            account = bench.accounts.add(name, "admin", form.get("password", ""), first=True)
            end_setup(bench.workspace)
            bench.audit.note("first_admin", "", "created the first account", author=account.name, now=now)
        else:
            account = bench.accounts.check(name, form.get("password", ""), now, plain.visitor(request))
            if account.totp or account.role in bench.config.app.second_factor:
                return _second(request, account, form)
            bench.users.entered(account)
    except InputError as error:
        return _refused(request, error, name, form.get("setup", ""))
    return plain.welcome(request, account, RedirectResponse(plain.local(form.get("next", "/")), 303))


async def _invited(request: Request) -> Response:
    """Let somebody choose a password who was sent a link. Opening it uses nothing up: programs look at links, too."""
    if request.method == "GET":
        return await run_in_threadpool(_invitation, request, request.query_params.get("code", ""))
    form = await _form(request)
    if form is None:
        return PlainTextResponse("use the sign-in page of this server", 400)
    return await run_in_threadpool(_accepted, request, form)


def _invitation(request: Request, code: str, problem: str = "") -> Response:
    account = services.home().accounts.invited(code)
    status = 400 if problem or account is None else 200
    name = account.name if account else ""
    return plain.shown(request, "invited.html", status, code=code, name=name, problem=problem, length=PASSWORD_LENGTH)


def _accepted(request: Request, form: dict[str, str]) -> Response:
    code, bench = form.get("code", ""), services.home()
    try:
        if form.get("password", "") != form.get("again", ""):
            raise InputError(phrase("the passwords differ"), hint=phrase("type the same password twice"))
        account = bench.users.accept(code, form.get("password", ""))
        if account.totp or account.role in bench.config.app.second_factor:
            return _second(request, account, form)
        bench.users.entered(account)
    except InputError as error:
        return _invitation(request, code, plain.explained(request, error))
    return plain.welcome(request, account, RedirectResponse("/", 303))


def _second(request: Request, account: Account, form: dict[str, str]) -> Response:
    """Ask for the second factor, or set it up if the role must have one."""
    secret = "" if account.totp else second_factor.new_secret()
    pending = services.sessions().begin(account, "second", life_s=_SECOND_S, data=secret)
    return _code_page(request, account, secret, pending, plain.local(form.get("next", "/")))


def _code_page(
    request: Request, account: Account, secret: str, pending: str, place: str, *, problem: str = "", status: int = 200
) -> Response:
    place_name = services.home().config.organisation
    qr = segno.make(second_factor.address(secret, account.name, place_name)).svg_data_uri(scale=4) if secret else ""
    return plain.shown(
        request, "second_factor.html", status, secret=secret, qr=qr, pending=pending, next=place, problem=problem
    )


def _code_checked(request: Request, form: dict[str, str]) -> Response:
    sessions, users, place = services.sessions(), services.home().users, plain.local(form.get("next", "/"))
    token, code = form.get("pending", ""), form.get("code", "")
    if (found := sessions.pending(token)) is None:
        return RedirectResponse("/sign-in", 303)
    account, secret = found
    try:
        codes = users.enrol(account, secret, code) if secret else []
        if not secret:
            services.home().accounts.check_code(account.name, code, datetime.now(UTC))
    except InputError as error:
        if isinstance(error, WrongSecret):
            users.failed(error, plain.visitor(request).address)
        status = 429 if isinstance(error, TryLater) else 400
        return _code_page(
            request, account, secret, token, place, problem=plain.explained(request, error), status=status
        )
    sessions.end(token)
    now_there = services.home().accounts.of_id(account.id)
    if now_there is None:
        return RedirectResponse("/sign-in", 303)
    users.entered(now_there)
    if not codes:
        return plain.welcome(request, now_there, RedirectResponse(place, 303))
    return plain.welcome(request, now_there, plain.shown(request, "recovery.html", codes=codes, next=place))


async def _code(request: Request) -> Response:
    form = await _form(request)
    if form is None:
        return PlainTextResponse("use the sign-in page of this server", 400)
    return await run_in_threadpool(_code_checked, request, form)


def _refused(request: Request, error: InputError, name: str, setup: str = "") -> Response:
    """The page again, after something was wrong."""
    if isinstance(error, TryLater):
        return plain.sign_in(
            request, problem=plain.explained(request, error), name=name, status=429, wait_s=error.wait_s
        )
    if isinstance(error, WrongSecret):
        try:
            services.home().users.failed(error, plain.visitor(request).address)
        except MusterError as unwritten:
            log.warning("a failed sign-in cannot be recorded: %s", unwritten)
    return plain.sign_in(request, problem=plain.explained(request, error), name=name, status=400, setup=setup)


async def _sign_out(request: Request) -> Response:
    """End the session. Only this server's own pages can (the gate sees to it): a link, which other sites can show, leads to a button."""
    if request.method == "GET":
        return await run_in_threadpool(plain.shown, request, "sign_out.html")
    await run_in_threadpool(_ended, request.cookies.get(COOKIE, ""))
    # a page of ours leads to the organisation's service: browsers follow no form to another server
    farewell = await oidc.farewell(request)
    response = plain.onward(request, farewell) if farewell else RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    oidc.tidy(request, response)
    return response


def _ended(token: str) -> None:
    bench, sessions = services.home(), services.sessions()
    account = sessions.account(token)
    sessions.end(token)
    if account is not None:
        bench.users.entered(account, "signed out")


async def _first_page(request: Request) -> Response:
    """Streamlit serves the first page of the menu without a path of its own."""
    query = request.url.query
    return RedirectResponse(f"/?{query}" if query else "/", 307)


routes = [
    Route("/sign-in", plain.answered(_sign_in), methods=["GET", "POST"]),
    Route("/sign-in/invited", plain.answered(_invited), methods=["GET", "POST"]),
    Route("/sign-in/code", plain.answered(_code), methods=["POST"]),
    Route("/sign-out", plain.answered(_sign_out), methods=["GET", "POST"]),
    Route("/live", _first_page),
]
