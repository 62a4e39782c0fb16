"""TLS for the kiosk's server."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from cheroot.errors import FatalSSLAlert
from cheroot.makefile import MakeFile
from cheroot.ssl import Adapter

_ENVIRON = {"wsgi.url_scheme": "https", "HTTPS": "on"}


class Secured(Adapter):
    """Wraps connections. Unlike cheroot's own adapters, it shakes hands when a connection is first read, in that connection's thread:
    somebody who connects and says nothing would keep all others from being accepted.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__("", "")
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

    def makefile(self, sock: socket.socket, mode: str = "r", bufsize: int = -1) -> Any:
        """See cheroot."""
        return MakeFile(sock, mode, bufsize)
