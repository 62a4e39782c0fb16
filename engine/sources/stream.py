"""One video stream, of a file or a network camera, decoded frame by frame.

FFmpeg decodes. A packet that is damaged costs its own frame and no other, times are the container's, and a frame is converted to RGB
only if somebody asks for it.
"""

from __future__ import annotations

import math
import os
import time as clock
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from av import Packet, VideoFrame
from numpy.typing import NDArray

from engine.imaging import Film, packets_of, rgb_of
from engine.sources.doze import Chase, Held, Spacing
from engine.sources.film import KEPT_AT_REST_S, KEPT_S, PacketRing
from engine.sources.trouble import NoPicture, Trouble, Unreadable, of_error

_ONE_THREAD_PX = 1920 * 1088
"""Up to this size one thread decodes a camera in real time, for a fifth less work than several do together."""
_USUAL_FPS = 25.0
_DEBLOCKED = frozenset({"h264", "hevc"})
"""Codecs whose decoders smooth the edges of blocks, a quarter of their work."""
_JUMP_S = 0.5
_OPTIONS = {
    ("rtsp://", "rtsps://"): {"rtsp_transport": "tcp"},
    ("rtmp://", "rtmps://"): {"analyzeduration": "1000000"},  # FFmpeg would wait five seconds for a sound
}
_DECODES_IN_S = 2.0
"""A stream that can be decoded gives a frame so soon after its first key frame."""
_MOST_REORDERED = 16
"""Frames that a decoder may hold to put them in order."""


