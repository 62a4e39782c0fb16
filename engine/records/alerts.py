"""What security looks at: incidents that need somebody, as they stand, filtered and counted.

A workplace has some thousands of incidents a year in some hundred files, and every page asks how many are open. So what was read
is kept, and only files that changed are read again.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from engine.incidents import ALERT_KINDS, REVIEW_STATES, Incident, as_it_stands
from engine.records.books import Records
from engine.storage.logs import PSEUDONYM, DayLog

__all__ = [
    "RECENT_DAYS",
    "SEVERITIES",
    "UNSETTLED",
    "AlertBoard",
    "Situation",
    "Wanted",
    "erased",
    "is_stranger",
    "latest_picture",
    "next_states",
    "parties",
    "select",
    "situation",
    "when",
]

Row = Mapping[str, str]

RECENT_DAYS = 7
SEVERITIES = ("high", "medium", "low", "info")
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


def when(text: str) -> datetime | None:
    """The moment in a cell; None when somebody changed it into none, or there is none."""
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else None
    return None


def erased(key: str) -> bool:
    """Whether an id stands for somebody who asked to be forgotten."""
    return key.startswith(PSEUDONYM)


def is_stranger(key: str) -> bool:
    """Whether an id is a stranger's, such as `unknown-7`."""
    return key.startswith("unknown-")


def parties(row: Row) -> list[str]:
    """Who was involved: ids of people, then of strangers, as the row has them."""
    return list(
        dict.fromkeys(each for column in ("employee_ids", "unknown_ids") for each in row[column].split(";") if each)
    )


def latest_picture(records: Records, rows: Sequence[Row], unknown_id: str) -> str:
    """The newest picture of a stranger that is still kept, relative to the workspace; empty: there is none.

    Args:
        records: the books.
        rows: of incidents, oldest first.
        unknown_id: the dossier, as it goes by now.
    """
    register = records.dossiers.register()
    for row in reversed(rows):
        if row["kind"] == "unknown" and unknown_id in register.of(row) and records.inside(row["image"]):
            return row["image"]
    return ""


# --------------------------------------------------------------------------------------------- the board


@dataclass(frozen=True)
class _File:
    """What a day's file holds, and what it was like when it was read."""

    stamp: object
    rows: Sequence[Row]


class AlertBoard:
    """All incidents that need, or needed, somebody, kept in memory and brought up to date file by file.

    Incidents of cameras are left out: nobody reviews them.

    Args:
        log: of incidents.
    """

    def __init__(self, log: DayLog) -> None:
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
                if any(incident_id in (row["incident_id"], row["refers_to"]) for row in file.rows)
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
        stamps = self._log.stamps()
        if stamps == {day: file.stamp for day, file in self._files.items()}:
            return
        known, files = self._files, dict[date, _File]()
        for day, stamp in sorted(stamps.items()):
            before = known.get(day)
            same = before is not None and before.stamp == stamp
            files[day] = before if same and before else _File(stamp, self._log.read(day))
        self._files = files
        self._settle(row for file in files.values() for row in file.rows)
        self._version += 1

    def _settle(self, rows: Iterable[Row]) -> None:
        alerts: dict[str, Row] = {}
        reviews: dict[str, list[Row]] = {}
        for row in rows:
            if row["kind"] == "review":
                reviews.setdefault(row["refers_to"], []).append(row)
            elif row["kind"] in ALERT_KINDS:
                alerts.setdefault(row["incident_id"], row)
        found = [as_it_stands(row, reviews.get(key, ())) for key, row in alerts.items()]
        self._all = tuple(sorted(found, key=lambda each: (each.row["timestamp"], each.row["incident_id"])))
        self._by_id = {each.row["incident_id"]: each for each in self._all}


# --------------------------------------------------------------------------------------------- filters and counts


@dataclass(frozen=True)
class Wanted:
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


def select(alerts: Sequence[Incident], wanted: Wanted, today: date) -> list[Incident]:
    """The incidents that are wanted, newest first.

    Args:
        alerts: oldest first.
        wanted: the filters.
        today: the present day at the workplace.
    """
    first = (wanted.first or today - timedelta(days=RECENT_DAYS - 1)).isoformat()
    last = (wanted.last or date.max).isoformat()

    def fits(each: Incident) -> bool:
        row = each.row
        if (wanted.state and each.state != wanted.state) or (wanted.kind and row["kind"] != wanted.kind):
            return False
        if (wanted.camera and row["camera"] != wanted.camera) or (
            wanted.severity and row["severity"] != wanted.severity
        ):
            return False
        day = row["timestamp"][:10]
        return first <= day <= last or (wanted.first is None and each.state in UNSETTLED)

    return [each for each in reversed(alerts) if fits(each)]


@dataclass(frozen=True)
class Situation:
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


def situation(alerts: Iterable[Incident], now: datetime) -> Situation:
    """The figures of the moment.

    Args:
        alerts: all there are.
        now: the present, timezone-aware.
    """
    since = now - timedelta(days=_JUDGED_DAYS)
    waiting: list[Incident] = []
    judged: list[str] = []
    for each in alerts:
        if each.state == "open":
            waiting.append(each)
        elif each.state in REVIEW_STATES and each.state not in UNSETTLED and each.author != "engine":
            settled = when(each.reviewed_at)
            if settled is not None and settled >= since:
                judged.append(each.state)
    begun = [moment for each in waiting if (moment := when(each.row["timestamp"])) is not None]
    high = sum(each.row["severity"] == "high" for each in waiting)
    return Situation(len(waiting), high, min(begun, default=None), len(judged), judged.count("false alarm"))
