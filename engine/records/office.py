"""What HR and security do with the records: corrections, reviews, decisions about strangers, the watch list, "this is not …".

Names of people in free texts are replaced before they are logged. Every action has an author.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from datetime import time as clock
from typing import Any, Literal

import numpy as np

from engine.attendance import IMPORTED, Book, Correction, DaySheet, Inside, PunchRow, inside_now, valid_rows
from engine.attendance.presence import Direction
from engine.config.ids import nobody_has
from engine.errors import InputError
from engine.face_reader import FaceReader, subject
from engine.gallery import Gallery, Template
from engine.imaging import read_image
from engine.incidents import Dossier, IncidentKind, IncidentRow
from engine.incidents.dossiers import Action
from engine.records.books import Records
from engine.records.today import Arrival, arrivals
from engine.storage import clean_text
from engine.words import phrase

BulkAction = Literal["approve", "status", "planned_in", "planned_out"]


@dataclass(frozen=True)
class Suggestion:
    """Two dossiers that may show one person, and their similarity."""

    first: str
    second: str
    similarity: float


def _alike(blank: Correction, row: DaySheet) -> Correction:
    """The correction of one of many days."""
    wanted = replace(blank, day=row.day, employee_id=row.employee_id)
    if blank.action == "planned_in":
        return replace(wanted, action="add", time=row.planned_in, direction="in")
    if blank.action == "planned_out":
        return replace(wanted, action="add", time=row.planned_out, direction="out")
    return wanted


class Office:
    """Acts on a workspace's records.

    Args:
        reader: opens the networks.
        threshold: returns the matching threshold in force.
    """

    def __init__(self, records: Records, reader: Callable[[], FaceReader], threshold: Callable[[], float]) -> None:
        self._records, self._reader, self._threshold = records, reader, threshold
        self._names = records.names
        self.readable = records.names.readable

    def correct(
        self,
        employee_id: str,
        day: date,
        action: str,
        *,
        author: str,
        reason: str,
        time: datetime | clock | None = None,
        direction: Direction = "both",
        value: str = "",
        refers_to: str = "",
    ) -> Correction:
        """Correct a person's day, or approve a correction, see `engine.attendance.corrections`.

        Args:
            time: of an added passage; a time of day is placed in the working day, see `engine.attendance.placing`.

        Raises:
            InputError: the correction is invalid; nothing was written.
        """
        author, reason = self._names.ids(author), self._names.text(reason)
        attendance, people = self._records.attendance, self._records.people.known()
        if isinstance(time, clock):
            time = attendance.moment_on(employee_id, day, time, direction, people)
        given = (employee_id, action, time, direction, value, refers_to, author, reason)
        return attendance.correct(Correction("", self._records.clock(), day, *given), people)

    def correct_all(
        self, days: Iterable[DaySheet], action: BulkAction, *, author: str, reason: str, value: str = ""
    ) -> list[tuple[Correction, InputError | None]]:
        """Correct many days alike, or approve their corrections, with one reason.

        Args:
            action: `planned_in` and `planned_out` add the planned arrival or departure of each day; `status` sets `value`.

        Returns:
            Every correction, with the reason why it was refused, if it was.

        Raises:
            InputError: author or reason is empty.
            StorageError: a row could not be written; those before it stay.
        """
        author = clean_text(self._names.ids(author), what="author", limit=100)
        reason = clean_text(self._names.text(reason), what="reason", limit=500)
        blank = Correction("", self._records.clock(), date.min, "", action, value=value, author=author, reason=reason)
        wanted = [_alike(blank, row) for row in days]
        return self._records.attendance.correct_all(wanted, self._records.people.known())

    def inside(self) -> list[Inside]:
        """Return who is inside now, see `engine.attendance.inside`."""
        attendance, now = self._records.attendance, self._records.clock()
        today = attendance.day_of(now)
        first = today - timedelta(days=4)
        corrections = attendance.corrections.about_days(first, today)
        config = attendance.plan.config
        book = Book(self._records.people.known(), attendance.rota, self._records.zone, config, corrections=corrections)
        return inside_now(attendance.log.read(first, today), book, now)

    def arrivals(self, limit: int = 20) -> tuple[int, list[Arrival]]:
        """Return how many people came today, and their latest punches, newest first."""
        return arrivals(self._records, self._records.clock(), limit)

    def strangers_today(self) -> int:
        """Return how many unknown people were seen today and not named since."""
        today = self._records.attendance.day_of(self._records.clock())
        register = self._records.dossiers.register()
        unknown = [
            found.row
            for found in self._records.incidents.incidents(today, today)
            if found.row.kind is IncidentKind.UNKNOWN and not any(review.employee_ids for review in found.reviews)
        ]
        return len({each for row in unknown for each in register.of(row)} - register.named.keys())

    def not_this(self, event_id: str, *, author: str, reason: str) -> PunchRow:
        """Retract a punch that shows somebody else; Muster does not mistake such a face for the person again.

        Returns:
            The correcting row.

        Raises:
            InputError: the punch does not exist, or its picture is missing or shows no face.
        """
        records = self._records
        rows = [row for _, row in records.attendance_rows()]
        row = next((row for row in rows if row.event_id == event_id and row.passage), None)
        if row is None:
            raise InputError(f"there is no punch {event_id!r}", hint="`muster report --json` lists them")
        if any(other.refers_to == event_id for other in rows):
            raise InputError(f"{event_id} was taken back before", hint="nothing needs to be done")
        same = (row.employee_id, row.camera, row.track)
        track = [each for each in valid_rows(rows) if (each.employee_id, each.camera, each.track) == same]
        if row.method == IMPORTED:
            raise InputError(
                f"{event_id} was imported, so no camera saw a face",
                hint=f"`muster correct {row.employee_id} --remove {event_id}` takes it out",
            )
        picture = records.inside(row.evidence_image)
        if picture is None:
            raise InputError(f"the picture of {event_id} is gone", hint="correct the day with `muster correct` instead")
        image = read_image(picture)
        faces = self._reader().photo(image)
        chosen = subject(faces, (image.shape[1], image.shape[0]))
        if chosen is None or faces.embeddings is None:
            raise InputError(f"{picture}: no face found", hint="correct the day with `muster correct` instead")
        template = Template(event_id, row.employee_id, faces.qualities[chosen].score)
        embedding = np.asarray(faces.embeddings[chosen : chosen + 1])
        author = clean_text(self._names.ids(author), what="author", limit=100)
        # first, because this step can be repeated if the retraction fails
        records.anchors.update(lambda gallery: gallery.remove_templates([event_id]).add([template], embedding))
        last, why = max(other.timestamp for other in track), self._names.text(reason)
        wanted = PunchRow("", last, row.employee_id, "retract", row.camera, track=row.track, author=author, reason=why)
        written = records.attendance.retract(wanted, self._records.people.known())
        if written is None:
            raise InputError(f"{event_id} was taken back before", hint="nothing needs to be done")
        records.note("not_this", row.employee_id, f"punch {event_id}", author=author)
        return written

    def review(self, incident_id: str, state: str, *, author: str, note: str = "", assignee: str = "") -> IncidentRow:
        """Record the state of an incident.

        Raises:
            InputError: the incident or the state does not exist.
            StorageError: the review cannot be written.
        """
        return self._records.incidents.review(
            incident_id,
            state,
            author=self._names.ids(author),
            now=self._records.clock(),
            note=self._names.text(note),
            assignee=self._names.ids(assignee),
        )

    def dossiers(self) -> list[Dossier]:
        """Return the dossiers of strangers, latest seen first."""
        return self._records.dossiers.dossiers(self._records.incident_rows())

    def suggestions(self) -> list[Suggestion]:
        """Return pairs of dossiers whose templates suggest one person, most similar first; a person decides."""
        strangers, register = self._records.strangers.current(), self._records.dossiers.register()
        if len(strangers) < 2:
            return []
        scores = strangers.fused @ strangers.fused.T
        first, second = np.nonzero(np.triu(scores >= self._threshold(), 1))
        found = [
            Suggestion(
                register.current(strangers.people[a]), register.current(strangers.people[b]), float(scores[a, b])
            )
            for a, b in zip(first.tolist(), second.tolist(), strict=True)
        ]
        found = [row for row in found if row.first != row.second]
        return sorted(found, key=lambda row: -row.similarity)

    def merge(self, unknown_id: str, into: str, *, author: str, reason: str = "") -> None:
        """Merge a dossier into another one of the same person.

        Raises:
            InputError: one of them does not exist.
        """
        for each in (unknown_id, into):
            self._known(each)
        self._decide("merge", unknown_id, author=author, reason=reason, into=into)
        self._move(self._templates(into), into)

    def split(self, unknown_id: str, incidents: Sequence[str], *, author: str, reason: str = "") -> str:
        """Move incidents that show somebody else into a new dossier; return its identifier.

        Raises:
            InputError: the dossier does not exist, lacks one of the incidents, or has no others.
        """
        found = next((each for each in self.dossiers() if each.unknown_id == unknown_id), None)
        own = {row.incident_id: row for row in found.incidents} if found else {}
        if not own:
            self._known(unknown_id)
        strange = sorted(set(incidents) - set(own))
        if strange or not incidents:
            raise InputError(
                f"{unknown_id} has no incident {', '.join(strange) or 'named'}",
                hint="`muster dossier list --json` lists them",
            )
        if set(incidents) == set(own):
            raise InputError(f"these are all incidents of {unknown_id}", hint="leave at least one behind")
        answer = ""

        def issue(gallery: Gallery) -> Gallery:
            nonlocal answer
            answer, changed = gallery.next_stranger()
            return changed

        self._records.strangers.update(issue)
        self._decide("split", unknown_id, author=author, reason=reason, into=answer, incidents=incidents)
        tracks = {track for each in incidents for track in own[each].tracks}
        self._move(tracks & self._templates(unknown_id), answer)
        return answer

    def _templates(self, unknown_id: str) -> set[str]:
        """Return the ids of a stranger's templates, under any identifier of theirs."""
        register = self._records.dossiers.register()
        templates = self._records.strangers.current().templates
        return {each.template_id for each in templates if register.current(each.person) == unknown_id}

    def _move(self, templates: Iterable[str], into: str) -> None:
        if moved := set(templates):
            self._records.strangers.update(lambda gallery: gallery.reassign(moved, into))

    def _known(self, unknown_id: str) -> None:
        """Check that a stranger was seen, or still has templates although the logs were deleted."""
        register = self._records.dossiers.register()
        held = {register.current(person) for person in self._records.strangers.current().people}
        if unknown_id not in held and all(each.unknown_id != unknown_id for each in self.dossiers()):
            now = register.current(unknown_id)
            raise InputError(
                f"there is no dossier {unknown_id!r}",
                hint=f"it goes under {now} now" if now != unknown_id else "`muster dossier list` lists them",
            )

    def name(self, unknown_id: str, employee_id: str, *, author: str, reason: str = "") -> None:
        """Record that a stranger is an enrolled person, and remove the stranger's templates.

        Raises:
            InputError: the dossier or the person does not exist.
        """
        self._known(unknown_id)
        if employee_id not in self._records.people.known():
            raise nobody_has(employee_id, self._records.people.known(), phrase("enrol them first: `muster enrol`"))
        self._decide("name", unknown_id, author=author, reason=reason, into=employee_id)
        templates = self._templates(unknown_id)
        self._records.strangers.update(lambda gallery: gallery.remove_templates(templates))

    def watch(self, subject_id: str, *, author: str, reason: str, on: bool = True) -> None:
        """Put a stranger or an enrolled person on the watch list, or remove them from it.

        Raises:
            InputError: nobody has that id.
        """
        listed = not on and subject_id in self._records.dossiers.register().watched
        if not listed and subject_id not in self._records.people.known():
            self._known(subject_id)
        self._decide("watch" if on else "unwatch", subject_id, author=author, reason=reason)

    def ignore(self, unknown_id: str, *, author: str, reason: str, on: bool = True) -> None:
        """Log a stranger such as a postman without alerts, or with alerts again.

        Raises:
            InputError: the dossier does not exist.
        """
        self._known(unknown_id)
        self._decide("ignore" if on else "unignore", unknown_id, author=author, reason=reason)

    def nickname(self, unknown_id: str, text: str, *, author: str) -> None:
        """Record what people call a stranger on pages; an empty text takes the nickname away.

        Raises:
            InputError: the dossier does not exist, or the text is too long, an identifier, or the name of somebody enrolled.
        """
        self._known(unknown_id)
        short = clean_text(text, what="nickname", limit=40) if text.strip() else ""
        taken = short.casefold().startswith("unknown-") or short in self._records.people.known()
        if taken or self._names.ids(short) != short:
            raise InputError(
                phrase("This is somebody's name or identifier"),
                hint=phrase("choose a word of your own, or say who the stranger is with “This is …”"),
            )
        self._decide("nickname", unknown_id, author=author, reason="", into=short)

    def _decide(self, action: Action, subject_id: str, *, author: str, reason: str, **about: Any) -> None:
        author, reason = self._names.ids(author), self._names.text(reason)
        now = self._records.clock()
        self._records.dossiers.decide(action, subject_id, author=author, now=now, reason=reason, **about)