class Stream:
    """Decodes in one thread at a time.

    Args:
        spec: path of a file, or a url.
        real_time: nobody waits for more than the camera's own rate.
        timeouts_s: to open the stream and to read from it; None: wait for ever.
        doze_s: a stream that rests shows only its key frames if they are no further apart than this. When two of them differ, all that
            lies between is decoded after all. 0: it never does.
        pace: called with the time of a packet, in seconds since the first, before a dozing stream looks at it: a file must not know
            more than a camera would.

    Attributes:
        fps: nominal frame rate. codec: such as `h264`.
        frame_count: as the container says; 0 if it does not.
        size: (height, width) in pixels as coded.
        position_s: of the last frame, in seconds since the first.
        damaged: packets that could not be read or decoded.
        waiting: why a camera that does send has given no frame yet; None while that is no wonder.
        resting: set while nobody needs good pictures or all of them. Frames that no other one needs are left out at once, and from the
            next key frame on, blocks keep their edges; faces are still recognised, until a key frame brings whole pictures again.
        passed_over: frames before the last one that nobody looked at.
        behind_s: how long ago the last frame came while the stream catches up; otherwise 0.

    Raises:
        Unreadable: there is nothing to read, it is no video, or it has no picture.
    """

    def __init__(
        self,
        spec: str,
        *,
        real_time: bool = True,
        timeouts_s: tuple[float, float] | None = None,
        doze_s: float = 0.0,
        pace: Callable[[float], object] = lambda _time_s: None,
    ) -> None:
        av.logging.set_level(None)  # Muster raises errors of its own
        options = next((each for schemes, each in _OPTIONS.items() if spec.lower().startswith(schemes)), {})
        self._live, began = timeouts_s is not None, clock.monotonic()
        try:
            # a file's name may look like an address: 2026-11-22T08:55:00.mp4
            self._container = av.open(
                spec if self._live else str(Path(spec).absolute()), options=options, timeout=timeouts_s
            )
        except (av.error.FFmpegError, OSError, ValueError) as error:
            why = of_error(error, spec if self._live else "")
            # FFmpeg's RTSP does not say so
            if timeouts_s is not None and clock.monotonic() - began > 0.9 * timeouts_s[0]:
                why = NoPicture(Trouble.TIMEOUT)
            raise Unreadable(why.kind, why.extra) from error
        streams = self._container.streams
        # of a code that FFmpeg does not know, there is no context
        if not streams.video or getattr(streams.video[0], "codec_context", None) is None:
            kind = Trouble.CODEC if streams.video else Trouble.NO_VIDEO if len(streams) else Trouble.NOT_VIDEO
            self._container.close()
            raise Unreadable(kind)
        stream = streams.video[0]
        context = self._context = stream.codec_context
        self.size = (context.height, context.width)
        if real_time and context.height * context.width <= _ONE_THREAD_PX:
            stream.thread_type, context.thread_count = "NONE", 1
        else:
            stream.thread_type, context.thread_count = "AUTO", os.cpu_count() or 1
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        self.fps = rate if 0.5 <= rate <= 240 else _USUAL_FPS
        self.codec = context.name
        self.frame_count = stream.frames
        self.position_s = 0.0
        self.damaged = 0
        self.waiting: NoPicture | None = None
        self._first_by = began + timeouts_s[0] if timeouts_s is not None else None
        self._seen_any, self._key_at = False, math.inf
        self._ended_by: Exception | None = None
        self._no_decoder = False
        self.resting = False
        self.passed_over = 0
        self.behind_s = 0.0
        self._pace = pace
        self._spacing = Spacing(doze_s if context.name in _DEBLOCKED else 0.0)
        self._held = Held()
        self._ring = PacketRing()
        self._chase: Chase | None = None
        self._in_time = (0.0, 0.0)
        self._shown_pts: int | None = None
        self._may_repeat = 0
        self._first_s: float | None = None
        self._tick = stream.time_base
        self._frame: VideoFrame | None = None
        self._frames = self._decoded()
        self._converter = av.video.reformatter.VideoReformatter()

    def grab(self) -> bool:
        """Decode the next frame; False: the stream has ended.

        Raises:
            Unreadable: a camera gives no more, and why.
        """
        self.passed_over = 0
        self._frame = next(self._frames, None)
        if self._frame is None:
            if self._live:
                raise self._end()
            return False
        self._first_by = self.waiting = None
        since = self._since_first(self._frame)
        if self._first_s is None:
            self._first_s = since or 0.0
            return True
        after = self.position_s + 1 / self.fps
        if since is not None and since < self.position_s - _JUMP_S:  # the camera was set back, or has begun anew
            self._first_s += since - after
            since = after
        self.position_s = since if since is not None and since > self.position_s else after
        self.behind_s = self._chase.behind_s(self.position_s) if self._chase else 0.0
        if self.behind_s <= 0.5 / self.fps:
            self._chase, self.behind_s = None, 0.0
        return True

    def _end(self) -> Unreadable:
        """Why a camera gives nothing more."""
        began, silent = self._first_by is None, isinstance(self._ended_by, av.error.ExitError)
        if began:
            return Unreadable(Trouble.STALLED if silent else Trouble.ENDED)
        if self._no_decoder or self._key_at < math.inf:
            return Unreadable(Trouble.CODEC if self._no_decoder else Trouble.UNDECODABLE, self._context.name)
        return Unreadable(Trouble.NO_KEY_FRAME if self._seen_any else Trouble.TIMEOUT if silent else Trouble.NOT_VIDEO)

    def _wait(self) -> None:
        """Note that packets come but no frame does; give up if they cannot be decoded."""
        if self._first_by is None or clock.monotonic() < self._first_by:
            return
        if self._key_at < math.inf:  # opening alone may have taken all the time
            if clock.monotonic() - self._key_at > _DECODES_IN_S:
                raise self._end()
            return
        self.waiting = NoPicture(Trouble.NO_KEY_FRAME)

    @property
    def catching_up(self) -> bool:
        """Whether the last frame is one that was held back, or came meanwhile: none of them may be left out."""
        return self._chase is not None

    def _since_first(self, item: VideoFrame | Packet[Any]) -> float | None:
        """Seconds since the first frame; None: the container does not say."""
        if item.pts is None or self._tick is None:
            return None
        return float(item.pts * self._tick) - (self._first_s or 0.0)

    def retrieve(self) -> NDArray[np.uint8]:
        """The last frame, RGB uint8 (H, W, 3), upright as the container says."""
        assert self._frame is not None
        return rgb_of(self._frame, self._converter)

    def _remember(self, packet: Packet[Any]) -> None:
        if self._live:
            moment = clock.monotonic()
        elif packet.dts is not None and self._tick is not None:
            moment = float(packet.dts * self._tick)
        else:
            return
        self._ring.add(packet, moment, keep_s=KEPT_AT_REST_S if self.resting else KEPT_S)

    def film(self, since: float, until: float) -> Film | None:
        """A film of what came from one moment to another; any thread may ask until `close`.

        Args:
            since, until: of a camera, `time.monotonic`; of a file, seconds since the first frame. So is the film's start.
        """
        shift = 0.0 if self._live else (self._first_s or 0.0)
        film = self._ring.film(since + shift, until + shift, self._container.streams.video[0])
        return film and replace(film, start_s=film.start_s - shift)

    def close(self) -> None:
        """Release file or connection."""
        self._frames.close()
        self._container.close()

    def _decoded(self) -> Generator[VideoFrame]:
        can_be_rough, rough = self._context.name in _DEBLOCKED, False
        context = self._decoder(rough=rough) if can_be_rough else self._context
        for packet in packets_of(self._container, self._container.streams.video[0], self._failed):
            self._seen_any = self._seen_any or packet.size > 0
            if packet.is_keyframe and packet.size:
                self._key_at = min(self._key_at, clock.monotonic())
            self._wait()
            time_s = self._since_first(packet)
            if packet.size:
                self._remember(packet)
            if packet.is_keyframe and time_s is not None:
                self._spacing.key_frame(time_s)
            if self._held or (packet.is_keyframe and self.resting and self._spacing.short):
                if not self._held:
                    yield from self._frames_of(context, None)
                    context, rough = self._decoder(rough=False), False  # the old one's pictures take 50 MB
                if (alone := self._dozing(packet, time_s)) is not None:
                    yield from alone
                    continue
                self._chase = Chase(*self._in_time)
                held = self._held.taken()
                self._shown_pts, self._may_repeat = held[0].pts, _MOST_REORDERED
                for each in held:
                    yield from self._frames_of(context, each)
                continue
            if packet.is_keyframe and can_be_rough and rough != self.resting:
                yield from self._frames_of(context, None)
                rough = not rough
                # the old one is dropped with its pictures, a camera's largest share of memory
                context = self._decoder(rough=rough)
            context.skip_frame = "NONREF" if self.resting and not self.catching_up else "DEFAULT"
            yield from self._frames_of(context, packet)

    def _failed(self, error: Exception) -> None:
        """Reading failed: at a damaged place, or for good."""
        if isinstance(error, av.error.InvalidDataError):
            self.damaged += 1
        else:
            self._ended_by = error

    def _frames_of(self, context: av.VideoCodecContext, packet: Packet[Any] | None) -> list[VideoFrame]:
        """What a packet brings out of a decoder; None: all that it still has."""
        try:
            frames = context.decode(packet)
        except (av.error.FFmpegError, NotImplementedError) as error:
            self.damaged += 1
            self._no_decoder = isinstance(error, NotImplementedError | av.error.PatchWelcomeError)
            return []
        while frames and self._shown_pts is not None:  # the first frame that was held back has been shown
            repeated = frames[0].pts is not None and frames[0].pts <= self._shown_pts
            if repeated and self._may_repeat:  # not for ever, because a camera's times may jump back
                self._may_repeat -= 1
                del frames[0]
            else:
                self._shown_pts = None
        return frames

    def _dozing(self, packet: Packet[Any], time_s: float | None) -> list[VideoFrame] | None:
        """Hold a packet back; the frames to show meanwhile, which are few. None: all that is held must be decoded, this packet included."""
        if not self.resting or time_s is None or self._held.full or self._spacing.overdue(time_s):
            if self.resting:
                self._spacing.forget()
            self._held.add(packet)
            return None
        self._pace(time_s)
        moment = clock.monotonic()
        if not packet.is_keyframe:
            self._held.add(packet)
            return []
        peek = self._decoder(rough=True)
        frames = [*self._frames_of(peek, packet), *self._frames_of(peek, None)]
        if not frames or not self._held.still(frames[0]):
            self._held.add(packet)
            return None
        self.passed_over = self._held.passed_over
        self._held.taken()
        self._held.add(packet)
        self._in_time = moment, time_s
        return frames

    def _decoder(self, *, rough: bool) -> av.VideoCodecContext:
        """Another decoder of this stream; `rough`: it does not smooth."""
        made = av.CodecContext.create(self._context.name, "r")
        assert isinstance(made, av.VideoCodecContext)
        made.extradata = self._context.extradata
        made.thread_count, made.thread_type = self._context.thread_count, self._context.thread_type
        if rough:
            made.options = {"skip_loop_filter": "all"}
        return made
