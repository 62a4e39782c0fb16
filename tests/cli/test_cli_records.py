"""The commands of HR and security, on a workspace of yesterday: `report` to `forget`, as they are typed."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from command import Answer, muster
from paperwork import Clock, enrol, face, picture, punch, stranger, tailgating

from engine.cli import main
from engine.config import Config
from engine.face_reader import FaceReader
from engine.imaging import crop_around, read_image, write_jpeg
from engine.models import ModelStore
from engine.storage.logs import key_folder
from engine.workbench import Workbench

NOW = datetime.now(UTC)
NINE = (NOW - timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
DAY = NINE.date().isoformat()
SETTINGS = "[retention]\nunknown_images = 5\n[matching]\nthreshold = 0.5\n[attendance]\nfour_eyes = true\n"
Run = Callable[..., Answer]


def yesterday(hours: float = 0.0) -> datetime:
    return NINE + timedelta(hours=hours)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Three people yesterday, a stranger twice and another one once."""
    folder = tmp_path / "w"
    folder.mkdir()
    (folder / "muster.toml").write_text(SETTINGS)
    workbench = Workbench(folder, clock=Clock(yesterday(10)))
    for number, name in enumerate(("Ada Lovelace", "Ben Bär [b]", "Cem Çelik"), start=1):
        enrol(workbench, f"E{number}", name, face(*[0] * number, 1))
    punch(workbench, "E1", yesterday(), track="run-1")
    punch(workbench, "E1", yesterday(8), track="run-2")
    punch(workbench, "E2", yesterday(1), track="run-3")
    for number, (hours, row) in enumerate([(-48, face(1)), (0.5, face(1)), (2, face(1, 9))]):
        stranger(workbench, row, yesterday(hours), track=f"run-1{number}", camera=f"gate {number}")
    tailgating(workbench, yesterday(3), ["E1", "E2"])
    old = stranger(workbench, face(1), yesterday(-24 * 9), track="run-20", image=picture())
    assert (folder / old.image).exists()
    return folder


