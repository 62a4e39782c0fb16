"""More cameras on 127.0.0.1: other ways to sign in, to encode, to redirect, to fall silent, and other kinds of pictures and streams."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.server
import io
import re
import ssl
import subprocess
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
from http_camera import ServedCamera, _Server
from PIL import Image

__all__ = ["FieldCamera", "coded", "picture", "rtmp_camera"]

USER, PASSWORD, REALM, NONCE = "user", "p@ss#1", "cam", "8f3c"


def picture(kind: str = "JPEG", size: tuple[int, int] = (64, 48), mode: str = "RGB", **how: object) -> bytes:
    """A file of one picture.

    Args:
        kind: as Pillow names it. size: width and height. mode: `L` is grey. how: it is saved.
    """
    made, shown = io.BytesIO(), Image.linear_gradient("L").resize(size).convert(mode)
    shown.save(made, kind, **how)
    return made.getvalue()


class _FieldServer(_Server):
    camera: FieldCamera


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _FieldServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        path = self.path.partition("?")[0].strip("/")
        self.server.camera.asked[path] += 1
        if (answer := _WAYS.get(path)) is not None:
            answer(self)
        elif path in self.server.camera.pictures:
            self.snapshot(path)
        elif (file := self.server.camera.folder / path).is_file():
            self.whole(200, _TYPES.get(file.suffix, "application/octet-stream"), file.read_bytes())
        else:
            self.whole(404, "text/plain", b"")

    def whole(self, status: int, kind: str, body: bytes, *headers: tuple[str, str]) -> None:
        self.begin(status, ("Content-Type", kind), ("Content-Length", str(len(body))), *headers)
        self.wfile.write(body)

    def begin(self, status: int, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def snapshot(self, name: str) -> None:
        data = self.server.camera.pictures[name]
        kind = "image/gif" if data.startswith(b"GIF") else "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
        self.whole(200, kind, data)

    def stream(
        self,
        *headers: tuple[str, str],
        pictures: Iterator[bytes] | None = None,
        count: int = 10_000,
        write: Callable[[bytes], bytes] = bytes,
        silent: bool = False,
    ) -> None:
        """Motion JPEG; `write`: what becomes of its bytes. `silent`: after the last one, the line is held."""
        self.begin(200, ("Content-Type", "multipart/x-mixed-replace; boundary=frame"), *headers)
        camera = self.server.camera
        for _ in range(count):
            if camera.stopped.wait(1 / 25):
                return
            data = next(pictures) if pictures is not None else camera.usual
            self.wfile.write(
                write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(data), data))
            )
        if silent:
            camera.stopped.wait(20)

    def digest(self) -> None:
        """Motion JPEG behind Digest."""
        given = dict(re.findall(r'(\w+)="?([^",]+)', self.headers.get("Authorization", "")))

        def hashed(*texts: str) -> str:
            return hashlib.md5(":".join(texts).encode()).hexdigest()

        own = hashed(hashed(USER, REALM, PASSWORD), NONCE, hashed("GET", self.path))
        of_them = (NONCE, given.get("nc", ""), given.get("cnonce", ""), "auth", hashed("GET", self.path))
        if given.get("response") not in {own, hashed(hashed(USER, REALM, PASSWORD), *of_them)}:
            told = f'Digest realm="{REALM}", nonce="{NONCE}", qop="auth", algorithm=MD5'
            self.whole(401, "text/plain", b"", ("WWW-Authenticate", told))
        else:
            self.stream()

    def changing(self) -> None:
        sizes = ((64, 48), (128, 96), (96, 128))
        shown = [picture(size=size) for size in sizes for _ in range(4)]
        self.stream(pictures=iter(shown * 1000))

    def chunked(self) -> None:
        self.stream(("Transfer-Encoding", "chunked"), write=lambda data: b"%x\r\n%b\r\n" % (len(data), data))

    def zipped(self) -> None:
        packer = zlib.compressobj(wbits=31)
        self.stream(
            ("Content-Encoding", "gzip"), write=lambda data: packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
        )

    def log_message(self, *args: object) -> None:
        del args


def _to(place: str, status: int = 302) -> Callable[[_Handler], None]:
    return lambda handler: handler.whole(status, "text/html", b"<html>moved", ("Location", place))


_TYPES = {".m3u8": "application/vnd.apple.mpegurl", ".mpd": "application/dash+xml", ".ts": "video/mp2t"}
_WAYS: dict[str, Callable[[_Handler], None]] = {
    "std": _Handler.stream,
    "digest": _Handler.digest,
    "changing": _Handler.changing,
    "chunked": _Handler.chunked,
    "zipped": _Handler.zipped,
    "zipped_jpg": lambda handler: handler.whole(
        200, "image/jpeg", gzip.compress(handler.server.camera.usual), ("Content-Encoding", "gzip")
    ),
    "moved": _to("/std"),
    "moved_for_good": _to("/std", 308),
    "moved_to_sign_in": _to("/sign_in"),
    "moved_to_itself": _to("/moved_to_itself"),
    "moved_nowhere": _to(""),
    "sign_in": lambda handler: handler.whole(200, "text/html", b"<!doctype html><title>Sign in</title>"),
    "empty": lambda handler: handler.whole(200, "image/jpeg", b""),
    "no_content": lambda handler: handler.begin(204),
    "silent_after_header": lambda handler: handler.stream(count=0, silent=True),
    "silent_after_pictures": lambda handler: handler.stream(count=5, silent=True),
    "busy": lambda handler: handler.whole(503, "text/html", b"<html>busy", ("Retry-After", "5")),
}


class FieldCamera(ServedCamera):
    """A context manager: what it answers is in `_WAYS`; beside these, `pictures` by name and the files of a folder.

    Args:
        folder: with files of its own. certificate: with key, of a camera that speaks TLS.

    Attributes:
        usual: the picture of its streams. pictures: snapshots by path. asked: how often each path was asked for.
    """

    def __init__(self, folder: Path, *, certificate: Path | None = None) -> None:
        self.folder, self._scheme = folder, "https" if certificate else "http"
        self.usual = picture()
        self.pictures = dict[str, bytes]()
        self.asked = Counter[str]()
        server = _FieldServer(("127.0.0.1", 0), _Handler)
        super().__init__(server)
        server.camera = self
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)

    def address(self, path: str, user: str = "", host: str = "127.0.0.1") -> str:
        """Of one of the paths; `user`: and password."""
        return f"{self._scheme}://{user}{'@' if user else ''}{host}:{self._server.server_address[1]}/{path}"


def coded(
    path: Path,
    codec: str,
    form: str,
    *,
    size: tuple[int, int] = (160, 120),
    frames: int = 50,
    options: dict[str, str] | None = None,
    form_options: dict[str, str] | None = None,
) -> Path:
    """Write a film with a moving edge, 25 pictures a second, a key frame each half second; width and height in pixels."""
    with av.open(str(path), "w", format=form, options=form_options or {}) as container:
        stream = container.add_stream(codec, rate=25, options={"g": "12", **(options or {})})
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        for number in range(frames):
            shown = np.full((size[1], size[0], 3), 60, np.uint8)
            shown[:, : 8 + number * size[0] // (2 * frames)] = 200
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        container.mux(stream.encode())
    return path


@contextlib.contextmanager
def rtmp_camera(film: Path, port: int) -> Iterator[str]:
    """A camera that is watched over RTMP: FFmpeg, which serves one viewer and then ends."""
    address = f"rtmp://127.0.0.1:{port}/live/door"
    command = ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(film), "-c", "copy", "-f", "flv"]
    process = subprocess.Popen([*command, "-listen", "1", address], stdin=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        listening = f"{port:04X}"
        while f":{listening} " not in Path("/proc/net/tcp").read_text() and time.monotonic() < until:
            time.sleep(0.02)
        yield address
    finally:
        process.kill()
        process.wait()
