"""The right of access: everything that Muster holds on a person, in one ZIP file for them."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.access import Audit
from engine.attendance import PunchRow, cells, valid_rows
from engine.errors import InputError
from engine.face_reader import FaceReader
from engine.imaging import encode_jpeg, encoded, pictures_of, read_image
from engine.people import NO_CAREER
from engine.privacy.faces import hide, look
from engine.privacy.subjects import Likeness, Subject, find
from engine.records.books import Records
from engine.records.names import replaced
from engine.storage import atomic_write
from engine.storage.logs import TypedDayLog
from engine.storage.pictures import is_film
from engine.storage.vault import read_file
from engine.tracking import SIGHTING, SightingRow
from engine.types import Person

Row = Mapping[str, object]

_SOMEBODY = "somebody else"
_PEOPLE = (
    "employee_id",
    "employee_ids",
    "unknown_id",
    "candidates",
    "unknown_ids",
    "runner_up",
    "author",
    "assignee",
    "corrected_by",
    "approved_by",
    "subject",
    "into",
)
_TEXTS = ("detail", "reason", "correction_reason", "note", "source", "word")
_DRAWN = "-annotated.jpg"
_FILM_STEP_S = 0.25


def export_subject(
    records: Records, employee_id: str, target: Path, *, reader: FaceReader, threshold: float
) -> dict[str, int]:
    """Write everything about a person into a ZIP file in which nobody else is named or recognisable.

    Args:
        reader, threshold: distinguish the person's face from others.

    Returns:
        How many items of each kind the file holds.

    Raises:
        InputError: the person is unknown.
        StorageError: the file cannot be written.
    """
    subject, people, now = find(records, employee_id, threshold), records.people.known(), records.clock()
    scrub = _Scrub(records, subject, people)
    corrections = [
        row
        for row in records.attendance.corrections.about_days(date.min + timedelta(days=2), date.max)
        if row.employee_id in subject.ids
    ]
    days = [day for day, row in records.attendance_rows() if row.employee_id in subject.ids]
    days += [row.day for row in corrections]
    closed = records.attendance.closed.days
    sealed = [row for row in closed.on(closed.days()) if row.employee_id in subject.ids]
    days += [row.day for row in sealed]
    around = timedelta(days=1)  # a night shift belongs to the day on which it began
    first, last = (min(days) - around, max(days) + around) if days else (date.max, date.min)
    sheets = records.attendance.sheets.between(first, last, people, only=employee_id)
    incidents = {row.incident_id for row in subject.incidents}
    decisions = {row.decision_id for row in records.dossiers.rows() if scrub.own & {row.subject, row.into}}

    # as texts, because seals prove rows as the log holds them
    def held(log: TypedDayLog[Any] | Audit, column: str, wanted: Collection[object]) -> list[dict[str, object]]:
        rows = log.raw.on(log.days()) if isinstance(log, TypedDayLog) else log.raw.read()
        return scrub.rows(row for row in rows if row[column] in wanted)

    leave = [dataclasses.asdict(row) for row in records.leave.of(employee_id)]
    account = [dataclasses.asdict(row) for row in records.accounts.of(employee_id)]
    book = records.people.employment
    employment = [dataclasses.asdict(row) for row in (book.all().get(employee_id, NO_CAREER).rows if book else ())]
    documents: dict[str, object] = {
        "person.json": (dataclasses.asdict(subject.person) if subject.person else {"employee_id": employee_id})
        | {
            "has_pin": records.pins.has(employee_id),
            "badges": [
                {"badge_id": each.badge_id, "kind": each.kind, "since": each.created_at, "revoked_at": each.revoked_at}
                for each in records.badges.of(employee_id)
            ],
            "access_to_own_record_since": bound.since if (bound := records.bindings.all().get(employee_id)) else "",
        },
        "attendance_log.json": held(records.attendance.log, "event_id", {row.event_id for row in subject.attendance}),
        "day_sheets.json": scrub.rows(map(cells, sheets)),
        "corrections.json": held(
            records.attendance.corrections, "correction_id", {row.correction_id for row in corrections}
        ),
        "requests.json": held(records.attendance.requests.log, "employee_id", subject.ids),
        "closed_months.json": held(closed, "row_id", {row.row_id for row in sealed}),
        "leave.json": scrub.rows(leave),
        "employment.json": scrub.rows(employment),
        "time_account.json": scrub.rows(account),
        "incidents.json": held(records.incidents.log, "incident_id", incidents),
        "sightings.json": held(records.sightings.log, "sighting_id", {row.sighting_id for row in subject.sightings}),
        "faces.json": scrub.rows(dataclasses.asdict(face) for face in records.seen.those(subject.passed)),
        "comparisons.json": [_compared(row, subject.ids) for row in subject.compared],
        "answers.json": held(records.answers.log, "employee_id", subject.ids),
        "dossiers.json": held(records.dossiers.log, "decision_id", decisions),
        "messages.json": held(records.deliveries, "incident_id", incidents),
        "doors.json": held(records.doors.log, "employee_id", subject.ids) if records.doors is not None else [],
        "audit.json": held(records.audit, "subject", subject.ids),
        "templates.json": _templates(subject),
    }
    sure = _sure(records, subject)
    shown: dict[Path, bytes] = {}
    for path in sorted(subject.own_pictures()):
        if not path.name.endswith(_DRAWN):  # shows names of others
            with contextlib.suppress(InputError):  # damaged, so it shows nobody
                film = is_film(path)
                shown[path] = (
                    _film_of_one(path, reader, subject) if film else _of_one(path, reader, subject, path in sure)
                )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("READ ME.txt", _README.format(employee_id=employee_id, time=f"{now:%Y-%m-%d %H:%M %Z}"))
        for name, document in documents.items():
            archive.writestr(name, json.dumps(document, indent=1, ensure_ascii=False, default=str))
        for path, content in shown.items():
            archive.writestr(f"pictures/{path.parent.name}/{path.name}", content)
    atomic_write(target, buffer.getvalue())
    return {
        "templates": len(subject.templates) + len(subject.elsewhere),
        "pictures": len(shown),
        "attendance_rows": len(subject.attendance),
        "days": len(sheets),
        "incidents": len(subject.incidents),
        "sightings": len(subject.sightings),
        "corrections": len(corrections),
    }


def picture_of_passage(
    records: Records, row: PunchRow, *, reader: Callable[[], FaceReader], threshold: float
) -> bytes | None:
    """Return the picture of a passage that counts, in which nobody but its person is recognisable; None: there is none to show.

    Args:
        reader, threshold: distinguish the person's face from others.

    Raises:
        InputError, StorageError: the picture cannot be read.
    """
    path = records.inside(row.evidence_image)
    if path is None or not row.passage or records.picture_fault(row.evidence_image):
        return None
    likeness = Likeness(records, row.employee_id, threshold)
    return _of_one(path, reader(), likeness, row.by_camera or not likeness.templates)


class _Scrub:
    """Replaces everybody else in rows; `own` holds the person's id, pseudonym, name and dossiers."""

    def __init__(self, records: Records, subject: Subject, people: Mapping[str, Person]) -> None:
        register = records.dossiers.register()
        earlier = {unknown_id for unknown_id in register.issued if register.current(unknown_id) in subject.strangers}
        name = subject.person.name if subject.person else ""
        self.own = subject.ids | subject.strangers | earlier | {name} - {""}
        pseudonym = records.sealer.pseudonym
        words = ((key, row.name, pseudonym(key)) for key, row in people.items())
        self._words = {word: _SOMEBODY for each in words for word in each}
        self._words |= {word: word for word in self.own} | {pseudonym(subject.id): subject.id}

    def rows(self, rows: Iterable[Row]) -> list[dict[str, object]]:
        return [{column: self._cell(column, value) for column, value in row.items()} for row in rows]

    def _cell(self, column: str, value: object) -> object:
        if column in _PEOPLE and isinstance(value, str):
            ids = [each.strip() for each in value.split(";") if each.strip()]
            return ";".join(each if each in self.own or each == "engine" else _SOMEBODY for each in ids)
        return replaced(value, self._words) if column in _TEXTS and isinstance(value, str) else value


