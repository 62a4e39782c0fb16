"""A server that a proxy shows below a path, such as `/muster`: its routes know nothing of it.

Requests come with the path or, where the proxy takes it off, without. Redirects and cookies that leave get it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_COOKIE_PATH = re.compile(r"(;\s*path=)(/[^;]*)", re.IGNORECASE)
_root = ""


def show_below(root: str) -> None:
    """Say below which path this process's pages are; empty: at the root."""
    global _root  # noqa: PLW0603 - one server in a process, and pages far below it write addresses
    _root = root


def at(path: str) -> str:
    """The address of one of this server's paths, for browsers."""
    return path if path and (path[0] != "/" or path.startswith("//")) else _root + path


class Below:
    """ASGI middleware before everything else."""

    def __init__(self, app: ASGIApp, root: str) -> None:
        self._app, self._root = app, root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or socket."""
        if not self._root or scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        if scope["path"] == self._root and scope["type"] == "http":  # relative addresses of pages need the slash
            query = scope["query_string"].decode("latin-1")
            place = f"{self._root}/?{query}" if query else f"{self._root}/"
            await send(
                {"type": "http.response.start", "status": 307, "headers": [(b"location", place.encode("latin-1"))]}
            )
            await send({"type": "http.response.body", "body": b""})
            return
        path = taken_off(scope["path"], self._root)
        raw = scope.get("raw_path")
        inner = {**scope, "path": path}
        if raw is not None:
            inner["raw_path"] = taken_off(raw.decode("latin-1"), self._root).encode("latin-1")
        await self._app(inner, receive, self._sending(send))

    def _sending(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if (place := headers.get("location")) is not None:
                    headers["location"] = put_before(place, self._root)
                message["headers"] = [
                    (name, cookie_below(value.decode("latin-1"), self._root).encode("latin-1"))
                    if name.lower() == b"set-cookie"
                    else (name, value)
                    for name, value in message["headers"]
                ]
            await send(message)

        return sending


def below(app: WSGIApplication, root: str) -> WSGIApplication:
    """A WSGI application that a proxy shows below a path."""
    if not root:
        return app

    def seen(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == root:
            query = environ.get("QUERY_STRING", "")
            start(
                "307 Temporary Redirect",
                [("Location", f"{root}/?{query}" if query else f"{root}/"), ("Content-Length", "0")],
            )
            return [b""]

        def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            changed = [
                (name, put_before(value, root))
                if name.lower() == "location"
                else (name, cookie_below(value, root))
                if name.lower() == "set-cookie"
                else (name, value)
                for name, value in headers
            ]
            return start(status, changed, *more)

        # SCRIPT_NAME makes Flask write addresses and redirects with the path by itself
        return app({**environ, "PATH_INFO": taken_off(path, root), "SCRIPT_NAME": root}, started)

    return seen


def taken_off(path: str, root: str) -> str:
    """A path without that of the proxy, if it has it."""
    return path.removeprefix(root) if path.startswith(f"{root}/") else path


def put_before(place: str, root: str) -> str:
    """An address on this server with the proxy's path, once; others as they are."""
    own = place.startswith("/") and not place.startswith("//")
    return root + place if own and place != root and not place.startswith(f"{root}/") else place


def cookie_below(cookie: str, root: str) -> str:
    """A cookie that browsers send to this server only, not to others of the same proxy."""
    return _COOKIE_PATH.sub(lambda found: found[1] + put_before(found[2], root), cookie)
