"""The right to be forgotten: a person leaves the workspace, and a receipt stays."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape

from engine.errors import InputError
from engine.face_reader import FaceReader
from engine.imaging import read_image, write_jpeg
from engine.privacy.faces import hide, look
from engine.privacy.subjects import Subject, find
from engine.records.books import Records
from engine.records.names import mentions, spells
from engine.storage import atomic_write, new_id, read_rows, storage_errors
from engine.storage.logs import PSEUDONYM
from engine.types import Person, Progress

_TEXTS = {".csv", ".json", ".toml", ".txt", ".html", ".md", ".ics", ".svg"}
_ARCHIVES = {".xlsx", ".zip"}
_LARGEST = 64 * 2**20
_ABANDONED_S = 600.0
"""A temporary file that is older was left behind by a crash."""
_DRAWN = "-annotated.jpg"


def forget(
    records: Records,
    employee_id: str,
    *,
    reader: Callable[[], FaceReader] | None,
    threshold: float,
    people: Callable[[], Mapping[str, Person]],
    author: str,
    now: datetime,
    progress: Progress,
) -> dict[str, object]:
    """Erase a person from the workspace, and write a receipt of it to `receipts/`.

    Templates, name, leave, PIN, enrolment and evidence pictures, the dossiers that show them as a stranger, messages that wait, and all
    pictures of incidents they took part in go. In every other picture that is kept their face is looked for: where it is the main
    one the picture goes, else it is made unrecognisable. Log rows stay under the bare id; an id that spells the name is replaced
    by a pseudonym, which the logs' seals allow, and so is one whose name nobody knows any more. A face that is more like somebody
    else who is enrolled is taken for theirs.

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
    subject = find(records, employee_id, threshold)
    name, pseudonym = subject.person.name if subject.person else "", ""
    sealer = records.sealer
    author = records.names.ids(author)
    networks = reader() if reader and subject.face is not None else None
    # nobody is to be recognised any more while this goes on; the row itself and the templates, by which everything else is
    # found, go last, so that a broken attempt can be repeated
    _put(records, subject, active=False)
    erased = _unlinked(subject.own_pictures())
    search = _search_pictures(records, networks, subject, progress) if networks else _Search()
    subject = Subject(records, employee_id, threshold)  # with what was written meanwhile
    erased += _unlinked(subject.own_pictures())
    records.strangers.update(lambda gallery: gallery.remove_templates(subject.elsewhere))
    records.anchors.update(lambda gallery: gallery.remove_templates(subject.elsewhere).remove(employee_id))
    for store in (records.gallery, records.strangers, records.anchors):
        store.scrub(employee_id, subject.elsewhere)
    if records.observations.exists():  # faces without names: what is not decided yet is looked at again
        with storage_errors(records.observations):
            shutil.rmtree(records.observations)
    messages = _unlinked(_messages(records.workspace / "outbox", subject))
    leave, pin = records.leave.remove(employee_id), records.pins.remove(employee_id)
    told = {name} - {""}  # who did something may stand there by name
    if _told_by_id(subject):
        pseudonym = sealer.pseudonym(employee_id)
        author = pseudonym if author == employee_id else author
        told.add(employee_id)
    redacted = sum(log.redact(each) for log in records.logs for each in told)
    redacted += sum(records.audit.raw.redact(each) for each in told)
    _put(records, subject, name=pseudonym, department="", email="", consent_at="", active=False)
    sheets = _renew_sheets(records, subject, people())
    records.gallery.update(lambda gallery: gallery.remove(employee_id))
    _unlinked(_abandoned(records.workspace, now))
    erased += search.erased
    receipt: dict[str, object] = {
        "receipt_id": new_id(now.astimezone(records.zone)),
        "time": now.astimezone(records.zone).isoformat(timespec="seconds"),
        "author": author,
        "subject": pseudonym or employee_id,
        "templates": len(subject.templates),
        "pictures": len(erased),
        "faces_hidden_in_pictures_of_others": search.hidden,
        "dossiers_as_stranger": sorted(subject.strangers),
        "templates_as_stranger_or_by_mistake": len(subject.elsewhere),
        "messages_not_sent": len(messages),
        "leave_entries": leave,
        "pin": pin,
        "day_sheets": sheets,
        "log_rows_kept_under_the_id": 0 if pseudonym else len(subject.attendance),
        "sightings_kept_under_the_id": 0 if pseudonym else len(subject.sightings) + len(subject.compared),
        "log_rows_under_the_pseudonym": redacted,
        "other_pictures_were_searched": search.done,
        "pictures_that_could_not_be_read": search.unreadable,
        "sha256_of_erased_pictures": sorted(erased),
        "sha256_of_changed_pictures": sorted(search.changed),
        "still_named_in": sorted(_naming(records.workspace, {name, employee_id} if pseudonym else {name})),
    }
    path = records.workspace / "receipts" / f"{receipt['receipt_id']}.json"
    atomic_write(path, json.dumps(receipt, indent=1, ensure_ascii=False).encode())
    detail = f"{len(subject.templates)} templates, {len(erased)} pictures, {search.hidden} faces hidden; {path.name}"
    records.audit.note("forget", pseudonym or employee_id, detail, author=author, now=now)
    records.people.remove(employee_id)
    return receipt | {"receipt": path.relative_to(records.workspace).as_posix()}


