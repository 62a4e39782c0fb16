"""The content of one store to copy or compare, in terms that files and a database share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from engine.gallery import GalleryStore
from engine.postgres.opening import FileStore, Store
from engine.storage.logs import Finding, Journal
from engine.storage.logs.exact import Cells, Key
from engine.storage.logs.shelf import Shelf

DOCUMENTS = {
    "leave.csv": 0o640,
    "employment.csv": 0o640,
    "time_account.csv": 0o640,
    "accounts.json": 0o600,
    "devices.json": 0o600,
    "pins.json": 0o600,
    "badges.json": 0o600,
    "bindings.json": 0o600,
    "tokens.json": 0o600,
    "calibration.json": 0o640,
    "reports.json": 0o640,
    "reminders.json": 0o640,
}
"""Names of the documents, and the access rights of their files."""


class Side:
    """One of the two stores: files or the database.

    Args:
        shelves: of its logs, without the journal.
        journal: of closed days.
        check: returns all findings about the rows.

    Attributes:
        title: names the side in messages.
        logs: shelves by name, the journal `seals` last.
    """

    def __init__(
        self,
        store: Store,
        shelves: Iterable[Shelf],
        journal: Journal,
        galleries: Mapping[str, GalleryStore],
        check: Callable[[], Sequence[Finding]],
    ) -> None:
        self.title = "the files" if isinstance(store, FileStore) else "the database"
        self.logs = {shelf.name: shelf for shelf in (*shelves, journal.file.shelf)}
        self.journal, self.galleries, self.check = journal, galleries, check
        self.sealer, self.people = journal.file.sealer, store.people()
        self.documents = {name: store.document(name, mode=mode) for name, mode in DOCUMENTS.items()}

    def cells(self, log: str, key: Key) -> Iterator[Cells]:
        """Yield the rows of a chain unchanged, see `engine.storage.logs.shelf.Chain.cells`."""
        return self.logs[log].part(*key).cells(lambda: self.journal.heads(log).get(key))
