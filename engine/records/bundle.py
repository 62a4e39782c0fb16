"""An incident in one file, for whoever takes it further: rows as they were written, pictures, a sheet to print, and if the seals hold."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from engine.errors import InputError, StorageError
from engine.incidents import IMAGE_COLUMNS, INCIDENTS, Incident, IncidentRow
from engine.records.alerts import AlertBoard, erased, is_stranger, latest_picture, parties
from engine.records.books import Records
from engine.storage import storage_errors, table_text
from engine.storage.logs import Finding
from engine.types import Person

_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8,12}")


@dataclass(frozen=True)
class Party:
    """Somebody who was involved.

    Attributes:
        key: employee id, pseudonym or stranger's id, as it goes by now. name, department: of people who are known.
        known: they are in the list of people. face: JPEG; empty: there is none.
    """

    key: str
    name: str = ""
    department: str = ""
    known: bool = False
    face: bytes = b""

    @property
    def stranger(self) -> bool:
        """Somebody who was never enrolled."""
        return is_stranger(self.key)

    @property
    def erased(self) -> bool:
        """Somebody who asked to be forgotten."""
        return not self.known and erased(self.key)


@dataclass(frozen=True)
class SealCheck:
    """Whether the rows of the days that an incident's rows stand in are as they were written.

    Attributes:
        files: that were checked. findings: what does not hold. problem: why it could not be checked; empty: it was.
    """

    files: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    problem: str = ""

    @property
    def holds(self) -> bool:
        """Everything was checked and nothing was changed."""
        return not self.problem and all(each.harmless for each in self.findings)


@dataclass(frozen=True)
class Case:
    """All that is told of an incident.

    Attributes:
        incident: as it stands.
        parties: who was involved. pictures: JPEG by column; those that are gone are left out, and named in `gone`.
        seals: of its day, and of the days of its reviews.
        written: its rows and those of its reviews exactly as they stand in the log, each with its seal, as CSV.
        readable: makes pseudonyms of people who are still known readable again.
    """

    incident: Incident
    parties: tuple[Party, ...]
    pictures: Mapping[str, bytes]
    gone: tuple[str, ...]
    seals: SealCheck
    written: str
    readable: Callable[[str], str]

    @property
    def row(self) -> IncidentRow:
        """The incident's row, for people to read."""
        return self._read(self.incident.row)

    @property
    def reviews(self) -> list[IncidentRow]:
        """The rows of its reviews, for people to read."""
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
    """Everything about an incident.

    Args:
        records: the books.
        board: all alerts.
        incident_id: which.
        people: name and department by id.
        portrait: a person's best picture.
        readable: see `engine.records.names`.

    Raises:
        InputError: there is no such alert.
        StorageError: something could not be read.
    """
    incident = board.get(incident_id)
    if incident is None:
        raise InputError(f"there is no alert {incident_id!r}", hint="`muster incidents` lists them")
    pictures: dict[str, bytes] = {}
    gone = []
    for column in IMAGE_COLUMNS:
        place: str = getattr(incident.row, column)
        if not place:
            continue
        content = _content(records.inside(place))
        if content:
            pictures[column] = content
        else:
            gone.append(column)
    found = []
    for key in map(readable, parties(incident.row)):
        row = people.get(key)
        if row is not None:
            found.append(Party(key, row.name, row.department, known=True, face=_content(portrait(key))))
        else:
            current = records.dossiers.register().current(key)
            shown = latest_picture(records, [each.row for each in board.all()], current)
            found.append(Party(current, face=_content(records.inside(shown))))
    days, log = board.days_of(incident_id), records.incidents.log
    own = [row for row in log.on(days) if incident_id in (row["incident_id"], row["refers_to"])]
    written = table_text(log.shelf.columns, own)
    return Case(incident, tuple(found), pictures, tuple(gone), _seals(records, days), written, readable)


def _content(path: Path | None) -> bytes:
    if path is None:
        return b""
    with storage_errors(path):
        try:
            return path.read_bytes()
        except FileNotFoundError:  # erased a moment ago
            return b""


def _seals(records: Records, days: Sequence[date]) -> SealCheck:
    log = records.incidents.log
    files = tuple(name for day in days for name in log.files(day))
    if not log.sealer.key_path.exists():  # a new one would only call every row changed
        return SealCheck(files, problem="the key of the seals is gone")
    try:
        return SealCheck(files, tuple(log.check(days=days)))
    except StorageError as error:
        return SealCheck(files, problem=str(error))


def bundle_name(incident_id: str) -> str:
    """What to call an incident's files: its identifier, unless somebody changed that into something else."""
    return f"incident-{incident_id}" if _ID.fullmatch(incident_id) else "incident"


def pack(case: Case, sheet: str, now: datetime) -> bytes:
    """A ZIP file with all of it.

    Args:
        case: what is told.
        sheet: a page to print, HTML.
        now: the present.
    """
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
    return buffer.getvalue()


_README = """{name}, as of {time}.

sheet.html       the incident on a page, with faces and names, to be read or printed on A4
rows.csv         the log rows of the incident and of its reviews as they were written, each with its seal
incident.json    the same for programs, with names, and whether the seals of these days hold
pictures/        main: the face, or the frame with what was found; clean: the same frame without; before, after: a second apart

A seal is made with a key that is not in this file. `muster verify` in the workspace checks all rows anew.
These are pictures of people: keep this file only as long as it is needed, and give it to nobody who need not see it.
"""
