"""Everything a workspace holds about people, in one value: what erasure, retention, verification and disclosure work on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.access import Audit, PinBook
from engine.attendance import AttendanceBook, PunchRow
from engine.errors import StorageError
from engine.gallery import GalleryStore
from engine.incidents import ALERT_KINDS, DossierBook, IncidentBook, IncidentRow
from engine.incidents.notifications import DeliveryRow
from engine.people import LeaveBook, PeopleStore
from engine.records.names import Names
from engine.storage.logs import DayLog, Finding, Sealer, TypedDayLog
from engine.tracking import SightingBook
from engine.types import Person

PICTURE_FOLDERS = ("enrolment", "evidence", "unidentified", *ALERT_KINDS)


@dataclass(frozen=True)
class Records:
    """A workspace's books.

    Attributes:
        workspace: the folder.
        zone: of the workplace.
        people, leave: tables.
        gallery, strangers, anchors: templates of people, of strangers, and of faces taken for somebody by mistake.
        attendance, incidents, dossiers, sightings, deliveries, audit: logs.
        pins: of people who are not recognised by their face.
    """

    workspace: Path
    zone: ZoneInfo
    people: PeopleStore
    leave: LeaveBook
    gallery: GalleryStore
    strangers: GalleryStore
    anchors: GalleryStore
    attendance: AttendanceBook
    incidents: IncidentBook
    dossiers: DossierBook
    sightings: SightingBook
    deliveries: TypedDayLog[DeliveryRow]
    audit: Audit
    pins: PinBook

    @property
    def sealer(self) -> Sealer:
        """Makes the seals of the logs, and pseudonyms."""
        return self.attendance.log.raw.sealer

    @property
    def names(self) -> Names:
        """Takes the names of people out of what is written down."""
        return Names(self.people, self.sealer)

    @property
    def logs(self) -> list[DayLog]:
        """The logs with a file per day."""
        coverage = self.attendance.plan.coverage
        return [
            self.attendance.log.raw,
            self.attendance.corrections.raw,
            *([coverage.log.raw] if coverage else []),
            self.incidents.log,
            self.dossiers.log,
            self.sightings.log,
            self.deliveries.raw,
        ]

    @property
    def observations(self) -> Path:
        """Where faces seen in recordings lie until those are decided, see `engine.archive`."""
        return self.workspace / "archive" / "observations"

    def pictures(self) -> Iterator[Path]:
        """All pictures of people."""
        for folder in PICTURE_FOLDERS:
            yield from sorted((self.workspace / "images" / folder).glob("*.jpg"))

    def attendance_rows(self) -> Iterator[tuple[date, PunchRow]]:
        """Every row of the attendance log with its file's day."""
        for day in self.attendance.log.days():
            for row in self.attendance.log.read(day):
                yield day, row

    def incident_rows(self) -> list[IncidentRow]:
        """Every row of the incident log, reviews included."""
        return self.incidents.rows.on(self.incidents.log.days())

    def inside(self, relative: str) -> Path | None:
        """A picture that a row names; None when the path leads elsewhere (a row may be forged) or nothing is there."""
        path = self.workspace / relative
        within = path.resolve().is_relative_to((self.workspace / "images").resolve())
        return path if relative and within and path.is_file() else None

    def close(self, now: datetime, people: Mapping[str, Person]) -> list[date]:
        """Close all days that are over."""
        closed = self.attendance.keeper.close_days(now, people)
        before = self.attendance.day_of(now)
        for log in (self.incidents.log, self.dossiers.log, self.sightings.log, self.deliveries.raw):
            log.close(before, now)
        return closed

    def verify(self, progress: Callable[[str, int, int], None] | None = None) -> list[Finding]:
        """Everything about the logs that does not hold; empty: every row is as it was written.

        Args:
            progress: told of days.

        Raises:
            StorageError: the key of the seals is gone.
        """
        journal = self.attendance.log.raw.journal
        sealer, key_path = self.sealer, self.sealer.key_path
        if not key_path.exists():  # a new one would only call every row changed
            if any(log.days() for log in self.logs) or journal.file or self.audit.raw:
                raise StorageError(
                    f"{key_path} is gone: without it no row can be checked", hint="restore it from a backup"
                )
            return []
        findings = journal.file.check() + self.audit.raw.check()
        total, done = sum(len(log.days()) for log in self.logs) if progress else 0, 0

        def told() -> None:
            nonlocal done
            done += 1
            if progress is not None:
                progress("verifying", min(done, total), total)

        for log in self.logs:
            findings += log.check(told)
        keys = journal.keys() - {sealer.key_id}
        if keys:
            findings.append(
                Finding(
                    "seals.csv",
                    0,
                    "note",
                    f"the key was changed: {', '.join(sorted(keys))} before, {sealer.key_id} now",
                )
            )
        return findings
