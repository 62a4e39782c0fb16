"""Who may open which page and address: the tables of docs/security.md are what the servers answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from rights import ASKED, DOC, renewed, tables, workbench_routes


def test_the_tables_of_rights_are_what_the_servers_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_WORKSPACE", str(tmp_path / "workbench"))
    made = tables(tmp_path)
    shown = DOC.read_text(encoding="utf-8")
    assert renewed(shown, made) == shown, "run tests/support/rights.py and look at what changed"


def test_every_address_of_the_workbench_is_asked() -> None:
    assert set(workbench_routes()) == set(ASKED)


def test_without_a_session_little_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_WORKSPACE", str(tmp_path / "workbench"))
    lines = tables(tmp_path)["routes"].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    answered = {address for _, address, nobody, *_ in cells if nobody}
    assert answered == {f"`{each}`" for each in OPEN}


OPEN = (
    "GET /sign-in",
    "POST /sign-in/code",
    "GET /sign-in/organisation",
    "GET /oauth2callback",
    "GET /sign-out",
    "POST /sign-out",
    "GET /healthz",
    "GET /assets/sign_in.css",
)
