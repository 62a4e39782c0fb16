"""Write video files."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import StorageError


class VideoWriter:
    """Writes RGB pictures of one size to an MP4 file, replacing it if it exists; use it as a context manager.

    The file gets its final name when it is complete; after an error nothing is left behind.
    """

    def __init__(self, path: Path, fps: float) -> None:
        # with its whole path, because FFmpeg takes a:b.mp4 for an address
        self._path, self._part, self._fps = path, path.with_name(f".{path.stem}.part.mp4").absolute(), fps
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def write(self, image: NDArray[np.uint8]) -> None:
        """Append a picture, RGB uint8 (H, W, 3).

        Raises:
            StorageError: the file cannot be created.
        """
        if self._writer is None:
            height, width = self._size = image.shape[:2]
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StorageError(f"{self._path}: {error.strerror}", hint="choose another folder") from error
            code = cv2.VideoWriter.fourcc(*"mp4v")
            self._writer = cv2.VideoWriter(str(self._part), cv2.CAP_FFMPEG, code, self._fps, (width, height))
            if not self._writer.isOpened():
                hint = "check the folder's access rights"
                raise StorageError(f"{self._path}: the video cannot be written", hint=hint)
        if image.shape[:2] != self._size:  # a video file has one size
            image = np.asarray(cv2.resize(image, self._size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
        self._writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.release()
            if kind is None:
                self._part.replace(self._path)
            else:
                self._part.unlink(missing_ok=True)
