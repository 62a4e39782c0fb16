"""A network camera on 127.0.0.1 (MJPEG over HTTP) that can go, come back, freeze and refuse."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Sequence
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.imaging import encode_jpeg

__all__ = ["HttpCamera", "ServedCamera", "swaying"]


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # so that server_close() waits for them

    def handle_error(self, request: object, client_address: object) -> None:
        """A viewer went away: nothing to say."""


class ServedCamera:
    """A server that answers in a thread of its own within the context; `stopped` ends its streams."""

    def __init__(self, server: http.server.ThreadingHTTPServer) -> None:
        self.stopped = threading.Event()
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class HttpCamera(ServedCamera):
    """A context manager; while `frozen` is set the connection is kept and nothing more is sent.

    Args:
        pictures: JPEG files, shown one after the other, again and again; others may be put in their place at any time.
        port: TCP port; 0: any free one.
        fps: pictures a second.
    """

    def __init__(self, pictures: Sequence[bytes], port: int = 0, fps: float = 30.0) -> None:
        self.frozen = threading.Event()
        self.pictures = pictures
        camera = self
        began = time.monotonic()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                while not camera.stopped.wait(1 / fps):
                    if not camera.frozen.is_set():
                        shown = camera.pictures
                        picture = shown[int((time.monotonic() - began) * fps) % len(shown)]
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                        self.wfile.write(head.encode() + picture + b"\r\n")

            def log_message(self, *args: object) -> None:
                del args

        super().__init__(_Server(("127.0.0.1", port), Handler))
        self.port = int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """As a source."""
        return f"http://127.0.0.1:{self.port}/video"


def swaying(photos: Sequence[NDArray[np.uint8]], count: int = 40) -> list[bytes]:
    """Pictures, 640×480 JPEG, of people who stand side by side before a camera and sway a little.

    Args:
        photos: RGB uint8 (H, W, 3), one of each; none: an empty hall.
        count: of pictures, a whole sway.
    """
    noise, found = np.random.default_rng(0), []
    high = 300 if len(photos) < 2 else 220
    faces = [
        cv2.resize(photo, (round(photo.shape[1] * high / photo.shape[0]), high), interpolation=cv2.INTER_AREA)
        for photo in photos
    ]
    for index in range(count):
        frame = noise.normal(150, 2, (480, 640, 3)).clip(0, 255).astype(np.uint8)
        for place, face in enumerate(faces):
            left = (120 if len(faces) < 2 else 40 + 300 * place) + round(30 * np.sin(2 * np.pi * index / count))
            frame[100 : 100 + high, left : left + face.shape[1]] = face[:, : 640 - left]
        found.append(encode_jpeg(frame))
    return found
