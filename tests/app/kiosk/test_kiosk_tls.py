"""The kiosk over TLS: who says nothing keeps nobody waiting, and browsers learn to come with TLS only."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest
from kiosk_client import kiosk_app, station_of
from served import ended

from app.kiosk.operations import offer_authority
from app.kiosk.server import make_server
from engine.operations.tls import OwnCertificates

Served = tuple[int, OwnCertificates, str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A kiosk's port, its certificates, and a pairing code."""
    folder = tmp_path_factory.mktemp("kiosk")
    certificates = OwnCertificates(("door.example.com",), folder / "tls")
    app = kiosk_app(folder / "workspace", hosts=["door.example.com"])
    code = station_of(app).bench.kiosk.invite("screen", ["screen"], author="tests")[1]
    server = make_server(app, "127.0.0.1", 0, certificates)
    offer_authority(app, certificates.authority)
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield server.bind_addr[1], certificates, code
    server.stop()
    thread.join(20)


def asked(served: Served, path: str, host: str = "door.example.com") -> http.client.HTTPResponse:
    """The answer to a client that trusts the authority."""
    port, certificates, _ = served
    context = ssl.create_default_context(cafile=certificates.authority)
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        answer.read()
        return answer


def test_who_says_nothing_or_speaks_plain_http_keeps_nobody_waiting(served: Served) -> None:
    with (
        socket.create_connection(("127.0.0.1", served[0])),
        socket.create_connection(("127.0.0.1", served[0])) as half,
        socket.create_connection(("127.0.0.1", served[0]), timeout=5) as plain,
    ):
        half.sendall(b"\x16\x03\x01")
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert asked(served, "/healthz").status == 200
        assert b"200 OK" not in plain.recv(1000)


@pytest.mark.slow
def test_handshakes_that_stop_in_the_middle_occupy_no_thread(served: Served) -> None:
    """More of them than threads, in each stage: hello cut off, no answer to the server's, request cut off, two at once."""
    port, certificates, _ = served
    trusting = ssl.create_default_context(cafile=certificates.authority)
    hello = _hello(trusting)
    lines = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
    began = time.monotonic()
    for number, line in enumerate(lines):
        if number % 3 < 2:
            line.sendall((hello[:3], hello)[number % 3])
        else:
            lines[number] = secured = trusting.wrap_socket(line, server_hostname="door.example.com")
            whole = b"GET /healthz HTTP/1.1\r\nHost: door.example.com\r\n\r\n"
            secured.sendall((whole, b"")[number % 2] + b"GET /heal")
    slowest = 0.0
    while time.monotonic() - began < 10:
        asked_at = time.monotonic()
        assert asked(served, "/healthz").status == 200
        slowest = max(slowest, time.monotonic() - asked_at)
        time.sleep(0.2)
    assert slowest < 1
    assert all(ended(line, began + 20) for line in lines)
    for line in lines:
        line.close()


def test_requests_that_come_together_or_in_pieces_are_all_answered(served: Served) -> None:
    port, certificates, _ = served
    trusting = ssl.create_default_context(cafile=certificates.authority)
    whole = b"GET /healthz HTTP/1.1\r\nHost: door.example.com\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        trusting.wrap_socket(plain, server_hostname="door.example.com") as line,
    ):
        line.sendall(whole * 3 + whole[:20])
        time.sleep(0.1)
        line.sendall(whole[20:])
        got = b""
        while got.count(b'"ok"}\n') < 4:
            got += line.recv(4096)
        line.sendall(
            b"POST /api/recognitions HTTP/1.1\r\nHost: door.example.com\r\nContent-Length: 300000\r\n\r\n" + bytes(9000)
        )
        assert b" 401 " in line.recv(4096), "a body of somebody unknown is not waited for"


def _hello(context: ssl.SSLContext) -> bytes:
    """What a client says first."""
    said = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), said, server_hostname="door.example.com")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return said.read()


def test_browsers_come_back_with_tls_only_and_keep_the_token_for_it(served: Served) -> None:
    paired = asked(served, f"/?pair={served[2]}")
    assert paired.status == 303
    assert "Secure" in (paired.getheader("Set-Cookie") or "")
    assert paired.getheader("Strict-Transport-Security") == "max-age=31536000"
    assert asked(served, "/healthz", "127.0.0.1").getheader("Strict-Transport-Security") is None


def test_everybody_gets_the_authority(served: Served) -> None:
    answer = asked(served, "/trust/muster-authority.crt")
    assert (answer.status, answer.getheader("Content-Type")) == (200, "application/x-x509-ca-cert")
