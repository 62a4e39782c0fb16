"""Films of the last seconds: that they show what the source showed, from before to after, whatever the camera sends."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from http_camera import HttpCamera
from live_clips import LiveClips

from engine.config import SourcesConfig
from engine.errors import InputError
from engine.imaging import Film, boxes_of, encode_jpeg, encoded, pictures_of, with_boxes
from engine.sources import LiveSource, VideoSource
from engine.types import Frame

START = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
FPS = 10


def shade(index: int) -> int:
    """What the picture of a frame looks like."""
    return 20 + (index * 7) % 200


def clip(
    path: Path, codec: str = "libx264", *, frames: int = 200, key: int = 10, size: tuple[int, int] = (96, 64)
) -> Path:
    """A film whose grey tells the frame; B-frames included."""
    with av.open(str(path), "w") as container:
        options = {"bf": "2", "x265-params": "log-level=none"}
        stream = container.add_stream(codec, rate=FPS, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = key
        for index in range(frames):
            image = np.full((size[1], size[0], 3), shade(index), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def shades(film: Film) -> list[int]:
    """The grey of each picture."""
    return [int(np.median(picture)) for picture in pictures_of(film.mp4, 0.0)]


def read_to(source: VideoSource, index: int) -> Iterator[Frame]:
    """Read on to a frame; the iteration, which goes on there."""
    frames = iter(source)
    for frame in frames:
        if frame.index == index:
            return frames
    raise AssertionError(index)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_film_of_a_recording_begins_with_a_key_frame_before_and_ends_where_it_was_asked_to(
    codec: str, tmp_path: Path
) -> None:
    source = VideoSource(clip(tmp_path / "clip.mp4", codec), "door", start=START, fast=True)
    read_to(source, 120)
    film = source.film(START + timedelta(seconds=7.4), START + timedelta(seconds=11.05))
    assert film is not None
    with av.open(io.BytesIO(film.mp4)) as container:
        assert container.streams.video[0].codec_context.name == "h264"  # which every browser plays
    seen = shades(film)
    assert abs(seen[0] - shade(70)) <= 6
    assert 40 <= len(seen) <= 44
    assert film.start_s == pytest.approx((START + timedelta(seconds=7)).timestamp(), abs=0.3)


def test_what_is_too_long_ago_is_not_there_any_more_and_memory_is_bounded(tmp_path: Path) -> None:
    source = VideoSource(clip(tmp_path / "clip.mp4", frames=600), "door", start=START, fast=True)
    read_to(source, 500)
    film = source.film(START, START + timedelta(seconds=50))
    assert film is not None
    assert film.start_s >= (START + timedelta(seconds=34)).timestamp()
    assert source.film(START, START + timedelta(seconds=20)) is None


def test_after_the_end_a_recording_still_gives_a_film_until_it_is_closed(tmp_path: Path) -> None:
    source = VideoSource(clip(tmp_path / "clip.mp4"), "door", start=START, fast=True)
    assert len(list(source)) == 200
    assert source.film(START + timedelta(seconds=15), START + timedelta(seconds=30)) is not None
    source.close()
    assert source.film(START + timedelta(seconds=15), START + timedelta(seconds=30)) is None


def live(address: str, seconds: float) -> Film | None:
    """A film of a camera's last two seconds, after watching it for some."""
    source = LiveSource(address, "door", SourcesConfig(), now=lambda: datetime.now(UTC))
    try:
        began = None
        for item in source:
            assert isinstance(item, Frame)
            began = began or item.time
            if item.time - began > timedelta(seconds=seconds):
                return source.film(item.time - timedelta(seconds=2), item.time)
    finally:
        source.close()
    return None


def test_a_network_camera_gives_a_film_in_its_own_packets(tmp_path: Path) -> None:
    with LiveClips({"door": clip(tmp_path / "clip.mp4")}) as cameras:
        before = time.time()
        film = live(cameras.address("door"), 4.0)
    assert film is not None
    assert before < film.start_s < time.time() - 2.0
    seen = shades(film)
    assert 20 <= len(seen) <= 45
    steps = [(later - earlier) % 200 for earlier, later in itertools.pairwise(seen)]
    assert set(steps[:-3]) <= set(
        range(1, 14)
    )  # one after the other, none repeated; at the cut, a B-frame may be missing


def test_a_camera_of_pictures_gives_a_film_of_five_a_second() -> None:
    pictures = [encode_jpeg(np.full((64, 96, 3), shade(index), np.uint8)) for index in range(20)]
    with HttpCamera(pictures, fps=20) as camera:
        film = live(camera.address, 4.0)
    assert film is not None
    assert 6 <= len(shades(film)) <= 11


def test_a_source_that_never_had_a_picture_has_no_film() -> None:
    source = LiveSource("http://127.0.0.1:9/none", "door", SourcesConfig(), now=lambda: START)
    assert source.film(START, START) is None


@pytest.mark.parametrize("boxes", [{}, {"turned": 90, "frames": [[0.1, [[0.1, 0.2, 0.3, 0.4, "Jürgen"]]]]}])
def test_boxes_stand_in_the_file_and_players_pass_over_them(boxes: dict[str, object]) -> None:
    plain = encoded((index / 10, np.full((64, 96, 3), shade(index), np.uint8)) for index in range(20))
    film = with_boxes(plain, boxes)
    assert boxes_of(film) == boxes
    assert boxes_of(plain) is None
    assert len(list(pictures_of(film, 0.0))) == 20


def test_a_film_of_nothing_is_none_and_a_damaged_one_is_told() -> None:
    assert encoded([]) == b""
    with pytest.raises(InputError, match="cannot be decoded"):
        list(pictures_of(b"no film", 1.0))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (33, 17)])
def test_pictures_of_odd_sizes_are_filmed_or_left_out(size: tuple[int, int]) -> None:
    film = encoded([(0.0, np.zeros((*size, 3), np.uint8))])
    assert film == b"" or len(list(pictures_of(film, 0.0))) == 1
