"""Why there is no picture: every cause has a sentence of its own and a next step, and no password is repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
import pytest
from command import muster
from odd_cameras import PASSWORD, OddCamera, free_port, rtsp_answering, sending

from engine.config import CameraConfig, SourcesConfig
from engine.errors import InputError, SourceLost
from engine.imaging import encode_jpeg
from engine.sources import LiveSource, NoPicture, Trouble, open_source, probe_live
from engine.sources.address import written_out
from engine.sources.http import _Jpeg
from engine.types import Frame, SourceEvent

pytestmark = pytest.mark.alone

LIVE = SourcesConfig(stall_timeout_s=2.0, open_timeout_s=3.0, backoff_s=(0.1, 0.2))


def pictures(count: int = 4) -> list[bytes]:
    noise = np.random.default_rng(1)
    return [
        encode_jpeg(noise.integers(20 + 40 * number, 60 + 40 * number, (48, 64, 3)).astype(np.uint8))
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def camera() -> Iterator[OddCamera]:
    with OddCamera(pictures()) as found:
        yield found


def why(spec: str, config: SourcesConfig = LIVE) -> SourceLost:
    with pytest.raises(SourceLost) as caught:
        probe_live(spec, config)
    return caught.value


# ----------------------------------------------------------------------------------------- a sentence for each cause


@pytest.mark.parametrize(
    ("path", "sentence", "step"),
    [
        ("auth", "asks for a user and a password (401)", "before the host"),
        ("status_403", "does not let this user see the stream (403)", "right to live view"),
        ("status_404", "no stream at this address (404)", "manual"),
        ("status_400", "rejects the request (400)", "manual"),
        ("status_500", "reports an error of its own (500)", "Restart"),
        ("status_503", "reports an error of its own (503)", "few viewers"),
        ("html", "leads to a web page", "the stream itself"),
        ("html_as_text", "leads to a web page", "the stream itself"),
        ("json", "leads to a web page", "the stream itself"),
        ("sound", "no picture, only sound", "video stream"),
        ("silent", "does not answer in time", "power"),
    ],
)
def test_what_a_camera_answers_over_http_is_told(camera: OddCamera, path: str, sentence: str, step: str) -> None:
    error = why(camera.address(path))
    assert sentence in error.message
    assert step in error.hint
    assert "127.0.0.1" in error.message


@pytest.mark.parametrize(
    ("status", "user", "sentence"),
    [
        ("401 Unauthorized", "", "asks for a user"),
        ("401 Unauthorized", "user:wrong-secret@", "rejects the user or the password"),
        ("403 Forbidden", "", "does not let this user"),
        ("404 Stream Not Found", "", "no stream at this address"),
        ("454 Session Not Found", "", "rejects the request"),
        ("503 Service Unavailable", "", "error of its own"),
    ],
)
def test_what_a_camera_answers_over_rtsp_is_told(status: str, user: str, sentence: str) -> None:
    with rtsp_answering(status) as port:
        error = why(f"rtsp://{user}127.0.0.1:{port}/stream")
    assert sentence in error.message
    assert "wrong-secret" not in str(error)


@pytest.mark.parametrize("scheme", ["rtsp", "http", "tcp"])
def test_nobody_at_the_port_and_no_such_name_are_told_apart(scheme: str) -> None:
    assert "refuses the connection" in why(f"{scheme}://127.0.0.1:{free_port()}/s").message
    assert "No device of this name".lower() in why(f"{scheme}://camera.invalid:8554/s").message.lower()


def test_a_camera_that_accepts_and_says_nothing_is_told() -> None:
    with sending(None) as address:
        assert "does not answer in time" in why(address.replace("tcp:", "rtsp:") + "/s").message


def test_a_webcam_that_is_not_there_is_told() -> None:
    error = why("97")
    assert "no such camera" in error.message
    assert "0 is the first" in error.hint


def _stream(path: Path, codec: str, form: str, *, size: tuple[int, int] = (120, 160), frames: int = 50) -> None:
    with av.open(str(path), "w", format=form) as container:
        options = {"g": "1000", "sc_threshold": "0"} if codec == "libx264" else {}
        stream = container.add_stream(codec, rate=25, options=options)
        (stream.height, stream.width), stream.pix_fmt = size, "yuv420p"
        noise = np.random.default_rng(1)
        for _ in range(frames):
            picture = noise.integers(0, 255, (*size, 3)).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def test_a_stream_without_a_key_frame_is_waited_for_and_told(tmp_path: Path) -> None:
    _stream(tmp_path / "v.ts", "libx264", "mpegts", frames=250)
    # what follows the only key frame
    with sending(tmp_path / "v.ts", seconds=6, skip=188 * 300) as address:
        assert "no key frame yet" in why(address, SourcesConfig(open_timeout_s=1.0)).message


def test_a_codec_without_a_decoder_is_told(tmp_path: Path) -> None:
    _stream(tmp_path / "v.mkv", "mpeg4", "matroska")
    data = (tmp_path / "v.mkv").read_bytes()
    assert data.count(b"V_MPEG4/ISO/ASP") == 1
    (tmp_path / "v.mkv").write_bytes(data.replace(b"V_MPEG4/ISO/ASP", b"V_FUTURE/CODE/9"))
    with sending(tmp_path / "v.mkv", seconds=4) as address:
        error = why(address)
    assert "coded in a way that cannot be decoded" in error.message
    assert "H.264 or H.265" in error.hint
    with pytest.raises(InputError, match="coded in a way"):
        open_source(str(tmp_path / "v.mkv"), "door", LIVE)


def test_every_cause_has_sentences_of_its_own_and_is_read_back_from_a_log() -> None:
    found = [NoPicture(kind) for kind in Trouble]
    assert len({each.what for each in found}) == len(found)
    assert all(each.hint and each.what[0].isupper() for each in found)
    for each in found:
        assert NoPicture.read(str(each)) == each
        assert NoPicture.read(str(NoPicture(each.kind, "503"))) == NoPicture(each.kind, "503")
    assert NoPicture.read("cable") is None is NoPicture.read("")


def test_the_doctor_tells_the_cause_and_the_next_step(camera: OddCamera, tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text("[sources]\nopen_timeout_s = 3\n")
    address = camera.address("auth", "user:not-the-one")
    answer = muster("doctor", "--camera", address, "--workspace", tmp_path)
    told = answer.out + answer.err
    assert answer.code != 0
    assert "rejects the user or the password" in " ".join(told.split())
    assert "stay locked" in " ".join(told.split())
    assert "not-the-one" not in told


# ----------------------------------------------------------------------------------------- passwords in addresses


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("rtsp://user:p@ss#1@cam:554/s", "rtsp://user:p%40ss%231@cam:554/s"),
        ("rtsp://user:p%40ss%231@cam/s", "rtsp://user:p%40ss%231@cam/s"),
        ("rtsp://user:100%@cam/s", "rtsp://user:100%25@cam/s"),
        ("http://user:a?b@10.0.0.4/jpg?x=1", "http://user:a%3Fb@10.0.0.4/jpg?x=1"),
        ("rtsp://user:a:b c@[fe80::1]:554/s", "rtsp://user:a%3Ab%20c@[fe80::1]:554/s"),
        ("rtsp://user:se/cr@10.0.0.4/s", "rtsp://user:se%2Fcr@10.0.0.4/s"),
        ("http://user:a@se/b@cam.local:81/s", "http://user:a%40se%2Fb@cam.local:81/s"),
        ("rtsp://admin@cam/s", "rtsp://admin@cam/s"),
        ("http://cam/live/user@site/s", "http://cam/live/user@site/s"),
        ("http://cam:80?token=a@b/c", "http://cam:80?token=a@b/c"),
        ("srt://cam:9000?streamid=a@b", "srt://cam:9000?streamid=a@b"),
        ("rtsp://cam/s#1", "rtsp://cam/s#1"),
        (" 0 ", "0"),
        ("/dev/video0", "/dev/video0"),
    ],
)
def test_an_address_is_taken_as_it_is_meant(given: str, taken: str) -> None:
    assert written_out(given) == taken


@pytest.mark.parametrize(
    "given",
    [
        "rtsp://user:se/cret7@cam/s",
        "rtsp://user:12?se/cret7@cam",
        "rtsp://user:s@se/cret7@cam/s",
        "rtsp://u:@se cret7@ /s",
    ],
)
def test_a_password_whose_end_is_not_certain_is_refused_with_the_way_to_write_it(given: str) -> None:
    for opened in (lambda: open_source(given, "door", LIVE), lambda: probe_live(given, LIVE)):
        with pytest.raises(InputError, match=r"not certain.*%40.*%23") as told:
            opened()
        assert "cret7" not in str(told.value)


def test_a_password_with_reserved_signs_opens_the_camera(camera: OddCamera) -> None:
    assert probe_live(camera.address("auth", f"user:{PASSWORD}"), LIVE) == (64, 48)
    assert probe_live(camera.address("auth", "user:p%40ss%231"), LIVE) == (64, 48)
    assert "rejects the user" in why(camera.address("auth", "user:p@ss#2")).message


def test_a_number_is_a_source_too() -> None:
    assert CameraConfig.model_validate({"source": 0}).source == "0"
    with pytest.raises(ValueError, match="source"):
        CameraConfig.model_validate({"source": True})
    with pytest.raises(ValueError, match="source"):
        CameraConfig.model_validate({"source": -1})


# ----------------------------------------------------------------------------------------- pictures over HTTP


def frames(spec: str, count: int) -> list[Frame | SourceEvent]:
    """So many items of a source."""
    source = LiveSource(spec, "odd", LIVE, now=lambda: datetime.now(UTC))
    items = []
    try:
        for item in source:
            items.append(item)
            if len(items) == count:
                break
    finally:
        source.close()
    return items


@pytest.mark.parametrize(
    "path", ["std", "no_first_boundary", "no_dashes", "no_length", "no_type", "no_boundary_at_all", "torn"]
)
def test_motion_jpeg_is_read_however_its_pictures_are_divided(camera: OddCamera, path: str) -> None:
    found = frames(camera.address(path), 8)
    assert all(isinstance(each, Frame) and each.image.shape == (48, 64, 3) for each in found)
    shades = {round(float(each.image.mean()), -1) for each in found if isinstance(each, Frame)}
    assert shades <= {40, 80, 120, 160}


@pytest.mark.parametrize("path", ["jpg", "jpg_octets"])
def test_a_snapshot_is_asked_for_again_at_a_sensible_rate(camera: OddCamera, path: str) -> None:
    camera.asked.clear()
    found = frames(camera.address(path), 6)
    assert all(isinstance(each, Frame) for each in found)
    first, last = found[0], found[-1]
    assert isinstance(first, Frame)
    assert isinstance(last, Frame)
    assert 1.0 < (last.time - first.time).total_seconds() < 6.0
    assert camera.asked[path] <= 8


def test_a_picture_ends_behind_its_thumbnail() -> None:
    (picture,) = pictures(1)
    thumbnail = b"\xff\xe1" + (2 + len(picture)).to_bytes(2, "big") + picture
    whole = picture[:2] + thumbnail + picture[2:]
    assert _Jpeg().end(whole + b"\r\n--frame") == len(whole)
    assert all(_Jpeg().end(whole[:cut]) is None for cut in range(3, len(whole)))
    assert _Jpeg().end(whole[:-20] + picture) == -(len(whole) - 20)
    byte_by_byte = _Jpeg()
    assert [byte_by_byte.end(whole[:cut]) for cut in range(3, len(whole) + 1)] == [None] * (len(whole) - 3) + [
        len(whole)
    ]


def test_a_camera_that_ends_its_stream_is_tried_after_growing_pauses(camera: OddCamera) -> None:
    found = frames(camera.address("drops"), 12)
    kinds = [item.kind if isinstance(item, SourceEvent) else "frame" for item in found]
    assert re.fullmatch(r"(f+lb)+f*", "".join(kind.removeprefix("camera_")[0] for kind in kinds))
    (detail,) = {item.detail for item in found if isinstance(item, SourceEvent) and item.kind == "camera_lost"}
    assert detail == "The camera ended the stream"
