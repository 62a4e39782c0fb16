"""An incident in one ZIP file: its rows as written, pictures, a sheet to print, and whether the seals hold."""

from __future__ import annotations

import io
import json
import logging
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from engine.errors import InputError, StorageError
from engine.imaging import boxes_of
from engine.incidents import IMAGE_COLUMNS, INCIDENTS, Incident, IncidentRow, film_of
from engine.records.alerts import AlertBoard, erased, is_stranger, latest_picture, parties
from engine.records.books import Records
from engine.storage import storage_errors, table_text
from engine.storage.logs import Finding
from engine.storage.vault import read_file
from engine.types import Person

log = logging.getLogger(__name__)

_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8,12}")


@dataclass(frozen=True)
class Party:
    """Somebody who was involved.

    Attributes:
        key: employee id, pseudonym, or current id of a stranger.
        known: whether the list of people contains them.
        face: JPEG; empty if there is none.
    """

    key: str
    name: str = ""
    department: str = ""
    known: bool = False
    face: bytes = b""

    @property
    def stranger(self) -> bool:
        """Whether they were never enrolled."""
        return is_stranger(self.key)

    @property
    def erased(self) -> bool:
        """Whether they asked to be forgotten."""
        return not self.known and erased(self.key)


@dataclass(frozen=True)
class SealCheck:
    """Whether the log files with an incident's rows are unchanged.

    Attributes:
        problem: why the files could not be checked; empty if they were.
    """

    files: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    problem: str = ""

    @property
    def holds(self) -> bool:
        """Whether everything was checked and nothing was changed."""
        return not self.problem and all(each.harmless for each in self.findings)


@dataclass(frozen=True)
class Case:
    """Everything about an incident.

    Attributes:
        pictures: JPEG by column.
        film: MP4; empty if there is none.
        gone: columns of missing pictures.
        seals: of the days of the incident and its reviews.
        written: its rows and its reviews exactly as in the log, with their seals, as CSV.
        readable: replaces pseudonyms of people who are still known.
    """

    incident: Incident
    parties: tuple[Party, ...]
    pictures: Mapping[str, bytes]
    film: bytes
    gone: tuple[str, ...]
    seals: SealCheck
    written: str
    readable: Callable[[str], str]

    @property
    def row(self) -> IncidentRow:
        """The incident's row with readable ids."""
        return self._read(self.incident.row)

    @property
    def reviews(self) -> list[IncidentRow]:
        """The rows of its reviews with readable ids."""
        return [self._read(each) for each in self.incident.reviews]

    def _read(self, row: IncidentRow) -> IncidentRow:
        return replace(
            row,
            employee_ids=tuple(map(self.readable, row.employee_ids)),
            detail=self.readable(row.detail),
            author=self.readable(row.author),
            assignee=self.readable(row.assignee),
        )


def gather(
    records: Records,
    board: AlertBoard,
    incident_id: str,
    *,
    people: Mapping[str, Person],
    portrait: Callable[[str], Path | None],
    readable: Callable[[str], str],
) -> Case:
    """Collect everything about an incident.

    Args:
        portrait: returns a person's best picture.
        readable: see `Case`.

    Raises:
        InputError: there is no such alert.
        StorageError: something cannot be read.
    """
    incident = board.get(incident_id)
    if incident is None:
        raise InputError(f"there is no alert {incident_id!r}", hint="`muster incidents` lists them")
    named = {column: place for column in IMAGE_COLUMNS if (place := getattr(incident.row, column))}
    contents = {column: _content(records.inside(place)) for column, place in named.items()}
    pictures = {column: content for column, content in contents.items() if content}
    film = _content(records.inside(film_of(incident.row)))
    gone = tuple(column for column in contents if column not in pictures)
    found = []
    for key in map(readable, parties(incident.row)):
        row = people.get(key)
        if row is not None:
            found.append(Party(key, row.name, row.department, known=True, face=_content(portrait(key))))
        else:
            current = records.dossiers.register().current(key)
            shown = latest_picture(records, [each.row for each in board.all()], current)
            found.append(Party(current, face=_content(records.inside(shown))))
    days, log = board.days_of(incident_id), records.incidents.log.raw
    own = [row for row in log.on(days) if incident_id in (row["incident_id"], row["refers_to"])]
    written = table_text(log.shelf.columns, own)
    places = [*named.values(), *([film_of(incident.row)] if film else [])]
    faults = [Finding(each, 0, "changed", fault) for each in places if (fault := records.picture_fault(each))]
    seals = _seals(records, days)
    seals = replace(seals, findings=(*seals.findings, *faults))
    return Case(incident, tuple(found), pictures, film, gone, seals, written, readable)


