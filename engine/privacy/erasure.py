"""The right to be forgotten: Muster erases a person from the workspace and keeps a receipt."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape

from engine.attendance import ClosedDay
from engine.errors import InputError, StorageError
from engine.face_reader import FaceReader
from engine.imaging import encode_jpeg, pictures_of, read_image
from engine.incidents import files_of
from engine.incidents.notifications import changing
from engine.people import NO_CAREER
from engine.privacy.faces import hide, look
from engine.privacy.subjects import Subject, find
from engine.records.books import Records
from engine.records.names import mentions, spells
from engine.records.settings_desk import SettingsDesk
from engine.storage import atomic_write, new_id, parse_json, read_rows, storage_errors
from engine.storage.erasures import Erasure, ForgetList
from engine.storage.logs import PSEUDONYM
from engine.storage.pictures import enrolment_picture, is_film
from engine.storage.vault import Owner, Vault, read_file
from engine.types import Person, Progress

_TEXTS = {".csv", ".json", ".toml", ".txt", ".html", ".md", ".ics", ".svg"}
_ARCHIVES = {".xlsx", ".zip"}
_UNREADABLE = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError)
"""What unpacking raises: damaged, packed in another way, or with a password."""
_OWN = {
    "images",
    "gallery",
    "faces",
    "archive",
    "outbox",
    "receipts",
    "known",
    "spool",
    "sites",
    "log",
    "attendance",
    "demo",
}
"""Folders in which Muster writes files of its own kinds."""
_FOREIGN = {".bak", ".old", ".orig", ".pdf", ".doc", ".docx", ".xls", ".eml", ".msg", ".gz", ".tar", ".7z", ".rar"}
"""Kinds that Muster never writes, wherever they lie."""
_NOT_FOR_READING = {".id", ".seals", ".safetensors", ".key", ".keys", ".lock", ".npz", ".faces"}
_LARGEST = 64 * 2**20
_ABANDONED_S = 600.0
"""An older temporary file was left behind by a crash."""
_DRAWN = "-annotated.jpg"
_FILM_STEP_S = 0.5
"""Of a film, so much lies between two pictures in which a face is looked for."""
_WORDS = re.compile(r"""[^\s"';,:{}\[\]]+""")
"""What may be an id in a text."""


