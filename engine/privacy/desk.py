"""Erasure, disclosure and retention on one workspace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from engine.config import RetentionConfig
from engine.face_reader import FaceReader
from engine.privacy.disclosure import export_subject
from engine.privacy.erasure import Prospect, foresee, forget
from engine.privacy.retention import Expired, purge
from engine.records.books import Records
from engine.types import Progress


def _no_progress(_what: str, _done: int, _total: int) -> None:
    """Nobody is told."""


class PrivacyDesk:
    """Erases and discloses what a workspace holds on people.

    Args:
        records: the books.
        reader: the networks, opened when called.
        threshold: the matching threshold, as it is when called.
        retention: how long what is kept.
        clock: the present.
    """

    def __init__(
        self,
        records: Records,
        reader: Callable[[], FaceReader],
        threshold: Callable[[], float],
        retention: RetentionConfig,
        clock: Callable[[], datetime],
    ) -> None:
        self._records, self._reader, self._threshold = records, reader, threshold
        self._retention, self._clock = retention, clock

    def forget(
        self, employee_id: str, *, author: str = "", thorough: bool = True, progress: Progress = _no_progress
    ) -> dict[str, object]:
        """Erase a person, see `engine.privacy.erasure`; `thorough`: look for their face in all other pictures, too.

        Raises:
            InputError: nobody of that id is known.
            StorageError: something could not be erased; a second attempt goes on.
        """
        return forget(
            self._records,
            employee_id,
            reader=self._reader if thorough else None,
            threshold=self._threshold(),
            people=self._records.people.known,
            author=author,
            now=self._clock(),
            progress=progress,
        )

    def foresee(self, employee_id: str) -> Prospect:
        """What `forget` would take away; nothing is changed.

        Raises:
            InputError: nobody of that id is known.
        """
        return foresee(self._records, employee_id, self._threshold())

    def export_subject(self, employee_id: str, target: Path, *, author: str = "") -> dict[str, int]:
        """Write all that is held on a person into a ZIP file, see `engine.privacy.disclosure`.

        Raises:
            InputError: nobody of that id is known.
            StorageError: something could not be read or written.
        """
        counts = export_subject(
            self._records,
            employee_id,
            target,
            reader=self._reader(),
            threshold=self._threshold(),
            people=self._records.people.known(),
            now=self._clock(),
        )
        detail = f"{counts['pictures']} pictures"
        self._records.audit.note("export_subject", employee_id, detail, author=author, now=self._clock())
        return counts

    def purge(self, *, apply: bool, author: str = "") -> list[Expired]:
        """Erase, or count, what is kept longer than the settings say, see `engine.privacy.retention`.

        Raises:
            StorageError: something could not be erased; a second attempt goes on.
        """
        return purge(self._records, self._retention, self._clock(), apply=apply, author=author)
