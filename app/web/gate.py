"""The gate in front of the workbench: without a session, browsers get the sign-in page only.

It also protects Streamlit's own routes (its socket, uploads and pictures), which know nothing of accounts, and keeps pages of other
servers from using a session: cookies are the same for all ports of a host.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web import oidc, services
from app.web.hosts import PINNED, known_host, pinned
from app.web.proxies import Arrival, Proxies, normal_origin
from app.web.sessions import token_of
from engine.access import Account
from engine.errors import MusterError

log = logging.getLogger(__name__)

UNREADABLE = "Muster cannot read the accounts right now. Tell your administrator, then try again."
"""The whole message for browsers: only signed-in users may learn where the accounts are kept."""
FOREIGN = "Only pages of this server may do this. Behind a proxy with TLS: name its address in `proxies` in section [app] of muster.toml."

_OPEN = frozenset(
    {
        *("/sign-in", "/sign-in/code", "/sign-in/invited", "/sign-out", oidc.START, oidc.BACK),
        *("/healthz", "/readyz", "/metrics", "/favicon.png"),
    }
)
_PROGRAMS = "/api/v1/"  # asks for a token and takes no cookie, see `app.web.rest`
_OPEN_UNDER = ("/assets/", "/trust", _PROGRAMS)
_CLOSED_UNDER = ("/_stcore/metrics", "/_stcore/agent", "/auth/")
"""What Streamlit serves to whoever operates it, to programs, and to its own sign-in; nobody needs it here."""
_READING = frozenset({"GET", "HEAD", "OPTIONS"})

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    # Streamlit's frontend compiles templates at run time and uses inline styles; everything comes from this server
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
        "connect-src 'self' data: blob:; frame-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
        "frame-ancestors 'self'"
    ),
}


def signed_in(headers: Headers) -> Account | None:
    """The account of a request's session, or None."""
    return services.sessions().account(token_of(headers.get("cookie", "")))


def visitor(request: Request) -> tuple[Account, str] | None:
    """The account behind a request to one of our routes, and the site (`?site=`, else home).

    Returns:
        None if nobody is signed in or the account may not see the site. The answer does not reveal whether the site exists.

    Raises:
        MusterError: the accounts cannot be read.
    """
    found, served = signed_in(request.headers), services.sites()
    site = request.query_params.get("site") or served.home
    return (found, site) if found is not None and site in served.folders and found.sees(site, served.home) else None


class Gate:
    """ASGI middleware: host names, origins, sessions, headers. What is behind it sees requests as browsers sent them to a proxy.

    Args:
        hosts: names under which browsers may come, see `app.web.hosts`.
        proxies: addresses of proxies, see `app.web.proxies`.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = (), *, proxies: Collection[str] = ()) -> None:
        self._app, self._hosts = app, {host.casefold() for host in hosts}
        self._proxies = Proxies(proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or socket."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        arrival = self._arrival(scope)
        refusal = self._refusal(scope, arrival)
        if refusal is None:
            await self._app(_as_sent(scope, arrival), receive, _with_headers(send, arrival))
        elif scope["type"] == "http":
            await refusal(scope, receive, _with_headers(send, arrival))
        else:
            await send({"type": "websocket.close", "code": 4000 + refusal.status_code})

    def _arrival(self, scope: Scope) -> Arrival:
        headers, client = Headers(scope=scope), scope.get("client")
        scheme = "https" if scope["scheme"] in {"https", "wss"} else "http"
        return self._proxies.arrival(
            client[0] if client else "", scheme, lambda name: ", ".join(headers.getlist(name)) or None
        )

    def _refusal(self, scope: Scope, arrival: Arrival) -> Response | None:
        headers, path = Headers(scope=scope), scope["path"]
        if (astray := self._astray(scope, headers, arrival)) is not None or _open(path):
            return astray
        if path.startswith(_CLOSED_UNDER):
            return PlainTextResponse("not found", 404)
        try:
            found = signed_in(headers)
        except MusterError as error:
            log.warning("the accounts cannot be read: %s", error)
            return PlainTextResponse(UNREADABLE, 503)
        if found is not None:
            return None
        if scope["type"] == "http" and scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            place = path + (f"?{scope['query_string'].decode('ascii', 'ignore')}" if scope["query_string"] else "")
            return RedirectResponse(f"/sign-in?next={quote(place, safe='')}", 303)
        return PlainTextResponse("sign in first", 401)

    def _astray(self, scope: Scope, headers: Headers, arrival: Arrival) -> Response | None:
        """The refusal of a request that was not meant for this server, or was not made by its pages."""
        if not known_host(arrival.host, self._hosts):
            return PlainTextResponse("Unknown host name. Add it to `hosts` in section [app] of muster.toml.", 421)
        acts = scope["type"] == "websocket" or scope["method"] not in _READING
        if acts and not scope["path"].startswith(_PROGRAMS) and not _own_page(headers, arrival):
            log.warning("refused a request of %.100r to %r", headers.get("origin"), arrival.origin)
            return PlainTextResponse(FOREIGN, 403)
        return None


def _open(path: str) -> bool:
    return path in _OPEN or path.startswith(_OPEN_UNDER)


def _own_page(headers: Headers, arrival: Arrival) -> bool:
    """Whether a page of this server sent a request; browsers name the page's origin in each one that may change something."""
    named = headers.getlist("origin")
    return len(named) == 1 and bool(arrival.origin) and normal_origin(named[0]) == arrival.origin


def _as_sent(scope: Scope, arrival: Arrival) -> Scope:
    """A request with the scheme, host and client that the browser meant.

    Host and origin then are the same text: Streamlit asks a server in the internet for its own address when they differ.
    """
    origin = Headers(scope=scope).get("origin", "")
    host = origin.partition("://")[2] if normal_origin(origin) == arrival.origin else arrival.host
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    scheme = arrival.scheme.replace("http", "ws") if scope["type"] == "websocket" else arrival.scheme
    return {
        **scope,
        "scheme": scheme,
        "client": (arrival.client, 0) if arrival.client else scope.get("client"),
        "headers": [(b"host", host.encode("latin-1")), *headers],
    }


def _with_headers(send: Send, arrival: Arrival) -> Send:
    more = {"Strict-Transport-Security": PINNED} if pinned(arrival.scheme, arrival.host) else {}

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in (_HEADERS | more).items():
                headers.setdefault(name, value)
        if arrival.scheme == "https" and message.get("headers"):
            message["headers"] = [_secured(*each) for each in message["headers"]]
        await send(message)

    return sending


def _secured(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """A header; if it is a cookie, of Streamlit for example, browsers must not send it without TLS."""
    marks = {part.strip().lower() for part in value.split(b";")} if name.lower() == b"set-cookie" else {b"secure"}
    return name, value if b"secure" in marks else value + b"; Secure"
