"""Devices that may speak to the kiosk: tokens, scopes, revocation that other processes see, and files that lie."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paperwork import bench, enrol
from two_processes import run_twice

from engine.access import SCREEN_SCOPES, DeviceBook
from engine.access.devices import SCOPES
from engine.errors import InputError, StorageError

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
def book(tmp_path: Path) -> DeviceBook:
    return DeviceBook(tmp_path / "devices.json")


def pair(book: DeviceBook, name: str = "door", *scopes: str, replace: bool = False) -> str:
    return book.pair(name, scopes or SCREEN_SCOPES, author="sam", now=NOW, replace=replace)[1]


def test_without_a_file_there_is_no_device_and_no_token_is_right(book: DeviceBook) -> None:
    assert book.all() == {}
    assert book.check(f"muster_0123abcd_{'x' * 43}") is None
    assert not book.document.path.exists()


def test_a_token_is_its_devices_and_the_file_holds_its_hash_alone(book: DeviceBook) -> None:
    device, token = book.pair("door", ("pin", "screen", "pin"), author="sam", now=NOW)
    assert book.check(token) == device
    assert token.startswith(f"muster_{device.device_id}_")
    assert len(token.rpartition(device.device_id + "_")[2]) == 43
    assert (device.scopes, device.created_at, device.author) == (("screen", "pin"), "2026-11-23T08:00:00+00:00", "sam")
    assert book.document.path.stat().st_mode & 0o077 == 0
    assert token.partition("_")[2].partition("_")[2] not in book.document.path.read_text()
    assert json.loads(book.document.path.read_text())[0]["hash"] == hashlib.sha256(token.encode()).hexdigest()


def test_a_device_may_what_its_scopes_say_and_nothing_after_it_was_revoked(book: DeviceBook) -> None:
    device, _ = book.pair("door", ["status", "metrics"], author="", now=NOW)
    assert {scope for scope in SCOPES if device.may(scope)} == {"status", "metrics"}
    gone = book.revoke("door", now=NOW)
    assert not any(gone.may(scope) for scope in SCOPES)
    with pytest.raises(KeyError):
        device.may("everything")


def test_a_revoked_token_is_refused_by_another_process_at_once(book: DeviceBook) -> None:
    token, other = pair(book), DeviceBook(book.document.path)
    assert other.check(token) is not None
    book.revoke("door", now=NOW)
    assert other.check(token) is None
    assert book.check(token) is None
    assert other.all().popitem()[1].revoked_at == "2026-11-23T08:00:00+00:00"


def test_no_device_answers_to_the_token_of_another(book: DeviceBook) -> None:
    first, second = pair(book, "one"), pair(book, "two")
    mixed = first[:16] + second[16:]
    assert len(mixed) == len(first)
    assert book.check(mixed) is None
    assert book.check(first) is not None


@given(st.one_of(st.text(max_size=80), st.from_regex(r"muster_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", fullmatch=True)))
def test_whatever_is_sent_as_a_token_is_refused_without_a_fault(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    book = DeviceBook(tmp_path_factory.getbasetemp() / "any" / "devices.json")
    if not book.document.path.exists():
        pair(book)
    assert book.check(text) is None


def test_tokens_that_are_nearly_right_are_wrong(book: DeviceBook) -> None:
    token = pair(book)
    for near in (
        token + "\n",
        " " + token,
        token[:-1],
        token + "A",
        token.upper(),
        token.replace("muster", "Muster"),
        token * 10_000,
        token[:-1] + "é",
        token[:-1] + "\ud800",
        token.replace("_", "＿"),
        "",
    ):
        assert book.check(near) is None


@pytest.mark.parametrize("name", ["", " ", "\n\t", "\u200b", "x" * 61])
def test_names_that_cannot_be_one_are_refused_and_nothing_is_written(book: DeviceBook, name: str) -> None:
    with pytest.raises(InputError, match="name"):
        pair(book, name)
    assert not book.document.path.exists()


def test_a_name_is_one_printable_line(book: DeviceBook) -> None:
    device, _ = book.pair("door\x1b[31m \u202e1\r\n", ["screen"], author="", now=NOW)
    assert device.name == "door [31m 1"


def test_scopes_that_are_none_are_refused_with_the_choices(book: DeviceBook) -> None:
    with pytest.raises(InputError, match="no scope 'root'") as told:
        pair(book, "door", "screen", "root")
    assert told.value.hint == f"choose from {', '.join(SCOPES)}"
    with pytest.raises(InputError, match="has no scope"):
        book.pair("door", [], author="", now=NOW)
    assert not book.document.path.exists()


def test_of_two_devices_one_name_is_refused_until_the_first_is_revoked(book: DeviceBook) -> None:
    pair(book)
    with pytest.raises(InputError, match="already"):
        pair(book, "DOOR")
    book.revoke("Door", now=NOW)
    token = pair(book)
    assert [bool(device.revoked_at) for device in book.all().values()] == [True, False]
    assert book.check(token) is not None


def test_replacing_ends_the_device_of_that_name_and_the_file_does_not_grow(book: DeviceBook) -> None:
    other = pair(book, "gate")
    tokens = [pair(book, replace=True) for _ in range(5)]
    assert [book.check(token) is not None for token in tokens] == [False] * 4 + [True]
    assert book.check(other) is not None
    assert [(device.name, bool(device.revoked_at)) for device in book.all().values()] == [
        ("gate", False),
        ("door", True),
        ("door", False),
    ]


def test_an_id_comes_before_a_name_that_looks_like_it(book: DeviceBook) -> None:
    first, _ = book.pair("door", ["screen"], author="", now=NOW)
    second, _ = book.pair(first.device_id, ["screen"], author="", now=NOW)
    assert book.revoke(first.device_id, now=NOW).device_id == first.device_id
    assert book.revoke(first.device_id, now=NOW).device_id == second.device_id
    for name in (first.device_id, "door", "nobody", ""):
        with pytest.raises(InputError, match="no paired device"):
            book.revoke(name, now=NOW)


@pytest.mark.parametrize(
    "content",
    [
        b"[{",
        b"null",
        b"{}",
        b"[1]",
        b'["a"]',
        b"[[]]",
        b"\xff",
        b"[" * 100_000,
        b'[{"device_id": "0123abcd"}]',
        b'[{"device_id":"0123abcd","name":"door","scopes":"screen","hash":"","created_at":"","author":""}]',
        b'[{"device_id":"0123abcd","name":"door","scopes":["screen"],"hash":null,"created_at":"","author":""}]',
        '[{"device_id":"0123abcd","name":"door","scopes":[],"hash":"é","created_at":"","author":""}]'.encode(),
    ],
)
def test_a_damaged_file_is_told_and_never_lets_in(book: DeviceBook, content: bytes) -> None:
    book.document.path.write_bytes(content)
    for act in (book.all, lambda: book.check(f"muster_0123abcd_{'x' * 43}"), lambda: pair(book)):
        with pytest.raises(StorageError, match="damaged"):
            act()
    assert book.document.path.read_bytes() == content


def pair_many(workspace: Path, barrier: threading.Barrier, number: int) -> None:
    """Body of a child process: pair ten devices and revoke every other one, beside a sister who does the same."""
    book = DeviceBook(workspace / "devices.json")
    for turn in range(10):
        barrier.wait(30)
        book.pair(f"screen {number}-{turn}", ["screen"], author="", now=NOW)
        if turn % 2:
            book.revoke(f"screen {number}-{turn}", now=NOW)


def test_what_two_processes_change_at_once_is_all_there(book: DeviceBook) -> None:
    run_twice(pair_many, book.document.path.parent)
    devices = book.all().values()
    assert {device.name for device in devices} == {f"screen {n}-{turn}" for n in (1, 2) for turn in range(10)}
    assert {device.name for device in devices if device.revoked_at} == {
        f"screen {n}-{turn}" for n in (1, 2) for turn in (1, 3, 5, 7, 9)
    }


def test_pairing_and_revoking_are_noted_without_names_of_people(tmp_path: Path) -> None:
    workbench = bench(tmp_path)
    enrol(workbench, "E1", "Ann Lee")
    device, token = workbench.kiosk.pair("Ann Lee", ["screen", "status"], author="Ann Lee")
    workbench.kiosk.revoke(device.device_id, author="sam")
    assert [(row.author, row.action, row.subject, row.detail) for row in workbench.audit.read()] == [
        ("E1", "pair_device", "E1", f"{device.device_id}: screen, status"),
        ("sam", "revoke_device", "E1", device.device_id),
    ]
    assert device.author == "E1"
    assert workbench.devices.check(token) is None
    assert workbench.records.verify() == []


def test_an_author_that_cannot_be_one_pairs_nothing(tmp_path: Path) -> None:
    workbench = bench(tmp_path)
    with pytest.raises(InputError, match="author"):
        workbench.kiosk.pair("door", ["screen"], author="x" * 200)
    assert workbench.devices.all() == {}
