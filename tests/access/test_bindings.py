"""Whose record an account reads: one person of a site, and nobody who comes to the same id later."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.access import EMPLOYEE, INVITED_DAYS, ROLES, AccountBook
from engine.access.rights import ACTIONS, may
from engine.errors import InputError, StorageError
from engine.people import Person
from engine.workbench import Workbench

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
GOOD = "correct horse battery"


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    made = Workbench(tmp_path / "home", clock=lambda: NOW)
    made.people.put_all([Person("E1", "Ann Example"), Person("E2", "Ben Bauer", email="ben@example.com")])
    made.accounts.add("boss", "admin", email="boss@example.com")
    return made


def test_an_employee_may_read_and_ask_for_their_own_and_nothing_else() -> None:
    assert {action for action in ACTIONS if may(EMPLOYEE, action)} == {"own.view", "own.request", "account.own"}


def test_a_person_is_given_access_once_and_chooses_the_password_by_a_link(bench: Workbench) -> None:
    account, code = bench.bindings.give("E2", author="hr")
    assert (account.name, account.role, account.email, account.hash) == ("E2", EMPLOYEE, "ben@example.com", "")
    assert code not in (bench.workspace / "accounts.json").read_text()
    assert code not in (bench.workspace / "log" / "audit.csv").read_text()
    person = bench.bindings.person(account)
    assert person is not None
    assert person.employee_id == "E2"
    for give in (
        lambda: bench.bindings.give("E2", "another", author="hr"),
        lambda: bench.bindings.give("E9", author="hr"),
    ):
        with pytest.raises(InputError):
            give()
    assert set(bench.accounts.all()) == {"boss", "E2"}
    with pytest.raises(InputError, match="characters"):
        bench.users.accept(code, "short")
    assert bench.users.accept(code, GOOD).id == account.id
    assert bench.accounts.check("E2", GOOD, NOW).id == account.id
    with pytest.raises(InputError, match="used or has expired"):
        bench.users.accept(code, GOOD + "!")
    actions = [(row.action, row.subject) for row in bench.audit.read()]
    assert actions == [("add_user", "E2"), ("bind_account", "E2"), ("invite_user", "E2"), ("change_user", "E2")]


def test_a_link_ends_with_time_with_the_next_one_with_a_password_and_with_a_block(tmp_path: Path) -> None:
    now = [NOW.timestamp()]
    book = AccountBook(tmp_path / "accounts.json", clock=lambda: now[0])
    book.add("boss", "admin", email="b@example.com")
    book.add("ann", EMPLOYEE, invited=True)
    first = book.invite("ann")
    second = book.invite("ann")
    assert book.invited(first) is None
    assert book.invited(second) is not None
    book.change("ann", active=False)
    assert book.invited(second) is None
    book.change("ann", active=True)
    now[0] += INVITED_DAYS * 86400
    assert book.invited(second) is None
    third = book.invite("ann")
    book.change("ann", password=GOOD)
    assert book.invited(third) is None
    for nothing in ("", " ", "x" * 5000):
        assert book.invited(nothing) is None


def test_who_is_erased_has_no_account_any_more_and_nobody_inherits_it(bench: Workbench) -> None:
    employee, _ = bench.bindings.give("E1", author="hr")
    bench.accounts.add("ben", "viewer", email="viewer@example.com")
    bench.bindings.rebind("ben", "E2", author="boss")
    for key in ("E1", "E2"):
        receipt = bench.privacy.forget(key, author="hr", thorough=False)
        assert receipt["access_to_own_record"] is True
    assert set(bench.accounts.all()) == {"boss", "ben"}
    bench.people.put_all([Person("E1", "Zoe New"), Person("E2", "Yan New")])
    assert bench.bindings.person(employee) is None
    assert bench.bindings.person(bench.accounts.all()["ben"]) is None
    assert bench.bindings.account("E1") is None


def test_an_id_that_leaves_the_list_and_comes_back_brings_no_access_back(bench: Workbench) -> None:
    account, _ = bench.bindings.give("E1", author="hr")
    bench.people.remove("E1")
    assert bench.bindings.person(account) is None
    bench.people.put(Person("E1", "Zoe New"))
    assert bench.bindings.person(account) is None
    again, _ = bench.bindings.give("E1", "zoe", author="hr")
    assert bench.bindings.person(again) is not None


def test_an_account_that_was_removed_makes_room_and_its_name_brings_nothing_back(bench: Workbench) -> None:
    bench.bindings.give("E1", "ann", author="hr")
    bench.users.remove("ann", author="boss")
    bench.accounts.add("ann", EMPLOYEE, email="ann@example.com")
    assert bench.bindings.person(bench.accounts.all()["ann"]) is None
    account, _ = bench.bindings.give("E1", "ann2", author="hr")
    assert bench.bindings.person(account) == bench.people.known()["E1"]


def test_a_person_has_one_account_and_an_account_one_person(bench: Workbench) -> None:
    bench.bindings.give("E1", "ann", author="hr")
    bench.accounts.add("ben", "manager", email="m@example.com", departments=["Sales"])
    with pytest.raises(InputError, match="E1 has an account"):
        bench.bindings.rebind("ben", "E1", author="boss")
    with pytest.raises(InputError, match="belongs to E1"):
        bench.bindings.bind("E2", "ann", author="boss")
    with pytest.raises(InputError, match="belongs to a person"):
        bench.bindings.rebind("ann", "", author="boss")
    bench.bindings.rebind("ann", "E2", author="boss")
    bench.bindings.rebind("ben", "E1", author="boss")
    owners = {name: bench.bindings.person(account) for name, account in bench.accounts.all().items()}
    assert owners == {"boss": None, "ben": bench.people.known()["E1"], "ann": bench.people.known()["E2"]}
    bench.bindings.end("E1", author="hr")
    bench.bindings.end("E2", author="hr")
    assert set(bench.accounts.all()) == {"boss", "ben"}
    with pytest.raises(InputError, match="no account"):
        bench.bindings.end("E2", author="hr")


def test_hr_renews_the_link_of_employees_alone(bench: Workbench) -> None:
    bench.accounts.add("ben", "hr", email="hr@example.com")
    bench.bindings.rebind("ben", "E1", author="boss")
    bench.bindings.give("E2", author="hr")
    assert bench.accounts.invited(bench.bindings.renew("E2", author="hr")) is not None
    for key in ("E1", "E9"):
        with pytest.raises(InputError, match="no account of the role employee"):
            bench.bindings.renew(key, author="hr")


def test_a_person_of_another_site_has_the_account_at_home_and_loses_it_when_erased(bench: Workbench) -> None:
    place = bench.workspace / "sites" / "berlin"
    place.mkdir(parents=True)
    (bench.workspace / "muster.toml").write_text('site = "main"\n')
    (place / "muster.toml").write_text('site = "berlin"\n')
    berlin = Workbench(place, clock=lambda: NOW)
    berlin.people.put(Person("E1", "Eva Site"))
    account, _ = berlin.bindings.give("E1", "eva", author="hr")
    assert bench.accounts.all()["eva"].sites == ("berlin",)
    assert not (place / "accounts.json").exists()
    assert bench.bindings.person(account) is None, "E1 of the home site is somebody else"
    with pytest.raises(InputError, match="does not see the site"):
        bench.bindings.bind("E1", "eva", author="boss")
    berlin.privacy.forget("E1", author="hr", thorough=False)
    assert "eva" not in bench.accounts.all()


def test_an_employee_has_one_site(bench: Workbench) -> None:
    for sites in (["main", "berlin"], ["*"]):
        with pytest.raises(InputError, match="one site"):
            bench.accounts.add("ann", EMPLOYEE, email="a@example.com", sites=sites)
    bench.accounts.add("ann", "hr", email="a@example.com", sites=["*"])
    with pytest.raises(InputError, match="one site"):
        bench.accounts.change("ann", role=EMPLOYEE)


@pytest.mark.parametrize("key", ["Ä Ö/§ 1", "../../etc", "a'b\"c<i>", "名前-7", "E1\u200b"])
def test_ids_with_odd_signs_are_bound_as_they_are(bench: Workbench, key: str) -> None:
    bench.people.put(Person(key, "Odd One"))
    account, _ = bench.bindings.give(key, "odd", author="hr")
    assert bench.bindings.person(account) == bench.people.known()[key]


def test_a_changed_file_opens_nothing(bench: Workbench) -> None:
    account, _ = bench.bindings.give("E1", author="hr")
    path = bench.workspace / "bindings.json"
    path.write_text(path.read_text().replace('"E1"', '"E2"'))
    with pytest.raises(StorageError):
        Workbench(bench.workspace).bindings.person(account)


def test_each_role_may_be_bound(bench: Workbench) -> None:
    assert all(may(role, "own.view") and may(role, "own.request") for role in ROLES)
