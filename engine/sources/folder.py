"""A folder of pictures as a source."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.errors import InputError
from engine.imaging import list_images, read_image, turned
from engine.types import Frame

log = logging.getLogger(__name__)


class FolderSource:
    """The pictures in a folder in the order of their names, one second apart.

    Raises:
        InputError: the folder has no pictures.
    """

    resting = catching_up = False

    def __init__(self, folder: Path, camera: str, *, start: datetime, interval_s: float = 1.0, rotate: int = 0) -> None:
        self._paths = list_images(folder)
        if not self._paths:
            raise InputError(f"{folder}: no pictures in this folder", hint="use a folder with pictures")
        self._camera, self._start, self._interval = camera, start.astimezone(UTC), interval_s
        self._rotate = rotate
        self._closed = False

    def __iter__(self) -> Iterator[Frame]:
        readable = 0
        for index, path in enumerate(self._paths):
            if self._closed:
                return
            try:
                image = turned(read_image(path), self._rotate)
            except InputError as error:
                log.warning("skipped %s", error)
                continue
            readable += 1
            yield Frame(image, self._start + timedelta(seconds=index * self._interval), self._camera, index)

        if not readable and not self._closed:
            raise InputError(
                f"{self._paths[0].parent}: no readable picture", hint="use pictures such as JPEG, PNG or HEIC"
            )

    def close(self) -> None:
        self._closed = True
