"""An employee's browser: the link to begin with, and what no address gives them, whatever it names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pages import open_page, signed_in, texts
from paperwork import punch
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from app.views import PAGES
from app.web import films, monitoring, pictures, rest, services, sign_in, streams
from app.web.gate import Gate
from app.web.sessions import COOKIE
from engine.access import EMPLOYEE
from engine.access.rights import ACTIONS
from engine.errors import MusterError
from engine.imaging import write_jpeg
from engine.people import Person
from engine.workbench import Workbench

HOME = "http://127.0.0.1:8501"
OWN = {"origin": HOME}
GOOD = "correct horse battery"
PICTURE = "images/evidence/20250310T080000-E1.jpg"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    """A site with another one below it; E1 of both has an account."""
    folder = tmp_path / "home"
    (folder / "sites" / "berlin").mkdir(parents=True)
    (folder / "muster.toml").write_text('site = "main"\n')
    (folder / "sites" / "berlin" / "muster.toml").write_text('site = "berlin"\n')
    monkeypatch.setenv("MUSTER_WORKSPACE", str(folder))
    services.find_sites_again()
    made = services.home()
    made.accounts.add("boss", "admin", email="boss@example.com")
    made.people.put_all([Person("E1", "Ann Example"), Person("E2", "Ben Bauer")])
    made.bindings.give("E1", "ann", author="boss")
    berlin = services.bench("berlin")
    berlin.people.put(Person("E1", "Eva Site"))
    berlin.bindings.give("E1", "eva", author="boss")
    write_jpeg(folder / PICTURE, np.full((60, 60, 3), 90, np.uint8))
    punch(made, "E1", datetime(2025, 3, 10, 8, tzinfo=UTC), track="t", image=PICTURE)
    return made


@pytest.fixture
def browser(bench: Workbench) -> Iterator[TestClient]:
    del bench
    routes = [*sign_in.routes, *monitoring.routes, *pictures.routes, *films.routes, *streams.routes, *rest.routes]
    served = Starlette(routes=routes, middleware=[Middleware(Gate)])
    with TestClient(served, base_url=HOME, follow_redirects=False) as client:
        yield client


def test_the_link_lets_its_owner_choose_a_password_and_signs_in_once(bench: Workbench, browser: TestClient) -> None:
    code = bench.bindings.renew("E1", author="boss")
    address = f"/sign-in/invited?code={code}"
    for _ in range(2):  # mail programs open links, too
        shown = browser.get(address)
        assert shown.status_code == 200
        assert "ann" in shown.text
        assert "no-store" in shown.headers["cache-control"]
    for password, again in ((GOOD, GOOD + "x"), ("short", "short"), ("ann-ann-ann", "ann-ann-ann")):
        answer = browser.post(
            "/sign-in/invited", data={"code": code, "password": password, "again": again}, headers=OWN
        )
        assert answer.status_code == 400
        assert COOKIE not in answer.cookies
    answer = browser.post("/sign-in/invited", data={"code": code, "password": GOOD, "again": GOOD}, headers=OWN)
    assert answer.status_code == 303
    account = services.sessions().account(answer.cookies[COOKIE])
    assert account is not None
    assert account.name == "ann"
    browser.cookies.clear()
    for used in (
        browser.get(address),
        browser.post("/sign-in/invited", data={"code": code, "password": GOOD + "!", "again": GOOD + "!"}, headers=OWN),
    ):
        assert used.status_code == 400
        assert "ann" not in used.text
        assert COOKIE not in used.cookies


def test_a_form_of_another_page_accepts_no_link(bench: Workbench, browser: TestClient) -> None:
    code = bench.bindings.renew("E1", author="boss")
    answer = browser.post(
        "/sign-in/invited",
        data={"code": code, "password": GOOD, "again": GOOD},
        headers={"origin": "http://evil.example"},
    )
    assert answer.status_code == 403
    assert not bench.accounts.all()["ann"].hash


def test_a_link_does_not_pass_by_the_second_factor(
    bench: Workbench, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        bench,
        "config",
        bench.config.model_copy(update={"app": bench.config.app.model_copy(update={"second_factor": ("employee",)})}),
    )
    code = bench.bindings.renew("E1", author="boss")
    answer = browser.post("/sign-in/invited", data={"code": code, "password": GOOD, "again": GOOD}, headers=OWN)
    assert answer.status_code == 200
    assert COOKIE not in answer.cookies
    assert "pending" in answer.text


@pytest.mark.parametrize("site", ["", "main", "berlin", "../main"])
@pytest.mark.parametrize("name", ["ann", "eva"])
def test_no_address_gives_an_employee_a_picture_a_stream_or_a_table(
    bench: Workbench, browser: TestClient, name: str, site: str
) -> None:
    """Not even their own through the addresses that are for others."""
    browser.cookies.set(COOKIE, services.sessions().begin(bench.accounts.all()[name]))
    asked = {"site": site} if site else {}
    for path in (f"/picture/{PICTURE}", "/picture/images/enrolment/x.jpg", "/film/x", "/boxes/x"):
        assert browser.get(path, params=asked).status_code in {403, 404}
    for key in ("E1", "E2", "E9", "", "../E1"):
        assert browser.get("/portrait", params={"id": key, **asked}).status_code == 403
    for path in ("/camera", "/cameras"):
        assert browser.get(path, params={"name": "door", **asked}).status_code == 403
    assert browser.get("/overlay", params={"key": "x"}).status_code == 404
    assert browser.get("/api/v1/sheets", params=asked).status_code == 401


def test_forged_cookies_open_nothing(bench: Workbench, browser: TestClient) -> None:
    real = services.sessions().begin(bench.accounts.all()["ann"])
    for forged in (
        real[:-1] + ("a" if real[-1] != "a" else "b"),
        real.swapcase(),
        "",
        "E1",
        bench.accounts.all()["ann"].id,
    ):
        browser.cookies.clear()
        browser.cookies.set(COOKIE, forged)
        assert browser.get("/portrait", params={"id": "E1"}).status_code == 401


_ASK = """
import streamlit as st
from app.web import access
access.enter()
for action in {actions!r}:
    for name, way in (("reading", access.reading), ("acting", access.acting), ("oneself", access.oneself)):
        try:
            way(action)
            st.text(f"{{name}} {{action}}")
        except Exception as error:
            assert type(error).__name__ == "NotAllowed", error