def _told_by_id(subject: Subject) -> bool:
    """Whether a pseudonym must take the id's place: the id spells the name, or nobody knows the name any more."""
    name = subject.person.name if subject.person else ""
    return subject.person is None or spells(subject.id, name) or name in subject.ids - {subject.id}


@dataclass(frozen=True)
class Prospect:
    """What `forget` would take away of a person, as far as it is known without looking into the pictures of others.

    Attributes:
        name: theirs; empty: nobody knows it any more.
        templates, pictures, dossiers, leave_entries, messages: that would be gone.
        pin: they have one, which would be gone.
        incidents: they took part in; their pictures go, their rows stay.
        rows: of the attendance log about them; they stay. pseudonym: under a pseudonym, else under the bare id.
        others: pictures in which their face would be looked for.
    """

    name: str
    templates: int
    pictures: int
    dossiers: int
    leave_entries: int
    messages: int
    pin: bool
    incidents: int
    rows: int
    pseudonym: bool
    others: int


def foresee(records: Records, employee_id: str, threshold: float) -> Prospect:
    """What `forget` would do; nothing is changed.

    Raises:
        InputError: nobody of that id is known.
    """
    subject = find(records, employee_id, threshold)
    own = subject.own_pictures()
    return Prospect(
        name=subject.person.name if subject.person else "",
        templates=len(subject.templates) + len(subject.elsewhere),
        pictures=len(own),
        dossiers=len(subject.strangers),
        leave_entries=sum(entry.employee_id == employee_id for entry in records.leave.all()),
        messages=sum(1 for _ in _messages(records.workspace / "outbox", subject)),
        pin=records.pins.has(employee_id),
        incidents=len({row.refers_to or row.incident_id for row in subject.incidents}),
        rows=len(subject.attendance),
        pseudonym=_told_by_id(subject),
        others=len(set(records.pictures()) - own),
    )


def _put(records: Records, subject: Subject, **changes: Any) -> None:
    if subject.person is not None:
        records.people.put(dataclasses.replace(subject.person, **changes))


def _unlinked(paths: Iterable[Path]) -> list[str]:
    """Erase files; the hashes of what they held."""
    hashes = []
    for path in sorted(paths):
        with storage_errors(path), contextlib.suppress(FileNotFoundError):
            content = path.read_bytes()
            path.unlink()
            hashes.append(hashlib.sha256(content).hexdigest())
    return hashes


@dataclass
class _Search:
    """What came of looking for a face in all pictures.

    Attributes:
        erased, changed: hashes of pictures that went, and of others as they were before a face was hidden in them.
        hidden, unreadable: faces that were hidden, and pictures that could not be read.
        done: it was looked for.
    """

    erased: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    hidden: int = 0
    unreadable: int = 0
    done: bool = False


