"""Decoded video frames as pictures: RGB, upright."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.reformatter import VideoReformatter


_MOST_UNREADABLE = 1000
"""So many packets in a row that cannot be read end a file."""


def packets_of(
    container: InputContainer, stream: Any, failed: Callable[[Exception], object] = lambda _error: None
) -> Iterator[Any]:
    """Yield a stream's packets up to the end, or to where nothing can be read any more. Damage in between is passed over.

    Args:
        failed: called with each error of reading: damage, or what ended the stream.
    """
    import av  # noqa: PLC0415 - only where videos are processed

    unreadable = 0
    while unreadable < _MOST_UNREADABLE:
        try:
            for packet in container.demux(stream):  # cannot be used further once it has raised
                unreadable = 0
                yield packet
        except av.error.InvalidDataError as error:
            unreadable += 1
            failed(error)
        except av.error.FFmpegError as error:
            failed(error)
            return
        else:
            return


def turns_of(frame: VideoFrame, rotate: int = 0) -> int:
    """Quarter turns to the left that put a frame upright.

    Args:
        rotate: how far the camera's pictures are turned clockwise besides what the container says, in degrees.
    """
    return (round(frame.rotation / 90) - rotate // 90) % 4


def rgb_of(frame: VideoFrame, converter: VideoReformatter, rotate: int = 0) -> NDArray[np.uint8]:
    """A frame as RGB, uint8 (H, W, 3), upright.

    Args:
        converter: one for all frames of a stream, used by one thread at a time.
        rotate: see `turns_of`.
    """
    converted = converter.reformat(frame, format="rgb24")
    # a view of the converted frame: PyAV's own array would be a copy of it
    lines = np.frombuffer(memoryview(converted.planes[0]), np.uint8).reshape(converted.height, -1)
    image = lines[:, : 3 * converted.width].reshape(converted.height, converted.width, 3)
    turns = turns_of(frame, rotate)
    return np.ascontiguousarray(np.rot90(image, turns) if turns else image)
