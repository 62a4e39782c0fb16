"""What pictures say about their camera: hung upside down or on its side, and without colours."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from clips import person_frame
from fakes import T0, ListSource, OneWayDetector, Scene, detections, make_services, paint, pose

from engine.attendance import AttendanceBook, CoverageBook, Plan
from engine.config import Config, DetectionConfig
from engine.detection import Detector, FaceFinder
from engine.face_reader import FaceReader
from engine.imaging import read_image, turned
from engine.pipeline import CameraNote, open_pipeline
from engine.pipeline.camera_check import CameraCheck, TurnCheck, colourless
from engine.types import Detections, Frame, Image

PEOPLE = ("ben_afflek", "elton_john", "jerry_seinfeld", "madonna", "mindy_kaling")
FADED = {"ben_afflek/04", "madonna/02", "madonna/04", "madonna/05"}
"""Sample photos in black and white, or nearly."""
NONE = np.empty((0, 4), np.float32)


# ----------------------------------------------------------------------------------------- hung the wrong way


class Upright(OneWayDetector):
    """Sees a face in pictures whose top is bright; with a doubtful score in others, if `doubtful`."""

    def __init__(self, *, doubtful: bool) -> None:
        self.doubtful = doubtful
        self.searched = 0

    def detect(self, image: Image, min_face_px: int | None = None) -> Detections:
        """See `Detector`."""
        del min_face_px
        self.searched += 1
        height = len(image)
        top, bottom = float(image[: height // 4].mean()), float(image[-height // 4 :].mean())
        left, right = float(image[:, : height // 4].mean()), float(image[:, -height // 4 :].mean())
        if top > max(bottom, left, right):
            return detections([[*pose(100)[:4], 0.9999]])
        return detections([[*pose(100)[:4], 0.95]] if self.doubtful else [])


def scene(seconds: float, *, turn: int, fps: float = 5.0) -> Iterator[Frame]:
    """A bright ceiling above something that moves, as a camera sees it that would have to be turned by so much."""
    for index in range(round(seconds * fps)):
        picture = np.full((120, 120, 3), 60, np.uint8)
        picture[:30] = 200
        picture[60:100, 10 + index % 80 : 30 + index % 80] = 150
        yield Frame(turned(picture, (360 - turn) % 360), T0 + timedelta(seconds=index / fps), "door", index)


def looked(frames: Iterator[Frame], detector: Detector, *, rotate: int = 0) -> TurnCheck:
    check = TurnCheck("door", detector, 40, rotate)
    for frame in frames:
        check.look(frame, detector.detect(frame.image))
    return check


@pytest.mark.parametrize("doubtful", [True, False])
@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_camera_is_told_once_after_a_minute(
    turn: int, caplog: pytest.LogCaptureFixture, *, doubtful: bool
) -> None:
    with caplog.at_level(logging.WARNING):
        assert looked(scene(55, turn=turn), Upright(doubtful=doubtful)).advice is None
        assert caplog.messages == []
        check = looked(scene(120, turn=turn), Upright(doubtful=doubtful))
    assert check.advice == turn
    assert check.looks <= 10
    assert len(caplog.messages) == 1
    assert f"set rotate = {turn} in [cameras.door]" in caplog.messages[0]


def test_a_camera_that_was_turned_the_wrong_way_is_told_the_right_one() -> None:
    assert looked(scene(120, turn=180), Upright(doubtful=True), rotate=270).advice == 90


def test_upright_people_cost_nothing_and_end_the_search() -> None:
    detector = Upright(doubtful=True)
    check = looked(scene(30, turn=0), detector)
    assert check.done
    assert (check.advice, check.looks) == (None, 0)
    assert detector.searched == 150, "only as the camera's own frames"


def test_an_upright_face_among_turned_ones_begins_the_count_anew() -> None:
    detector = Upright(doubtful=True)
    frames = [*scene(50, turn=180), *scene(4, turn=0), *scene(50, turn=180)]
    late = [replace(frame, time=T0 + timedelta(seconds=index / 5)) for index, frame in enumerate(frames)]
    assert looked(iter(late), detector).advice is None


def test_nothing_is_searched_while_nothing_moves_and_no_more_than_agreed_else() -> None:
    still = [replace(frame, image=np.full((120, 120, 3), 60, np.uint8)) for frame in scene(60, turn=0)]
    assert looked(iter(still), Upright(doubtful=False)).looks == 0
    odd = Upright(doubtful=True)
    nobody = (replace(frame, image=np.full((120, 120, 3), 60, np.uint8)) for frame in scene(2000, turn=0))
    check = looked(nobody, odd)
    assert check.done
    assert check.looks == 300


def rendered(reader: FaceReader, samples: Path, turn: int) -> Iterator[tuple[Frame, Detections]]:
    """Five people come one after the other and stay for 20 s each; what the camera's finder sees of them."""
    finder = FaceFinder(reader.detector, DetectionConfig(), 40)
    index = 0
    for person in PEOPLE:
        frame, _ = person_frame(read_image(samples / "val" / person / "01.jpg"), reader.detector)
        for step in range(20):
            picture = np.roll(frame[::2, ::2], 4 * (step % 5), 1)
            shown = Frame(turned(picture, (360 - turn) % 360), T0 + timedelta(seconds=index), "door", index)
            yield shown, finder.look(shown, NONE)
            index += 1


