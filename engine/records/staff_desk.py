"""What HR does with the list of people: correct a row, let somebody be recognised or not, take templates out, take lists in.

Every change is noted in the audit log with its author. Enrolling is `engine.enrolment`, forgetting `engine.privacy.erasure`.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from engine.errors import InputError
from engine.gallery import Gallery, coherence
from engine.people import (
    LeaveImport,
    Person,
    StaffImport,
    clean_consent,
    clean_department,
    clean_email,
    clean_name,
    import_staff,
)
from engine.records.books import Records
from engine.storage import storage_errors

_CALENDARS = {".ics", ".ical", ".ifb", ".icalendar"}


@dataclass(frozen=True)
class TemplateView:
    """One template of a person, for somebody who decides whether it is a good one.

    Attributes:
        template_id: its id.
        quality: of the face, 0 to 1.
        similarity: with the person's other templates; None: there are none.
        outlier: the others alone would not recognise it.
        picture: it was made from, relative to the workspace; empty: it is gone.
    """

    template_id: str
    quality: float
    similarity: float | None
    outlier: bool
    picture: str


class StaffDesk:
    """Acts on the list of people and their templates.

    Args:
        records: the books.
        threshold: the matching threshold, as it is when called.
        clock: the present.
    """

    def __init__(self, records: Records, threshold: Callable[[], float], clock: Callable[[], datetime]) -> None:
        self._records, self._threshold, self._clock = records, threshold, clock
        self._names = records.names

    def _now(self) -> datetime:
        return self._clock().astimezone(self._records.zone)

    def _note(self, action: str, subject: str, detail: str, author: str) -> None:
        self._records.audit.note(action, subject, detail, author=self._names.author(author), now=self._clock())

    def change(
        self,
        employee_id: str,
        *,
        author: str,
        name: str | None = None,
        department: str | None = None,
        email: str | None = None,
        consent_at: str | None = None,
        active: bool | None = None,
    ) -> Person:
        """Change a person's row; what is None stays.

        Args:
            employee_id: who.
            author: who does this.
            name, department, email: as typed; all but the name may be empty.
            consent_at: ISO 8601, or empty: it was withdrawn, or never given.
            active: False: they are not recognised any more.

        Returns:
            The row as it is now.

        Raises:
            InputError: nobody of that id is known, or a value cannot be.
            StorageError: it could not be written.
        """
        changes: dict[str, object] = {}
        if name is not None:
            changes["name"] = clean_name(name)
        if department is not None:
            changes["department"] = clean_department(department)
        if email is not None:
            changes["email"] = clean_email(email)
        if consent_at is not None:
            changes["consent_at"] = clean_consent(consent_at.strip(), self._now())
        if active is not None:
            changes["active"] = active
        before, after = self._records.people.change(employee_id, **changes)
        fields = [field for field in changes if field != "active" and getattr(before, field) != getattr(after, field)]
        if fields:
            self._note("change_person", employee_id, ", ".join(fields).replace("_at", ""), author)
        if before.active != after.active:
            self._note("reactivate" if after.active else "deactivate", employee_id, "", author)
        return after

    def templates(self, employee_id: str) -> list[TemplateView]:
        """The templates of a person, oldest first; empty: they cannot be recognised."""
        templates, rows = self._records.gallery.current().of(employee_id)
        alike = coherence(rows, np.array([template.quality for template in templates], np.float32))
        views, threshold = [], self._threshold()
        for template, similarity in zip(templates, alike.tolist(), strict=True):
            several = len(templates) > 1
            picture = f"images/enrolment/{template.template_id}.jpg"
            views.append(
                TemplateView(
                    template.template_id,
                    template.quality,
                    similarity if several else None,
                    several and similarity < threshold,
                    picture if self._records.inside(picture) else "",
                )
            )
        return views

    def remove_templates(
        self, employee_id: str, template_ids: Collection[str], *, author: str, allow_last: bool = False
    ) -> int:
        """Take templates of a person out, with the pictures they were made from.

        Args:
            employee_id: who.
            template_ids: which.
            author: who does this.
            allow_last: take the last one, too: they are not recognised any more.

        Returns:
            How many are left.

        Raises:
            InputError: a template is not theirs, or none would be left.
            StorageError: something could not be erased; a second attempt goes on.
        """
        wanted = set(template_ids)
        theirs = {template.template_id for template in self._records.gallery.current().of(employee_id)[0]}
        if not wanted or wanted - theirs:
            raise InputError(
                f"{employee_id} has no template {', '.join(sorted(wanted - theirs)) or 'named'}",
                hint="look at the list again: it may have changed",
            )

        def without(gallery: Gallery) -> Gallery:
            after = gallery.remove_templates(wanted)
            if employee_id in gallery.people and employee_id not in after.people and not allow_last:
                raise InputError(
                    f"these are all templates of {employee_id}: they would not be recognised any more",
                    hint="leave one, or say that this is meant",
                )
            return after

        without(self._records.gallery.current())  # before a picture goes: it may be refused
        for each in wanted:
            path = self._records.workspace / "images" / "enrolment" / f"{each}.jpg"
            with storage_errors(path):
                path.unlink(missing_ok=True)
        after = self._records.gallery.update(without)
        count = len(wanted)
        text = f"{count} template{'s' if count > 1 else ''} removed, gallery version {after.version}"
        self._note("remove_templates", employee_id, text, author)
        return len(after.of(employee_id)[0])

    def import_staff(self, path: Path, *, author: str, dry_run: bool = False) -> StaffImport:
        """Take a staff list in, see `engine.people.staff`.

        Raises:
            InputError: the file is no staff list.
            StorageError: people cannot be read or written.
        """
        result = import_staff(path, self._records.people, dry_run=dry_run, now=self._now())
        if result.written:
            counts = f"{len(result.added)} added, {len(result.changed)} changed, {len(result.unchanged)} unchanged"
            self._note("import", "people.csv", counts, author)
        return result

    def import_leave(self, path: Path, *, author: str, kind: str | None = None, dry_run: bool = False) -> LeaveImport:
        """Take leave, remote and sick days in from a table or a calendar (`.ics`), see `engine.people.leave`.

        Args:
            path: the file; its name tells a calendar.
            author: who does this.
            kind: of all events of a calendar; None: what each says.
            dry_run: only say what would be done.

        Raises:
            InputError: the file is neither, or a kind is given for a table.
            ConfigError: the packages for calendars are not installed.
            StorageError: people or leave cannot be read or written.
        """
        records, now = self._records, self._now()
        if path.suffix.lower() in _CALENDARS:
            result = records.leave.import_ical(
                path, records.people, zone=records.zone, now=now, kind=kind, dry_run=dry_run
            )
        elif kind is not None:
            raise InputError("--kind is for calendars: a table says it in a column", hint="leave --kind out")
        else:
            result = records.leave.import_csv(path, records.people, now=now, dry_run=dry_run)
        if (result.added or result.removed) and not dry_run:
            counts = f"{len(result.added)} added, {len(result.removed)} removed, {len(result.unchanged)} unchanged"
            self._note("import", "leave.csv", counts, author)
        return result


@contextlib.contextmanager
def uploaded(content: bytes, name: str) -> Iterator[Path]:
    """What somebody uploaded as a file of its name, for as long as this lasts; errors tell the name, not the place.

    Args:
        content: of the file.
        name: as it was called where it came from.

    Raises:
        InputError: what the block raises, without the temporary path.
        StorageError: the file cannot be written.
    """
    safe = Path(name.replace("\\", "/")).name.lstrip(".") or "upload"
    with tempfile.TemporaryDirectory(prefix="muster-") as folder:
        path = Path(folder) / "".join(sign if sign.isprintable() else " " for sign in safe)[-60:]
        with storage_errors(path):
            path.write_bytes(content)
        try:
            yield path
        except InputError as error:
            raise InputError(error.message.replace(f"{folder}/", ""), hint=error.hint) from error
