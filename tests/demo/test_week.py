"""A working week on real faces, judged from the files that it leaves behind."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from command import Answer, muster

pytestmark = [pytest.mark.models, pytest.mark.slow]

DAYS = [f"2026-03-{day:02d}" for day in range(2, 7)]  # Monday to Friday


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("week") / "workspace"


@pytest.fixture(scope="module")
def answer(workspace: Path) -> Answer:
    return muster("demo", "--week", "--workspace", workspace, "--start", DAYS[2], "--json", timeout_s=900)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def _sheet(workspace: Path, day: int) -> dict[str, dict[str, str]]:
    return {row["employee_id"]: row for row in _rows(workspace / "attendance" / f"{DAYS[day]}.csv")}


def test_everything_expected_is_found_and_nothing_else(answer: Answer) -> None:
    result: dict[str, Any] = json.loads(answer.out)
    assert answer.code == 0, (answer.err, result["scores"], result["faults"])
    assert {score["what"]: (score["precision"], score["recall"]) for score in result["scores"]} == {
        "passages": (1, 1),
        "statuses in the sheet": (1, 1),
        "incidents": (1, 1),
        "dossiers of strangers": (1, 1),
    }


def test_the_sheets_on_disk_say_who_was_late_early_away_or_not_to_be_told(answer: Answer, workspace: Path) -> None:
    assert answer.code == 0
    monday, tuesday, wednesday, thursday, friday = (_sheet(workspace, day) for day in range(5))
    assert {row["status"] for row in monday.values()} == {"on time"}
    ben = tuesday["ben_afflek"]
    assert (ben["first_in"][:5], ben["status"], ben["late_min"]) == ("09:21", "late", "21")
    # 09:21:00 to 17:05:00 less the planned half hour
    assert abs(float(ben["hours"]) - (7 + 44 / 60 - 0.5)) < 0.01
    elton = tuesday["elton_john"]
    assert (elton["last_out"][:5], elton["status"], elton["early_min"]) == (
        "15:58",
        "left early",
        "61",
    )  # in view a moment later
    jerry = wednesday["jerry_seinfeld"]
    assert (jerry["status"], jerry["hours"], jerry["covered_pct"]) == ("absent", "", "100")
    assert wednesday["elton_john"]["status"] == "missing out"
    assert thursday["elton_john"]["status"] == thursday["jerry_seinfeld"]["status"] == "not covered"
    assert "08:30–09:30" in thursday["jerry_seinfeld"]["note"]
    assert thursday["mindy_kaling"]["status"] == "on leave"
    assert friday["ben_afflek"]["status"] == "not identified"


def test_incidents_have_pictures_and_both_visits_of_the_stranger_are_one_dossier(
    answer: Answer, workspace: Path
) -> None:
    assert answer.code == 0
    kinds = {}
    for day in DAYS:
        path = workspace / "log" / f"incidents-{day}.csv"
        for row in _rows(path) if path.exists() else []:
            kinds.setdefault(row["kind"], []).append((day, row))
            if row["image"]:
                assert (workspace / row["image"]).is_file()
    assert sorted(kinds) == ["camera_back", "camera_lost", "presentation_attack", "tailgating", "unknown"]
    assert [(day, row["unknown_ids"]) for day, row in kinds["unknown"]] == [
        (DAYS[1], "unknown-1"),
        (DAYS[3], "unknown-1"),
    ]
    ((day, photo),) = kinds["presentation_attack"]
    assert (day, photo["employee_ids"], photo["severity"]) == (DAYS[4], "ben_afflek", "high")


def test_the_photo_gave_nobody_a_punch(answer: Answer, workspace: Path) -> None:
    assert answer.code == 0
    rows = [row for row in _rows(workspace / "log" / f"attendance-{DAYS[4]}.csv") if row["employee_id"] == "ben_afflek"]
    taken_back = {row["refers_to"] for row in rows if row["event"] == "retract"}
    assert {row["event_id"] for row in rows if row["event"] in {"punch", "seen"}} <= taken_back


def test_the_days_are_closed_and_a_changed_hour_is_named(answer: Answer, workspace: Path) -> None:
    assert answer.code == 0
    closed = {row["day"] for row in _rows(workspace / "log" / "seals.csv") if row["log"] == "attendance"}
    assert closed == set(DAYS)
    assert muster("verify", "--workspace", workspace).code == 0
    path = workspace / "log" / f"attendance-{DAYS[1]}.csv"
    content = path.read_bytes()
    line = next(number for number, row in enumerate(content.split(b"\n"), start=1) if b"T09:21:00" in row)
    path.write_bytes(content.replace(b"T09:21:00", b"T09:01:00"))
    try:
        found = muster("verify", "--workspace", workspace, "--json")
        assert found.code == 1
        (fault,) = json.loads(found.out)["findings"]
        assert (fault["file"], fault["line"], fault["what"]) == (path.name, line, "changed")
    finally:
        path.write_bytes(content)
