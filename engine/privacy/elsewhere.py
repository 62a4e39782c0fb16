"""Erasure on the other machines of a site: each erases what it holds itself, and confirms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from engine.privacy.erasure import (
    erase_abandoned,
    erase_files,
    erase_messages,
    erase_observations,
    possible_ids,
    renew_sheets,
)
from engine.privacy.retention import release
from engine.records.books import Records
from engine.records.settings_desk import SettingsDesk
from engine.storage.erasures import Erasure, ForgetList
from engine.storage.vault import MONTHLY, Owner


def catch_up(records: Records, shared: ForgetList, *, sheets: bool) -> int:
    """Erase on this machine whoever was erased on another; return how many people.

    Args:
        sheets: it has day sheets, which are computed again.

    Raises:
        StorageError: something could not be erased; a second attempt continues.
    """
    pending = shared.pending()
    for erasure in pending:
        detail = _erase(records, erasure, sheets)
        records.note("forget", erasure.pseudonym, f"on this machine: {detail}", author="engine")
        shared.confirm(erasure, detail)
    return len(pending)


def _erase(records: Records, erasure: Erasure, sheets: bool) -> str:
    """Erase what this machine holds of a person; return what that was."""

    def is_theirs(employee_id: str) -> bool:
        return bool(employee_id) and records.sealer.pseudonym(employee_id) == erasure.pseudonym

    release(records)  # it may hold pictures of the person, and is too old anyway
    named = {path for name in erasure.pictures if (path := records.inside(name)) is not None}
    pictures = erase_files(named | set(_sealed_for(records, is_theirs)), records.vault)
    messages = erase_messages(records, is_theirs, erasure.incidents)
    SettingsDesk(records).forget(lambda text: any(map(is_theirs, possible_ids(text))))
    records.seen.remove(lambda faces, _rows: [row for row, face in enumerate(faces) if is_theirs(face.employee_id)])
    erase_observations(records)
    erase_abandoned(records)
    if sheets:
        people = {key: row for key, row in records.people.known().items() if not is_theirs(key)}
        renew_sheets(records, is_theirs, people)
    if records.doors is not None:
        log = records.doors.log
        for employee_id in {row.employee_id for row in log.on(log.days()) if is_theirs(row.employee_id)}:
            log.raw.redact(employee_id)
    keys = records.vault.ring.destroy(lambda owner: is_theirs(Owner.person_of(owner)))
    return f"{len(pictures)} pictures, {len(messages)} messages, {keys} keys"


def _sealed_for(records: Records, is_theirs: Callable[[str], bool]) -> Iterator[Path]:
    """Yield pictures that are encrypted with a key of the person, whatever rows say."""
    ring = records.vault.ring
    kinds = ("person", *MONTHLY)
    if not any(is_theirs(Owner.person_of(owner)) for kind in kinds for owner in ring.owners(kind)):
        return
    for path in records.pictures():
        name = records.vault.key_of(path)
        if name is not None and is_theirs(Owner.person_of(ring.owner_of(name) or "")):
            yield path
