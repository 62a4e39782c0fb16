"""Alerts: the incidents that security handles, with their current state, filtered and counted.

A workplace has thousands of incidents a year in hundreds of files, and every page shows how many are open. Incidents therefore stay in
memory, and only files that changed are read again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from engine.incidents import ALERT_KINDS, REVIEW_STATES, Incident, IncidentKind, IncidentRow, with_reviews
from engine.records.books import Records
from engine.storage.logs import PSEUDONYM, TypedDayLog
from engine.types import Severity

RECENT_DAYS = 7
SEVERITIES = tuple(severity.value for severity in reversed(Severity))
UNSETTLED = ("open", "acknowledged")
"""States in which somebody must still handle an incident, however old it is."""
_JUDGED_DAYS = 30
_NEXT = {
    "open": ("acknowledged", "resolved", "false alarm"),
    "acknowledged": ("resolved", "false alarm", "open"),
}


def next_states(state: str) -> tuple[str, ...]:
    """Return the states that may follow in the workflow; a settled incident can be opened again."""
    return _NEXT.get(state, ("open",))


def erased(key: str) -> bool:
    """Return whether an id stands for somebody who asked to be forgotten."""
    return key.startswith(PSEUDONYM)


def is_stranger(key: str) -> bool:
    """Return whether an id is a stranger's, such as `unknown-7`."""
    return key.startswith("unknown-")


def parties(row: IncidentRow) -> list[str]:
    """Return the ids of the people and strangers in a row."""
    return list(dict.fromkeys((*row.employee_ids, *row.unknown_ids)))


def latest_picture(records: Records, rows: Sequence[IncidentRow], unknown_id: str) -> str:
    """Return a stranger's newest picture that still exists, relative to the workspace, or an empty text.

    Args:
        rows: of incidents, oldest first.
        unknown_id: current id of the dossier.
    """
    register = records.dossiers.register()
    for row in reversed(rows):
        if row.kind is IncidentKind.UNKNOWN and unknown_id in register.of(row) and records.inside(row.image):
            return row.image
    return ""


class AlertBoard:
    """All alerts, kept in memory and updated file by file.

    Incidents of cameras are left out, because nobody reviews them, and so are unreadable rows, which `muster verify` reports.
    """

    def __init__(self, log: TypedDayLog[IncidentRow]) -> None:
        self._log = log
        self._mutex = threading.Lock()
        self._stamps: dict[date, object] = {}
        self._rows: dict[date, list[IncidentRow]] = {}
        self._all: tuple[Incident, ...] = ()
        self._by_id: dict[str, Incident] = {}
        self._version = 0

    def all(self) -> tuple[Incident, ...]:
        """Return all alerts, oldest first; of rows with the same id, the first counts.

        Raises:
            StorageError: a file cannot be read.
        """
        with self._mutex:
            self._refresh()
            return self._all

    def get(self, incident_id: str) -> Incident | None:
        """Return an alert, or None."""
        with self._mutex:
            self._refresh()
            return self._by_id.get(incident_id)

    def days_of(self, incident_id: str) -> list[date]:
        """Return the days of the files that hold an incident's row and its reviews."""
        with self._mutex:
            self._refresh()
            return [
                day
                for day, rows in self._rows.items()
                if any(incident_id in (row.incident_id, row.refers_to) for row in rows)
            ]

    def version(self) -> int:
        """Return a number that grows whenever an incident or a review is added or deleted."""
        with self._mutex:
            self._refresh()
            return self._version

    def open_count(self) -> int:
        """Return how many are open, of any age."""
        return sum(each.state == "open" for each in self.all())

    def _refresh(self) -> None:
        stamps = self._log.raw.stamps()
        if stamps == self._stamps:
            return
        before, known = self._stamps, self._rows
        self._rows = {
            day: known[day] if before.get(day) == stamp else self._log.read(day)
            for day, stamp in sorted(stamps.items())
        }
        self._stamps = stamps
        rows = [row for own in self._rows.values() for row in own]
        found = with_reviews(row for row in rows if row.kind is IncidentKind.REVIEW or row.kind in ALERT_KINDS)
        self._all = tuple(sorted(found, key=lambda each: (each.row.timestamp, each.row.incident_id)))
        self._by_id = {each.row.incident_id: each for each in self._all}
        self._version += 1


@dataclass(frozen=True)
class AlertFilter:
    """Which incidents to show; an empty text stands for any.

    Attributes:
        state: one of `REVIEW_STATES`, or `noted`.
        first, last: days on which they began. Without `first`: the last `RECENT_DAYS` days, and unsettled ones of any age.
    """

    state: str = "open"
    kind: str = ""
    camera: str = ""
    severity: str = ""
    first: date | None = None
    last: date | None = None


def select(alerts: Sequence[Incident], wanted: AlertFilter, today: date) -> list[Incident]:
    """Return the alerts that pass a filter, newest first; `alerts` are oldest first, `today` is the workplace's day."""
    first, last = wanted.first or today - timedelta(days=RECENT_DAYS - 1), wanted.last or date.max
    asked = (wanted.state, wanted.kind, wanted.camera, wanted.severity)

    def fits(each: Incident) -> bool:
        row = each.row
        if any(
            word and word != own
            for word, own in zip(asked, (each.state, row.kind, row.camera, row.severity), strict=True)
        ):
            return False
        return first <= row.timestamp.date() <= last or (wanted.first is None and each.state in UNSETTLED)

    return [each for each in reversed(alerts) if fits(each)]


@dataclass(frozen=True)
class AlertFigures:
    """The main figures for a security lead.

    Attributes:
        open, high: number of open alerts, and of those with high severity.
        oldest: when the oldest open alert began; None without one.
        judged, false_alarms: number that people settled in the last 30 days, and of those the false alarms.
    """

    open: int
    high: int
    oldest: datetime | None
    judged: int
    false_alarms: int


def alert_figures(alerts: Iterable[Incident], now: datetime) -> AlertFigures:
    """Return the figures of all alerts; `now` is timezone-aware."""
    since = now - timedelta(days=_JUDGED_DAYS)
    waiting: list[IncidentRow] = []
    judged: list[str] = []
    for each in alerts:
        if each.state == "open":
            waiting.append(each.row)
        elif settled_by_people(each) and each.reviewed_at is not None and each.reviewed_at >= since:
            judged.append(each.state)
    return AlertFigures(
        len(waiting),
        sum(row.severity is Severity.HIGH for row in waiting),
        min((row.timestamp for row in waiting), default=None),
        len(judged),
        judged.count("false alarm"),
    )


def settled_by_people(incident: Incident) -> bool:
    """Return whether a person settled the incident; the engine's own decisions do not count."""
    return incident.state in REVIEW_STATES and incident.state not in UNSETTLED and incident.author != "engine"
