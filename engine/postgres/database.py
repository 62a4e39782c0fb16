"""A workspace with its rows in PostgreSQL, shared by the recorders, kiosks and workbenches of a site."""

from __future__ import annotations

import atexit
import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Connection, text

from engine.errors import ConfigError, MusterError, StorageError
from engine.gallery import Gallery
from engine.people import PeopleFile
from engine.postgres.connection import Database, Unreachable, concern, parsed, shown
from engine.postgres.erasures import Erasures
from engine.postgres.known import Known
from engine.postgres.opening import DatabaseState
from engine.postgres.rows import GALLERIES, GalleryRows, PeopleRows, TableDocument
from engine.postgres.setup import Outdated, check_version, zone_of
from engine.postgres.shelf import PATIENCE_S, TableShelf
from engine.postgres.spool import Backlog, Entry, Spool
from engine.postgres.templates import TemplateSeals
from engine.postgres.watch import POLL_S, VersionWatch
from engine.storage.logs import Logs, Sealer
from engine.storage.vault import Vault

log = logging.getLogger(__name__)

_DRAIN_S = 0.5


class _TableLogs(Logs):
    """Logs in tables."""

    def __init__(self, database: Database, spool: Spool, recorder: str, sealer: Sealer, erasures: Erasures) -> None:
        self.shelves: dict[str, TableShelf] = {}
        self._made_with, self._erasures = (database, spool, recorder), erasures
        super().__init__(sealer)

    def shelf(self, name: str, columns: Sequence[str], people: Sequence[str], keys: Sequence[str]) -> TableShelf:
        if name not in self.shelves:
            made_with = (*self._made_with, name, columns, self.sealer, people, keys)
            self.shelves[name] = TableShelf(*made_with, erasures=self._erasures)
        return self.shelves[name]


