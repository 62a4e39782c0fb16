"""Whatever keeps the database from taking a row, the row is kept, the others go on, and nothing goes where it does not belong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from postgres import Server, running
from sites import DAY, KEY, NOBODY, T0, Place, book_of, gallery_of, now, sighting, unit
from waiting import until

from engine.errors import ConfigError, StorageError
from engine.gallery import GalleryStore, Template
from engine.operations.doctor import examine
from engine.postgres import setup, shelf
from engine.postgres.database import DatabaseStore
from engine.postgres.spool import Entry, Spool
from engine.storage.logs import SealedFile, Sealer


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera waits a moment for a lock."""
    monkeypatch.setattr(shelf, "PATIENCE_S", 0.2)


def people(store: DatabaseStore, tmp_path: Path) -> list[str]:
    """Whose rows are in the database."""
    return [row.employee_id for row in book_of(store, tmp_path).log.read(DAY)]


def ended(place: Place) -> None:
    """All connections to the database are cut."""
    own = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    place.ask(own, place.name)


# --------------------------------------------------------------------------------------------- every failed append


class Standby:
    """A server that takes no changes, as after a failover."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def __enter__(self) -> None:
        self._place.ask(f"ALTER DATABASE {self._place.name} SET default_transaction_read_only = on")
        ended(self._place)

    def __exit__(self, *_error: object) -> None:
        with psycopg.connect(self._place.server.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {self._place.name} RESET default_transaction_read_only")
        ended(self._place)


class Unentitled:
    """Recorders have lost their rights."""

    def __init__(self, place: Place) -> None:
        self._place = place
        rights = "SELECT DISTINCT grantee::regrole::text FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'muster' AND grantee <> 0"
        self._roles = [str(row[0]) for row in place.ask(rights) if "recorder" in str(row[0])]

    def __enter__(self) -> None:
        self._place.ask(f"REVOKE USAGE ON SCHEMA muster FROM {', '.join(self._roles)}")

    def __exit__(self, *_error: object) -> None:
        self._place.ask(f"GRANT USAGE ON SCHEMA muster TO {', '.join(self._roles)}")


class Held:
    """Somebody else, of another site, holds the lock of the log."""

    def __init__(self, place: Place) -> None:
        place.add_site("other")
        self._place, self._login = place, place.login("reader", "other")

    def __enter__(self) -> None:
        with self._place.database() as database:
            key = database.lock_key("attendance")
        self._connection = psycopg.connect(self._place.server.dsn(self._place.name, self._login), autocommit=True)
        self._connection.execute("SELECT pg_advisory_lock(%s)", [key])

    def __exit__(self, *_error: object) -> None:
        self._connection.close()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", [Standby, Unentitled, Held])
def test_a_row_that_the_database_does_not_take_now_waits_and_is_taken_later(
    place: Place, tmp_path: Path, fault: Callable[[Place], Standby | Unentitled | Held]
) -> None:
    store = place.open("gate", login=place.login("recorder", "main"))
    book, office = book_of(store, tmp_path), place.open("office")
    assert book.record(sighting("E0"), NOBODY, renew=False) is not None
    trouble = fault(place)
    with trouble:
        for n in range(1, 4):
            assert book.record(sighting(f"E{n}", n), NOBODY, renew=False) is not None
        assert store.backlog().rows == 3
        assert store.backlog().problem
        again = book.record(sighting("E1", 30), NOBODY, renew=False)
        assert again is not None
        assert again.event == "seen", "what waits counts for the cool-down"
    until(lambda: not store.spool)
    assert people(office, tmp_path) == ["E0", "E1", "E2", "E3", "E1"]
    assert book_of(office, tmp_path).log.raw.check() == []
    until(lambda: not store.backlog().problem)


def test_a_row_that_is_refused_is_set_aside_and_told_and_the_others_arrive(place: Place, tmp_path: Path) -> None:
    store = place.open("gate")
    store._stopping.set()  # no thread drains beside us
    place.ask("ALTER TABLE muster.attendance ADD CONSTRAINT no_cat CHECK (c_employee_id <> 'cat')")
    book_of(store, tmp_path)
    entries = [Entry(f"e{n}", {"event_id": f"e{n}", "employee_id": "cat" if n == 4 else f"E{n}"}) for n in range(9)]
    store.spool.put("attendance", DAY, entries)
    store.spool.put("audit", DAY, [Entry("a", {"subject": "E1"})])
    with pytest.raises(StorageError, match="no log audit"):  # this process has not opened it
        store.drain()
    assert store.backlog().refused == 1
    assert store.backlog().rows == 1
    assert [row["event_id"] for row in book_of(store, tmp_path).log.raw.read(DAY)] == [
        f"e{n}" for n in range(9) if n != 4
    ]
    (refused,) = (tmp_path / "gate" / "spool").glob("refused.csv")
    assert "no_cat" in refused.read_text()
    store.close()
    told = {check.what: check for check in examine(tmp_path / "gate", thorough=False)}
    assert not told["rows that the database refused"].ok
    place.ask("ALTER TABLE muster.attendance DROP CONSTRAINT no_cat")
    again = place.open("gate")
    again._stopping.set()
    book = book_of(again, tmp_path)
    again.logs.whole("audit", ("timestamp", "author", "action", "subject", "detail"))
    assert again.spool.take_back() == 1
    again.drain()
    assert again.backlog().refused == again.backlog().rows == 0
    assert book.log.raw.shelf.find("e4")[0]["employee_id"] == "cat"


def test_rows_of_the_one_file_of_earlier_versions_arrive(place: Place, tmp_path: Path) -> None:
    folder, sealer = place.workspace("gate") / "spool", Sealer(place.workspace("gate") / "seal.key")
    file = SealedFile(folder / "events.csv", ("spooled_at", "log", "day", "row_id", "cells", "seal"), sealer)
    common = {"spooled_at": T0.isoformat(), "log": "attendance", "day": DAY.isoformat()}
    file.append([common | {"row_id": f"e{n}", "cells": f'{{"event_id": "e{n}"}}'} for n in range(4)])
    (folder / "drained").write_text("1")
    store = place.open("gate")
    assert store.backlog().rows in {0, 3, 4}
    book = book_of(store, tmp_path)
    until(lambda: not store.spool)
    assert [row["event_id"] for row in book.log.raw.read(DAY)] == ["e1", "e2", "e3"]
    assert not list(folder.glob("[!.]*"))


# --------------------------------------------------------------------------------------------- nothing where it does not belong


@pytest.fixture
def server() -> Iterator[Server]:
    """One of its own: it is killed."""
    with running() as server:
        yield server


def test_nothing_is_drained_into_a_site_of_another_time_zone(server: Server, tmp_path: Path) -> None:
    place = Place(server, tmp_path)
    place.add_site("berlin", "Europe/Berlin")
    server.kill()
    store = place.open("gate", "berlin")  # its settings say UTC
    book = book_of(store, tmp_path)
    book.record(sighting("E1"), NOBODY, renew=False)
    server.start()
    until(lambda: "the settings say UTC" in store.backlog().problem)
    book.record(sighting("E2"), NOBODY, renew=False)
    assert store.backlog().rows == 2
    assert place.ask("SELECT count(*) FROM muster.attendance") == [(0,)]
    store.close()
    right = place.workspace("gate", "berlin", timezone="Europe/Berlin")
    fixed = DatabaseStore(
        right,
        server.url(place.name),
        site="berlin",
        timezone="Europe/Berlin",
        recorder="gate",
        sealer=store.logs.sealer,
        clock=now,
    )
    book_of(fixed, tmp_path)
    until(lambda: not fixed.spool)
    assert fixed.backlog().refused == 2, "their days may be others in Berlin"
    assert place.ask("SELECT count(*) FROM muster.attendance") == [(0,)]
    fixed.close()
    place.close()


def test_a_lock_lost_in_the_middle_is_noticed_and_the_cool_down_kept(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, yard = (place.open(name) for name in ("gate", "yard"))
    here, there = book_of(gate, tmp_path), book_of(yard, tmp_path)
    here.record(sighting("E0"), NOBODY, renew=False)
    table = gate.logs.shelves["attendance"]
    asked = table.about

    def cut(key: str, days: object) -> list[dict[str, str]]:
        rows = asked(key, days)  # type: ignore[arg-type]
        monkeypatch.undo()
        place.ask(  # the network of this recorder breaks, and the other's does not
            "SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE locktype = 'advisory' AND granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = %s)",
            place.name,
        )
        assert there.record(sighting("E1", 0), NOBODY, renew=False).event == "punch"  # type: ignore[union-attr]
        return rows

    monkeypatch.setattr(table, "about", cut)
    row = here.record(sighting("E1", 10), NOBODY, renew=False)
    assert row is not None
    assert row.event == "seen"
    assert not gate.spool
    assert [row.event for row in here.log.read(DAY) if row.employee_id == "E1"] == ["punch", "seen"]


def test_a_program_older_than_the_tables_keeps_its_rows(place: Place, tmp_path: Path) -> None:
    gate = place.open("gate")
    book = book_of(gate, tmp_path)
    gallery_of(gate).update(lambda g: g.add([Template("a", "E1", 1)], unit(0)))
    for name in ("people", "strangers"):
        gallery_of(gate, name).current()
    gate.keep_known()
    until((tmp_path / "gate" / "known" / "people.safetensors").exists)
    place.ask("UPDATE muster.alembic_version SET version_num = '9999'")
    place.ask("ALTER FUNCTION muster.begin_rows RENAME TO begin_rows_9999")
    assert book.record(sighting("E1"), NOBODY, renew=False) is not None
    assert gate.backlog().rows == 1
    gate.close()
    again = place.open("gate")  # a recorder that is started again knows whom it knew
    assert gallery_of(again).current().people == ("E1",)
    assert book_of(again, tmp_path).record(sighting("E2"), NOBODY, renew=False) is not None
    until(lambda: "has version 9999" in again.backlog().problem)
    assert again.backlog().rows == 2
    with pytest.raises(ConfigError, match="has version 9999"):
        place.open("late")  # who knows nobody refuses
    with place.database() as database, database.work() as connection:
        found = setup.versions(connection)[1]
    place.ask("UPDATE muster.alembic_version SET version_num = %s", found)
    place.ask("ALTER FUNCTION muster.begin_rows_9999 RENAME TO begin_rows")
    until(lambda: not again.spool)
    assert people(again, tmp_path) == ["E1", "E2"]


@pytest.mark.parametrize("changes", [0, 1, 3])
def test_a_gallery_of_a_restored_database_is_read_again(place: Place, changes: int) -> None:
    here, there = place.open("gate"), place.open("office")

    def add(store: GalleryStore, name: str, number: int) -> None:
        store.update(lambda g: g.add([Template(name, name, 1)], unit(number)))

    office = gallery_of(there)
    add(office, "a", 0)
    kept = (place.ask("TABLE muster.templates"), place.ask("TABLE muster.galleries"))
    add(office, "b", 1)
    add(office, "c", 2)
    gate = gallery_of(here)
    assert gate.current().people == ("a", "b", "c")
    here.watcher.close()  # it hears of nothing until it asks
    place.ask("DELETE FROM muster.templates")
    for row in kept[0]:
        place.ask("INSERT INTO muster.templates OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s, %s, %s, %s)", *row)
    (site, name, *_, version, issued) = kept[1][0]
    place.ask(
        "UPDATE muster.galleries SET version = %s, issued = %s WHERE (site, gallery) = (%s, %s)",
        version,
        issued,
        site,
        name,
    )
    there.watcher.refresh()
    for n in range(changes):
        add(gallery_of(there), f"d{n}", 3 + n)
    here.watcher.refresh()
    assert gate.current().people == ("a", *(f"d{n}" for n in range(changes)))


def test_a_spool_counts_only_what_waits(tmp_path: Path) -> None:
    (tmp_path / "seal.key").write_text(KEY)
    spool = Spool(tmp_path / "spool", Sealer(tmp_path / "seal.key"), now, "UTC")
    assert not spool
    spool.put("attendance", DAY, [Entry("a", {"event_id": "a"})])
    spool.put("coverage", DAY + timedelta(1), [Entry("b", {"camera": "gate"})])
    taken: list[str] = []
    assert spool.drain(lambda name, _day, rows: taken.extend(f"{name}/{each.row_id}" for each in rows)) == 2
    assert taken == ["attendance/a", "coverage/b"]
    assert not spool
    assert spool.backlog().rows == 0
