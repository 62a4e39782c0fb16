"""What goes wrong around a run must not cost a punch, hide a stranger, or bring back what was erased."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from fakes import T0, ListSource, Scene, at, make_pipeline, make_track

from engine.attendance import PUNCH, AttendanceBook
from engine.config import Config, EventsConfig
from engine.errors import InputError, StorageError
from engine.events import EventMaker
from engine.gallery import Gallery, GalleryStore, Template
from engine.imaging import read_image, write_jpeg
from engine.incidents import IncidentBook
from engine.people import Person
from engine.pipeline.faces import Decisions
from engine.sources import FolderSource
from engine.storage.logs import FileLogs
from engine.tuning.identification import Recipe, identification
from engine.tuning.reading import LabelledPhotos
from engine.types import Event, EventKind, Frame, TailgatingClass
from engine.workbench import Workbench

CONFIG = EventsConfig(cool_down_s=300, episode_gap_s=20, door_window_s=2, min_presence_s=0.6, settle_s=4, context_s=1)
BLACK = np.zeros((60, 80, 3), np.uint8)


def _tailgating(
    maker: EventMaker, walks: list[tuple[int, float, float, str | None, str | None]], until_s: int
) -> list[Event]:
    """Tailgating events of (track, from, to, person, stranger) at ten frames a second."""
    found: list[Event] = []
    for step in range(until_s * 10):
        now = step / 10
        tracks = [
            make_track(
                track,
                begins,
                min(now, ends),
                person=person,
                stranger=stranger,
                hits=round((min(now, ends) - begins) * 10) + 1,
                visible=now <= ends,
                ended=now > ends,
            )
            for track, begins, ends, person, stranger in walks
            if begins <= now <= ends + 0.1
        ]
        found += [event for event in maker.update(tracks, at(now)) if event.kind is EventKind.TAILGATING]
    return found


def test_a_guard_at_the_door_does_not_cover_for_strangers() -> None:
    guard = (1, 0.0, 100.0, "guard", None)
    strangers = [(2 + i, 10.0 + 30 * i, 14.0 + 30 * i, None, f"unknown-{i + 1}") for i in range(3)]
    events = _tailgating(EventMaker(CONFIG, "door"), [guard, *strangers], 100)
    assert [event.unknown_ids for event in events] == [("unknown-1",), ("unknown-2",), ("unknown-3",)]
    assert {event.classification for event in events} == {TailgatingClass.KNOWN_UNKNOWN}


def test_a_guard_and_colleagues_who_come_one_by_one_are_told_once() -> None:
    guard = (1, 0.0, 100.0, "guard", None)
    others = [(2 + i, 10.0 + 30 * i, 14.0 + 30 * i, f"E{i}", None) for i in range(3)]
    assert len(_tailgating(EventMaker(CONFIG, "door"), [guard, *others], 100)) == 1


def test_a_name_that_moves_to_the_right_track_is_taken_back_first_and_told_again() -> None:
    maker = EventMaker(CONFIG, "door")
    first = maker.update([make_track(2, 1, 2, person="tom"), make_track(1, 0, 2)], at(2))
    second = maker.update([make_track(1, 0, 2.1, person="tom"), make_track(2, 1, 2.1)], at(2.1))
    assert [(event.kind, event.track_ids) for event in [*first, *second]] == [
        (EventKind.SIGHTING, (2,)),
        (EventKind.RETRACTION, (2,)),
        (EventKind.SIGHTING, (1,)),
    ]


def test_the_right_track_is_told_again_when_it_was_told_before_the_wrong_one_lost_the_name() -> None:
    maker = EventMaker(CONFIG, "door")
    maker.update([make_track(2, 1, 2, person="tom"), make_track(1, 0, 2)], at(2))
    maker.update([make_track(2, 1, 2.1, person="tom"), make_track(1, 0, 2.1, person="tom")], at(2.1))
    events = maker.update([make_track(2, 1, 2.2), make_track(1, 0, 2.2, person="tom")], at(2.2))
    assert [(event.kind, event.track_ids[0]) for event in events] == [
        (EventKind.RETRACTION, 2),
        (EventKind.SIGHTING, 1),
    ]
    assert events[1].arrival


def test_impostor_scores_of_a_large_gallery_fit_in_memory() -> None:
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(9000, 16)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    templates = tuple(Template(str(i), str(i // 3), 1.0) for i in range(9000))
    scores = Gallery("m", "a", rows, templates).impostor_scores()
    assert 1_000_000 < len(scores) <= 4_000_000
    assert abs(float(scores.mean())) < 0.01


def test_a_gallery_that_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    store = GalleryStore(tmp_path / "g.safetensors", "m", "a", 4)
    store.update(lambda gallery: gallery.add([Template("t1", "ann", 1)], np.eye(4, dtype=np.float32)[:1]))
    store.keep.path.unlink()
    store.update(lambda gallery: gallery.add([Template("t2", "bob", 1)], np.eye(4, dtype=np.float32)[1:2]))
    assert store.current().people == ("bob",)


def test_a_log_that_a_spreadsheet_rewrote_is_named(tmp_path: Path) -> None:
    log = FileLogs(tmp_path).daily("attendance", PUNCH.columns)
    log.shelf.path(T0.date()).write_text("event_id;timestamp;employee_id\n1;2;3\n", encoding="utf-8")
    with pytest.raises(StorageError, match=r"attendance-.*\.csv lacks the column"):
        log.read(T0.date())


def test_a_row_whose_time_has_no_offset_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = Config()
    book = AttendanceBook(tmp_path, config.zone, config.events)
    with book.log.exclusive():
        row = {
            "event_id": "1",
            "employee_id": "ann",
            "event": "punch",
            "timestamp": T0.replace(tzinfo=None).isoformat(),
        }
        book.log.raw.append(T0.date(), [row])
    assert book.sheets.on(T0.date(), {}) == []
    assert "has no offset from UTC" in caplog.text


def test_a_folder_with_one_bad_picture_gives_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a.jpg", "c.jpg"):
        write_jpeg(tmp_path / name, BLACK)
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    with caplog.at_level(logging.WARNING):
        frames = list(FolderSource(tmp_path, "door", start=T0))
    assert [frame.index for frame in frames] == [0, 2]
    assert "b.jpg" in caplog.text


def test_a_folder_of_bad_pictures_only_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match="no readable picture"):
        list(FolderSource(tmp_path, "door", start=T0))


class _Breaks(ListSource):
    """Gives its frames, then fails."""

    def __iter__(self):  # type: ignore[no-untyped-def]
        yield from super().__iter__()
        raise InputError("the source broke")


def test_what_was_decided_is_written_though_the_source_breaks(tmp_path: Path) -> None:
    pipeline, services = make_pipeline(tmp_path, Scene())
    frames = [Frame(BLACK, at(index / 10), "door", index) for index in range(3)]
    pipeline._stages.recorder.camera_event(Event(EventKind.CAMERA_BACK, T0, "door"))
    with pytest.raises(InputError, match="the source broke"):
        pipeline.run(_Breaks(frames))
    assert [row["kind"] for row in services.incidents.log.raw.read(T0.date())] == ["camera_back"]


def test_a_damaged_attendance_log_does_not_hold_incidents_up(tmp_path: Path) -> None:
    pipeline, services = make_pipeline(tmp_path, Scene())
    recorder, writer = pipeline._stages.recorder, pipeline._stages.writer
    recorder.camera_event(Event(EventKind.CAMERA_LOST, T0, "gate"), Frame(BLACK, T0, "gate"))
    assert len(writer.write()) == 1  # the workspace has a seal key
    services.attendance.log.raw.shelf.path(T0.date()).write_bytes("event_id,naïve\n1,é\n".encode("latin-1"))
    frame, retraction = Frame(BLACK, T0, "door"), Event(EventKind.RETRACTION, T0, "door", (1,), ("ann",))
    recorder.record(frame, Decisions([], {}, services.gallery.current()), [retraction], passage_open=False)
    recorder.camera_event(Event(EventKind.CAMERA_LOST, T0, "door"), frame)
    assert [row.kind for row in writer.write()] == ["camera_lost"]
    with pytest.raises(StorageError, match="1 events could not be written"):
        writer.finish()


def test_forgetting_erases_pictures_of_incidents_the_person_took_part_in(tmp_path: Path) -> None:
    workbench = Workbench(tmp_path)
    workbench.people.put(Person("E1", "Ann"))
    together = Event(EventKind.TAILGATING, T0, "door", (1, 2), ("E1", "E2"), classification=TailgatingClass.TWO_KNOWN)
    other = Event(EventKind.TAILGATING, T0, "door", (3, 4), ("E11", "E2"), classification=TailgatingClass.TWO_KNOWN)
    book = IncidentBook(tmp_path, workbench.config.zone)
    gone, kept = (book.record(event, {"image": BLACK, "clean_image": BLACK}) for event in (together, other))
    assert workbench.privacy.forget("E1")["pictures"] == 2
    assert not (tmp_path / gone.image).exists()
    assert read_image(tmp_path / kept.image).shape == BLACK.shape


def _labelled(counts: dict[str, int]) -> LabelledPhotos:
    owners = np.repeat(np.arange(len(counts)), list(counts.values()))
    paths = tuple(Path(f"{number}.jpg") for number in range(len(owners)))
    return LabelledPhotos(paths, tuple(counts), owners, np.eye(8, dtype=np.float32)[owners], np.ones(len(owners)), {})


@pytest.mark.parametrize(
    ("counts", "enrolled"),
    [({"a": 9, "b": 9, "c": 9}, 5), ({"a": 3, "b": 4, "c": 3, "d": 1}, 2), ({"a": 2, "b": 2, "c": 2}, 1)],
)
def test_identification_enrols_as_many_photos_as_there_are(counts: dict[str, int], enrolled: int) -> None:
    result = identification(_labelled(counts), None, Recipe("m", "a", 0.05), lambda _gallery: 0.5)
    assert result["enrolled_photos"] == enrolled
    assert (result["rank1"], result["fpir"], result["fnir"]) == (1, 0, 0)


def test_identification_says_why_it_was_not_measured() -> None:
    result = identification(_labelled({"a": 9, "b": 9}), None, Recipe("m", "a", 0.05), lambda _gallery: 0.5)
    assert result["rank1"] is None
    assert "three people" in result["reason"]
