"""Write a sighting and its picture together: no row names a missing picture, and no picture lacks a row."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from engine.attendance.book import AttendanceBook
from engine.attendance.log import Sighting
from engine.attendance.rows import PunchRow
from engine.errors import StorageError
from engine.imaging import encode_jpeg
from engine.storage.vault import Owner
from engine.types import Image, Person

log = logging.getLogger(__name__)


def record_shown(
    book: AttendanceBook,
    sighting: Sighting,
    people: Callable[[], Mapping[str, Person]],
    picture: Image | None,
    *,
    renew: bool = True,
) -> PunchRow | None:
    """Record a sighting with its picture, see `AttendanceBook.record`.

    Args:
        picture: (H, W, 3) uint8 RGB. If it is None or cannot be encoded, the punch is written without it.

    Returns:
        The row that was written durably; None within the cool-down.

    Raises:
        StorageError: row or picture could not be written; neither remains.
    """
    if book.log.would_record(sighting) is None:
        return None
    path: Path | None = None
    row: PunchRow | None = None
    try:
        if picture is not None:
            try:
                content = encode_jpeg(picture)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with a picture
                log.warning("no evidence picture: %s", error)
            else:
                path = book.log.evidence_path(sighting)
                book.vault.write(
                    path, content, Owner.evidence(path.parent.name, book.log.month_of(sighting), sighting.employee_id)
                )
        row = book.record(sighting, people(), book.log.relative(path) if path else "", renew=renew)
    finally:
        if row is None and path is not None:  # it failed, or another camera was faster
            with contextlib.suppress(StorageError):
                book.vault.erase(path)
    return row