@pytest.mark.models
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_real_faces_tell_how_the_camera_hangs(reader: FaceReader, samples: Path, turn: int) -> None:
    check = TurnCheck("door", reader.detector, 40, 0)
    for frame, found in rendered(reader, samples, turn):
        check.look(frame, found)
    assert check.done
    assert check.advice == (turn or None)
    assert check.looks <= (15 if turn else 4)


# ----------------------------------------------------------------------------------------- without colours


@pytest.mark.models
def test_grey_faces_are_told_from_coloured_ones(reader: FaceReader, samples: Path) -> None:
    seen = {"as they are": set[str](), "dark": set[str](), "grey": set[str]()}
    photos = sorted((samples / "val").glob("*/*.jpg"))
    for path in photos:
        image = read_image(path)
        found = reader.detector.detect_photo(image)
        box = found.boxes[found.areas.argmax()]
        grey = np.repeat(image.mean(2, keepdims=True).astype(np.uint8), 3, 2)
        for name, shown in (("as they are", image), ("dark", (image * 0.3).astype(np.uint8)), ("grey", grey)):
            seen[name] |= {f"{path.parent.name}/{path.stem}"} if colourless(shown, box) else set()
    assert len(seen["grey"]) == len(photos) == 25
    assert seen["as they are"] == seen["dark"] == FADED


@pytest.mark.parametrize("box", [[0, 0, 0, 0], [-20, -20, -5, -5], [500, 500, 600, 600]])
def test_a_box_without_a_picture_is_not_grey(box: list[float]) -> None:
    assert not colourless(np.full((20, 20, 3), 90, np.uint8), np.array(box, np.float32))


@pytest.mark.parametrize("note", [CameraNote(), CameraNote(180), CameraNote(None, 9, 0), CameraNote(90, 40, 3)])
def test_a_note_survives_the_log(note: CameraNote) -> None:
    assert CameraNote.parse(f"no picture any more {note}") == note
    assert bool(str(note)) == (note != CameraNote())


def test_the_coverage_log_keeps_how_many_faces_were_grey(tmp_path: Path) -> None:
    people = Scene()
    for index in range(150):
        canvas = np.full((240, 320, 3), 90, np.uint8)
        paint(canvas, pose(120, 110, 60), "ann")
        if index >= 50:  # night falls
            canvas = np.repeat(canvas.mean(2, keepdims=True).astype(np.uint8), 3, 2)
        people.add(canvas, [pose(120, 110, 60)] if index < 100 else [])
    config = Config()
    book = CoverageBook(tmp_path / "log", config.zone)
    attendance = AttendanceBook(tmp_path, config.zone, config.events, Plan(coverage=book))
    services = replace(make_services(tmp_path, people, config), attendance=attendance)
    pipeline = open_pipeline(services, config, "door", run_id="run")
    pipeline.run(ListSource(people.frames))
    (row,) = book.log.read(T0.date())
    assert CameraNote.parse(row.detail) == CameraNote(None, 10, 5)
    assert pipeline.advice is None


def test_a_check_tells_each_face_once() -> None:
    check = CameraCheck(TurnCheck("door", Upright(doubtful=False), 40, 0))
    face = detections([[*pose(100)[:4], 0.99]])
    for frame in scene(10, turn=0):
        check.look(frame, face)
    assert (check.taken().faces, check.taken().faces) == (10, 0)
