"""Pages of other servers, ports and schemes cannot use a session; behind a proxy the browser's address counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.web import services, sign_in
from app.web.gate import Gate
from app.web.proxies import Proxies, normal_origin
from app.web.sessions import COOKIE

GOOD = "correct horse battery"
PROXY, ELSEWHERE = "10.0.0.7", "203.0.113.9"
BASE = "http://127.0.0.1:8501"


async def _told(request: Request) -> JSONResponse:
    return JSONResponse(
        {
            "scheme": request.url.scheme,
            "host": request.headers.getlist("host"),
            "client": request.client.host if request.client else "",
        }
    )


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_json([socket.headers.get("origin"), socket.headers.getlist("host"), socket.url.scheme])
    await socket.close()


def browser(peer: str = "127.0.0.1", base: str = BASE) -> TestClient:
    """A browser, or the proxy before it, that connects from an address."""
    app = Starlette(
        routes=[
            *sign_in.routes,
            WebSocketRoute("/_stcore/stream", _socket),
            Route("/{path:path}", _told, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
        ],
        middleware=[Middleware(Gate, hosts=["muster.example.com"], proxies=["10.0.0.0/24"])],
    )
    return TestClient(app, base_url=base, follow_redirects=False, client=(peer, 50_000))


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The cookie of somebody who is signed in."""
    monkeypatch.setenv("MUSTER_WORKSPACE", str(tmp_path))
    return services.sessions().begin(services.home().accounts.add("ada", "admin", GOOD))


FOREIGN = [
    None,
    "null",
    "",
    "http://127.0.0.1:8502",
    "http://127.0.0.1",
    "https://127.0.0.1:8501",
    "http://localhost:8501",
    "http://127.0.0.1:8501/",
    "http://127.0.0.1:8501@evil.example",
    "http://127.0.0.1:8501.evil.example",
    "ws://127.0.0.1:8501",
    "http://[",
    "http://127.0.0.1:99999",
    "http://muster.example.com",
]


@pytest.mark.parametrize("origin", FOREIGN)
def test_no_page_from_elsewhere_opens_the_socket_or_changes_something(session: str, origin: str | None) -> None:
    client = browser()
    headers = {"cookie": f"{COOKIE}={session}", **({} if origin is None else {"origin": origin})}
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect("ws://127.0.0.1:8501/_stcore/stream", headers=headers),
    ):
        pass
    assert refused.value.code == 4403
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert client.request(method, "/x", headers=headers).status_code == 403, method
    assert client.get("/x", headers=headers).status_code == 200  # its answer stays out of that page's reach


def test_two_origins_are_none(session: str) -> None:
    headers = [("cookie", f"{COOKIE}={session}"), ("origin", BASE), ("origin", "https://evil.example")]
    assert browser().post("/x", headers=headers).status_code == 403


def test_own_pages_open_the_socket_whose_host_is_the_text_of_its_origin(session: str) -> None:
    cookie = {"cookie": f"{COOKIE}={session}"}
    for host, origin in (
        ("127.0.0.1:8501", BASE),
        ("MUSTER.example.com:80", "http://muster.example.com"),
        ("[::1]:8501", "http://[::1]:8501"),
    ):
        headers = {**cookie, "host": host, "origin": origin}
        with browser().websocket_connect("ws://127.0.0.1:8501/_stcore/stream", headers=headers) as socket:
            assert socket.receive_json() == [origin, [origin.partition("//")[2]], "ws"]


TLS = [
    {"x-forwarded-proto": "https", "x-forwarded-for": ELSEWHERE},
    {"x-forwarded-proto": "https", "x-forwarded-for": f"6.6.6.6, {ELSEWHERE}:4711, 10.0.0.8"},
    {"forwarded": f'for={ELSEWHERE};proto=https;host="muster.example.com"'},
    {"forwarded": f'for=6.6.6.6;proto=http, For="{ELSEWHERE}:4711";Proto=https, for=10.0.0.9;proto=http'},
    {"x-forwarded-proto": "https", "x-forwarded-host": "muster.example.com", "x-forwarded-for": ELSEWHERE, "host": "a"},
]


@pytest.mark.parametrize("told", TLS)
def test_behind_a_proxy_with_tls_its_address_and_scheme_count(session: str, told: dict[str, str]) -> None:
    client, cookie = browser(PROXY, "http://muster.example.com"), {"cookie": f"{COOKIE}={session}"}
    own = {"host": "muster.example.com", "origin": "https://muster.example.com", **cookie, **told}
    expected = {"scheme": "https", "host": ["muster.example.com"], "client": ELSEWHERE}
    assert client.post("/x", headers=own).json() == expected
    with client.websocket_connect("/_stcore/stream", headers=own) as socket:
        assert socket.receive_json() == ["https://muster.example.com", ["muster.example.com"], "wss"]
    for origin in ("http://muster.example.com", "https://muster.example.com:8443"):
        assert client.post("/x", headers={**own, "origin": origin}).status_code == 403
    form = {"name": "ada", "password": GOOD}
    answer = client.post("/sign-in", data=form, headers={**told, "host": own["host"], "origin": own["origin"]})
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("told", TLS)
def test_anybody_else_is_not_believed(session: str, told: dict[str, str]) -> None:
    headers = {"cookie": f"{COOKIE}={session}", **told, "host": "muster.example.com"}
    answer = browser(ELSEWHERE).get("/x", headers=headers)
    assert answer.json() == {"scheme": "http", "host": ["muster.example.com"], "client": ELSEWHERE}
    assert (
        browser("10.0.1.7").post("/x", headers={**headers, "origin": "https://muster.example.com"}).status_code == 403
    )


def test_a_proxy_cannot_be_made_to_name_a_foreign_host(session: str) -> None:
    told = {"x-forwarded-host": "evil.example", "cookie": f"{COOKIE}={session}"}
    assert browser(PROXY).get("/x", headers=told).status_code == 421


@given(st.text(), st.text(), st.text())
def test_no_header_breaks_who_reads_it(one: str, two: str, three: str) -> None:
    texts = {"forwarded": one, "x-forwarded-for": two, "x-forwarded-proto": three, "host": one, "x-forwarded-host": two}
    for headers in (texts, {"forwarded": one, "host": two}):
        arrival = Proxies(["10.0.0.0/24"]).arrival(PROXY, "http", headers.get)
        assert arrival.scheme in {"http", "https"}
        assert arrival.origin == normal_origin(arrival.origin)
