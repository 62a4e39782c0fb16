"""The frame around all pages: who is signed in, what is in the menu, and what is true of the whole workspace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pages import bench_of, signed_in, texts
from streamlit.testing.v1 import AppTest

from app.views import PAGES
from app.words.terms import TERMS
from engine.access import ROLES

MAIN = Path(__file__).parents[2] / "app" / "main.py"


def opened(workspace: Path, monkeypatch: pytest.MonkeyPatch, role: str | None, language: str = "en") -> AppTest:
    """The workbench's first page, seen by a role."""
    signed_in(workspace, monkeypatch, role, language=language)
    page = AppTest.from_file(str(MAIN), default_timeout=60)
    page.query_params["camera"] = "still"
    return page.run()


def test_nobody_signed_in_sees_only_the_way_to_sign_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(tmp_path, monkeypatch, None)
    assert not page.exception
    assert "You are signed out" in texts(page)
    assert "Arrivals today" not in texts(page)


@pytest.mark.parametrize("role", ["admin", "hr", "security", "viewer"])
def test_every_role_begins_on_the_live_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    page = opened(tmp_path, monkeypatch, role)
    assert not page.exception
    assert "Arrivals today" in texts(page)
    assert f'{role} · <span class="m-soft">{TERMS.get(role, role)}' in texts(page)


def test_everybody_chooses_the_language_of_their_own_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(tmp_path, monkeypatch, "hr")
    page.selectbox(key="own_language").set_value("de").run()
    accounts = bench_of(tmp_path, monkeypatch).accounts.all()
    assert accounts["hr"].language == "de"
    assert "Abmelden" in texts(page)
    assert "Ankünfte heute" in texts(page)


def test_the_menu_of_each_role_holds_what_its_work_asks_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = bench_of(tmp_path, monkeypatch).accounts
    menus = {}
    for role in ROLES:
        own = ["Lab"] if role == "manager" else []
        account = accounts.add(role, role, "correct horse", departments=own)
        menus[role] = [page.path for page in PAGES if account.may(page.action)]
    assert menus == {
        "admin": [
            "live",
            "attendance",
            "month",
            "leave",
            "requests",
            "alerts",
            "search",
            "confirm",
            "people",
            "registration",
            "tuning",
            "me",
            "account",
            "settings",
            "system",
        ],
        "hr": ["live", "attendance", "month", "leave", "requests", "people", "registration", "me", "account", "system"],
        "manager": ["attendance", "month", "leave", "requests", "me", "account"],
        "security": [
            "live",
            "alerts",
            "search",
            "confirm",
            "people",
            "registration",
            "tuning",
            "me",
            "account",
            "system",
        ],
        "viewer": ["live", "attendance", "month", "me", "account"],
        "employee": ["me", "account"],
    }


def test_made_up_data_is_said_to_be_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "muster.toml").write_text('sample = true\norganisation = "<b>Works</b>"\n')
    page = opened(tmp_path, monkeypatch, "viewer", language="de")
    assert "erfunden" in texts(page)
    assert "&lt;b&gt;Works&lt;/b&gt;" in texts(page)


def test_a_workspace_that_cannot_be_written_is_told_on_every_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in(tmp_path, monkeypatch, "viewer")
    monkeypatch.setattr(os, "access", lambda *_: False)
    page = opened(tmp_path, monkeypatch, "viewer")
    assert "The workspace is read-only" in texts(page)
