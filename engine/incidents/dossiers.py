"""Who strangers are: dossiers over days and cameras, corrected by people.

A stranger's identifier is given by the engine (nearest template among strangers, see `engine.pipeline.strangers`). What
people say of it is a log of its own: two dossiers are one person (`merge`), some incidents of one show somebody else
(`split`), this one is to be watched for (`watch`), is of no interest (`ignore`), or is somebody who is enrolled by now (`name`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.errors import InputError
from engine.storage import clean_text, new_id
from engine.storage.logs import FileLogs, Logs

__all__ = ["DOSSIER_COLUMNS", "Dossier", "DossierBook", "Register"]

DOSSIER_COLUMNS = (
    "decision_id",
    "timestamp",
    "action",
    "subject",
    "into",
    "incidents",
    "author",
    "reason",
)
_FLAGS = {"watch": "watched", "unwatch": "watched", "ignore": "ignored", "unignore": "ignored"}


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
    incidents: tuple[Mapping[str, str], ...]
    watched: bool = False
    ignored: bool = False
    employee_id: str = ""

    @property
    def days(self) -> list[str]:
        """Days on which they were seen, ISO, oldest first."""
        return sorted({row["timestamp"][:10] for row in self.incidents})

    @property
    def cameras(self) -> list[str]:
        """Where."""
        return sorted({row["camera"] for row in self.incidents})

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

    def of(self, row: Mapping[str, str]) -> list[str]:
        """The dossiers that an incident belongs to."""
        if row["incident_id"] in self.moved:
            return [self.current(self.moved[row["incident_id"]])]
        return [self.current(each) for each in row["unknown_ids"].split(";") if each]


class DossierBook:
    """The log of decisions about strangers.

    Args:
        workspace: folder that holds `log/`.
        zone: of the workplace.
        logs: makes the log; default: files in the workspace.
    """

    def __init__(self, workspace: Path, zone: ZoneInfo, logs: Logs | None = None) -> None:
        logs = logs or FileLogs(workspace / "log")
        self.log = logs.daily("dossiers", DOSSIER_COLUMNS, ("subject", "into", "author"))
        self._zone = zone
        self._register: tuple[list[dict[str, str]], Register] | None = None

    def rows(self) -> list[dict[str, str]]:
        """All decisions, oldest first. Do not change them."""
        return self.log.on(self.log.days())

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
    def _apply(register: Register, row: Mapping[str, str]) -> None:
        action, subject, into = row["action"], row["subject"], row["into"]
        register.issued |= {each for each in (subject, into) if each.startswith("unknown-")}
        subject = register.current(subject)
        if action == "merge" and register.current(into) != subject:
            into = register.merged[subject] = register.current(into)
            for flagged in (register.watched, register.ignored):
                if subject in flagged:
                    flagged.remove(subject)
                    flagged.add(into)
            if subject in register.named:
                register.named.setdefault(into, register.named.pop(subject))
        elif action == "split":
            register.moved |= dict.fromkeys(row["incidents"].split(";"), into)
        elif action == "name":
            register.named[subject] = into
        elif action in _FLAGS:
            flagged = getattr(register, _FLAGS[action])
            if action.startswith("un"):
                flagged.discard(subject)
            else:
                flagged.add(subject)

    def decide(
        self,
        action: str,
        subject: str,
        *,
        author: str,
        now: datetime,
        into: str = "",
        incidents: Iterable[str] = (),
        reason: str = "",
    ) -> dict[str, object]:
        """Write a decision down.

        Args:
            action: `merge`, `split`, `name`, `watch`, `unwatch`, `ignore` or `unignore`.
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
        if action not in {"merge", "split", "name", *_FLAGS}:
            raise InputError(f"{action!r} cannot be done to a dossier", hint="merge, split, name, watch, ignore")
        if action in {"merge", "split", "name"} and (not into or into == subject):
            raise InputError(f"{action}: into what?", hint="name the other dossier or person")
        row: dict[str, object] = {
            "decision_id": new_id(now.astimezone(self._zone)),
            "timestamp": now.astimezone(self._zone).isoformat(timespec="seconds"),
            "action": action,
            "subject": subject,
            "into": into,
            "incidents": ";".join(incidents),
            "author": clean_text(author, what="author", limit=100),
            "reason": clean_text(reason, what="reason", limit=500) if reason.strip() else "",
        }
        with self.log.exclusive():
            self.log.append(now.astimezone(self._zone).date(), [row])
        return row

    def dossiers(self, rows: Sequence[Mapping[str, str]]) -> list[Dossier]:
        """Incidents of unknown people put together by who they show, the latest seen first.

        Args:
            rows: of the incident log.
        """
        register = self.register()
        found: dict[str, list[Mapping[str, str]]] = {}
        for row in rows:
            for unknown_id in register.of(row) if row["kind"] == "unknown" else ():
                found.setdefault(unknown_id, []).append(row)
        dossiers = [
            Dossier(
                unknown_id,
                tuple(sorted(each, key=lambda row: row["timestamp"])),
                unknown_id in register.watched,
                unknown_id in register.ignored,
                register.named.get(unknown_id, ""),
            )
            for unknown_id, each in found.items()
        ]
        return sorted(dossiers, key=lambda dossier: dossier.incidents[-1]["timestamp"], reverse=True)
