"""Who may sign in: hashes, throttling over processes and restarts, roles, and that somebody always administers."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.access import ROLES, AccountBook, Identity, NotAdmitted
from engine.access.credentials import STRENGTH
from engine.access.rights import ACTIONS, may
from engine.errors import InputError, StorageError

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
GOOD = "correct horse battery"


def test_a_guess_costs_64_mib_and_three_passes() -> None:  # RFC 9106, section 4, the second recommended option
    assert (STRENGTH.type.name, STRENGTH.memory_cost, STRENGTH.time_cost, STRENGTH.parallelism) == (
        "ID",
        64 * 1024,
        3,
        4,
    )
    assert (STRENGTH.salt_len, STRENGTH.hash_len) == (16, 32)


@pytest.fixture
def book(tmp_path: Path) -> AccountBook:
    book = AccountBook(tmp_path / "accounts.json")
    book.add("ada", "admin", GOOD)
    return book


def test_without_a_file_there_is_nobody(tmp_path: Path) -> None:
    assert AccountBook(tmp_path / "accounts.json").all() == {}


def test_the_file_holds_no_password_and_is_for_its_owner_alone(book: AccountBook) -> None:
    text = book.document.path.read_text()
    assert GOOD not in text
    assert json.loads(text)[0]["hash"].startswith("$argon2id$")
    assert book.document.path.stat().st_mode & 0o077 == 0


def test_the_right_password_lets_in_and_a_wrong_one_does_not(book: AccountBook) -> None:
    assert book.check("ada", GOOD, NOW).role == "admin"
    with pytest.raises(InputError, match="name or password is wrong"):
        book.check("ada", GOOD + " ", NOW)


def test_an_unknown_name_is_refused_with_the_same_words(book: AccountBook) -> None:
    with pytest.raises(InputError) as unknown:
        book.check("bob", GOOD, NOW)
    with pytest.raises(InputError) as wrong:
        book.check("ada", "wrong horse battery", NOW)
    assert str(unknown.value) == str(wrong.value)


@pytest.mark.parametrize("password", ["short", "", "x" * 201])
def test_passwords_too_short_or_endless_are_refused(book: AccountBook, password: str) -> None:
    with pytest.raises(InputError):
        book.add("bob", "hr", password)
    assert "bob" not in book.all()


@pytest.mark.parametrize("name", ["", " ", "\n", "x" * 61])
def test_names_that_cannot_be_one_are_refused(book: AccountBook, name: str) -> None:
    with pytest.raises(InputError):
        book.add(name, "hr", GOOD)


def test_a_name_and_an_address_belong_to_one_account(book: AccountBook) -> None:
    book.add("bob", "hr", email="Bob@Example.com")
    with pytest.raises(InputError, match="already"):
        book.add("bob", "viewer", GOOD)
    with pytest.raises(InputError, match="another user"):
        book.add("eve", "viewer", email="bob@example.com")


def test_an_account_without_password_is_reached_through_its_identity_alone(book: AccountBook) -> None:
    book.add("bob", "hr", email="Bob@Example.com")
    now_s = time.time()
    found, bound = book.identified(Identity("https://login.example.com", "7", "bob@example.com", now_s), 60)
    assert (found.name, found.subject, bound) == ("bob", "7", True)
    again, bound = book.identified(Identity("https://login.example.com", "7", "", now_s), 60)
    assert (again.name, bound) == ("bob", False)
    for other in (
        Identity("https://login.example.com", "8", "", now_s),
        Identity("https://other.example", "7", "", now_s),
    ):
        with pytest.raises(NotAdmitted, match="No account"):
            book.identified(other, 60)
    for password in ("", GOOD):
        with pytest.raises(InputError):
            book.check("bob", password, NOW)


def test_the_first_account_can_be_made_once(tmp_path: Path) -> None:
    book = AccountBook(tmp_path / "accounts.json")
    book.add("ada", "admin", GOOD, first=True)
    with pytest.raises(InputError, match="already"):
        book.add("eve", "admin", GOOD, first=True)


def test_nobody_takes_the_last_administrator_away(book: AccountBook) -> None:
    for change in (
        lambda: book.change("ada", role="hr"),
        lambda: book.change("ada", active=False),
        lambda: book.remove("ada"),
    ):
        with pytest.raises(InputError, match="no administrator"):
            change()
    book.add("bob", "admin", GOOD)
    book.remove("ada")
    assert list(book.all()) == ["bob"]


def test_whatever_matters_ends_running_sessions_and_the_language_does_not(book: AccountBook) -> None:
    book.add("bob", "hr", GOOD)
    epochs = [book.all()["bob"].epoch]
    changes = ({"role": "viewer"}, {"password": GOOD + "!"}, {"active": False}, {"language": "de"})
    epochs += [book.change("bob", **change).epoch for change in changes]
    assert epochs == [0, 1, 2, 3, 3]


def test_who_is_not_active_may_nothing(book: AccountBook) -> None:
    book.add("bob", "admin", GOOD)
    assert not book.change("bob", active=False).may("live.view")
    with pytest.raises(InputError):
        book.check("bob", GOOD, NOW)


def test_a_damaged_file_is_told_and_not_taken_for_an_empty_one(book: AccountBook) -> None:
    book.document.path.write_text("[{")
    with pytest.raises(StorageError, match="damaged"):
        AccountBook(book.document.path).all()


def test_administrators_may_everything_and_the_others_what_their_work_asks_for() -> None:
    assert all(may("admin", action) for action in ACTIONS)
    assert {role: sorted(action for action in ACTIONS if may(role, action)) for role in ROLES[1:]} == {
        "hr": [
            "account.own",
            "attendance.approve",
            "attendance.close",
            "attendance.correct",
            "attendance.evidence",
            "attendance.export",
            "attendance.picture",
            "attendance.view",
            "leave.view",
            "live.camera",
            "live.view",
            "own.request",
            "own.view",
            "people.access",
            "people.edit",
            "people.enrol",
            "people.forget",
            "people.view",
            "requests.decide",
            "system.view",
        ],
        "manager": [
            "account.own",
            "attendance.approve",
            "attendance.export",
            "attendance.picture",
            "attendance.view",
            "leave.view",
            "own.request",
            "own.view",
            "requests.decide",
        ],
        "security": [
            "account.own",
            "alerts.review",
            "alerts.view",
            "faces.confirm",
            "live.camera",
            "live.view",
            "own.request",
            "own.view",
            "people.enrol",
            "people.view",
            "search.faces",
            "system.tune",
            "system.view",
        ],
        "viewer": ["account.own", "attendance.view", "live.view", "own.request", "own.view"],
        "employee": ["account.own", "own.request", "own.view"],
    }
    with pytest.raises(KeyError):
        may("admin", "no such thing")


@pytest.mark.parametrize(
    ("sites", "seen"),
    [
        ((), {"berlin"}),
        (("tokyo",), {"tokyo"}),
        (("berlin", "tokyo"), {"berlin", "tokyo"}),
        (("*",), {"berlin", "tokyo", "oslo"}),
        (("tokyo", "*", "tokyo"), {"berlin", "tokyo", "oslo"}),
        (("nowhere",), set()),
    ],
)
def test_an_account_sees_the_sites_that_it_names(tmp_path: Path, sites: tuple[str, ...], seen: set[str]) -> None:
    book = AccountBook(tmp_path / "accounts.json", "berlin")
    book.add("ada", "admin", email="a@example.com")
    book.add("bob", "hr", email="b@example.com", sites=sites)
    found = AccountBook(tmp_path / "accounts.json", "berlin").all()["bob"]
    assert {site for site in ("berlin", "tokyo", "oslo") if found.sees(site, "berlin")} == seen
    book.change("bob", active=False)
    assert not any(book.all()["bob"].sees(site, "berlin") for site in ("berlin", "tokyo"))


def test_accounts_of_an_older_version_see_home_and_damaged_ones_nothing(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps([{"name": "ada", "role": "admin"}]))
    found = AccountBook(path, "berlin").all()["ada"]
    assert found.sees("berlin", "berlin")
    assert not found.sees("tokyo", "berlin")
    for wrong in ("tokyo", None, [["*"]], {"*": 1}):
        path.write_text(json.dumps([{"name": "ada", "role": "admin", "sites": wrong}]))
        with pytest.raises(StorageError, match="damaged"):
            AccountBook(path, "berlin").all()


def test_somebody_stays_who_administers_the_accounts(tmp_path: Path) -> None:
    book = AccountBook(tmp_path / "accounts.json", "berlin")
    book.add("ada", "admin", email="a@example.com")
    with pytest.raises(InputError, match="no administrator would be left"):
        book.change("ada", sites=["tokyo"])
    book.add("eve", "admin", email="e@example.com", sites=["tokyo"])
    with pytest.raises(InputError, match="no administrator would be left"):
        book.remove("ada")
    book.change("eve", sites=["*"])
    book.remove("ada")


def test_a_manager_has_departments_and_nobody_else_does(book: AccountBook) -> None:
    with pytest.raises(InputError, match="at least one department"):
        book.add("max", "manager", GOOD)
    with pytest.raises(InputError, match="hr sees all departments"):
        book.add("max", "hr", GOOD, departments=["Sales"])
    account = book.add("max", "manager", GOOD, departments=["Sales", " SALES ", "Lab"])
    assert account.departments == ("SALES", "Lab")
    assert account.scope is not None
    assert [account.scope.hold(name) for name in ("sales", "LAB", "Sale", "")] == [True, True, False, False]
    for wrong in ({"departments": []}, {"role": "hr", "departments": ["Sales"]}, {"departments": ["x" * 201]}):
        with pytest.raises(InputError):
            book.change("max", **wrong)
    assert book.change("max", departments=["Lab"]).epoch == account.epoch + 1, "running sessions end"
    assert book.change("max", password="another good one").departments == ("Lab",)
    promoted = book.change("max", role="hr")
    assert (promoted.departments, promoted.scope) == ((), None)
    with pytest.raises(InputError, match="at least one department"):
        book.change("max", role="manager")
    assert book.change("max", role="manager", departments=["Sales"]).departments == ("Sales",)


def test_an_account_of_an_older_version_opens_and_sees_what_it_saw(book: AccountBook) -> None:
    (stored,) = json.loads(book.document.path.read_text())
    del stored["departments"]
    book.document.path.write_text(json.dumps([stored]))
    assert AccountBook(book.document.path).all()["ada"].scope is None
    book.document.path.write_text(json.dumps([{**stored, "departments": "Sales"}]))
    with pytest.raises(StorageError, match="damaged"):
        AccountBook(book.document.path).all()
