"""Serves `/api/v1`: who sends a token, what it may read, how often, and the note of each use in the audit log."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.web import services
from app.web.rest.answers import Refused, answered, problem
from app.web.rest.description import described
from app.web.rest.query import Cursors, Query, parse
from app.web.rest.resources import RESOURCES, Resource
from engine.access import AccessToken
from engine.errors import InputError, MusterError
from engine.operations.scoped import seen_by
from engine.workbench import Workbench

log = logging.getLogger(__name__)

_BY_NAME = {resource.name: resource for resource in RESOURCES}
_DESCRIPTION = described(RESOURCES)
_AT_ONCE, _PATIENCE_S = 2, 10.0


class RateLimit:
    """Lets each token send so many requests a minute; unused ones are saved for a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def wait_s(self, key: str, per_minute: int) -> int:
        """Count a request; return how many seconds it came too early, 0 if it may be served."""
        with self._lock:
            now = self._clock()
            left, before = self._left.get(key, (float(per_minute), now))
            left = min(per_minute, left + (now - before) * per_minute / 60)
            served = left >= 1
            self._left[key] = (left - served, now)
        return 0 if served else math.ceil(round((1 - left) * 60 / per_minute, 3))


class Rest:
    """The interface as an ASGI application."""

    def __init__(self) -> None:
        self.limit = RateLimit()
        self._reading = threading.BoundedSemaphore(_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = await run_in_threadpool(self._answer, Request(scope))
        await answer(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        try:
            return self._served(request)
        except Refused as refused:
            return problem(refused)
        except MusterError as error:
            log.warning("%s", error)  # it may name folders and the database
            return problem(Refused(503, "unavailable", "Muster cannot read this right now", "try again in a minute"))
        except Exception:
            log.exception("%s", request.url.path)
            return problem(
                Refused(500, "fault", "internal error", "tell the administrator: the server's log says more")
            )

    def _served(self, request: Request) -> Response:
        if request.method != "GET":
            raise Refused(405, "method_not_allowed", f"{request.method} is not served", "use GET", {"Allow": "GET"})
        name = request.path_params["path"]
        if name == "openapi.json":
            return answered(request, _DESCRIPTION)
        bench, token = _admitted(request)
        if wait_s := self.limit.wait_s(token.token_id, services.home().config.app.rest_per_minute):
            headers = {"Retry-After": str(wait_s)}
            raise Refused(429, "too_many_requests", "too many requests", f"wait {wait_s} s", headers)
        resource = _BY_NAME.get(name)
        if resource is None:
            raise Refused(404, "not_found", "there is nothing at this address", f"use {', '.join(_BY_NAME)}")
        if resource.scope not in token.scopes:
            raise Refused(
                403,
                "insufficient_scope",
                f"this token lacks the scope {resource.scope}",
                "ask an administrator for a token with it",
                {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{resource.scope}"'},
            )
        cursors = Cursors(services.key().derived("rest"), token.token_id, name)
        query = parse(request.query_params.multi_items(), resource.parameters, cursors)
        return answered(request, self._page(bench, token, resource, query, cursors))

    def _page(
        self, bench: Workbench, token: AccessToken, resource: Resource, query: Query, cursors: Cursors
    ) -> Mapping[str, Any]:
        if not self._reading.acquire(timeout=_PATIENCE_S):
            raise Refused(
                503, "busy", "other requests are being answered", "try again in a moment", {"Retry-After": "5"}
            )
        try:
            part = resource.read(seen_by(bench, token.sees), query)
        finally:
            self._reading.release()
        rows = part.rows[: query.limit]
        asked = " ".join(filter(None, (resource.name, query.told)))
        bench.token_desk.note_use(token, f"{asked}: {len(rows)} rows")
        more = len(part.rows) > query.limit
        after = cursors.write(rows[-1][0], query.told) if more else None
        return {**part.about, "rows": [row for _, row in rows], "next_cursor": after}


def _admitted(request: Request) -> tuple[Workbench, AccessToken]:
    """The workbench of the site and the token that a request sent.

    Raises:
        Refused: there is no token, or it is not valid. The answer does not reveal whether the site exists.
    """
    sent = request.headers.getlist("authorization")
    scheme, _, secret = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
    if scheme.casefold() != "bearer":
        raise Refused(
            401,
            "token_missing",
            "this request has no token",
            "send the header Authorization: Bearer TOKEN; `muster token add` makes one",
            {"WWW-Authenticate": 'Bearer realm="muster"'},
        )
    served = services.sites()
    site = request.query_params.get("site") or served.home
    try:
        known = site in served.folders
        bench = services.bench(site if known else served.home)
        return bench, bench.token_desk.admit(secret.strip() if known else "")
    except InputError as error:
        headers = {"WWW-Authenticate": 'Bearer realm="muster", error="invalid_token"'}
        raise Refused(401, "token_invalid", error.message, error.hint, headers) from error


routes = [Route("/api/v1/{path:path}", Rest())]
