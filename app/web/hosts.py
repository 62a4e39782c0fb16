"""Host names that browsers may use, so that a name pointed here by an attacker does not reach the server (DNS rebinding).

A plain IP address is always accepted, because no attacker can point it elsewhere. Starlette's and Werkzeug's trusted hosts accept
names only, so they would refuse a kiosk opened by its address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit


def known_host(header: str, hosts: Collection[str]) -> bool:
    """Whether a request's Host header is one of ours.

    Args:
        header: as it came; the port does not matter.
        hosts: accepted names besides `localhost` and plain addresses, in lower case; `*`: any.
    """
    name = _name(header)
    if name is None:
        return False
    return name == "localhost" or name in hosts or "*" in hosts or _is_address(name)


PINNED = "max-age=31536000"
"""For a year browsers come with TLS only. Names below this one may be somebody else's, so they are left alone."""


def pinned(scheme: str, header: str) -> bool:
    """Whether browsers may remember that this server is reached with TLS (HSTS, RFC 6797).

    Not under `localhost`: browsers remember a name for all its ports, and other programs on the machine speak plain HTTP there.
    """
    name = _name(header)
    if scheme != "https" or not name or name == "localhost" or name.endswith(".localhost"):
        return False
    return not _is_address(name)


def _name(header: str) -> str | None:
    """The name in a Host header, in lower case; empty: it has none; None: it cannot be read."""
    try:
        return (urlsplit(f"//{header}").hostname or "").casefold()
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
