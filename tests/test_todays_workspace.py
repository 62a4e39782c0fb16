"""A workspace that this version wrote, with its keys: later ones must restore, open and verify it, say the same of it, and go on.

`tests/support/make_workspace.py` made `data/workspace-1.backup`.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from make_workspace import SECRET, TARGET, at
from paperwork import Clock, punch

from engine.operations.backup import restore
from engine.storage.logs import key_folder
from engine.workbench import Workbench

FIRST, LAST = date(2026, 11, 23), date(2026, 11, 24)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSTER_KEYS", str(tmp_path / "keys"))
    restore(TARGET, tmp_path / "w", SECRET)
    return tmp_path / "w"


def opened(workspace: Path) -> Workbench:
    return Workbench(workspace, clock=Clock(at(26, 9)))


def test_it_is_restored_with_its_keys_and_every_seal_holds(workspace: Path) -> None:
    assert opened(workspace).records.verify() == []
    assert list(key_folder().glob("*.key"))
    assert (workspace / "seal.id").read_text().split()[0] == next(key_folder().glob("*.key")).stem


def test_it_says_what_it_said(workspace: Path) -> None:
    bench = opened(workspace)
    people = bench.people.known()
    sheet = {(row.day, row.employee_id): row.status for row in bench.attendance.sheets.between(FIRST, LAST, people)}
    assert set(sheet) == {(day, who) for day in (FIRST, LAST) for who in ("E1", "E2")}
    assert sheet[FIRST, "E2"] == "excused"
    assert [row.row.kind for row in bench.incidents.incidents(FIRST, LAST)] == ["unknown", "tailgating"]
    assert sorted(bench.gallery.current().people) == ["E1", "E2"]
    assert len(bench.strangers.current()) == 1
    assert [row.action for row in bench.audit.read()][-1] == "look"
    assert {bench.records.vault.read(path)[:2] for path in bench.records.pictures()} == {b"\xff\xd8"}


def test_work_goes_on_and_attacks_are_found(workspace: Path) -> None:
    bench = opened(workspace)
    punch(bench, "E1", at(26, 8), track="run-26")
    assert opened(workspace).records.verify() == []
    next(bench.records.pictures()).unlink()
    path = workspace / "log" / f"attendance-{FIRST}.csv"
    path.write_bytes(path.read_bytes().replace(b"T09:00", b"T08:00", 1))
    found = {each.file.partition("/")[0] for each in opened(workspace).records.verify() if not each.harmless}
    assert found == {"images", path.name}
