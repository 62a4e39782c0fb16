"""Dossiers of strangers over days and cameras, with the decisions of people.

The engine gives a stranger an identifier by the nearest template among strangers, see `engine.pipeline.strangers`. A log of its own
records what people decide: two dossiers show one person (`merge`), some incidents of a dossier show somebody else (`split`), put the
stranger on the watch list (`watch`), raise no alerts (`ignore`), the stranger is an enrolled person (`name`), or what people call the
stranger on pages (`nickname`).
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

Action = Literal["merge", "split", "name", "watch", "unwatch", "ignore", "unignore", "nickname"]


@dataclass(frozen=True)
class DossierRow:
    """A decision about a stranger."""

    decision_id: str
    timestamp: datetime
    action: Action
    subject: str  # the stranger, or an employee on or off the watch list
    into: str  # the other dossier, who the stranger is, or a nickname (empty: none any more); empty where the action needs none
    incidents: tuple[str, ...]  # those that were split off
    author: str
    reason: str


DECISIONS = RowType(DossierRow, timespec="seconds")


@dataclass(frozen=True)
class Dossier:
    """What is known about a stranger.

    Attributes:
        unknown_id: such as `unknown-7`.
        incidents: rows of the incident log, oldest first.
        employee_id: who the stranger is; empty if unknown.
    """

    unknown_id: str
    incidents: tuple[IncidentRow, ...]
    watched: bool = False
    ignored: bool = False
    employee_id: str = ""

    @property
    def days(self) -> list[date]:
        """Days on which the stranger was seen, oldest first."""
        return sorted({row.timestamp.date() for row in self.incidents})

    @property
    def cameras(self) -> list[str]:
        """Cameras that saw the stranger."""
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
        merged: dossier → the dossier it was merged into.
        moved: incident → the dossier it was split off to.
        watched, ignored: ids of strangers; of employees on the watch list, too.
        named: stranger → employee.
        nicknames: stranger → what people call them.
        issued: all identifiers ever mentioned.
    """

    merged: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    watched: set[str] = field(default_factory=set)
    ignored: set[str] = field(default_factory=set)
    named: dict[str, str] = field(default_factory=dict)
    nicknames: dict[str, str] = field(default_factory=dict)
    issued: set[str] = field(default_factory=set)

    def current(self, unknown_id: str) -> str:
        """Return a stranger's current identifier."""
        seen = set()
        while unknown_id in self.merged and unknown_id not in seen:
            seen.add(unknown_id)
            unknown_id = self.merged[unknown_id]
        return unknown_id

    def of(self, row: IncidentRow) -> list[str]:
        """Return the dossiers to which an incident belongs."""
        moved = self.moved.get(row.incident_id)
        return [self.current(each) for each in ((moved,) if moved is not None else row.unknown_ids)]

    def join(self, subject: str, into: str) -> None:
        """Merge a stranger into another one, with what was decided about them."""
        if into == subject:
            return
        self.merged[subject] = into
        for flagged in (self.watched, self.ignored):
            if subject in flagged:
                flagged.remove(subject)
                flagged.add(into)
        for told in (self.named, self.nicknames):
            if subject in told:
                told.setdefault(into, told.pop(subject))

    def call(self, subject: str, nickname: str) -> None:
        """Give a stranger a nickname; empty: none any more."""
        self.nicknames.pop(self.current(subject), None)
        if nickname:
            self.nicknames[self.current(subject)] = nickname


class DossierBook:
    """The log of decisions about strangers; `logs` defaults to files in the workspace."""

    def __init__(self, workspace: Path, zone: ZoneInfo, logs: Logs | None = None) -> None:
        logs = logs or FileLogs(workspace / "log")
        people = ("subject", "into", "author")
        self.log = TypedDayLog(logs.daily("dossiers", DECISIONS.columns, people), DECISIONS)
        self._zone = zone
        self._register: tuple[list[DossierRow], Register] | None = None

    def rows(self) -> list[DossierRow]:
        """Return all decisions, oldest first."""
        return [row for rows in self.by_day().values() for row in rows]

    def by_day(self) -> dict[date, list[DossierRow]]:
        """Return all decisions by day; do not modify the lists."""
        return self.log.by_day(self.log.days())

    def register(self) -> Register:
        """Return the decisions in force; a later one overrides an earlier one."""
        rows = self.rows()
        known = self._register
        if known is not None and known[0] == rows:  # quick, because rows read before are the same objects
            return known[1]
        register = Register()
        for row in rows:
            self._apply(register, row)
        self._register = (rows, register)
        return register

    @staticmethod
    def _apply(register: Register, row: DossierRow) -> None:
        if row.action == "nickname":  # `into` is a text, and no id
            register.call(row.subject, row.into)
            return
        register.issued |= {each for each in (row.subject, row.into) if each.startswith("unknown-")}
        subject, into = register.current(row.subject), register.current(row.into)
        if row.action == "merge":
            register.join(subject, into)
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
        """Record a decision, see `DossierRow`.

        Raises:
            InputError: the decision lacks the other dossier or person, or a text is invalid.
            StorageError: the decision cannot be written.
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
            self.log.append(time.date(), [row])
        return row

    def dossiers(self, rows: Sequence[IncidentRow]) -> list[Dossier]:
        """Return the dossiers of strangers in rows of the incident log, latest seen first."""
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
