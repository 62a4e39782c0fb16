"""Registration: examine photos, draft an enrolment, and only then store it.

Other processes may enrol people between draft and enrolment, so `enrol` judges again, the last time under the gallery's lock.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from engine.enrolment.drafts import ENOUGH_PHOTOS, Draft, EnrolmentReport, draft, judge
from engine.enrolment.files import PhotoFile, on_disk
from engine.enrolment.photos import Picture, RefusedPhoto, Shot, examine_all, overrule
from engine.errors import InputError, StorageError
from engine.evaluation import cohort_of
from engine.face_reader import FaceReader
from engine.gallery import Gallery, Template
from engine.imaging import MAX_PIXELS
from engine.people import Person, clean_department, clean_email, clean_id, clean_name
from engine.people.basis import WITHDRAWN, basis_of
from engine.records import Records
from engine.storage import new_id
from engine.storage.pictures import enrolment_picture
from engine.storage.vault import Owner
from engine.types import NOBODY


def next_id(known: Iterable[str], used: Iterable[str] = ()) -> str:
    """Return an id for a new person in the form of most others: `E007` after `E006`, `1` if no id ends in a number.

    Args:
        known: ids of everybody.
        used: ids of former people, which the logs still contain.
    """
    pattern = re.compile(r"(.*?)([0-9]{1,15})")
    now, before = ([found.groups() for each in ids if (found := pattern.fullmatch(each))] for ids in (known, used))
    if not now and not before:
        return "1"
    prefix = Counter(prefix for prefix, _ in now or before).most_common(1)[0][0]
    digits = max((number for text, number in now + before if text == prefix), key=int)
    return f"{prefix}{int(digits) + 1:0{len(digits)}d}"


class Registrar:
    """Enrols people in a workspace.

    Args:
        reader: opens the networks.
        threshold: returns the matching threshold for a gallery.
        same_person: similarity below which two photos count as two people's.
        most_px: most pixels of a photo.
        checked: called with the id of whoever was enrolled; sets doubtful templates aside, and returns what it set aside.
    """

    def __init__(
        self,
        records: Records,
        reader: Callable[[], FaceReader],
        threshold: Callable[[Gallery], float],
        same_person: float,
        clock: Callable[[], datetime],
        most_px: float = MAX_PIXELS,
        checked: Callable[[str], list[str]] = lambda _: [],
    ) -> None:
        self._checked = checked
        self._records, self._reader, self._threshold = records, reader, threshold
        self._same_person, self._clock, self._most_px = same_person, clock, most_px
        self._names = records.names

    def next_id(self) -> str:
        """Return an id that nobody has or had, see `next_id`."""
        return self.fresh_ids()(())

    def _former(self) -> list[str]:
        """Ids of everybody who is or was enrolled."""
        return [row.subject for row in self._records.audit.read() if row.action in {"enrol", "forget"}]

    def fresh_ids(self) -> Callable[[Collection[str]], str]:
        """Return what gives ids that nobody has or had now, given those that are taken meanwhile."""
        people, used = list(self._records.people.all()), self._former()
        return lambda taken: next_id([*people, *taken], used)

    def books(self) -> tuple[Gallery, dict[str, Person]]:
        """The gallery and the people on the list, by id, as they are now."""
        return self._records.gallery.current(), dict(self._records.people.all())

    def checked(self, employee_id: str, name: str, *, department: str = "", email: str = "", new: bool) -> Person:
        """Return a person's details, as typed, as they would be stored; `new`: refuse an id that is taken.

        Raises:
            InputError: a value cannot be used.
        """
        people = self._records.people.all()
        person = Person(clean_id(employee_id), clean_name(name), clean_department(department), clean_email(email))
        if new and person.employee_id in people:
            raise InputError(f"the id {person.employee_id} is taken", hint="choose another one")
        for key, other in people.items():
            if person.email and key != person.employee_id and other.email.casefold() == person.email.casefold():
                raise InputError(f"{person.email} belongs to {key}", hint="give another address")
        return person

    def examine(self, pictures: Iterable[tuple[str, Picture]]) -> tuple[list[Shot], list[RefusedPhoto]]:
        """Return the usable photos and the refused ones, see `engine.enrolment.photos`."""
        return examine_all(self._reader(), pictures, self._most_px)

    def draft(self, employee_id: str, name: str, shots: Sequence[Shot], refused: Sequence[RefusedPhoto] = ()) -> Draft:
        """Draft an enrolment with the current gallery, see `engine.enrolment.drafts`.

        Raises:
            InputError: id or name cannot be used.
        """
        gallery = self._records.gallery.current()
        return draft(
            clean_id(employee_id),
            clean_name(name),
            shots,
            gallery,
            threshold=self._threshold(gallery),
            same_person=self._same_person,
            refused=refused,
        )

    def few_photos(self) -> dict[str, int]:
        """Return the active people who are enrolled with fewer than `ENOUGH_PHOTOS`: number of templates by id."""
        gallery, people = self._records.gallery.current(), self._records.people.all()
        counts = {key: len(gallery.of(key)[0]) for key, person in people.items() if person.active}
        return {key: count for key, count in counts.items() if 0 < count < ENOUGH_PHOTOS}

    def misses(self, photos: int) -> float:
        """Return the share of single looks at which a person enrolled with so many photos is not recognised.

        It holds at the threshold in force, for the people of the model's cohort (`engine.evaluation.cohort`).
        """
        gallery = self._records.gallery.current()
        return cohort_of(gallery.model_id).fnmr(self._threshold(gallery), photos)

    @property
    def advice(self) -> str:
        """What to do about people with few photos, and what few photos cost."""
        one, enough = (f"{100 * self.misses(photos):.2g}%" for photos in (1, ENOUGH_PHOTOS))
        return (
            f"enrol {ENOUGH_PHOTOS} photos of each person: with one, a single look misses them in {one} of cases, "
            f"with {ENOUGH_PHOTOS} in {enough}"
        )

    def picture(self, template_id: str) -> Path:
        """The picture that a template was made from; it may be gone."""
        return self._records.workspace / enrolment_picture(template_id)

    def portrait(self, employee_id: str) -> Path | None:
        """The best picture that a person was enrolled with, if it is there."""
        best = self._records.gallery.current().best_template(employee_id)
        path = self.picture(best) if best else None
        return path if path and path.is_file() else None

    def pictures_of(self, unknown_id: str) -> list[tuple[str, Path]]:
        """Return the pictures of a stranger's incidents: (place in the workspace, file), newest first."""
        records = self._records
        dossiers = records.dossiers.dossiers(records.incident_rows())
        rows = next((each.incidents for each in dossiers if each.unknown_id == unknown_id), ())
        found = [(row.image, records.inside(row.image)) for row in reversed(rows)]
        return [(name, path) for name, path in found if path is not None]

    def enrol_photos(
        self,
        employee_id: str,
        name: str,
        photos: Sequence[Path | PhotoFile],
        *,
        department: str = "",
        email: str = "",
        consent_at: str = "",
        allow_look_alike: bool = False,
        use_anyway: Collection[Path] = (),
        author: str = "",
        now: datetime | None = None,
    ) -> EnrolmentReport:
        """Enrol a person from photos, or give an enrolled one more templates; see `enrol`.

        Args:
            use_anyway: photos to enrol even if the check refuses them; each must show a face.

        Raises:
            InputError: id or name cannot be used, or one of the photos `use_anyway` shows no face.
            EnrolmentRejected: see `engine.enrolment`; nothing was changed.
            StorageError: the workspace cannot be written; nothing was changed.
        """
        employee_id, name = clean_id(employee_id), clean_name(name)
        files = [on_disk(photo) if isinstance(photo, Path) else photo for photo in photos]
        shots, refused = self.examine((file.name, file.load) for file in files)
        shots, refused = overrule(shots, refused, {str(path) for path in use_anyway})
        return self.enrol(
            self.draft(employee_id, name, shots, refused),
            department=department,
            email=email,
            consent_at=consent_at,
            allow_look_alike=allow_look_alike,
            author=author,
            now=now,
        )

    def enrol(
        self,
        drafted: Draft,
        *,
        department: str = "",
        email: str = "",
        consent_at: str = "",
        new: bool = False,
        known: bool = False,
        allow_look_alike: bool = False,
        reason: str = "",
        author: str = "",
        now: datetime | None = None,
    ) -> EnrolmentReport:
        """Store a draft, if it still holds. An error leaves the workspace unchanged.

        Args:
            department, email, consent_at: empty: unchanged.
            new: refuse if the id was taken meanwhile.
            known: the person was listed when the photos were taken: refuse if they were erased meanwhile, and change only the
                dates of consent and enrolment in their row.
            allow_look_alike: enrol even if another person is similar enough to match.
            reason: why the two are different people, for the audit log.

        Raises:
            EnrolmentRejected: see `judge`.
            InputError: the id was taken, or the person erased, meanwhile.
            StorageError: the workspace cannot be written.
        """
        records, moment = self._records, now or self._clock()
        employee_id, threshold = drafted.employee_id, drafted.threshold
        report = EnrolmentReport(employee_id, drafted.name)

        def judged(gallery: Gallery) -> list[Shot]:
            nonlocal threshold
            threshold = self._threshold(gallery)
            report.rejected = {each.name: each.text for each in drafted.refused}
            limits = {"threshold": threshold, "same_person": self._same_person}
            return judge(drafted.shots, report, gallery, **limits, allow_look_alike=allow_look_alike)

        kept = judged(records.gallery.current())
        templates = [Template(new_id(moment), employee_id, shot.quality.score) for shot in kept]
        rows = np.stack([shot.embedding for shot in kept])
        pictures = [self.picture(template.template_id) for template in templates]
        before = self._before(employee_id, new=new, known=known)

        def added(gallery: Gallery) -> Gallery:
            judged(gallery)  # again, now that no other process can change the gallery
            return gallery.add(templates, rows)

        written = False
        try:
            for path, shot in zip(pictures, kept, strict=True):
                records.vault.write(path, shot.jpeg, Owner.person(employee_id))
            person = self._person(drafted, before, moment, department=department, email=email, consent_at=consent_at)
            if known:
                records.people.change(employee_id, consent_at=person.consent_at, enrolled_at=person.enrolled_at)
            else:
                records.people.add(person) if new else records.people.put(person)
            written = True
            after = records.gallery.update(added)
        except BaseException:
            for path in pictures:
                with contextlib.suppress(StorageError):
                    records.vault.erase(path)
            if written:
                self._put_back(employee_id, before)
            raise
        self._note(report, dict(zip(templates, kept, strict=True)), after.version, threshold, reason, author, moment)
        report.set_aside = self._checked(employee_id)
        report.templates = len(records.gallery.current().of(employee_id)[0])
        return report

    def _note(
        self,
        report: EnrolmentReport,
        added: Mapping[Template, Shot],
        version: int,
        threshold: float,
        reason: str,
        author: str,
        moment: datetime,
    ) -> None:
        """Write to the audit log what was enrolled, and where a user decided otherwise than Muster."""
        detail = f"{len(added)} templates added, gallery version {version}"
        if (best := next(iter(report.look_alikes), None)) and best.similarity >= threshold:
            why = f": {self._names.text(reason)}" if reason.strip() else ""
            detail += f"; said not to be {best.person} (similarity {best.similarity:.2f}){why}"
        note = self._records.audit.note
        note("enrol", report.employee_id, detail, author=author, now=moment)
        for template, shot in added.items():
            if shot.overruled:
                detail = f"template {template.template_id}: {shot.overruled}, enrolled anyway"
                note("overrule", report.employee_id, detail, author=author, now=moment)

    def _before(self, employee_id: str, *, new: bool, known: bool) -> Person | None:
        """Return the person's current row, if the draft still fits it."""
        before = self._records.people.all().get(employee_id)
        if new and before is not None:
            raise InputError(f"the id {employee_id} was taken meanwhile", hint="choose another one")
        if known and before is None:
            raise InputError(
                f"{employee_id} was erased meanwhile", hint="begin anew if they are to be registered again"
            )
        return before

    def _person(
        self, drafted: Draft, before: Person | None, moment: datetime, *, department: str, email: str, consent_at: str
    ) -> Person:
        """Return the person's new row; values not given stay."""
        old = before or NOBODY
        if basis_of(old) == WITHDRAWN and not consent_at:
            raise InputError(
                f"{drafted.employee_id} withdrew their consent", hint="give the date of a new consent, or another basis"
            )
        return Person(
            drafted.employee_id,
            drafted.name,
            department or old.department,
            email or old.email,
            old.enrolled_at or moment.astimezone(self._records.zone).isoformat(timespec="seconds"),
            consent_at or old.consent_at,
            old.active,
        )

    def _put_back(self, employee_id: str, before: Person | None) -> None:
        if before is not None:
            self._records.people.put(before)
        elif employee_id not in self._records.gallery.current().people:
            self._records.people.remove(employee_id)
