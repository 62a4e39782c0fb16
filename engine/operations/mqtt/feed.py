"""Rows of the logs that the broker has not confirmed yet: the logs are the queue.

::

    outbox/mqtt/since.json               from when on rows are told
    outbox/mqtt/told-2026-11-23.csv      ids of rows of that day which the broker has

A row is told at least once: whoever dies between the broker's word and the file tells it again under the same id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

from engine.attendance import IMPORTED, PunchRow
from engine.config import MqttConfig
from engine.incidents import INCIDENT_KINDS, IncidentRow
from engine.incidents.notifications import Publication, one_line
from engine.operations.mqtt.topics import PASSAGES, Topics
from engine.storage import append_lines, atomic_write, parse_json, storage_errors
from engine.storage.logs.rows import day_range
from engine.workbench import Workbench

_HEADER = "id\n"
_KINDS = frozenset(INCIDENT_KINDS)


@dataclass(frozen=True)
class Naming:
    """How messages name people; `name_of`: the name of an id, empty unless messages have it."""

    who: Literal["nobody", "ids", "names"]
    name_of: Callable[[str], str] = lambda _id: ""

    def person(self, employee_id: str) -> dict[str, Any]:
        """Somebody who is enrolled; empty if messages name nobody."""
        if self.who == "nobody" or not employee_id:
            return {}
        name = one_line(self.name_of(employee_id))
        return {"id": employee_id, "name": name} if name else {"id": employee_id}

    def strangers(self, unknown_ids: Sequence[str]) -> list[str]:
        """People who are not."""
        return [] if self.who == "nobody" else list(unknown_ids)


@dataclass(frozen=True)
class Happened:
    """A row that is to be told.

    Attributes:
        key: its id, the same whenever it is told.
        day: of its file.
        content: makes the message, when it is sent: somebody may have been erased since.
    """

    key: str
    day: date
    time: datetime
    topic: str
    content: Callable[[Naming], Mapping[str, Any]]


class Feed:
    """What has happened and was not told yet. One process uses it at a time.

    Args:
        lasts_s: what could not be told for so long is given up.
    """

    def __init__(self, bench: Workbench, folder: Path, config: MqttConfig, site: str, lasts_s: float) -> None:
        self._bench, self._folder, self._config = bench, folder, config
        self._topics, self._lasts = Topics(config.base_topic, site), timedelta(seconds=lasts_s)
        self._told: dict[date, set[str]] = {}
        self._stamps: object = None
        self._waiting: list[Happened] = []
        self._since = self._begun()

    def _begun(self) -> datetime:
        """From when on rows are told: nothing that was there before."""
        path = self._folder / "since.json"
        with storage_errors(path):
            try:
                return datetime.fromisoformat(str(parse_json(path.read_bytes())["since"]))
            except FileNotFoundError:
                pass
            except (ValueError, KeyError, TypeError):  # damaged: rather too few messages than those of years
                pass
        now = self._bench.clock().astimezone(self._bench.config.zone)
        atomic_write(path, json.dumps({"since": now.isoformat()}).encode())
        return now

    def waiting(self) -> tuple[list[Happened], list[Happened]]:
        """Return what is to be told, oldest first, and what is given up.

        Raises:
            StorageError: a log or the folder cannot be read.
        """
        now = self._bench.clock().astimezone(self._bench.config.zone)
        limit = now - self._lasts
        days = day_range(limit.date() - timedelta(days=1), now.date() + timedelta(days=1))
        passages, incidents = self._bench.attendance.log, self._bench.incidents.log
        stamps = days, passages.raw.stamps(days), incidents.raw.stamps(days)
        if stamps != self._stamps:
            self._forget(days[0])
            self._waiting = sorted(
                [*self._passages(passages.by_day(days)), *self._incidents(incidents.by_day(days))],
                key=lambda each: (each.time, each.key),
            )
            self._stamps = stamps
        late = [each for each in self._waiting if each.time < limit]
        return self._waiting[len(late) :], late

    def done(self, rows: Sequence[Happened]) -> None:
        """The broker has these rows, or nobody will tell them any more.

        Raises:
            StorageError: that cannot be written, so they are told again.
        """
        for day in sorted({each.day for each in rows}):
            keys = [each.key for each in rows if each.day == day]
            append_lines(self._path(day), _HEADER, [f"{key}\n" for key in keys])
            self._of(day).update(keys)
        gone = {each.key for each in rows}
        self._waiting = [each for each in self._waiting if each.key not in gone]

    def _path(self, day: date) -> Path:
        return self._folder / f"told-{day.isoformat()}.csv"

    def _of(self, day: date) -> set[str]:
        if day not in self._told:
            path = self._path(day)
            with storage_errors(path):
                try:
                    self._told[day] = set(path.read_text(encoding="utf-8", errors="replace").splitlines()[1:])
                except FileNotFoundError:
                    self._told[day] = set()
        return self._told[day]

    def _forget(self, first: date) -> None:
        """Remove what is remembered of days before."""
        for path in self._folder.glob("told-*.csv"):
            found = re.fullmatch(r"told-(\d{4}-\d{2}-\d{2})\.csv", path.name)
            if found and found[1] < first.isoformat():
                with storage_errors(path):
                    path.unlink(missing_ok=True)
        self._told = {day: keys for day, keys in self._told.items() if day >= first}

    def publications(self, rows: Sequence[Happened]) -> list[Publication]:
        """The messages of these rows."""
        who = self._config.who
        names = self._bench.people.names() if who == "names" else {}
        naming = Naming(who, lambda employee_id: names.get(employee_id, ""))
        return [Publication(each.topic, payload(each.content(naming))) for each in rows]

    def _passages(self, by_day: Mapping[date, Sequence[PunchRow]]) -> Iterable[Happened]:
        for day, rows in by_day.items():
            for row in rows:
                if row.event in PASSAGES and row.method != IMPORTED and self._new(row.event_id, day, row.timestamp):
                    topic = self._topics.of_camera(row.camera, "passage")
                    yield Happened(row.event_id, day, row.timestamp, topic, partial(passage, row))

    def _incidents(self, by_day: Mapping[date, Sequence[IncidentRow]]) -> Iterable[Happened]:
        for day, rows in by_day.items():
            for row in rows:
                told = row.kind in _KINDS and not row.refers_to and row.state != "noted"
                if told and self._new(row.incident_id, day, row.timestamp):
                    topic = self._topics.of_camera(row.camera, "incident")
                    yield Happened(row.incident_id, day, row.timestamp, topic, partial(incident, row))

    def _new(self, key: str, day: date, time: datetime) -> bool:
        return time >= self._since and key not in self._of(day)


def payload(content: Mapping[str, Any]) -> bytes:
    """A message as JSON, without what is empty."""
    kept = {key: value for key, value in content.items() if value not in (None, "", [], {})}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def passage(row: PunchRow, naming: Naming) -> dict[str, Any]:
    """What is told about a row of the attendance log."""
    return {
        "event_type": row.event,
        "message": row.event_id,
        "time": row.timestamp.isoformat(),
        "camera": one_line(row.camera),
        "person": naming.person(row.employee_id),
        "method": row.method,
        "direction": row.direction,
        "liveness": row.liveness,
        "refers_to": row.refers_to,
    }


def incident(row: IncidentRow, naming: Naming) -> dict[str, Any]:
    """What is told about an incident."""
    return {
        "event_type": row.kind.value,
        "message": row.incident_id,
        "time": row.timestamp.isoformat(),
        "camera": one_line(row.camera),
        "severity": row.severity.value if row.severity else None,
        "classification": row.classification.value if row.classification else None,
        "people": row.people,
        "detail": one_line(row.detail),
        "persons": [told for each in row.employee_ids if (told := naming.person(each))],
        "strangers": naming.strangers(row.unknown_ids),
    }
