"""The incident log and its pictures: a row never names a picture that is not there, and no picture is without its row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from fakes import T0, at
from numpy.testing import assert_allclose
from PIL import Image

from engine.errors import StorageError
from engine.incidents import INCIDENTS, IncidentBook, film_of, over
from engine.types import Event, EventKind, Identity, TailgatingClass, TrackState

DAY = date(2026, 11, 23)
UNKNOWN = Event(
    EventKind.UNKNOWN,
    T0,
    "door",
    (1,),
    (),
    ("unknown-1",),
    Identity(TrackState.UNKNOWN, similarity=0.25, threshold=0.5),
    until=at(2),
)
TAILGATING = Event(
    EventKind.TAILGATING,
    T0,
    "door",
    (1, 2),
    ("E1", "E2"),
    ("unknown-1",),
    classification=TailgatingClass.KNOWN_UNKNOWN,
    people=3,
    detail="3 people together",
)
COLUMNS = ("image", "clean_image", "before_image", "after_image")


def picture(value: int = 120) -> np.ndarray:
    return np.full((30, 40, 3), value, np.uint8)


@pytest.fixture
def book(tmp_path: Path) -> IncidentBook:
    return IncidentBook(tmp_path, ZoneInfo("UTC"))


def files(workspace: Path) -> list[Path]:
    return sorted(path for path in (workspace / "images").rglob("*") if path.is_file())


def test_the_file_begins_with_its_header(book: IncidentBook) -> None:
    book.record(UNKNOWN, {"image": picture()})
    header = book.log.raw.shelf.path(DAY).read_text(encoding="utf-8").splitlines()[0]
    assert header.startswith("incident_id,timestamp,kind,camera,employee_ids,unknown_ids,image")
    assert header.split(",") == [*INCIDENTS.columns]


def test_an_unknown_person_is_a_row_with_a_jpeg_under_images_unknown(book: IncidentBook, tmp_path: Path) -> None:
    book.record(UNKNOWN, {"image": picture()}, model="model-1", gallery_version=7)
    (row,) = book.log.raw.read(DAY)
    assert (row["kind"], row["camera"], row["unknown_ids"], row["employee_ids"]) == ("unknown", "door", "unknown-1", "")
    assert (row["similarity"], row["threshold"], row["model"], row["gallery_version"]) == (
        "0.25",
        "0.5",
        "model-1",
        "7",
    )
    assert (row["state"], row["author"]) == ("open", "engine")
    assert datetime.fromisoformat(row["timestamp"]) == T0
    assert datetime.fromisoformat(row["ended"]) == at(2)
    path = tmp_path / row["image"]
    assert path.parent == tmp_path / "images" / "unknown"
    with Image.open(path) as stored:
        assert stored.format == "JPEG"
        assert_allclose(np.asarray(stored.convert("RGB"), int), picture().astype(int), atol=2)


def test_tailgating_is_a_row_with_four_jpegs_under_images_tailgating(book: IncidentBook, tmp_path: Path) -> None:
    book.record(TAILGATING, {column: picture(60 * index) for index, column in enumerate(COLUMNS)})
    (row,) = book.log.raw.read(DAY)
    assert (row["employee_ids"], row["unknown_ids"], row["people"]) == ("E1;E2", "unknown-1", "3")
    assert (row["classification"], row["detail"]) == ("known+unknown", "3 people together")
    assert sorted(tmp_path / row[column] for column in COLUMNS) == files(tmp_path)
    for index, column in enumerate(COLUMNS):
        path = tmp_path / row[column]
        assert path.parent == tmp_path / "images" / "tailgating"
        with Image.open(path) as stored:
            assert stored.format == "JPEG"
            assert np.asarray(stored).mean() == pytest.approx(60 * index, abs=2)


def test_every_incident_has_an_id_and_pictures_of_its_own(book: IncidentBook, tmp_path: Path) -> None:
    rows = [book.record(UNKNOWN, {"image": picture()}) for _ in range(5)]
    assert len({row.incident_id for row in rows if row}) == 5
    assert len(files(tmp_path)) == 5
    assert [row["incident_id"] for row in book.log.raw.read(DAY)] == [row.incident_id for row in rows if row]


@pytest.mark.parametrize("kind", [EventKind.CAMERA_LOST, EventKind.CAMERA_BACK])
def test_a_camera_that_is_lost_or_back_is_a_row_without_pictures(
    book: IncidentBook, tmp_path: Path, kind: EventKind
) -> None:
    book.record(Event(kind, T0, "door", detail="no picture any more"), {})
    (row,) = book.log.raw.read(DAY)
    assert (row["kind"], row["camera"], row["state"], row["detail"]) == (kind.value, "door", "", "no picture any more")
    assert all(row[column] == "" for column in COLUMNS)
    assert not (tmp_path / "images").exists()


def said(book: IncidentBook, *events: tuple[str, float]) -> list[str | None]:
    """Record that a camera was lost or is back, in seconds; the kinds of rows that became incidents."""
    rows = (
        book.record(Event(EventKind(f"camera_{kind}"), at(second), "door", detail="cable"), {})
        for kind, second in events
    )
    return [row.kind.value.removeprefix("camera_") if row else None for row in rows]


def test_a_camera_that_comes_and_goes_is_one_incident_with_a_count_also_after_a_restart(
    book: IncidentBook, tmp_path: Path
) -> None:
    coming = [event for number in range(10) for event in (("lost", 10 * number), ("back", 10 * number + 4))]
    assert said(book, *coming[:10]) == ["lost", "back", *[None] * 8]
    assert said(IncidentBook(tmp_path, ZoneInfo("UTC")), *coming[10:]) == [None] * 10
    incidents = book.incidents(DAY, DAY)
    assert [each.row.kind for each in incidents] == ["camera_lost", "camera_back"]
    assert incidents[0].note.startswith("lost 10 times since ")
    assert over(incidents[0])
    other = Event(EventKind.CAMERA_LOST, at(95), "yard")
    assert book.record(other, {}) is not None  # each camera has its own


def test_a_camera_that_stays_away_after_it_came_and_went_is_told_anew(book: IncidentBook) -> None:
    assert said(book, ("lost", 0), ("back", 5), ("lost", 100)) == ["lost", "back", None]
    assert not over(book.incidents(DAY, DAY)[0])
    assert said(book, ("lost", 160), ("lost", 170), ("back", 400)) == ["lost", None, "back"]


def test_a_loss_long_after_the_last_one_is_an_incident_of_its_own(book: IncidentBook) -> None:
    assert said(book, ("lost", 0), ("back", 5), ("lost", 700), ("back", 705)) == ["lost", "back", "lost", "back"]
    hours = [event for number in range(15) for event in (("lost", 705 + 300 * number), ("back", 710 + 300 * number))]
    assert said(book, *hours).count("lost") == 1  # at most one an hour


def test_when_the_row_cannot_be_written_no_picture_is_left(book: IncidentBook, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("in the way")
    with pytest.raises(StorageError, match="log"):
        book.record(TAILGATING, {column: picture() for column in COLUMNS})
    assert files(tmp_path) == []


def test_when_a_picture_cannot_be_written_there_is_no_row_and_no_other_picture(
    book: IncidentBook, tmp_path: Path
) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "unknown").write_text("in the way")
    with pytest.raises(StorageError, match="unknown"):
        book.record(UNKNOWN, {"image": picture()})
    assert book.log.raw.read(DAY) == []
    broken = np.zeros((4, 4, 3), np.float64)  # no picture: encoding it fails after the first one was written
    with pytest.raises(TypeError):
        book.record(TAILGATING, {"image": picture(), "clean_image": broken})
    assert files(tmp_path) == [tmp_path / "images" / "unknown"]
    assert book.log.raw.read(DAY) == []


@pytest.mark.parametrize(
    ("zone", "day"), [("Pacific/Kiritimati", date(2026, 11, 24)), ("Pacific/Pago_Pago", date(2026, 11, 22))]
)
def test_the_day_is_the_workplaces(tmp_path: Path, zone: str, day: date) -> None:
    book = IncidentBook(tmp_path, ZoneInfo(zone))
    moment = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)  # 00:30 the day after at UTC+14, 23:30 the day before at UTC-11
    book.record(Event(EventKind.CAMERA_LOST, moment, "door"), {})
    assert book.log.days() == [day]
    (row,) = book.log.raw.read(day)
    assert datetime.fromisoformat(row["timestamp"]) == moment


def test_texts_of_an_incident_are_no_formulas(book: IncidentBook) -> None:
    book.record(Event(EventKind.CAMERA_LOST, T0, "=cmd()", detail="+1\nx"), {})
    raw = book.log.raw.shelf.path(DAY).read_text(encoding="utf-8").splitlines()
    assert len(raw) == 2
    assert ",'=cmd()," in raw[1]
    assert book.log.raw.read(DAY)[0]["camera"] == "=cmd()"


def test_films_keep_to_their_room_and_the_oldest_go_first(tmp_path: Path) -> None:
    book = IncidentBook(tmp_path, ZoneInfo("UTC"), film_bytes=250)
    rows = [book.record(replace(UNKNOWN, time=at(60 * number)), {}) for number in range(4)]
    for row in rows:
        assert row is not None
        book.keep_film(row, bytes(100))
    kept = [(tmp_path / film_of(row)).exists() for row in rows if row is not None]
    assert kept == [False, False, True, True]


def test_a_film_that_is_larger_than_all_the_room_is_kept_until_the_next(tmp_path: Path) -> None:
    book = IncidentBook(tmp_path, ZoneInfo("UTC"), film_bytes=50)
    first, second = (book.record(replace(UNKNOWN, time=at(60 * number)), {}) for number in range(2))
    assert first is not None
    assert second is not None
    book.keep_film(first, bytes(100))
    assert (tmp_path / film_of(first)).exists()
    book.keep_film(second, bytes(100))
    assert not (tmp_path / film_of(first)).exists()


def test_without_room_there_are_no_films(tmp_path: Path) -> None:
    assert not IncidentBook(tmp_path, ZoneInfo("UTC")).films