def forget(
    records: Records,
    employee_id: str,
    *,
    reader: Callable[[], FaceReader] | None,
    threshold: float,
    author: str,
    progress: Progress,
    shared: ForgetList | None = None,
    end_access: Callable[[str], bool] = lambda _: False,
) -> dict[str, object]:
    """Erase a person from the workspace, and write a receipt to `receipts/`.

    Muster erases templates, faces kept for the search by photo, name, leave, employment, PIN, access to the own record, enrolment and
    evidence pictures, dossiers that show the person as a stranger, waiting messages, the last change of settings that name them, and
    all pictures of incidents the person took part in. It searches every other picture for the face: if it is the main face, the picture
    is erased, otherwise the face is made unrecognisable. Log rows stay under the bare id. A pseudonym, which the seals allow, replaces
    an id that reveals the name, or whose name is no longer known. Rows of closed months stay likewise. A face that resembles another
    enrolled person more counts as that person's.

    The keys of their templates and pictures are destroyed (ISO/IEC 24745): what copies of the workspace hold of them cannot be opened
    any more.

    Args:
        reader: opens the networks that search other pictures; None: skip the search, which the receipt records.
        threshold: smallest similarity (`>=`) of the person's own faces.
        progress: called with the number of pictures.
        end_access: removes the account with which the person reads their own record; returns whether there was one.
        shared: tells the other machines of a site; log rows then always get the pseudonym, because rows may still be on their way.

    Returns:
        The receipt: counts, hashes of erased files, other files in the workspace that still contain the name, and foreign files that
        could not be read for it.

    Raises:
        InputError: the person is unknown.
        StorageError: something could not be erased; a second attempt continues.
    """
    subject = find(records, employee_id, threshold)
    name, pseudonym = subject.person.name if subject.person else "", ""
    author, now = records.names.ids(author), records.now()
    receipt_id = new_id(now)
    networks = reader() if reader and subject.face is not None else None
    # deactivated at once, so that nobody is recognised meanwhile; row and templates, by which all else is found, are erased last,
    # so that an interrupted attempt can be repeated
    book = records.people.employment
    employment = len(book.all().get(employee_id, NO_CAREER).rows) if book else 0
    _put(records, subject, active=False)
    if shared is not None:
        shared.begin(receipt_id, records.sealer.pseudonym(employee_id), records.now())
        _publish(shared, Subject(records, employee_id, threshold), receipt_id)
    erased = erase_files(subject.own_pictures(), records.vault)
    search = _search_pictures(records, networks, subject, progress) if networks else _Search()
    subject = Subject(records, employee_id, threshold)  # again, for what was written meanwhile
    erased += erase_files(subject.own_pictures(), records.vault)
    records.strangers.update(lambda gallery: gallery.remove_templates(subject.elsewhere))
    records.anchors.update(lambda gallery: gallery.remove_templates(subject.elsewhere).remove(employee_id))
    for store in (records.gallery, records.strangers, records.anchors):
        store.scrub(employee_id, subject.elsewhere)
    faces = records.seen.remove(subject.passed)
    erase_observations(records)
    incidents = {row.incident_id for row in subject.incidents}
    messages = erase_messages(records, lambda each: each in subject.ids, incidents)
    SettingsDesk(records).forget(lambda text: any(mentions(text, each) for each in {name, *subject.ids}))
    leave, pin = records.leave.remove(employee_id), records.pins.remove(employee_id)
    records.badges.remove(employee_id)
    access = end_access(employee_id)
    account = records.accounts.remove(employee_id)
    told = {name} - {""}  # an author may be recorded by name
    if _told_by_id(subject) or shared is not None:
        pseudonym = records.sealer.pseudonym(employee_id)
        author = pseudonym if author == employee_id else author
        told.add(employee_id)
    redacted = sum(log.redact(each) for log in {*records.logs, *records.local_logs} for each in told)
    # what they asked for is theirs alone: nothing leads back to it, whatever the id tells
    redacted += sum(records.audit.raw.redact(each) for each in told) + _redact_requests(records, employee_id)
    _put(records, subject, name=pseudonym, department="", email="", consent_at="", active=False)
    if book is not None:
        book.remove(employee_id)
    others = {key: row for key, row in records.people.known().items() if key != employee_id}
    sheets = renew_sheets(records, lambda each: each in subject.ids, others)
    records.gallery.update(lambda gallery: gallery.remove(employee_id))
    # last of all: with the key, every copy of their templates and pictures in backups is erased
    keys = records.vault.ring.destroy(lambda owner: Owner.is_of(owner, employee_id))
    erase_abandoned(records)
    erased += search.erased
    receipt: dict[str, object] = {
        "receipt_id": receipt_id,
        "time": now.isoformat(timespec="seconds"),
        "author": author,
        "subject": pseudonym or employee_id,
        "templates": len(subject.templates),
        "pictures": len(erased),
        "keys_destroyed": keys,
        "faces_hidden_in_pictures_of_others": search.hidden,
        "dossiers_as_stranger": sorted(subject.strangers),
        "templates_as_stranger_or_by_mistake": len(subject.elsewhere),
        "faces_for_the_search_by_photo": faces,
        "messages_not_sent": len(messages),
        "leave_entries": leave,
        "employment_entries": employment,
        "time_account_entries": account,
        "pin": pin,
        "access_to_own_record": access,
        "day_sheets": sheets,
        "log_rows_kept_under_the_id": 0 if pseudonym else len(subject.attendance),
        "sightings_kept_under_the_id": 0 if pseudonym else len(subject.sightings) + len(subject.compared),
        "rows_of_closed_months_kept": len(_closed_rows(records, {employee_id, pseudonym})),
        "log_rows_under_the_pseudonym": redacted,
        "other_pictures_were_searched": search.done,
        "pictures_that_could_not_be_read": search.unreadable,
        "sha256_of_erased_pictures": sorted(erased),
        "sha256_of_changed_pictures": sorted(search.changed),
        "machines_that_have_not_confirmed": _unconfirmed(shared, receipt_id, pseudonym) if shared else [],
        "not_read": sorted(_unread(records.workspace)),
        "still_named_in": sorted(_naming(records.workspace, {name, employee_id} if pseudonym else {name})),
    }
    path = records.workspace / "receipts" / f"{receipt['receipt_id']}.json"
    atomic_write(path, json.dumps(receipt, indent=1, ensure_ascii=False).encode())
    detail = f"{len(subject.templates)} templates, {len(erased)} pictures, {search.hidden} faces hidden; {path.name}"
    records.note("forget", pseudonym or employee_id, detail, author=author)
    records.people.remove(employee_id)
    return receipt | {"receipt": path.relative_to(records.workspace).as_posix()}


def _redact_requests(records: Records, employee_id: str) -> int:
    return records.attendance.requests.log.raw.redact(employee_id)


def _publish(shared: ForgetList, subject: Subject, receipt_id: str) -> None:
    """Tell all machines of the site what they may hold of a person."""
    shared.publish(
        receipt_id,
        punches={row.event_id: row.evidence_image for row in subject.attendance},
        incidents={row.incident_id: files_of(row) for row in subject.incidents},
        pictures=[enrolment_picture(each) for each in subject.template_ids],
    )


