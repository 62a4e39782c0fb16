"""Guesses are slowed down, whoever makes them, and nobody is shut out by a stranger."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.access import AccountBook, TryLater, Visitor, WrongSecret
from engine.access.credentials import SlowHashes, one_at_a_time
from engine.access.throttle import Tries

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
GOOD, WRONG = "correct horse battery", "wrong horse battery"
STRANGER, OWNER = Visitor("203.0.113.7"), Visitor("198.51.100.4")


@pytest.fixture
def book(tmp_path: Path) -> AccountBook:
    book = AccountBook(tmp_path / "accounts.json")
    book.add("ada", "admin", GOOD)
    return book


def known(book: AccountBook, address: str = STRANGER.address) -> Visitor:
    """A browser in which ada signed in before."""
    return Visitor(address, "b1", frozenset({book.all()["ada"].id}))


def guess(book: AccountBook, visitor: Visitor, now: datetime, name: str = "ada") -> bool:
    """Try a wrong password; whether it was looked at."""
    try:
        book.check(name, WRONG, now, visitor)
    except WrongSecret:
        return True
    except TryLater:
        return False
    raise AssertionError("a wrong password was right")


def guesses(book: AccountBook, visitor: Visitor, count: int, now: datetime = NOW) -> int:
    return sum(guess(book, visitor, now) for _ in range(count))


def test_the_fifth_wrong_password_makes_its_address_wait_even_with_the_right_one(book: AccountBook) -> None:
    assert guesses(book, STRANGER, 7) == 5
    with pytest.raises(TryLater, match="too many"):
        book.check("ada", GOOD, NOW, STRANGER)
    assert book.check("ada", GOOD, NOW, OWNER).name == "ada"
    assert book.check("ada", GOOD, NOW + timedelta(seconds=1), STRANGER).name == "ada"


def test_the_wait_doubles_up_to_a_quarter_of_an_hour_and_survives_a_restart(book: AccountBook) -> None:
    guesses(book, STRANGER, 5)
    moment, waits = NOW, []
    for _ in range(12):
        with pytest.raises(TryLater) as refused:
            AccountBook(book.document.path).check("ada", GOOD, moment, STRANGER)
        waits.append(refused.value.wait_s)
        moment += timedelta(seconds=waits[-1])
        assert guess(AccountBook(book.document.path), STRANGER, moment)
    assert waits == [min(900, 2**power) for power in range(12)]


def test_a_stranger_at_one_try_a_second_for_twelve_hours_shuts_nobody_out(book: AccountBook) -> None:
    looked_at, let_in = 0, 0
    for second in range(12 * 3600):
        now = NOW + timedelta(seconds=second)
        looked_at += guess(book, STRANGER, now)
        if second % 600 == 599:  # from home, and from a browser that ada uses, even behind the stranger's address
            for owner in (OWNER, known(book)):
                let_in += book.check("ada", GOOD, now, owner).name == "ada"
    assert let_in == 2 * 72
    assert looked_at < 70, "in twelve hours a stranger has so many guesses"


def test_one_address_does_not_try_a_password_on_everybody(book: AccountBook) -> None:
    looked_at = sum(guess(book, STRANGER, NOW, f"user {number}") for number in range(100))
    assert looked_at == 30
    minute_later = sum(guess(book, STRANGER, NOW + timedelta(seconds=60), f"other {number}") for number in range(100))
    assert minute_later == 6
    assert guess(book, OWNER, NOW)


def test_many_addresses_do_not_guess_one_password_and_a_known_browser_is_let_in(book: AccountBook) -> None:
    crowd = [Visitor(f"203.0.{net}.{host}") for net in range(2) for host in range(100)]
    assert sum(guess(book, each, NOW) for each in crowd) == 100
    assert book.check("ada", GOOD, NOW, known(book)).name == "ada"


def test_all_addresses_of_one_ipv6_network_count_as_one(book: AccountBook) -> None:
    assert sum(guess(book, Visitor(f"2001:db8::{number:x}"), NOW) for number in range(1, 20)) == 5
    assert guess(book, Visitor("2001:db8:0:1::1"), NOW)
    assert sum(guess(book, Visitor(address), NOW) for address in ["192.0.2.1", "::ffff:192.0.2.1"] * 4) == 5


def test_a_known_browser_that_guesses_is_known_no_more(book: AccountBook) -> None:
    assert guesses(book, known(book), 20) == 10, "five as a known browser, five as any"
    assert book.check("ada", GOOD, NOW, OWNER).name == "ada"


def test_a_browser_is_known_for_who_signed_in_there_alone(book: AccountBook) -> None:
    book.add("bob", "viewer", GOOD)
    assert sum(guess(book, known(book), NOW, "bob") for _ in range(20)) == 5


def test_the_right_password_ends_the_count(book: AccountBook) -> None:
    for _ in range(20):
        guesses(book, STRANGER, 4)
        book.check("ada", GOOD, NOW, STRANGER)
        if _ % 7 == 6:  # the address has a budget of its own
            book.tries.document.path.unlink()


def test_signing_in_uses_no_budget_up(book: AccountBook) -> None:
    for _ in range(120):
        book.check("ada", GOOD, NOW, OWNER)


def test_a_name_that_nobody_has_is_answered_and_counted_alike(book: AccountBook) -> None:
    def answers(name: str, address: str) -> list[str]:
        told = []
        for _ in range(7):
            with pytest.raises((WrongSecret, TryLater)) as refused:
                book.check(name, WRONG, NOW, Visitor(address))
            told.append(str(refused.value))
        return told

    book.add("sso", "viewer", email="sso@example.com")
    book.add("off", "viewer", GOOD)
    book.change("off", active=False)
    seen = [answers(name, f"192.0.2.{n}") for n, name in enumerate(("ada", "nobody", "sso", "off"))]
    assert seen[1:] == [seen[0]] * 3


def test_a_name_that_nobody_has_costs_the_same_hash(book: AccountBook, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[bool] = []
    right = SlowHashes.right
    monkeypatch.setattr(SlowHashes, "right", lambda *a: looked.append(True) or right(*a))
    for name in ("ada", "nobody"):
        assert guess(book, OWNER, NOW, name)
    assert len(looked) == 2


def test_the_file_tells_no_name_and_stays_small(book: AccountBook) -> None:
    for number in range(40):
        guess(book, Visitor(f"192.0.2.{number}"), NOW, f"my secret {number}")
    text = book.tries.document.path.read_text()
    assert "secret" not in text
    assert "192.0.2" not in text
    assert book.tries.document.path.stat().st_mode & 0o077 == 0
    guess(book, OWNER, NOW + timedelta(hours=7))
    assert len(book.tries.all()) == 3


def test_many_wrong_passwords_at_once_are_all_counted(tmp_path: Path) -> None:
    refused: list[bool] = []

    def attempt() -> None:
        try:
            Tries(tmp_path / "tries.json").begin("ada", "", STRANGER, NOW)
        except TryLater:
            refused.append(True)

    threads = [threading.Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7


def test_few_wait_for_their_turn_to_hash_and_the_others_are_told_at_once() -> None:
    """A crowd costs the memory of one hash; who comes when the queue is full may come again."""
    hold, held, refused, done = threading.Event(), threading.Event(), [], []

    def holder() -> None:
        with one_at_a_time():
            held.set()
            hold.wait(10)

    def asker() -> None:
        try:
            with one_at_a_time(), one_at_a_time():  # again within one's turn is no second place
                done.append(True)
        except TryLater as error:
            refused.append(error.wait_s)

    first = threading.Thread(target=holder)
    first.start()
    held.wait(10)
    crowd = [threading.Thread(target=asker) for _ in range(20)]
    for thread in crowd:
        thread.start()
    for thread in crowd[:]:
        thread.join(0.2)
        if len(refused) == 16:
            break
    assert (len(refused), done) == (16, [])
    hold.set()
    for thread in (first, *crowd):
        thread.join(10)
    assert len(done) == 4
    assert set(refused) == {2}
