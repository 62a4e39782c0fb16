"""Erasure, disclosure and retention on one workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.config import RetentionConfig
from engine.face_reader import FaceReader
from engine.models import no_progress
from engine.privacy.disclosure import export_subject
from engine.privacy.erasure import Prospect, foresee, forget
from engine.privacy.retention import Expired, purge
from engine.records.books import Records
from engine.types import Progress


class PrivacyDesk:
    """Erases and discloses what a workspace holds on people.

    Args:
        reader: opens the networks.
        threshold: returns the matching threshold in force.
    """

    def __init__(
        self,
        records: Records,
        reader: Callable[[], FaceReader],
        threshold: Callable[[], float],
        retention: RetentionConfig,
    ) -> None:
        self._records, self._reader, self._threshold, self._retention = records, reader, threshold, retention

    def forget(
        self, employee_id: str, *, author: str = "", thorough: bool = True, progress: Progress = no_progress
    ) -> dict[str, object]:
        """Erase a person, see `engine.privacy.erasure`; `thorough`: search all other pictures for the face, too.

        Raises:
            InputError: the person is unknown.
            StorageError: something could not be erased; a second attempt continues.
        """
        reader = self._reader if thorough else None
        return forget(
            self._records, employee_id, reader=reader, threshold=self._threshold(), author=author, progress=progress
        )

    def foresee(self, employee_id: str) -> Prospect:
        """Return what `forget` would erase, without changing anything.

        Raises:
            InputError: the person is unknown.
        """
        return foresee(self._records, employee_id, self._threshold())

    def export_subject(self, employee_id: str, target: Path, *, author: str = "") -> dict[str, int]:
        """Write everything about a person into a ZIP file, see `engine.privacy.disclosure`.

        Raises:
            InputError: the person is unknown.
            StorageError: something cannot be read or written.
        """
        counts = export_subject(self._records, employee_id, target, reader=self._reader(), threshold=self._threshold())
        self._records.note("export_subject", employee_id, f"{counts['pictures']} pictures", author=author)
        return counts

    def purge(self, *, apply: bool, author: str = "") -> list[Expired]:
        """Erase, or count, what is older than the settings allow, see `engine.privacy.retention`.

        Raises:
            StorageError: something could not be erased; a second attempt continues.
        """
        return purge(self._records, self._retention, apply=apply, author=author)
