"""The second factor: codes of an app count once and near their time, recovery codes once, and guessing waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest

from engine.access import AccountBook, TryLater, WrongSecret, second_factor
from engine.errors import InputError

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
GOOD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code(seconds: int = 0) -> str:
    return pyotp.TOTP(SECRET).at(NOW + timedelta(seconds=seconds))


@pytest.fixture
def book(tmp_path: Path) -> AccountBook:
    book = AccountBook(tmp_path / "accounts.json")
    book.add("ada", "admin", GOOD)
    return book


def test_codes_are_those_of_rfc_6238() -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # appendix B, the last six of eight digits
    for seconds, digits in ((59, "287082"), (1111111109, "081804"), (2000000000, "279037")):
        assert second_factor.step_of(secret, digits, datetime.fromtimestamp(seconds, UTC)) == seconds // 30


def test_setting_up_asks_for_a_code_and_ends_sessions(book: AccountBook) -> None:
    before = book.all()["ada"]
    with pytest.raises(InputError, match="code is wrong"):
        book.enrol("ada", SECRET, "000000", NOW)
    assert book.all()["ada"] == before
    codes = book.enrol("ada", SECRET, code(), NOW)
    after = book.all()["ada"]
    assert (after.totp, after.epoch) == (SECRET, before.epoch + 1)
    assert len(set(codes)) == 8
    assert not any(each in book.document.path.read_text() for each in codes)
    book.unenrol("ada")
    assert (book.all()["ada"].totp, book.all()["ada"].recovery) == ("", ())


def test_a_code_counts_once_and_no_older_one_after_it(book: AccountBook) -> None:
    book.enrol("ada", SECRET, code(-60), NOW - timedelta(seconds=60))
    with pytest.raises(WrongSecret):
        book.check_code("ada", code(-60), NOW - timedelta(seconds=30))
    assert book.check_code("ada", f" {code()[:3]} {code()[3:]}", NOW).name == "ada"
    for replayed in (code(), code(-30)):
        with pytest.raises(WrongSecret):
            AccountBook(book.document.path).check_code("ada", replayed, NOW)


@pytest.mark.parametrize(("seconds", "right"), [(-90, False), (-30, True), (0, True), (30, True), (60, False)])
def test_clocks_may_differ_by_half_a_minute(book: AccountBook, seconds: int, right: bool) -> None:
    book.enrol("ada", SECRET, code(-600), NOW - timedelta(seconds=600))
    if right:
        book.check_code("ada", code(seconds), NOW)
    else:
        with pytest.raises(WrongSecret):
            book.check_code("ada", code(seconds), NOW)


def test_a_recovery_code_counts_once(book: AccountBook) -> None:
    codes = book.enrol("ada", SECRET, code(), NOW)
    assert len(book.check_code("ada", codes[3].upper().replace("-", " "), NOW).recovery) == 7
    with pytest.raises(WrongSecret):
        book.check_code("ada", codes[3], NOW)
    book.check_code("ada", codes[4], NOW)


def test_guessing_codes_waits_from_whatever_address(book: AccountBook) -> None:
    book.enrol("ada", SECRET, code(-600), NOW - timedelta(seconds=600))
    for _ in range(5):
        with pytest.raises(WrongSecret):
            book.check_code("ada", "12345", NOW)
    with pytest.raises(TryLater):
        book.check_code("ada", code(), NOW)
    book.check_code("ada", code(), NOW + timedelta(seconds=1))


@pytest.mark.parametrize("typed", ["", "x", "é", "\ud800", "0" * 20])
def test_anything_else_is_no_code(book: AccountBook, typed: str) -> None:
    with pytest.raises(WrongSecret):
        book.check_code("ada", typed, NOW)
    book.enrol("ada", SECRET, code(), NOW)
    with pytest.raises(WrongSecret):
        book.check_code("ada", typed, NOW)
