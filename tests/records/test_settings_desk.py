"""Settings that a page writes: comments stay, values are checked first, and each change is recorded."""

from __future__ import annotations

import logging
import os
import tomllib
from datetime import date
from pathlib import Path

import pytest

from engine.config import Config, holds_secret, load_config
from engine.config.editing import edited, variable_of
from engine.errors import ConfigError, InputError, StorageError
from engine.people import Person
from engine.workbench import Workbench

TEXT = """# our workplace
timezone = "Europe/Berlin"  # head office

[leave.duty]  # fire brigade
name = "fire brigade"
words = ["Feuerwehr"]  # as the old list says

[shifts.office]
start = 09:00:00
end = 17:30:00
"""


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    (tmp_path / "muster.toml").write_text(TEXT)
    found = Workbench(tmp_path)
    found.people.put_all([Person("E1", "Ada Lovelace", enrolled_at="2020-01-01")])
    return found


def audited(bench: Workbench) -> list[tuple[str, str, str]]:
    return [(row.author, row.subject, row.detail) for row in bench.audit.read() if row.action == "change_setting"]


def test_one_setting_changes_and_everything_else_stays(bench: Workbench) -> None:
    (change,) = bench.settings_desk.change({("leave", "duty", "paid"): False}, author="hr")
    assert (change.before, change.after) == ("–", "false")
    text = bench.settings_desk.path.read_text()
    assert text == TEXT.replace("old list says\n", "old list says\npaid = false\n")
    assert audited(bench) == [("hr", "leave.duty.paid", "– → false")]
    bench.settings_desk.change({("leave", "duty", "paid"): None}, author="hr")
    assert bench.settings_desk.path.read_text() == TEXT
    assert audited(bench)[1:] == [("hr", "leave.duty.paid", "false → –")]


def test_what_is_there_already_is_no_change(bench: Workbench) -> None:
    assert bench.settings_desk.change({("timezone",): "Europe/Berlin"}, author="hr") == []
    assert bench.settings_desk.path.read_text() == TEXT
    assert not audited(bench)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("timezone",), "Europe/Atlantis"),
        (("leave", "duty", "credit"), "perhaps"),
        (("leave", "duty", "colour"), "red"),
        (("nothing", "known"), 1),
        (("timezone", "below"), 1),
    ],
)
def test_a_value_that_cannot_be_used_is_not_written(bench: Workbench, path: tuple[str, ...], value: object) -> None:
    with pytest.raises((InputError, ConfigError)):
        bench.settings_desk.change({("organisation",): "Acme", path: value}, author="hr")
    assert bench.settings_desk.path.read_text() == TEXT
    assert not audited(bench)


