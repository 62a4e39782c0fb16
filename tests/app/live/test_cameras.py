"""Cameras that a process reads for its viewers: kept, lost, tried again, shared with who records them."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from http_camera import HttpCamera, swaying
from waiting import until

from app.live.cameras import Camera, CameraWatcher
from app.live.session import LiveSession
from engine.attendance import PunchRow
from engine.imaging import PersonMark, VideoWriter, decode_image, list_images, read_image
from engine.operations.recording import recording, viewing
from engine.pipeline import FrameResult, Pipeline
from engine.workbench import Workbench

pytestmark = [pytest.mark.models, pytest.mark.alone]


class Noted(CameraWatcher):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.rounds: list[str] = []
        self.frames = 0

    def saw(self, result: FrameResult, pipeline: Pipeline) -> None:
        del pipeline
        self.frames += 1
        self.rounds += [row.event if isinstance(row, PunchRow) else row.kind for row in result.rows]

    def became(self, state: str, detail: str) -> None:
        del detail
        self.states.append(state)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    monkeypatch.setenv("MUSTER_PRESENTATION__POLICY", "off")
    monkeypatch.setenv("MUSTER_EVENTS__COOL_DOWN_S", "1")
    monkeypatch.setenv("MUSTER_EVENTS__EPISODE_GAP_S", "0.2")
    return Workbench(tmp_path)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Path:
    """A stranger for two seconds, then nobody."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    stranger = [decode_image(picture) for picture in swaying([read_image(samples / "val" / "madonna" / "03.jpg")], 20)]
    with VideoWriter(path, 10) as writer:
        for picture in [*stranger, *([np.full((480, 640, 3), 150, np.uint8)] * 15)]:
            writer.write(picture)
    return path


def test_a_kept_file_is_shown_again_and_again_but_what_happens_in_it_is_told_once(bench: Workbench, clip: Path) -> None:
    noted = Noted()
    camera = Camera(bench, "entrance", str(clip), watcher=noted)
    with camera.kept():
        until(lambda: noted.frames > 45 and "unknown" in noted.rounds)
        first = list(noted.rounds)
        until(lambda: noted.frames > 3 * 35)
        until(lambda: camera.pipeline is not None)  # between two rounds there is none
        until(lambda: camera.snapshot() is not None)
    assert noted.rounds == first
    assert noted.states[0] == "starting"
    assert set(noted.states[1:]) <= {"playing", "ended"}
    assert camera.pipeline is None
    assert camera.snapshot() is None
    day = bench.attendance.day_of(bench.clock())
    assert [row["kind"] for row in bench.incidents.log.raw.read(day, day)] == first


@pytest.mark.parametrize(("rotate", "size"), [("0", (480, 640)), ("90", (480, 640)), ("0", (1080, 1440))])
def test_boxes_of_a_browsers_camera_fit_its_upright_picture_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: Path, rotate: str, size: tuple[int, int]
) -> None:
    monkeypatch.setenv("MUSTER_CAMERAS__WORKBENCH__ROTATE", rotate)
    session = LiveSession(Workbench(tmp_path), "workbench")
    photo = read_image(list_images(samples / "val" / "ben_afflek")[0])
    upright = np.full((size[1], size[0], 3) if rotate == "90" else (*size, 3), 150, np.uint8)
    high, wide = upright.shape[0] // 2, upright.shape[1] // 2
    upright[high : 2 * high, :wide] = cv2.resize(photo, (wide, high), interpolation=cv2.INTER_AREA)  # lower left
    sent = cv2.rotate(upright, cv2.ROTATE_90_COUNTERCLOCKWISE) if rotate == "90" else upright
    marks: list[PersonMark] = []

    def shown() -> bool:
        marks.extend(session.process(np.asarray(sent, np.uint8)))
        return bool(marks)

    try:
        until(shown)  # the face is searched for beside the loop
    finally:
        session.close()
    assert session.turn_deg == int(rotate)
    x1, y1, x2, y2 = marks[-1].box
    assert 0.1 < (x1 + x2) / 2 < 0.4
    assert 0.6 < (y1 + y2) / 2 < 0.9
    assert 0.05 < x2 - x1 < 0.4
    assert marks[-1].text in {"looking…", "unknown 1"}


def test_a_camera_that_hangs_on_its_side_is_shown_upright(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: Path
) -> None:
    monkeypatch.setenv("MUSTER_CAMERAS__ENTRANCE__ROTATE", "90")
    camera = Camera(Workbench(tmp_path), "entrance", str(clip))
    with camera.kept():
        until(lambda: camera.told.size is not None)
    assert camera.told.size == (480, 640)


