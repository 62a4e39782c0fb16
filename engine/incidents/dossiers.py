"""Who strangers are: dossiers over days and cameras, corrected by people.

A stranger's identifier is given by the engine (nearest template among strangers, see `engine.pipeline.strangers`). What
people say of it is a log of its own: two dossiers are one person (`merge`), some incidents of one show somebody else
(`split`), this one is to be watched for (`watch`), is of no interest (`ignore`), or is somebody who is enrolled by now (`name`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from engine.errors import InputError
from engine.incidents.log import IncidentKind, IncidentRow
from engine.storage import clean_text, new_id
from engine.storage.logs import FileLogs, Logs, RowType, TypedDayLog

Action = Literal["merge", "split", "name", "watch", "unwatch", "ignore", "unignore"]


@dataclass(frozen=True)
class DossierRow:
    """A decision about a stranger."""

    decision_id: str
    timestamp: datetime
    action: Action
    subject: str  # the stranger, or an employee on the watch list
    into: str  # the other dossier, or who the stranger is; empty where the action needs neither
    incidents: tuple[str, ...]  # those that were split off
    author: str
    reason: str


DECISIONS = RowType(DossierRow, timespec="seconds")


@dataclass(frozen=True)
class Dossier:
    """What is known of a stranger.

    Attributes:
        unknown_id: `unknown-7`.
        incidents: rows of the incident log, oldest first.
        watched, ignored: as people decided.
        employee_id: who it turned out to be; empty: not known.
    """

    unknown_id: str
    incidents: tuple[IncidentRow, ...]
    watched: bool = False
    ignored: bool = False
    employee_id: str = ""

    @property
    def days(self) -> list[date]:
        """Days on which they were seen, oldest first."""
        return sorted({row.timestamp.date() for row in self.incidents})

    @property
    def cameras(self) -> list[str]:
        """Where."""
        return sorted({row.camera for row in self.incidents})

    @property
    def summary(self) -> str:
        """Such as `seen 4 times on 3 days`."""
        times, days = len(self.incidents), len(self.days)
        return f"seen {times} time{'s' * (times != 1)} on {days} day{'s' * (days != 1)}"


@dataclass
class Register:
    """All decisions in force.

    Attributes:
        merged: identifier → the one it was merged into.
        moved: incident → the dossier it was split off to.
        watched, ignored: ids of strangers, and of employees who are to be watched for.
        named: stranger → employee.
        issued: all identifiers that were ever mentioned.
    """

    merged: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    watched: set[str] = field(default_factory=set)
    ignored: set[str] = field(default_factory=set)
    named: dict[str, str] = field(default_factory=dict)
    issued: set[str] = field(default_factory=set)

    def current(self, unknown_id: str) -> str:
        """The identifier that a stranger goes by now."""
        seen = set()
        while unknown_id in self.merged and unknown_id not in seen:
            seen.add(unknown_id)
            unknown_id = self.merged[unknown_id]
        return unknown_id

    def of(self, row: IncidentRow) -> list[str]:
        """The dossiers that an incident belongs to."""
        moved = self.moved.get(row.incident_id)
        return [self.current(each) for each in ((moved,) if moved is not None else row.unknown_ids)]


class DossierBook:
    """The log of decisions about strangers.

    Args:
        workspace: folder that holds `log/`.
        zone: of the workplace.
        logs: makes the log; default: files in the workspace.
    """

    def __init__(self, workspace: Path, zone: ZoneInfo, logs: Logs | None = None) -> None:
        logs = logs or FileLogs(workspace / "log")
        self.log = logs.daily("dossiers", DECISIONS.columns, ("subject", "into", "author"))
        self._rows = TypedDayLog(self.log, DECISIONS)
        self._zone = zone
        self._register: tuple[list[DossierRow], Register] | None = None

    def rows(self) -> list[DossierRow]:
        """All decisions, oldest first."""
        return [row for rows in self.by_day().values() for row in rows]

    def by_day(self) -> dict[date, list[DossierRow]]:
        """All decisions by the day on which they were made. Do not change the lists."""
        return self._rows.by_day(self.log.days())

    def register(self) -> Register:
        """Everything that was decided, the later decision winning."""
        rows = self.rows()
        known = self._register
        if known is not None and known[0] == rows:  # rows that were read before are the same objects: this is quick
            return known[1]
        register = Register()
        for row in rows:
            self._apply(register, row)
        self._register = (rows, register)
        return register

    @staticmethod
    def _apply(register: Register, row: DossierRow) -> None:
        register.issued |= {each for each in (row.subject, row.into) if each.startswith("unknown-")}
        subject, into = register.current(row.subject), register.current(row.into)
        if row.action == "merge" and into != subject:
            register.merged[subject] = into
            for flagged in (register.watched, register.ignored):
                if subject in flagged:
                    flagged.remove(subject)
                    flagged.add(into)
            if subject in register.named:
                register.named.setdefault(into, register.named.pop(subject))
        elif row.action == "split":
            register.moved |= dict.fromkeys(row.incidents, row.into)
        elif row.action == "name":
            register.named[subject] = row.into
        elif row.action in {"watch", "ignore"}:
            (register.watched if row.action == "watch" else register.ignored).add(subject)
        elif row.action in {"unwatch", "unignore"}:
            (register.watched if row.action == "unwatch" else register.ignored).discard(subject)

    def decide(
        self,
        action: Action,
        subject: str,
        *,
        author: str,
        now: datetime,
        into: str = "",
        incidents: Iterable[str] = (),
        reason: str = "",
    ) -> DossierRow:
        """Write a decision down.

        Args:
            action: what is decided.
            subject: the stranger (or employee, for the watch list).
            author: who decides.
            now: the present.
            into: the other dossier, or who it is.
            incidents: those that are split off.
            reason: why; may be empty.

        Raises:
            InputError: it makes no sense.
            StorageError: it could not be written.
        """
        if action in {"merge", "split", "name"} and (not into or into == subject):
            raise InputError(f"{action}: into what?", hint="name the other dossier or person")
        time = now.astimezone(self._zone)
        row = DossierRow(
            new_id(time),
            time,
            action,
            subject,
            into,
            tuple(incidents),
            clean_text(author, what="author", limit=100),
            clean_text(reason, what="reason", limit=500) if reason.strip() else "",
        )
        with self.log.exclusive():
            self._rows.append(time.date(), [row])
        return row

    def dossiers(self, rows: Sequence[IncidentRow]) -> list[Dossier]:
        """Incidents of unknown people put together by who they show, the latest seen first.

        Args:
            rows: of the incident log.
        """
        register = self.register()
        found: dict[str, list[IncidentRow]] = {}
        for row in rows:
            for unknown_id in register.of(row) if row.kind is IncidentKind.UNKNOWN else ():
                found.setdefault(unknown_id, []).append(row)
        dossiers = [
            Dossier(
                unknown_id,
                tuple(sorted(each, key=lambda row: row.timestamp)),
                unknown_id in register.watched,
                unknown_id in register.ignored,
                register.named.get(unknown_id, ""),
            )
            for unknown_id, each in found.items()
        ]
        return sorted(dossiers, key=lambda dossier: dossier.incidents[-1].timestamp, reverse=True)
