"""Files and their streams: times of the container, damage, turned phones, rough decoding while nobody looks."""

from __future__ import annotations

import logging
import struct
import time as clock
from pathlib import Path

import av
import numpy as np
import pytest
from fakes import T0
from recordings import plain_video

from engine.imaging import VideoWriter
from engine.sources import VideoSource
from engine.sources.stream import Stream


def test_times_are_those_of_the_container_where_the_rate_varies_and_pictures_are_missing(tmp_path: Path) -> None:
    stamps = [0, 40, 80, 130, 170, 1170, 1210, 3000]
    plain_video(tmp_path / "v.mp4", stamps)
    frames = list(VideoSource(tmp_path / "v.mp4", "door", start=T0, fast=True))
    assert [round((frame.time - T0).total_seconds() * 1000) for frame in frames] == stamps
    assert [round(float(frame.image.mean())) for frame in frames] == pytest.approx(
        [20 + 5 * n for n in range(8)], abs=2
    )


def test_a_damaged_packet_costs_its_own_pictures_and_no_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole, damaged = tmp_path / "whole.mkv", tmp_path / "damaged.mkv"
    plain_video(whole, range(0, 4000, 40), key_every=10, codec="libx264")
    broken = {31, 32, 33}
    with av.open(str(whole)) as source, av.open(str(damaged), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for number, packet in enumerate(source.demux(stream)):
            if packet.size == 0:
                continue
            if number in broken:
                spoilt = av.Packet(b"\x00\x00\x00\x02\xff\xff" * 20)
                spoilt.pts, spoilt.dts, spoilt.time_base = packet.pts, packet.dts, packet.time_base
                packet = spoilt  # noqa: PLW2901
            packet.stream = copy
            target.mux(packet)
    with caplog.at_level(logging.WARNING):
        frames = list(VideoSource(damaged, "door", start=T0, fast=True))
    assert len(frames) >= 100 - len(broken) - 10
    assert (frames[-1].time - T0).total_seconds() == pytest.approx(3.96)
    assert "3 of its packets could not be decoded" in caplog.text


def test_the_pictures_of_a_phone_that_was_turned_stand_upright(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    picture = np.full((96, 128, 3), 30, np.uint8)
    picture[:48, :64] = 220  # top left
    with VideoWriter(path, 8) as writer:
        writer.write(picture)
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # the matrix of the track's header: a quarter turn clockwise
    struct.pack_into(">9i", data, at, 0, 1 << 16, 0, -(1 << 16), 0, 0, 96 << 16, 0, 1 << 30)
    path.write_bytes(data)
    image = next(iter(VideoSource(path, "door", start=T0, fast=True))).image
    assert image.shape == (128, 96, 3)
    bright = np.argwhere(image[..., 0] > 128).mean(0)
    assert (bright[0] < 64, bright[1] > 48) == (True, True)  # top right


def test_a_stream_that_rests_is_rough_from_one_key_frame_to_another(tmp_path: Path) -> None:
    noise = np.random.default_rng(3)
    path = tmp_path / "noise.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"g": "10", "bf": "0", "crf": "40", "sc_threshold": "0"}
        )
        stream.height, stream.width, stream.pix_fmt = 96, 128, "yuv420p"
        for _ in range(60):
            picture = noise.integers(60, 160, (12, 16, 3), np.uint8).repeat(8, 0).repeat(8, 1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    plain, other = Stream(str(path)), Stream(str(path))
    differing = set()
    for number in range(60):
        other.resting = 15 <= number < 35
        assert plain.grab()
        assert other.grab()
        assert plain.position_s == other.position_s == pytest.approx(number / 25)
        if (plain.retrieve() != other.retrieve()).any():
            differing.add(number)
    assert differing == set(range(min(differing), max(differing) + 1))
    assert min(differing) in range(20, 25)
    assert max(differing) in range(35, 40)
    assert not plain.grab()
    assert not other.grab()


def test_a_viewer_who_is_always_late_still_sees_five_pictures_a_second(tmp_path: Path) -> None:
    plain_video(tmp_path / "v.mp4", range(0, 2000, 40))
    positions = []
    for frame in VideoSource(tmp_path / "v.mp4", "door", start=T0):
        positions.append((frame.time - T0).total_seconds())
        if not frame.index:
            clock.sleep(2.3)  # late from now on
    assert positions == pytest.approx([0.2 * number for number in range(10)])
