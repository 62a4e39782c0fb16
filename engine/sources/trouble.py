"""Why a camera gives no picture: each cause has a sentence of its own and a next step.

The sentences have no values, so that a page can translate what a log has stored.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

import av

from engine.errors import SourceLost
from engine.words import N_

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935, "rtmps": 443}
_ENCRYPTED = frozenset({"rtsps", "https", "rtmps"})
_EXTRA = re.compile(r" \(([^()]*)\)$")


class Trouble(StrEnum):
    """A cause."""

    ASKS_PASSWORD = "asks password"  # noqa: S105 - not one
    WRONG_PASSWORD = "wrong password"  # noqa: S105
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not found"
    REFUSED = "refused"
    UNKNOWN_HOST = "unknown host"
    UNREACHABLE = "unreachable"
    TIMEOUT = "time-out"
    TLS = "tls"
    WANTS_TLS = "wants tls"
    WEB_PAGE = "web page"
    PLAYLIST = "playlist"
    REJECTED = "rejected"
    SERVER_ERROR = "server error"
    CODEC = "codec"
    NO_VIDEO = "no video"
    NOT_VIDEO = "not video"
    NO_KEY_FRAME = "no key frame"
    UNDECODABLE = "undecodable"
    ENDED = "ended"
    STALLED = "stalled"
    NO_DEVICE = "no device"
    DEVICE_DENIED = "device denied"
    DEVICE_BUSY = "device busy"
    OTHER = "other"


_SENTENCES: dict[Trouble, tuple[str, str]] = {
    Trouble.ASKS_PASSWORD: (
        N_("The camera asks for a user and a password"),
        N_("Write them into the address before the host: user, colon, password, @"),
    ),
    Trouble.WRONG_PASSWORD: (
        N_("The camera rejects the user or the password"),
        N_("Check both; after several wrong ones, many cameras stay locked for some minutes"),
    ),
    Trouble.FORBIDDEN: (
        N_("The camera does not let this user see the stream"),
        N_("Give the user the right to live view in the camera's settings, or name another user"),
    ),
    Trouble.NOT_FOUND: (
        N_("The camera has no stream at this address"),
        N_("Compare the part after the host name with the camera's manual"),
    ),
    Trouble.REFUSED: (
        N_("The device refuses the connection: nothing listens on this port"),
        N_("Check the port, and whether the stream is switched on in the camera's settings"),
    ),
    Trouble.UNKNOWN_HOST: (
        N_("No device of this name is known"),
        N_("Check the name's spelling, or use the camera's IP address"),
    ),
    Trouble.UNREACHABLE: (
        N_("The network has no way to the camera"),
        N_("Check cables and switches, and whether the address belongs to this network"),
    ),
    Trouble.TIMEOUT: (
        N_("The camera does not answer in time"),
        N_("Check its power, its cable and the address; a firewall may stand between"),
    ),
    Trouble.TLS: (
        N_("The encrypted connection fails"),
        N_("Check whether the camera offers TLS at this port, or use the address without it"),
    ),
    Trouble.WANTS_TLS: (
        N_("The camera wants an encrypted connection at this port"),
        N_("Begin the address with https://, or use the camera's port without encryption"),
    ),
    Trouble.PLAYLIST: (
        N_("The address leads to a playlist of a kind that cannot be read here"),
        N_("Use the camera's RTSP address, or its HLS playlist (.m3u8)"),
    ),
    Trouble.WEB_PAGE: (
        N_("The address leads to a web page, not to a stream"),
        N_("Use the address of the stream itself; the camera's manual names it"),
    ),
    Trouble.REJECTED: (
        N_("The camera rejects the request"),
        N_("Compare the address with the camera's manual"),
    ),
    Trouble.SERVER_ERROR: (
        N_("The camera reports an error of its own"),
        N_("Restart the camera; many of them serve only a few viewers at once"),
    ),
    Trouble.CODEC: (
        N_("The stream is coded in a way that cannot be decoded here"),
        N_("Set the camera to H.264 or H.265"),
    ),
    Trouble.NO_VIDEO: (
        N_("The stream has no picture, only sound or data"),
        N_("Use the address of the camera's video stream"),
    ),
    Trouble.NOT_VIDEO: (
        N_("What comes from this address is no video"),
        N_("Compare the address with the camera's manual"),
    ),
    Trouble.NO_KEY_FRAME: (
        N_("The camera sends a stream, but no key frame yet"),
        N_("Wait; if it lasts, set a key frame every one or two seconds (GOP, I-frame interval) in the camera"),
    ),
    Trouble.UNDECODABLE: (
        N_("What the camera sends cannot be decoded"),
        N_("Check the network for lost packets; set the camera to H.264 and restart it"),
    ),
    Trouble.ENDED: (
        N_("The camera ended the stream"),
        N_("Check whether it restarts or has too many viewers"),
    ),
    Trouble.STALLED: (
        N_("The camera stopped sending pictures"),
        N_("Check its power and its network"),
    ),
    Trouble.NO_DEVICE: (
        N_("This computer has no such camera"),
        N_("Plug it in, or try another number: 0 is the first one"),
    ),
    Trouble.DEVICE_DENIED: (
        N_("This account may not use the camera"),
        N_("Add the account that runs Muster to the group that owns the device, usually video"),
    ),
    Trouble.DEVICE_BUSY: (
        N_("The camera of this computer gives no picture"),
        N_("Close other programs that use it, or plug it in again"),
    ),
    Trouble.OTHER: (
        N_("The stream cannot be opened"),
        N_("See whether a player such as VLC or ffplay shows it"),
    ),
}
_OF_STATUS = {401: Trouble.WRONG_PASSWORD, 403: Trouble.FORBIDDEN, 404: Trouble.NOT_FOUND, 410: Trouble.NOT_FOUND}
_OF_ERRNO = {
    errno.ECONNREFUSED: Trouble.REFUSED,
    errno.EHOSTUNREACH: Trouble.UNREACHABLE,
    errno.ENETUNREACH: Trouble.UNREACHABLE,
    errno.EHOSTDOWN: Trouble.UNREACHABLE,
    errno.ETIMEDOUT: Trouble.TIMEOUT,
}
_HTTP_ERRORS = (av.error.HTTPError, av.error.HTTPClientError, av.error.HTTPServerError)
_STATUS_OF: dict[type[BaseException], int] = {
    av.error.HTTPUnauthorizedError: 401,
    av.error.HTTPForbiddenError: 403,
    av.error.HTTPNotFoundError: 404,
    av.error.HTTPClientError: 400,
}


@dataclass(frozen=True)
class NoPicture:
    """Why there is no picture.

    Attributes:
        kind: the cause.
        extra: what else is known, such as a status or a codec; no part of it is secret.
    """

    kind: Trouble
    extra: str = ""

    @property
    def what(self) -> str:
        """What happened, in English; a page translates it."""
        return _SENTENCES[self.kind][0]

    @property
    def hint(self) -> str:
        """The next step, in English; a page translates it."""
        return _SENTENCES[self.kind][1]

    def __str__(self) -> str:
        """As logs keep it."""
        return f"{self.what} ({self.extra})" if self.extra else self.what

    @classmethod
    def read(cls, text: str) -> NoPicture | None:
        """Return what a log has kept, or None if it is something else."""
        if not text:
            return None
        extra = _EXTRA.search(text)
        what = text[: extra.start()] if extra else text
        return next(
            (cls(kind, extra[1] if extra else "") for kind, (each, _) in _SENTENCES.items() if each == what), None
        )

    def error(self, camera: str) -> SourceLost:
        """Return the error that tells it; `camera` names the camera."""
        return SourceLost(f"{camera}: {self.told}", hint=self.hint)

    @property
    def told(self) -> str:
        """The sentence in the middle of another one."""
        text = str(self)
        return text[0].lower() + text[1:]


class Unreadable(OSError):
    """A camera or file gives no picture; `why` says so."""

    def __init__(self, kind: Trouble, extra: str = "") -> None:
        self.why = NoPicture(kind, extra)
        super().__init__(str(self.why))


def of_status(status: int, *, signed_in: bool) -> NoPicture:
    """Return what an HTTP or RTSP status of 400 or more means; `signed_in`: the request carried a user."""
    kind = _OF_STATUS.get(status, Trouble.SERVER_ERROR if status >= 500 else Trouble.REJECTED)
    if kind is Trouble.WRONG_PASSWORD and not signed_in:
        kind = Trouble.ASKS_PASSWORD
    return NoPicture(kind, str(status))


def of_error(error: BaseException, spec: str) -> NoPicture:
    """Return why a stream could not be opened; looks at the network if the error alone does not say.

    Args:
        error: of FFmpeg, a socket, or a device.
        spec: the camera's address.
    """
    if isinstance(error, Unreadable):
        return error.why
    if isinstance(error, _HTTP_ERRORS):
        status = next((each for kind, each in _STATUS_OF.items() if isinstance(error, kind)), 500)
        return of_status(status, signed_in="@" in urlsplit(spec).netloc)
    if isinstance(error, av.error.ExitError):
        return NoPicture(Trouble.TIMEOUT)
    found = of_socket(error) if isinstance(error, OSError) else NoPicture(Trouble.OTHER)
    if found.kind is not Trouble.OTHER:
        return found
    kind = Trouble.NOT_VIDEO if isinstance(error, av.error.InvalidDataError) else Trouble.OTHER
    return _of_network(spec) or NoPicture(kind, _short(error))


def _of_network(spec: str) -> NoPicture | None:
    """Whether a host is known and answers: FFmpeg says only that reading failed."""
    try:
        address = urlsplit(spec)
        host, port = address.hostname, address.port or _PORTS.get(address.scheme.lower())
    except ValueError:
        return None
    if host is None or port is None or address.scheme.lower() not in {*_PORTS, "tcp"}:
        return None
    try:
        socket.create_connection((host, port), 2.0).close()
    except (OSError, UnicodeError) as error:
        return NoPicture(Trouble.UNKNOWN_HOST) if isinstance(error, UnicodeError) else of_socket(error)
    if address.scheme.lower() in _ENCRYPTED and not speaks_tls(spec):
        return NoPicture(Trouble.TLS)
    return None


def speaks_tls(spec: str) -> bool:
    """Whether the host of an address answers in TLS at its port."""
    address = urlsplit(spec)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    port = address.port or _PORTS.get(address.scheme.lower(), 443)
    try:
        with socket.create_connection((address.hostname or "", port), 2.0) as plain, context.wrap_socket(plain):
            return True
    except (OSError, ValueError):
        return False


def of_socket(error: OSError) -> NoPicture:
    """Return why a connection failed."""
    if isinstance(error, socket.gaierror):
        return NoPicture(Trouble.UNKNOWN_HOST)
    if isinstance(error, ssl.SSLError):
        return NoPicture(Trouble.TLS)
    if isinstance(error, TimeoutError):
        return NoPicture(Trouble.TIMEOUT)
    if isinstance(error, ConnectionResetError | ConnectionAbortedError | BrokenPipeError):
        return NoPicture(Trouble.ENDED)
    return NoPicture(_OF_ERRNO.get(error.errno or 0, Trouble.OTHER), "" if error.errno in _OF_ERRNO else _short(error))


def _short(error: BaseException) -> str:
    """An error's own words, without addresses and brackets."""
    text = getattr(error, "strerror", None) or ""
    return re.sub(r"[()]", "", text)[:80] if isinstance(text, str) and "/" not in text else ""


def of_device(spec: str) -> NoPicture:
    """Return why a camera of this computer gives no picture."""
    path = f"/dev/video{spec}" if spec.isdecimal() else spec
    if not os.path.exists(path):  # noqa: PTH110 - a text that may be anything
        return NoPicture(Trouble.NO_DEVICE)
    return NoPicture(Trouble.DEVICE_BUSY if os.access(path, os.R_OK | os.W_OK) else Trouble.DEVICE_DENIED)
