"""`muster store …` as its users give it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import psycopg
import pytest
from command import muster
from postgres import Server
from sites import DAY, T0, Place
from typer.testing import CliRunner

from engine.cli.app import app
from engine.errors import MusterError
from engine.people import Person
from engine.postgres.spool import Entry
from engine.workbench import Workbench


def store(workspace: Path, *arguments: str, stdin: str = "") -> str:
    """What the command says; what it raises is raised."""
    result = CliRunner().invoke(app, ["store", *arguments, "--workspace", str(workspace)], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code in {0, 1}
    return f"{result.exit_code} {result.stdout}"


def fails(workspace: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and what is said on failing, with the next step."""
    with pytest.raises(MusterError) as caught:
        store(workspace, *arguments)
    assert caught.value.hint
    return caught.value.exit_code, str(caught.value)


# --------------------------------------------------------------------------------------------- preparing


def test_init_makes_tables_and_site_once(postgres: Server, tmp_path: Path) -> None:
    place = Place.__new__(Place)
    place.server, place.folder, place.name = postgres, tmp_path, postgres.new_database()
    workspace = place.workspace(timezone="Europe/Berlin")
    assert "has no Muster tables" in fails(workspace, "status")[1]
    assert "version none → 0007\nsite main in Europe/Berlin: registered" in store(workspace, "init")
    before = place.ask("SELECT * FROM muster.sites")
    assert "version 0007\nsite main in Europe/Berlin: already registered" in store(workspace, "init")
    assert "version 0007\n" in store(workspace, "migrate")
    assert place.ask("SELECT * FROM muster.sites") == before == [("main", "Europe/Berlin")]
    (workspace / "muster.toml").write_text((workspace / "muster.toml").read_text().replace("Europe/Berlin", "UTC"))
    assert fails(workspace, "init") == (3, fails(workspace, "init")[1])
    assert 'set timezone = "Europe/Berlin"' in fails(workspace, "status")[1]
    place.ask("UPDATE muster.alembic_version SET version_num = '9999'")
    code, said = fails(workspace, "migrate")
    assert (code, "has version 9999" in said, "newer program" in said) == (3, True, True)


def test_a_workspace_without_a_database_is_told_which_setting_names_one(tmp_path: Path) -> None:
    for command in (
        ["init"],
        ["migrate"],
        ["status"],
        ["drain"],
        ["copy", "to-database"],
        ["verify"],
        ["grant", "x", "--as", "reader"],
    ):
        code, said = fails(tmp_path, *command)
        assert (code, 'set store = "postgresql+psycopg://' in said) == (3, True)


def test_a_database_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text('store = "postgresql+psycopg://ann:secret@127.0.0.1:1/db"\n')
    for command in (["init"], ["status"], ["copy", "to-database"], ["verify"], ["revoke", "x"]):
        code, said = fails(tmp_path, *command)
        assert (code, "cannot be reached" in said or "not be reached" in said, "secret" in said) == (9, True, False)


def test_a_login_that_may_not_make_tables_is_told_which_one_may(postgres: Server, place: Place) -> None:
    login = place.login("workbench", "main")
    place.name = postgres.new_database()
    code, said = fails(place.workspace(login=login), "init")
    assert (code, "may not create tables and roles" in said, "CREATEROLE" in said) == (3, True, True)


# --------------------------------------------------------------------------------------------- logins


def test_a_login_is_let_in_and_out_and_the_audit_log_tells_by_whom(place: Place) -> None:
    workspace = place.workspace()
    said = store(
        workspace, "grant", "gate_1", "--as", "recorder", "--author", "ann", "--password-stdin", stdin="hush\n"
    )
    settings = tomllib.loads(said.partition("muster.toml:\n")[2])
    assert settings == {"store": place.server.url(place.name, "gate_1"), "site": "main", "recorder": "gate_1"}
    assert "hush" not in said
    assert "gate_1 is a new recorder of main" in said
    assert "gate_1 is a recorder of main" in store(workspace, "grant", "gate_1", "--as", "recorder")
    other = place.workspace("gate", login="gate_1")
    assert "as recorder" in store(other, "status")
    assert "gate_1 no longer has access to main" in store(workspace, "revoke", "gate_1", "--author", "ben")
    assert "lacks the right" in fails(other, "status")[1]
    rows = place.ask("SELECT c_author, c_action, c_subject, c_detail FROM muster.audit ORDER BY seq")
    assert rows == [
        ("ann", "grant", "gate_1", "recorder"),
        ("", "grant", "gate_1", "recorder"),
        ("ben", "revoke", "gate_1", ""),
    ]
    assert Workbench(workspace).records.verify() == []


def test_a_login_of_another_site_is_noted_there(place: Place) -> None:
    place.add_site("berlin", "Europe/Berlin")
    said = store(place.workspace(), "grant", f"hr_{place.name}", "--as", "reader", "--site", "berlin")
    assert '\nsite = "berlin"' in said
    assert place.ask("SELECT site, kind FROM muster.members WHERE login = %s", f"hr_{place.name}") == [
        ("berlin", "reader")
    ]
    assert place.ask("SELECT site, right(c_timestamp, 6) FROM muster.audit") == [("berlin", "+01:00")] or place.ask(
        "SELECT site, right(c_timestamp, 6) FROM muster.audit"
    ) == [("berlin", "+02:00")]


