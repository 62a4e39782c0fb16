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
    try:
        name = (urlsplit(f"//{header}").hostname or "").casefold()
    except ValueError:
        return False
    if name == "localhost" or name in hosts or "*" in hosts:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


PINNED = "max-age=31536000"
"""For a year browsers come with TLS only. Names below this one may be somebody else's, so they are left alone."""


def pinned(scheme: str, header: str) -> bool:
    """Whether browsers may remember that this server is reached with TLS (HSTS, RFC 6797).

    Not under `localhost`: browsers remember a name for all its ports, and other programs on the machine speak plain HTTP there.
    """
    try:
        name = (urlsplit(f"//{header}").hostname or "").casefold()
    except ValueError:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return scheme == "https" and name not in {"", "localhost"} and not name.endswith(".localhost")
    return False