def _unconfirmed(shared: ForgetList, receipt_id: str, pseudonym: str) -> list[str]:
    """Confirm for this machine; return those that have not confirmed yet."""
    shared.confirm(Erasure(receipt_id, pseudonym), "erased by forget")
    return sorted({each.machine for each in shared.unconfirmed() if each.erasure_id == receipt_id})


def _closed_rows(records: Records, ids: Collection[str]) -> list[ClosedDay]:
    """Return a person's rows in sealed sheets, which stay without a name, because payroll must be able to prove them."""
    days = records.attendance.closed.days
    return [row for row in days.on(days.days()) if row.employee_id in ids]


def _told_by_id(subject: Subject) -> bool:
    """Return whether a pseudonym must replace the id, because it reveals the name or the name is no longer known."""
    name = subject.person.name if subject.person else ""
    return subject.person is None or spells(subject.id, name) or name in subject.ids - {subject.id}


@dataclass(frozen=True)
class Prospect:
    """What `forget` would erase, as far as is known without searching other pictures.

    Attributes:
        name: empty if it is no longer known.
        templates, pictures, dossiers, leave_entries, messages, pin: to be erased.
        incidents: the person took part in; pictures are erased, rows stay.
        rows: of the attendance log, which stay under the bare id, or with `pseudonym` under a pseudonym.
        others: number of pictures to search.
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
    """Return what `forget` would erase, without changing anything.

    Raises:
        InputError: the person is unknown.
    """
    subject = find(records, employee_id, threshold)
    own = subject.own_pictures()
    return Prospect(
        name=subject.person.name if subject.person else "",
        templates=len(subject.templates) + len(subject.elsewhere),
        pictures=len(own),
        dossiers=len(subject.strangers),
        leave_entries=len(records.leave.of(employee_id)),
        messages=sum(
            1 for _ in _messages(records, subject.ids.__contains__, {row.incident_id for row in subject.incidents})
        ),
        pin=records.pins.has(employee_id),
        incidents=len({row.refers_to or row.incident_id for row in subject.incidents}),
        rows=len(subject.attendance),
        pseudonym=_told_by_id(subject),
        others=len(set(records.pictures()) - own),
    )


def _put(records: Records, subject: Subject, **changes: Any) -> None:
    if subject.person is not None:
        records.people.put(dataclasses.replace(subject.person, **changes))


def erase_files(paths: Iterable[Path], vault: Vault) -> list[str]:
    """Erase files, and the keys that open nothing else; return the hashes of their content."""
    hashes = []
    with storage_errors(vault.workspace):
        there = sorted(path for path in paths if path.is_file())
    vault.erasing(there)  # noted at once, not one by one
    for path in there:
        with storage_errors(path), contextlib.suppress(FileNotFoundError):
            digest = _digest(path)
            vault.erase(path)
            hashes.append(digest)
    return hashes


def _digest(path: Path) -> str:
    """Return the hash of a file's content, or of the encrypted one if its key is gone."""
    try:
        content = read_file(path)
    except StorageError:
        content = path.read_bytes()
    return hashlib.sha256(content).hexdigest()