@pytest.fixture
def run(workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in this process, to the workspace: as `muster` runs it, without starting Python anew."""
    monkeypatch.setenv("MUSTER_WORKSPACE", str(workspace))
    monkeypatch.setenv("MUSTER_AUTHOR", "Sam")

    def call(*arguments: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["muster", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Answer(ended.value.code, told.out, told.err)

    return call


def parsed(answer: Answer) -> Any:
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def refused(answer: Answer, code: int, *words: str) -> None:
    assert answer.code == code, (answer.code, answer.out, answer.err)
    (line,) = answer.error_lines
    assert "→" in line, "an error names the next step"
    assert "Traceback" not in answer.err + answer.out
    for word in words:
        assert word in line


# ----------------------------------------------------------------------------------------- verify


def test_a_flipped_byte_is_named_and_the_command_fails(workspace: Path) -> None:
    whole = muster("verify", "--close", "--workspace", workspace)
    assert (whole.code, whole.err) == (0, "")
    assert "No row and no sealed file was changed" in whole.out
    log = workspace / "log" / f"attendance-{DAY}.csv"
    event_id = log.read_text(encoding="utf-8").splitlines()[2].partition(",")[0]
    log.write_bytes(log.read_bytes().replace(b"T17:00:00", b"T16:00:00", 1))
    answer = muster("verify", "--workspace", workspace)
    refused(answer, 1, "1 fault ", "backup")
    assert all(word in answer.out for word in (log.name, event_id, "was changed"))


def test_verification_as_json(workspace: Path, run: Run) -> None:
    before = parsed(run("verify", "--json"))
    assert (before["ok"], before["findings"], before["closed_days"], before["closed_now"]) == (True, [], {}, [])
    closed = parsed(run("verify", "--close", "--json"))
    assert f"incidents {DAY}" in closed["closed_days"]
    log = workspace / "log" / f"incidents-{DAY}.csv"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-1]))
    answer = run("verify", "--json")
    assert (answer.code, answer.err) == (1, "")
    (finding,) = json.loads(answer.out)["findings"]
    assert (finding["file"], finding["what"]) == (log.name, "removed")


def test_heads_kept_elsewhere_tell_what_was_deleted_since(workspace: Path, run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "heads.csv"
    assert run("heads", "--out", str(kept)).code == 0
    with kept.open(newline="") as handle:
        rows = {row["chain"]: row for row in csv.DictReader(handle)}
    assert rows[f"attendance-{DAY}"]["rows"] == "3"
    assert run("heads").out == kept.read_text()
    assert run("verify", "--against", str(kept)).code == 0
    shutil.rmtree(workspace / "log")
    witnesses = Workbench(workspace).records.sealer.witnesses
    assert witnesses is not None
    shutil.rmtree(witnesses)
    assert run("verify").code == 0  # whoever can write everywhere deletes without a trace on this machine
    answer = run("verify", "--against", str(kept))
    refused(answer, 1, "faults ", "backup")
    assert f"attendance-{DAY}.csv" in answer.out
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    refused(run("verify", "--against", str(tmp_path / "notes.csv")), 4, "no heads can be read", "muster heads --out")


def test_what_cannot_be_verified_is_refused(workspace: Path, run: Run, tmp_path: Path) -> None:
    refused(run("verify", "--workspace", tmp_path / "typo"), 4, "there is no workspace", "--workspace")
    assert not (tmp_path / "typo").exists()
    key = key_folder() / f"{(workspace / 'seal.id').read_text().strip()}.key"
    key.unlink()
    refused(run("verify"), 9, f"{key} is gone", "backup")
    assert not key.exists()


# ----------------------------------------------------------------------------------------- incidents


def test_incidents_are_listed_and_reviewed(run: Run) -> None:
    found = parsed(run("incidents", "--json"))
    assert [row["kind"] for row in found].count("unknown") == 4
    assert [row["timestamp"] for row in found][-1] == min(row["timestamp"] for row in found)
    (group,) = parsed(run("incidents", "--kind", "tailgating", "--state", "open", "--since", DAY, "--json"))
    assert group["employee_ids"] == "E1;E2"
    done = run(
        "review",
        group["incident_id"],
        "--state",
        "resolved",
        "--note",
        "Ada Lovelace  let him in",
        "--assignee",
        "Ada Lovelace",
    )
    assert (done.code, done.out) == (0, f"{group['incident_id']} is resolved.\n")
    (group,) = parsed(run("incidents", "--state", "resolved", "--json"))
    (review,) = group["reviews"]
    assert (review["detail"], review["assignee"], review["author"]) == ("E1 let him in", "E1", "Sam")
    assert "resolved" in run("incidents").out
    assert run("incidents", "--state", "false alarm").out == "No such incidents.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("review", "none", "--state", "resolved"), ("no incident 'none'", "muster incidents")),
        (("review", "none", "--state", "gone"), ("'gone'", "false alarm")),
        (("incidents", "--state", "gone"), ("'gone'", "noted")),
        (("incidents", "--kind", "theft"), ("'theft'", "tailgating")),
        (("incidents", "--since", "soon"), ("'soon'", "2026-11-22")),
        (("not-this", "none"), ("no punch 'none'", "muster report --json")),
        (("dossier", "merge", "unknown-1", "--into", "unknown-77"), ("unknown-77", "muster dossier list")),
        (("dossier", "split", "unknown-1", "--incident", "none"), ("has no incident none", "muster dossier list")),
        (("dossier", "name", "unknown-1", "--id", "E77"), ("E77", "muster enrol")),
        (("dossier", "watch", "[/nobody]"), ("[/nobody]", "muster dossier list")),
        (("report", "--day", "0001-01-01"), ("0001-01-01", "2026-11-22")),
        (("report", "--month", "2026-13"), ("2026-13", "2026-11")),
        (("report", "--month", "0001-01"), ("0001-01", "2026-11")),
        (("correct", "E1", "--day", DAY, "--in", "25:00", "--reason", "r"), ("25:00", "08:57")),
        (("correct", "E1", "--day", DAY, "--in", "08:00"), ("reason is empty",)),
        (("correct", "E1", "--day", DAY), ("one correction", "--approve")),
        (("correct", "E77", "--day", DAY, "--status", "sick", "--reason", "r"), ("E77", "muster people")),
        (("forget", "E77", "--yes"), ("E77", "muster people")),
        pytest.param(
            ("export-subject", "E77", "--out", "x.zip"),
            ("E77", "muster people"),
            marks=pytest.mark.models,
            id="export-subject",
        ),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_what_makes_no_sense_is_one_line_with_the_next_step(
    run: Run, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    refused(run(*arguments), 4, *words)


def test_strangers_are_listed_merged_split_watched_and_ignored(run: Run) -> None:
    def listed() -> dict[str, dict[str, Any]]:
        return {row["unknown_id"]: row for row in parsed(run("dossier", "list", "--json"))["dossiers"]}

    first = listed()
    assert {key: row["summary"] for key, row in first.items()} == {
        "unknown-1": "seen 3 times on 3 days",
        "unknown-2": "seen 1 time on 1 day",
    }
    assert run("dossier", "merge", "unknown-2", "--into", "unknown-1", "--reason", "same coat").code == 0
    assert list(listed()) == ["unknown-1"]
    split = run("dossier", "split", "unknown-1", "--incident", first["unknown-2"]["incidents"][0])
    assert "unknown-3" in split.out
    assert run("dossier", "watch", "unknown-3", "--reason", "thief").code == 0
    assert run("dossier", "watch", "E2", "--reason", "badge lost").code == 0
    assert run("dossier", "ignore", "unknown-1", "--reason", "postman").code == 0
    now = listed()
    assert (now["unknown-3"]["watched"], now["unknown-1"]["ignored"]) == (True, True)
    assert run("dossier", "watch", "unknown-3", "--off").code == 0
    assert run("dossier", "ignore", "unknown-1", "--off").code == 0
    assert run("dossier", "name", "unknown-1", "--id", "E3").code == 0
    now = listed()
    assert (now["unknown-3"]["watched"], now["unknown-1"]["ignored"], now["unknown-1"]["employee_id"]) == (
        False,
        False,
        "E3",
    )
    assert all(word in run("dossier", "list").out for word in ("unknown-1", "unknown-3", "gate 2"))
    assert parsed(run("verify", "--json"))["ok"]


# ----------------------------------------------------------------------------------------- attendance


def test_a_day_is_reported_corrected_and_approved(run: Run) -> None:
    rows = {row["employee_id"]: row for row in parsed(run("report", "--day", DAY, "--json"))}
    assert (rows["E1"]["first_in"], rows["E1"]["last_out"], rows["E1"]["hours"]) == ("09:00:00", "17:00:00", "8.00")
    assert [row["event"] for row in rows["E1"]["passages"]] == ["punch", "punch"]
    late = rows["E1"]["passages"][1]["event_id"]
    gone = parsed(
        run("correct", "E1", "--day", DAY, "--remove", late, "--reason", "Ben Bär [b] took the badge", "--json")
    )
    assert gone["sheet"][0]["recorded_last_out"] == "17:00:00"
    (held,) = gone["sheet"]
    assert (held["last_out"], held["pending_last_out"], held["pending_status"]) == ("17:00:00", "", "missing out")
    text = run("correct", "E1", "--day", DAY, "--out", "16:30", "--reason", "gate broken")
    assert "16:30" in text.out
    assert "It counts once somebody else approves it: muster correct E1" in text.out
    refused(run("correct", "E1", "--day", DAY, "--approve"), 4, "Sam made the correction")
    assert run("correct", "E1", "--day", DAY, "--approve", "--author", "Kim").code == 0
    found = parsed(run("corrections", "--day", DAY, "--json"))
    assert [(row["action"], row["author"]) for row in found] == [("remove", "Sam"), ("add", "Sam"), ("approve", "Kim")]
    assert found[0]["reason"] == "E2 took the badge"
    assert "gate broken" in run("corrections", "--month", DAY[:7]).out
    (row,) = parsed(run("report", "--day", DAY, "--id", "E1", "--json"))
    assert (row["last_out"], row["hours"], row["approved_by"]) == ("16:30:00", "7.50", "Kim")


def test_reports_are_written_as_excel_page_and_sums(run: Run, tmp_path: Path) -> None:
    book, page = tmp_path / "out" / "month.xlsx", tmp_path / "out" / "month.html"
    both = run("report", "--day", DAY, "--xlsx", book, "--html", page)
    assert (both.code, both.out.count("2 rows written")) == (0, 2)
    cells = [
        cell for sheet in openpyxl.load_workbook(book) for row in sheet.iter_rows(values_only=True) for cell in row
    ]
    assert {"Ada Lovelace", "Ben Bär [b]"} <= set(cells)
    assert "Ada Lovelace" in page.read_text(encoding="utf-8")
    sums = list(csv.DictReader(io.StringIO(run("report", "--day", DAY, "--summary", "--csv").out)))
    assert {row["employee_id"]: float(row["hours"] or 0) for row in sums} == {"E1": 8.0, "E2": 0.0}
    assert "Ben Bär [b]" in run("report", "--day", DAY, "--summary").out
    assert run("report", "--day", "1999-01-01").out.startswith("Nobody was seen or expected: 1999-01-01")


def test_a_payroll_period_is_one_span_and_one_sum(run: Run, tmp_path: Path) -> None:
    """From the 16th to the 15th, or whichever days yesterday lies between: one row per person, not one per month."""
    first, last = (date.fromisoformat(DAY) + timedelta(days=days) for days in (-40, 1))
    first = first.replace(day=16)
    span = ("--from", first.isoformat(), "--until", last.isoformat())
    sums = list(csv.DictReader(io.StringIO(run("report", *span, "--summary", "--csv").out)))
    assert [(row["employee_id"], row["month"], float(row["hours"])) for row in sums] == [
        ("E1", f"{first}/{last}", 8.0),
        ("E2", f"{first}/{last}", 0.0),
    ]
    book = tmp_path / "period.xlsx"
    assert run("report", *span, "--xlsx", book).code == 0
    (header, ann, _) = openpyxl.load_workbook(book)["Summary"].iter_rows(values_only=True)
    assert ann[header.index("Month")] == f"{first}/{last}"
    assert f"{first} to {last}" in run("report", *span).out
    assert parsed(run("corrections", *span, "--json")) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--from", "2026-10-16"), "belong together"),
        (("--until", "2026-10-16"), "belong together"),
        (("--from", "2026-10-16", "--until", "2026-10-15"), "2026-10-15 is before 2026-10-16"),
        (("--from", "2026-10-16", "--until", "2026-11-15", "--month", "2026-10"), "exclude each other"),
        (("--day", "2026-10-16", "--month", "2026-10"), "exclude each other"),
        (("--from", "16.10.2026", "--until", "2026-11-15"), "is not a day"),
    ],
)
def test_days_that_do_not_go_together_are_refused(run: Run, options: tuple[str, ...], said: str) -> None:
    refused(run("report", *options), 4, said)


def test_who_is_inside_now(workspace: Path, run: Run, tmp_path: Path) -> None:
    workbench = Workbench(workspace)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    punch(workbench, "E3", max(midnight, datetime.now(UTC) - timedelta(minutes=1)), track="run-30")
    found = parsed(run("inside", "--json"))
    assert [(row["employee_id"], row["state"]) for row in found["inside"]] == [("E3", "unsure")]
    assert run("inside", "--html", tmp_path / "list.html").out.startswith("1 person ")
    assert "Cem Çelik" in (tmp_path / "list.html").read_text(encoding="utf-8")
    assert "Cem Çelik" in run("inside").out
    assert "E3" in run("inside", "--csv").out


# ----------------------------------------------------------------------------------------- purge, forget, export


def test_purging_counts_first_and_erases_when_told_to(workspace: Path, run: Run) -> None:
    pictures = list((workspace / "images" / "unknown").iterdir())
    dry = run("purge")
    assert (dry.code, "muster purge --apply" in dry.out) == (0, True)
    assert list((workspace / "images" / "unknown").iterdir()) == pictures
    done = {row["what"]: row["count"] for row in parsed(run("purge", "--apply", "--json"))["expired"]}
    assert done["unknown_images"] == len(pictures) == 1
    assert list((workspace / "images" / "unknown").iterdir()) == []
    assert "Sam" in (workspace / "log" / "audit.csv").read_text(encoding="utf-8")


@pytest.mark.models
def test_a_person_is_told_everything_corrected_for_a_false_match_and_then_forgotten(
    workspace: Path, run: Run, samples: Path, store: ModelStore, reader: FaceReader, tmp_path: Path
) -> None:
    (workspace / "gallery" / "people.safetensors").unlink()
    run("verify", "--accept", "gallery/people.safetensors", "--author", "sam", "--reason", "a new beginning")
    workbench = Workbench(workspace, Config.model_validate({}), models=store, clock=Clock(yesterday(10)))
    workbench.reader = reader
    workbench.registrar.enrol_photos(
        "E7", "Mindy Kaling", sorted((samples / "train" / "mindy_kaling").glob("*.jpg"))[:3]
    )
    image = read_image(samples / "val" / "ben_afflek" / "02.jpg")
    evidence = workspace / "images" / "evidence" / f"{yesterday():%Y%m%dT%H%M%S}-00000001.jpg"
    write_jpeg(evidence, crop_around(image, np.asarray(reader.photo(image).detections.boxes[0])))
    row = punch(workbench, "E7", yesterday(), track="run-40", image=evidence.relative_to(workspace).as_posix())

    assert "was taken back" in run("not-this", row.event_id, "--reason", "Mindy Kaling is taller").out
    refused(run("not-this", row.event_id), 4, "taken back before")
    told = parsed(run("export-subject", "E7", "--out", tmp_path / "mine.zip", "--json"))
    assert (told["templates"], told["attendance_rows"], told["pictures"]) == (3, 2, 4)
    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        assert "E7" in archive.read("READ ME.txt").decode()

    answer = muster("forget", "E7", "--yes", "--json", "--author", "Mindy Kaling", "--workspace", workspace)
    receipt = parsed(answer)
    assert (receipt["templates"], receipt["pictures"], receipt["author"]) == (3, 4, "E7")
    assert receipt["other_pictures_were_searched"] is True
    assert json.loads((workspace / receipt["receipt"]).read_text(encoding="utf-8"))["subject"] == "E7"
    held = [path for path in workspace.rglob("*") if path.is_file() and b"Kaling" in path.read_bytes()]
    assert held == []
    assert parsed(run("verify", "--json"))["ok"]
    refused(run("forget", "E7", "--yes"), 4, "nobody is known as E7")
