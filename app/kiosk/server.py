"""Serves the kiosk with cheroot: one thread per long answer and a few for short ones."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cheroot import wsgi
from cheroot.server import HTTPConnection, HTTPRequest
from flask import Flask

from app.kiosk import operations
from app.kiosk.application import MAX_BYTES, create_app
from app.kiosk.arrivals import Hall
from app.kiosk.secure import Secured
from app.kiosk.station import Station
from engine.operations.kiosks import served_as, telling
from engine.operations.reach import AT_ROOT, Reach
from engine.operations.serving import many_connections
from engine.operations.tls import Certificates, current_context
from engine.workbench import Workbench

_SHORT = 12
"""Threads for short answers, beside one for each viewer and each listener."""
_SEND_BUFFER = 128 * 1024
"""Send buffer of a connection: about two pictures, so that slow viewers lag by those and not by seconds."""
_HEADERS_S, _ANSWER_S = 10.0, 40.0
"""Time limit for a request's headers, and for the whole request until the answer starts."""
_TIMEOUT_S = 10
"""Time limit for connections that neither send nor receive."""


class _Deadlines:
    """Ends connections with slow requests; a byte every few seconds would block a thread forever."""

    def __init__(self) -> None:
        self._due: dict[HTTPConnection, float] = {}
        self._lock = threading.Lock()

    def set(self, connection: HTTPConnection, seconds: float) -> None:
        """Start the time limit of a connection."""
        with self._lock:
            self._due[connection] = time.monotonic() + seconds

    def clear(self, connection: HTTPConnection) -> None:
        """End the time limit: the answer has started."""
        with self._lock:
            self._due.pop(connection, None)

    def enforce(self) -> None:
        """Shut down sockets past their limit, so that their readers get an end of file."""
        now = time.monotonic()
        with self._lock:
            late = [connection for connection, due in self._due.items() if due < now]
            for connection in late:
                del self._due[connection]
        for connection in late:
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)


class _Request(HTTPRequest):
    def parse_request(self) -> None:
        self.server.deadlines.set(self.conn, _HEADERS_S)
        super().parse_request()
        self.server.deadlines.set(self.conn, _ANSWER_S)

    def send_headers(self) -> None:
        self.server.deadlines.clear(self.conn)
        if self.conn.unread:
            self.close_connection = True  # else the body would be waited for
        super().send_headers()


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request
    spoken = False
    unread = False

    def communicate(self) -> bool:
        try:
            return bool(super().communicate())  # type: ignore[no-untyped-call]
        finally:
            self.server.deadlines.clear(self)
            self.server.hall.left(self)


class _Server(wsgi.Server):
    ConnectionClass = _Connection

    def __init__(self, *arguments: Any, known: Callable[[str], bool], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.deadlines, self.hall = _Deadlines(), Hall(super().process_conn, known)

    def process_conn(self, conn: _Connection) -> None:
        """Hand a connection to a thread once its request is here."""
        if not conn.spoken:
            conn.spoken = True
            self.put_conn(conn)
        else:
            self.hall.enter(conn)

    def serve(self) -> None:
        threading.Thread(target=self._enforce, name="deadlines", daemon=True).start()
        threading.Thread(target=self.hall.keep, args=(lambda: self.ready,), name="arrivals", daemon=True).start()
        super().serve()

    def _enforce(self) -> None:
        while self.ready:
            time.sleep(1.0)
            self.deadlines.enforce()

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Log nothing: browsers come and go, and the application logs its own errors."""


def make_server(app: Flask, host: str, port: int, certificates: Certificates | None = None) -> wsgi.Server:
    """A server that is ready to `serve()` an application of `create_app`; port 0: any, see its `bind_addr`.

    Args:
        certificates: for TLS; None: plain HTTP.

    Raises:
        ConfigError, StorageError: the certificate cannot be used or made.
        OSError: the address cannot be used.
    """
    station: Station = app.extensions["muster"]
    most = station.config.max_viewers
    server = _Server(
        (host, port),
        app,
        numthreads=2 * most + 10 + _SHORT,
        server_name="muster",
        timeout=_TIMEOUT_S,
        shutdown_timeout=3,
        request_queue_size=1024,
        known=lambda token: station.bench.devices.check(token) is not None,
    )
    server.max_request_header_size = 32 * 1024
    server.max_request_body_size = MAX_BYTES  # also for refused requests, whose bodies are read completely
    if certificates is not None:
        server.ssl_adapter = Secured(current_context(certificates))
    server.prepare()
    # accepted connections inherit these
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux: unacknowledged data times out after this
        server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 2000 * _TIMEOUT_S)
    return server


def serve(workspace: Path, overrides: dict[str, Any], host: str, port: int, reach: Reach = AT_ROOT) -> None:
    """Serve until interrupted.

    Raises:
        ConfigError: settings make no sense, or the certificate cannot be used.
        StorageError: the certificate cannot be made.
        OSError: the address cannot be used.
    """
    bench = Workbench(workspace)
    kiosk = served_as(bench.config, overrides["camera"], host, port, reach)
    shown = urlsplit(kiosk.address).hostname
    hosts = [*bench.config.kiosk.hosts, *([shown] if shown else [])]
    certificates = reach.certificates(hosts)
    names = certificates.names if certificates else ()
    app = create_app(bench, {"hosts": (*hosts, *names, host), **overrides}, kiosk.root_path)
    if certificates is not None and certificates.authority is not None:
        operations.offer_authority(app, certificates.authority)
    many_connections()
    server = make_server(app, host, port, certificates)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    station: Station = app.extensions["muster"]
    with contextlib.ExitStack() as stack:
        stack.callback(server.stop)
        threading.Thread(target=server.serve, name="server", daemon=True).start()
        stack.enter_context(telling(workspace, kiosk, lambda: station.listening.owners))
        stack.enter_context(station.running())
        ended.wait()
