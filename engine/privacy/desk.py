"""Erasure, disclosure and retention on one workspace."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from engine.attendance import PunchRow
from engine.config import RetentionConfig
from engine.errors import InputError
from engine.face_reader import FaceReader
from engine.models import no_progress
from engine.privacy import encryption, forgotten
from engine.privacy.disclosure import export_subject, picture_of_passage
from engine.privacy.elsewhere import catch_up
from engine.privacy.erasure import Prospect, foresee, forget
from engine.privacy.looks import NAME as LOOKS
from engine.privacy.looks import known, look
from engine.privacy.retention import Expired, purge, purge_in_time, release
from engine.records import Records, note_export
from engine.storage.erasures import ForgetList
from engine.types import Progress
from engine.words import phrase

OWN_COPY_EVERY = timedelta(hours=1)
"""A person makes a copy of their own data at most so often: it looks through every log and picture of theirs."""


class PrivacyDesk:
    """Erases and discloses what a workspace holds on people.

    Args:
        reader: opens the networks.
        threshold: returns the matching threshold in force.
        shared: the list of people who were erased, for all machines of a site; None: there is but one.
        end_access: see `engine.privacy.erasure.forget`.
        reads_logs: returns whether this process may read and purge whole logs; a recorder in front of a database may not.
    """

    def __init__(
        self,
        records: Records,
        reader: Callable[[], FaceReader],
        threshold: Callable[[], float],
        retention: RetentionConfig,
        shared: ForgetList | None = None,
        reads_logs: Callable[[], bool] = lambda: True,
        end_access: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._records, self._reader, self._threshold, self._retention = records, reader, threshold, retention
        self._copying = threading.Lock()
        self._shared, self._reads_logs, self._end_access = shared, reads_logs, end_access

    def forget(
        self, employee_id: str, *, author: str = "", thorough: bool = True, progress: Progress = no_progress
    ) -> dict[str, object]:
        """Erase a person, see `engine.privacy.erasure`; `thorough`: search all other pictures for the face, too.

        Raises:
            InputError: the person is unknown.
            StorageError: something could not be erased; a second attempt continues.
        """
        release(self._records)  # it may hold pictures of the person, and is too old anyway
        reader = self._reader if thorough else None
        receipt = forget(
            self._records,
            employee_id,
            reader=reader,
            threshold=self._threshold(),
            author=author,
            progress=progress,
            shared=self._shared,
            end_access=self._end_access,
        )
        forgotten.remember(self._records, employee_id)
        return receipt

    def catch_up(self) -> int:
        """Erase on this machine whoever was erased on another of the site, and confirm; return how many people.

        Raises:
            StorageError: something could not be erased; a second attempt continues.
        """
        return catch_up(self._records, self._shared, sheets=self._reads_logs()) if self._shared is not None else 0

    def unconfirmed(self) -> dict[str, datetime]:
        """Return the machines that may still hold pictures of people who were erased, and since when.

        Raises:
            StorageError: the list cannot be read.
        """
        found: dict[str, datetime] = {}
        for each in self._shared.unconfirmed() if self._shared is not None else ():
            found.setdefault(each.machine, each.erased_at)
        return found

    def forget_again(self) -> list[str]:
        """Erase whoever was erased after this copy of the workspace was made, as a list beside the seal key says; return their ids.

        Raises:
            StorageError: something could not be erased; a second attempt continues.
        """
        again = forgotten.here_again(self._records)
        for employee_id in again:
            self.forget(employee_id, author="engine", thorough=False)
        return again

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
        note_export(
            self._records,
            "export_subject",
            employee_id,
            f"{counts['pictures']} pictures",
            target.read_bytes(),
            author=author,
        )
        return counts

    def own_copy(self, employee_id: str, target: Path, *, author: str) -> dict[str, int]:
        """Write everything about a person for themselves, as `export_subject` does; once in `OWN_COPY_EVERY`, and one at a time.

        Raises:
            InputError: there was one a while ago, or one is being made.
            StorageError: something cannot be read or written.
        """
        if not self._copying.acquire(blocking=False):
            raise InputError(phrase("another copy is being made"), hint=phrase("try again in some minutes"))
        try:
            now, noted = self._records.now(), self._records.names.author(author)
            made = (
                row.timestamp
                for row in self._records.audit.read()
                if row.action == "export_subject" and row.subject == employee_id and row.author == noted
            )
            last = max(made, default=None)
            if last is not None and timedelta() <= now - last < OWN_COPY_EVERY:
                raise InputError(
                    phrase("there was a copy {minutes} minutes ago", minutes=int((now - last).total_seconds() // 60)),
                    hint=phrase("make the next one after an hour"),
                )
            return self.export_subject(employee_id, target, author=author)
        finally:
            self._copying.release()

    def picture_of_passage(self, row: PunchRow) -> bytes | None:
        """Return the picture of a passage for its person, see `engine.privacy.disclosure`.

        Raises:
            InputError, StorageError: the picture cannot be read.
        """
        return picture_of_passage(self._records, row, reader=self._reader, threshold=self._threshold())

    def encryption(self) -> encryption.Encryption:
        """Return how far the workspace is encrypted, see `engine.privacy.encryption`.

        Raises:
            StorageError: the keys are missing or damaged.
        """
        return encryption.examine(self._records)

    def convert(self, *, author: str = "", progress: Progress = no_progress) -> int:
        """Encrypt what is plain, or the other way round if encryption is off; return the number of files.

        Raises:
            StorageError: a file cannot be read or written; another attempt continues.
        """
        count = encryption.convert(self._records, progress)
        if count:
            word = "encrypted" if self._records.vault.at_rest else "decrypted"
            self._records.note("keys", "", f"{count} files {word}", author=author)
        return count

    def rotate(self, *, reencrypt: bool = False, author: str = "", progress: Progress = no_progress) -> tuple[int, str]:
        """Make a new workspace key, and with `reencrypt` new data keys.

        Returns:
            How many files were encrypted anew, and the name of the key.

        Raises:
            InputError: nothing is encrypted, or encryption is off.
            StorageError: the keys or a file cannot be read or written; another attempt continues.
        """
        ring = self._records.vault.ring
        if not ring.exists:
            raise InputError("this workspace has no keys yet", hint="`muster keys encrypt` makes them")
        key = ring.rotate()
        count = encryption.reencrypt(self._records, progress) if reencrypt else 0
        more = f", {count} files encrypted anew" if reencrypt else ""
        self._records.note("keys", "", f"new workspace key {key}{more}", author=author)
        return count, key

    def clock_doubt(self) -> str:
        """Return why the clock is doubted, so that nothing is erased; empty if it is not."""
        return known(self._records).doubt

    def purge_in_time(self, *, author: str) -> list[Expired]:
        """Erase what is older than the settings allow, with the caution of something that runs unasked.

        Raises:
            StorageError: something could not be erased; a second attempt continues.
        """
        return purge_in_time(self._records, self._retention, author=author, own=not self._reads_logs())

    def purge(self, *, apply: bool, author: str = "", trust_clock: bool = False) -> list[Expired]:
        """Erase, or count, what is older than the settings allow, see `engine.privacy.retention`.

        Args:
            trust_clock: the clock is right, although it jumped.

        Raises:
            InputError: the clock is doubted.
            StorageError: something could not be erased; a second attempt continues.
        """
        if trust_clock:
            look(self._records, trust=True)
        elif apply and (self._records.workspace / LOOKS).exists() and (doubt := self.clock_doubt()):
            raise InputError(doubt, hint="set the clock right, or add --trust-clock if it is")
        if apply:
            release(self._records)
        return purge(self._records, self._retention, apply=apply, author=author, own=not self._reads_logs())
