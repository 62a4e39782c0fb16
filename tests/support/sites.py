"""Sites in a database of the tests' own, and books to write there."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
from postgres import OWNER, Server

from engine.attendance import AttendanceBook, Sighting
from engine.config import EventsConfig, load_config
from engine.gallery import GalleryStore
from engine.postgres import open_database, setup
from engine.postgres.connection import Database, parsed
from engine.postgres.database import DatabaseStore
from engine.postgres.opening import FileStore, Store
from engine.storage.logs import Sealer
from engine.types import Identity, TrackState
from engine.workbench import Workbench

T0 = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
DAY = T0.date()
KEY = "5a" * 32
COOL_DOWN_S = 60.0
DIMENSION = 8
NOBODY: dict[str, dict[str, str]] = {}


def now() -> datetime:
    """The tests' present."""
    return T0


class Place:
    """A database with tables, and workspaces that are kept in it."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.name = server.new_database()
        with self.database() as database:
            setup.migrate(database)
        self.add_site("main")
        self.opened: list[DatabaseStore] = []

    def database(self, site: str = "main", login: str = OWNER) -> _Closing:
        """Connections of its owner."""
        return _Closing(Database(parsed(self.server.url(self.name, login)), site))

    def add_site(self, site: str, timezone: str = "UTC") -> None:
        """One more site."""
        with self.database(site) as database:
            setup.add_site(database, timezone)

    def login(self, kind: setup.Kind, *sites: str) -> str:
        """A login of its own for some sites."""
        login = f"{kind}_{self.name}_{'_'.join(sites)}"
        for site in sites or ("main",):
            with self.database(site) as database:
                setup.grant(database, login, kind)
        return login

    def workspace(self, name: str = "w", site: str = "main", login: str = OWNER, timezone: str = "UTC") -> Path:
        """A folder whose settings name the database."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "muster.toml").write_text(
            f'store = "{self.server.url(self.name, login)}"\nsite = "{site}"\ntimezone = "{timezone}"\nrecorder = "{name}"\n'
        )
        (folder / "seal.key").write_text(KEY + "\n")
        return folder

    def open(self, name: str = "w", site: str = "main", login: str = OWNER) -> DatabaseStore:
        """What a process of a workspace works with."""
        workspace = self.workspace(name, site, login)
        found = open_database(workspace, load_config(workspace), Sealer(workspace / "seal.key"), now)
        self.opened.append(found)
        return found

    def ask(self, query: str, *values: object, login: str = OWNER) -> list[tuple[object, ...]]:
        """What plain SQL gives."""
        with psycopg.connect(self.server.dsn(self.name, login)) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        """End what was opened."""
        for each in self.opened:
            each.close()


class _Closing:
    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Database:
        return self._database

    def __exit__(self, *_error: object) -> None:
        self._database.close()


def files(folder: Path) -> Store:
    """The same in files."""
    (folder / "f").mkdir(parents=True)
    (folder / "f" / "seal.key").write_text(KEY + "\n")
    return FileStore(folder / "f", Sealer(folder / "f" / "seal.key"))


def book_of(store: Store, folder: Path) -> AttendanceBook:
    """Attendance that is kept there."""
    return AttendanceBook(folder, ZoneInfo("UTC"), EventsConfig(cool_down_s=COOL_DOWN_S), logs=store.logs)


def unit(number: int) -> np.ndarray:
    """An embedding unlike all others, (1, 8) float32."""
    return np.eye(DIMENSION, dtype=np.float32)[number : number + 1]


def gallery_of(store: Store, name: str = "people") -> GalleryStore:
    """A gallery that is kept there."""
    return GalleryStore(store.gallery(name, "m", "a", DIMENSION), "m", "a", DIMENSION)


def sighting(person: str, seconds: float = 0, *, day: date = DAY, camera: str = "gate", track: str = "") -> Sighting:
    """Somebody was recognised."""
    time = datetime.combine(day, T0.timetz()) + timedelta(seconds=seconds)
    identity = Identity(TrackState.KNOWN, person, 3, 4, similarity=0.8, threshold=0.5)
    return Sighting(person, time, camera, track or f"t{seconds}", identity, "model", 1)


def moved(there: Workbench, place: Place, login: str, site: str = "main") -> tuple[Workbench, Workbench]:
    """An owner's and a recorder's workbench on a database, with the people and settings of a workspace of files."""
    settings = (there.workspace / "muster.toml").read_text() if (there.workspace / "muster.toml").exists() else ""
    settings = "\n".join(line for line in settings.splitlines() if not line.startswith("timezone"))
    benches = []
    for name, who in (("office", OWNER), ("gate", login)):
        folder = place.workspace(f"{name}-of-{site}", site, who, there.config.timezone)
        with (folder / "muster.toml").open("a") as handle:
            handle.write(settings)
        benches.append(Workbench(folder, models=there.models))
    office, gate = benches
    office.people.put_all(there.people.all().values())
    office.gallery.update(lambda _: there.gallery.current())
    leave = there.leave.document.read()
    if leave is not None:
        with office.leave.document.exclusive():
            office.leave.document.write(leave)
    return office, gate


def told(bench: Workbench, first: date, last: date | None = None) -> list[dict[str, str]]:
    """The incidents of some days without what names them; of pictures whether there is one."""
    left_out = {"incident_id", "refers_to", "tracks", "seal"}
    return [
        {key: str(bool(value)) if "image" in key else value for key, value in row.items() if key not in left_out}
        for row in bench.incidents.log.raw.read(first, last)
    ]
