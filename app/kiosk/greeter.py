"""Decides whom the kiosk greets and how. It calls a punch recorded only once it is in the log."""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.kiosk.hub import Hub
from app.kiosk.offers import Offers
from engine.attendance import Meaning, PunchRow, valid_rows
from engine.errors import MusterError, StorageError
from engine.pipeline import FrameResult
from engine.records.today import Arrival, arrivals
from engine.types import NOBODY, EventKind
from engine.workbench import Workbench

log = logging.getLogger(__name__)

STATUSES = ("on_time", "late", "came", "recorded", "again", "leaving", "saving")
_PATIENCE_S = 1.0
"""After this time a recognised person without a new row has an earlier one, or the disk is unavailable."""
_FRESH = timedelta(seconds=30)
"""A row older than this brings no greeting, because the person has left."""
_NOON, _EVENING = 12, 18
_GREETED = frozenset({"punch", "seen", "retract"})
"""Rows that bring a greeting, or take one away."""
_REMEMBERED = 1000


@dataclass(frozen=True)
class _Expected:
    """A recognised person whose row is not written yet."""

    employee_id: str
    time: datetime
    due: float


@dataclass(frozen=True)
class _Written:
    """A row of another process, by its id and time."""

    event_id: str
    time: datetime


def first_name(name: str) -> str:
    """The first name for a greeting: `Ada` from `Ada Lovelace` or `Lovelace, Ada`."""
    family, comma, given = name.partition(",")
    return ((given if comma and given.strip() else family).split() or [""])[0]