@pytest.mark.parametrize(
    "arguments",
    [
        ("grant", "x", "--as", "king"),
        ("grant", "x; DROP", "--as", "reader"),
        ("grant", "pg_x", "--as", "reader"),
        ("grant", "x", "--as", "reader", "--site", "nowhere"),
        ("grant", "x", "--as", "reader", "--password-stdin"),
        ("revoke", "nobody"),
    ],
)
def test_what_cannot_be_granted_or_revoked_changes_nothing(place: Place, arguments: tuple[str, ...]) -> None:
    with pytest.raises(MusterError) as caught:
        store(place.workspace(), *arguments)
    assert caught.value.exit_code == 4
    assert place.ask("SELECT * FROM muster.members") == place.ask("SELECT * FROM muster.audit") == []


def test_a_recorder_may_not_grant_copy_or_compare(place: Place) -> None:
    workspace = place.workspace(login=place.login("recorder", "main"))
    assert "lacks the right" in fails(workspace, "grant", f"x_{place.name}", "--as", "workbench")[1]
    for command in (["copy", "to-database"], ["copy", "to-files"], ["verify"]):
        code, said = fails(workspace, *command)
        assert (code, "a recorder may not" in said) == (4, True)


# --------------------------------------------------------------------------------------------- status and spool


def test_status_tells_what_stands_in_the_database_and_what_waits(place: Place) -> None:
    workspace = place.workspace()
    place.add_site("other")
    opened = place.open()
    opened._stopping.set()
    Workbench(workspace).people.put(Person("E1", "Ann"))
    opened.spool.put("attendance", DAY, [Entry(f"e{n}", {"event_id": f"e{n}"}) for n in range(3)])
    for login, sites in (("", {"main": "UTC", "other": "UTC"}), (place.login("reader", "main"), {"main": "UTC"})):
        if login:
            place.workspace(login=login)
        found = json.loads(store(workspace, "status", "--json")[2:])
        assert (found["version"], found["sites"], found["people"]) == ("0007", sites, 1)
        assert found["templates"]["templates"] == (None if login else 0)
        assert found["backlog"]["rows"] in {0, 3}
    assert "sites: main (UTC)" in store(workspace, "status")


def test_the_spool_is_handed_over_or_it_is_told_why_not(tmp_path: Path) -> None:
    server = Server()
    try:
        server.start()
        place = Place(server, tmp_path)
        workspace = place.workspace()
        opened = place.open()
        opened._stopping.set()
        opened.spool.put("attendance", DAY, [Entry(f"e{n}", {"event_id": f"e{n}"}) for n in range(3)])
        for command in (["copy", "to-files"], ["verify"]):
            assert "`muster store drain`" in fails(workspace, *command)[1]
        server.kill()
        answer = muster("store", "drain", "--workspace", workspace)
        assert (answer.code, "reached" in answer.error_lines[-1]) == (9, True)
        assert opened.backlog().rows == 3
        server.start()
        assert "Wrote 3 rows to the database" in store(workspace, "drain")
        assert "The spool is empty" in store(workspace, "drain")
        assert place.ask("SELECT count(*) FROM muster.attendance") == [(3,)]
        place.close()
    finally:
        server.stop()


# --------------------------------------------------------------------------------------------- copying


def test_a_workspace_is_copied_compared_and_copied_back_by_command(place: Place) -> None:
    workspace = place.workspace()
    files = Workbench(workspace, Workbench(workspace).config.model_copy(update={"store": ""}))
    files.people.put(Person("E1", "Ann"))
    files.audit.note("enrol", "E1", "", author="ann", now=T0)
    store(workspace, "grant", f"hr_{place.name}", "--as", "workbench")  # its row is none of the files'
    assert store(workspace, "verify").startswith("1 ")
    assert "Copied 1 row to the database; already there: 0\n1 person" in store(workspace, "copy", "to-database")
    said = store(place.workspace(login=f"hr_{place.name}"), "verify")
    assert "Not compared: 1 row of the audit log" in said
    assert "Files and database are equal" in said
    place.ask("UPDATE muster.people SET name = 'Anna'")
    answer = muster("store", "verify", "--workspace", place.workspace(), "--json")
    found = json.loads(answer.out)
    assert (answer.code, found["equal"], found["total"]) == (1, False, 1)
    assert found["differences"] == [{"where": "people", "row": 1, "column": "name", "files": "Ann", "database": "Anna"}]
    assert json.loads(store(workspace, "copy", "to-files", "--json")[2:])["rows"] == 1  # of the login
    assert files.people.all()["E1"].name == "Anna"
    assert store(workspace, "verify").startswith("0 ")


def test_a_copy_that_is_refused_tells_how_far_it_came(place: Place) -> None:
    workspace = place.workspace()
    files = Workbench(workspace, Workbench(workspace).config.model_copy(update={"store": ""}))
    files.audit.note("enrol", "E1", "", author="ann", now=T0)
    with (workspace / "log" / "audit.csv").open("ab") as damaged:
        damaged.write(b"one cell\n")
    answer = muster("store", "copy", "to-database", "--workspace", workspace)
    assert answer.code == 9
    assert "audit.csv:3 has 1 cells instead of 6 → keep the file as evidence" in answer.error_lines[-1]
    assert "0 of 2 rows are in the database; run again to continue" in answer.err
    with psycopg.connect(place.server.dsn(place.name)) as connection:
        assert connection.execute("SELECT count(*) FROM muster.audit").fetchone() == (0,)
