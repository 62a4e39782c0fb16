"""Whom the organisation's sign-in lets in, and what ends that: our routes before a provider of our own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from provider import Provider, provider
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.web import oidc, services, sign_in
from app.web.gate import Gate
from app.web.sessions import COOKIE
from engine.access import Account

OWN = {"origin": "https://muster.example.com"}
DAY = 86_400


@pytest.fixture(scope="module")
def serving() -> Iterator[Provider]:
    with provider() as own:
        yield own


@pytest.fixture
def who(serving: Provider) -> Provider:
    """The provider, which vouches for ada."""
    fresh = Provider(serving.base)
    for name in ("email", "verified", "subject", "auth_time", "issued_s", "issuer", "ends", "denies", "away"):
        setattr(serving, name, getattr(fresh, name))
    serving.asked.clear()
    serving.ended.clear()
    oidc._service.cache_clear()
    return serving


@pytest.fixture
def ada(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: Provider) -> Account:
    """The account of a workspace that asks the provider."""
    (tmp_path / "muster.toml").write_text(
        f'[app.oidc]\nmetadata_url = "{who.base}/.well-known/openid-configuration"\nclient_id = "muster"\n'
        'client_secret = "kept between two"\nbase_url = "https://muster.example.com"\n'
    )
    monkeypatch.setenv("MUSTER_WORKSPACE", str(tmp_path))
    services.home().accounts.add("root", "admin", "correct horse battery")
    return services.home().accounts.add("ada", "hr", email="Ada@example.com")


async def _behind(_request: object) -> PlainTextResponse:
    answer = PlainTextResponse("behind")
    answer.set_cookie("of_streamlit", "x", samesite="lax")
    return answer


@pytest.fixture
def browser(ada: Account) -> TestClient:
    return _browser()


def _browser() -> TestClient:
    app = Starlette(
        routes=[*sign_in.routes, *oidc.routes, Route("/{path:path}", _behind)],
        middleware=[Middleware(Gate, hosts=["muster.example.com"])],
    )
    return TestClient(app, base_url="https://muster.example.com", follow_redirects=False)


def back(browser: TestClient, place: str = "/attendance") -> str:
    """The address at which the provider sends a browser back."""
    started = browser.get(f"/sign-in/organisation?next={place}")
    assert started.status_code == 303, started.text
    there = urlsplit(httpx2.get(started.headers["location"], follow_redirects=False).headers["location"])
    return f"{there.path}?{there.query}"


def enter(browser: TestClient) -> int:
    """The status of signing in."""
    return browser.get(back(browser)).status_code


def inside(browser: TestClient) -> bool:
    return browser.get("/attendance").text == "behind"


def told() -> list[tuple[str, str, str]]:
    """Author, action and detail of the audit log."""
    return [(row.author, row.action, row.detail) for row in services.home().audit.read()]


def test_an_identity_becomes_a_session_that_its_owner_sees_and_ends(browser: TestClient, ada: Account) -> None:
    answer = browser.get(back(browser))
    assert (answer.status_code, 'content="0; url=/attendance"' in answer.text) == (200, True)
    assert inside(browser)
    (session,) = services.sessions().of(ada)
    assert session.until_s - session.began_s == pytest.approx(12 * 3600, abs=5)
    services.sessions().end_of(ada, session.key)
    assert not inside(browser)


def test_the_service_is_asked_who_is_there_each_time(browser: TestClient, who: Provider) -> None:
    enter(browser)
    asked = who.asked[-1]
    assert (asked["prompt"], asked["max_age"]) == ("login", "43200")
    assert {"nonce", "state", "code_challenge"} < set(asked)


@pytest.mark.parametrize(
    ("age", "lets_in"), [(60, True), (12 * 3600 - 60, True), (12 * 3600 + 60, False), (29 * DAY, False)]
)
def test_an_identity_is_worth_no_more_than_a_session(
    browser: TestClient, who: Provider, age: int, *, lets_in: bool
) -> None:
    who.auth_time = int(time.time()) - age
    assert (enter(browser), inside(browser)) == ((200, True) if lets_in else (403, False))
    if lets_in:
        (session,) = services.sessions().of(services.home().accounts.all()["ada"])
        assert session.until_s <= who.auth_time + 12 * 3600 + 2, "it ends with the identity"
    else:
        assert told()[-1][1:] == (
            "sign_in_failed",
            "organisation's sign-in: the identity is too old, try 1 from testclient",
        )


@pytest.mark.parametrize("ending", ["others", "one", "role", "sign out", "block", "release"])
def test_an_identity_from_before_the_end_of_the_sessions_opens_none(
    browser: TestClient, who: Provider, ada: Account, ending: str
) -> None:
    who.auth_time = int(time.time()) - 5
    assert enter(browser) == 200
    bench, sessions = services.home(), services.sessions()
    if ending == "others":
        sessions.end_of(ada)
    elif ending == "one":
        sessions.end_of(ada, sessions.of(ada)[0].key)
    elif ending == "role":
        bench.users.change("ada", role="viewer", author="root")
    elif ending == "block":
        bench.users.change("ada", active=False, author="root")
        bench.users.change("ada", active=True, author="root")
    elif ending == "release":
        bench.users.release("ada", author="root")
    else:
        browser.post("/sign-out", headers=OWN)
    assert not inside(browser)
    assert (enter(browser), inside(browser)) == (403, False)
    assert "older than the end" in told()[-1][2]
    who.auth_time = int(time.time()) + 1
    assert (enter(browser), inside(browser)) == (200, True), "who signs in there anew enters"


def test_an_account_is_found_by_issuer_and_subject_once_it_is_bound(
    browser: TestClient, who: Provider, ada: Account
) -> None:
    assert enter(browser) == 200
    bound = services.home().accounts.all()["ada"]
    assert (bound.issuer, bound.subject) == (who.base, "1")
    who.email, who.verified = "ada.married@example.org", False
    assert enter(_browser()) == 200, "the address does not matter any more"
    who.email, who.verified, who.subject = "ada@example.com", True, "2"
    stranger = _browser()
    assert (enter(stranger), inside(stranger)) == (403, False), "the address was given to somebody else"
    assert "bound to another identity" in told()[-1][2]
    services.home().users.release("ada", author="root")
    assert not inside(browser)
    time.sleep(1.01 - time.time() % 1)  # whole seconds are what providers tell
    assert enter(_browser()) == 200
    assert services.home().accounts.all()["ada"].subject == "2"
    details = [(action, detail) for _, action, detail in told() if action == "change_user"]
    assert details == [
        ("change_user", f"bound to an identity of {who.base}"),
        ("change_user", "released from the organisation's identity"),
        ("change_user", f"bound to an identity of {who.base}"),
    ]


def test_a_blocked_accounts_identity_opens_no_other_account(browser: TestClient, who: Provider) -> None:
    assert enter(browser) == 200
    services.home().users.change("ada", active=False, author="root")
    services.home().accounts.add("ada2", "admin", email="ada2@example.com")
    who.email = "ada2@example.com"
    assert enter(_browser()) == 403
    assert not services.home().accounts.all()["ada2"].subject


@pytest.mark.parametrize("verified", [False, None])
def test_an_address_that_nobody_vouches_for_binds_nothing(
    browser: TestClient, who: Provider, *, verified: bool | None
) -> None:
    who.verified = verified
    assert enter(browser) == 403
    assert not services.home().accounts.all()["ada"].subject


def test_who_comes_in_who_does_not_and_who_leaves_is_recorded_without_addresses(
    browser: TestClient, who: Provider
) -> None:
    enter(browser)
    browser.post("/sign-out", headers=OWN)
    who.email, who.subject = "eve@example.com", "666"
    answer = browser.get(back(browser))
    assert "No account has the address eve@example.com" in answer.text
    rows = told()
    assert [(author, action) for author, action, _ in rows] == [
        ("muster app", "change_user"),
        ("ada", "sign_in"),
        ("ada", "sign_out"),
        ("muster app", "sign_in_failed"),
    ]
    assert rows[1][2] == "signed in with the organisation's sign-in"
    assert "example.com" not in rows[-1][2]


def test_whoever_is_refused_again_and_again_waits(browser: TestClient, who: Provider) -> None:
    who.email = "eve@example.com"
    statuses = [enter(browser) for _ in range(6)]
    assert statuses == [403] * 5 + [429]


def test_a_sign_in_counts_in_its_own_browser_once(browser: TestClient) -> None:
    place = back(browser)
    assert _browser().get(place).status_code == 400, "another browser"
    cookies = {cookie.name: cookie.value for cookie in browser.cookies.jar}
    assert browser.get(place).status_code == 200
    again = _browser()
    again.cookies.update({name: value for name, value in cookies.items() if name.startswith("muster_oidc")})
    answer = again.get(place)
    assert (answer.status_code, COOKIE in answer.cookies) == (400, False)
    assert len(services.sessions().all()) == 1


def test_two_tabs_may_begin_at_the_same_time(browser: TestClient, who: Provider) -> None:
    first = back(browser)
    asked = who.asked[-1]
    back(browser, "/people")
    who.asked.append(asked)
    assert browser.get(first).status_code == 200


def test_a_foreign_issuer_opens_nothing(browser: TestClient, who: Provider) -> None:
    place = back(browser)
    who.issuer = "https://evil.example.com"
    answer = browser.get(place)
    assert (answer.status_code, COOKIE in answer.cookies) == (502, False)


def test_what_the_service_refuses_is_told_and_its_words_are_not_repeated(browser: TestClient, who: Provider) -> None:
    who.denies = "<script>alert(1)</script>"
    answer = browser.get(back(browser))
    assert answer.status_code == 403
    assert "did not let you in" in answer.text
    assert "<script>" not in answer.text


def test_while_the_service_is_away_the_page_says_so(browser: TestClient, who: Provider) -> None:
    who.away = True
    answer = browser.get("/sign-in/organisation")
    assert (answer.status_code, "does not answer" in answer.text) == (502, True)
    who.away = False
    place = back(browser)
    who.away = True
    assert browser.get(place).status_code == 502


def test_signing_out_ends_the_session_there_too(browser: TestClient, who: Provider) -> None:
    enter(browser)
    browser.cookies.update({"_streamlit_user": "old", "_streamlit_user_1": "older"})
    answer = browser.post("/sign-out", headers=OWN)
    address = answer.text.partition("0; url=")[2].partition('"')[0].replace("&amp;", "&")
    assert address.startswith(f"{who.base}/end?")
    there = urlsplit(httpx2.get(address, follow_redirects=False).headers["location"])
    asked = who.ended[-1]
    assert (asked["client_id"], bool(asked["id_token_hint"])) == ("muster", True)
    assert browser.get(f"{there.path}?{there.query}").headers["location"] == "/sign-in"
    gone = {each.partition("=")[0] for each in answer.headers.get_list("set-cookie") if "Max-Age=0" in each}
    assert {COOKIE, "muster_oidc_proof", "_streamlit_user", "_streamlit_user_1"} <= gone
    assert browser.post("/sign-out", headers=OWN).headers["location"] == "/sign-in", "it is told once"


def test_who_came_with_a_password_or_whose_service_cannot_be_told_stays_here(
    browser: TestClient, who: Provider
) -> None:
    who.ends = False
    enter(browser)
    assert browser.post("/sign-out", headers=OWN).headers["location"] == "/sign-in"
    who.ends = True
    oidc._service.cache_clear()
    form = {"name": "root", "password": "correct horse battery"}
    assert browser.post("/sign-in", data=form, headers=OWN).status_code == 303
    assert browser.post("/sign-out", headers=OWN).headers["location"] == "/sign-in"
    assert not who.ended


def test_behind_tls_every_cookie_is_secure(browser: TestClient) -> None:
    started = browser.get("/sign-in/organisation")
    entered = browser.get(back(browser))
    for answer in (started, entered, browser.get("/"), browser.post("/sign-out", headers=OWN)):
        for text in answer.headers.get_list("set-cookie"):
            (cookie,) = SimpleCookie(text).values()
            assert cookie["secure"], text
            assert text.lower().count("secure") == 1


def test_streamlits_own_sign_in_is_closed_and_its_cookie_worth_nothing(browser: TestClient) -> None:
    for path in ("/auth/login", "/auth/logout"):
        assert browser.get(path).status_code == 404
    browser.cookies.set("_streamlit_user", "2|1:0|10:1795000000|15:_streamlit_user|4:e30=|abc")
    assert not inside(browser)


def test_a_file_that_cannot_be_written_is_told(browser: TestClient, tmp_path: Path) -> None:
    place = back(browser)
    (tmp_path / "sessions.json").write_text("[{")
    answer = browser.get(place)
    assert (answer.status_code, "cannot read the accounts" in answer.text) == (503, True)