def _compared(row: SightingRow, own: Collection[str]) -> Row:
    """Return how much somebody else resembled the person; time and place are the other's data."""
    similarities = zip(row.candidates, row.similarities, strict=False)
    return {
        "day": str(row.timestamp.date()),
        "similarity": next((f"{similarity:.4f}" for person, similarity in similarities if person in own), ""),
        "threshold": SIGHTING.texts(row)["threshold"],
        "model": row.model,
    }


def _templates(subject: Subject) -> list[dict[str, object]]:
    own = [(template, row, "enrolment") for template, row in zip(subject.templates, subject.embeddings, strict=True)]
    other = [
        (template, row, "not recognised, or taken for somebody else") for template, row in subject.elsewhere.values()
    ]
    return [
        {"template_id": template.template_id, "from": origin, "quality": template.quality, "values": row.tolist()}
        for template, row, origin in (*own, *other)
    ]


def _sure(records: Records, subject: Subject) -> set[Path | None]:
    """Return the pictures whose main face is the person's by decision: enrolment, and valid punches."""
    held = valid_rows(subject.attendance)
    if subject.templates:  # somebody else may have entered the PIN, and the face can show that
        held = [row for row in held if row.by_camera]
    enrolment = {path for path in subject.own_pictures() if path.parent.name == "enrolment"}
    return enrolment | {records.inside(row.evidence_image) for row in held}


