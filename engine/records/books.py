"""All books of a workspace in one value, which desks, erasure, retention, verification and disclosure share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.access import AccountBook, Audit, BadgeBook, BindingBook, PinBook
from engine.access.doors import DoorBook
from engine.attendance import AttendanceBook, PunchRow
from engine.errors import InputError, StorageError
from engine.gallery import GalleryFile, GalleryStore, SeenFaces
from engine.incidents import ALERT_KINDS, DossierBook, IncidentBook, IncidentRow
from engine.incidents.notifications import DeliveryRow
from engine.people import LeaveBook, PeopleStore, TimeAccountBook
from engine.records.names import Names
from engine.storage import below, clean_text, csv_line, locked, writable
from engine.storage.logs import DayLog, Finding, Head, Kept, KeyMissing, Sealer, TypedDayLog
from engine.storage.pictures import PictureList, pictures_in
from engine.storage.state import CHAIN, LIST, TABLES, StateSeals, known_name
from engine.storage.vault import Vault
from engine.tracking import AnswerBook, SightingBook
from engine.types import Person, Progress

log = logging.getLogger(__name__)

HEAD_COLUMNS = ("chain", "rows", "head")

PICTURE_FOLDERS = ("enrolment", "evidence", "unidentified", *ALERT_KINDS)


@dataclass(frozen=True)
class Records:
    """A workspace's books.

    Attributes:
        gallery, strangers, anchors: templates of people, of strangers, and of faces mistaken for somebody.
        seen: faces of all who passed cameras, for the search by photo.
        clock: returns the present time.
        vault: encrypts templates and pictures.
        seals: of state files; None: a database holds them.
        users: accounts of the workbench, whose secrets are encrypted, too.
        listing: of pictures.
        doors: pulses and refusals at doors; in files of each machine, also beside a database.
    """

    workspace: Path
    zone: ZoneInfo
    clock: Callable[[], datetime]
    people: PeopleStore
    leave: LeaveBook
    accounts: TimeAccountBook
    gallery: GalleryStore
    strangers: GalleryStore
    anchors: GalleryStore
    seen: SeenFaces
    attendance: AttendanceBook
    incidents: IncidentBook
    dossiers: DossierBook
    sightings: SightingBook
    answers: AnswerBook
    deliveries: TypedDayLog[DeliveryRow]
    audit: Audit
    pins: PinBook
    badges: BadgeBook
    bindings: BindingBook
    vault: Vault
    seals: StateSeals | None = None
    users: AccountBook | None = None
    listing: PictureList | None = None
    doors: DoorBook | None = None

    def __post_init__(self) -> None:
        if self.seals is not None:
            self.seals.adopted = self._adopted

    def _adopted(self, names: Sequence[str]) -> None:
        """Record which files counted as written by Muster when the workspace was sealed for the first time."""
        self.note("seal_files", "", ", ".join(names), author="engine")

    @property
    def sealer(self) -> Sealer:
        """Makes the seals of the logs, and pseudonyms."""
        return self.attendance.log.raw.sealer

    @property
    def names(self) -> Names:
        """Replaces the names of people in texts for the logs."""
        return Names(self.people, self.sealer)

    def now(self) -> datetime:
        """Return the present time in the workplace's zone."""
        return self.clock().astimezone(self.zone)

    def note(self, action: str, subject: str, detail: str, *, author: str) -> None:
        """Record an action in the audit log.

        Raises:
            StorageError: the log cannot be written.
        """
        self.audit.note(action, subject, detail, author=author, now=self.clock())

    def note_reading(self, action: str, subject: str, detail: str, *, author: str) -> None:
        """Record that something was read out. A copy that nobody may write, or whose key is gone, is read without, which is said.

        Raises:
            StorageError: the log cannot be written, for another reason.
        """
        try:
            self.note(action, subject, detail, author=author)
        except StorageError as error:
            if not isinstance(error, KeyMissing) and writable(self.workspace / "log"):
                raise
            log.warning("the audit log does not record %s: %s", action, error.message)

    @property
    def logs(self) -> list[DayLog]:
        """The logs that are divided into days."""
        coverage = self.attendance.plan.coverage
        return [
            self.attendance.log.raw,
            self.attendance.corrections.raw,
            self.attendance.requests.log.raw,
            self.attendance.closed.log.raw,
            self.attendance.closed.days.raw,
            *([coverage.log.raw] if coverage else []),
            self.incidents.log.raw,
            self.dossiers.log.raw,
            self.sightings.log.raw,
            self.answers.log.raw,
            self.deliveries.raw,
            *(self.local_logs if self.seals is not None else []),
        ]

    @property
    def local_logs(self) -> list[DayLog]:
        """Those divided into days that lie in files of this machine even if a database holds the others."""
        return [self.doors.log.raw] if self.doors is not None else []

    @property
    def observations(self) -> Path:
        """Folder of the faces in recordings that are not decided yet, see `engine.archive`."""
        return self.workspace / "archive" / "observations"

    def pictures(self) -> Iterator[Path]:
        """Yield all pictures of people, films included."""
        for folder in PICTURE_FOLDERS:
            yield from pictures_in(self.workspace / "images", folder)

    def attendance_rows(self) -> Iterator[tuple[date, PunchRow]]:
        """Yield every row of the attendance log with the day of its file."""
        for day in self.attendance.log.days():
            for row in self.attendance.log.read(day):
                yield day, row

    def incident_rows(self) -> list[IncidentRow]:
        """Return every row of the incident log, including reviews."""
        return self.incidents.log.on(self.incidents.log.days())

    def inside(self, relative: str) -> Path | None:
        """Return the picture that a row names; None if it is missing or outside `images/`, as in a forged row."""
        found = below(self.workspace, relative, within="images")
        return self.workspace / relative if found is not None and found.is_file() else None

    def picture_fault(self, relative: str) -> str:
        """Return what is wrong with a picture that a row names; empty: nothing, or it is not covered.

        Raises:
            StorageError: the list of pictures cannot be read.
        """
        if self.listing is None or self.vault.ring.lost:
            return ""
        return self.listing.fault(self.listing.name_of(self.workspace / relative), self.vault.read)

    def check_pictures(self, since: date = date.min) -> list[Finding]:
        """Return all findings about pictures, from the day `since` on.

        Raises:
            StorageError: the list of pictures cannot be read.
        """
        if self.listing is None:
            return []
        if self.vault.ring.lost:
            return [Finding("images", 0, "note", "pictures were not checked: the keys that open them are missing")]
        return self.listing.check(self.pictures(), self.vault.read, since)

    def close(self, now: datetime, people: Mapping[str, Person]) -> list[date]:
        """Close all past days; return those of the attendance log."""
        closed = self.attendance.keeper.close_days(now, people)
        before = self.attendance.day_of(now)
        beside = (
            self.attendance.requests.log,
            self.attendance.closed.log,
            self.attendance.closed.days,
            self.incidents.log,
            self.dossiers.log,
            self.answers.log,
        )
        pictures = [self.listing.log.raw] if self.listing else []
        for log in (
            *(each.raw for each in beside),
            self.sightings.log.raw,
            self.deliveries.raw,
            *self.local_logs,
            *pictures,
        ):
            log.close(before, now)
        return closed

    def heads(self) -> dict[str, Head]:
        """Return how far each chain of the logs is sealed, by its name; whoever keeps them elsewhere can prove later what was deleted."""
        journal = self.attendance.log.raw.journal.file
        found = [journal.heads(), self.audit.raw.heads(), *(log.heads() for log in self.logs)]
        if self.listing and self.seals:  # with a database, each machine has pictures and a list of its own
            found.append(self.listing.log.raw.heads())
        state = self.seals.head() if self.seals else None
        return {name: head for heads in found for name, head in heads.items()} | ({CHAIN: state} if state else {})

    def heads_table(self) -> str:
        """Return the heads as CSV, a line for each chain, which `muster verify --against` reads."""
        found = sorted(self.heads().items())
        rows = [HEAD_COLUMNS, *((name, str(head.rows), head.chain) for name, head in found)]
        return "".join(csv_line(row) for row in rows)

    def accept(self, name: str, *, author: str, reason: str) -> list[str]:
        """Take state files as they are now for written by Muster, after somebody has looked at them.

        Args:
            name: of a file, or `all` of them; path of a picture, or `pictures` for all.

        Returns:
            The names of the files that had been changed.

        Raises:
            InputError: there is no such file, or author or reason is missing.
            StorageError: something cannot be written; what was accepted before is in the audit log.
        """
        author, reason = clean_text(author, what="author", limit=100), clean_text(reason, what="reason", limit=1000)
        if name.startswith("attendance/"):
            return self._accept_sheet(name, author, self.names.text(reason))
        if name == "pictures" or name.startswith("images/"):
            return self._accept_pictures(name, author, self.names.text(reason))
        wanted = known_name(name)
        if self.seals is None:
            raise InputError("a database holds these files", hint="its own rights protect them")
        changed = {each.file for each in self.seals.check() if not each.harmless}
        if LIST in changed and self.seals.foreign:
            if name != "all":
                raise InputError(f"{LIST} belongs to another key", hint="accept all files, or restore the key")
            self.seals.begin_anew()
            self.note("accept_file", "all", self.names.text(reason), author=author)
            self.seals.adopt()
            return wanted
        galleries = {f"gallery/{each.path.name}": each for each in self._gallery_files()}
        done = [each for each in wanted if each in changed]
        for each in done:
            self.note("accept_file", each, self.names.text(reason), author=author)
            if each in galleries:
                galleries[each].accept()
            else:
                with locked(self.workspace / each):
                    self.seals.accept(each)
        return done

    def _accept_sheet(self, name: str, author: str, reason: str) -> list[str]:
        """Write a day sheet from the logs again: nobody can accept other figures there."""
        try:
            day = date.fromisoformat(Path(name).stem)
        except ValueError as error:
            raise InputError(f"{name} is no day sheet", hint="name one as `muster verify` does") from error
        self.note("accept_file", name, reason, author=author)
        self.attendance.keeper.refresh(day, self.people.known())
        return [name]

    def _accept_pictures(self, name: str, author: str, reason: str) -> list[str]:
        listing = self.listing
        if listing is None:
            return []
        every = {*listing.names(), *map(listing.name_of, self.pictures())} - {""}
        if name != "pictures" and name not in every:
            raise InputError(f"there is no picture {name}", hint="name one as `muster verify` does, or `pictures`")
        self.note("accept_file", name, reason, author=author)
        return [each for each in sorted(every) if name in {"pictures", each} and listing.accept(each, self.vault.read)]

    def changed_files(self) -> list[str]:
        """Return tables, and galleries as they were read last, that were changed outside of Muster; quick enough for every page."""
        if self.seals is None:
            return []
        aside = [f"gallery/{each.path.name}" for each in self._gallery_files() if each.set_aside]
        return [*self.seals.changed(TABLES), *aside]

    def _gallery_files(self) -> Iterator[GalleryFile]:
        for store in (self.gallery, self.strangers, self.anchors):
            if isinstance(store.keep, GalleryFile):
                yield store.keep

    def verify(
        self, progress: Progress | None = None, against: Kept | None = None, *, anew: bool = True
    ) -> list[Finding]:
        """Return all findings about the logs; an empty list if every row is as it was written.

        Args:
            against: heads that were kept elsewhere, see `heads`; of one time or of many.
            anew: False: files that were verified before, and of which no byte has changed, are not verified again.

        Raises:
            StorageError: the key of the seals is missing.
        """
        journal = self.attendance.log.raw.journal
        sealer, key_path = self.sealer, self.sealer.key_path
        if not key_path.exists():  # with a new one, every row would count as changed
            if any(log.days() for log in self.logs) or journal.file or self.audit.raw or against:
                raise StorageError(
                    f"{key_path} is gone: without it no row can be checked",
                    hint="restore it from a backup, or begin new seals: `muster keys begin --author … --reason …`",
                )
            return []
        findings = journal.file.check(against, anew=anew) + self.audit.raw.check(against, anew=anew)
        total, done = sum(len(log.days()) for log in self.logs) if progress else 0, 0

        def told() -> None:
            nonlocal done
            done += 1
            if progress is not None:
                progress("verifying", min(done, total), total)

        for log in self.logs:
            findings += log.check(told, against=against, anew=anew)
        findings += self._check_listing(against, anew=anew)
        findings += self.attendance.sheets.check()
        findings += self.seals.check((against or {}).get(CHAIN, ())) if self.seals else []
        keys = journal.keys() - {sealer.key_id}
        if keys:
            detail = f"the key was changed: {', '.join(sorted(keys))} before, {sealer.key_id} now"
            findings.append(Finding("seals.csv", 0, "note", detail))
        for row in self.audit.read():
            if row.action == "begin_seals":
                detail = f"seals were begun anew on {row.timestamp:%Y-%m-%d %H:%M} ({row.author}): rows of before prove nothing"
                findings.append(Finding("audit.csv", 0, "note", detail))
        return findings

    def _check_listing(self, against: Kept | None, *, anew: bool) -> list[Finding]:
        """Return findings about the list of pictures, and about the pictures."""
        if self.listing is None:
            return []
        log = self.listing.log.raw
        own = self.attendance.log.raw.journal.file.shelf is not log.journal.file.shelf
        findings = log.journal.file.check(anew=anew) if own else []
        kept = against if self.seals else None
        if own:
            findings += [each for book in self.local_logs for each in book.check(anew=anew)]
        return [*findings, *log.check(against=kept, anew=anew), *self.check_pictures()]
