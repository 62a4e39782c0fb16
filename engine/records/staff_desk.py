"""The list of people and their templates: changes, and the import of staff.

The audit log records every change with its author. `engine.enrolment` enrols people, `engine.privacy.erasure` forgets them.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from engine.config.ids import nobody_has
from engine.errors import InputError
from engine.gallery import Gallery, coherence
from engine.people import (
    NO_CAREER,
    DateOrder,
    Dating,
    EmploymentRow,
    Person,
    StaffImport,
    clean_department,
    clean_email,
    clean_name,
    import_shifts,
    import_staff,
)
from engine.people.basis import WITHDRAWN, Basis, basis_of, clean_consent
from engine.records.books import Records
from engine.storage import storage_errors
from engine.storage.pictures import enrolment_picture
from engine.types import NOBODY


def _told(basis: Basis) -> str:
    """Such as `agreement 2026-11-22 BV 7`."""
    return " ".join(filter(None, (basis.kind, basis.since, basis.version)))


@dataclass(frozen=True)
class TemplateView:
    """A template of a person, for somebody who checks it.

    Attributes:
        quality: of the face, 0 to 1.
        similarity: with the person's other templates; None if there are none.
        outlier: whether the other templates alone would not recognise it.
        picture: relative to the workspace; empty if it is missing.
    """

    template_id: str
    quality: float
    similarity: float | None
    outlier: bool
    picture: str


class StaffDesk:
    """Changes people and their templates.

    Args:
        threshold: returns the matching threshold in force.
        usual_basis: returns on what recognising people rests here, see `engine.people.basis.usual_basis`.
    """

    def __init__(
        self, records: Records, threshold: Callable[[], float], usual_basis: Callable[[], str] = lambda: ""
    ) -> None:
        self._records, self._threshold, self.usual_basis = records, threshold, usual_basis

    def _note(self, action: str, subject: str, detail: str, author: str) -> None:
        self._records.note(action, subject, detail, author=self._records.names.author(author))

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
        shift: str | None = None,
        valid_from: date | None = None,
        hired_on: date | None = None,
        left_on: date | None = None,
    ) -> Person:
        """Change a person's row except for values that are None; return the new row.

        Args:
            name, department, email: as typed; all but the name may be empty.
            consent_at: see `engine.people.basis`. Empty withdraws what was given: from now on nobody recognises the person.
            active: whether Muster recognises the person and expects them at work.
            shift: a shift or a rota of the settings, assigned to the person; empty: as the settings say.
            valid_from: from when on department, `active` and shift hold; None: from today.
            hired_on, left_on: first and last day of the employment; `date.min` and `date.max` take them back.

        Raises:
            InputError: the person is unknown, or a value is invalid.
            StorageError: the row cannot be written.
        """
        dating = Dating(valid_from, hired_on, left_on, self._shift(shift))
        changes: dict[str, Any] = {}
        if name is not None:
            changes["name"] = clean_name(name)
        if department is not None:
            changes["department"] = clean_department(department)
        if email is not None:
            changes["email"] = clean_email(email)
        if consent_at is not None:
            changes["consent_at"] = self._consent(employee_id, consent_at)
        if active is not None:
            changes["active"] = active
        people = self._records.people
        career = people.employment.of(employee_id).rows if people.employment else []
        before, after = people.change(employee_id, dating, **changes)
        fields = [field for field in changes if field != "active" and getattr(before, field) != getattr(after, field)]
        if people.employment and people.employment.of(employee_id).rows != career and before.active == after.active:
            fields += [] if "department" in fields else ["employment"]
        if fields:
            self._note("change_person", employee_id, ", ".join(fields).replace("_at", ""), author)
        self._note_basis(before, after, author)
        if before.active != after.active:
            self._note("reactivate" if after.active else "deactivate", employee_id, "", author)
        return after

    def _consent(self, employee_id: str, text: str) -> str:
        """A basis as stored; an empty text withdraws the one that was given."""
        now = self._records.now()
        given = clean_consent(text.strip(), now)
        before = self._records.people.all().get(employee_id, NOBODY)
        if given or not before.consent_at or basis_of(before) == WITHDRAWN:
            return given or before.consent_at
        return f"{WITHDRAWN} {now.isoformat(timespec='seconds')}"

    def _note_basis(self, before: Person, after: Person, author: str) -> None:
        if before.consent_at == after.consent_at:
            return
        if basis_of(after) == WITHDRAWN:
            detail = f"was {_told(Basis.of(before))}; no longer recognised; `muster forget` erases the templates"
            self._note("withdraw_consent", after.employee_id, detail, author)
        else:
            self._note("basis", after.employee_id, _told(Basis.of(after)), author)

    def _shift(self, name: str | None) -> str | None:
        rota = self._records.attendance.rota
        if name and name not in rota.names:
            known = ", ".join(rota.names) or "none"
            raise InputError(f"{name!r} is not a shift", hint=f"shifts and rotas in the settings: {known}")
        return name

    def templates(self, employee_id: str) -> list[TemplateView]:
        """Return a person's templates, oldest first."""
        templates, rows = self._records.gallery.current().of(employee_id)
        alike = coherence(rows, np.array([template.quality for template in templates], np.float32))
        views, threshold = [], self._threshold()
        for template, similarity in zip(templates, alike.tolist(), strict=True):
            several = len(templates) > 1
            picture = enrolment_picture(template.template_id)
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
        """Remove templates of a person and their pictures; return how many templates remain.

        Args:
            allow_last: allow removing all templates, after which Muster does not recognise the person.

        Raises:
            InputError: a template is not the person's, or none would remain.
            StorageError: something could not be erased; a second attempt continues.
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

        without(self._records.gallery.current())  # checked before a picture is deleted
        for each in wanted:
            self._records.vault.erase(self._records.workspace / enrolment_picture(each))
        after = self._records.gallery.update(without)
        count = len(wanted)
        text = f"{count} template{'s' if count > 1 else ''} removed, gallery version {after.version}"
        self._note("remove_templates", employee_id, text, author)
        return len(after.of(employee_id)[0])

    def import_staff(
        self,
        path: Path,
        *,
        author: str,
        dry_run: bool = False,
        encoding: str | None = None,
        date_order: DateOrder | None = None,
        skip_bad: bool = False,
    ) -> StaffImport:
        """Import a staff list, see `engine.people.staff.import_staff`.

        Raises:
            InputError: the file is not a staff list.
            StorageError: people cannot be read or written.
        """
        result = import_staff(
            path,
            self._records.people,
            dry_run=dry_run,
            now=self._records.now(),
            encoding=encoding,
            date_order=date_order,
            skip_bad=skip_bad,
            shifts=self._records.attendance.rota.names,
            basis=self.usual_basis(),
        )
        if result.written:
            counts = f"{len(result.added)} added, {len(result.changed)} changed, {len(result.unchanged)} unchanged"
            counts += f", {len(result.skipped)} rows with errors left out" if result.skipped else ""
            self._note("import", "people.csv", counts, author)
        return result

    def import_shifts(
        self,
        path: Path,
        *,
        author: str,
        dry_run: bool = False,
        encoding: str | None = None,
        date_order: DateOrder | None = None,
        skip_bad: bool = False,
    ) -> StaffImport:
        """Import which shift is assigned to whom, see `engine.people.shift_list.import_shifts`.

        Raises:
            InputError: the file is no list of shifts.
            StorageError: employment cannot be read or written.
        """
        records = self._records
        result = import_shifts(
            path,
            records.people.dated(),
            records.people.all(),
            records.attendance.rota.names,
            records.now().date(),
            dry_run=dry_run,
            encoding=encoding,
            date_order=date_order,
            skip_bad=skip_bad,
        )
        if result.written:
            self._note("import", "employment.csv", f"shifts of {len(result.changed)} people", author)
        return result

    def history(self, employee_id: str) -> list[EmploymentRow]:
        """Return what is dated of a person's employment, by fact and in order of time.

        Raises:
            InputError: nobody has that id.
        """
        if employee_id not in self._records.people.all():
            raise nobody_has(employee_id, self._records.people.all())
        return self._records.people.dated().all().get(employee_id, NO_CAREER).rows


@contextlib.contextmanager
def uploaded(content: bytes, name: str) -> Iterator[Path]:
    """Write an upload to a temporary file under its own name for the duration of the block.

    Raises:
        InputError: from the block, without the temporary path.
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
            if folder not in error.message:
                raise
            raise InputError(error.message.replace(f"{folder}/", ""), hint=error.hint) from error
