"""Cameras on 127.0.0.1 with the odd ways of real ones: over HTTP by path, over RTSP by one answer, over TCP by a file."""

from __future__ import annotations

import base64
import contextlib
import http.server
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from http_camera import ServedCamera, _Server

__all__ = ["OddCamera", "free_port", "rtsp_answering", "sending"]

PASSWORD = "p@ss#1"


def free_port() -> int:
    """A TCP port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _sound() -> bytes:
    """A second of silence, WAV."""
    samples = bytes(16_000)
    head = b"WAVEfmt " + (16).to_bytes(4, "little") + b"\x01\x00\x01\x00" + (8000).to_bytes(4, "little")
    head += (16_000).to_bytes(4, "little") + b"\x02\x00\x10\x00data" + len(samples).to_bytes(4, "little")
    return b"RIFF" + (len(head) + len(samples)).to_bytes(4, "little") + head + samples


_WANTED = "Basic " + base64.b64encode(f"user:{PASSWORD}".encode()).decode()
_WHOLE = {
    "html": ("text/html", b"<!doctype html><title>Sign in</title>"),
    "html_as_text": ("text/plain", b"\n <html>sign in</html>"),
    "json": ("application/json", b'{"error": "no"}'),
    "sound": ("audio/x-wav", _sound()),
}


class _OddServer(_Server):
    camera: OddCamera


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _OddServer

    def do_GET(self) -> None:
        kind, camera = self.path.split("?")[0].strip("/"), self.server.camera
        camera.asked[kind] += 1
        if kind == "silent":
            camera.stopped.wait(20)
        elif kind == "auth" and self.headers.get("Authorization") != _WANTED:
            self._whole(401, "text/plain", b"", ("WWW-Authenticate", 'Basic realm="cam"'))
        elif kind.startswith("status_"):
            self._whole(int(kind[7:]), "text/plain", b"")
        elif kind in _WHOLE:
            self._whole(200, *_WHOLE[kind])
        elif kind.startswith("jpg"):
            shown = camera.pictures[camera.asked[kind] % len(camera.pictures)]
            self._whole(200, "image/jpeg" if kind == "jpg" else "application/octet-stream", shown)
        else:
            self._stream(kind)

    def _whole(self, status: int, kind: str, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, kind: str) -> None:
        self.send_response(200)
        if kind not in {"no_type", "no_boundary_at_all"}:
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        mark, camera = b"frame" if kind == "no_dashes" else b"--frame", self.server.camera
        for number in range(10_000):
            if camera.stopped.wait(1 / camera.fps) or (kind == "drops" and number == 3):
                return
            picture = camera.pictures[number % len(camera.pictures)]
            if kind == "torn" and number % 2:
                picture = picture[: len(picture) // 2]
            head = b"" if kind == "no_first_boundary" and not number else mark + b"\r\n"
            head += b"Content-Type: image/jpeg\r\n"
            if kind != "no_length":
                head += b"Content-Length: %d\r\n" % len(picture)
            self.wfile.write(picture if kind == "no_boundary_at_all" else head + b"\r\n" + picture + b"\r\n")

    def log_message(self, *args: object) -> None:
        del args


class OddCamera(ServedCamera):
    """A context manager. Its paths: `std`, `no_first_boundary`, `no_dashes`, `no_length`, `no_type`, `no_boundary_at_all`, `jpg` (one
    picture), `jpg_octets`, `auth` (of `user`), `status_NNN`, `html`, `html_as_text`, `json`, `sound`, `silent`, `drops` (ends after
    three pictures), `torn` (every second picture is cut off).

    Args:
        pictures: JPEG files, one after the other.
        fps: pictures a second of a stream.

    Attributes:
        asked: how often each path was asked for.
    """

    def __init__(self, pictures: Sequence[bytes], fps: float = 30.0) -> None:
        self.pictures, self.fps = pictures, fps
        self.asked = Counter[str]()
        server = _OddServer(("127.0.0.1", 0), _Handler)
        super().__init__(server)
        server.camera = self

    def address(self, path: str, user: str = "") -> str:
        """Of one of the paths; `user`: and password."""
        return f"http://{user}{'@' if user else ''}127.0.0.1:{self._server.server_address[1]}/{path}"


@contextlib.contextmanager
def _serving(answer: object) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        stopped = threading.Event()

        def serve() -> None:
            while not stopped.is_set():
                with contextlib.suppress(OSError), server.accept()[0] as viewer:
                    answer(viewer, stopped)  # type: ignore[operator]

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            stopped.set()
            thread.join()


@contextlib.contextmanager
def rtsp_answering(status: str) -> Iterator[int]:
    """A camera whose RTSP answers with one status to all but OPTIONS; its port."""

    def answer(viewer: socket.socket, _stopped: threading.Event) -> None:
        viewer.settimeout(2)
        while asked := viewer.recv(4096).decode():
            number = next((line[5:].strip() for line in asked.splitlines() if line.lower().startswith("cseq")), "1")
            told = "200 OK" if asked.startswith("OPTIONS") else status
            sign_in = 'WWW-Authenticate: Basic realm="cam"\r\n' if told.startswith("401") else ""
            viewer.sendall(f"RTSP/1.0 {told}\r\nCSeq: {number}\r\n{sign_in}\r\n".encode())

    with _serving(answer) as port:
        yield port


@contextlib.contextmanager
def sending(file: Path | None, *, seconds: float = 30.0, skip: int = 0, holds: bool = False) -> Iterator[str]:
    """A camera that sends a file evenly, to each viewer anew; None: it accepts and says nothing. Its address.

    Args:
        seconds: how long it takes. skip: so many bytes. holds: the line is held when all is sent.
    """
    data = file.read_bytes()[skip:] if file is not None else b""

    def answer(viewer: socket.socket, stopped: threading.Event) -> None:
        pieces, began = round(seconds * 20), time.monotonic()
        for number in range(pieces):
            if stopped.wait(max(0.0, began + number / 20 - time.monotonic())):
                return
            viewer.sendall(data[len(data) * number // pieces : len(data) * (number + 1) // pieces])
        if holds:
            stopped.wait(20)

    with _serving(answer) as port:
        yield f"tcp://127.0.0.1:{port}"
