"""One video stream, of a file or a network camera, decoded frame by frame.

FFmpeg decodes. A packet that is damaged costs its own frame and no other, times are the container's, and a frame is converted to RGB
only if somebody asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import av
import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from engine.imaging import packets_of, rgb_of

_ONE_THREAD_PX = 1920 * 1088
"""Up to this size one thread decodes a camera in real time, for a fifth less work than several do together."""
_USUAL_FPS = 25.0
_DEBLOCKED = frozenset({"h264", "hevc"})
"""Codecs whose decoders smooth the edges of blocks, a quarter of their work."""


class Stream:
    """Decodes in one thread at a time.

    Args:
        spec: path of a file, or a url.
        real_time: nobody waits for more than the camera's own rate.
        timeouts_s: to open the stream and to read from it; None: wait for ever.

    Attributes:
        fps: nominal frame rate.
        frame_count: as the container says; 0 if it does not.
        size: (height, width) in pixels as coded.
        position_s: of the last frame, in seconds since the first.
        damaged: packets that could not be decoded.
        resting: set while nobody needs good pictures or all of them. Frames that no other one needs are left out at once, and from the
            next key frame on, blocks keep their edges; faces are still recognised, until a key frame brings whole pictures again.

    Raises:
        OSError: there is nothing to read, or it is no video.
        ValueError: it has no picture.
    """

    def __init__(
        self,
        spec: str,
        *,
        real_time: bool = True,
        timeouts_s: tuple[float, float] | None = None,
    ) -> None:
        av.logging.set_level(None)  # Muster raises errors of its own
        options = {"rtsp_transport": "tcp"} if spec.startswith(("rtsp://", "rtsps://")) else {}
        try:
            self._container = av.open(spec, options=options, timeout=timeouts_s)
        except av.error.FFmpegError as error:
            raise OSError(str(error)) from error
        if not self._container.streams.video:
            self._container.close()
            raise ValueError(f"{spec}: has no picture")
        stream = self._container.streams.video[0]
        context = self._context = stream.codec_context
        self.size = (context.height, context.width)
        if real_time and context.height * context.width <= _ONE_THREAD_PX:
            stream.thread_type, context.thread_count = "NONE", 1
        else:
            stream.thread_type, context.thread_count = "AUTO", os.cpu_count() or 1
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        self.fps = rate if 0.5 <= rate <= 240 else _USUAL_FPS
        self.frame_count = stream.frames
        self.position_s = 0.0
        self.damaged = 0
        self.resting = False
        self._first_s: float | None = None
        self._tick = stream.time_base
        self._frame: VideoFrame | None = None
        self._frames = self._decoded()
        self._converter = av.video.reformatter.VideoReformatter()

    def grab(self) -> bool:
        """Decode the next frame; False: the stream has ended."""
        self._frame = next(self._frames, None)
        if self._frame is None:
            return False
        time = None if self._frame.pts is None or self._tick is None else float(self._frame.pts * self._tick)
        if self._first_s is None:
            self._first_s = time or 0.0
            return True
        since = None if time is None else time - self._first_s
        self.position_s = since if since is not None and since > self.position_s else self.position_s + 1 / self.fps
        return True

    def retrieve(self) -> NDArray[np.uint8]:
        """The last frame, RGB uint8 (H, W, 3), upright as the container says."""
        assert self._frame is not None
        return rgb_of(self._frame, self._converter)

    def close(self) -> None:
        """Release file or connection."""
        self._frames.close()
        self._container.close()

    def _decoded(self) -> Generator[VideoFrame]:
        can_be_rough, rough = self._context.name in _DEBLOCKED, False
        context = self._decoder(rough) if can_be_rough else self._context
        for packet in packets_of(self._container, self._container.streams.video[0]):
            if packet.is_keyframe and can_be_rough and rough != self.resting:
                yield from context.decode(None)
                rough = not rough
                context = self._decoder(
                    rough
                )  # the old one is dropped with its pictures, a camera's largest share of memory
            context.skip_frame = "NONREF" if self.resting else "DEFAULT"
            try:
                yield from context.decode(packet)
            except av.error.FFmpegError:
                self.damaged += 1

    def _decoder(self, rough: bool) -> av.VideoCodecContext:
        """Another decoder of this stream; `rough`: it does not smooth."""
        made = av.CodecContext.create(self._context.name, "r")
        assert isinstance(made, av.VideoCodecContext)
        made.extradata = self._context.extradata
        made.thread_count, made.thread_type = self._context.thread_count, self._context.thread_type
        if rough:
            made.options = {"skip_loop_filter": "all"}
        return made
