"""A server below a path of a proxy: what comes in and goes out, whether the proxy takes the path off or not."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, redirect, url_for
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from app.web.below import Below, at, below, cookie_below, put_before, show_below, taken_off
from app.web.hosts import pinned


async def _path(request: Request) -> Response:
    answer = PlainTextResponse(request.url.path)
    answer.set_cookie("one", "1")
    answer.set_cookie("two", "2", path="/oauth2callback")
    return answer


async def _away(request: Request) -> Response:
    return RedirectResponse(request.query_params["to"], 303)


def client(root: str) -> TestClient:
    """A client of an application below a path."""
    app = Starlette(routes=[Route("/", _path), Route("/page", _path), Route("/away", _away)])
    return TestClient(Below(app, root), follow_redirects=False)


@pytest.mark.parametrize("before", ["/muster", ""])
def test_pages_answer_with_and_without_the_path(before: str) -> None:
    answer = client("/muster").get(f"{before}/page")
    assert answer.text == "/page"
    assert [each.split(";")[1].strip() for each in answer.headers.get_list("set-cookie")] == [
        "Path=/muster/",
        "Path=/muster/oauth2callback",
    ]


@pytest.mark.parametrize(
    ("to", "leads"),
    [
        ("/sign-in?next=%2F", "/muster/sign-in?next=%2F"),
        ("/", "/muster/"),
        ("/muster/page", "/muster/page"),
        ("https://login.example/x", "https://login.example/x"),
        ("//login.example", "//login.example"),
        ("page", "page"),
    ],
)
def test_redirects_stay_below_the_path(to: str, leads: str) -> None:
    assert client("/muster").get("/away", params={"to": to}).headers["location"] == leads


def test_the_path_itself_gets_its_slash() -> None:
    answer = client("/muster").get("/muster?a=b")
    assert (answer.status_code, answer.headers["location"]) == (307, "/muster/?a=b")
    assert client("/muster").get("/musterhaus").status_code == 404


def test_at_the_root_nothing_changes() -> None:
    answer = client("").get("/page")
    assert "Path=/;" in answer.headers["set-cookie"]
    assert client("").get("/away", params={"to": "/x"}).headers["location"] == "/x"


def test_addresses_of_pages(request: pytest.FixtureRequest) -> None:
    request.addfinalizer(lambda: show_below(""))
    assert (at("/people"), at("")) == ("/people", "")
    show_below("/muster")
    assert (at("/people?x=1"), at("?x=1"), at("https://a.example"), at("//a.example")) == (
        "/muster/people?x=1",
        "?x=1",
        "https://a.example",
        "//a.example",
    )
    assert at("") == "/muster"


def test_flask_below_a_path() -> None:
    app = Flask(__name__, static_folder=None)

    @app.get("/")
    def first() -> str:
        return url_for("second")

    @app.get("/second")
    def second() -> Response:
        answer = redirect("/", 303)
        answer.set_cookie("kiosk", "1")
        return answer  # type: ignore[return-value]

    app.wsgi_app = below(app.wsgi_app, "/door")  # type: ignore[method-assign]
    browser = app.test_client()
    for before in ("/door", ""):
        assert browser.get(f"{before}/").text == "/door/second"
        answer = browser.get(f"{before}/second")
        assert answer.headers["Location"] == "/door/"
        assert "Path=/door/" in answer.headers["Set-Cookie"]
    assert browser.get("/door").headers["Location"] == "/door/"


def test_pieces() -> None:
    assert taken_off("/musterhaus", "/muster") == "/musterhaus"
    assert put_before("/muster", "/muster") == "/muster"
    assert cookie_below("a=1; path=/; HttpOnly", "/m") == "a=1; path=/m/; HttpOnly"


@pytest.mark.parametrize(
    ("scheme", "host", "expected"),
    [
        ("https", "muster.example", True),
        ("https", "Muster.example:8501", True),
        ("https", "localhost:8501", False),
        ("https", "192.0.2.7", False),
        ("https", "[::1]:8501", False),
        ("https", "", False),
        ("https", "[", False),
        ("http", "muster.example", False),
    ],
)
def test_only_names_are_pinned_to_tls(scheme: str, host: str, expected: bool) -> None:
    assert pinned(scheme, host) is expected


def test_no_page_writes_an_address_past_the_path() -> None:
    """Every address of our own that a page, a template or a script writes goes through `at`, or is relative."""
    here = Path(__file__).parents[3] / "app"
    signs = ('href="/', 'src="/', 'action="/', "fetch('/", 'fetch("/', 'EventSource("/', "`/stream")
    found = [
        f"{path.name}: {line.strip()}"
        for path in here.rglob("*")
        if path.suffix in {".py", ".html", ".js"}
        for line in path.read_text(encoding="utf-8").splitlines()
        if any(sign in line for sign in signs)
    ]
    assert found == []
