"""Small recordings: somebody's photo is pushed through a picture, slowly and at a low frame rate; and broken files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from engine.imaging import read_image

__all__ = ["Walk", "noisy_video", "plain_video", "walking_video"]

Image = NDArray[np.uint8]
SIZE = (360, 640)


@dataclass(frozen=True)
class Walk:
    """A photo goes from the left to the right between two moments, in seconds; `side`: its height in pixels."""

    photo: Path
    begin_s: float
    end_s: float
    side: int = 200
    top: int = 90


def plain_video(
    path: Path,
    stamps_ms: Sequence[int],
    *,
    key_every: int = 5,
    size: tuple[int, int] = (96, 128),
    codec: str = "mpeg4",
    noise: int = 0,
) -> None:
    """A video whose n-th picture is of one grey, give or take `noise`, and has the n-th time stamp."""
    random = np.random.default_rng(0)
    pictures = (
        (20 + 5 * (number % 40) + (random.integers(0, noise, (*size, 3)) if noise else np.zeros((*size, 3)))).astype(
            np.uint8
        )
        for number in range(len(stamps_ms))
    )
    _write(path, zip(stamps_ms, pictures, strict=True), size, key_every, codec, 1000)


def walking_video(path: Path, seconds: float, walks: Sequence[Walk], fps: int = 5) -> None:
    """A door before which people pass."""
    photos = {walk.photo: read_image(walk.photo) for walk in walks}
    ground = np.random.default_rng(0).integers(90, 100, (*SIZE, 3), np.uint8)

    def pictures() -> list[tuple[int, Image]]:
        rows = []
        for number in range(round(seconds * fps)):
            at, canvas = number / fps, ground.copy()
            for walk in walks:
                if walk.begin_s <= at < walk.end_s:
                    photo = photos[walk.photo]
                    width = round(photo.shape[1] * walk.side / photo.shape[0])
                    left = round((SIZE[1] - width) * (at - walk.begin_s) / (walk.end_s - walk.begin_s))
                    small = cv2.resize(photo, (width, walk.side), interpolation=cv2.INTER_AREA)
                    canvas[walk.top : walk.top + walk.side, left : left + width] = small
            rows.append((number, canvas))
        return rows

    _write(path, pictures(), SIZE, 10, "mpeg4", fps)


def noisy_video(
    path: Path, seconds: float, shown: Mapping[int, int], *, key_every: int = 25, fps: int = 25, form: str = "mp4"
) -> None:
    """Sensor noise before a grey wall, H.264; `shown`: the left edge of a bright square, by frame."""
    noise = np.random.default_rng(5)
    with av.open(str(path), "w", format=form) as container:
        options = {"g": str(key_every), "keyint_min": str(key_every), "sc_threshold": "0", "preset": "veryfast"}
        stream = container.add_stream("libx264", rate=fps, options=options)
        (stream.height, stream.width), stream.pix_fmt, stream.bit_rate = SIZE, "yuv420p", 2_000_000
        for number in range(round(seconds * fps)):
            picture = noise.normal(100, 6, (*SIZE, 3)).clip(0, 255).astype(np.uint8)
            if (left := shown.get(number)) is not None:
                picture[150:210, left : left + 60] = 200
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def _write(
    path: Path, pictures: Iterable[tuple[int, Image]], size: tuple[int, int], key_every: int, codec: str, ticks: int
) -> None:
    """Write pictures with their time stamps, of which a second has so many ticks."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=min(ticks, 25))
        stream.height, stream.width = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, ticks)
        stream.codec_context.gop_size = key_every
        stream.bit_rate = 4_000_000
        for stamp, picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, ticks)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
