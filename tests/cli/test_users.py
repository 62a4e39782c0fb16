"""`muster users` and what `muster app` refuses before it starts."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import muster

from engine.access import ROLES
from engine.cli.workbench import add_sample_accounts
from engine.workbench import Workbench

GOOD = "correct horse battery\n"


def test_users_are_added_listed_changed_and_removed(tmp_path: Path) -> None:
    add = muster("users", "add", "ada", "--role", "admin", "--password-stdin", "--workspace", tmp_path, stdin=GOOD)
    assert (add.code, add.out.strip()) == (0, "ada may sign in as admin.")
    bob = ("bob", "--role", "hr", "--email", "bob@example.com", "--without-password")
    assert muster("users", "add", *bob, "--workspace", tmp_path).code == 0
    assert muster("users", "set", "bob", "--role", "viewer", "--inactive", "--workspace", tmp_path).code == 0
    listed = json.loads(muster("users", "list", "--json", "--workspace", tmp_path).out)
    assert [(row["name"], row["role"], row["active"]) for row in listed] == [
        ("ada", "admin", True),
        ("bob", "viewer", False),
    ]
    assert "hash" not in listed[0]
    assert muster("users", "remove", "bob", "--workspace", tmp_path).code == 0
    assert [row["name"] for row in json.loads(muster("users", "list", "--json", "--workspace", tmp_path).out)] == [
        "ada"
    ]
    audit = (tmp_path / "log" / "audit.csv").read_text()
    assert [word in audit for word in ("add_user", "change_user", "remove_user")] == [True] * 3


@pytest.mark.parametrize(
    ("arguments", "stdin", "told"),
    [
        (["ada", "--role", "boss", "--password-stdin"], GOOD, "no role 'boss'"),
        (["ada", "--role", "hr", "--password-stdin"], "short\n", "5 characters"),
        (["ada", "--role", "hr"], "", "--password-stdin"),
        (["ada", "--role", "hr", "--without-password"], "", "neither a password nor an e-mail"),
    ],
)
def test_what_cannot_be_is_one_line_and_changes_nothing(
    tmp_path: Path, arguments: list[str], stdin: str, told: str
) -> None:
    answer = muster("users", "add", *arguments, "--workspace", tmp_path, stdin=stdin)
    assert answer.code != 0
    assert told in answer.err
    assert answer.err.count("\n") == 1
    assert not (tmp_path / "accounts.json").exists()


def test_a_port_that_is_taken_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        answer = muster("app", "--port", port, "--workspace", tmp_path)
    assert answer.code == 4
    assert "choose another --port" in answer.err


def test_sample_data_never_goes_into_a_real_workspace(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("employee_id,name\nE1,Ada\n")
    answer = muster("app", "--sample", "--port", "0", "--workspace", tmp_path)
    assert answer.code != 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["people.csv"]


def test_the_sample_has_an_account_for_each_role_at_every_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        bench = Workbench(tmp_path)
        accounts = bench.accounts
        add_sample_accounts(bench)
        password = capsys.readouterr().out.split("password ")[1].strip().rstrip(".")
        assert set(accounts.all()) == set(ROLES)
        assert accounts.check("admin", password, datetime.now(UTC)).role == "admin"
