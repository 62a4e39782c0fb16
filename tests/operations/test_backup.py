"""A backup is one file that nobody reads without its secret; what comes back from it opens, verifies, and holds nobody who was erased."""

from __future__ import annotations

import shutil
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from fakes import T0
from paperwork import Clock, bench, enrol, face, picture, punch, stranger

from engine.errors import InputError, StorageError
from engine.operations.backup import backup, restore
from engine.storage.logs import key_folder
from engine.workbench import Workbench

SECRET = b"a passphrase of the tests"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    place = tmp_path / "w"
    place.mkdir()
    workbench = bench(place, Clock(T0))
    enrol(workbench, "E1", "Ada Lovelace", face(2))
    enrol(workbench, "E2", "Ben Bitdiddle", face(3))
    punch(workbench, "E1", T0 - timedelta(hours=1), track="run-1")
    stranger(workbench, face(1), T0, track="run-2", image=picture())
    workbench.accounts.add("root", "admin", "a long password of root")
    return place


def opened(place: Path) -> Workbench:
    return bench(place, Clock(T0))


def test_what_comes_back_elsewhere_opens_and_verifies(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "backup.muster"
    written = backup(workspace, file, SECRET)
    assert b"Lovelace" not in file.read_bytes()
    assert b"JFIF" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("MUSTER_KEYS", str(tmp_path / "another machine"))
    assert key_folder() == tmp_path / "another machine"
    done = restore(file, tmp_path / "again", SECRET)
    assert (done.files, done.forgotten) == (written, 0)
    again = opened(tmp_path / "again")
    assert again.people.names() == {"E1": "Ada Lovelace", "E2": "Ben Bitdiddle"}
    assert again.records.verify() == []
    assert again.gallery.current().people == ("E1", "E2")
    assert len(again.strangers.current()) == 1
    assert again.accounts.all()["root"].role == "admin"
    for path in again.records.pictures():
        assert again.records.vault.read(path).startswith(b"\xff\xd8")
    punch(again, "E2", T0 + timedelta(hours=1), track="run-9")
    assert again.records.verify() == []


def test_a_backup_that_was_changed_or_cut_off_is_refused(workspace: Path, tmp_path: Path) -> None:
    (workspace / "images" / "big.bin").write_bytes(bytes(3 << 20))
    file = tmp_path / "backup.muster"
    backup(workspace, file, SECRET)
    whole = file.read_bytes()
    chunk = (1 << 20) + 16
    for what, content in {
        "cut": whole[:-1],
        "without its end": whole[: 31 + 2 * chunk],
        "a bit": whole[: 31 + chunk + 9] + bytes([whole[31 + chunk + 9] ^ 1]) + whole[31 + chunk + 10 :],
        "swapped": whole[:31] + whole[31 + chunk : 31 + 2 * chunk] + whole[31 : 31 + chunk] + whole[31 + 2 * chunk :],
        "head": whole[:9] + b"x" + whole[10:],
    }.items():
        file.write_bytes(content)
        with pytest.raises((StorageError, InputError)):
            restore(file, tmp_path / "again", SECRET)
        assert not (tmp_path / "again").exists(), what
    file.write_bytes(whole)
    with pytest.raises(InputError, match="passphrase or key is wrong"):
        restore(file, tmp_path / "again", b"another passphrase")
    with pytest.raises(InputError, match="no backup"):
        restore(workspace / "people.csv", tmp_path / "again", SECRET)
    with pytest.raises(InputError, match="not empty"):
        restore(file, workspace, SECRET)
    with pytest.raises(InputError, match="lies in the workspace"):
        backup(workspace, workspace / "b", SECRET)


def test_whoever_was_erased_since_stays_erased(workspace: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup.muster"
    backup(workspace, file, SECRET)
    opened(workspace).privacy.forget("E1", author="ann", thorough=False)
    shutil.rmtree(workspace)
    assert restore(file, tmp_path / "again", SECRET).forgotten == 1
    again = opened(tmp_path / "again")
    assert again.people.names().get("E1", "") != "Ada Lovelace"
    assert again.gallery.current().people == ("E2",)
    assert again.records.verify() == []


def test_a_backup_beside_writers_is_consistent(workspace: Path, tmp_path: Path) -> None:
    ended = threading.Event()
    written = []

    def record() -> None:
        workbench = opened(workspace)
        for number in range(2000):
            if ended.is_set():
                return
            punch(workbench, "E2", T0 + timedelta(minutes=2 * number), track=f"run-{number}")
            workbench.people.change("E2", department=f"D{number}")
            written.append(number)

    writer = threading.Thread(target=record)
    writer.start()
    try:
        for number in range(3):
            backup(workspace, tmp_path / f"{number}.muster", SECRET)
    finally:
        ended.set()
        writer.join()
    assert written
    for number in range(3):
        restore(tmp_path / f"{number}.muster", tmp_path / f"again-{number}", SECRET)  # verifies


def test_a_workspace_that_was_lost_comes_back_in_its_place_without_the_erased(workspace: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup.muster"
    backup(workspace, file, SECRET)
    later = opened(workspace)
    punch(later, "E2", T0, track="run-3")
    later.privacy.forget("E1", author="hr", thorough=False)
    shutil.rmtree(workspace)
    assert restore(file, workspace, SECRET).forgotten == 1
    again = opened(workspace)
    assert set(again.people.all()) == {"E2"}
    assert set(again.gallery.current().people) == {"E2"}
    assert [each for each in again.records.verify() if not each.harmless] == []


def test_what_is_deleted_from_a_restored_workspace_is_missed(workspace: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup.muster"
    backup(workspace, file, SECRET)
    restore(file, tmp_path / "again", SECRET)
    (row,) = (tmp_path / "again/log").glob("attendance-*.csv")
    row.unlink()
    (row.parent / ".heads" / row.name).unlink()
    found = opened(tmp_path / "again").records.verify()
    assert [(each.file, each.what) for each in found] == [(row.name, "missing")]
