"""A second factor beside the password: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

import pyotp

from engine.access.credentials import digest

_STEP_S = 30
_RECOVERY = 8
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_secret() -> str:
    """Return a new secret, base32, to be shared with the authenticator app."""
    return pyotp.random_base32()


def address(secret: str, user: str, place: str) -> str:
    """Return the `otpauth://` address of a secret, which apps read as a QR code; `place`: name of the workplace."""
    return pyotp.TOTP(secret).provisioning_uri(name=user, issuer_name=f"Muster {place}".strip())


def step_of(secret: str, code: str, now: datetime, *, after: int = 0) -> int:
    """Return the time step whose code this is, or 0.

    Codes of the step before and after count, because clocks differ.

    Args:
        after: last step that was used: it and earlier ones count no more, so that a code that somebody saw is worth nothing.
    """
    typed, totp, current = "".join(code.split()), pyotp.TOTP(secret), int(now.timestamp()) // _STEP_S
    for step in (current, current - 1, current + 1):
        right = hmac.compare_digest(totp.generate_otp(step).encode(), typed.encode("utf-8", "replace"))
        if right and step > after:
            return step
    return 0


def new_recovery_codes() -> list[str]:
    """Return recovery codes, each for one sign-in."""
    letters = ("".join(secrets.choice(_ALPHABET) for _ in range(12)) for _ in range(_RECOVERY))
    return [f"{text[:4]}-{text[4:8]}-{text[8:]}" for text in letters]


def hashed(codes: Sequence[str]) -> tuple[str, ...]:
    """Return what is stored of recovery codes: SHA-256, since nobody guesses their 59 random bits."""
    return tuple(_digest(code) for code in codes)


def without(stored: Sequence[str], code: str) -> tuple[str, ...] | None:
    """Return the stored recovery codes without the one that was typed; None: it is none of them."""
    typed = _digest(code)
    left = tuple(each for each in stored if not hmac.compare_digest(each, typed))
    return left if len(left) < len(stored) else None


def _digest(code: str) -> str:
    plain = "".join(sign for sign in code.casefold() if sign.isalnum())
    return digest(plain)