def _search_pictures(records: Records, reader: FaceReader, subject: Subject, progress: Progress) -> _Search:
    """Erase or blur a person in the pictures of others."""
    search, paths = _Search(done=True), sorted(records.pictures())
    for index, path in enumerate(paths):
        progress("looking for the face in other pictures", index, len(paths))
        if not path.is_file():  # erased together with another picture of its incident
            continue
        try:
            image = read_image(path)
        except InputError:
            search.unreadable += 1
            continue
        embeddings, boxes = look(reader, image)
        theirs = subject.shows(embeddings)
        if not theirs.any():
            continue
        search.erased += _unlinked(_drawn_beside(path))
        areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
        if theirs[int(areas.argmax())] and path.parent.name != "enrolment":
            search.erased += _unlinked([path])
        elif path.is_file():
            search.changed.append(hashlib.sha256(path.read_bytes()).hexdigest())
            write_jpeg(path, hide(image, boxes[theirs]))
            search.hidden += int(theirs.sum())
    progress("looking for the face in other pictures", len(paths), len(paths))
    return search


def _drawn_beside(path: Path) -> list[Path]:
    """The picture of the same incident on which names are written."""
    incident, _, kind = path.stem.rpartition("-")
    drawn = path.with_name(incident + _DRAWN)
    return [drawn] if path.parent.name == "tailgating" and kind and drawn.is_file() else []


def _messages(outbox: Path, subject: Subject) -> Iterator[Path]:
    """Messages on their way that name the person, or tell of an incident they took part in."""
    incidents = {row.incident_id for row in subject.incidents}
    for path in sorted(outbox.glob("[0-9]*.json*")):
        with storage_errors(path), contextlib.suppress(FileNotFoundError):
            text = path.read_text(encoding="utf-8", errors="replace")
            try:
                message = json.loads(text)
                named = set(str(message["facts"].get("employee_ids", "")).split(";"))
                concerns = message["incident_id"] in incidents or bool(named & subject.ids)
            except (ValueError, TypeError, KeyError, AttributeError):
                concerns = mentions(text, subject.id)  # damaged, and never sent
            if concerns:
                yield path


def _renew_sheets(records: Records, subject: Subject, people: Mapping[str, Person]) -> int:
    """Make the day sheets anew in which the person has a row, present or absent; how many."""
    others = {key: row for key, row in people.items() if key != subject.id}
    count = 0
    for path in sorted((records.workspace / "attendance").glob("*.csv")):
        with contextlib.suppress(ValueError):  # other files are not ours
            day = datetime.strptime(path.stem, "%Y-%m-%d").date()  # noqa: DTZ007 - a day, no moment
            if any(row.get("employee_id") in subject.ids for row in read_rows(path)):
                records.attendance.keeper.refresh(day, others)
                count += 1
    return count


def _abandoned(workspace: Path, now: datetime) -> Iterator[Path]:
    """Temporary files that a crash left behind: they may hold anything."""
    for path in sorted(workspace.rglob(".*.tmp")):
        with contextlib.suppress(FileNotFoundError):
            if abs(now.timestamp() - path.stat().st_mtime) > _ABANDONED_S:
                yield path


def _naming(workspace: Path, words: Iterable[str]) -> Iterator[str]:
    """Files in the workspace that hold a name: what somebody exported there, or wrote by hand."""
    wanted = {word for word in words if word and not word.startswith(PSEUDONYM)}
    for path in sorted(workspace.rglob("*")) if wanted else ():
        with storage_errors(path), contextlib.suppress(FileNotFoundError):
            # their own row in the list of people goes last
            if path.is_file() and path != workspace / "people.csv" and path.stat().st_size <= _LARGEST:
                for text in _texts(path):
                    if any(mentions(text, word) for word in wanted):
                        yield path.relative_to(workspace).as_posix()
                        break


def _texts(path: Path) -> Iterator[str]:
    """The texts in a file, those of an archive one by one."""
    suffix = path.suffix.lower()
    if suffix in _TEXTS:
        yield path.read_text(encoding="utf-8", errors="replace")
    elif suffix in _ARCHIVES:
        with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.file_size <= _LARGEST:
                    yield unescape(archive.read(member).decode("utf-8", errors="replace"))