def test_what_the_environment_gives_is_locked(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_LEAVE__DUTY__PAID", "false")
    assert variable_of(("leave", "duty", "paid")) == "MUSTER_LEAVE__DUTY__PAID"
    assert variable_of(("leave", "duty")) == "MUSTER_LEAVE__DUTY__PAID"
    assert variable_of(("leave", "duty", "name")) == variable_of(("leave", "annual")) == ""
    with pytest.raises(InputError, match="MUSTER_LEAVE__DUTY__PAID"):
        bench.settings_desk.change({("leave", "duty", "paid"): True}, author="hr")
    assert bench.settings_desk.path.read_text() == TEXT
    monkeypatch.delenv("MUSTER_LEAVE__DUTY__PAID")
    monkeypatch.setenv("MUSTER_LEAVE", '{"duty": {"paid": false}}')
    assert variable_of(("leave", "duty", "name")) == "MUSTER_LEAVE", "a whole section as JSON"


def test_a_secret_is_neither_shown_nor_recorded(bench: Workbench) -> None:
    rule = {"name": "door", "to": ["mailto://user:hunter2@example.com"]}
    (change,) = bench.settings_desk.change({("notifications", "rules"): [rule]}, author="admin")
    assert "hunter2" not in bench.settings_desk.path.read_text()
    secrets = bench.workspace / "secrets.toml"
    assert "hunter2" in secrets.read_text()
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert "hunter2" not in f"{change}{audited(bench)}"
    assert "hunter2" not in str(bench.settings_desk.now().written)
    (loaded,) = load_config(bench.workspace).notifications.rules
    assert loaded.to[0].get_secret_value() == "mailto://user:hunter2@example.com"
    assert bench.settings_desk.written(("notifications", "rules")) is None
    with pytest.raises(InputError) as refused:
        bench.settings_desk.change({("notifications", "rules"): [{"name": "door", "to": ["hunter2"]}]}, author="admin")
    assert "hunter2" not in f"{refused.value}{refused.value.hint}"
    for path in (("store",), ("app",), ("app", "oidc", "client_secret"), ("notifications", "rules", 0, "to", 1), ()):
        assert holds_secret(Config, path), path
    for other in (("timezone",), ("app", "oidc", "label"), ("leave", "duty", "name"), ("leave", "store")):
        assert not holds_secret(Config, other), other


def test_a_file_with_a_mistake_is_left_alone(bench: Workbench) -> None:
    broken = TEXT + '[voting]\nmin_share = "many"\n'
    bench.settings_desk.path.write_text(broken)
    with pytest.raises(ConfigError, match=r"voting\.min_share"):
        bench.settings_desk.change({("organisation",): "Acme"}, author="hr")
    bench.settings_desk.path.write_text("[leave\n")
    with pytest.raises(ConfigError):
        bench.settings_desk.change({("organisation",): "Acme"}, author="hr")
    assert bench.settings_desk.path.read_text() == "[leave\n"


def test_a_link_stays_a_link_and_keeps_its_rights(bench: Workbench, tmp_path: Path) -> None:
    path = bench.settings_desk.path
    real = tmp_path / "elsewhere.toml"
    path.rename(real)
    path.symlink_to(real)
    real.chmod(0o604)
    bench.settings_desk.change({("organisation",): "Acme"}, author="hr")
    assert path.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o604
    assert tomllib.loads(real.read_text())["organisation"] == "Acme"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
def test_a_file_that_cannot_be_written_is_said(bench: Workbench) -> None:
    bench.workspace.chmod(0o500)
    try:
        with pytest.raises(StorageError):
            bench.settings_desk.change({("organisation",): "Acme"}, author="hr")
    finally:
        bench.workspace.chmod(0o700)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", ("leave", "duty", "name")),
        ("# only a comment", ("timezone",)),
        ("[leave.a]\nname='a'\n[shifts.x]\nstart=09:00:00\n[leave.b]\nname='b'\n", ("leave", "c", "name")),
        ("[leave.a]\nname='a'\n[shifts.x]\nstart=09:00:00\n[leave.b]\nname='b'\n", ("leave", "b", "name")),
        ("leave.a.name = 'a'\n", ("leave", "b", "name")),
        ("leave = {a = {name = 'a'}}\n", ("leave", "a", "words")),
        ('timezone = "UTC"\r\n[leave.a]\r\nname = "a"\r\n', ("organisation",)),
    ],
)
def test_however_a_file_is_written_only_that_changes(text: str, path: tuple[str, ...]) -> None:
    wanted = tomllib.loads(text)
    place = wanted
    for part in path[:-1]:
        place = place.setdefault(part, {})
    place[path[-1]] = "new"
    after = edited(text, {path: "new"})
    assert tomllib.loads(after) == wanted
    assert all(line in after for line in text.splitlines() if line.startswith(("#", "[")))


def test_other_processes_follow_the_file(bench: Workbench, caplog: pytest.LogCaptureFixture) -> None:
    other = Workbench(bench.workspace)
    assert other.leave.known_kinds.name("duty") == "fire brigade"
    bench.leave_kinds.change("duty", name="rescue service", author="hr")
    assert other.leave.known_kinds.name("duty") == "rescue service"
    assert other.leave.known_kinds.only("Fire Brigade") == "duty", "lists with the name before are understood"
    with caplog.at_level(logging.WARNING):
        bench.settings_desk.path.write_text("[leave\n")
        assert other.leave.known_kinds.name("duty") == "rescue service"
    assert "hold on" in caplog.text


