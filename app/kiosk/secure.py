"""TLS for the kiosk's server."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Any

from cheroot.errors import FatalSSLAlert
from cheroot.makefile import MakeFile, StreamReader
from cheroot.ssl import Adapter

_ENVIRON = {"wsgi.url_scheme": "https", "HTTPS": "on"}
_BLOCK = 16 * 1024


class Shaken(ssl.SSLSocket):
    """A connection that can be looked at ahead without waiting for anybody, its handshake included."""

    _shaken = False
    _ahead: bytes = b""

    def look(self, most: int) -> bytes | None:
        """Go on with the handshake and return what has arrived and was not read, at most about `most` bytes; None: nothing yet.

        Raises:
            OSError: the connection is over, or is none of TLS.
        """
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if not self._shaken:
                self.do_handshake()
                self._shaken = True
            while len(self._ahead) < most:
                if not (more := self.recv(_BLOCK)):
                    if self._ahead:
                        break
                    raise ConnectionResetError
                self._ahead += more
        return self._ahead or None

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        """See `socket.socket`: first what was looked at ahead."""
        if not self._ahead:
            return super().recv_into(buffer, nbytes, flags)
        with memoryview(buffer) as view:
            count = min(len(self._ahead), nbytes or len(view))
            view[:count] = self._ahead[:count]
        self._ahead = self._ahead[count:]
        return count

    @property
    def held(self) -> bool:
        """Whether something has arrived that the operating system no longer has."""
        return bool(self._ahead) or self.pending() > 0


class _Reader(StreamReader):
    def __init__(self, sock: Shaken, mode: str, bufsize: int) -> None:
        super().__init__(sock, mode, bufsize)
        self._connection = sock

    def has_data(self) -> bool:
        """Whether there is something to read that a selector does not know of."""
        return bool(super().has_data()) or self._connection.held  # type: ignore[no-untyped-call]


class Secured(Adapter):
    """Wraps connections. Unlike cheroot's own adapters, it does not shake hands then: somebody who connects and says nothing, or stops
    in the middle, would keep others from being accepted, or occupy a thread. See `app.kiosk.arrivals`.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__("", "")
        context.sslsocket_class = Shaken
        self.context = context

    def bind(self, sock: socket.socket) -> socket.socket:
        """See cheroot."""
        return sock

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, Any]]:
        """See cheroot."""
        try:
            return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), dict(_ENVIRON)
        except OSError as error:  # it is gone already
            raise FatalSSLAlert(*error.args) from error

    def get_environ(self) -> dict[str, Any]:
        """See cheroot."""
        return dict(_ENVIRON)

    def makefile(self, sock: Shaken, mode: str = "r", bufsize: int = -1) -> Any:
        """See cheroot."""
        return _Reader(sock, mode, bufsize) if "r" in mode else MakeFile(sock, mode, bufsize)
