"""New seals for a workspace whose seal key is lost: on purpose, with a reason, and with what was there before set aside."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

from engine.errors import InputError
from engine.records.books import Records
from engine.storage import atomic_write, clean_text, encode_cell, storage_errors
from engine.storage.logs.shelf import FileShelf, Shelf
from engine.storage.state import GALLERIES

_UNFINISHED = "seal.unfinished"
"""Names the folder aside while the work is under way, so that an interrupted run is continued."""


def begin_seals(records: Records, *, author: str, reason: str) -> tuple[int, Path]:
    """Make a new key and seal all rows with it as they are now; return how many, and the folder with the files of before.

    Nobody can say any more whether the rows of before are as they were written: the audit log says since when that is so. If the keys of
    templates are lost, too, the galleries go aside, and people must be enrolled again. Nothing else may write meanwhile.

    Raises:
        InputError: the key is there, author or reason is missing, or a database holds the rows.
        StorageError: something cannot be read or written; another attempt continues.
    """
    author, reason = clean_text(author, what="author", limit=100), clean_text(reason, what="reason", limit=1000)
    if records.seals is None:
        raise InputError("a database holds the rows", hint="give its recorders and workbenches the key of before")
    unfinished, key = records.workspace / _UNFINISHED, records.sealer.key_path
    if key.exists() and not unfinished.exists():
        raise InputError(f"the seal key is there: {key}", hint="see `muster verify` for what its seals say")
    with storage_errors(unfinished):
        if not unfinished.exists():
            atomic_write(unfinished, f"seals-before-{records.now():%Y%m%dT%H%M%S}\n".encode())
        aside = records.workspace / unfinished.read_text(encoding="ascii").strip()
    records.sealer.begin()
    templates = _templates_aside(records, aside)
    count = _reseal_logs(records, aside)
    records.attendance.sheets.forget_seals()
    records.seals.begin_anew()
    detail = f"{count} rows sealed as they were found; those of before are in {aside.name}"
    records.note("begin_seals", "", f"{detail}; {records.names.text(reason)}{templates}", author=author)
    records.seals.adopt()
    with storage_errors(unfinished):
        unfinished.unlink()
    return count, aside


def _reseal_logs(records: Records, aside: Path) -> int:
    journal = records.attendance.log.raw.journal
    if not (aside / "log" / "seals.csv").exists():
        _keep(journal.file.shelf, aside)
        journal.begin_anew()
    closed = records.attendance.closed
    pictures = [records.listing.log.raw.shelf] if records.listing else []
    shelves = [records.audit.raw.shelf, *pictures, *(log.shelf for log in records.logs if log is not closed.log.raw)]
    count = sum(_reseal(shelf, aside) for shelf in shelves)
    # the hash of a closed sheet holds pseudonyms, which the key makes
    digests = {row.closing_id: closed.digest(closed.rows_of(row)) for row in closed.history() if row.action == "close"}
    columns = closed.log.kind.columns
    place, identifier = columns.index("sha256"), columns.index("closing_id")

    def with_digest(cells: list[str]) -> list[str]:
        if (digest := digests.get(cells[identifier])) is not None:
            cells[place] = encode_cell(digest)
        return cells

    return count + _reseal(closed.log.raw.shelf, aside, with_digest)


def _reseal(shelf: Shelf, aside: Path, change: Callable[[list[str]], list[str]] = list) -> int:
    _keep(shelf, aside)
    assert isinstance(shelf, FileShelf)
    with shelf.exclusive():
        chains = [(day, each) for day, recorders in shelf.parts().items() for each in recorders]
        return sum(shelf.part(*chain).reseal(change) for chain in chains)


def _keep(shelf: Shelf, aside: Path) -> None:
    """Copy the files of a log, unless an interrupted run did."""
    assert isinstance(shelf, FileShelf)
    for day, recorders in shelf.parts().items():
        for path in (shelf.path(day, recorder) for recorder in recorders):
            kept = aside / "log" / path.name
            with storage_errors(kept):
                if not kept.exists():
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    atomic_write(kept, path.read_bytes())


def _templates_aside(records: Records, aside: Path) -> str:
    """If the keys of templates are gone, move away what nobody can open; return what the audit log says of it."""
    if not records.vault.ring.lost:
        return ""
    for name in ("vault.id", *GALLERIES):
        with storage_errors(records.workspace / name), contextlib.suppress(FileNotFoundError):
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(records.workspace / name, aside / name)
    return "; the keys of templates were lost, too"
