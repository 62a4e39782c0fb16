"""The store of a workspace: files in a folder, or a database that many sites share, whose modules are loaded only then."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engine.config import CONFIG_NAME, Config
from engine.errors import ConfigError
from engine.gallery import GalleryFile, GalleryKeep
from engine.people import PeopleFile, PeopleKeep
from engine.postgres.spool import Backlog
from engine.storage import Document, FileDocument
from engine.storage.erasures import ForgetList
from engine.storage.logs import FileLogs, Logs, Sealer
from engine.storage.state import SECRETS, TABLES, StateSeals
from engine.storage.vault import Vault

if TYPE_CHECKING:
    from engine.postgres.connection import Database
    from engine.postgres.database import DatabaseStore


@dataclass(frozen=True)
class DatabaseState:
    """The present state of a database.

    Attributes:
        address: without the password.
        kind: the login's rights: `owner`, `workbench`, `reader` or `recorder`; empty: not known yet.
        problem: why the database cannot be used; empty if it can.
        hint: how to fix the problem.
        concern: why the connection is not protected; empty if it is.
    """

    address: str
    site: str
    login: str
    kind: str
    problem: str = ""
    hint: str = ""
    concern: str = ""


class Store(Protocol):
    """Opens the places where a workspace's rows are stored."""

    @property
    def writes_sheets(self) -> bool:
        """Whether this process may read enough of the logs to write day sheets."""

    @property
    def logs(self) -> Logs:
        """Creates the logs."""

    def people(self) -> PeopleKeep:
        """Return the place of the people."""

    def gallery(self, name: str, model_id: str, alignment_id: str, dimension: int) -> GalleryKeep:
        """Return the place of a gallery: `people`, `strangers` or `anchors`."""

    def document(self, name: str, *, mode: int = 0o640) -> Document:
        """Return the place of a document, such as `accounts.json`."""

    def seals(self) -> StateSeals | None:
        """Return the seals of state files; None: a database holds them."""
        return None

    def keep_known(self) -> None:
        """Keep local copies of what a camera's recorder needs to start while the database is away; files are local."""
        return

    def backlog(self) -> Backlog | None:
        """Return what waits for the database; None without a database."""
        return None

    def state(self) -> DatabaseState | None:
        """Query the database's state, which may take seconds; None without a database."""
        return None

    def erasures(self) -> ForgetList | None:
        """Return the list of people who were erased, for all machines; None: this folder is all there is."""
        return None

    def close(self) -> None:
        """End threads and connections."""
        return


class FileStore(Store):
    """Files in a folder, for one site."""

    writes_sheets = True

    def __init__(self, workspace: Path, sealer: Sealer, vault: Vault | None = None) -> None:
        self._workspace, self._sealer, self._vault = workspace, sealer, vault
        self._seals = StateSeals(workspace, sealer)

    def seals(self) -> StateSeals:
        """Return the seals of its files."""
        return self._seals

    @cached_property
    def logs(self) -> Logs:
        """Return the logs in `log/`."""
        return FileLogs(self._workspace / "log", self._sealer)

    def people(self) -> PeopleKeep:
        """Return `people.csv`."""
        return PeopleFile(self._workspace / "people.csv", seal=self._seals.of("people.csv"))

    def gallery(self, name: str, model_id: str, alignment_id: str, dimension: int) -> GalleryKeep:
        """Return `gallery/<name>.safetensors`."""
        del model_id, alignment_id, dimension
        seal = self._seals.of(f"gallery/{name}.safetensors")
        return GalleryFile(self._workspace / "gallery" / f"{name}.safetensors", self._vault, seal)

    def document(self, name: str, *, mode: int = 0o640) -> Document:
        """Return the file of that name."""
        seal = self._seals.of(name) if name in (*TABLES, *SECRETS) else None
        return FileDocument(self._workspace / name, mode=mode, seal=seal)


def open_store(workspace: Path, config: Config, sealer: Sealer, clock: Callable[[], datetime]) -> Store:
    """Open the store in the settings.

    Raises:
        ConfigError: the address is invalid, packages are missing, or the database is another one.
    """
    if config.store:
        return open_database(workspace, config, sealer, clock)
    return FileStore(workspace, sealer, Vault(workspace, at_rest=config.encryption.at_rest))


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
        vault=Vault(workspace, at_rest=config.encryption.at_rest),
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
