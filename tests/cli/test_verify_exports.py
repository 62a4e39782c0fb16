"""`muster verify FILE`: whether a file is what Muster exported, for each kind of file that leaves a workspace."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import Answer
from paperwork import Clock, enrol, face, punch, tailgating

from engine.cli import main
from engine.workbench import Workbench

DAY = "2026-11-24"
Run = Callable[..., Answer]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    bench = Workbench(tmp_path / "w", clock=Clock(datetime(2026, 11, 24, 18, tzinfo=UTC)))
    enrol(bench, "E1", "Ann Lee", face(1))
    punch(bench, "E1", datetime(2026, 11, 24, 9, tzinfo=UTC), track="1")
    tailgating(bench, datetime(2026, 11, 24, 10, tzinfo=UTC), ["E1"])
    return bench.workspace


@pytest.fixture
def run(workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("MUSTER_AUTHOR", "ann")

    def call(*arguments: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["muster", *map(str, arguments), "--workspace", str(workspace)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return Answer(code, *capsys.readouterr())

    return call


def written(run: Run, target: Path, *command: str) -> Path:
    """A table that a command printed, as a shell leads it into a file."""
    answer = run(*command)
    assert answer.code == 0, answer
    target.write_bytes(answer.out.encode())
    return target


def exports(run: Run, workspace: Path, folder: Path) -> list[Path]:
    """A file of each kind that commands export."""
    on = ("--day", DAY)
    made = [
        written(run, folder / "day.csv", "report", *on, "--csv"),
        written(run, folder / "one.csv", "report", *on, "--id", "E1", "--csv"),
        written(run, folder / "sums.csv", "report", *on, "--summary", "--csv"),
        written(run, folder / "inside.csv", "inside", "--csv"),
        written(run, folder / "punches.csv", "punches", "export", *on),
        written(run, folder / "attlog.dat", "punches", "export", *on, "--format", "attlog"),
    ]
    incident = Workbench(workspace).records.incident_rows()[0]
    for name, command in {
        "report.xlsx": ("report", *on, "--xlsx"),
        "report.html": ("report", *on, "--html"),
        "inside.html": ("inside", "--html"),
        "person.zip": ("export-subject", "E1", "--out"),
        "incident.zip": ("incidents", "--zip", incident.incident_id, "--out"),
    }.items():
        assert run(*command, folder / name).code == 0
        made.append(folder / name)
    return made


def test_each_kind_of_file_is_known_and_one_byte_less_is_not(workspace: Path, run: Run, tmp_path: Path) -> None:
    made = exports(run, workspace, tmp_path)
    answer = run("verify", *made)
    assert answer.code == 0, answer
    for path in made:
        assert f"{path}: as ann exported it on " in answer.out
    for path in made:
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    answer = run("verify", *made)
    assert answer.code == 1
    assert " exported it " not in answer.out
    assert answer.err.count("no export of this workspace has this content") == len(made)
    assert run("verify").code == 0  # that concerns the files, and not the workspace


def test_the_sheet_that_somebody_made_better_is_told_beside_the_right_one(run: Run, tmp_path: Path) -> None:
    sheet = written(run, tmp_path / "day.csv", "report", "--day", DAY, "--csv")
    better = tmp_path / "better.csv"
    rows = list(csv.reader(io.StringIO(sheet.read_bytes().decode(), newline="")))
    rows[1][rows[0].index("first_in")] = "07:00"
    with better.open("w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    answer = run("verify", sheet, better, "--json")
    found = json.loads(answer.out)
    assert answer.code == 1
    assert found["ok"] is False
    assert [row["author"] for row in found["files"][str(sheet)]["rows"]] == ["ann"]
    assert found["files"][str(better)]["rows"] == []


@pytest.mark.parametrize("forge", ["typed", "gone", "rolled back"])
def test_who_forges_the_audit_log_proves_nothing(workspace: Path, run: Run, tmp_path: Path, forge: str) -> None:
    log = workspace / "log" / "audit.csv"
    written(run, tmp_path / "first.csv", "inside", "--csv")
    before = log.read_bytes()
    sheet = written(run, tmp_path / "day.csv", "report", "--day", DAY, "--csv")
    if forge == "typed":  # the row of the true export says another hash
        forged = tmp_path / "forged.csv"
        forged.write_text("E1,Ann Lee,07:00\n")
        old, new = (hashlib.sha256(each.read_bytes()).hexdigest().encode() for each in (sheet, forged))
        log.write_bytes(log.read_bytes().replace(old, new))
        sheet = forged
    elif forge == "gone":
        log.unlink()
        shutil.rmtree(log.parent / ".heads")
    else:
        log.write_bytes(before)
    answer = run("verify", sheet)
    assert answer.code == 1
    assert "it proves nothing about these files" in answer.err


def test_without_the_key_nothing_is_proven(run: Run, workspace: Path, tmp_path: Path) -> None:
    sheet = written(run, tmp_path / "day.csv", "report", "--day", DAY, "--csv")
    Workbench(workspace).records.sealer.key_path.unlink()
    answer = run("verify", sheet)
    assert answer.code == 1
    assert "the key of the seals is gone" in answer.err


def test_what_cannot_be_looked_up_is_refused(run: Run, tmp_path: Path) -> None:
    answer = run("verify", tmp_path / "nowhere.csv")
    assert answer.code == 4
    assert "cannot be read" in answer.err
    answer = run("verify", tmp_path / "x.csv", "--close")
    assert answer.code == 4
    assert "looked up alone" in answer.err
