"""Who was erased, by pseudonym: a list beside the seal key, so that a restored backup does not bring anybody back."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.errors import StorageError
from engine.records.books import Records
from engine.storage import append_lines, csv_line, locked, read_rows
from engine.storage.logs import RowType, key_folder
from engine.types import NOBODY

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Row:
    pseudonym: str
    time: datetime


_ROWS = RowType(_Row, timespec="seconds")


def _path(records: Records) -> Path:
    return key_folder() / "forgotten" / f"{records.sealer.key_id}.csv"


def remember(records: Records, employee_id: str) -> None:
    """Note that a person was erased."""
    path = _path(records)
    row = csv_line(_ROWS.texts(_Row(records.sealer.pseudonym(employee_id), records.now())).values())
    try:
        with locked(path):
            append_lines(path, csv_line(_ROWS.columns), [row])
    except StorageError as error:  # they are erased, and the receipt says so
        log.warning("a restored backup may bring somebody back who was erased: %s", error)


def here_again(records: Records) -> list[str]:
    """Return the ids of people who were erased and are there nevertheless, but for those enrolled again since.

    Raises:
        StorageError: the list cannot be read.
    """
    times = {row.pseudonym: row.time for row in _ROWS.parse_all(read_rows(_path(records)), "people who were erased")}
    people, enrolled = records.people.known(), records.gallery.current().people
    found = []
    for employee_id in dict.fromkeys((*people, *enrolled)):
        pseudonym = records.sealer.pseudonym(employee_id)
        if (erased_at := times.get(pseudonym)) is None:
            continue
        person = people.get(employee_id, NOBODY)
        anew = _enrolled_after(person.enrolled_at, erased_at)
        if not anew and (person.name not in {"", pseudonym} or employee_id in enrolled):
            found.append(employee_id)
    return found


def _enrolled_after(text: str, erased_at: datetime) -> bool:
    """Whether somebody was enrolled after a moment, as far as their row says; it may be written by hand, without an offset."""
    try:
        enrolled = datetime.fromisoformat(text)
        return (enrolled if enrolled.tzinfo else enrolled.replace(tzinfo=erased_at.tzinfo)) > erased_at
    except (ValueError, OverflowError):
        return False
