"""Who signed this process's certificate, if devices must learn to trust that."""

from __future__ import annotations

from pathlib import Path

FILE = "/trust/muster-authority.crt"
"""Where a server offers it, to everybody: whoever needs it cannot have signed in without warnings yet."""
TYPE = "application/x-x509-ca-cert"
"""The media type at which phones offer to install it."""

_offered: Path | None = None


def offer(authority: Path | None) -> None:
    """Say which authority signs; None: devices know it, or there is no TLS."""
    global _offered  # noqa: PLW0603 - one server in a process
    _offered = authority


def offered() -> Path | None:
    """The authority's certificate; None: there is none to offer."""
    return _offered
