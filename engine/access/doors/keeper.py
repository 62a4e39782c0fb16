"""Decides, sends pulses and writes the door log: one keeper for all cameras of a process.

Pulses are sent in a thread of their own. One at most waits for each door, and what is older than two seconds is dropped: a door never
opens late. The row is written before the pulse is sent, so none is missing in the log.
"""

from __future__ import annotations

import logging
import threading
import time as clock
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Protocol

from engine.access.doors.log import DoorBook, DoorRow, Result
from engine.access.doors.rule import FRESH, Decision, Facts, decide
from engine.config import DoorConfig
from engine.errors import MusterError, StorageError
from engine.storage import new_id

log = logging.getLogger(__name__)

_FRESH_S = FRESH.total_seconds()
_CONNECT_EVERY_S = 5.0
_RETRY_S = 1.0
_MOST_ROWS = 1000
_LEAVE_S = 5.0


class Line(Protocol):
    """The way to the relays."""

    def connect(self) -> None:
        """Be ready, so that a pulse need not wait for it.

        Raises:
            MusterError: there is no way.
        """

    def say(self, topic: str, payload: bytes) -> None:
        """Send a message that nobody keeps, and wait until it has arrived.

        Raises:
            MusterError: it may not have arrived. It is not sent again.
        """

    def close(self) -> None:
        """End the connection."""


@dataclass(frozen=True)
class _Pulse:
    """`at`: monotonic, when it was decided."""

    row: DoorRow
    door: DoorConfig
    at: float


