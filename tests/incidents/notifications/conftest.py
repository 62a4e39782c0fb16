"""Receivers on loopback, and no child process that outlives its test."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
from outgoing import (
    KEY,
    STARTED,
    Receiver,
    Request,
)


@pytest.fixture
def receivers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Receiver]]:
    """Two receivers; what they hold back is let go at the end."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATE_KEY", KEY)
    servers, found = [], []
    for _ in range(2):
        receiver = Receiver()
        receiver.hold.set()

        class Handler(http.server.BaseHTTPRequestHandler):
            state = receiver

            def do_POST(self) -> None:
                """Keep the request, wait if told to, answer."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.state.requests.append(Request(self.path, dict(self.headers.items()), body))
                status = self.state.answers.pop(0) if self.state.answers else 200
                self.state.arrived.set()
                self.state.hold.wait(20)
                try:
                    self.send_response(status)
                    for name, value in self.state.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                except OSError:
                    pass  # the sender went away

            def do_GET(self) -> None:
                """A redirected POST would arrive so."""
                self.state.requests.append(Request(self.path, {}, b""))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        receiver.port = server.server_port
        receiver.url = f"http://127.0.0.1:{server.server_port}/hook/tok3n-in-path"
        thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
        thread.start()
        servers.append((server, thread))
        found.append(receiver)
    yield found
    for receiver in found:
        receiver.hold.set()
    for server, thread in servers:
        server.shutdown()
        thread.join(5)
        server.server_close()


@pytest.fixture
def receiver(receivers: list[Receiver]) -> Receiver:
    """The first of the two."""
    return receivers[0]


@pytest.fixture(autouse=True)
def _no_child_is_left() -> Iterator[None]:
    yield
    while STARTED:
        with STARTED.pop() as child:
            child.kill()