"""


def test_an_employee_is_refused_every_action_but_their_own(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in(bench.workspace, monkeypatch, EMPLOYEE)
    bench.bindings.rebind(EMPLOYEE, "E2", author="boss")
    page = AppTest.from_string(_ASK.format(actions=sorted(ACTIONS)), default_timeout=30).run()
    assert not page.exception
    own = ("account.own", "own.request", "own.view")
    assert [each.value for each in page.text] == [
        f"{way} {action}" for action in own for way in ("reading", "acting", "oneself")
    ]


def test_the_bench_of_an_employee_shows_nobody(bench: Workbench) -> None:
    seen = services.bench_for(bench.accounts.all()["ann"], "main")
    assert not seen.people.known()
    for name in ("incidents", "gallery", "audit", "accounts", "records", "sightings", "privacy", "bindings"):
        with pytest.raises(MusterError):
            getattr(seen, name)


@pytest.mark.parametrize("path", [page.path for page in PAGES if page.path not in {"me", "account"}])
def test_every_other_page_is_refused(bench: Workbench, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    module = {"confirm": "confirm"}.get(path, path)
    page = open_page(module, bench.workspace, monkeypatch, EMPLOYEE, query={"person": "E2", "part": "users"})
    assert "Your role (employee) does not allow this" in texts(page)
    assert "Ben" not in texts(page)


def test_access_ends_with_the_next_click(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in(bench.workspace, monkeypatch, EMPLOYEE)
    script = (
        "import streamlit as st\nfrom app.web import access\naccess.enter()\n"
        "try:\n    st.text(access.oneself('own.view')[1])\nexcept Exception as error:\n    st.text(type(error).__name__)\n"
    )
    page = AppTest.from_string(script, default_timeout=30)

    def told() -> str:
        page.run()
        assert not page.exception
        return str(page.text[0].value)

    assert told() == "NotAllowed"
    bench.bindings.rebind(EMPLOYEE, "E2", author="boss")
    assert told() == "E2"
    bench.privacy.forget("E2", author="boss", thorough=False)
    assert told() == "NotAllowed"
    bench.people.put(Person("E2", "Zoe New"))
    assert told() == "NotAllowed"


def test_a_link_that_leads_nowhere_says_what_to_do(browser: TestClient) -> None:
    for code in ("", "x", "x" * 3000):
        shown = browser.get("/sign-in/invited", params={"code": code})
        assert shown.status_code == 400
        assert "Ask whoever sent it" in shown.text
