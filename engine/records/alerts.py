"""What security looks at: incidents that need somebody, as they stand, filtered and counted.

A workplace has some thousands of incidents a year in some hundred files, and every page asks how many are open. So what was read
is kept, and only files that changed are read again.
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
"""States in which an incident still needs somebody, however old it is."""
_JUDGED_DAYS = 30
_NEXT = {
    "open": ("acknowledged", "resolved", "false alarm"),
    "acknowledged": ("resolved", "false alarm", "open"),
}


def next_states(state: str) -> tuple[str, ...]:
    """What may become of an incident in the workflow; whatever is settled can be opened again."""
    return _NEXT.get(state, ("open",))


def erased(key: str) -> bool:
    """Whether an id stands for somebody who asked to be forgotten."""
    return key.startswith(PSEUDONYM)


def is_stranger(key: str) -> bool:
    """Whether an id is a stranger's, such as `unknown-7`."""
    return key.startswith("unknown-")


def parties(row: IncidentRow) -> list[str]:
    """Who was involved: ids of people, then of strangers, as the row has them."""
    return list(dict.fromkeys((*row.employee_ids, *row.unknown_ids)))


def latest_picture(records: Records, rows: Sequence[IncidentRow], unknown_id: str) -> str:
    """The newest picture of a stranger that is still kept, relative to the workspace; empty: there is none.

    Args:
        records: the books.
        rows: of incidents, oldest first.
        unknown_id: the dossier, as it goes by now.
    """
    register = records.dossiers.register()
    for row in reversed(rows):
        if row.kind is IncidentKind.UNKNOWN and unknown_id in register.of(row) and records.inside(row.image):
            return row.image
    return ""


@dataclass(frozen=True)
class _File:
    """What a day's file holds, and what it was like when it was read."""

    stamp: object
    rows: Sequence[IncidentRow]


class AlertBoard:
    """All incidents that need, or needed, somebody, kept in memory and brought up to date file by file.

    Incidents of cameras are left out: nobody reviews them. So are rows that cannot be read, which `muster verify` names.

    Args:
        log: of incidents.
    """

    def __init__(self, log: TypedDayLog[IncidentRow]) -> None:
        self._log = log
        self._mutex = threading.Lock()
        self._files: dict[date, _File] = {}
        self._all: tuple[Incident, ...] = ()
        self._by_id: dict[str, Incident] = {}
        self._version = 0

    def all(self) -> tuple[Incident, ...]:
        """Every one, oldest first; of rows that bear one id the first.

        Raises:
            StorageError: a file cannot be read.
        """
        with self._mutex:
            self._refresh()
            return self._all

    def get(self, incident_id: str) -> Incident | None:
        """One of them; None: there is none of that id."""
        with self._mutex:
            self._refresh()
            return self._by_id.get(incident_id)

    def days_of(self, incident_id: str) -> list[date]:
        """Days in whose files an incident's row and its reviews stand."""
        with self._mutex:
            self._refresh()
            return [
                day
                for day, file in self._files.items()
                if any(incident_id in (row.incident_id, row.refers_to) for row in file.rows)
            ]

    def version(self) -> int:
        """A number that grows whenever an incident or a review came, or went with its time."""
        with self._mutex:
            self._refresh()
            return self._version

    def open_count(self) -> int:
        """How many are open, of any age."""
        return sum(each.state == "open" for each in self.all())

    def _refresh(self) -> None:
        stamps = self._log.raw.stamps()
        if stamps == {day: file.stamp for day, file in self._files.items()}:
            return
        known, files = self._files, dict[date, _File]()
        for day, stamp in sorted(stamps.items()):
            before = known.get(day)
            same = before is not None and before.stamp == stamp
            files[day] = before if same and before else _File(stamp, self._log.read(day))
        self._files = files
        rows = [row for file in files.values() for row in file.rows]
        found = with_reviews(row for row in rows if row.kind is IncidentKind.REVIEW or row.kind in ALERT_KINDS)
        self._all = tuple(sorted(found, key=lambda each: (each.row.timestamp, each.row.incident_id)))
        self._by_id = {each.row.incident_id: each for each in self._all}
        self._version += 1


@dataclass(frozen=True)
class AlertFilter:
    """Which incidents to show; an empty text: any.

    Attributes:
        state: one of `REVIEW_STATES`, or `noted`.
        kind, camera, severity: as in the log.
        first, last: days on which they began. Without `first` these are the last `RECENT_DAYS` days, and unsettled ones of any age.
    """

    state: str = "open"
    kind: str = ""
    camera: str = ""
    severity: str = ""
    first: date | None = None
    last: date | None = None


def select(alerts: Sequence[Incident], wanted: AlertFilter, today: date) -> list[Incident]:
    """The incidents that are wanted, newest first.

    Args:
        alerts: oldest first.
        wanted: the filters.
        today: the present day at the workplace.
    """
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
    """The figures that a security lead asks for first.

    Attributes:
        open, high: how many are open, and how many of these are of high severity.
        oldest: when the oldest open one began; None: none is open.
        judged, false_alarms: how many were settled by people in the last 30 days, and how many of these as false alarms.
    """

    open: int
    high: int
    oldest: datetime | None
    judged: int
    false_alarms: int


def alert_figures(alerts: Iterable[Incident], now: datetime) -> AlertFigures:
    """The figures at a moment.

    Args:
        alerts: all there are.
        now: the present, timezone-aware.
    """
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
    """Whether somebody settled it; what the engine settled by itself is no judgement."""
    return incident.state in REVIEW_STATES and incident.state not in UNSETTLED and incident.author != "engine"
