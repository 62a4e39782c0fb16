"""The connection to PostgreSQL: short transactions, locks across machines, and one error for an unreachable database."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import logging
import os
import threading
import time as clock
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import psycopg
from sqlalchemy import Column, Connection, Engine, MetaData, Table, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.types import TypeEngine

from engine.errors import ConfigError, StorageError, Unreachable
from engine.postgres.spool import Refused

__all__ = ["Database", "Refused", "Unreachable", "concern", "parsed", "shown", "table"]

log = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S = 3
_PAUSE_S = 0.5
"""Pause after a failed attempt, so that a camera does not wait for every row it writes."""
LOCK_S = 30.0
"""How long to wait for a lock by default."""
_OPTIONS = "-c lock_timeout=30000 -c statement_timeout=120000 -c idle_in_transaction_session_timeout=60000"
# codes of a server that is starting, stopping or was killed; no code means no answer at all
_AWAY = ("08", "57P01", "57P02", "57P03", "25P03", "53300")
_FULL = ("25006", "53", "58")
"""Codes of a server that answers, but takes no changes for now: it is a standby, or its disk is full or broken."""
_NEVER = ("22", "23", "54", "P0001")
"""Codes of rows that no second attempt would mend: their values are refused."""
_AWAY_HINT = "check the network and the server"


def parsed(url: str) -> URL:
    """Parse the address in the settings.

    Raises:
        ConfigError: it is not an address of a PostgreSQL database.
    """
    try:
        found = make_url(url)
    except ArgumentError:
        found = None
    if found is None or found.drivername not in {"postgresql", "postgresql+psycopg"} or not found.database:
        raise ConfigError(
            "the setting `store` is not an address of a PostgreSQL database",
            hint="write it as postgresql+psycopg://user@host/database; the password may be in ~/.pgpass",
        )
    return found.set(drivername="postgresql+psycopg")


def shown(url: URL) -> str:
    """Return an address without its password."""
    return url.render_as_string(hide_password=True)


def concern(url: URL) -> str:
    """Return why the connection to another machine can be listened to or answered by somebody else; empty if it cannot."""
    mode = str(url.query.get("sslmode") or os.environ.get("PGSSLMODE") or "prefer")
    host = str(url.query.get("host") or url.host or "")
    local = not host or host.startswith("/") or host == "localhost"
    if not local:
        with contextlib.suppress(ValueError):
            local = ipaddress.ip_address(host).is_loopback
    if local or mode in {"verify-full", "verify-ca"}:
        return ""
    return f"sslmode={mode}: whoever is between this machine and {host} can read and change what is sent"


def table(name: str, /, **columns: type[TypeEngine[Any]]) -> Table:
    """Return a table of the schema `muster` with columns of these names and types."""
    return Table(name, MetaData(schema="muster"), *(Column(key, kind) for key, kind in columns.items()))


class Database:
    """Connections of one process to the database, for one site.

    Attributes:
        kind: the login's rights: `owner`, `workbench`, `reader`, `recorder`; empty: the database was not reached yet.
        check: called with a connection before the first transaction, and after `forget_check`; raises ConfigError if the database
            is not the one that the settings mean.
    """

    def __init__(self, url: URL, site: str) -> None:
        self.url, self.site = url, site
        self.engine: Engine = create_engine(
            url,
            pool_pre_ping=True,
            pool_size=5,
            max_overflow=10,
            pool_timeout=30,
            connect_args={
                "connect_timeout": _CONNECT_TIMEOUT_S,
                "options": _OPTIONS,
                "application_name": "muster",
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 3,
                "tcp_user_timeout": 10_000,
            },
        )
        self._held = threading.local()
        self._away_until = 0.0
        self.kind = ""
        self.check: Callable[[Connection], None] = lambda _connection: None
        self._checked = False

    def __str__(self) -> str:
        return f"{shown(self.url)}, site {self.site}"

    @property
    def away(self) -> bool:
        """Whether the last attempt failed a moment ago."""
        return clock.monotonic() < self._away_until

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout as error:
            raise Unreachable(f"{self}: all connections are in use", hint="try again in a moment") from error
        except (OperationalError, InterfaceError, DBAPIError) as error:
            raise self._error(error) from error
        except UnicodeError as error:
            raise Refused(f"{self}: {error}", hint="the value holds signs that no database takes") from error
        except SQLAlchemyError as error:
            raise StorageError(f"{self}: {error}", hint="run `muster doctor`") from error

    def _error(self, error: DBAPIError) -> StorageError:
        state = getattr(error.orig, "sqlstate", None) or ""
        what = str(error.orig).strip().partition("\n")[0]
        gone = isinstance(error, (OperationalError, InterfaceError)) and (not state or state.startswith(_AWAY))
        if gone or error.connection_invalidated:
            if not self.away:
                log.info("%s cannot be reached: %s", self, what)
            self._away_until = clock.monotonic() + _PAUSE_S
            return Unreachable(f"{self} cannot be reached: {what}", hint=_AWAY_HINT)
        if state.startswith(_FULL):
            return Unreachable(
                f"{self} takes no changes: {what}", hint="see the server's log; check its disk, and which server it is"
            )
        if state.startswith(_NEVER) or isinstance(error.orig, psycopg.DataError):
            return Refused(f"{self}: {what}", hint="see the message and the server's log")
        hint = {
            "42501": "the login lacks the right: `muster store grant`",
            "42P01": "prepare the database: `muster store init`",
            "3F000": "prepare the database: `muster store init`",
            "55P03": "another process holds the lock: try again, or end that process if it hangs",
        }.get(state, "see the message and the server's log")
        return StorageError(f"{self}: {what}", hint=hint)

    def _check_pause(self) -> None:
        if self.away:
            raise Unreachable(f"{self} could not be reached a moment ago", hint=_AWAY_HINT)

    def forget_check(self) -> None:
        """Check again before the next transaction that the database is the one in the settings."""
        self._checked = False

    def forget_pause(self) -> None:
        """Try at once to reach the database again."""
        self._away_until = 0.0

    def _ensure_checked(self, connection: Connection) -> None:
        if not self._checked:
            try:
                self.check(connection)
            except ConfigError as error:  # later than at the start: as good as no database
                raise Unreachable(error.message, hint=error.hint) from error
            self._checked = True

    @contextlib.contextmanager
    def work(self) -> Iterator[Connection]:
        """Open a transaction: committed at the end of the block, rolled back if the block raises.

        Raises:
            Unreachable: the database does not answer; the transaction may have been committed.
            StorageError: the database refuses.
        """
        held: Connection | None = getattr(self._held, "connection", None)
        with self._told():
            if held is not None:
                if held.invalidated:  # a new connection would go on without the lock
                    raise Unreachable(
                        f"{self} cannot be reached: the connection broke, and the lock with it", hint=_AWAY_HINT
                    )
                with held.begin():
                    self._ensure_checked(held)
                    yield held
                return
            self._check_pause()
            with self.engine.begin() as connection:
                self._ensure_checked(connection)
                yield connection

    @property
    def locking(self) -> bool:
        """Whether this thread holds a lock and therefore must read the present state."""
        return getattr(self._held, "connection", None) is not None

    @property
    def lost(self) -> bool:
        """Whether this thread held a lock, and lost it with the connection."""
        held: Connection | None = getattr(self._held, "connection", None)
        return held is not None and held.invalidated

    def lock_key(self, name: str) -> int:
        """Return the number of a lock of this site."""
        digest = hashlib.blake2b(f"{self.site}/{name}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)

    @contextlib.contextmanager
    def locked(self, name: str, patience_s: float = LOCK_S) -> Iterator[None]:
        """Hold a lock across all machines over reads and the write that depends on them.

        The lock ends with the connection, so a machine that lost the network blocks nobody.

        Raises:
            Unreachable: the database does not answer.
            StorageError: another process holds the lock for longer than `patience_s`.
        """
        key = {"key": self.lock_key(name), "patience": str(round(1000 * patience_s))}
        held: Connection | None = getattr(self._held, "connection", None)
        with contextlib.ExitStack() as stack:
            if held is None:
                with self._told():
                    self._check_pause()
                    held = stack.enter_context(self.engine.connect())
            self._at_once(
                held, "SELECT set_config('lock_timeout', %(patience)s, false), pg_advisory_lock(%(key)s)", key
            )
            outer = getattr(self._held, "connection", None)
            self._held.connection = held
            try:
                yield
            finally:
                self._held.connection = outer
                try:
                    self._at_once(held, "SELECT pg_advisory_unlock(%(key)s)", key)
                except StorageError:  # the connection is gone, and the lock with it
                    with contextlib.suppress(SQLAlchemyError):
                        held.invalidate()

    def _at_once(self, connection: Connection, statement: str, values: Mapping[str, object]) -> None:
        """Run a statement outside a transaction, so that a lock costs one round trip instead of three."""
        with self._told():
            if connection.invalidated:
                raise Unreachable(f"{self} cannot be reached: the connection broke", hint=_AWAY_HINT)
            raw = cast("psycopg.Connection[tuple[object, ...]]", connection.connection.driver_connection)
            try:
                raw.autocommit = True
                raw.execute(statement, values)
                raw.autocommit = False
            except psycopg.Error as error:
                connection.invalidate()
                raise DBAPIError.instance(
                    statement, values, error, psycopg.Error, dialect=connection.dialect
                ) from error
