"""Find the cameras of this network that speak ONVIF: one WS-Discovery probe (OASIS, 2009), and what answers.

The answers are of strangers: only a host, a name and a make are taken from them, and nobody signs in anywhere.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import time
import uuid
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

PLACE = ("239.255.255.250", 3702)
"""Where devices listen for probes: the group and port of WS-Discovery."""
_WAIT_S = 2.5
_AGAIN_S = 0.8
"""Datagrams may be lost: the probe is sent a second time."""
_MOST, _LARGEST = 200, 65_507
_PROBE = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:n="http://www.onvif.org/ver10/network/wsdl">'
    "<e:Header><w:MessageID>uuid:{id}</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>"
    "<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>"
    "<e:Body><d:Probe><d:Types>n:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"
)
_TEXT = r"<(?:\w+:)?{}(?:\s[^<>]*)?>([^<>]*)</"
_PATHS = {
    "hikvision": "/Streaming/Channels/101",
    "hiwatch": "/Streaming/Channels/101",
    "dahua": "/cam/realmonitor?channel=1&subtype=0",
    "amcrest": "/cam/realmonitor?channel=1&subtype=0",
    "axis": "/axis-media/media.amp",
    "reolink": "/h264Preview_01_main",
    "tp-link": "/stream1",
    "tapo": "/stream1",
    "hanwha": "/profile2/media.smp",
    "bosch": "/rtsp_tunnel",
    "uniview": "/media/video1",
    "vivotek": "/live.sdp",
}
"""Where cameras of a make usually have their main stream. The page tells to compare it with the manual."""


@dataclass(frozen=True)
class FoundCamera:
    """A camera that answered.

    Attributes:
        host: its address. name, make: as it says; may be empty.
    """

    host: str
    name: str = ""
    make: str = ""

    @property
    def source(self) -> str:
        """The address of its stream, to be completed: user, password, and the path if the make is not known."""
        said = f"{self.make} {self.name}".lower()
        path = next((path for make, path in _PATHS.items() if make in said), "/")
        return f"rtsp://{f'[{self.host}]' if ':' in self.host else self.host}:554{path}"


def find_cameras(wait_s: float = _WAIT_S, place: tuple[str, int] | None = None) -> list[FoundCamera]:
    """Ask the network of this computer, and return who answered, by address.

    Args:
        wait_s: how long answers are waited for. place: default `PLACE`.
    """
    own = str(uuid.uuid4())
    begun, again, found = time.monotonic(), False, dict[str, FoundCamera]()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)  # no further than this network
        _ask(asking, own, place or PLACE)
        while (left := begun + wait_s - time.monotonic()) > 0 and len(found) < _MOST:
            asking.settimeout(max(0.01, min(left, _AGAIN_S)))
            with contextlib.suppress(OSError):  # nobody within this time, or a device that refuses
                data, sender = asking.recvfrom(_LARGEST)
                if (camera := _read(data.decode("utf-8", "replace"), own, str(sender[0]))) is not None:
                    found.setdefault(camera.host, camera)
            if not again and time.monotonic() - begun > _AGAIN_S:
                again = True
                _ask(asking, own, place or PLACE)
    return sorted(found.values(), key=lambda each: (":" in each.host, ipaddress.ip_address(each.host).packed))


def _ask(asking: socket.socket, own: str, place: tuple[str, int]) -> None:
    """Send the probe through every network of this computer."""
    known = {"0.0.0.0"}  # noqa: S104 - as the system chooses
    with contextlib.suppress(OSError):
        known |= {str(each[4][0]) for each in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for through in sorted(known) if ipaddress.ip_address(place[0]).is_multicast else [""]:
        with contextlib.suppress(OSError):
            if through:
                asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(through))
            asking.sendto(_PROBE.format(id=own).encode(), place)


def _read(answer: str, own: str, sender: str) -> FoundCamera | None:
    """What a device says; None: it answers somebody else, or is no device."""
    if own not in _said(answer, "RelatesTo") or "ProbeMatches" not in answer:
        return None
    hosts = []
    for address in _said(answer, "XAddrs").split():
        with contextlib.suppress(ValueError):
            hosts.append(str(ipaddress.ip_address(urlsplit(address).hostname or "")))
    # the one that the answer came from, because a device may have further networks, or none yet
    host = sender if sender in hosts or not hosts else hosts[0]
    scopes = re.findall(r"onvif://www\.onvif\.org/(name|hardware|manufacturer|mfr)/(\S+)", _said(answer, "Scopes"))
    said = {what.lower(): _clean(unquote(value)) for what, value in scopes}
    name = said.get("name", "") or said.get("hardware", "")
    return FoundCamera(host, name, said.get("manufacturer", "") or said.get("mfr", ""))


def _said(answer: str, what: str) -> str:
    """The text of an element. Answers are strangers' XML: none of its references is followed."""
    found = re.search(_TEXT.format(what), answer)
    return found[1] if found else ""


def _clean(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text.replace("_", " ")).strip()[:60]