class Greeter:
    """Turns rows and sightings of one camera into greetings, in its own thread because shift look-ups take time."""

    def __init__(self, bench: Workbench, camera: str, hub: Hub, offers: Offers | None = None) -> None:
        self._bench, self._camera, self._hub = bench, camera, hub
        self._jobs: queue.SimpleQueue[PunchRow | _Expected | _Written | None] = queue.SimpleQueue()
        self._expected: dict[str, _Expected] = {}
        self._greeted: dict[str, str] = {}
        self._thread: threading.Thread | None = None
        self._offers = offers
        self.count = 0

    @property
    def alive(self) -> bool:
        """It is at work."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._work, name="greetings", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Publish the remaining greetings and stop."""
        self._jobs.put(None)
        if self._thread is not None:
            self._thread.join(10)

    def saw(self, result: FrameResult) -> None:
        """Accept the result of a frame. Called in the camera's thread; returns at once."""
        for event in result.events:
            if event.kind is EventKind.SIGHTING and event.arrival:
                self.expect(event.employee_ids[0], event.time)
        for row in result.rows:
            if isinstance(row, PunchRow):
                self.row(row)

    def expect(self, employee_id: str, time: datetime) -> None:
        """Somebody was recognised, and their row is on its way."""
        self._jobs.put(_Expected(employee_id, time, clock.monotonic() + _PATIENCE_S))

    def written(self, event_id: str, time: datetime) -> None:
        """Another process wrote a row."""
        self._jobs.put(_Written(event_id, time))

    def row(self, row: PunchRow) -> None:
        """Accept a row that is now durable."""
        if row.event in _GREETED and row.camera == self._camera:
            self._jobs.put(row)

    def by_hand(self, employee_id: str, row: PunchRow | None, method: str = "pin") -> dict[str, Any]:
        """Greet a person at once after they entered their PIN or showed a badge; without a row there was one from a moment ago."""
        now = self._bench.clock()
        greeting = self.greeting(row) if row else self._without_row(_Expected(employee_id, now, 0.0))
        greeting["method"] = method
        self._greet(greeting)
        return greeting

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=0.1 if self._expected else None)
            except queue.Empty:
                self._overdue()
                continue
            if job is None:
                return
            self._tried(lambda job=job: self._take(job))  # type: ignore[misc]
            self._overdue()

    @staticmethod
    def _tried(work: Callable[[], object]) -> None:
        """Isolates one failed greeting from the others."""
        try:
            work()
        except MusterError as error:
            log.warning("a greeting is missing: %s", error)
        except Exception:
            log.exception("a greeting is missing")

    def _take(self, job: PunchRow | _Expected | _Written) -> None:
        if isinstance(job, _Written):
            day = self._bench.attendance.day_of(job.time)
            for row in self._bench.attendance.log.read(day, day):
                if row.event_id == job.event_id and row.event in _GREETED:
                    self._take(row)
            return
        if isinstance(job, _Expected):
            self._expected.setdefault(job.employee_id, job)
            return
        employee_id = job.employee_id
        self._expected.pop(employee_id, None)
        if job.event == "retract":
            self.withdraw(employee_id, job.refers_to)
        elif self._bench.clock() - job.timestamp < _FRESH:
            self._greet(self.greeting(job))

    def _overdue(self) -> None:
        now = clock.monotonic()
        for each in [each for each in self._expected.values() if each.due <= now]:
            del self._expected[each.employee_id]
            self._tried(lambda each=each: self._greet(self._without_row(each)))  # type: ignore[misc]

    def _greet(self, greeting: dict[str, Any]) -> None:
        self.count += 1
        self._hub.publish("greeting", greeting)

    def withdraw(self, employee_id: str, event_id: str) -> None:
        """A passage was taken back: its greeting goes, and nobody may change it any more."""
        if self._offers is not None:
            self._offers.end(event_id)
        if employee_id in self._greeted:
            self._hub.publish("withdrawn", {"key": self._greeted.pop(employee_id)})

    def changed(self, row: PunchRow, offer: str) -> dict[str, Any]:
        """Tell all screens what a passage counts as now, after the person changed it under an offer; return the greeting."""
        greeting = {**self.greeting(row, offer), "changed": True}
        self._hub.publish("changed", greeting)
        return greeting

    def greeting(self, row: PunchRow, offer: str = "") -> dict[str, Any]:
        """The greeting for a row of the attendance log, `punch` or `seen`; `offer`: the one that the screen has already."""
        employee_id, time, status, late, away = row.employee_id, row.timestamp, "recorded", None, None
        if row.event == "seen":
            return self._without_row(_Expected(employee_id, time, 0.0))
        counts = self._meaning(row)
        direction = counts.direction if counts else row.direction or "both"
        if direction == "out":
            status = "leaving"
        elif direction == "in":
            status, away = "came", counts.away if counts else None
            found = self._arrival(row.event_id, time)
            if found is not None and found.late is not None:
                status, late = ("late", found.late_min) if found.late else ("on_time", None)
        said = self._said(row.event_id, employee_id, time, status, late, row.method)
        said |= {"direction": direction, "away_min": None if away is None else int(away.total_seconds() // 60)}
        if self._offers is not None:
            said["offer"] = offer or self._offers.make(row)
        return said

    def _meaning(self, row: PunchRow) -> Meaning | None:
        """What a passage counts as; None: it does not, or the log cannot be read."""
        try:
            return self._bench.attendance.meaning(row, self._bench.people.known())
        except StorageError as error:
            log.warning("greeted without the log: %s", error)
            return None

    def _arrival(self, event_id: str, time: datetime) -> Arrival | None:
        """A punch among those of its day, or None if it is missing or the database is unavailable. The row itself is safe."""
        try:
            _, today = arrivals(self._bench.records, time, 40)
        except StorageError as error:
            log.warning("greeted without the time sheet: %s", error)
            return None
        return next((each for each in today if each.event_id == event_id), None)

    def _punches(self, employee_id: str, time: datetime) -> list[datetime]:
        """A person's punches of that day and the day before, as far as the log is readable."""
        book = self._bench.attendance
        day = book.day_of(time)
        try:
            rows = valid_rows(book.log.read(day - timedelta(days=1), day))
        except StorageError as error:
            log.warning("greeted without the log: %s", error)
            return []
        return [row.timestamp for row in rows if row.employee_id == employee_id and row.event == "punch"]

    def _without_row(self, expected: _Expected) -> dict[str, Any]:
        """Handle a recognition without a new row: it exists already, or it waits for the disk."""
        within = timedelta(seconds=self._bench.config.events.cool_down_s)
        times = self._punches(expected.employee_id, expected.time)
        recent = [time for time in times if abs(expected.time - time) < within]
        key = hashlib.sha256(f"{expected.employee_id} {expected.time.isoformat()}".encode()).hexdigest()[:16]
        if recent:
            return self._said(key, expected.employee_id, max(recent), "again")
        return self._said(key, expected.employee_id, expected.time, "saving")

    def _said(
        self, key: str, employee_id: str, time: datetime, status: str, late_min: int | None = None, method: str = "face"
    ) -> dict[str, Any]:
        local = time.astimezone(self._bench.config.zone)
        name = self._bench.people.known().get(employee_id, NOBODY).name or employee_id
        daypart = "morning" if local.hour < _NOON else "afternoon" if local.hour < _EVENING else "evening"
        if len(self._greeted) >= _REMEMBERED:
            self._greeted.clear()
        self._greeted[employee_id] = key
        return {
            "key": key,
            "first_name": first_name(name),
            "daypart": daypart,
            "time": f"{local:%H:%M}",
            "status": status,
            "late_min": late_min,
            "method": method,
            "direction": None,
            "away_min": None,
            "offer": None,
            "changed": False,
        }
