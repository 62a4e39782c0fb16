"""A message as a signed POST, and how its receiver checks the signature.

The signature is an HMAC (RFC 2104) with SHA-256 over the time and the raw body, so that a receiver can tell that a message is ours,
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


@dataclass(frozen=True)
class SendResult:
    """What became of one attempt.

    Attributes:
        result: `refused` will not be better later.
        detail: one line without credentials.
        retry_after_s: how long the receiver asked us to wait.
    """

    result: Literal["delivered", "retry", "refused"]
    detail: str = ""
    retry_after_s: float | None = None


def sign(key: bytes, timestamp: str, body: bytes) -> str:
    """`sha256=` and the hexadecimal HMAC-SHA256 of timestamp, a full stop, and body."""
    return "sha256=" + hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def verify_signature(
    key: bytes, timestamp: str, body: bytes, signature: str, now: datetime, tolerance_s: float = 300.0
) -> bool:
    """For receivers: True if a webhook's message was signed with the key and is not older than the tolerance.

    Args:
        key: the shared secret.
        timestamp: header `X-Muster-Timestamp`, seconds since 1970.
        body: the raw body, before it is parsed.
        signature: header `X-Muster-Signature`.
        now: the receiver's time, timezone-aware.
        tolerance_s: largest `abs(now - timestamp)` that is accepted; it bounds how long a recorded message can be replayed.
    """
    if not re.fullmatch(r"\d{1,12}", timestamp, re.ASCII):
        return False
    genuine = hmac.compare_digest(sign(key, timestamp, body).encode(), signature.encode("utf-8", "replace"))
    return genuine and abs(now.timestamp() - int(timestamp)) <= tolerance_s


class _NoRedirects(HTTPRedirectHandler):
    """A redirected POST arrives as a GET, or at somebody else: neither is a delivery."""

    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Headers, newurl: str) -> None:
        """Follow none; urllib then raises `HTTPError` with the 3xx status."""
        del req, fp, code, msg, headers, newurl


def post_webhook(
    url: SecretStr, key: bytes, body: bytes, message_id: str, now: datetime, timeout_s: float = TIMEOUT_S
) -> SendResult:
    """POST a JSON body with its signature.

    2xx is delivered; 4xx other than 408 and 429 is refused; everything else is worth another try.

    Args:
        url: http or https.
        key: of the signature.
        body: JSON in UTF-8.
        message_id: header `X-Muster-Message`.
        now: signed as `X-Muster-Timestamp`.
        timeout_s: longest wait for the network, at each step.
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
    if 400 <= status < 500 and status not in {408, 429}:
        return SendResult("refused", detail)
    return SendResult("retry", detail, _seconds(retry_after, now))


def _seconds(retry_after: str, now: datetime) -> float | None:
    """`Retry-After` (RFC 9110, 10.2.3) as seconds from now; None when there is none that makes sense."""
    if re.fullmatch(r"\d{1,9}", retry_after, re.ASCII):
        return float(retry_after)
    try:
        time = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, ((time if time.tzinfo else time.replace(tzinfo=UTC)) - now).total_seconds())
