"""Open the store that the settings name: files by default, or a database, whose modules are loaded only then."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.config import CONFIG_NAME, Config
from engine.errors import ConfigError
from engine.postgres.base import DatabaseState, FileStore, Store
from engine.postgres.spool import Backlog
from engine.storage.logs import Sealer

if TYPE_CHECKING:
    from engine.postgres.connection import Database
    from engine.postgres.database import DatabaseStore

__all__ = ["Backlog", "DatabaseState", "FileStore", "Store", "connect", "open_database", "open_store"]


def open_store(workspace: Path, config: Config, sealer: Sealer, clock: Callable[[], datetime]) -> Store:
    """Open the store in the settings.

    Raises:
        ConfigError: the address is invalid, packages are missing, or the database is another one.
    """
    return open_database(workspace, config, sealer, clock) if config.store else FileStore(workspace, sealer)


def open_database(workspace: Path, config: Config, sealer: Sealer, clock: Callable[[], datetime]) -> DatabaseStore:
    """Open the database in the settings.

    Raises:
        ConfigError: see `open_store`.
    """
    with _installed():
        from engine.postgres.database import DatabaseStore  # noqa: PLC0415 - an extra
    return DatabaseStore(
        workspace,
        config.store,
        site=config.site,
        timezone=config.timezone,
        recorder=config.recorder or default_recorder(),
        sealer=sealer,
        clock=clock,
        offline_start=config.offline_start,
    )


def connect(workspace: Path, config: Config) -> Database:
    """Connect to the database in the settings, whatever it holds.

    Raises:
        ConfigError: the settings name no database, the address is invalid, or packages are missing.
    """
    if not config.store:
        raise ConfigError(
            f"{workspace} uses files: its settings name no database",
            hint=f'set store = "postgresql+psycopg://login@host/database" in {workspace / CONFIG_NAME}, or MUSTER_STORE',
        )
    with _installed():
        from engine.postgres.connection import Database, parsed  # noqa: PLC0415 - an extra
    return Database(parsed(config.store), config.site)


@contextlib.contextmanager
def _installed() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ConfigError(f"a database needs the package {error.name}", hint="pip install 'muster[server]'") from error


def default_recorder() -> str:
    """Return this machine's name in the form of a recorder's name."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", socket.gethostname()).strip("-._")[:40]
    return name or "recorder"
