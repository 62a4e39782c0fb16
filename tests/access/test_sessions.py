"""Sessions: whom a token opens the workbench for, and what ends that for good."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from engine.access import Account, AccountBook, SessionBook
from engine.errors import StorageError

GOOD = "correct horse battery"


class Clock:
    """Seconds since 1970, moved by the test."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(tmp_path: Path) -> AccountBook:
    book = AccountBook(tmp_path / "accounts.json")
    book.add("root", "admin", email="root@example.com")
    return book


def book(accounts: AccountBook, clock: Clock, *, life_s: float = 3600, idle_s: float = 0) -> SessionBook:
    return SessionBook(
        accounts.document.path.with_name("sessions.json"), accounts, life_s=life_s, idle_s=idle_s, clock=clock
    )


def root(accounts: AccountBook) -> Account:
    return accounts.all()["root"]


def test_the_session_of_a_removed_account_opens_no_namesake(accounts: AccountBook, clock: Clock) -> None:
    old = accounts.add("bob", "viewer", email="b@example.com")
    sessions = book(accounts, clock)
    token = sessions.begin(old)
    assert sessions.account(token) == old
    accounts.remove("bob")
    new = accounts.add("bob", "admin", email="b@example.com")
    assert new.epoch == old.epoch
    assert sessions.account(token) is None
    assert sessions.of(new) == []


def test_accounts_of_an_older_version_get_an_id_that_stays(accounts: AccountBook, clock: Clock) -> None:
    rows = json.loads(accounts.document.path.read_text())
    for row in rows:
        del row["id"]
    accounts.document.path.write_text(json.dumps(rows))
    found = AccountBook(accounts.document.path)
    token = book(found, clock).begin(root(found))
    found.add("bob", "viewer", email="b@example.com")  # writes the file anew
    again = AccountBook(accounts.document.path)
    assert len({each.id for each in again.all().values()}) == 2
    assert book(again, clock).account(token) == root(again)


def test_the_file_tells_no_token(accounts: AccountBook, clock: Clock) -> None:
    token = book(accounts, clock).begin(root(accounts), browser="Firefox, Linux", address="10.0.0.7")
    path = accounts.document.path.with_name("sessions.json")
    assert token not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert len(token) >= 43


def test_signing_out_is_for_good_even_after_a_restart(accounts: AccountBook, clock: Clock) -> None:
    sessions = book(accounts, clock)
    token, other = sessions.begin(root(accounts)), sessions.begin(root(accounts))
    sessions.end(token)
    for each in (sessions, book(accounts, clock)):
        assert each.account(token) is None
        assert each.account(other) is not None
    sessions.end("never issued")
    sessions.end(None)


def test_a_session_ends_with_its_time_however_often_it_is_used(accounts: AccountBook, clock: Clock) -> None:
    sessions = book(accounts, clock, life_s=3600, idle_s=600)
    token = sessions.begin(root(accounts))
    for _ in range(7):
        clock.now += 500
        sessions.used(token)
        assert sessions.account(token) is not None
    clock.now += 101
    assert sessions.account(token) is None


def test_a_session_that_nobody_uses_ends(accounts: AccountBook, clock: Clock) -> None:
    sessions = book(accounts, clock, life_s=36000, idle_s=600)
    token = sessions.begin(root(accounts))
    clock.now += 599
    assert sessions.account(token) is not None, "looking is no use"
    clock.now += 2
    assert sessions.account(token) is None
    sessions.used(token)
    assert sessions.account(token) is None, "what has ended is not woken"


def test_without_an_idle_limit_a_session_waits(accounts: AccountBook, clock: Clock) -> None:
    sessions = book(accounts, clock, life_s=36000, idle_s=0)
    token = sessions.begin(root(accounts))
    clock.now += 35000
    assert sessions.account(token) is not None


def test_a_shorter_life_ends_sessions_that_began_before(accounts: AccountBook, clock: Clock) -> None:
    token = book(accounts, clock, life_s=36000).begin(root(accounts))
    clock.now += 3700
    assert book(accounts, clock, life_s=3600).account(token) is None


def test_a_clock_that_went_back_revives_nothing(accounts: AccountBook, clock: Clock) -> None:
    sessions = book(accounts, clock)
    token = sessions.begin(root(accounts))
    clock.now -= 60
    assert sessions.account(token) is None


def test_owners_see_their_sessions_and_end_one_or_all_others(accounts: AccountBook, clock: Clock) -> None:
    bob, sessions = accounts.add("bob", "hr", email="b@example.com"), book(accounts, clock)
    foreign = sessions.begin(root(accounts))
    tokens = []
    for browser in ("Firefox, Linux", "Chrome, Android", "Safari, iPhone"):
        clock.now += 10
        tokens.append(sessions.begin(bob, browser=browser, address="10.0.0.7"))
    assert [row.browser for row in sessions.of(bob)] == ["Safari, iPhone", "Chrome, Android", "Firefox, Linux"]
    assert sessions.end_of(bob, sessions.key_of(foreign)) == 0, "of somebody else"
    assert sessions.end_of(bob, sessions.key_of(tokens[2])) == 1
    assert sessions.end_of(bob, but=tokens[0]) == 1
    assert [sessions.account(token) for token in tokens] == [bob, None, None]
    assert sessions.account(foreign) == root(accounts)


def test_a_change_ends_all_sessions_but_the_one_in_which_its_owner_made_it(accounts: AccountBook, clock: Clock) -> None:
    bob, sessions = accounts.add("bob", "hr", GOOD), book(accounts, clock)
    here, there = sessions.begin(bob), sessions.begin(bob)
    changed = accounts.change("bob", password="another good one")
    sessions.keep(here, changed)
    sessions.keep(there, root(accounts))
    assert (sessions.account(here), sessions.account(there)) == (changed, None)


def test_the_file_keeps_what_runs_only_and_no_account_fills_it(accounts: AccountBook, clock: Clock) -> None:
    sessions = book(accounts, clock, life_s=60)
    first = sessions.begin(root(accounts))
    for _ in range(50):
        sessions.begin(root(accounts))
    assert len(sessions.all()) == 50
    assert sessions.account(first) is None
    clock.now += 61
    sessions.begin(root(accounts))
    assert len(sessions.all()) == 1


@pytest.mark.parametrize("token", ["", None, "x", "a.b.c", "é", "\ud800"])
def test_anything_else_is_no_token(accounts: AccountBook, clock: Clock, token: str | None) -> None:
    sessions = book(accounts, clock)
    sessions.begin(root(accounts))
    assert sessions.account(token) is None
    sessions.used(token)


def test_a_damaged_file_is_told_and_lets_nobody_in(accounts: AccountBook, clock: Clock) -> None:
    sessions = book(accounts, clock)
    token = sessions.begin(root(accounts))
    row = dataclasses.asdict(next(iter(sessions.all().values())))
    for damage in ("[{", json.dumps([{**row, "until_s": "later"}]), json.dumps([{**row, "account": 7}]), "{}"):
        sessions.document.path.write_text(damage)
        with pytest.raises(StorageError, match="damaged"):
            book(accounts, clock).account(token)
