"""What a workspace is kept in: files in a folder, or a database that many sites share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.gallery import GalleryFile, GalleryKeep
from engine.people import PeopleFile, PeopleKeep
from engine.postgres.spool import Backlog
from engine.storage import Document, FileDocument
from engine.storage.logs import FileLogs, Logs, Sealer

__all__ = ["DatabaseState", "FileStore", "Store"]


@dataclass(frozen=True)
class DatabaseState:
    """What a database is like at the moment.

    Attributes:
        address: without the password. site: whose rows are meant. login: who this process is there.
        kind: what the login may do: `owner`, `workbench`, `reader` or `recorder`; empty: not known yet.
        problem: why it cannot be worked with; empty: it can. hint: what to do about it.
    """

    address: str
    site: str
    login: str
    kind: str
    problem: str = ""
    hint: str = ""


class Store(Protocol):
    """Makes the places that books and stores keep their rows in."""

    @property
    def writes_sheets(self) -> bool:
        """Whether this process sees enough of the logs to write day sheets."""

    @property
    def logs(self) -> Logs:
        """Makes logs."""

    def people(self) -> PeopleKeep:
        """Where people stand."""

    def gallery(self, name: str, model_id: str, alignment_id: str, dimension: int) -> GalleryKeep:
        """Where a gallery stands: `people`, `strangers` or `anchors`."""

    def document(self, name: str, *, mode: int = 0o640) -> Document:
        """Where something small stands, such as `accounts.json`."""

    def keep_known(self) -> None:
        """This process records a camera: have at hand what it must know to begin again, whatever is away then."""

    def backlog(self) -> Backlog | None:
        """What waits for the database; None: there is none that could be away."""

    def state(self) -> DatabaseState | None:
        """Asks the database how it is, which may take seconds; None: there is none."""

    def close(self) -> None:
        """End threads and connections."""


class FileStore:
    """Files in a folder, for one site.

    Args:
        workspace: the folder.
        sealer: makes the seals of the logs.
    """

    writes_sheets = True

    def __init__(self, workspace: Path, sealer: Sealer) -> None:
        self._workspace = workspace
        self.logs: Logs = FileLogs(workspace / "log", sealer)

    def people(self) -> PeopleKeep:
        """`people.csv`."""
        return PeopleFile(self._workspace / "people.csv")

    def gallery(self, name: str, model_id: str, alignment_id: str, dimension: int) -> GalleryKeep:
        """`gallery/<name>.safetensors`."""
        del model_id, alignment_id, dimension
        return GalleryFile(self._workspace / "gallery" / f"{name}.safetensors")

    def document(self, name: str, *, mode: int = 0o640) -> Document:
        """A file of that name."""
        return FileDocument(self._workspace / name, mode=mode)

    def keep_known(self) -> None:
        """Everything is here."""

    def backlog(self) -> Backlog | None:
        """A disk is there or not."""
        return None

    def state(self) -> DatabaseState | None:
        """A disk is there or not."""
        return None

    def close(self) -> None:
        """Nothing is open."""
