"""Further cameras of the field: each gives its picture, or says why it gives none."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from field_cameras import FieldCamera, coded, picture, rtmp_camera
from http_camera import HttpCamera
from odd_cameras import free_port, sending

from engine.config import SourcesConfig
from engine.errors import SourceLost
from engine.operations.camera_trial import CameraTrial, try_camera
from engine.sources import LiveSource, probe_live
from engine.types import Frame, SourceEvent

pytestmark = pytest.mark.alone

LIVE = SourcesConfig(stall_timeout_s=2.0, open_timeout_s=6.0, backoff_s=(0.1, 0.2))
IN = "user:p@ss#1"
PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An HLS playlist and its parts, and the beginning of a DASH one."""
    made = tmp_path_factory.mktemp("www")
    parts = {"hls_time": "1", "hls_list_size": "0"}
    coded(made / "live.m3u8", "libx264", "hls", frames=75, form_options=parts)
    (made / "live.mpd").write_text('<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>')
    (made / "old.smil").write_text("<smil><body/></smil>")
    return made


@pytest.fixture(scope="module")
def camera(folder: Path) -> Iterator[FieldCamera]:
    with FieldCamera(folder) as found:
        found.pictures |= {
            "grey": picture(mode="L"),
            "cmyk": picture(mode="CMYK"),
            "progressive": picture(progressive=True),
            "gif": picture("GIF", mode="P"),
            "png": picture("PNG"),
            "uhd": picture(size=(3840, 2160)),
            "torn": picture()[:200],
        }
        yield found


@pytest.fixture(scope="module")
def secure(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FieldCamera]:
    """A camera with a certificate of its own, for another name, and over."""
    made = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-days", "1", "-subj", "/CN=another.example", "-keyout", made / "key.pem", "-out", made / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    whole = made / "camera.pem"
    whole.write_text((made / "key.pem").read_text() + (made / "cert.pem").read_text())
    with FieldCamera(folder, certificate=whole) as found:
        yield found


def seen(spec: str, count: int) -> list[Frame | SourceEvent]:
    """The first items of a camera; fewer if it takes too long."""
    source = LiveSource(spec, "field", LIVE, now=lambda: datetime.now(UTC))
    ends = threading.Timer(PATIENCE_S, source.close)
    ends.start()
    try:
        return list(itertools.islice(source, count))
    finally:
        ends.cancel()
        source.close()


def sizes(items: list[Frame | SourceEvent]) -> set[tuple[int, int]]:
    """Width and height of pictures; something else among them fails."""
    assert items
    assert all(isinstance(item, Frame) for item in items), items
    return {(item.image.shape[1], item.image.shape[0]) for item in items if isinstance(item, Frame)}


def told(spec: str) -> SourceLost:
    with pytest.raises(SourceLost) as caught:
        probe_live(spec, LIVE)
    return caught.value


# ------------------------------------------------------------------------------------------------- pictures over HTTP


@pytest.mark.parametrize(
    ("path", "size"),
    [
        *(("chunked", (64, 48)), ("zipped", (64, 48)), ("zipped_jpg", (64, 48))),
        *(("moved", (64, 48)), ("moved_for_good", (64, 48))),
        *(("grey", (64, 48)), ("cmyk", (64, 48)), ("progressive", (64, 48)), ("gif", (64, 48)), ("png", (64, 48))),
        ("uhd", (3840, 2160)),
        ("live.m3u8", (160, 120)),
    ],
)
def test_pictures_come_however_they_are_packed_and_wherever_the_camera_sends_its_viewers(
    camera: FieldCamera, path: str, size: tuple[int, int]
) -> None:
    count = 1 if path == "live.m3u8" else 3  # a playlist of some seconds is soon read to its end
    assert sizes(seen(camera.address(path), count)) == {size}


def test_a_camera_that_signs_its_certificate_itself_is_seen(secure: FieldCamera) -> None:
    assert sizes(seen(secure.address("std"), 2)) == {(64, 48)}
    assert sizes(seen(secure.address("live.m3u8"), 1)) == {(160, 120)}
    assert sizes(seen(secure.address("digest", IN), 2)) == {(64, 48)}


def test_a_camera_that_asks_for_digest_gets_it(camera: FieldCamera) -> None:
    assert sizes(seen(camera.address("digest", IN), 2)) == {(64, 48)}
    assert "asks for a user and a password" in told(camera.address("digest")).message
    assert "rejects the user or the password" in told(camera.address("digest", "user:p@ss#2")).message


def test_a_camera_that_changes_its_size_goes_on(camera: FieldCamera, tmp_path: Path) -> None:
    assert sizes(seen(camera.address("changing"), 20)) == {(64, 48), (128, 96), (96, 128)}
    small = coded(tmp_path / "a.ts", "libx264", "mpegts", frames=25)
    large = coded(tmp_path / "b.ts", "libx264", "mpegts", frames=50, size=(320, 240))
    (tmp_path / "both.ts").write_bytes(small.read_bytes() + large.read_bytes())
    with sending(tmp_path / "both.ts", seconds=2) as address:
        items = list(itertools.takewhile(lambda item: isinstance(item, Frame), seen(address, 20)))
    assert sizes(items) == {(160, 120), (320, 240)}


