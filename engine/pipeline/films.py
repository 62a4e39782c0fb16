"""Films of incidents: some seconds before and after, as the camera sent them, with the boxes of the faces that were found."""

from __future__ import annotations

import functools
import logging
import threading
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from engine.imaging import with_boxes
from engine.incidents import IncidentBook, IncidentRow
from engine.pipeline.writer import Writer
from engine.sources import Filming, Source
from engine.types import Frame, Severity, Track, TrackState

log = logging.getLogger(__name__)

BEFORE_S, AFTER_S = 4.0, 5.0
_LONGEST_S = 20.0
_BOXES_S = 40.0
_MOST_WAITING = 4
"""Films that wait for a disk; each takes some megabytes."""

_Face = tuple[float, float, float, float, str]


class FilmKeeper:
    """Keeps the films of one camera's incidents.

    Args:
        live: films are made in a thread beside the loop.
    """

    def __init__(self, incidents: IncidentBook, writer: Writer, *, live: bool) -> None:
        self._incidents, self._writer, self._live = incidents, writer, live
        self._source: Filming | None = None
        self._boxes: deque[tuple[float, tuple[_Face, ...]]] = deque()
        self._due: deque[tuple[IncidentRow, datetime, datetime]] = deque()
        self._making: threading.Thread | None = None

    def begin(self, source: Source) -> None:
        """Films are asked of this source, if it can give any and they are kept."""
        self._source = source if isinstance(source, Filming) and self._incidents.films else None

    def wanted(self, row: IncidentRow) -> None:
        """An incident was written; any thread may say so."""
        if self._source is None or row.severity is Severity.INFO:
            return
        since = row.timestamp - timedelta(seconds=BEFORE_S)
        until = max(row.ended or row.timestamp, row.timestamp) + timedelta(seconds=AFTER_S)
        self._due.append((row, since, min(until, row.timestamp + timedelta(seconds=_LONGEST_S))))

    def keep(self, frame: Frame, tracks: Sequence[Track]) -> None:
        """Take a frame in, and make the films that are due."""
        if self._source is None:
            return
        height, width = frame.image.shape[:2]
        faces = tuple(_face(track, width, height) for track in tracks if track.visible)
        boxes, at = self._boxes, frame.time.timestamp()
        if faces or (boxes and boxes[-1][1]):
            boxes.append((at, faces))
        while boxes and not 0 <= at - boxes[0][0] <= _BOXES_S:
            boxes.popleft()
        if self._due and not (self._making and self._making.is_alive()):
            ready = [each for each in list(self._due) if each[2] <= frame.time]
            if ready and self._live:
                self._making = threading.Thread(target=self._make, args=(ready,), name="films", daemon=True)
                self._making.start()
            elif ready:
                self._make(ready)

    def finish(self) -> None:
        """No frame comes any more: make what is due with what there is, before the source is closed."""
        if self._making is not None:
            self._making.join()
        self._make(list(self._due))

    def _make(self, ready: Sequence[tuple[IncidentRow, datetime, datetime]]) -> None:
        for each in ready:
            self._due.remove(each)
            row, since, until = each
            film = self._source.film(since, until) if self._source is not None else None
            if film is None:
                log.warning("camera %s: there is no film of incident %s", row.camera, row.incident_id)
                continue
            if self._writer.count("films") >= _MOST_WAITING:
                continue
            begin, end = film.start_s, until.timestamp()
            shown = [(round(at - begin, 3), faces) for at, faces in list(self._boxes) if begin <= at <= end]
            content = with_boxes(film.mp4, {"turned": film.turned, "frames": shown})
            self._writer.submit("films", functools.partial(self._incidents.keep_film, row, content))


def _face(track: Track, width: int, height: int) -> _Face:
    left, top, right, bottom = (float(each) for each in track.box)
    who = track.identity.person if track.identity.state is TrackState.KNOWN else track.unknown_id
    box = (left / width, top / height, (right - left) / width, (bottom - top) / height)
    return (*(round(each, 4) for each in box), who or "")  # type: ignore[return-value]