class DoorKeeper:
    """Opens doors. Any thread may ask.

    Args:
        doors: returns the doors of the settings as they are now.
        now: the present, timezone-aware.
        book: the door log; what it says of the last day is heeded, so that a restart opens nothing again.
        line: None: nothing is sent.
    """

    def __init__(
        self,
        doors: Callable[[], Mapping[str, DoorConfig]],
        zone: tzinfo,
        now: Callable[[], datetime],
        book: DoorBook,
        line: Line | None,
    ) -> None:
        self._doors, self._zone, self._now, self._book, self._line = doors, zone, now, book, line
        self._turn = threading.Condition()
        self._opened: dict[tuple[str, str], datetime] = {}
        self._pulses: dict[str, _Pulse] = {}
        self._rows: deque[DoorRow] = deque()
        self._closing: dict[str, tuple[float, DoorConfig]] = {}
        self._ending, self._connected_at, self._said = False, -_CONNECT_EVERY_S, ""
        self._thread = threading.Thread(target=self._work, name="doors", daemon=True)
        self._begun = False

    # ------------------------------------------------------------------------- in the threads of pipelines

    def doors_of(self, camera: str) -> dict[str, DoorConfig]:
        """Return the doors that are not off and have a camera."""
        found = {name: each for name, each in self._doors().items() if each.action != "off" and camera in each.cameras}
        if found and not self._begun:
            self._begin()
        return found

    def _begin(self) -> None:
        with self._turn:
            if self._begun:
                return
            try:
                for row in self._book.last(2, self._now().astimezone(self._zone).date()):
                    if row.result in {"opened", "dry_run"}:
                        self._opened[row.door, row.employee_id] = row.timestamp
            except StorageError as error:  # who opened a moment ago is unknown; no row can be written either
                log.error("the door log cannot be read: %s", error)
            self._begun = True
            self._thread.start()

    def ask(self, name: str, door: DoorConfig, facts: Facts) -> Decision:
        """Decide whether a door opens for somebody, and if so, open it."""
        now = self._now()
        with self._turn:
            decision = decide(door, replace(facts, opened=self._opened.get((name, facts.person))), now, self._zone)
            if decision.opened:
                self._opened[name, facts.person] = now
                result: Result = "opened" if door.action == "open" else "dry_run"
                row = self._row(name, facts.camera, facts.person, result)
                if door.action == "open":
                    if (before := self._pulses.get(name)) is not None:
                        self._fail(before.row, "another pulse took its place")
                    self._pulses[name] = _Pulse(row, door, clock.monotonic())
                else:
                    self._rows.append(row)
                self._turn.notify()
        return decision

    def refuse(self, name: str, camera: str, person: str, decision: Decision) -> None:
        """Write down that a door stayed closed for somebody for whom it is meant."""
        with self._turn:
            if len(self._rows) < _MOST_ROWS:
                self._rows.append(self._row(name, camera, person, "refused", tuple(decision.refusals)))
            self._turn.notify()

    def close(self) -> None:
        """End pulses that are under way, write what is left, and end."""
        with self._turn:
            self._ending = True
            self._turn.notify()
        if self._begun:
            self._thread.join(_LEAVE_S)

    def _row(
        self,
        door: str,
        camera: str,
        person: str,
        result: Result,
        reasons: tuple[str, ...] = (),
        detail: str = "",
    ) -> DoorRow:
        now = self._now().astimezone(self._zone)
        return DoorRow(new_id(now), now, door, camera, person, result, tuple(map(str, reasons)), detail=detail)

    def _fail(self, row: DoorRow, why: str) -> None:
        log.error("door %s was not opened for %s: %s", row.door, row.employee_id, why)
        self._rows.append(self._row(row.door, row.camera, row.employee_id, "failed", detail=why))

    # ------------------------------------------------------------------------------------- in its own thread

    def _work(self) -> None:
        while True:
            try:
                self._serve()
                return
            except Exception:
                # a door that is open must yet be closed, and the next fault must be told, too
                log.exception("doors: go on after a fault")
                clock.sleep(_RETRY_S)

    def _serve(self) -> None:
        """Send, close and write until it ends."""
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._ending or self._pulses or self._rows, self._pause())
                ending = self._ending
                pulses = list(self._pulses.values())
                self._pulses.clear()
            for pulse in pulses:
                if ending:
                    self._fail(pulse.row, "recording ended")
                else:
                    self._send(pulse)
            now = clock.monotonic()
            for name, (due, door) in list(self._closing.items()):
                if ending or due <= now:
                    del self._closing[name]
                    self._release(name, door)
            self._write()
            if ending:
                if self._line is not None:
                    self._line.close()
                return
            self._stay_connected()

    def _pause(self) -> float:
        """Seconds until something is due."""
        due = [moment for moment, _ in self._closing.values()]
        due += [self._connected_at + _CONNECT_EVERY_S]
        return max(0.0, min(due) - clock.monotonic())

    def _stay_connected(self) -> None:
        if self._line is None or clock.monotonic() - self._connected_at < _CONNECT_EVERY_S:
            return
        if any(each.action == "open" for each in self._doors().values()):
            try:
                self._line.connect()
                self._said = ""
            except MusterError as error:
                if str(error) != self._said:
                    log.warning("doors cannot be opened: %s", error)
                self._said = str(error)
        self._connected_at = clock.monotonic()

    def _send(self, pulse: _Pulse) -> None:
        row, door = pulse.row, pulse.door
        try:
            self._book.note([row])
        except StorageError as error:  # no pulse without its row
            self._fail(row, f"the door log cannot be written: {error.message}")
            return
        if self._line is None or clock.monotonic() - pulse.at > _FRESH_S:
            self._fail(row, "it was too late")
            return
        try:
            # also if it fails: the relay may have heard the first message, though no answer came
            if door.close_payload:
                self._closing[row.door] = clock.monotonic() + door.pulse_s, door
            self._line.say(door.topic, door.open_payload.encode())
        except MusterError as error:
            self._fail(row, error.message)
        else:
            log.info("door %s opened for %s", row.door, row.employee_id)
            if door.close_payload:
                self._closing[row.door] = clock.monotonic() + door.pulse_s, door

    def _release(self, name: str, door: DoorConfig) -> None:
        """End a pulse, with a second try: closing late is better than not at all."""
        assert self._line is not None
        for last in (False, True):
            try:
                self._line.say(door.topic, door.close_payload.encode())
                return
            except MusterError as error:
                if last:
                    log.error("door %s may still be open: %s", name, error)
                    self._rows.append(self._row(name, "", "", "failed", detail=f"may still be open: {error.message}"))

    def _write(self) -> None:
        with self._turn:
            rows = list(self._rows)
        if not rows:
            return
        try:
            self._book.note(rows)
        except StorageError as error:
            if str(error) != self._said:
                log.error("the door log cannot be written: %s", error)
            self._said = str(error)
            clock.sleep(0 if self._ending else _RETRY_S)
            return
        with self._turn:
            for _ in rows:
                self._rows.popleft()