def _of_one(path: Path, reader: FaceReader, subject: Likeness, sure: bool) -> bytes:
    """Return a picture in which only the person is recognisable; `sure`: the main face is theirs."""
    image = read_image(path)
    embeddings, boxes = look(reader, image)
    theirs = subject.shows(embeddings)
    if sure and len(boxes) and not theirs.any():
        theirs[int((boxes[:, 2:] - boxes[:, :2]).prod(1).argmax())] = True
    return read_file(path) if theirs.all() else encode_jpeg(hide(image, boxes[~theirs]))


def _film_of_one(path: Path, reader: FaceReader, subject: Subject) -> bytes:
    """Return a film of some pictures a second in which nothing but the person's face is recognisable, however others move."""

    def only(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        embeddings, boxes = look(reader, image)
        height, width = image.shape[:2]
        blurred = hide(image, np.array([[0, 0, width, height]], np.float32))
        for x1, y1, x2, y2 in boxes[subject.shows(embeddings)].clip(0).astype(int).tolist():
            blurred[y1:y2, x1:x2] = image[y1:y2, x1:x2]
        return blurred

    pictures = pictures_of(read_file(path), _FILM_STEP_S)
    return encoded((index * _FILM_STEP_S, only(image)) for index, image in enumerate(pictures))


_README = """What is held on {employee_id}, as of {time}.

person.json           the row in the list of people, and whether a PIN is kept (its hash alone)
templates.json        numbers computed from pictures of the face, with which faces are compared
attendance_log.json   each time a camera recognised this person, or almost, a PIN or an import said so, and what was taken back
day_sheets.json       attendance by day, as made from the log
corrections.json      what people corrected or approved in it
requests.json         what this person asked to have corrected, the leave they asked for, and what was decided
closed_months.json    the days of closed months as they were sealed for payroll
leave.json            leave and entitlements
employment.json       from when on this person was employed, in which department and on which shift, as far as it is dated
time_account.json     opening balances, pay-outs and corrections of this person's time account
incidents.json        incidents this person took part in, and what became of them
sightings.json        each time a face was taken for this person, or almost: whom it resembled how much, frame by frame
faces.json            when and where a camera saw a face that the search by photo would find; numbers computed from it are kept beside
comparisons.json      how much somebody else's face resembled this person; that was decided otherwise
answers.json          what people answered when they were asked whether a face is this person's
dossiers.json         decisions about this person as a stranger, or on the watch list
messages.json         when and how incidents were told to others
audit.json            who changed what about this person, and when
pictures/             all pictures, in which the faces of others are made unrecognisable, and films, in which everything else is

Everybody else is called `somebody else`.
"""
