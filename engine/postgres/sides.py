"""The content of one store to copy or compare, in terms that files and a database share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.gallery import GalleryStore
from engine.people import PeopleKeep
from engine.postgres.opening import FileStore, Store
from engine.storage import Document
from engine.storage.logs import Finding, Journal, Sealer
from engine.storage.logs.exact import Cells, Key
from engine.storage.logs.shelf import Shelf

DOCUMENTS = {
    "leave.csv": 0o640,
    "accounts.json": 0o600,
    "devices.json": 0o600,
    "pins.json": 0o600,
    "calibration.json": 0o640,
}
"""Names of the documents, and the access rights of their files."""


@dataclass(frozen=True)
class Side:
    """One of the two stores.

    Attributes:
        title: names it in messages.
        sealer: holds the key of its seals.
        logs: by name, the journal `seals` last.
        journal: of closed days.
        people, documents, galleries: the other content.
        check: returns all findings about the rows.
    """

    title: str
    sealer: Sealer
    logs: Mapping[str, Shelf]
    journal: Journal
    people: PeopleKeep
    documents: Mapping[str, Document]
    galleries: Mapping[str, GalleryStore]
    check: Callable[[], Sequence[Finding]]

    def cells(self, log: str, key: Key) -> Iterator[Cells]:
        """Yield the rows of a chain unchanged, see `engine.storage.logs.shelf.Chain.cells`."""
        return self.logs[log].part(*key).cells(lambda: self.journal.heads(log).get(key))


def side(
    store: Store,
    shelves: Iterable[Shelf],
    journal: Journal,
    galleries: Mapping[str, GalleryStore],
    check: Callable[[], Sequence[Finding]],
) -> Side:
    """Return a store as a side.

    Args:
        store: files or the database.
        shelves: of its logs, without the journal.
        journal, galleries, check: see `Side`.
    """

    logs = {shelf.name: shelf for shelf in (*shelves, journal.file.shelf)}
    title = "the files" if isinstance(store, FileStore) else "the database"
    documents = {name: store.document(name, mode=mode) for name, mode in DOCUMENTS.items()}
    return Side(title, journal.file.sealer, logs, journal, store.people(), documents, galleries, check)
