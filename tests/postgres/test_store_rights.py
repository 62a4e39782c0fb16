"""What a login of the database may do, and whose rows it sees."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sites import DAY, NOBODY, T0, Place, book_of, gallery_of, sighting, unit

from engine.access import Audit, PinBook
from engine.errors import ConfigError, StorageError
from engine.gallery import Template
from engine.people import PeopleStore, Person
from engine.workbench import Workbench


def test_a_recorder_can_append_and_read_people_and_nothing_else(place: Place, tmp_path: Path) -> None:
    office = place.open("office")
    PeopleStore(office.people()).put(Person("E1", "Ann"))
    gallery_of(office).update(lambda g: g.add([Template("a", "E1", 1)], unit(0)))
    PinBook(office.document("pins.json")).put("E1", "907461", T0)
    place.add_site("other")
    login = place.login("recorder", "main")
    store = place.open("gate", login=login)
    book = book_of(store, tmp_path)
    assert book.record(sighting("E1", 0), NOBODY, renew=False).event == "punch"  # type: ignore[union-attr]
    assert book.record(sighting("E1", 30), NOBODY, renew=False).event == "seen"  # type: ignore[union-attr]
    Audit(ZoneInfo("UTC"), store.logs).note("start", "gate", "", author="engine", now=T0)
    assert list(PeopleStore(store.people()).all()) == ["E1"]
    assert gallery_of(store).current().people == ("E1",)
    strangers = gallery_of(store, "strangers")
    strangers.update(lambda g: g.next_stranger()[1].add([Template("s", "unknown-1", 1)], unit(1)))
    assert book_of(office, tmp_path).log.raw.check() == []
    for act in (
        lambda: book.log.read(DAY),
        lambda: book.log.raw.redact("E1"),
        lambda: PeopleStore(store.people()).put(Person("E2", "Ben")),
        lambda: PeopleStore(store.people()).remove("E1"),
        lambda: gallery_of(store).update(lambda g: g.remove("E1")),
        lambda: gallery_of(store).update(lambda g: g.add([Template("b", "E1", 1)], unit(1))),
        lambda: PinBook(store.document("pins.json")).put("E1", "907462", T0),
    ):
        with pytest.raises(StorageError, match=r"denied|not this login"):
            act()
    assert store.document("pins.json").read() is None  # hidden, as if there were none
    names = [row[0] for row in place.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'muster'")]
    allowed = {
        "SELECT": {
            "people",
            "templates",
            "strangers",
            "anchors",
            "galleries",
            "documents",
            "dossiers",
            "chains",
            "sites",
            "alembic_version",
        },
        "INSERT": {
            "attendance",
            "corrections",
            "coverage",
            "incidents",
            "dossiers",
            "sightings",
            "deliveries",
            "audit",
            "seals",
            "strangers",
        },
        "UPDATE": set(),
        "DELETE": {"strangers"},
        "TRUNCATE": set(),
        "REFERENCES": set(),
        "TRIGGER": set(),
    }
    for right, tables in allowed.items():
        has = {
            name
            for name in names
            if place.ask("SELECT has_table_privilege(%s, %s, %s)", login, f"muster.{name}", right)[0][0]
        }
        assert has == tables, right
    for other in (
        "INSERT INTO muster.coverage (site, day, recorder, position, row_id, seal) VALUES ('other', now(), '', 1, 'x', '')",
        "SELECT muster.begin_append('other', 'attendance', '2026-11-20', 'x', '{}')",
        "SELECT muster.told_of_person('other', 'E1', '{2026-11-20}')",
        "SELECT muster.told_of_person('main', 'E1', array(SELECT '2026-11-20'::date + n FROM generate_series(1, 5) n))",
        "SELECT muster.gallery_changed('main', 'people', 'm', 'a', 1, 2, 9)",
        "CREATE TABLE muster.mine (x int)",
    ):
        with pytest.raises(psycopg.Error, match=r"row-level security|not a site|denied|not this login"):
            place.ask(other, login=login)


def test_a_recorder_cannot_append_out_of_turn(place: Place, tmp_path: Path) -> None:
    login = place.login("recorder", "main")
    book_of(place.open("gate", login=login), tmp_path).record(sighting("E1"), NOBODY, renew=False)
    for position in (1, 3):
        with pytest.raises(psycopg.Error, match=r"follow|duplicate"):
            place.ask(
                "INSERT INTO muster.attendance (site, day, recorder, position, row_id, seal) VALUES ('main', %s, 'gate', %s, 'x', '')",
                DAY,
                position,
                login=login,
            )


def test_a_login_sees_the_rows_of_its_sites_alone(place: Place, tmp_path: Path) -> None:
    place.add_site("berlin", "Europe/Berlin")
    for site, person in (("main", "E1"), ("berlin", "B1")):
        workspace = place.workspace(site, site, timezone="UTC" if site == "main" else "Europe/Berlin")
        bench = Workbench(workspace)
        bench.people.put(Person(person, f"Name {person}"))
        bench.attendance.record(sighting(person), NOBODY, renew=False)
        bench.store.close()
    reader, both = place.login("reader", "berlin"), place.login("workbench", "main", "berlin")
    for table in ("people", "attendance"):
        column = "employee_id" if table == "people" else "c_employee_id"
        query = f"SELECT site, {column} FROM muster.{table} ORDER BY 1"
        assert place.ask(query, login=reader) == [("berlin", "B1")]
        assert place.ask(query, login=both) == [("berlin", "B1"), ("main", "E1")]
    for statement in (
        "DELETE FROM muster.people",
        "UPDATE muster.people SET name = 'x'",
        "SELECT * FROM muster.templates",
    ):
        with pytest.raises(psycopg.Error, match="denied"):
            place.ask(statement, login=reader)
    with pytest.raises(ConfigError, match="this login may not see it"):
        place.open("no", "main", login=reader)
