"""Short films in MP4 files: of a camera's own packets as they came, or of pictures that are encoded anew.

Boxes of faces that belong to a film stand at its end in a box of the container that players pass over (`uuid`), as JSON.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError
from engine.imaging.broadcast import shrunk
from engine.imaging.frames import rgb_of

if TYPE_CHECKING:
    from av import Packet, VideoStream

_MARK = bytes.fromhex("6d757374657220666163657320626f78")
_BOX = struct.Struct(">I4s16s")
_LONGEST_SIDE, _FEWEST_PX = 1280, 16
_TICK = Fraction(1, 1000)


@dataclass(frozen=True)
class Film:
    """A film.

    Attributes:
        mp4: the file, H.264.
        start_s: when its first picture was taken, on the clock of whoever made it.
        turned: degrees clockwise by which a player must turn it: 0, 90, 180 or 270.
    """

    mp4: bytes
    start_s: float
    turned: int = 0


def remuxed(packets: Sequence[Packet[Any]], like: VideoStream) -> bytes:
    """An MP4 file of packets as they are; empty: none of them has a time.

    Args:
        packets: in the order of decoding, the first one a key frame.
        like: the stream that they came from.
    """
    import av  # noqa: PLC0415 - only where videos are processed

    buffer = io.BytesIO()
    first = last = None
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream_from_template(like, opaque=True)
        for each in packets:
            at = each.dts if each.dts is not None else each.pts
            if at is None or (last is not None and at <= last):  # a muxer takes no time twice
                continue
            first, last = at if first is None else first, at
            packet = av.Packet(bytes(each))
            packet.dts, packet.time_base = at - first, each.time_base
            packet.pts = max(at, each.pts if each.pts is not None else at) - first
            packet.is_keyframe = each.is_keyframe
            packet.stream = stream
            container.mux(packet)
    return buffer.getvalue() if first is not None else b""


def encoded(pictures: Iterable[tuple[float, NDArray[np.uint8]]]) -> bytes:
    """An MP4 file of pictures; empty: there are none.

    Args:
        pictures: seconds since the first one, and RGB uint8 (H, W, 3); larger ones are made smaller.
    """
    import av  # noqa: PLC0415 - only where videos are processed

    buffer = io.BytesIO()
    stream: Any = None
    last = -1
    with av.open(buffer, "w", format="mp4") as container:
        for time_s, picture in pictures:
            small = np.ascontiguousarray(shrunk(picture, _LONGEST_SIDE)[0])
            small = small[: small.shape[0] // 2 * 2, : small.shape[1] // 2 * 2]
            if min(small.shape[:2]) < _FEWEST_PX:
                continue
            if stream is None:
                stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "26"})
                stream.height, stream.width = small.shape[:2]
                stream.pix_fmt, stream.time_base = "yuv420p", _TICK
                stream.codec_context.time_base = _TICK
                stream.codec_context.thread_count = 1
            if small.shape[:2] != (stream.height, stream.width):
                continue
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(small), format="rgb24")
            frame.pts = last = max(round(1000 * time_s), last + 1)
            frame.time_base = _TICK
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode(None))
    return buffer.getvalue() if stream is not None else b""


def pictures_of(mp4: bytes, step_s: float) -> Iterator[NDArray[np.uint8]]:
    """Yield pictures of a film, RGB uint8 (H, W, 3), about `step_s` seconds apart.

    Raises:
        InputError: it cannot be decoded.
    """
    import av  # noqa: PLC0415 - only where videos are processed

    shown = -step_s
    try:
        with av.open(io.BytesIO(mp4), "r") as container:
            converter = av.video.reformatter.VideoReformatter()
            for frame in container.decode(video=0):
                if (frame.time or 0.0) - shown >= step_s:
                    shown = frame.time or 0.0
                    yield rgb_of(frame, converter)
    except (av.error.FFmpegError, IndexError) as error:
        raise InputError("a film cannot be decoded", hint="restore it from a backup") from error


def with_boxes(mp4: bytes, boxes: object) -> bytes:
    """A film's file with what belongs to it, which JSON can express, at its end."""
    content = json.dumps(boxes, separators=(",", ":")).encode()
    return mp4 + _BOX.pack(_BOX.size + len(content), b"uuid", _MARK) + content


def boxes_of(mp4: bytes) -> Any:
    """The reverse of `with_boxes`; None: nothing stands there."""
    at = mp4.rfind(b"uuid" + _MARK) - 4
    if at < 0:
        return None
    return json.loads(mp4[at + _BOX.size :])
