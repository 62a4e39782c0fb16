"""Clients that send slowly, before a kiosk's server: they occupy no thread, and whoever asks in a moment is answered."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kiosk_client import kiosk_app, token_for
from served import ended

from app.kiosk.arrivals import stage
from app.kiosk.server import make_server


@pytest.fixture
def port(tmp_path: Path) -> Iterator[tuple[int, str]]:
    """Port of a kiosk, and the token of a device."""
    app = kiosk_app(tmp_path)
    server = make_server(app, "127.0.0.1", 0)
    threading.Thread(target=server.serve, daemon=True).start()
    yield int(server.bind_addr[1]), token_for(app, "recognise", "status")
    server.stop()


def asked(port: int, path: str = "/healthz", *, body: bytes | None = None, **headers: str) -> tuple[int, float]:
    """The status, and the seconds until it came."""
    line, began = http.client.HTTPConnection("127.0.0.1", port, timeout=5), time.monotonic()
    with contextlib.closing(line):
        line.request("POST" if body is not None else "GET", path, body, headers)
        answer = line.getresponse()
        answer.read()
        return answer.status, time.monotonic() - began


HEAD = b"POST /api/recognitions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: "
BEGUN = [b"", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", HEAD + b"8000\r\n\r\n{", HEAD + b"8000000\r\n\r\n{"]


@pytest.mark.slow
def test_eleven_hundred_that_send_no_request_are_closed_within_15_seconds_and_others_answered_meanwhile(
    port: tuple[int, str],
) -> None:
    place, token = port
    began = time.monotonic()
    lines = [socket.create_connection(("127.0.0.1", place), 5) for _ in range(1100)]
    for number, line in enumerate(lines):
        line.sendall(BEGUN[number % 4])
    known = [socket.create_connection(("127.0.0.1", place), 5) for _ in range(40)]
    for line in known:  # even a device leaves threads for others
        line.sendall(HEAD + b"8000000\r\nAuthorization: Bearer " + token.encode() + b"\r\n\r\n{")
    dripped, slowest, bad = [lines[1], lines[2]], 0.0, []
    try:
        while time.monotonic() - began < 13:
            status, seconds = asked(place)
            slowest = max(slowest, seconds)
            bad += [status] if status != 200 else []
            for line in dripped:
                with contextlib.suppress(OSError):
                    line.send(b"x")
            time.sleep(0.5)
        until = began + 15.5
        still = [line for line in lines if not ended(line, until)]
        print(f"slowest {slowest * 1000:.0f} ms, {len(still)} open after {time.monotonic() - began:.1f} s")
        assert (bad, still) == ([], [])
        assert slowest < 1
        assert asked(place, "/api/status", Authorization=f"Bearer {token}")[0] == 200
    finally:
        for line in (*lines, *known):
            line.close()


def test_a_request_may_come_in_pieces_and_two_at_once(port: tuple[int, str]) -> None:
    with socket.create_connection(("127.0.0.1", port[0]), 5) as line:
        for piece in (b"GET /healthz HT", b"TP/1.1\r\nHost: 127.0.0.1\r", b"\n\r\n"):
            line.sendall(piece)
            time.sleep(0.06)
        assert b"200 OK" in line.recv(4096)
        line.sendall(2 * b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        found = b""
        while found.count(b"200 OK") < 2:
            found += line.recv(4096)


@pytest.mark.parametrize(
    ("size", "known", "status"), [(500, True, 422), (3_000_000, True, 422), (3_000_000, False, 401)]
)
def test_bodies_of_any_size_arrive_and_those_of_strangers_are_not_waited_for(
    port: tuple[int, str], size: int, status: int, *, known: bool
) -> None:
    place, token = port
    own = {"Authorization": f"Bearer {token}"} if known else {}
    with contextlib.suppress(ConnectionError):  # a stranger may find the connection closed before all is sent
        assert asked(place, "/api/recognitions", body=bytes(size), **{"Content-Type": "image/jpeg"}, **own)[0] in {
            status,
            415,
        }


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "gone"),
        (b"GET / HTTP/1.1\r\n", "coming"),
        (b"GET / HTTP/1.1\r\n\r\n", "here"),
        (b"GET / HTTP/1.1\n\n", "here"),
        (b"x" * 40_000, "here"),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", "coming"),
        (b"POST / HTTP/1.1\r\ncontent-length:3\r\n\r\nabc", "here"),
        (b"POST / HTTP/1.1\r\nContent-Length: 900000\r\n\r\nab", "large"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "large"),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", "large"),
        (b"POST / HTTP/1.1\r\nContent-Length: -3\r\n\r\n", "here"),
    ],
)
def test_how_far_a_request_is(data: bytes, expected: str) -> None:
    assert stage(data)[0] == expected
