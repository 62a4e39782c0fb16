"""Who may open which page and address: the tables of docs/security.md are what the servers answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rights import ASKED, DOC, renewed, tables, workbench_routes

from engine.access import ROLES
from engine.access.rights import ACTIONS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The tables, made by asking."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("rights")
        patch.setenv("MUSTER_WORKSPACE", str(folder / "workbench"))
        patch.setenv("MUSTER_KEYS", str(folder / "keys"))
        yield tables(folder)


def test_the_tables_of_rights_are_what_the_servers_answer(made: dict[str, str]) -> None:
    shown = DOC.read_text(encoding="utf-8")
    assert renewed(shown, made) == shown, "run tests/support/rights.py and look at what changed"


def test_every_address_of_the_workbench_is_asked() -> None:
    assert set(workbench_routes()) == set(ASKED)


def test_pages_open_to_whoever_has_the_right_that_they_name(made: dict[str, str]) -> None:
    for line in made["pages"].splitlines()[2:]:
        _, right, nobody, *answers = (cell.strip() for cell in line.strip("|").split("|"))
        assert not nobody
        opened = {role for role, answer in zip(ROLES, answers, strict=True) if answer}
        assert opened == ACTIONS[right.strip("`")], line


def test_without_a_session_little_is_answered(made: dict[str, str]) -> None:
    lines = made["routes"].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    answered = {address for _, address, nobody, *_ in cells if nobody}
    assert answered == {f"`{each}`" for each in OPEN}


OPEN = (
    "GET /sign-in",
    "POST /sign-in/code",
    "GET /sign-in/invited",
    "POST /sign-in/invited",
    "GET /sign-in/organisation",
    "GET /oauth2callback",
    "GET /sign-out",
    "POST /sign-out",
    "GET /healthz",
    "GET /readyz",
    "GET /assets/sign_in.css",
)
