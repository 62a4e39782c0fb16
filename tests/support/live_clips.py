"""Clips shown as live network cameras (H.264 in MPEG-TS over HTTP), again and again from the moment on at which somebody connects."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import av

__all__ = ["LiveClips"]

_HEAD_S = 0.2
"""A packet leaves so long before it is due at the latest; cameras' clocks are not exact either."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A viewer went away: nothing to say."""


class LiveClips:
    """A context manager: one server for several cameras, each at an address of its own.

    Args:
        clips: H.264 files by the camera's name.

    Attributes:
        shown: by camera, how long each connection has been shown its clip, seconds: those that ended and the one that goes on.
    """

    def __init__(self, clips: Mapping[str, Path]) -> None:
        self._stopped = threading.Event()
        self.shown: dict[str, list[float]] = {name: [] for name in clips}
        camera = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.strip("/").removesuffix(".ts")
                if name not in clips:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "video/mp2t")
                self.end_headers()
                camera._send(name, clips[name], self.wfile)

            def log_message(self, *args: object) -> None:
                del args

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def address(self, name: str) -> str:
        """A camera as a source."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/{name}.ts"

    def __enter__(self) -> LiveClips:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _send(self, name: str, clip: Path, out: Any) -> None:
        began, number = time.monotonic(), len(self.shown[name])
        self.shown[name].append(0.0)
        with av.open(out, "w", format="mpegts", options={"flush_packets": "1"}) as sent, av.open(str(clip)) as first:
            stream = sent.add_stream_from_template(first.streams.video[0])
            for packet, due_s in _packets(clip):
                if self._stopped.wait(max(0.0, began + due_s - _HEAD_S - time.monotonic())):
                    return
                packet.stream = stream
                sent.mux_one(packet)
                self.shown[name][number] = due_s


def _packets(clip: Path) -> Iterator[tuple[av.Packet, float]]:
    """The packets of a clip, again and again, and when each is due, seconds from the first."""
    shift = 0
    while True:
        with av.open(str(clip)) as read:
            video = read.streams.video[0]
            assert video.time_base is not None
            assert video.average_rate is not None
            step, last = round(1 / (video.average_rate * video.time_base)), 0
            for packet in read.demux(video):
                if packet.dts is None or packet.pts is None:
                    continue
                last = max(last, packet.pts)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                yield packet, float(packet.dts * video.time_base)
            shift += last + step
