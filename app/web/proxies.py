"""Where a request comes from and which address its browser sees, behind a proxy or without one.

A proxy that ends TLS tells it in headers (X-Forwarded-For, -Proto, -Host, or RFC 7239's Forwarded). Anybody can send such headers, so they
count only when the connection itself comes from a configured proxy.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PORTS: Mapping[str, int] = {"http": 80, "https": 443}
_PAIR = re.compile(r'\s*([\w-]+)=("(?:[^"\\]|\\.)*"|[^;,"]*)\s*')


@dataclass(frozen=True)
class Arrival:
    """A request as its browser sent it.

    Attributes:
        scheme: `http` or `https`. host: name and port as in the browser's address, as far as it is known. client: the browser's address.
    """

    scheme: str
    host: str
    client: str

    @property
    def origin(self) -> str:
        """The origin of this server's own pages; empty if the host makes no sense."""
        return normal_origin(f"{self.scheme}://{self.host}")


def normal_origin(text: str) -> str:
    """An origin in one way of writing: lower case, no default port. Empty for anything that is none, such as `null`."""
    try:
        parts = urlsplit(text)
        name, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not name or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return ""
    shown = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in {None, _PORTS[parts.scheme]} else "")


class Proxies:
    """The proxies whose headers are believed.

    Args:
        addresses: IP addresses and networks.
    """

    def __init__(self, addresses: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(each) for each in addresses]

    def __contains__(self, address: object) -> bool:
        try:
            found = ipaddress.ip_address(str(address))
        except ValueError:
            return False
        plain = getattr(found, "ipv4_mapped", None) or found
        return any(plain in network for network in self._networks)

    def arrival(self, peer: str, scheme: str, header: Callable[[str], str | None]) -> Arrival:
        """How a request looked to its browser.

        Args:
            peer: address that the connection comes from; empty: unknown.
            scheme: of the connection, `http` or `https`.
            header: a header's value by its name; several of one name joined by commas.
        """
        host = header("host") or ""
        if peer not in self:
            return Arrival(scheme, host, peer)
        steps = self._forwarded(header("forwarded") or "")
        clients = _listed(header("x-forwarded-for")) or [step.get("for", "") for step in steps]
        # each proxy adds to the end, so what stands before the last proxy of ours was written by somebody else
        outermost = next((n for n in reversed(range(len(clients))) if _address(clients[n]) not in self), 0)
        told = steps[outermost] if outermost < len(steps) else {}
        said = (_listed(header("x-forwarded-proto")) or [told.get("proto", "")])[-1].casefold()
        known = (_listed(header("x-forwarded-host")) or [told.get("host", "")])[-1]
        client = _address(clients[outermost]) if clients else ""
        return Arrival(said if said in _PORTS else scheme, known or host, client or peer)

    def before(self, app: WSGIApplication) -> WSGIApplication:
        """A WSGI application that sees requests as browsers sent them."""

        def seen(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
            arrival = self.arrival(
                environ.get("REMOTE_ADDR", ""),
                environ["wsgi.url_scheme"],
                lambda name: environ.get(f"HTTP_{name.upper().replace('-', '_')}"),
            )
            told = {"wsgi.url_scheme": arrival.scheme, "REMOTE_ADDR": arrival.client}
            return app({**environ, **told, **({"HTTP_HOST": arrival.host} if arrival.host else {})}, start)

        return seen

    @staticmethod
    def _forwarded(text: str) -> list[dict[str, str]]:
        steps = re.findall(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+', text)
        return [{name.casefold(): value.strip('"') for name, value in _PAIR.findall(step)} for step in steps]


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _address(text: str) -> str:
    """The IP address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`; empty for anything else."""
    bare = text.rpartition(":")[0] if text.count(":") == 1 else text.partition("]")[0].lstrip("[")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return ""
