"""The confirm queue: faces near the threshold, of which a person says whether they are somebody's.

Answers are truth for the calibration (`engine.tuning.calibration`). A "no" to a punch takes the passage back, see `Office.not_this`;
a "yes" to a near miss changes no attendance. No answer makes a template: that is asked for on its own (`engine.enrolment.confirmed`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from engine.attendance import PunchRow, valid_rows
from engine.errors import InputError
from engine.incidents import IncidentKind
from engine.people.basis import WITHDRAWN, basis_of
from engine.records.books import Records
from engine.records.office import Office
from engine.storage import clean_text, new_id
from engine.storage.pictures import enrolment_picture
from engine.tracking import AnswerRow, Asked, Said, SightingRow
from engine.types import TrackState
from engine.words import phrase

NEAR = 0.08
"""Similarity above or below the threshold within which a decision is worth a question."""
DAYS = 14
_REASON = "the picture shows somebody else, as answered in the confirm queue"


@dataclass(frozen=True)
class Question:
    """Is this the same person?

    Attributes:
        question, kind, employee_id, camera, track, seen_at, similarity, threshold, model, picture, template: see `AnswerRow`.
    """

    question: str
    kind: Asked
    employee_id: str
    camera: str
    track: str
    seen_at: datetime
    similarity: float
    threshold: float
    model: str
    picture: str
    template: str

    @property
    def distance(self) -> float:
        """How far the similarity lies from the threshold."""
        return abs(self.similarity - self.threshold)

    @property
    def portrait(self) -> str:
        """Path of the enrolment picture within the workspace."""
        return _portrait(self.template)


def _portrait(template: str) -> str:
    return enrolment_picture(template)


class ConfirmDesk:
    """Asks about faces near the threshold, and records the answers.

    Args:
        threshold: returns the matching threshold in force, for sightings that were decided without one.
    """

    def __init__(self, records: Records, office: Office, threshold: Callable[[], float]) -> None:
        self._records, self._office, self._threshold = records, office, threshold

    def questions(self, days: int = DAYS, near: float = NEAR) -> list[Question]:
        """Return the open questions about the last days, the closest to the threshold first.

        Args:
            days: so many, today included.
            near: greatest distance from the threshold.
        """
        answered = self._records.answers.in_force()
        last = self._records.attendance.day_of(self._records.clock())
        found = self._all(last - timedelta(days=max(days, 1) - 1), last, near)
        mine = [each for each in found if each.question not in answered]
        return sorted(mine, key=lambda each: (round(each.distance, 4), -each.seen_at.timestamp()))

    def answer(self, question: str, said: Said, *, author: str) -> AnswerRow:
        """Record an answer; a "no" to a punch takes the passage back and remembers the face as somebody else's.

        Args:
            question: id of an open or answered question; a later answer overrides an earlier one.

        Raises:
            InputError: there is no such question any more, or the passage cannot be taken back; nothing was written.
            StorageError: the answer cannot be written.
        """
        records = self._records
        asked = next((each for each in self._around(question) if each.question == question), None)
        if asked is None:
            raise InputError(
                phrase("This question is closed"),
                hint=phrase("the passage was taken back, or its pictures are gone; go on with the next one"),
            )
        author = clean_text(records.names.ids(author), what="author", limit=100)
        if said == "no" and asked.kind == "punch":
            self._office.not_this(question, author=author, reason=_REASON)
        now = records.now()
        row = AnswerRow(
            new_id(now),
            now,
            asked.question,
            asked.kind,
            asked.employee_id,
            said,
            asked.camera,
            asked.track,
            asked.seen_at,
            round(asked.similarity, 4),
            round(asked.threshold, 4),
            asked.model,
            asked.picture,
            asked.template,
            author,
        )
        records.answers.record(row)
        records.note("confirm", asked.employee_id, f"{asked.kind} {asked.question}: {said}", author=author)
        return row

    # ----------------------------------------------------------------------------------------- what is asked about

    def _around(self, question: str) -> Iterator[Question]:
        """Yield the questions of the days around one, which its id begins with."""
        try:
            day = datetime.strptime(question[:8], "%Y%m%d").date()  # noqa: DTZ007 - a day, no moment
        except ValueError:
            return
        yield from self._all(day - timedelta(days=1), day + timedelta(days=1), 2.0)

    def _all(self, first: date, last: date, near: float) -> Iterator[Question]:
        """Yield every question, answered or not: one for each track and person."""
        faces, told = self._faces(), set[tuple[str, str]]()
        for found in (self._punches(first, last), self._near_misses(first, last)):
            for each in found:
                template = faces.get(each.employee_id)
                key = (each.track or each.question, each.employee_id)
                if (
                    template is None
                    or key in told
                    or each.distance > near
                    or self._records.inside(each.picture) is None
                ):
                    continue
                told.add(key)
                yield replace(each, template=template)

    def _faces(self) -> dict[str, str]:
        """The best template, with its picture, of everybody who may be asked about."""
        records, gallery = self._records, self._records.gallery.current()
        people = records.people.known()
        best = {key: gallery.best_template(key) for key in gallery.people if key in people}
        return {
            key: template
            for key, template in best.items()
            if template and basis_of(people[key]) != WITHDRAWN and records.inside(_portrait(template)) is not None
        }

    def _punches(self, first: date, last: date) -> Iterator[Question]:
        """Yield the passages that count, then rows of faces that could not be identified."""
        doubts = list[PunchRow]()
        log = self._records.attendance.log
        for day in log.days():
            if first <= day <= last:
                rows = log.read(day)
                doubts += [row for row in rows if row.event == "unidentified"]
                for row in valid_rows(rows):
                    if (found := _of_row(row, "punch")) and found.similarity >= found.threshold:
                        yield found
        for row in doubts:
            if found := _of_row(row, "near miss"):
                yield found

    def _near_misses(self, first: date, last: date) -> Iterator[Question]:
        """Yield the sightings of strangers who nearly got a name, and of whom an alert has the picture."""
        records, register = self._records, self._records.dossiers.register()
        pictures = {
            row.tracks[0]: row.image
            for row in records.incidents.log.on(day for day in records.incidents.log.days() if first <= day <= last)
            if row.kind is IncidentKind.UNKNOWN and len(row.tracks) == 1 and row.image
        }
        for row in records.sightings.read(first, last) if pictures else ():
            named = row.unknown_id and register.current(row.unknown_id) in register.named
            if row.state is TrackState.KNOWN or named or row.track not in pictures:
                continue
            if found := self._of_sighting(row, pictures[row.track]):
                yield found

    def _of_sighting(self, row: SightingRow, picture: str) -> Question | None:
        if not row.candidates or not row.similarities:
            return None
        threshold = self._threshold() if row.threshold is None else row.threshold
        about = (row.sighting_id, "near miss", row.candidates[0], row.camera, row.track, row.timestamp)
        return Question(*about, row.similarities[0], threshold, row.model, picture, "")  # type: ignore[arg-type]


def _of_row(row: PunchRow, kind: Asked) -> Question | None:
    """The question about a row of the attendance log; None if no face was compared, or no picture is kept."""
    if not row.by_camera or row.similarity is None or row.threshold is None or not row.evidence_image:
        return None
    about = (row.event_id, kind, row.employee_id, row.camera, row.track, row.timestamp)
    return Question(*about, row.similarity, row.threshold, row.model, row.evidence_image, "")
