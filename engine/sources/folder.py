"""A folder of pictures as a source."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.errors import InputError
from engine.imaging import list_images, read_image, turned
from engine.sources.times import taken_at
from engine.types import Frame

log = logging.getLogger(__name__)


class FolderSource:
    """The pictures in a folder.

    Args:
        start: time of the first picture; the others follow in the order of their names, one second apart. None: each has the time that
            its name or its EXIF says, and those that say none are left out; if none says one, they begin `now`.
        zone: of times without an offset.

    Raises:
        InputError: the folder has no pictures.
    """

    resting = catching_up = False
    skipped = 0

    def __init__(
        self,
        folder: Path,
        camera: str,
        *,
        start: datetime | None,
        zone: ZoneInfo | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        rotate: int = 0,
    ) -> None:
        paths = list_images(folder)
        if not paths:
            raise InputError(f"{folder}: no pictures in this folder", hint="use a folder with pictures")
        self._pictures = _timed(paths, start, zone, now)
        self._folder, self._camera, self._rotate = folder, camera, rotate
        self._closed = False

    def __iter__(self) -> Iterator[Frame]:
        readable = 0
        for index, (time, path) in enumerate(self._pictures):
            if self._closed:
                return
            try:
                image = turned(read_image(path), self._rotate)
            except InputError as error:
                log.warning("skipped %s", error)
                continue
            readable += 1
            yield Frame(image, time, self._camera, index)

        if not readable and not self._closed:
            raise InputError(f"{self._folder}: no readable picture", hint="use pictures such as JPEG, PNG or HEIC")

    def close(self) -> None:
        self._closed = True


def _timed(
    paths: Sequence[Path], start: datetime | None, zone: ZoneInfo | None, now: Callable[[], datetime]
) -> list[tuple[datetime, Path]]:
    """Pictures with their times in UTC, in order."""
    if start is None and zone is not None:
        known = sorted((time.astimezone(UTC), path) for path in paths if (time := taken_at(path, zone)) is not None)
        if known:
            if len(known) < len(paths):
                log.warning(
                    "%d of %d pictures in %s do not say when they were taken and are left out; with --start, all are taken",
                    len(paths) - len(known),
                    len(paths),
                    paths[0].parent,
                )
            return _spread(known)
        log.warning(
            "neither the names nor the EXIF of the pictures in %s say when they were taken: they are taken as one second apart "
            "from now on; give --start",
            paths[0].parent,
        )
    begin = (start or now()).astimezone(UTC)
    return [(begin + timedelta(seconds=index), path) for index, path in enumerate(paths)]


def _spread(known: Sequence[tuple[datetime, Path]]) -> list[tuple[datetime, Path]]:
    """The same pictures; several of one second share it evenly, as a burst does."""
    spread = []
    for time, found in itertools.groupby(known, key=itemgetter(0)):
        same = list(found)
        spread += [(time + timedelta(seconds=number / len(same)), path) for number, (_, path) in enumerate(same)]
    return spread
