"""Answers in JSON, and refusals as problem details (RFC 9457)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

_KEPT_BY_NOBODY = {"Cache-Control": "no-store"}


class Refused(Exception):
    """A request that is not served.

    Args:
        status: of HTTP.
        error: one word for programs.
        detail: what is wrong. hint: what to do.
        headers: of the answer.
    """

    def __init__(
        self, status: int, error: str, detail: str, hint: str = "", headers: Mapping[str, Any] | None = None
    ) -> None:
        self.status, self.error, self.detail, self.hint = status, error, detail, hint
        self.headers = headers or {}
        super().__init__(detail)


def problem(refused: Refused) -> Response:
    """The answer to a request that is not served."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(refused.status).phrase,
        "status": refused.status,
        "error": refused.error,
        "detail": refused.detail,
        "hint": refused.hint,
    }
    headers = {**_KEPT_BY_NOBODY, **refused.headers}
    return Response(_encoded(content), refused.status, headers, "application/problem+json")


def answered(request: Request, content: Mapping[str, Any]) -> Response:
    """An answer with a tag, so that a program can ask whether anything has changed."""
    body = _encoded(content)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {**_KEPT_BY_NOBODY, "ETag": tag}
    if tag in {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, "application/json")


def _encoded(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")
