"""Tracks and time to events, and which tracks an alarm is on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from engine.events import EventMaker
from engine.types import Event, EventKind, Severity, SourceEvent, Track

log = logging.getLogger(__name__)

_ALARM_S = 3


class CameraEvents:
    """Makes the events of one camera."""

    def __init__(self, maker: EventMaker) -> None:
        self._maker = maker
        self._alarm: tuple[frozenset[int], datetime] | None = None

    @property
    def passage_open(self) -> bool:
        """People are passing together, so an incident may come of it."""
        return self._maker.passage_open

    def update(self, tracks: Sequence[Track], time: datetime, *, final: bool) -> list[Event]:
        """The events that begin now; `final`: settle what is open."""
        events = self._maker.update(tracks, time, final=final)
        for event in events:
            if event.kind is EventKind.TAILGATING and event.severity is not Severity.INFO:
                self._alarm = (frozenset(event.track_ids), time + timedelta(seconds=_ALARM_S))
        return events

    def alarmed(self, time: datetime) -> frozenset[int]:
        """Tracks of a running tailgating incident."""
        return self._alarm[0] if self._alarm and time <= self._alarm[1] else frozenset()

    def source_event(self, item: SourceEvent) -> Event:
        """The camera was lost or is back.

        Raises:
            ValueError: no event is of that kind.
        """
        severity = Severity.MEDIUM if item.kind == EventKind.CAMERA_LOST else Severity.INFO
        event = Event(EventKind(item.kind), item.time, item.camera, severity=severity, detail=item.detail)
        log.warning(
            "camera %s: %s%s", item.camera, item.kind.replace("_", " "), f", {item.detail}" if item.detail else ""
        )
        if event.kind is EventKind.CAMERA_BACK:
            self._maker.resumed(item.time)
        else:
            self._maker.interrupted(item.time)
        return event
