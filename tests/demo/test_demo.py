"""The demonstration from end to end, judged from the files it leaves behind."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from command import Answer, muster
from postgres import Server
from sites import Place, moved, told

from engine.demo import PASSES, truth
from engine.imaging import boxes_of, pictures_of, read_image
from engine.incidents import film_of
from engine.sources import VideoSource
from engine.storage.vault import read_file
from engine.tuning.replay import ChangeKind, Limits
from engine.workbench import Workbench

pytestmark = [pytest.mark.models, pytest.mark.slow]

START = datetime.fromisoformat("2026-03-02T08:55:00+00:00")
DAY = "2026-03-02"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "workspace"


@pytest.fixture(scope="module")
def answer(workspace: Path) -> Answer:
    return muster("demo", "--workspace", workspace, "--start", START.isoformat(), "--json", timeout_s=600)


def test_the_demo_passes_its_own_checks(answer: Answer) -> None:
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["passed"] is True


def test_everybody_expected_punched_once_at_the_right_time_and_nobody_else(answer: Answer, workspace: Path) -> None:
    rows = _rows(workspace / "log" / f"attendance-{DAY}.csv")
    assert list(rows[0])[:5] == ["event_id", "timestamp", "employee_id", "event", "camera"]
    punches = [row for row in rows if row["event"] == "punch"]
    firsts: dict[str, float] = {}
    for walk in PASSES:
        firsts.setdefault(walk.person, walk.start_s)
    del firsts["madonna"]
    assert Counter(row["employee_id"] for row in punches) == Counter(firsts.keys())
    for row in punches:
        seen = (datetime.fromisoformat(row["timestamp"]) - START) / timedelta(seconds=1)
        assert firsts[row["employee_id"]] <= seen <= firsts[row["employee_id"]] + 2.5
        assert int(row["agreeing_frames"]) >= 3
        assert float(row["similarity"]) >= float(row["threshold"])
        assert float(row["margin"]) >= 0.05
        assert read_image(workspace / row["evidence_image"]).shape[0] > 50
    assert not [row for row in rows if row["event"] == "retract"]


def test_people_who_linger_at_the_door_for_a_minute_have_come_and_not_gone(answer: Answer, workspace: Path) -> None:
    sheet = {row["employee_id"]: row for row in _rows(workspace / "attendance" / f"{DAY}.csv")}
    assert list(next(iter(sheet.values())))[:6] == ["employee_id", "name", "date", "first_in", "last_out", "hours"]
    assert {row["last_out"] for row in sheet.values()} == {""}
    assert sheet["ben_afflek"]["first_in"] > ""
    assert sheet["jerry_seinfeld"]["name"] == "Jerry Seinfeld"


def test_the_stranger_is_one_person_with_two_episodes(answer: Answer, workspace: Path) -> None:
    unknown = [row for row in _rows(workspace / "log" / f"incidents-{DAY}.csv") if row["kind"] == "unknown"]
    assert len(unknown) == 2
    assert len({row["unknown_ids"] for row in unknown}) == 1
    assert all(row["image"].startswith("images/unknown/") for row in unknown)
    assert all((workspace / row["image"]).exists() for row in unknown)


def test_each_tailgating_episode_is_told_once_with_four_pictures(answer: Answer, workspace: Path) -> None:
    rows = [row for row in _rows(workspace / "log" / f"incidents-{DAY}.csv") if row["kind"] == "tailgating"]
    assert [row["classification"] for row in rows] == ["known+known", "known+unknown"]
    assert rows[0]["employee_ids"] == "jerry_seinfeld;mindy_kaling"
    assert rows[1]["employee_ids"] == "elton_john"
    for row in rows:
        clean, annotated = read_image(workspace / row["clean_image"]), read_image(workspace / row["image"])
        assert clean.shape == annotated.shape == (720, 1280, 3)
        assert np.abs(clean.astype(int) - annotated).max() > 100  # something is drawn on one of them
        for column in ("before_image", "after_image"):
            other = read_image(workspace / row[column])
            assert np.abs(clean.astype(int) - other).mean() > 0.5  # another moment


def test_each_alert_has_a_film_from_before_it_to_after_it_and_boxes_that_follow_the_faces(
    answer: Answer, workspace: Path
) -> None:
    bench = Workbench(workspace)
    alerts = bench.alerts.all()
    assert len(alerts) == 4
    detector, fps = bench.reader.detector, VideoSource(workspace / "demo" / "entrance.mp4", "door", start=START).fps
    for alert in alerts:
        path = bench.records.inside(film_of(alert.row))
        assert path is not None
        film = read_file(path)
        told = boxes_of(film)
        pictures = list(pictures_of(film, 0.0))
        assert 9.0 <= len(pictures) / fps <= 11.0
        times = [at for at, faces in told["frames"] if faces]
        assert min(times) <= 4.5
        shown = 0
        for at, faces in told["frames"][::10]:
            image = pictures[min(len(pictures) - 1, round(fps * at))]
            found = detector.detect(image).boxes / np.array([*image.shape[1::-1], *image.shape[1::-1]], np.float32)
            for left, top, width, height, _ in faces:
                middle = (left + width / 2, top + height / 2)
                shown += any(x1 <= middle[0] <= x2 and y1 <= middle[1] <= y2 for x1, y1, x2, y2 in found)
        expected = sum(len(faces) for _, faces in told["frames"][::10])
        assert expected > 3
        assert shown >= 0.8 * expected, f"{shown} of {expected} boxes lie on a face"
        assert bench.records.picture_fault(film_of(alert.row)) == ""


def test_under_its_own_threshold_the_minute_replays_without_a_difference(answer: Answer, workspace: Path) -> None:
    bench = Workbench(workspace, clock=lambda: START + timedelta(hours=1))
    past = bench.replays.past(START.date())
    (threshold,) = {row["threshold"] for row in _rows(workspace / "log" / f"attendance-{DAY}.csv")}
    result = past.at(float(threshold))
    assert (result.changes, result.limits) == ((), Limits())
    (day,) = result.days
    assert (day.punches_then, day.punches_now, day.unknown_then, day.unknown_now) == (4, 4, 2, 2)
    assert result.tracks == day.tracks >= 8
    # so high that nobody is known: no punch is left, and each that is missing names its row and picture
    lost = [change for change in past.at(0.999).changes if change.kind is ChangeKind.LOST]
    punches = [row for row in _rows(workspace / "log" / f"attendance-{DAY}.csv") if row["event"] == "punch"]
    assert {change.event_id for change in lost} == {row["event_id"] for row in punches}
    assert all((workspace / change.picture).is_file() for change in lost)
    log = workspace / "log" / f"sightings-{DAY}.csv"
    assert max(len(line) for line in log.read_bytes().split(b"\n")) < 2048


def test_truth_and_videos_lie_beside_the_results(answer: Answer, workspace: Path) -> None:
    script = json.loads((workspace / "demo" / "truth.json").read_text(encoding="utf-8"))
    assert script == json.loads(json.dumps(truth()))
    source = VideoSource(workspace / "demo" / "entrance-annotated.mp4", "x", start=START, fast=True)
    assert abs(source.frame_count / source.fps - script["duration_s"]) < 1
    source.close()


def test_watch_on_the_demo_video_tells_its_counts(answer: Answer, workspace: Path) -> None:
    again = muster(
        "watch",
        "--source",
        workspace / "demo" / "entrance.mp4",
        "--camera",
        "entrance",
        "--fast",
        "--workspace",
        workspace,
        "--start",
        (START + timedelta(days=1)).isoformat(),
        "--json",
    )
    assert again.code == 0, again.err
    result = json.loads(again.out)
    assert result["punches"] == 4
    assert result["incidents"] == {"unknown": 2, "tailgating": 2}
    assert result["frames"] > 700
    assert {"detection", "embedding", "tracking", "writing"} <= set(result["stage_ms"])
    unknown = [row for row in _rows(workspace / "log" / "incidents-2026-03-03.csv") if row["kind"] == "unknown"]
    first = [row for row in _rows(workspace / "log" / f"incidents-{DAY}.csv") if row["kind"] == "unknown"]
    assert {row["unknown_ids"] for row in unknown} == {row["unknown_ids"] for row in first}  # known again the next day


def test_a_recorder_that_may_only_append_finds_the_same_on_a_database(
    answer: Answer, workspace: Path, postgres: Server, tmp_path: Path
) -> None:
    there, place = Workbench(workspace), Place(postgres, tmp_path)
    office, gate = moved(there, place, place.login("recorder", "main"))
    source = VideoSource(workspace / "demo" / "entrance.mp4", "entrance", start=START, fast=True)
    gate.pipeline("entrance").run(source)
    day = START.date()
    assert office.attendance.sheets.on(day, office.people.known()) == there.attendance.sheets.on(
        day, there.people.known()
    )
    assert told(office, day) == told(there, day)
    assert office.attendance.keeper.follow(START, office.people.known()) == [day]
    sheet = Path("attendance") / f"{day}.csv"
    assert (office.workspace / sheet).read_bytes() == (workspace / sheet).read_bytes()
    assert [row for row in _rows(workspace / sheet) if row["first_in"]]
    assert office.records.verify() == []
    assert not (gate.workspace / "attendance").exists()
    for bench in (office, gate):
        bench.store.close()


def test_the_demo_leaves_other_workspaces_alone(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("employee_id,name\nE1,Ada\n", encoding="utf-8")
    refused = muster("demo", "--workspace", tmp_path)
    assert refused.code == 4
    assert len(refused.error_lines) == 1
    assert (tmp_path / "people.csv").read_text(encoding="utf-8") == "employee_id,name\nE1,Ada\n"
