"""Follow changes in the database by its notifications, and by polling where they do not arrive."""

from __future__ import annotations

import logging
import threading
import time as clock
from collections.abc import Callable, Mapping

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from engine.errors import MusterError, Unreachable
from engine.postgres.connection import Database
from engine.postgres.known import Known

log = logging.getLogger(__name__)

POLL_S = 1.0
ERASURES = "erasures"
"""The list of people who were erased, which grows with every step of an erasure."""
_VERSIONS = text(
    "SELECT name, version FROM muster.documents WHERE site = :site "
    "UNION ALL SELECT 'gallery/' || gallery, version FROM muster.galleries WHERE site = :site "
    "UNION ALL SELECT 'erasures', max(seq) + count(*) FILTER (WHERE complete) "
    "FROM muster.erasures WHERE site = :site HAVING count(*) > 0"
)


class VersionWatch:
    """Tracks the version of each document and gallery of a site, without a query for every look-up.

    While the database is away, the versions stay as they were, so a camera continues with the people it knows.

    Args:
        database: to follow.
        known: local copies, for a process that starts while the database is away; None: no copies.
        poll_s: longest time between two queries.
        listen: subscribe to notifications.

    Attributes:
        recalled: copies to read instead of the database, which was not reached yet; None: read the database.
        on_contact: called with the versions after every query in the background.
    """

    def __init__(
        self, database: Database, known: Known | None = None, *, poll_s: float = POLL_S, listen: bool = True
    ) -> None:
        self._database, self._known, self._poll_s, self._listen = database, known, poll_s, listen
        self.recalled: Known | None = None
        self.on_contact: Callable[[Mapping[str, int]], None] = lambda _versions: None
        self._versions: dict[str, int] | None = None
        self._logged = ""
        self._mutex = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._listening: psycopg.Connection[tuple[object, ...]] | None = None

    def version(self, name: str) -> int | None:
        """Return the version of a document or `gallery/<name>`; None if it does not exist.

        Raises:
            StorageError: no version is known, and the database does not answer.
        """
        if self._database.locking:  # a change must depend on the present state
            return self._asked().get(name)
        with self._mutex:
            if self._versions is None:
                self._versions = self._first()
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._follow, name="database changes", daemon=True)
                self._thread.start()
            if self.recalled and name not in Known.NAMES:
                raise Unreachable(f"{self._database} cannot be reached", hint="check the network and the server")
            return self._versions.get(name)

    def _first(self) -> dict[str, int]:
        try:
            return self._asked()
        except Unreachable:
            found = self._known.versions() if self._known is not None else None
            if found is None:
                raise
            log.warning("%s cannot be reached: continuing with the known people and threshold", self._database)
            self.recalled = self._known
            return found

    def tell(self, name: str, version: int) -> None:
        """Record a version that this process wrote."""
        with self._mutex:
            if self._versions is not None:
                self._versions[name] = max(version, self._versions.get(name, 0))

    def _asked(self) -> dict[str, int]:
        with self._database.work() as connection:
            rows = connection.execute(_VERSIONS, {"site": self._database.site})
            return {row.name: row.version for row in rows}

    def refresh(self) -> Mapping[str, int]:
        """Query and return the versions of everything.

        Raises:
            StorageError: the database does not answer.
        """
        found = self._asked()
        with self._mutex:
            self._versions, self.recalled = found, None
        return found

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                self._hear()
            except (MusterError, psycopg.Error, SQLAlchemyError, OSError) as error:
                log.debug("notifications: %s", error)
                self._stopping.wait(self._poll_s)

    def _hear(self) -> None:
        """Refresh on every notification or after `poll_s`, until the connection breaks."""
        url = self._database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True, connect_timeout=3, application_name="muster watcher") as connection:
            self._listening = connection
            if self._listen:
                connection.execute("LISTEN muster")
            while not self._stopping.is_set():
                self._tell_contact(self.refresh())
                asked = clock.monotonic()
                for notice in connection.notifies(timeout=self._poll_s, stop_after=1):
                    if notice.payload == self._database.site:
                        break
                if not self._listen:
                    self._stopping.wait(max(0.0, self._poll_s - (clock.monotonic() - asked)))

    def _tell_contact(self, versions: Mapping[str, int]) -> None:
        try:
            self.on_contact(versions)
        except MusterError as error:
            if str(error) != self._logged:
                log.error("%s", error)
            self._logged = str(error)

    def close(self) -> None:
        """End the thread."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            if self._listening is not None:
                self._listening.close()
            thread.join(timeout=5)