@pytest.mark.parametrize(
    ("path", "sentence", "step"),
    [
        ("moved_to_sign_in", "leads to a web page", "the stream itself"),
        ("moved_to_itself", "rejects the request (302)", "manual"),
        ("moved_nowhere", "rejects the request (302)", "manual"),
        ("empty", "ended the stream", "too many viewers"),
        ("no_content", "ended the stream", "too many viewers"),
        ("busy", "error of its own (503)", "few viewers"),
        ("torn", "cannot be decoded", "lost packets"),
        ("live.mpd", "playlist of a kind that cannot be read here (DASH)", ".m3u8"),
        ("old.smil", "playlist of a kind that cannot be read here (SMIL)", ".m3u8"),
        ("silent_after_header", "does not answer in time", "power"),
    ],
)
def test_why_there_is_none(camera: FieldCamera, path: str, sentence: str, step: str) -> None:
    error = told(camera.address(path))
    assert sentence in error.message
    assert step in error.hint


def test_encryption_where_there_is_none_and_none_where_there_must_be(camera: FieldCamera, secure: FieldCamera) -> None:
    wants = told(secure.address("std").replace("https:", "http:"))
    assert "wants an encrypted connection" in wants.message
    assert "https://" in wants.hint
    for scheme in ("https:", "rtsps:"):
        assert "encrypted connection fails" in told(camera.address("std").replace("http:", scheme)).message


def test_a_camera_that_falls_silent_is_lost_and_says_so(camera: FieldCamera) -> None:
    items = seen(camera.address("silent_after_pictures"), 8)
    lost = next(item for item in items if isinstance(item, SourceEvent))
    assert (lost.kind, lost.detail) == ("camera_lost", "The camera stopped sending pictures")
    assert items.index(lost) > 0


# ------------------------------------------------------------------------------------------------- streams


@pytest.mark.parametrize(
    ("codec", "form", "options"),
    [
        ("libx265", "mpegts", {"x265-params": "log-level=none:keyint=12"}),
        ("libvpx-vp9", "matroska", {"deadline": "realtime", "cpu-used": "8"}),
        ("mpeg4", "mpegts", {}),
    ],
)
def test_streams_of_other_codes_are_decoded(codec: str, form: str, options: dict[str, str], tmp_path: Path) -> None:
    with sending(coded(tmp_path / "film", codec, form, options=options), seconds=2) as address:
        assert sizes(seen(address, 3)) == {(160, 120)}


def test_a_stream_of_4k_is_decoded(tmp_path: Path) -> None:
    quick = {"preset": "ultrafast"}
    with sending(
        coded(tmp_path / "film", "libx264", "mpegts", frames=30, size=(3840, 2160), options=quick), seconds=2
    ) as address:
        assert sizes(seen(address, 1)) == {(3840, 2160)}


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="FFmpeg is not installed: apt-get install ffmpeg")
def test_a_camera_with_rtmp_is_seen_soon(tmp_path: Path) -> None:
    film, port = coded(tmp_path / "film.flv", "libx264", "flv", frames=75), free_port()
    with rtmp_camera(film, port) as address:
        assert sizes(seen(address, 3)) == {(160, 120)}
    assert "refuses the connection" in told(address).message


def test_a_stream_that_begins_and_falls_silent_says_so(tmp_path: Path) -> None:
    film = coded(tmp_path / "film.ts", "libx264", "mpegts", frames=50).read_bytes()
    (tmp_path / "head.ts").write_bytes(film[: 188 * 3])
    with sending(tmp_path / "head.ts", seconds=0.1, holds=True) as address, pytest.raises(SourceLost) as caught:
        probe_live(address, SourcesConfig(stall_timeout_s=1.0, open_timeout_s=2.0))
    assert "does not answer in time" in caught.value.message


def test_a_camera_that_was_restarted_is_seen_again_by_itself() -> None:
    port = free_port()
    source = LiveSource(f"http://127.0.0.1:{port}/video", "field", LIVE, now=lambda: datetime.now(UTC))
    ends = threading.Timer(PATIENCE_S, source.close)
    ends.start()
    items = iter(source)
    kinds = []
    try:
        with HttpCamera([picture()], port):
            assert isinstance(next(items), Frame)
        while not isinstance(lost := next(items), SourceEvent):
            pass
        kinds.append(lost.kind)
        time.sleep(0.5)  # nobody is there: it goes on trying
        with HttpCamera([picture()], port):
            back = next(items)
            assert isinstance(back, SourceEvent)
            kinds.append(back.kind)
            assert isinstance(next(items), Frame)
    finally:
        ends.cancel()
        source.close()
    assert kinds == ["camera_lost", "camera_back"]


# ------------------------------------------------------------------------------------------------- tried on the page


def test_a_test_names_size_rate_and_code_of_a_camera_with_a_password(camera: FieldCamera, tmp_path: Path) -> None:
    found = try_camera(camera.address("digest", IN), tmp_path, LIVE)
    assert isinstance(found, CameraTrial)
    assert (found.size, found.codec) == ((64, 48), "mjpeg")
    assert 5 < found.fps < 40