def test_kinds_are_added_changed_withdrawn_and_removed(bench: Workbench) -> None:
    desk, day = bench.leave_kinds, date(2026, 11, 2)
    key = desk.add("Brückentag", author="hr", credit="full", paid=True, days_per_year=2.0, status="on leave")
    assert key == "bruckentag"
    assert tomllib.loads(bench.settings_desk.path.read_text())["leave"][key] == {
        "name": "Brückentag",
        "days_per_year": 2.0,
    }
    entry = bench.leave_desk.add("E1", key, day, day, author="hr")
    assert desk.find(key).entries == 1
    assert not desk.find(key).removable
    with pytest.raises(InputError, match="1 entry has it"):
        desk.remove(key, author="hr")

    desk.change(key, author="hr", paid=False, credit="none", days_per_year=None)
    away = bench.leave.away(day, day)["E1", day]
    assert [(part.paid, part.credit) for part in away.parts] == [(False, "none")]
    assert bench.leave.known_kinds.all[key].days_per_year is None

    desk.withdraw(key, author="hr")
    with pytest.raises(InputError, match="withdrawn"):
        bench.leave_desk.add("E1", key, date(2026, 11, 3), date(2026, 11, 3), author="hr")
    bench.leave_desk.change(entry.leave_id, author="hr", reason="longer", kind=key, last=date(2026, 11, 3))
    desk.withdraw(key, author="hr", withdrawn=False)

    (entry,) = bench.leave.all()
    bench.leave_desk.remove(entry.leave_id, author="hr", reason="never taken")
    desk.remove(key, author="hr")
    assert key not in bench.leave.known_kinds.all
    assert bench.settings_desk.path.read_text() == TEXT
    assert len(audited(bench)) == 7, "one row for each setting"


@pytest.mark.parametrize("name", ["Fire Brigade", "Feuerwehr", "Urlaub", "", "x" * 61])
def test_a_name_means_one_kind(bench: Workbench, name: str) -> None:
    with pytest.raises(InputError):
        bench.leave_kinds.add(name, author="hr")
    assert bench.settings_desk.path.read_text() == TEXT


def test_a_standard_kind_is_renamed_or_withdrawn_never_removed(bench: Workbench) -> None:
    bench.leave_kinds.change("annual", name="Erholung", author="hr")
    kinds = bench.leave.known_kinds
    assert kinds.name("annual") == "Erholung"
    assert kinds.only("annual leave") == "annual"
    bench.leave_kinds.withdraw("annual", author="hr")
    assert "annual" not in bench.leave.known_kinds.offered
    with pytest.raises(InputError, match="every workspace"):
        bench.leave_kinds.remove("annual", author="hr")


@pytest.mark.parametrize(
    ("written", "changes", "goes"),
    [
        ("", {("shifts", "office", "people"): ["E1"]}, True),
        ('people = ["E1"]\n', {("shifts", "office", "people"): None}, True),
        ("# for\tada lovelace\n", {("timezone",): "Europe/Vienna"}, True),
        ('people = [\n"E10"]\n', {("timezone",): "Europe/Vienna"}, False),
    ],
)
def test_a_change_goes_with_whom_it_or_the_settings_before_it_name(
    bench: Workbench, written: str, changes: dict[tuple[str, ...], object], *, goes: bool
) -> None:
    bench.settings_desk.path.write_text(TEXT + written)
    bench.settings_desk.change(changes, author="hr")
    after = bench.settings_desk.path.read_text()
    bench.privacy.forget("E1", thorough=False)
    assert (bench.settings_desk.last() is None) == goes
    undo = bench.workspace / "settings-undo.json"
    assert undo.exists() != goes
    assert bench.settings_desk.path.read_text() == after


def test_a_damaged_change_goes_with_whomever(bench: Workbench) -> None:
    undo = bench.workspace / "settings-undo.json"
    undo.write_text('{"before": "E1')
    bench.privacy.forget("E1", thorough=False)
    assert not undo.exists()
