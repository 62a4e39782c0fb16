"""Messages as signed POST requests, and verification for receivers.

The signature is an HMAC (RFC 2104) with SHA-256 over the time and the raw body, so a receiver can check that a message is genuine,
unchanged and new.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message as Headers
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException
from typing import IO, Literal
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pydantic import SecretStr

TIMEOUT_S = 10.0
_FINAL = {400, 410, 413, 415, 422}
"""The receiver will not take this message, however often it is sent."""


@dataclass(frozen=True)
class SendResult:
    """The result of an attempt.

    Attributes:
        result: `refused` is final.
        detail: one line without credentials.
        retry_after_s: wait that the receiver asked for.
    """

    result: Literal["delivered", "retry", "refused"]
    detail: str = ""
    retry_after_s: float | None = None


def sign(key: bytes, timestamp: str, body: bytes) -> str:
    """Return `sha256=` and the hexadecimal HMAC-SHA256 of timestamp, a full stop, and body."""
    return "sha256=" + hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def verify_signature(
    key: bytes, timestamp: str, body: bytes, signature: str, now: datetime, tolerance_s: float = 300.0
) -> bool:
    """Return whether a message was signed with the key within the tolerance; for receivers.

    Args:
        key: the shared secret.
        timestamp: header `X-Muster-Timestamp`, seconds since 1970.
        body: raw, before parsing.
        signature: header `X-Muster-Signature`.
        now: the receiver's timezone-aware time.
        tolerance_s: largest accepted `abs(now - timestamp)`, which limits the replay of recorded messages.
    """
    if not re.fullmatch(r"\d{1,12}", timestamp, re.ASCII):
        return False
    genuine = hmac.compare_digest(sign(key, timestamp, body).encode(), signature.encode("utf-8", "replace"))
    return genuine and abs(now.timestamp() - int(timestamp)) <= tolerance_s


class _NoRedirects(HTTPRedirectHandler):
    """Follows no redirects: a redirected POST arrives as a GET or at another receiver, and neither is a delivery."""

    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Headers, newurl: str) -> None:
        """Return None, so that urllib raises `HTTPError` with the 3xx status."""
        del req, fp, code, msg, headers, newurl


def post_webhook(
    url: SecretStr, key: bytes, body: bytes, message_id: str, now: datetime, timeout_s: float = TIMEOUT_S
) -> SendResult:
    """POST a JSON body with its signature.

    2xx counts as delivered; a status about this message (`_FINAL`) as refused. Muster retries after everything else: a receiver that
    is being set up, or whose key was changed, answers 401, 403 or 404 for a while.

    Args:
        body: JSON in UTF-8.
        timeout_s: longest wait for the network at each step.
    """
    timestamp = str(int(now.timestamp()))
    request = Request(  # noqa: S310 - the settings admit http and https only
        url.get_secret_value(),
        data=body,
        method="POST",
        headers={
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Muster",
            "X-Muster-Timestamp": timestamp,
            "X-Muster-Signature": sign(key, timestamp, body),
            "X-Muster-Message": message_id,
        },
    )
    try:
        with build_opener(_NoRedirects).open(request, timeout=timeout_s) as answer:
            return SendResult("delivered", f"HTTP {answer.status}")
    except HTTPError as error:
        with error:
            return _not_accepted(error.code, error.headers.get("Retry-After", ""), now)
    except TimeoutError:
        return SendResult("retry", f"no answer within {timeout_s:g} s")
    except URLError as error:
        reason = error.reason
        known = isinstance(reason, OSError) and reason.strerror
        return SendResult("retry", f"not reached: {known or type(reason).__name__}")
    except (OSError, HTTPException) as error:
        return SendResult("retry", f"connection lost: {type(error).__name__}")


def _not_accepted(status: int, retry_after: str, now: datetime) -> SendResult:
    phrase = next((known.phrase for known in HTTPStatus if known == status), "")
    detail = f"HTTP {status} {phrase}".strip()
    if 300 <= status < 400:
        return SendResult("retry", f"{detail}: redirects are not followed, give the final address")
    if status in _FINAL:
        return SendResult("refused", detail)
    return SendResult("retry", detail, _seconds(retry_after, now))


def _seconds(retry_after: str, now: datetime) -> float | None:
    """Return `Retry-After` (RFC 9110, 10.2.3) as seconds from now, or None without a valid one."""
    if re.fullmatch(r"\d{1,9}", retry_after, re.ASCII):
        return float(retry_after)
    try:
        time = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, ((time if time.tzinfo else time.replace(tzinfo=UTC)) - now).total_seconds())