def test_a_camera_that_cannot_be_opened_is_tried_again_for_as_long_as_it_is_kept(
    bench: Workbench, clip: Path, tmp_path: Path
) -> None:
    noted, place = Noted(), tmp_path / "later.mp4"
    camera = Camera(bench, "entrance", str(place), watcher=noted)
    with camera.kept():
        until(lambda: "failed" in noted.states)
        assert "no such file" in camera.detail
        place.write_bytes(clip.read_bytes())
        until(lambda: camera.state == "playing")
    assert camera.state == "ended"


def test_without_anybody_who_keeps_it_a_failed_camera_rests(bench: Workbench) -> None:
    camera = Camera(bench, "entrance", "nothing.mp4")
    with camera.watched():
        until(lambda: camera.state == "failed" and camera._thread is None)
        time.sleep(1.5)
        assert camera.state == "failed"


def test_what_another_process_records_is_shown_through_it_until_that_ends(bench: Workbench, samples: Path) -> None:
    """The camera is read once, and whoever waits for it takes over."""
    with HttpCamera(swaying([read_image(list_images(samples / "val" / "ben_afflek")[0])]), fps=10) as shown:
        noted = Noted()
        first = Camera(Workbench(bench.workspace), "entrance", shown.address)
        camera = Camera(bench, "entrance", shown.address, watcher=noted)
        with contextlib.ExitStack() as viewing_:
            with first.kept():
                until(lambda: first.state == "playing")
                picture = viewing_.enter_context(camera.watched())
                viewing_.enter_context(camera.kept())
                until(lambda: camera.state == "playing" and picture.newest.jpeg.startswith(b"\xff\xd8"))
                assert not camera.recording
                assert camera.taken
                assert camera.told.size == (640, 480)
                assert camera.frame() is not None
                until(lambda: camera.told.fps > 3)
                assert noted.frames == 0
            until(lambda: camera.recording and noted.frames > 3, 40)
            assert not camera.taken


def test_news_of_the_recorder_reach_those_who_look_through_it(bench: Workbench) -> None:
    heard: list[tuple[str, object]] = []

    class Listening(CameraWatcher):
        def told(self, kind: str, data: Mapping[str, object]) -> None:
            heard.append((kind, data["code"]))

    camera = Camera(bench, "entrance", "nothing.mp4", watcher=Listening())
    with recording(Workbench(bench.workspace), "entrance") as recorder:
        assert recorder
        recorder.became("lost", "no picture any more")
        with camera.watched():
            until(lambda: (camera.state, camera.detail) == ("lost", "no picture any more"))
            recorder.tell("prompt", {"code": "come_closer"})
            until(lambda: heard == [("prompt", "come_closer")])


def test_without_the_token_nobody_looks_through_a_recorder(bench: Workbench) -> None:
    with recording(bench, "entrance"):
        (file,) = (bench.workspace / "log").glob("recording-*.json")
        told = json.loads(file.read_text())
        file.write_text(json.dumps({**told, "token": "guessed"}))
        shown = viewing(bench.workspace, "entrance")
        assert shown is not None
        assert list(shown) == []


def test_a_lost_camera_shows_nothing_old(bench: Workbench) -> None:
    with HttpCamera(swaying([]), fps=10) as shown:
        noted = Noted()
        camera = Camera(bench, "entrance", shown.address, watcher=noted)
        with camera.kept(), camera.watched() as picture:
            until(lambda: camera.state == "playing" and bool(picture.newest.jpeg))
            shown.frozen.set()
            until(lambda: camera.state == "lost")
            assert (picture.newest.jpeg, camera.snapshot(), camera.frame()) == (b"", None, None)
            time.sleep(0.5)  # frames that still waited change nothing
            assert camera.state == "lost"
            shown.frozen.clear()
            until(lambda: camera.state == "playing")
            assert camera.told.losses == 1


def test_many_cameras_are_glanced_at_through_who_records_them(bench: Workbench, clip: Path) -> None:
    recorder, viewer = (
        Camera(bench, "entrance", str(clip)),
        Camera(bench, "entrance", str(clip), records=lambda: False),
    )
    with recorder.kept():
        until(lambda: recorder.state == "playing")
        with viewer.glanced() as small:
            until(lambda: bool(small.picture.newest.jpeg))
            began, first = time.monotonic(), small.picture.newest.number
            until(lambda: small.picture.newest.number >= first + 4)
            assert time.monotonic() - began > 1.4  # two a second, however many the camera has
            assert decode_image(small.picture.newest.jpeg).shape == (480, 640, 3)
            assert (small.state, viewer.picture.viewers, recorder.picture.viewers) == ("playing", 0, 0)
            assert viewer.pipeline is None
        assert small.picture.viewers == 0
    # without anybody who records, the viewer's process does, as for a viewer of one camera
    alone = Camera(bench, "entrance", str(clip))
    with alone.glanced() as small:
        until(lambda: bool(small.picture.newest.jpeg))
        assert alone.pipeline is not None