class DatabaseStore:
    """PostgreSQL, with a spool for the times when it cannot be reached.

    Args:
        workspace: folder of pictures, settings and the spool.
        site: whose rows are read and written.
        timezone: in the settings; the database's must be the same.
        recorder: name of the chains that this installation appends to.
        offline_start: keep copies of what cameras need in `known/`, and start with them while the database is away.
        poll_s: longest time between two queries for changes.
        listen: subscribe to notifications of changes.
        vault: encrypts the copies of galleries in `known/`; default: they are not encrypted.
    """

    def __init__(
        self,
        workspace: Path,
        url: str,
        *,
        site: str,
        timezone: str,
        recorder: str,
        sealer: Sealer,
        clock: Callable[[], datetime],
        offline_start: bool = True,
        poll_s: float = POLL_S,
        listen: bool = True,
        vault: Vault | None = None,
    ) -> None:
        self.database = Database(parsed(url), site)
        vault = vault or Vault(workspace, at_rest=False)
        self._known = Known(workspace / "known", str(self.database), vault)
        self._offline_start = offline_start
        self.watcher = VersionWatch(self.database, self._known if offline_start else None, poll_s=poll_s, listen=listen)
        self.watcher.on_contact = self._contacted
        self.spool = Spool(workspace / "spool", sealer, clock, timezone)
        self._timezone = timezone
        made_with = (self.database, self.watcher, self.spool, sealer, vault)
        self._template_seals = TemplateSeals(sealer, site, at_rest=vault.at_rest)
        self._erasures = Erasures(*made_with, machine=recorder, renew_copies=self._renew_known)
        self.logs = _TableLogs(self.database, self.spool, recorder, sealer, self._erasures)
        self._keeping = False
        self._galleries: dict[str, Callable[[], Gallery]] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._mutex = threading.Lock()
        self.spool.on_put = self._start
        atexit.register(self.close)
        self.database.check = self._check
        if exposed := concern(self.database.url):
            log.warning("%s: %s", self.database, exposed)
        try:
            self._look()
        except Unreachable as error:
            log.warning("%s (rows are kept in %s until then)", error.message, workspace / "spool")
        except Outdated as error:
            if not (offline_start and self._known.versions()):
                raise
            log.error("%s (rows are kept in %s until then)", error, workspace / "spool")
        if self.spool:
            self._start()

    def _check(self, connection: Connection) -> None:
        """Check that the database is the one in the settings, before anything is read or written there."""
        check_version(connection, self.database)
        zone = zone_of(connection, self.database.site)
        if zone is None:
            raise ConfigError(
                f"{self.database} does not exist, or this login may not see it",
                hint="`muster store init` creates a site, `muster store grant` gives a login access",
            )
        if zone != self._timezone:
            raise ConfigError(
                f"the settings say {self._timezone}, but {self.database} is in {zone}", hint=f'set timezone = "{zone}"'
            )
        kind = connection.execute(text("SELECT muster.my_kind(:site)"), {"site": self.database.site})
        self.database.kind = kind.scalar_one()

    def _look(self) -> None:
        """Reach the database and check it now.

        Raises:
            ConfigError: it is not the one in the settings.
            StorageError: it does not answer.
        """
        self.database.forget_check()
        try:
            with self.database.work():
                pass
        except Unreachable as error:
            if isinstance(error.__cause__, ConfigError):
                raise error.__cause__ from None
            raise

    @property
    def writes_sheets(self) -> bool:
        """Whether this login may write day sheets: recorders may not read whole logs."""
        if not self.database.kind and not self.database.away:  # it was away when this began
            with contextlib.suppress(MusterError):
                self._look()
        return self.database.kind in {"owner", "workbench"}

    def people(self) -> PeopleRows:
        """Return the site's people."""
        return PeopleRows(self.database, self.watcher)

    def gallery(self, name: str, model_id: str, alignment_id: str, dimension: int) -> GalleryRows:
        """Return one of the site's galleries."""
        empty = Gallery.empty(model_id, alignment_id, dimension)
        rows = GalleryRows(self.database, self.watcher, name, empty, self._template_seals)
        self._galleries[name] = lambda: rows.load(empty)
        return rows

    def convert_templates(self) -> int:
        """Encrypt the templates that are plain, or the other way round if encryption is off; return how many.

        Raises:
            StorageError: they cannot be read or written, or another seal key is the site's.
        """
        empty = Gallery.empty("", "", 0)
        return sum(
            GalleryRows(self.database, self.watcher, name, empty, self._template_seals).convert() for name in GALLERIES
        )

    def document(self, name: str, *, mode: int = 0o640) -> TableDocument:
        """Return one of the site's documents; the login decides whether it may be read."""
        del mode
        return TableDocument(self.database, self.watcher, name)

    def seals(self) -> None:
        """Return None: the rights of the database protect what files would hold."""

    def keep_known(self) -> None:
        """Keep copies of what cameras need up to date in files, or delete the copies if the settings forbid them."""
        if self._offline_start:
            self._keeping = True
        else:
            self._known.forget()

    def _contacted(self, versions: Mapping[str, int]) -> None:
        if self._keeping:
            self._known.follow(versions, self._content)

    def _renew_known(self) -> None:
        """Bring copies up to date that another process may have left; without them there is nothing to do."""
        if self._known.there:
            if self._offline_start:
                self._known.follow(self.watcher.refresh(), self._content)
            else:
                self._known.forget()

    def erasures(self) -> Erasures:
        """Return the list of people who were erased."""
        return self._erasures

    def _content(self, name: str) -> bytes | None:
        """Return people, a gallery or a document as the bytes of a file."""
        if name == "people":
            return PeopleFile.content(self.people().load())
        kind, _, gallery = name.partition("/")
        return self._galleries[gallery]().to_bytes() if kind == "gallery" else self.document(name).read()

    def backlog(self) -> Backlog:
        """Return what waits for the database."""
        return self.spool.backlog()

    def state(self) -> DatabaseState:
        """Query the database's state."""
        database, problem, hint = self.database, "", ""
        try:
            self._look()
        except MusterError as error:
            problem, hint = error.message, error.hint
        place = (shown(database.url), database.site, database.url.username or "", database.kind)
        return DatabaseState(*place, problem, hint, concern(database.url))

    def insert(self, name: str, day: date, entries: Sequence[Entry]) -> None:
        """Write rows from the spool.

        Raises:
            StorageError: no log has this name, or the database refuses the rows.
        """
        shelf = self.logs.shelves.get(name)
        if shelf is None:
            raise StorageError(f"this version has no log {name}", hint="start the version that wrote the spool")
        with self.database.locked(name, PATIENCE_S):
            shelf.insert(day, entries)

    def drain(self) -> int:
        """Send as many waiting rows as possible to the database; return how many.

        Raises:
            StorageError: the database does not take them, or is not the one in the settings.
        """
        if not self.spool:
            return 0
        self.database.forget_check()  # it may have been migrated, restored or replaced since
        return self.spool.drain(self.insert)

    def _start(self) -> None:
        with self._mutex:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._drain, name="spool", daemon=True)
                self._thread.start()

    def _drain(self) -> None:
        told = ""
        while not self._stopping.wait(_DRAIN_S):
            if not self.spool:
                continue
            try:
                count = self.drain()
                if count:
                    log.info("%d rows of the spool are in %s now", count, self.database)
            except Unreachable as error:
                self.spool.problem = error.message
            except StorageError as error:
                if str(error) != told:
                    log.error("the spool cannot be drained: %s", error)
                told = str(error)
                self._stopping.wait(10 * _DRAIN_S)

    def close(self) -> None:
        """End threads and connections; the next process drains what waits."""
        self._stopping.set()
        self.watcher.close()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self.database.close()
        atexit.unregister(self.close)
