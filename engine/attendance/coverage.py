"""When cameras were watching: without this, nobody's absence means anything.

Each row of the log says that a camera was watching from one moment to another. A recorder writes one every minute, and when the camera
is lost or stopped. If a recorder is killed, the time since its last row counts as not covered.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.storage import repeatable
from engine.storage.logs import FileLogs, Logs
from engine.storage.logs.rows import RowType, TypedDayLog

_KNOWN = timedelta(days=3)
"""If the settings name no entrance, every camera that watched within this time belongs to it: long enough for a weekend."""
COVERAGE_DAYS = 2 + _KNOWN.days
"""Number of days before a day whose files say what was covered on it."""

_Spans = list[tuple[datetime, datetime]]


@dataclass(frozen=True)
class Span:
    """A time during which a camera was watching, and why it ended: `running`, `lost`, `gap` or `stopped`."""

    camera: str
    begins: datetime
    ends: datetime
    why: str = "running"
    detail: str = ""


SPAN = RowType(Span)


class Watching:
    """Turns the frames of one camera into spans.

    Args:
        gap_s: a camera that delivers no frame for longer than this was not watching.
        every_s: length at which a span is complete.
    """

    def __init__(self, camera: str, gap_s: float, every_s: float) -> None:
        self._camera = camera
        self._gap, self._every = timedelta(seconds=gap_s), timedelta(seconds=every_s)
        self._begin: datetime | None = None
        self._last: datetime | None = None

    def frame(self, time: datetime) -> list[Span]:
        """Process a frame; return the spans that are complete."""
        spans: list[Span] = []
        if self._last is not None and not timedelta(0) <= time - self._last <= self._gap:
            spans = self.pause("gap")
        if self._begin is None or self._last is None:
            self._begin = self._last = time
            return spans
        self._last = time
        if time - self._begin >= self._every:
            spans.append(Span(self._camera, self._begin, time))
            self._begin = time
        return spans

    def pause(self, why: str, detail: str = "") -> list[Span]:
        """The camera was lost, or the run is over; return the span up to its last frame."""
        begin, last = self._begin, self._last
        self._begin = self._last = None
        return [] if begin is None or last is None else [Span(self._camera, begin, last, why, detail)]


@dataclass(frozen=True)
class Coverage:
    """When each camera of the entrance was watching.

    Attributes:
        cameras: all of them must watch, because people may pass any. Empty: those that watched in the time in question or in the three
            days before it.
        spans: by camera, merged and in order.
        outage: gaps no longer than this are ignored.
    """

    cameras: tuple[str, ...]
    spans: Mapping[str, Sequence[tuple[datetime, datetime]]]
    outage: timedelta

    def gaps(self, begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """Times between two moments at which not all cameras were watching, in order."""
        if begin >= end:
            return []
        cameras = self.cameras or [camera for camera in self.spans if self._within(camera, begin - _KNOWN, end)]
        missing: _Spans = [] if cameras else [(begin, end)]
        for camera in cameras:
            at = begin
            for since, until in self._within(camera, begin, end):
                if since > at:
                    missing.append((at, since))
                at = until
            if at < end:
                missing.append((at, end))
        return [(since, until) for since, until in _merged(missing) if until - since > self.outage]

    def _within(self, camera: str, begin: datetime, end: datetime) -> Sequence[tuple[datetime, datetime]]:
        """Spans of a camera that overlap the time between two moments."""
        spans = self.spans.get(camera, ())
        return spans[bisect_right(spans, begin, key=itemgetter(1)) : bisect_right(spans, end, key=itemgetter(0))]

    def share(self, begin: datetime, end: datetime) -> float:
        """Share of the time between two moments that was covered, 0 to 1."""
        whole = (end - begin).total_seconds()
        lost = sum((until - since).total_seconds() for since, until in self.gaps(begin, end))
        return 1 - lost / whole if whole > 0 else 1.0


def _merged(spans: Iterable[tuple[datetime, datetime]]) -> _Spans:
    merged: _Spans = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


class CoverageBook:
    """The coverage log.

    Args:
        entrances: cameras of the settings that must watch.
        others: cameras of the settings that need not.
        outage_s: shorter gaps are ignored.
    """

    def __init__(
        self,
        folder: Path,
        zone: ZoneInfo,
        *,
        entrances: Collection[str] = (),
        others: Collection[str] = (),
        outage_s: float = 60.0,
        logs: Logs | None = None,
    ) -> None:
        self.log = TypedDayLog((logs or FileLogs(folder)).daily("coverage", SPAN.columns), SPAN)
        self._zone = zone
        self._entrances, self._others = frozenset(entrances), frozenset(others)
        self._outage = timedelta(seconds=outage_s)
        self._days: dict[date, tuple[object, Mapping[str, _Spans]]] = {}

    def record(self, span: Span) -> None:
        """Write durably that a camera was watching.

        Raises:
            StorageError: the row could not be written.
        """
        span = replace(span, begins=span.begins.astimezone(self._zone), ends=span.ends.astimezone(self._zone))
        day = span.begins.date()
        with self.log.exclusive():
            if not (repeatable() and SPAN.cells(span) in map(SPAN.cells, self.log.read(day))):
                self.log.append(day, [span])

    @property
    def rules(self) -> str:
        """The cameras that count and the shortest gap that does, as a text to compare."""
        return repr((sorted(self._entrances), sorted(self._others), self._outage))

    def between(self, first: date, last: date) -> Coverage:
        """The coverage of the entrance from the day before `first` to two days after `last`."""
        spans = self.watched(first - timedelta(days=COVERAGE_DAYS), last + timedelta(days=2))
        counted = {camera: found for camera, found in spans.items() if camera not in self._others}
        return Coverage(tuple(sorted(self._entrances)), counted, self._outage)

    def watched(self, first: date, last: date) -> Mapping[str, Sequence[tuple[datetime, datetime]]]:
        """When each camera was watching, at the entrance or not: merged spans that begin from `first` to `last`."""
        spans: dict[str, _Spans] = {}
        for day in (first + timedelta(days=offset) for offset in range((last - first).days + 1)):
            for camera, found in self._day(day).items():
                spans.setdefault(camera, []).extend(found)
        return {camera: _merged(found) for camera, found in spans.items()}

    def _day(self, day: date) -> Mapping[str, _Spans]:
        """The merged spans of a day's file, cached until it grows."""
        rows = self.log.read(day)
        state, known = (len(rows), rows[-1:]), self._days.get(day)
        if known is not None and known[0] == state:
            return known[1]
        spans: dict[str, _Spans] = {}
        for row in rows:
            spans.setdefault(row.camera, []).append((row.begins, row.ends))
        merged = {camera: _merged(found) for camera, found in spans.items()}
        self._days[day] = (state, merged)
        return merged
