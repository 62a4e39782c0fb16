"""The second factor: codes of an app count once and near their time, recovery codes once, and guessing waits."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest

from engine.access import AccountBook, SecretTexts, SessionBook, TryLater, WrongSecret, second_factor
from engine.errors import InputError, StorageError
from engine.storage.vault import Vault
from engine.workbench import Workbench

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


def _stored(book: AccountBook) -> str:
    return book.document.path.read_text(encoding="utf-8")


def test_the_secret_lies_encrypted_where_the_workspace_is_and_opens_after_a_restart(tmp_path: Path) -> None:
    def opened(**more: bool) -> AccountBook:
        return AccountBook(tmp_path / "accounts.json", secrets=SecretTexts(Vault(tmp_path, **more)))

    book = opened()
    book.add("ada", "admin", GOOD)
    book.enrol("ada", SECRET, pyotp.TOTP(SECRET).at(NOW), NOW)
    assert SECRET not in _stored(book)
    later = NOW + timedelta(minutes=2)
    assert opened().check_code("ada", pyotp.TOTP(SECRET).at(later), later).totp == SECRET
    assert SECRET not in _stored(book)
    off = opened(at_rest=False)
    assert not off.converted()
    assert off.convert()
    assert SECRET in _stored(book)
    assert (off.convert(), opened().convert(), opened().convert()) == (False, True, False)
    assert SECRET not in _stored(book)


def test_a_secret_of_an_older_version_counts_and_is_encrypted_with_its_next_use(tmp_path: Path) -> None:
    plain = AccountBook(tmp_path / "accounts.json")
    plain.add("ada", "admin", GOOD)
    plain.enrol("ada", SECRET, pyotp.TOTP(SECRET).at(NOW), NOW)
    assert SECRET in _stored(plain)
    book, later = (
        AccountBook(tmp_path / "accounts.json", secrets=SecretTexts(Vault(tmp_path))),
        NOW + timedelta(minutes=2),
    )
    book.check_code("ada", pyotp.TOTP(SECRET).at(later), later)
    assert SECRET not in _stored(book)


def test_a_secret_opens_for_its_account_alone(tmp_path: Path) -> None:
    book = AccountBook(tmp_path / "accounts.json", secrets=SecretTexts(Vault(tmp_path)))
    book.add("ada", "admin", GOOD)
    book.add("eve", "viewer", GOOD)
    book.enrol("ada", SECRET, pyotp.TOTP(SECRET).at(NOW), NOW)
    rows = json.loads(_stored(book))
    rows[1]["totp"] = rows[0]["totp"]
    book.document.path.write_text(json.dumps(rows))
    assert book.all()["ada"].totp == SECRET
    assert book.all()["eve"].totp != SECRET


def test_without_the_keys_recovery_codes_still_count_and_nobody_enters_without_a_factor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    book = AccountBook(workspace / "accounts.json", secrets=SecretTexts(Vault(workspace)))
    book.add("ada", "admin", GOOD)
    codes = book.enrol("ada", SECRET, pyotp.TOTP(SECRET).at(NOW), NOW)
    monkeypatch.setenv("MUSTER_KEYS", str(tmp_path / "elsewhere"))
    book = AccountBook(workspace / "accounts.json", secrets=SecretTexts(Vault(workspace)))
    assert book.all()["ada"].totp, "it still has one"
    later = NOW + timedelta(minutes=2)
    with pytest.raises(StorageError, match="cannot be read"):
        book.check_code("ada", pyotp.TOTP(SECRET).at(later), later)
    sealed = json.loads(_stored(book))[0]["totp"]
    assert book.check_code("ada", codes[0], later + timedelta(minutes=1)).name == "ada"
    assert json.loads(_stored(book))[0]["totp"] == sealed, "what cannot be read stays as it is"


def test_new_keys_take_the_secrets_along_and_sign_ins_under_way_hold_none_plain(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    bench.accounts.add("ada", "admin", GOOD)
    bench.accounts.enrol("ada", SECRET, pyotp.TOTP(SECRET).at(NOW), NOW)
    before = _stored(bench.accounts)
    assert bench.privacy.rotate(reencrypt=True)[0] >= 1
    assert SECRET not in _stored(bench.accounts)
    assert _stored(bench.accounts) != before
    assert Workbench(tmp_path).accounts.all()["ada"].totp == SECRET
    sessions = SessionBook(tmp_path / "sessions.json", bench.accounts, life_s=600)
    token = sessions.begin(bench.accounts.all()["ada"], "second", data=SECRET)
    assert SECRET not in (tmp_path / "sessions.json").read_text()
    found = SessionBook(tmp_path / "sessions.json", Workbench(tmp_path).accounts, life_s=600).pending(token)
    assert found is not None
    assert found[1] == SECRET
