"""Folders, videos and live cameras: an HTTP camera on 127.0.0.1 goes, comes back, freezes and refuses."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import shutil
import signal
import socket
import threading
import time as clock
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from fakes import T0, at
from http_camera import HttpCamera
from numpy.testing import assert_allclose
from PIL import Image
from recordings import noisy_video

from engine.config import SourcesConfig
from engine.errors import InputError, SourceLost
from engine.imaging import VideoWriter, encode_jpeg, write_jpeg
from engine.sources import (
    FolderSource,
    LiveSource,
    NoPicture,
    Trouble,
    VideoSource,
    is_live,
    open_source,
    probe_live,
)
from engine.types import Frame, SourceEvent

pytestmark = pytest.mark.alone

FPS = 8.0
PATIENT_S = 20.0  # what a slow machine may take to start a process
LIVE = SourcesConfig(stall_timeout_s=1.0, open_timeout_s=4.0, backoff_s=(0.1, 0.2))


def grey(value: int, size: tuple[int, int] = (48, 64)) -> np.ndarray:
    return np.full((*size, 3), value, np.uint8)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen frames, each brighter than the one before."""
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    with VideoWriter(path, FPS) as writer:
        for index in range(16):
            writer.write(grey(10 + 15 * index))
    return path


# ----------------------------------------------------------------------------------------- files


