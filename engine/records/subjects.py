"""What a person may ask for: to be told all that is held on them, and to be forgotten."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.analysis import FaceReader
from engine.errors import InputError
from engine.images import encode_jpeg, read_image, write_jpeg
from engine.incidents import IMAGE_COLUMNS
from engine.records.books import Records
from engine.records.faces import hide, like
from engine.storage import atomic_write, new_id, storage_errors

__all__ = ["export_subject", "forget"]

Progress = Callable[[str, int, int], None]
Row = Mapping[str, str]
_TEXTS = {".csv", ".json", ".toml", ".txt", ".html", ".md"}
_LARGEST_TEXT = 64 * 2**20


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


class _Subject:
    """All that belongs to one person."""

    def __init__(self, records: Records, employee_id: str, threshold: float) -> None:
        self.id, self.records, self.threshold = employee_id, records, threshold
        self.person = records.people.all().get(employee_id)
        gallery = records.gallery.current()
        self.templates, self.embeddings = gallery.of(employee_id)
        self.face: NDArray[np.float32] | None = None
        if self.templates:
            self.face = gallery.fused[gallery.people.index(employee_id)]
        self.attendance = [
            row
            for _, row in records.attendance_rows()
            if row["employee_id"] == employee_id and row["event"] != "retract"
        ]
        self.strangers = self._as_stranger()
        register = records.dossiers.register()
        rows = records.incident_rows()
        known = {row["incident_id"] for row in rows if self._takes_part(row, register.of(row))}
        self.incidents = [row for row in rows if row["incident_id"] in known or row["refers_to"] in known]

    def _as_stranger(self) -> set[str]:
        """Dossiers that show this person from before they were enrolled, or when they were not recognised."""
        register, strangers = self.records.dossiers.register(), self.records.strangers.current()
        found = {unknown_id for unknown_id, person in register.named.items() if person == self.id}
        if self.face is not None and len(strangers):
            alike = strangers.fused @ self.face >= self.threshold
            found |= {person for person, same in zip(strangers.people, alike.tolist(), strict=True) if same}
        return found

    def _takes_part(self, row: Row, dossiers: Iterable[str]) -> bool:
        return self.id in row["employee_ids"].split(";") or bool(self.strangers & set(dossiers))

    def own_pictures(self) -> set[Path]:
        """Pictures that rows or templates say are of this person: enrolment, evidence, incidents."""
        folder = self.records.workspace / "images" / "enrolment"
        paths = {folder / f"{template.template_id}.jpg" for template in self.templates}
        named = [row["evidence_image"] for row in self.attendance]
        named += [row[column] for row in self.incidents for column in IMAGE_COLUMNS]
        found = {self.records.inside(name) for name in named}
        return {path for path in paths if path.is_file()} | {path for path in found if path is not None}

    @property
    def exists(self) -> bool:
        """Anything is held on them."""
        return self.person is not None or bool(self.templates)


def _found(records: Records, employee_id: str, threshold: float) -> _Subject:
    subject = _Subject(records, employee_id, threshold)
    if not subject.exists:
        raise InputError(f"nobody is enrolled as {employee_id}", hint="`muster people` lists who is")
    return subject


# --------------------------------------------------------------------------------------------- forgetting


def forget(
    records: Records,
    employee_id: str,
    *,
    reader: Callable[[], FaceReader] | None,
    threshold: float,
    people: Callable[[], Mapping[str, Mapping[str, str]]],
    author: str,
    now: datetime,
    progress: Progress,
) -> dict[str, object]:
    """Erase a person from the workspace, and write a receipt of it to `receipts/`.

    Templates, name, leave, enrolment and evidence pictures, the dossiers that show them as a stranger, and all pictures of incidents they
    took part in go. In every other picture that is kept their face is looked for: where it is the main one the picture goes, else it
    is made unrecognisable. Log rows stay under the bare id; an id that spells the name is replaced by a pseudonym, which the logs'
    seals allow.

    Args:
        records: the books.
        employee_id: who.
        reader: opens the networks that look for them in other pictures; None: that is left out, and the receipt says so.
        threshold: similarity from which on a face is theirs.
        people: name and department by id, as they are when called.
        author: who does this.
        now: the present.
        progress: told of pictures.

    Returns:
        The receipt: counts, hashes of what was erased, and files outside the house's own that still hold the name.

    Raises:
        InputError: nobody of that id is known.
        StorageError: something could not be erased; a second attempt goes on.
    """
    subject = _found(records, employee_id, threshold)
    name = subject.person.name if subject.person else ""
    days = {datetime.fromisoformat(row["timestamp"]).astimezone(records.zone).date() for row in subject.attendance}
    erased = _unlinked(subject.own_pictures())
    hidden = 0
    if reader is not None and subject.face is not None:
        more, hidden = _search_pictures(records, reader(), subject.face, threshold, progress)
        erased += more
    # the pictures' names stand in the gallery and the logs, so these go after them: a broken attempt can be repeated
    records.strangers.update(lambda gallery: gallery.without(subject.strangers))
    records.anchors.update(lambda gallery: gallery.without((employee_id,)))
    if subject.face is not None:
        face = subject.face
        records.anchors.update(lambda gallery: gallery.unlike(face, threshold))
    for path in (records.workspace / "outbox").glob("*.json"):  # messages that wait name people by their ids
        with storage_errors(path):
            if employee_id in path.read_text(encoding="utf-8", errors="replace"):
                path.unlink(missing_ok=True)
    leave = records.leave.remove(employee_id)
    records.gallery.update(lambda gallery: gallery.remove(employee_id))
    records.people.remove(employee_id)
    spelt = bool(name) and (_plain(name) in _plain(employee_id) or _plain(employee_id) in _plain(name))
    pseudonym = records.attendance.log.sealer.pseudonym(employee_id) if spelt else ""
    redacted = 0
    if spelt:
        redacted = sum(log.redact(employee_id) for log in records.logs) + records.audit.file.redact(employee_id)
    for day in sorted(days | {day + timedelta(days=offset) for day in days for offset in (-1, 1)}):
        if (records.workspace / "attendance" / f"{day}.csv").exists():
            records.attendance.refresh(day, people())
    receipt: dict[str, object] = {
        "receipt_id": new_id(now.astimezone(records.zone)),
        "time": now.astimezone(records.zone).isoformat(timespec="seconds"),
        "author": author,
        "subject": pseudonym or employee_id,
        "templates": len(subject.templates),
        "pictures": len(erased),
        "faces_hidden_in_pictures_of_others": hidden,
        "dossiers_as_stranger": sorted(subject.strangers),
        "leave_entries": leave,
        "day_sheets": len(days),
        "log_rows_kept_under_the_id": len(subject.attendance) if not spelt else 0,
        "log_rows_under_the_pseudonym": redacted,
        "other_pictures_were_searched": reader is not None,
        "sha256_of_erased_pictures": sorted(erased),
        "still_named_in": sorted(_mentions(records.workspace, name)),
    }
    path = records.workspace / "receipts" / f"{receipt['receipt_id']}.json"
    atomic_write(path, json.dumps(receipt, indent=1, ensure_ascii=False).encode())
    detail = f"{len(subject.templates)} templates, {len(erased)} pictures, {hidden} faces hidden; {path.name}"
    records.audit.note("forget", pseudonym or employee_id, detail, author=author, now=now)
    return receipt | {"receipt": path.relative_to(records.workspace).as_posix()}


def _unlinked(paths: Iterable[Path]) -> list[str]:
    hashes = []
    for path in sorted(paths):
        with storage_errors(path):
            hashes.append(hashlib.sha256(path.read_bytes()).hexdigest())
            path.unlink(missing_ok=True)
    return hashes


def _search_pictures(
    records: Records, reader: FaceReader, face: NDArray[np.float32], threshold: float, progress: Progress
) -> tuple[list[str], int]:
    """Erase or blur a person in the pictures of others; hashes of what was erased, and how many faces were hidden."""
    paths = [path for path in records.pictures() if path.parent.name != "enrolment"]
    erased: list[str] = []
    hidden = 0
    for index, path in enumerate(paths):
        progress("looking for the face in other pictures", index, len(paths))
        try:
            image = read_image(path)
        except InputError:
            continue
        theirs, boxes = like(reader, image, face, threshold)
        if not theirs.any():
            continue
        areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
        if theirs[int(areas.argmax())]:
            erased += _unlinked([path])
        else:
            write_jpeg(path, hide(image, boxes[theirs]))
            hidden += int(theirs.sum())
    progress("looking for the face in other pictures", len(paths), len(paths))
    return erased, hidden


def _mentions(workspace: Path, name: str) -> Iterator[str]:
    """Text files in the workspace that hold a name: what somebody exported there, or wrote by hand."""
    wanted = name.casefold()
    for path in sorted(workspace.rglob("*")) if wanted else ():
        if path.suffix.lower() in _TEXTS and path.is_file() and path.stat().st_size <= _LARGEST_TEXT:
            with storage_errors(path):
                if wanted in path.read_text(encoding="utf-8", errors="replace").casefold():
                    yield path.relative_to(workspace).as_posix()


# --------------------------------------------------------------------------------------------- disclosure


def export_subject(
    records: Records,
    employee_id: str,
    target: Path,
    *,
    reader: FaceReader,
    threshold: float,
    people: Mapping[str, Mapping[str, str]],
    now: datetime,
) -> dict[str, int]:
    """Write everything that is held on a person into a ZIP file; other people's faces in it are made unrecognisable.

    Args:
        records: the books.
        employee_id: who.
        target: the file.
        reader, threshold: tell their face from others'.
        people: name and department by id, for the day sheets.
        now: the present.

    Returns:
        How much of each it holds.

    Raises:
        InputError: nobody of that id is known.
        StorageError: it could not be written.
    """
    subject = _found(records, employee_id, threshold)
    days = [datetime.fromisoformat(row["timestamp"]).astimezone(records.zone).date() for row in subject.attendance]
    sheets = []
    if days:
        sheets = records.attendance.sheets(min(days), max(days) + timedelta(days=1), people, only=employee_id)
    corrections = [
        dataclasses.asdict(row)
        for row in records.attendance.corrections_of(date.min + timedelta(days=2), date.max - timedelta(days=2))
        if row.employee_id == employee_id
    ]
    audit = [row for row in records.audit.file.read() if row["subject"] == employee_id]
    leave = [dataclasses.asdict(row) for row in records.leave.all() if row.employee_id == employee_id]
    documents: dict[str, object] = {
        "person.json": dataclasses.asdict(subject.person) if subject.person else {"employee_id": employee_id},
        "attendance_log.json": [dict(row) for row in subject.attendance],
        "day_sheets.json": sheets,
        "corrections.json": corrections,
        "leave.json": leave,
        "incidents.json": [_without_others(row, employee_id, subject.strangers) for row in subject.incidents],
        "audit.json": audit,
        "templates.json": [
            {"template_id": template.template_id, "quality": template.quality, "values": row.tolist()}
            for template, row in zip(subject.templates, subject.embeddings, strict=True)
        ],
    }
    pictures = sorted(subject.own_pictures())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("READ ME.txt", _README.format(employee_id=employee_id, time=f"{now:%Y-%m-%d %H:%M %Z}"))
        for name, content in documents.items():
            archive.writestr(name, json.dumps(content, indent=1, ensure_ascii=False, default=str))
        for path in pictures:
            archive.writestr(f"pictures/{path.parent.name}/{path.name}", _of_one(path, reader, subject.face, threshold))
    atomic_write(target, buffer.getvalue())
    return {
        "templates": len(subject.templates),
        "pictures": len(pictures),
        "attendance_rows": len(subject.attendance),
        "days": len(sheets),
        "incidents": len(subject.incidents),
        "corrections": len(corrections),
    }


def _of_one(path: Path, reader: FaceReader, face: NDArray[np.float32] | None, threshold: float) -> bytes:
    """A picture in which nobody but the person can be told; who is alone in it is taken for them."""
    image = read_image(path)
    if face is None:
        return path.read_bytes()
    theirs, boxes = like(reader, image, face, threshold)
    if len(boxes) < 2:
        return path.read_bytes()
    if not theirs.any():
        areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
        theirs[int(areas.argmax())] = path.parent.name in {"enrolment", "evidence"}
    return encode_jpeg(hide(image, boxes[~theirs]))


def _without_others(row: Row, employee_id: str, strangers: set[str]) -> dict[str, str]:
    kept = dict(row)
    for column, own in (("employee_ids", {employee_id}), ("unknown_ids", strangers)):
        kept[column] = ";".join(each if each in own else "somebody else" for each in row[column].split(";") if each)
    return kept


_README = """What is held on {employee_id}, as of {time}.

person.json           the row in the list of people
templates.json        numbers computed from the enrolment pictures, with which faces are compared
attendance_log.json   each time a camera recognised this person, with the evidence
day_sheets.json       attendance by day, as made from the log
corrections.json      what people corrected or approved in it
leave.json            absences that were imported
incidents.json        incidents this person took part in; others are not named
audit.json            who changed what about this person, and when
pictures/             all pictures; the faces of others are made unrecognisable
"""
