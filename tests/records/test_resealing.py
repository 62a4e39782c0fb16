"""The seal key is lost for good: nothing is written under another one by itself, and new seals are begun on purpose."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from paperwork import Clock, enrol, face, punch

from engine.errors import InputError, StorageError
from engine.operations.reporting import AttendanceReports
from engine.records import begin_seals, note_export
from engine.storage.logs import KeyMissing, key_folder
from engine.workbench import Workbench

DAY = date(2026, 11, 24)


def at(hour: int, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    # keys of its own: other tests that run at the same time make keys in the folder that all share
    monkeypatch.setenv("MUSTER_KEYS", str(tmp_path / "keys"))
    bench = Workbench(tmp_path / "w", clock=Clock(at(18)))
    enrol(bench, "E1", "Ada Lovelace", face(1))
    for hour in (8, 17):
        punch(bench, "E1", at(hour), track=f"run-{hour}")
        punch(bench, "E1", at(hour, 20), track=f"run-2{hour}")
        punch(bench, "E1", at(hour, 23), track=f"run-3{hour}")
    bench.attendance.log.raw.purge(date(2026, 11, 20), at(18), "retention")
    bench.months.close(date(2026, 11, 23), date(2026, 11, 23), author="ann", anyway=True, reason="paid")
    bench.records.close(at(18, 28), bench.people.known())
    bench.records.note("look", "", "", author="ann")
    return bench


def reopened(bench: Workbench) -> Workbench:
    return Workbench(bench.workspace, clock=Clock(at(18, 28)))


def lose_keys(bench: Workbench, *, all_of_them: bool) -> None:
    bench.records.sealer.key_path.unlink()
    if all_of_them:
        shutil.rmtree(bench.records.vault.ring.folder)


@pytest.mark.parametrize("all_of_them", [False, True])
def test_new_seals_are_begun_on_purpose(bench: Workbench, all_of_them: bool) -> None:
    written = (bench.workspace / "log" / f"attendance-{DAY}.csv").read_bytes()
    lose_keys(bench, all_of_them=all_of_them)
    lost = reopened(bench)
    assert len(lost.attendance.log.read(DAY)) == 2
    assert [row.employee_id for row in lost.attendance.sheets.on(DAY, lost.people.known())] == ["E1"]
    with pytest.raises(KeyMissing):
        lost.office.correct("E1", DAY, "status", author="ann", reason="left late", value="excused")
    with pytest.raises(StorageError, match="without it no row can be checked"):
        lost.records.verify()
    count, aside = begin_seals(lost.records, author="ann", reason="the disk died")
    assert count >= 4
    assert (aside / "log" / f"attendance-{DAY}.csv").read_bytes() == written
    again = reopened(bench)
    found = again.records.verify()
    assert ("note", "audit.csv") in [(each.what, each.file) for each in found], (
        "it says since when seals prove anything"
    )
    assert all(each.harmless for each in found)
    assert len(again.attendance.log.read(DAY)) == 2
    assert again.attendance.log.raw.journal.purged("attendance") == date(2026, 11, 20)
    assert [again.months.intact(row) for row in again.attendance.closed.in_force()] == [True]
    assert len(again.gallery.current()) == (0 if all_of_them else 1)
    assert "begin_seals" in [row.action for row in again.audit.read()]
    again.office.correct("E1", DAY, "status", author="ann", reason="left late", value="excused")
    punch(again, "E1", at(8, 28), track="run-28")
    assert {each.what for each in reopened(bench).records.verify()} == {"note"}
    path = bench.workspace / "log" / f"attendance-{DAY}.csv"
    path.write_bytes(path.read_bytes().replace(b"T17:", b"T19:"))
    assert [each.what for each in reopened(bench).records.verify() if not each.harmless] == ["changed"]


def test_an_interrupted_run_is_continued(bench: Workbench) -> None:
    lose_keys(bench, all_of_them=False)
    broken = bench.workspace / "log" / "audit.csv"
    content = broken.read_bytes()
    broken.unlink()
    broken.mkdir()  # reading it fails
    with pytest.raises(StorageError):
        begin_seals(reopened(bench).records, author="ann", reason="the disk died")
    broken.rmdir()
    broken.write_bytes(content)
    begin_seals(reopened(bench).records, author="ann", reason="the disk died")
    assert {each.what for each in reopened(bench).records.verify()} == {"note"}


def test_a_key_that_is_there_is_not_replaced(bench: Workbench) -> None:
    keys = sorted(key_folder().glob("*.key"))
    with pytest.raises(InputError, match="the seal key is there"):
        begin_seals(bench.records, author="ann", reason="no reason")
    assert sorted(key_folder().glob("*.key")) == keys


def _exported(bench: Workbench, target: Path) -> int:
    rows = AttendanceReports(bench).punches(DAY, DAY)
    note_export(bench.records, "export_punches", "", "two", b"rows", author="ann")
    bench.privacy.export_subject("E1", target, author="ann")
    return len(rows)


def test_whoever_lost_the_key_still_exports_punches(bench: Workbench) -> None:
    lose_keys(bench, all_of_them=False)
    assert len(AttendanceReports(reopened(bench)).punches(DAY, DAY)) == 2


def test_a_copy_that_nobody_may_write_is_exported_from(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = len(bench.audit.read())
    may = os.access
    # what a read-only mount says; the tests may run as root, whom access rights do not stop
    monkeypatch.setattr(
        os,
        "access",
        lambda path, mode: (mode != os.W_OK or bench.workspace not in Path(path).parents) and may(path, mode),
    )
    assert _exported(reopened(bench), tmp_path / "E1.zip") == 2
    assert len(bench.audit.read()) == count


def test_an_export_that_cannot_be_recorded_in_a_workspace_at_work_is_refused(bench: Workbench, tmp_path: Path) -> None:
    audit = bench.workspace / "log" / "audit.csv"
    audit.unlink()
    audit.mkdir()
    with pytest.raises(StorageError):
        _exported(reopened(bench), tmp_path / "E1.zip")