def test_a_folder_gives_its_pictures_by_name_one_second_apart(tmp_path: Path) -> None:
    for name, value in (("b.jpg", 100), ("a.png", 50), ("c.webp", 150)):
        Image.fromarray(grey(value)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    frames = list(open_source(str(tmp_path), "door", LIVE, start=T0))
    assert all(isinstance(frame, Frame) for frame in frames)
    assert [round(float(frame.image.mean()), -1) for frame in frames] == [50, 100, 150]
    assert [(frame.time, frame.index, frame.camera) for frame in frames] == [(at(k), k, "door") for k in range(3)]


def test_pictures_have_the_times_of_their_names_or_exif_and_a_gap_stays_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    zone = ZoneInfo("Europe/Berlin")
    taken = Image.Exif()
    taken.get_ifd(0x8769).update({36867: "2026:11:22 09:30:00", 36881: "+02:00"})  # 08:30 in Berlin
    for name, value in (
        ("z_20261122_082900.png", 40),
        ("a 2026-11-22 08.29.00.jpg", 60),
        ("IMG_22-11-2026_08-59-00.png", 80),
    ):
        Image.fromarray(grey(value)).save(tmp_path / name)
    Image.fromarray(grey(100)).save(tmp_path / "DSC_0001.jpg", exif=taken)
    Image.fromarray(grey(120)).save(tmp_path / "05-11-2026_09-12-10.jpg")
    frames = list(open_source(str(tmp_path), "door", LIVE, zone=zone))
    times = [item.time.astimezone(zone).strftime("%H:%M:%S.%f")[:10] for item in frames]
    assert times == ["08:29:00.0", "08:29:00.5", "08:30:00.0", "08:59:00.0"]
    assert [round(float(item.image.mean()), -1) for item in frames if isinstance(item, Frame)] == [60, 40, 100, 80]
    assert "1 of 5 pictures" in caplog.text
    given = list(open_source(str(tmp_path), "door", LIVE, zone=zone, start=T0))
    assert [item.time for item in given] == [at(number) for number in range(5)]


def test_pictures_that_say_no_time_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Image.fromarray(grey(100)).save(tmp_path / "DSC_0001.jpg")
    (item,) = open_source(str(tmp_path), "door", LIVE, zone=ZoneInfo("Europe/Berlin"), now=lambda: T0)
    assert item.time == T0
    assert "say when they were taken" in caplog.text


@pytest.mark.parametrize("name", ["2026-11-22T08:55:00.mp4", "rtsp:entrance.mp4", "cam%03d.mp4", "-dash.mp4"])
def test_a_file_name_that_looks_like_something_else_is_a_file(
    tmp_path: Path, video: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(video, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(list(open_source(name, "door", LIVE, start=T0, fast=True))) == 16
    with VideoWriter(Path(f"new {name}"), FPS) as writer:
        writer.write(grey(80))
    assert len(list(open_source(f"new {name}", "door", LIVE, start=T0, fast=True))) == 1


def test_a_source_that_was_closed_gives_no_more(tmp_path: Path, video: Path) -> None:
    write_jpeg(tmp_path / "a.jpg", grey(80))
    write_jpeg(tmp_path / "b.jpg", grey(80))
    for source in (FolderSource(tmp_path, "door", start=T0), VideoSource(video, "door", start=T0, fast=True)):
        given = iter(source)
        next(given)
        source.close()
        assert list(given) == []


def corner_of(image: np.ndarray) -> tuple[str, str]:
    """Where the bright quarter of a picture lies."""
    height, width = image.shape[:2]
    bright = np.argwhere(image[..., 0] > 128).mean(0)
    return "bottom" if bright[0] > height / 2 else "top", "right" if bright[1] > width / 2 else "left"


def bright_corner() -> np.ndarray:
    picture = grey(20)
    picture[:24, :32] = 240
    return picture


@pytest.mark.parametrize(
    ("rotate", "corner", "shape"),
    [
        (0, ("top", "left"), (48, 64, 3)),
        (90, ("top", "right"), (64, 48, 3)),
        (180, ("bottom", "right"), (48, 64, 3)),
        (270, ("bottom", "left"), (64, 48, 3)),
    ],
)
def test_every_source_turns_its_pictures_clockwise(
    tmp_path: Path, rotate: int, corner: tuple[str, str], shape: tuple[int, int, int]
) -> None:
    (tmp_path / "photos").mkdir()
    Image.fromarray(bright_corner()).save(tmp_path / "photos" / "a.png")
    with VideoWriter(tmp_path / "clip.mp4", FPS) as writer:
        writer.write(bright_corner())
    with HttpCamera([encode_jpeg(bright_corner())]) as camera:
        for spec in (str(tmp_path / "photos"), str(tmp_path / "clip.mp4"), f"http://127.0.0.1:{camera.port}/video"):
            source = open_source(spec, "door", LIVE, rotate=rotate, start=T0, fast=True)
            frame = frame_of(iter(source))
            source.close()
            assert (corner_of(frame.image), frame.image.shape) == (corner, shape), spec


@pytest.mark.parametrize("name", ["empty folder", "text.mp4", "void.mp4", "noise.avi", "missing.mp4"])
def test_what_cannot_be_read_is_an_input_error_on_one_line_that_names_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty folder").mkdir()
    (tmp_path / "text.mp4").write_text("this is no video\n" * 50)
    (tmp_path / "void.mp4").touch()
    (tmp_path / "noise.avi").write_bytes(np.random.default_rng(1).bytes(5000))
    with pytest.raises(InputError) as caught:
        open_source(str(tmp_path / name), "door", LIVE, start=T0)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fast_video_gives_every_frame_with_the_files_own_time(video: Path) -> None:
    source = VideoSource(video, "door", start=T0, fast=True)
    assert (source.fps, source.frame_count) == (pytest.approx(FPS), 16)
    frames = list(source)
    assert [frame.index for frame in frames] == list(range(16))
    assert [frame.time for frame in frames] == [T0 + timedelta(seconds=index / FPS) for index in range(16)]
    brightness = [float(frame.image.mean()) for frame in frames]
    assert_allclose(brightness, [10 + 15 * index for index in range(16)], atol=6)


def test_in_real_time_no_frame_comes_early_and_a_slow_reader_misses_some(video: Path) -> None:
    source = VideoSource(video, "door", start=T0)
    began = clock.monotonic()
    frames = []
    for frame in source:
        assert clock.monotonic() - began >= (frame.time - T0).total_seconds() - 0.01
        frames.append(frame)
        clock.sleep(0.4 if frame.index > 5 else 0)
    assert 4 < source.skipped == 16 - len(frames)
    assert all(frame.time == T0 + timedelta(seconds=frame.index / FPS) for frame in frames)


@pytest.mark.parametrize("start", ["2026-10-25T02:59:59", "2026-03-29T01:59:59"])
def test_times_go_on_evenly_when_the_clocks_change(video: Path, tmp_path: Path, start: str) -> None:
    write_jpeg(tmp_path / "a.jpg", grey(80))
    write_jpeg(tmp_path / "b.jpg", grey(80))
    begin = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    for path, count, rate in ((video, 16, FPS), (tmp_path, 2, 1.0)):
        times = [item.time.astimezone(UTC) for item in open_source(str(path), "door", LIVE, start=begin, fast=True)]
        assert times == [begin.astimezone(UTC) + timedelta(seconds=index / rate) for index in range(count)]


def test_a_video_that_rests_shows_five_frames_a_second_and_wakes_with_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "still.mp4"
    with VideoWriter(path, 50) as writer:
        for _ in range(100):
            writer.write(grey(120))
    source = VideoSource(path, "still", start=T0)
    shown = []
    for frame in source:
        shown.append(frame.index)
        source.resting = 9 < frame.index < 59
    resting = [index for index in shown if 10 <= index <= 60]
    assert len(resting) <= 7
    assert all(later - earlier >= 10 for earlier, later in itertools.pairwise(resting[1:]))
    awake = [index for index in shown if index > resting[-1]]
    # a frame that was left out because its time had passed may have been the first one awake
    assert len(awake) + source.skipped >= 99 - resting[-1] - 10
    assert source.rested + source.skipped + len(shown) == 100


def test_a_recording_never_rests(video: Path) -> None:
    source = VideoSource(video, "video", start=T0, fast=True)
    whole = len(list(VideoSource(video, "video", start=T0, fast=True)))
    source.resting = True
    assert len(list(source)) == whole


def test_what_is_live() -> None:
    assert all(is_live(spec) for spec in ("0", "12", "rtsp://cam/1", "http://cam", "/dev/video0"))
    assert not any(is_live(spec) for spec in ("", "a.mp4", "-1", "photos/0", "ftp://cam"))


# ----------------------------------------------------------------------------------------- a camera on 127.0.0.1


def grey_camera(port: int = 0) -> HttpCamera:
    return HttpCamera([encode_jpeg(grey(120))], port)


def watching(port: int, name: str) -> LiveSource:
    return LiveSource(f"http://127.0.0.1:{port}/video", name, LIVE, now=lambda: datetime.now(UTC))


@pytest.mark.parametrize(("slow", "resting"), [(True, False), (False, True)])
def test_pictures_that_nobody_takes_are_counted_unless_the_camera_rests(slow: bool, resting: bool) -> None:
    with HttpCamera([encode_jpeg(grey(120))], fps=20) as camera:
        source = watching(camera.port, "counts")
        source.resting = resting
        frames = (item for item in source if isinstance(item, Frame))
        first = next(frames)
        for _ in range(6):
            if slow:
                clock.sleep(0.3)
            last = next(frames)
        source.close()
    sent = (last.time - first.time).total_seconds() * 20
    # resting, the source itself lets pictures go; slow, all but those that were taken are missing
    assert source.skipped == 0 if resting else 0.5 * sent <= source.skipped <= sent


def children(name: str) -> list[int]:
    return [child.pid or 0 for child in multiprocessing.active_children() if child.name == f"camera {name}"]


def wait_for(items: Iterator[Frame | SourceEvent], kind: str) -> SourceEvent:
    """The next event of the source; frames before it are passed over."""
    deadline = clock.monotonic() + PATIENT_S
    for item in items:
        if isinstance(item, SourceEvent):
            assert item.kind == kind
            return item
        assert clock.monotonic() < deadline
    raise AssertionError("the source ended")


def frame_of(items: Iterator[Frame | SourceEvent]) -> Frame:
    item = next(items)
    assert isinstance(item, Frame)
    return item


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_live_camera_gives_frames_is_lost_and_comes_back(capfd: pytest.CaptureFixture[str]) -> None:
    with grey_camera() as camera:
        port = camera.port
        source = watching(port, "one")
        items = iter(source)
        frames = [frame_of(items) for _ in range(5)]
        assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
        assert all(frame.image.shape == (48, 64, 3) for frame in frames)
        assert frames[0].image.mean() == pytest.approx(120, abs=3)
        assert frames[0].time < frames[-1].time
        assert len(children("one")) == 1
    try:
        lost = wait_for(items, "camera_lost")
        assert (lost.camera, lost.detail) == ("one", "The camera ended the stream")
        with grey_camera(port):
            back = wait_for(items, "camera_back")
            assert back.time > lost.time
            after = [frame_of(items) for _ in range(3)]
            assert [frame.index for frame in after] == [after[0].index + k for k in range(3)]
            assert after[0].index > 4
    finally:
        source.close()
    assert list(items) == []
    assert children("one") == []
    assert capfd.readouterr().err == ""  # what the decoder complains of does not reach the terminal


@contextlib.contextmanager
def tcp_camera(video: Path, seconds: float) -> Iterator[str]:
    """A camera that sends a transport stream once, evenly over its duration; its address."""
    data = video.read_bytes()
    pieces = round(seconds * 50)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def send() -> None:
            with contextlib.suppress(OSError), server.accept()[0] as viewer:
                began = clock.monotonic()
                for number in range(pieces):
                    clock.sleep(max(0.0, began + number / 50 - clock.monotonic()))
                    viewer.sendall(data[len(data) * number // pieces : len(data) * (number + 1) // pieces])

        thread = threading.Thread(target=send)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
    thread.join()


def test_a_live_camera_that_dozed_gives_what_it_held_back_with_the_times_at_which_it_came(tmp_path: Path) -> None:
    video = tmp_path / "v.ts"
    noisy_video(video, 8.4, {number: 4 * (number - 140) for number in range(140, 210)}, form="mpegts")
    times, bright, behind = [], [], []
    with tcp_camera(video, 8.4) as address:
        source = LiveSource(address, "dozes", LIVE, now=lambda: datetime.now(UTC), doze_s=1.0)
        for item in source:
            if isinstance(item, SourceEvent):
                break
            times.append(item.time)
            behind.append((datetime.now(UTC) - item.time).total_seconds())
            bright.append(bool((item.image > 180).mean() > 0.01))
            source.resting = True not in bright
        source.close()
    first = bright.index(True)
    steps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(times)]
    asleep = [step for step in steps[:first] if step > 0.5]
    assert len(asleep) >= 2
    assert (
        bright[first:].count(True) >= 0.7 * 70
    )  # without what was held back, half of them; on a busy machine some come late
    assert max(steps[first - 5 : first + 20]) < 0.3
    assert np.median(steps[first - 5 : first + 20]) == pytest.approx(0.04, abs=0.01)
    assert 0.3 < behind[first] < 2.5
    assert behind[-1] < 1


def test_a_camera_that_rests_gives_five_frames_a_second() -> None:
    with grey_camera() as camera:
        source = watching(camera.port, "rests")
        items = iter(source)
        frame_of(items)
        source.resting = True
        times = [frame_of(items).time for _ in range(5)]
        assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= timedelta(seconds=0.19)
        source.close()


def test_a_camera_that_holds_the_line_but_sends_nothing_is_lost() -> None:
    with grey_camera() as camera:
        source = watching(camera.port, "two")
        items = iter(source)
        frame_of(items)
        camera.frozen.set()
        wait_for(items, "camera_lost")
        camera.frozen.clear()
        wait_for(items, "camera_back")
        items.close()
    assert children("two") == []


def test_a_reader_that_hangs_is_killed_and_another_one_started() -> None:
    with grey_camera() as camera:
        source = watching(camera.port, "six")
        items = iter(source)
        frame_of(items)
        (first,) = children("six")
        os.kill(first, signal.SIGSTOP)
        wait_for(items, "camera_lost")
        wait_for(items, "camera_back")
        (second,) = children("six")
        assert second != first
        items.close()  # the generator, as when a loop over it is left
        assert children("six") == []


def test_close_ends_the_child_process_though_nobody_iterates_on() -> None:
    with grey_camera() as camera:
        source = watching(camera.port, "three")
        items = iter(source)
        frame_of(items)
        (pid,) = children("three")
        source.close()
        deadline = clock.monotonic() + 5
        while children("three") and clock.monotonic() < deadline:
            clock.sleep(0.05)
        assert children("three") == []
        assert not Path(f"/proc/{pid}").exists()  # no zombie either
        assert list(items) == []


def test_a_camera_that_refuses_is_lost_and_tried_again() -> None:
    port = free_port()
    source = watching(port, "four")
    items = iter(source)
    lost = wait_for(items, "camera_lost")
    assert lost.detail == "The device refuses the connection: nothing listens on this port"
    assert source.trouble == NoPicture(Trouble.REFUSED)
    with grey_camera(port):
        wait_for(items, "camera_back")
        assert frame_of(items).index == 0
        assert source.trouble is None
        source.close()
        assert list(items) == []


def test_closing_while_the_camera_is_away_ends_the_iteration() -> None:
    source = watching(free_port(), "five")
    items = iter(source)
    wait_for(items, "camera_lost")
    threading.Timer(2.0, source.close).start()
    assert list(items) == []  # it is said once to be lost, not at each attempt
    assert children("five") == []


def test_probing_gives_the_size_or_an_error_on_one_line() -> None:
    with grey_camera() as camera:
        assert probe_live(f"http://127.0.0.1:{camera.port}/", LIVE) == (64, 48)
    with pytest.raises(SourceLost, match=r"^[^\n]*127.0.0.1[^\n]*$"):
        probe_live(f"http://127.0.0.1:{free_port()}/", LIVE)
    assert children("probe") == []