@dataclass
class _Search:
    """The result of searching all pictures for a face.

    Attributes:
        erased, changed: hashes of erased pictures, and of changed ones before the change.
        hidden, unreadable: number of hidden faces, and of unreadable pictures.
        done: whether Muster searched.
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
        if is_film(path):
            _search_film(records, reader, subject, path, search)
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
        search.erased += erase_files(_drawn_beside(path), records.vault)
        areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
        if theirs[int(areas.argmax())] and path.parent.name != "enrolment":
            search.erased += erase_files([path], records.vault)
        elif path.is_file():
            search.changed.append(_digest(path))
            records.vault.rewrite(path, encode_jpeg(hide(image, boxes[theirs])))
            search.hidden += int(theirs.sum())
    progress("looking for the face in other pictures", len(paths), len(paths))
    return search


def _search_film(records: Records, reader: FaceReader, subject: Subject, path: Path, search: _Search) -> None:
    """Erase a film that shows a person, even among others: a face that moves cannot be hidden for certain."""
    try:
        if any(subject.shows(look(reader, image)[0]).any() for image in pictures_of(read_file(path), _FILM_STEP_S)):
            search.erased += erase_files([path], records.vault)
    except InputError:
        search.unreadable += 1


def _drawn_beside(path: Path) -> list[Path]:
    """Return the picture of the same incident that shows names."""
    incident, _, kind = path.stem.rpartition("-")
    drawn = path.with_name(incident + _DRAWN)
    return [drawn] if path.parent.name == "tailgating" and kind and drawn.is_file() else []


def erase_messages(records: Records, is_theirs: Callable[[str], bool], incidents: Collection[str]) -> list[str]:
    """Erase the waiting messages about a person; return the hashes of their content.

    Args:
        is_theirs: whether an id is the person's.
        incidents: ids of those that the person took part in.
    """
    with changing(records.workspace / "outbox"):  # or a delivery under way would write one of them again
        return erase_files(list(_messages(records, is_theirs, incidents)), records.vault)


def _messages(records: Records, is_theirs: Callable[[str], bool], incidents: Collection[str]) -> Iterator[Path]:
    """Yield waiting messages about a person, damaged ones included."""
    outbox = records.workspace / "outbox"
    kinds = ("[0-9]*.json*", "staged-*.json*", "announced/*.json*", "letters/[0-9]*.json*")
    for path in sorted(path for kind in kinds for path in outbox.glob(kind)):
        with storage_errors(path), contextlib.suppress(FileNotFoundError):
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
                message = parse_json(text)
                named = str(message["facts"].get("employee_ids", "")).split(";")
                concerns = message["incident_id"] in incidents or any(map(is_theirs, named))
            except (ValueError, TypeError, KeyError, AttributeError):
                concerns = any(map(is_theirs, possible_ids(text)))
            if concerns:
                yield path


def possible_ids(text: str) -> list[str]:
    """Return what may be an id in a text."""
    return _WORDS.findall(text)


def erase_observations(records: Records) -> None:
    """Erase faces without names; `muster process` observes undecided recordings again."""
    if records.observations.exists():
        with storage_errors(records.observations):
            shutil.rmtree(records.observations)
        records.vault.ring.destroy(lambda owner: owner == Owner.archive())


def renew_sheets(records: Records, is_theirs: Callable[[str], bool], people: Mapping[str, Person]) -> int:
    """Compute the day sheets with a row of the person again; return how many."""
    count = 0
    for path in sorted((records.workspace / "attendance").glob("*.csv")):
        with contextlib.suppress(ValueError):  # other files are not Muster's
            day = datetime.strptime(path.stem, "%Y-%m-%d").date()  # noqa: DTZ007 - a day, no moment
            if any(is_theirs(row.get("employee_id") or "") for row in read_rows(path)):
                records.attendance.keeper.refresh(day, people)
                count += 1
    return count


def erase_abandoned(records: Records) -> None:
    """Erase temporary files that a crash left behind, which may contain anything."""
    erase_files(_abandoned(records.workspace, records.now()), records.vault)


def _abandoned(workspace: Path, now: datetime) -> Iterator[Path]:
    for path in sorted(workspace.rglob(".*.tmp")):
        with contextlib.suppress(FileNotFoundError):
            if abs(now.timestamp() - path.stat().st_mtime) > _ABANDONED_S:
                yield path


def _naming(workspace: Path, words: Iterable[str]) -> Iterator[str]:
    """Yield files that contain a name, because somebody exported them there or wrote them by hand."""
    wanted = {word for word in words if word and not word.startswith(PSEUDONYM)}
    for path in sorted(workspace.rglob("*")) if wanted else ():
        with storage_errors(path), contextlib.suppress(FileNotFoundError):
            # the person's row in the list of people is erased last
            if path.is_file() and path != workspace / "people.csv" and path.stat().st_size <= _LARGEST:
                for text in _texts(path):
                    if any(mentions(text, word) for word in wanted):
                        yield path.relative_to(workspace).as_posix()
                        break


def _texts(path: Path) -> Iterator[str]:
    """Yield the text of a file, or those in an archive."""
    suffix = path.suffix.lower()
    if suffix in _TEXTS:
        yield path.read_text(encoding="utf-8", errors="replace")
    elif suffix in _ARCHIVES:
        with contextlib.suppress(*_UNREADABLE), zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.file_size <= _LARGEST:
                    yield unescape(archive.read(member).decode("utf-8", errors="replace"))


def _unread(workspace: Path) -> Iterator[str]:
    """Yield files that somebody else put here and that Muster cannot read, so that it cannot say whom they name."""
    for path in sorted(workspace.rglob("*")):
        place = path.relative_to(workspace)
        own = place.parts[0] in _OWN and place.suffix.lower() not in _FOREIGN
        if own or place.name.startswith(".") or place.suffix.lower() in _NOT_FOR_READING:
            continue
        with storage_errors(path), contextlib.suppress(FileNotFoundError):
            if path.is_file() and not _read(path):
                yield place.as_posix()


def _read(path: Path) -> bool:
    """Whether `_texts` yields all that a file holds."""
    suffix = path.suffix.lower()
    if path.stat().st_size > _LARGEST:
        return False
    if suffix not in _ARCHIVES:
        return suffix in _TEXTS
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None and all(each.file_size <= _LARGEST for each in archive.infolist())
    except _UNREADABLE:
        return False