def _content(path: Path | None) -> bytes:
    if path is None:
        return b""
    with storage_errors(path):
        try:
            return read_file(path)
        except FileNotFoundError:  # erased a moment ago
            return b""
        except StorageError as error:  # its key is gone, or it is another picture than it says
            log.warning("%s", error)
            return b""


def _seals(records: Records, days: Sequence[date]) -> SealCheck:
    log = records.incidents.log.raw
    files = tuple(name for day in days for name in log.files(day))
    if not log.sealer.key_path.exists():  # with a new one, every row would count as changed
        return SealCheck(files, problem="the key of the seals is gone")
    try:
        return SealCheck(files, tuple(log.check(days=days)))
    except StorageError as error:
        return SealCheck(files, problem=str(error))


def bundle_name(incident_id: str) -> str:
    """Return the name of an incident's files: its identifier, unless somebody has tampered with that."""
    return f"incident-{incident_id}" if _ID.fullmatch(incident_id) else "incident"


def pack(case: Case, sheet: str, now: datetime) -> bytes:
    """Return a ZIP file with a case and a printable HTML page, `sheet`."""
    name = bundle_name(case.incident.row.incident_id)
    document = {
        "incident": INCIDENTS.texts(case.row),
        "state": case.incident.state,
        "assignee": case.readable(case.incident.assignee),
        "reviews": [INCIDENTS.texts(row) for row in case.reviews],
        "people": [
            {"id": each.key, "name": each.name, "department": each.department, "known": each.known}
            for each in case.parties
        ],
        "pictures_gone": [*case.gone],
        "seals": {
            "files": [*case.seals.files],
            "hold": case.seals.holds,
            "problem": case.seals.problem,
            "findings": [
                {"file": each.file, "line": each.line, "what": each.what, "detail": each.detail}
                for each in case.seals.findings
            ],
        },
        "made_at": now.isoformat(timespec="seconds"),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}/READ ME.txt", _README.format(name=name, time=f"{now:%Y-%m-%d %H:%M %Z}"))
        archive.writestr(f"{name}/sheet.html", sheet)
        archive.writestr(f"{name}/rows.csv", case.written)
        archive.writestr(f"{name}/incident.json", json.dumps(document, indent=1, ensure_ascii=False))
        for column, content in case.pictures.items():
            which = column.removesuffix("_image").replace("image", "main")
            archive.writestr(f"{name}/pictures/{which}.jpg", content, compress_type=zipfile.ZIP_STORED)
        if case.film:
            archive.writestr(f"{name}/film.mp4", case.film, compress_type=zipfile.ZIP_STORED)
            archive.writestr(f"{name}/boxes.json", json.dumps(boxes_of(case.film)))
    return buffer.getvalue()


_README = """{name}, as of {time}.

sheet.html       the incident on a page, with faces and names, to be read or printed on A4
rows.csv         the log rows of the incident and of its reviews as they were written, each with its seal
incident.json    the same for programs, with names, and whether the seals of these days hold
film.mp4         some seconds before and after, as the camera sent them, if there is a film
boxes.json       the faces that were found in it: seconds since its start; left, top, width and height as shares of the picture; who
pictures/        main: the face, or the frame with what was found; clean: the same frame without; before, after: a second apart

A seal is made with a key that is not in this file. `muster verify` in the workspace checks all rows anew.
These are pictures of people: keep this file only as long as it is needed, and give it to nobody who need not see it.
"""
