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
from recordings import noisy_video, plain_video

from engine.attendance import Watching
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


def test_a_gap_in_a_file_is_not_coverage(tmp_path: Path) -> None:
    plain_video(tmp_path / "v.mp4", [*range(0, 2000, 40), *range(62_000, 64_000, 200)])
    watching = Watching("door", 5.0, 60.0)
    spans = [
        span
        for frame in VideoSource(tmp_path / "v.mp4", "door", start=T0, fast=True)
        for span in watching.frame(frame.time)
    ]
    spans += watching.pause("stopped")
    assert [((span.begins - T0).total_seconds(), (span.ends - T0).total_seconds(), span.why) for span in spans] == [
        (0, pytest.approx(1.96), "gap"),
        (62, pytest.approx(63.8), "stopped"),
    ]


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


@pytest.mark.parametrize("kind", ["mp4", "mkv", "ts", "avi"])
@pytest.mark.parametrize("fast", [True, False])
def test_bytes_that_rot_in_the_middle_do_not_end_a_file(tmp_path: Path, kind: str, fast: bool) -> None:
    path = tmp_path / f"v.{kind}"
    plain_video(path, range(0, 6_000, 40), key_every=25, codec="libx264", noise=12)
    data, third = bytearray(path.read_bytes()), path.stat().st_size // 3
    if kind == "avi":
        data[third : third + 60_000] = bytes(60_000)  # several headers of packets
    else:
        data[third : third + 600] = np.random.default_rng(3).bytes(600)
    path.write_bytes(data)
    source = VideoSource(path, "door", start=T0, fast=fast)
    if not fast:  # as a camera's stream is decoded, without waiting
        assert isinstance(source._stream, Stream)
        count = 1
        while source._stream.grab():
            count += 1
        last_s = source._stream.position_s
    else:
        frames = list(source)
        count, last_s = len(frames), (frames[-1].time - T0).total_seconds()
    assert 150 - 40 <= count <= 150
    assert last_s == pytest.approx(5.96, abs=0.5 if kind == "avi" else 0.13)  # AVI counts frames and has no time stamps


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


def test_a_dozing_stream_shows_key_frames_and_all_that_came_before_the_one_that_differs(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    noisy_video(path, 14, {number: 2 * (number - 210) for number in range(210, 300)})
    stream = Stream(str(path), doze_s=1.0)
    shown, passed_over = [], 0
    while stream.grab():
        shown.append(round(stream.position_s * 25))
        passed_over += stream.passed_over
        stream.resting = not 225 <= shown[-1] < 320  # as a viewer says who sees the square
    asleep, woken = [n for n in shown if 75 <= n <= 200], [n for n in shown if 200 < n < 320]
    assert asleep == [75, 100, 125, 150, 175, 200]  # three intervals show that the key frames come regularly
    assert woken == list(range(201, 320))  # the square came at 210 and was noticed at 225
    assert shown[-1] >= 325
    assert passed_over == 5 * 24


def test_what_a_dozing_stream_held_back_comes_at_once_when_it_is_woken(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    noisy_video(path, 6, {})
    stream = Stream(str(path), doze_s=1.0)
    stream.resting = True
    positions = []
    while stream.grab():
        positions.append(round(stream.position_s * 25))
        stream.resting = positions[-1] < 100
    assert positions[-51:] == [75, *range(100, 150)]


def test_a_dozing_stream_whose_times_jump_back_goes_on(tmp_path: Path) -> None:
    once, twice = tmp_path / "once.ts", tmp_path / "twice.ts"
    noisy_video(once, 7, {}, form="mpegts")
    twice.write_bytes(2 * once.read_bytes())
    stream = Stream(str(twice), doze_s=1.0)
    positions = []
    while stream.grab():
        positions.append(stream.position_s)
        stream.resting = stream.position_s < 10
    assert positions == sorted(positions)
    assert positions[-1] == pytest.approx(13.5, abs=1)  # nobody knows how long the jump took
    assert sum(position > 10 for position in positions) == pytest.approx(25 * (positions[-1] - 10), abs=2)


@pytest.mark.parametrize(("key_every", "doze_s"), [(25, 0.5), (25, 0.0), (100, 2.0)])
def test_a_stream_whose_key_frames_are_far_apart_does_not_doze(tmp_path: Path, key_every: int, doze_s: float) -> None:
    path = tmp_path / "v.mp4"
    noisy_video(path, 5, {}, key_every=key_every)
    stream = Stream(str(path), doze_s=doze_s)
    stream.resting = True
    count = 0
    while stream.grab():
        count += 1
    assert count > 60  # frames that no other one needs are left out


def test_a_video_that_dozed_catches_up_without_leaving_out_a_frame(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    noisy_video(path, 7, {number: 4 * (number - 110) for number in range(110, 175)})
    source = VideoSource(path, "door", start=T0, doze_s=1.0)
    began, shown, delays, caught_up = clock.monotonic(), [], [], []
    for frame in source:
        since = (frame.time - T0).total_seconds()
        shown.append(round(25 * since))
        delays.append(clock.monotonic() - began - since)
        caught_up.append(source.catching_up)
        source.resting = shown[-1] < 115
    woken = shown.index(101)
    assert shown[woken - 2 : woken] == [75, 100]
    assert shown[woken : woken + 25] == list(range(101, 126))
    assert len(shown[woken:]) >= 50  # on a busy machine some come late afterwards
    assert delays[woken] == pytest.approx(0.96, abs=0.3)  # a file knows no more than a camera would
    assert caught_up[woken]
    assert not caught_up[-1]
    assert delays[-1] < 0.2
