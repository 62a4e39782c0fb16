"""Your account: one's own password, second factor and sessions; and nobody else's."""

from __future__ import annotations

from pathlib import Path

import pyotp
import pytest
from pages import bench_of, open_page, texts
from streamlit.testing.v1 import AppTest

from app.web import access, services
from engine.access import ROLES
from engine.workbench import Workbench

GOOD, NEW = "correct horse battery", "staple of another kind"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    bench = bench_of(tmp_path, monkeypatch)
    bench.accounts.add("hr", "hr", GOOD, language="en")
    return bench


def opened(place: Workbench, monkeypatch: pytest.MonkeyPatch, role: str = "hr", language: str = "en") -> AppTest:
    page = open_page("account", place.workspace, monkeypatch, role, language=language)
    assert not page.exception
    return page


def press(page: AppTest, label: str) -> AppTest:
    next(each for each in page.button if each.label == label).click()
    page.run()
    assert not page.exception
    return page


@pytest.mark.parametrize("role", [role for role in ROLES if role != "hr"])
def test_every_role_has_an_account_of_its_own(place: Workbench, monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    page = opened(place, monkeypatch, role)
    assert "Your account" in texts(page)
    assert "organisation" in texts(page), "who has no password here cannot change one"


def test_the_own_password_is_changed_and_other_sessions_end(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch)
    sessions, hr = services.sessions(), place.accounts.all()["hr"]
    other = sessions.begin(hr)
    for old, new, again in (("nonsense", NEW, NEW), (GOOD, NEW, NEW + "x"), (GOOD, "1234567890", "1234567890")):
        for key, text in (("own_old", old), ("own_new", new), ("own_again", again)):
            page.text_input(key=key).set_value(text)
        press(page, "Change password")
        assert page.error
        assert place.accounts.all()["hr"] == hr
    for key, text in (("own_old", GOOD), ("own_new", NEW), ("own_again", NEW)):
        page.text_input(key=key).set_value(text)
    press(page, "Change password")
    assert not page.error
    changed = place.accounts.check("hr", NEW, place.clock())
    assert sessions.account(other) is None
    assert len(sessions.of(changed)) == 1, "this one goes on"
    assert place.audit.read()[-1].detail == "new password of their own"


def test_own_sessions_are_listed_and_ended(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions, hr = services.sessions(), place.accounts.all()["hr"]
    tokens = [sessions.begin(hr, browser=name, address="10.0.0.7") for name in ("Firefox, Linux", "<b>x</b>")]
    page = opened(place, monkeypatch)
    shown = texts(page)
    assert "Firefox, Linux" in shown
    assert "&lt;b&gt;x" in shown
    assert "10.0.0.7" in shown
    page.button(key=f"end-{sessions.key_of(tokens[0])[:16]}").click()
    page.run()
    assert [sessions.account(token) is None for token in tokens] == [True, False]
    press(page, "End all others")
    assert sessions.account(tokens[1]) is None
    assert len(sessions.of(hr)) == 1


def test_a_second_factor_is_set_up_with_password_and_code(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = press(opened(place, monkeypatch), "Set up")
    secret = page.session_state["own-secret"]
    assert secret in texts(page)
    for password, code in (("nonsense", pyotp.TOTP(secret).now()), (GOOD, "12345")):
        page.text_input(key="own_proof").set_value(password)
        page.text_input(key="own_code").set_value(code)
        press(page, "Set up")
        assert page.error
        assert not place.accounts.all()["hr"].totp
    page.text_input(key="own_proof").set_value(GOOD)
    page.text_input(key="own_code").set_value(pyotp.TOTP(secret).at(place.clock()))
    press(page, "Set up")
    assert place.accounts.all()["hr"].totp == secret
    assert page.code[0].value.count("-") == 16
    assert len(services.sessions().of(place.accounts.all()["hr"])) == 1


def test_it_speaks_german(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    place.accounts.add("admin", "admin", email="a@example.com")
    place.accounts.change("hr", language="de")
    assert "Ihr Konto" in texts(opened(place, monkeypatch))


def test_nobody_signed_in_has_no_account(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("account", place.workspace, monkeypatch, None)
    assert "signed out" in texts(page)
    with pytest.raises(access.NotAllowed):
        access.own_sessions()
