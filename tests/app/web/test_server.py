"""The workbench's server as it is served: who opens its socket, who keeps connections, and what it asks others."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Site, camera_browser, needs_chromium, serve, sign_in
from served import ended

_TELLS = """
import sys, os
_log = open(os.environ["TOLD_CONNECTIONS"], "a", buffering=1)
def _hook(event, arguments):
    if event == "socket.connect":
        _log.write(f"{arguments[1]}\\n")
    elif event == "socket.getaddrinfo":
        _log.write(f"{arguments[:2]}\\n")
sys.addaudithook(_hook)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A workbench that writes down to whom it connects."""
    place = tmp_path_factory.mktemp("site")
    hook = tmp_path_factory.mktemp("hook")
    (hook / "sitecustomize.py").write_text(_TELLS)
    told = {"PYTHONPATH": f"{hook}", "TOLD_CONNECTIONS": str(place / "connections.txt")}
    with serve(place, **told) as site:
        yield site


def _asked(site: Site, method: str, path: str, body: str = "", **headers: str) -> http.client.HTTPResponse:
    """The start of an answer."""
    with contextlib.closing(http.client.HTTPConnection(site.base.removeprefix("http://"), timeout=10)) as line:
        line.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        return line.getresponse()


def _session(site: Site, role: str) -> str:
    """The cookie of a role."""
    form = f"name={role}&password={site.password(role).replace(' ', '+')}"
    kind = "application/x-www-form-urlencoded"
    answer = _asked(site, "POST", "/sign-in", form, origin=site.base, content_type=kind)
    assert answer.status == 303
    return str(answer.headers["Set-Cookie"]).partition(";")[0]


_UPGRADE = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec_websocket_version": "13",
    "sec_websocket_protocol": "streamlit",
}


def _opens(site: Site, cookie: str, origin: str | None) -> int:
    """The status of opening the socket, 101 if it opens."""
    named = {} if origin is None else {"origin": origin}
    return _asked(site, "GET", "/_stcore/stream", cookie=cookie, **_UPGRADE, **named).status


def test_a_foreign_origin_opens_nothing_and_makes_the_server_ask_nobody(site: Site) -> None:
    cookie = _session(site, "viewer")
    began = time.monotonic()
    for origin in ("http://127.0.0.1:1", "https://evil.example", "http://10.0.0.1:8501", "null", None):
        assert _opens(site, cookie, origin) == 403, origin
    assert time.monotonic() - began < 2
    assert _opens(site, cookie, site.base) == 101
    connections = (site.workspace / "connections.txt").read_text().splitlines()
    away = [line for line in connections if "127.0.0.1" not in line and "localhost" not in line and "::1" not in line]
    assert away == []


@needs_chromium
def test_a_page_on_another_port_of_the_same_host_reads_nothing(site: Site) -> None:
    script = f"""<title>other</title><script>
      const socket = new WebSocket("{site.base.replace("http", "ws")}/_stcore/stream", ["streamlit"]);
      socket.onopen = () => document.title = "opened";
      socket.onclose = () => document.title = document.title === "other" ? "refused" : document.title;
    </script>""".encode()

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(script)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as other, camera_browser() as browser:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        page = sign_in(browser, site, "admin")  # the session's cookie goes to all ports of the host
        page.goto(f"http://127.0.0.1:{other.server_port}/")
        page.wait_for_function("document.title !== 'other'", timeout=10_000)
        assert page.title() == "refused"
        page.goto(site.base)
        page.wait_for_selector("[data-testid=stMain]")
        other.shutdown()


# ----------------------------------------------------------------------------------------- connections


def _half_open(site: Site, sent: bytes = b"", address: str = "127.0.0.1") -> socket.socket:
    host, port = site.base.partition("://")[2].split(":")
    line = socket.create_connection((host, int(port)), 5, (address, 0))
    if sent:
        line.sendall(sent)
    return line


def _health(site: Site, seconds: float = 2.0) -> float:
    """Seconds to the answer."""
    began = time.monotonic()
    with urllib.request.urlopen(site.base + "/healthz", timeout=seconds) as answer:
        assert answer.read() == b"ok"
    return time.monotonic() - began


BEGUN = [
    b"",
    b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
    b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 8000\r\n\r\nname=",
]


@pytest.mark.slow
def test_whoever_sends_no_request_is_closed_within_15_seconds_and_the_server_answers_meanwhile(site: Site) -> None:
    began = time.monotonic()
    lines = [_half_open(site, BEGUN[number % 3]) for number in range(1100)]
    dripped = [_half_open(site, BEGUN[number]) for number in (1, 2)]
    kept = _half_open(site, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert b"200 OK" in kept.recv(4096)
    kept.sendall(b"GET /heal")  # the second request of a connection has the same limit
    try:
        slowest = 0.0
        while time.monotonic() - began < 14:
            slowest = max(slowest, _health(site))
            for line in dripped:
                with contextlib.suppress(OSError):
                    line.send(b"x")
            time.sleep(0.5)
        assert slowest < 1
        until = time.monotonic() + 6
        assert all(ended(line, until) for line in (*lines, *dripped, kept))
        assert _health(site) < 1
    finally:
        for line in (*lines, *dripped, kept):
            line.close()


@pytest.mark.slow
def test_handshakes_that_stop_in_the_middle_are_closed_within_15_seconds(tmp_path: Path) -> None:
    with serve(tmp_path, words=("--tls", "self-signed")) as site:
        host, port = site.base.removeprefix("https://").split(":")
        unproven = ssl._create_unverified_context()
        said = ssl.MemoryBIO()
        with contextlib.suppress(ssl.SSLWantReadError):
            unproven.wrap_bio(ssl.MemoryBIO(), said).do_handshake()
        hello = said.read()
        began, lines = time.monotonic(), list[socket.socket]()
        for number in range(600):
            line = socket.create_connection((host, int(port)), 5, (f"127.0.0.{2 + number % 3}", 0))
            line.sendall((b"", hello[:3], hello)[number % 3])
            lines.append(line)
        spoken = unproven.wrap_socket(_half_open(site))
        spoken.sendall(b"GET /heal")
        lines.append(spoken)
        slowest = 0.0
        while time.monotonic() - began < 14:
            asked = time.monotonic()
            with urllib.request.urlopen(site.base + "/healthz", timeout=2, context=unproven) as answer:
                assert answer.read() == b"ok"
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.5)
        assert slowest < 1
        until = time.monotonic() + 6
        assert all(ended(line, until) for line in lines)
        for line in lines:
            line.close()


def test_one_address_has_so_many_handshakes_and_tls_has_no_more_connections(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text("[app]\nconnections = 16\n")
    with serve(tmp_path, words=("--tls", "self-signed")) as site, contextlib.ExitStack() as stack:
        unproven = ssl._create_unverified_context()
        own = [stack.enter_context(_half_open(site, address="127.0.0.9")) for _ in range(8)]
        own += [stack.enter_context(unproven.wrap_socket(_half_open(site, address="127.0.0.9"))) for _ in range(8)]
        assert ended(stack.enter_context(_half_open(site, address="127.0.0.9")), time.monotonic() + 5)
        asks = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        for line in own[8:]:
            line.sendall(asks)
            assert b"200 OK" in line.recv(4096)
        other = stack.enter_context(unproven.wrap_socket(_half_open(site, address="127.0.0.10")))
        other.sendall(asks + asks[:9])
        assert b"200 OK" in other.recv(4096)


def test_one_address_has_so_many_connections_and_others_have_theirs(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text("[app]\nconnections = 16\n")
    asks = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with serve(tmp_path) as site, contextlib.ExitStack() as stack:
        own = [stack.enter_context(_half_open(site, address="127.0.0.9")) for _ in range(16)]
        over = stack.enter_context(_half_open(site, address="127.0.0.9"))
        assert ended(over, time.monotonic() + 5)
        for address in ("127.0.0.10", "127.0.0.1"):
            other = stack.enter_context(_half_open(site, asks, address))
            assert b"200 OK" in other.recv(4096)
        own.pop().close()
        for _ in range(50):
            again = stack.enter_context(_half_open(site, asks, "127.0.0.9"))
            with contextlib.suppress(ConnectionError):
                if b"200 OK" in again.recv(4096):
                    break
        else:
            raise AssertionError("a place that was left stays taken")


def test_an_answer_may_take_longer_than_a_request(site: Site) -> None:
    """Streams of pictures and of events last; only requests have a limit."""
    host, port = site.base.removeprefix("http://").split(":")
    line = http.client.HTTPConnection(host, int(port), timeout=5)
    for _ in range(3):
        line.request("GET", "/healthz")
        assert line.getresponse().read() == b"ok"
    line.close()
