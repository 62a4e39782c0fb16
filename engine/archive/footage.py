"""A recording's container: key frames and times without decoding, segments, and access to any frame.

PyAV reads packets without decoding them, so times are the container's, also with a variable frame rate, and a segment can begin at any
key frame. Decoding uses one thread, so that every machine conceals damaged pictures in the same way.
"""

from __future__ import annotations

import contextlib
import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError, MusterError
from engine.imaging import packets_of, rgb_of, turns_of

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.reformatter import VideoReformatter

SEGMENT_S = 15.0
"""Shortest segment: a recording is cut into as many equal ones as possible."""
WARM_UP_S = 1.0
"""Time before a segment in which faces are searched, so that those in view at its beginning are known."""
_SLACK_FRAMES = 2
_HINT = "give a video file such as MP4, MKV, AVI or MOV; if it was cut off while being copied, copy it again"


def _key() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class Segment:
    """A piece of a recording: frames with keys in [begin, end), or to the last one if `end` is None."""

    number: int
    begin: int
    end: int | None


@dataclass(frozen=True, eq=False)
class Footage:
    """The structure of a container.

    A frame's key is its time stamp in ticks, or its index if the container's times are unusable.

    Attributes:
        tick: seconds per unit of a key.
        first: the first frame's key.
        count: frames in the container.
        missing: further frames that the header promises.
        whole: whether all frames that the header counts are there, so that the file no longer grows.
        seconds: from the first frame to the last.
        size: (height, width) in pixels, as shown.
        rotate: how far the camera's pictures are turned clockwise besides, in degrees.
        numbered: whether keys are indices.
        cues, seeks: (n,) keys of key frames, and the time stamps by which to find them.
    """

    tick: Fraction
    first: int
    count: int
    missing: int
    seconds: float
    size: tuple[int, int]
    numbered: bool
    whole: bool = False
    rotate: int = 0
    cues: NDArray[np.int64] = field(default_factory=_key)
    seeks: NDArray[np.int64] = field(default_factory=_key)

    def offset_s(self, key: int) -> float:
        """Return the seconds from the first frame to a key."""
        return float((key - self.first) * self.tick)

    def offsets_s(self, keys: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the same for (n,) keys."""
        return np.asarray((keys - self.first) * self.tick.numerator / self.tick.denominator, np.float64)

    def segments(self, target_s: float = SEGMENT_S) -> tuple[Segment, ...]:
        """Return equal pieces of about this length, cut at the next key frame; the same for any number of workers."""
        parts = max(1, int(self.seconds // target_s))
        cuts = {self.first}
        for part in range(1, parts):
            row = bisect_left(self.cues, self.first + round(part * self.seconds / parts / self.tick))
            cuts.update(self.cues[row : row + 1].tolist())
        begins = sorted(cuts)
        return tuple(
            Segment(number, *ends) for number, ends in enumerate(zip(begins, [*begins[1:], None], strict=True))
        )

    def before(self, key: int) -> tuple[int, int] | None:
        """Return key and time stamp of the last key frame at or before a key; None for the beginning of the file."""
        row = bisect_right(self.cues, key) - 1
        return (int(self.cues[row]), int(self.seeks[row])) if row > 0 else None

    def cue_between(self, after: int, until: int) -> bool:
        """Return whether a key frame lies in (after, until], so that seeking is quicker than decoding."""
        return bisect_right(self.cues, until) > bisect_right(self.cues, after)


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded frame. Use the pictures of one recording in one thread, because they share a converter.

    Attributes:
        rotate: see `Footage`.
    """

    key: int
    frame: VideoFrame
    converter: VideoReformatter
    rotate: int = 0

    def image(self) -> NDArray[np.uint8]:
        """Return RGB uint8 (H, W, 3), upright according to the container and the camera's settings."""
        return rgb_of(self.frame, self.converter, self.rotate)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels of the upright picture."""
        sides = (self.frame.height, self.frame.width)
        return sides[::-1] if turns_of(self.frame, self.rotate) % 2 else sides


def digest(path: Path) -> str:
    """Return the SHA-256 of a whole file; reading is quick beside decoding, and a part would not reveal a growing file.

    Raises:
        InputError: the file is empty or cannot be read.
    """
    try:
        with path.open("rb") as handle:
            if handle.read(1) == b"":
                raise InputError(f"{path}: the file is empty", hint="copy the recording again, or leave the file out")
            handle.seek(0)
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}", hint="check the path and the access rights on every node"
        ) from error


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, Any]]:
    import av  # noqa: PLC0415 - only where videos are processed

    av.logging.set_level(None)  # Muster counts and reports what matters
    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{path}: not a video that can be read", hint=_HINT) from error
    with container:
        if not container.streams.video:
            raise InputError(f"{path}: has no picture", hint=_HINT)
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise InputError(f"{path}: its video is coded in a way that cannot be read here", hint=_HINT)
        stream.codec_context.thread_count = 1
        stream.thread_type = "NONE"
        yield container, stream


def scan(path: Path, rotate: int = 0) -> Footage:
    """Read a container, decoding only its first picture.

    Args:
        rotate: see `Footage`.

    Raises:
        InputError: the file is not a video, or no picture can be decoded.
    """
    try:
        return _scanned(path, rotate)
    except MusterError:
        raise
    except Exception as error:  # readers of containers raise anything for damaged files
        raise InputError(f"{path}: damaged video ({error or type(error).__name__})", hint=_HINT) from error


def _scanned(path: Path, rotate: int) -> Footage:
    stamps: list[int | None] = []
    cues: list[tuple[int | None, int | None]] = []
    with _opened(path) as (container, stream):
        for packet in packets_of(container, stream):
            if packet.size == 0 or packet.is_discard:
                continue
            stamps.append(packet.pts)
            if packet.is_keyframe:
                cues.append((packet.pts, packet.dts if packet.dts is not None else packet.pts))
        promised = indexed = stream.frames
        rate, tick = stream.average_rate, stream.time_base
        if not promised and container.duration and rate and path.suffix.lower() in {".mp4", ".mov", ".m4v"}:
            promised = int(container.duration / 1_000_000 * rate)
    with Reel(path, None) as reel:
        opening = next(reel.frames(), None)
    if opening is None:
        raise InputError(f"{path}: no picture can be decoded", hint=_HINT)
    size = replace(opening, rotate=rotate).size
    missing = promised - len(stamps) if promised - len(stamps) > _SLACK_FRAMES else 0
    whole = bool(indexed) and not missing
    keys = sorted(stamp for stamp in stamps if stamp is not None)
    marks = [(key, seek) for key, seek in cues if key is not None and seek is not None]
    sensible = tick and len(set(keys)) == len(stamps) and len(marks) == len(cues) and opening.key in set(keys)
    if not sensible or any(each != sorted(each) for each in ([key for key, _ in marks], [seek for _, seek in marks])):
        every = 1 / Fraction(rate) if rate and 0.5 <= rate <= 240 else Fraction(1, 25)
        seconds = float((len(stamps) - 1) * every)
        return Footage(every, 0, len(stamps), missing, seconds, size, numbered=True, whole=whole, rotate=rotate)
    table = np.array(marks, np.int64).reshape(-1, 2)
    return Footage(
        # a recording begins with its first decodable picture, even if it was cut from a stream before a key frame
        Fraction(tick),
        opening.key,
        len(stamps),
        missing,
        float((keys[-1] - opening.key) * tick),
        size,
        numbered=False,
        whole=whole,
        rotate=rotate,
        cues=table[:, 0],
        seeks=table[:, 1],
    )


class Reel:
    """An open recording. Not thread-safe.

    Args:
        footage: from `scan`; without it, reading starts at the beginning.

    Raises:
        InputError: the file cannot be opened.
    """

    def __init__(self, path: Path, footage: Footage | None) -> None:
        self._path, self._footage = path, footage
        self._open = contextlib.ExitStack()
        self._container, self._stream = self._open.enter_context(_opened(path))
        self._used = False
        self._pictures: Iterator[Picture] = iter(())
        self._at: Picture | None = None

    def __enter__(self) -> Reel:
        return self

    def __exit__(self, *_error: object) -> None:
        self._open.close()

    def frames(self, begin: int | None = None, end: int | None = None) -> Iterator[Picture]:
        """Decode frames in order from the last key frame at or before `begin`; earlier iterators end.

        Frames before `begin` are included; those that cannot be decoded are left out.

        Args:
            begin: first wanted key; None: the first frame.
            end: key before which to stop; None: at the end of the file.

        Raises:
            InputError: the file cannot be opened again.
        """
        cue = self._footage.before(begin) if self._footage is not None and begin is not None else None
        if cue is not None and _sought(self._container, self._stream, cue[1]):
            first: int | None = cue[0]
        else:  # the container cannot be searched
            first = None
            if self._used or cue is not None:
                self._open.close()
                self._container, self._stream = self._open.enter_context(_opened(self._path))
        self._used = True
        return _decoded(self._container, self._stream, self._footage, first, end)

    def picture(self, key: int) -> Picture | None:
        """Return the frame of a key, or None if it cannot be decoded; frames in order are decoded in one go.

        Raises:
            InputError: the file cannot be opened again.
        """
        at = self._at
        if at is None or key < at.key or (self._footage is not None and self._footage.cue_between(at.key, key)):
            self._pictures = self.frames(key)
            at = next(self._pictures, None)
        while at is not None and at.key < key:
            at = next(self._pictures, None)
        self._at = at
        return at if at is not None and at.key == key else None


def _sought(container: InputContainer, stream: Any, stamp: int) -> bool:
    """Seek a key frame; return False if the container has none there."""
    import av  # noqa: PLC0415

    try:
        container.seek(stamp, stream=stream, backward=True)
        packet = next(packets_of(container, stream), None)
        reached = packet is not None and packet.dts is not None and packet.dts <= stamp
        container.seek(stamp, stream=stream, backward=True)
    except av.error.FFmpegError:
        return False
    return reached


def _decoded(
    container: InputContainer, stream: Any, footage: Footage | None, first: int | None, end: int | None
) -> Iterator[Picture]:
    """Yield frames from the present position, without a key frame's leading pictures, which need earlier ones."""
    import av  # noqa: PLC0415

    numbered = footage is not None and footage.numbered
    number, converter = 0, av.video.reformatter.VideoReformatter()
    for packet in packets_of(container, stream):
        try:
            decoded = packet.decode()
        except av.error.FFmpegError:
            continue
        for frame in decoded:
            key = number if numbered else frame.pts if frame.pts is not None else frame.dts
            number += 1
            if key is None or (first is not None and key < first):
                continue
            if end is not None and key >= end:
                return
            yield Picture(key, frame, converter, footage.rotate if footage is not None else 0)
