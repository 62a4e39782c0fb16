"""What there is, told without changing anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from fakes import T0, at
from log_builders import retraction
from paperwork import Clock, bench, enrol, face, picture, punch

from engine.attendance.coverage import Span
from engine.imaging import write_jpeg
from engine.masking import mask_address
from engine.operations.overview import CameraView, cameras, free_bytes, kept, last_punches, last_seen, versions
from engine.workbench import Workbench

CAMERAS = {
    "entrance": {"source": "rtsp://admin:s3cret@10.0.0.7:554/stream?token=abc", "direction": "in"},
    "yard": {"source": "1", "entrance": False},
}
OFFICE = {"office": {"start": "08:00", "end": "16:00", "days": "mon-fri"}}


def watched(
    workbench: Workbench, camera: str, begins: datetime, ends: datetime, why: str = "running", detail: str = ""
) -> None:
    book = workbench.attendance.plan.coverage
    assert book is not None
    book.record(Span(camera, begins, ends, why, detail))


def camera(workbench: Workbench, name: str) -> CameraView:
    return next(each for each in cameras(workbench) if each.name == name)


def files(workspace: Path) -> list[tuple[str, int]]:
    return sorted((path.name, path.stat().st_mtime_ns) for path in workspace.rglob("*") if path.is_file())


def test_versions_name_what_recognition_stands_on() -> None:
    found = versions()
    assert {"muster", "torch", "onnxruntime", "streamlit", "opencv-python-headless"} <= found.keys()
    assert all(found.values())


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("", ""),
        ("0", "0"),
        ("/dev/v4l/by-id/usb-cam@2", "/dev/v4l/by-id/usb-cam@2"),
        ("rtsp://10.0.0.7/stream", "rtsp://10.0.0.7/stream"),
        ("rtsp://admin:s3cret@10.0.0.7:554/a", "rtsp://•••@10.0.0.7:554/a"),
        ("rtsp://admin:s3@cr/et@10.0.0.7/a", "rtsp://•••@10.0.0.7/a"),
        ("http://cam/video?user=ann&password=s3cret", "http://cam/video?user=•••&password=•••"),
        ("admin:s3cret@cam/video", "•••@cam/video"),
    ],
)
def test_the_address_of_a_camera_tells_no_password(source: str, shown: str) -> None:
    assert mask_address(source) == shown


# --------------------------------------------------------------------------------------------- people


def test_who_was_seen_last_when(tmp_path: Path) -> None:
    workbench = bench(tmp_path)
    assert last_seen(workbench, ["E1"]) == {}
    for number, days in enumerate((40, 3, 0)):
        punch(workbench, "E1", T0 - timedelta(days=days), track=f"run-{number}")
    punch(workbench, "E2", T0 - timedelta(days=3), track="run-8")
    punch(workbench, "E3", T0, track="run-9", certain=False)
    found = last_seen(workbench, ["E1", "E2", "E3", "E4"])
    assert {key: str(row.timestamp.date()) for key, row in found.items()} == {"E1": "2026-11-23", "E2": "2026-11-20"}
    assert last_seen(workbench, ["E2"], days=1) == {}, "only so many days are looked at"


def test_last_punches_are_the_newest_and_those_that_hold(tmp_path: Path) -> None:
    workbench = bench(tmp_path)
    assert last_punches(workbench, "E1") == []
    for number in range(5):
        punch(workbench, "E1", T0 - timedelta(days=number), track=f"run-{number}")
    punch(workbench, "E2", T0, track="run-9")
    workbench.attendance.retract(retraction("E1", at(1), "door", "run-0", "somebody else"), {})
    found = last_punches(workbench, "E1", count=3)
    assert [str(row.timestamp.date()) for row in found] == ["2026-11-22", "2026-11-21", "2026-11-20"]


# --------------------------------------------------------------------------------------------- cameras


def test_without_cameras_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert cameras(bench(tmp_path)) == []


def test_a_camera_of_the_settings_is_told_before_it_ever_watched(tmp_path: Path) -> None:
    found = cameras(bench(tmp_path, cameras=CAMERAS))
    assert [each.name for each in found] == ["entrance", "yard"]
    assert (found[0].source, found[0].direction, found[0].entrance) == (
        "rtsp://•••@10.0.0.7:554/stream?token=•••",
        "in",
        True,
    )
    assert not any(each.watching or each.last for each in found)
    assert found[0].share == 0


@pytest.mark.parametrize(
    ("why", "minutes", "watching"),
    [("running", 1, True), ("running", 2, True), ("running", 5, False), ("lost", 1, False), ("stopped", 0, False)],
)
def test_a_camera_watches_while_its_last_row_is_fresh(tmp_path: Path, why: str, minutes: float, watching: bool) -> None:
    workbench = bench(tmp_path, Clock(at(60 * minutes)))
    watched(workbench, "door", T0 - timedelta(minutes=1), T0, why)
    found = camera(workbench, "door")
    assert found.watching == watching
    assert (found.last, found.why, found.configured) == (T0, why, False)


@pytest.mark.parametrize(
    ("rotate", "details", "advice"),
    [
        (0, ["grey=0/9", "rotate=180", "rotate=180 grey=0/3"], 180),
        (180, ["rotate=180", "", ""], None),  # it was followed
        (90, ["lost it rotate=180", "rotate=0", ""], 0),  # the latest counts
    ],
)
def test_a_turned_camera_is_told_until_the_setting_says_so(
    tmp_path: Path, rotate: int, details: list[str], advice: int | None
) -> None:
    workbench = bench(tmp_path, Clock(at(600)), cameras={"door": {"rotate": rotate}})
    for minute, detail in enumerate(details):
        watched(workbench, "door", at(60 * minute), at(60 * minute + 60), detail=detail)
    assert camera(workbench, "door").rotate == advice


def test_a_camera_is_no_longer_turned_when_a_later_day_says_nothing(tmp_path: Path) -> None:
    workbench = bench(tmp_path, Clock(at(600)))
    watched(workbench, "door", T0 - timedelta(days=1, minutes=1), T0 - timedelta(days=1), detail="rotate=180")
    assert camera(workbench, "door").rotate == 180
    watched(workbench, "door", T0, at(60))
    assert camera(workbench, "door").rotate is None


def test_the_share_of_grey_faces_is_that_of_all_days(tmp_path: Path) -> None:
    workbench = bench(tmp_path, Clock(at(600)))
    watched(workbench, "door", T0 - timedelta(days=1, minutes=1), T0 - timedelta(days=1), detail="grey=6/10")
    watched(workbench, "door", T0, at(60), detail="grey=0/20")
    watched(workbench, "yard", T0, at(60))
    assert camera(workbench, "door").grey == pytest.approx(0.2)
    assert camera(workbench, "yard").grey is None


def test_coverage_is_told_of_the_shifts_of_the_day_up_to_now(tmp_path: Path) -> None:
    now = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)  # a Monday; the shift with its lead began at 07:30
    workbench = bench(tmp_path, Clock(now), shifts=OFFICE, cameras=CAMERAS)
    watched(workbench, "entrance", now - timedelta(hours=5), now - timedelta(hours=2))
    watched(workbench, "entrance", now - timedelta(hours=1), now)
    today = camera(workbench, "entrance").today
    assert (today.begin, today.end, today.planned) == (now - timedelta(hours=5), now, True)
    assert today.share == pytest.approx(0.8)
    assert today.gaps == ((now - timedelta(hours=2), now - timedelta(hours=1)),)
    assert len(today.watched) == 2


def test_days_off_and_days_to_come_have_no_share(tmp_path: Path) -> None:
    early = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
    found = camera(bench(tmp_path, Clock(early), shifts=OFFICE, cameras=CAMERAS), "entrance")
    assert [day.day.weekday() for day in found.days] == [1, 2, 3, 4, 5, 6, 0]
    assert [day.share for day in found.days] == [0, 0, 0, 0, None, None, None]


def test_a_camera_beside_the_entrance_is_told_too_and_does_not_count_for_absence(tmp_path: Path) -> None:
    workbench = bench(tmp_path, Clock(at(3600)), cameras=CAMERAS)
    midnight = T0.replace(hour=0)
    watched(workbench, "yard", midnight, at(3600))
    assert camera(workbench, "yard").today.share == 1
    book = workbench.attendance.plan.coverage
    assert book is not None
    assert book.between(T0.date(), T0.date()).share(midnight, at(3600)) == 0, "the entrance itself was not watched"


def test_a_span_over_midnight_shows_on_both_days(tmp_path: Path) -> None:
    workbench = bench(tmp_path, Clock(at(0)))
    midnight = T0.replace(hour=0)
    watched(workbench, "door", midnight - timedelta(minutes=1), midnight + timedelta(minutes=1))
    assert [len(day.watched) for day in camera(workbench, "door").days[-2:]] == [1, 1]


# --------------------------------------------------------------------------------------------- what is kept


def counts(workbench: Workbench) -> dict[str, int]:
    return {row.what: row.files for row in kept(workbench) if row.files}


def test_an_empty_workspace_keeps_nothing(tmp_path: Path) -> None:
    workbench = bench(tmp_path / "none")
    assert counts(workbench) == {}
    assert free_bytes(workbench) > 0


def test_files_are_counted_by_class_with_how_long_they_are_kept(tmp_path: Path) -> None:
    workbench = bench(tmp_path, retention={"attendance": 400, "incidents": 100})
    enrol(workbench, "E1", "Ann", face(1, 0))
    punch(workbench, "E1", T0, track="run-1")
    for folder in ("enrolment", "evidence", "unknown", "unidentified", "watch_list"):
        write_jpeg(tmp_path / "images" / folder / "a.jpg", picture())
    workbench.audit.note("enrol", "E1", "", author="hr", now=T0)
    rows = {row.what: row for row in kept(workbench)}
    assert [rows[each].files >= 1 for each in ("templates", "attendance logs", "day sheets", "audit and seals")] == [
        True
    ] * 4
    assert (rows["evidence"].files, rows["unknown people"].files, rows["tailgating and attacks"].files) == (1, 2, 1)
    assert (rows["evidence"].days, rows["unknown people"].days) == (30, 30)
    assert (rows["attendance logs"].days, rows["incident logs"].days, rows["audit and seals"].days) == (400, 100, None)
    whole = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert sum(row.size for row in rows.values()) == whole


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "elsewhere.txt").write_text("much")
    (tmp_path / "w" / "link.txt").symlink_to(tmp_path / "elsewhere.txt")
    assert counts(bench(tmp_path / "w")) == {}


def test_looking_changes_nothing(tmp_path: Path) -> None:
    workbench = bench(tmp_path, cameras=CAMERAS)
    enrol(workbench, "E1", "Ann", face(1, 0))
    punch(workbench, "E1", T0, track="run-1")
    watched(workbench, "entrance", T0, at(60))
    before: Sequence[tuple[str, int]] = files(tmp_path)
    kept(workbench), cameras(workbench), last_seen(workbench, ["E1"]), last_punches(workbench, "E1")
    assert files(tmp_path) == before


def test_the_day_is_the_workplaces(tmp_path: Path) -> None:
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    workbench = bench(tmp_path, Clock(late), timezone="Europe/Berlin", cameras=CAMERAS)
    assert camera(workbench, "entrance").today.day == date(2026, 11, 24)
