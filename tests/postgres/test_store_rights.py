"""What a login of the database may do, and whose rows it sees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from alembic import command
from postgres import Server
from sites import DAY, NOBODY, T0, Place, book_of, gallery_of, sighting, unit

from engine.access import Audit, PinBook
from engine.attendance import PUNCH
from engine.errors import ConfigError, InputError, StorageError
from engine.gallery import Template
from engine.people import PeopleStore, Person
from engine.postgres import setup
from engine.postgres.connection import Database, concern, parsed
from engine.postgres.spool import Entry
from engine.records.today import arrivals
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
            "erasures",
            "erased_things",
        },
        "INSERT": {
            "attendance",
            "coverage",
            "incidents",
            "sightings",
            "deliveries",
            "audit",
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
        "SELECT muster.begin_rows('other', 'attendance', '2026-11-20', 'x', '{}')",
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


# --------------------------------------------------------------------------------------------- a stolen login


@pytest.fixture
def robbed(place: Place, tmp_path: Path) -> Place:
    """A gate and an office have written rows; somebody has the login and the seal key of the gate."""
    office = place.open("office")
    PeopleStore(office.people()).put_all([Person("E1", "Ann"), Person("E2", "Ben")])
    book_of(office, tmp_path).record(sighting("E1"), NOBODY, renew=False)
    with place.database() as database:
        setup.grant(database, "thief", "recorder", recorder="gate")
    book_of(place.open("gate", login="thief"), tmp_path).record(sighting("E2"), NOBODY, renew=False)
    gallery_of(office, "strangers").update(lambda g: g.next_stranger()[1].add([Template("s", "unknown-1", 1)], unit(1)))
    return place


INSERT = "INSERT INTO muster.{} (site, day, recorder, position, row_id, {}, seal) VALUES ('main', %s, %s, %s, 'x', {}, '1.x.y')"


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (INSERT.format("attendance", "c_employee_id", "'E1'"), (DAY, "office", 2)),  # another's chain
        (INSERT.format("attendance", "c_author", "'ann (HR)'"), (DAY, "gate", 2)),  # as a person
        (INSERT.format("attendance", "c_method", "'import'"), (DAY, "gate", 2)),
        (INSERT.format("corrections", "c_author", "'ann (HR)'"), (DAY, "gate", 1)),
        (INSERT.format("incidents", "c_author", "'ann'"), (DAY, "gate", 1)),  # a review
        (INSERT.format("audit", "c_author", "'ann'"), (DAY, "gate", 1)),
        (INSERT.format("closings", "c_author", "'ann'"), (DAY, "gate", 1)),
        (INSERT.format("seals", "c_action", "'purged'"), (DAY, "gate", 1)),
        ("SELECT muster.begin_rows('main', 'attendance', %s, %s, '{}')", (DAY, "office")),
        ("SELECT muster.begin_rows('main', 'corrections', %s, %s, '{}')", (DAY, "gate")),
        ("SELECT muster.end_append('main', 'attendance', %s, 'office', 1, 'x')", (DAY,)),
        ("SELECT muster.gallery_changed('main', 'strangers', 'other', 'a', 1, 2, 1)", ()),
        ("SELECT muster.gallery_changed('main', 'strangers', 'm', 'a', 1, 2, 0)", ()),
        ("INSERT INTO muster.members VALUES ('thief', 'main', 'workbench')", ()),
        ("UPDATE muster.asked SET calls = 0", ()),
    ],
)
def test_a_stolen_recorder_writes_what_it_sees_and_nothing_else(
    robbed: Place, statement: str, values: tuple[object, ...]
) -> None:
    with pytest.raises(psycopg.Error, match=r"denied|row-level security|no row that a recorder writes"):
        robbed.ask(statement, *values, login="thief")


def test_a_stolen_recorder_takes_back_no_row_of_another(robbed: Place, tmp_path: Path) -> None:
    (row,) = [each for each in book_of(robbed.opened[0], tmp_path).log.read(DAY) if each.employee_id == "E1"]
    cells = dict(PUNCH.texts(row)) | {"event": "retract", "refers_to": row.event_id, "event_id": "x"}
    columns = ", ".join(f"c_{name}" for name in cells)
    marks = ", ".join(["%s"] * len(cells))
    statement = (
        f"INSERT INTO muster.attendance (site, day, recorder, position, row_id, seal, {columns}) "
        f"VALUES ('main', %s, 'gate', 2, 'x', '1.x.y', {marks})"
    )
    with pytest.raises(psycopg.Error, match="no row that a recorder writes"):
        robbed.ask(statement, DAY, *cells.values(), login="thief")


def test_a_recorder_takes_back_its_own_rows_also_from_its_spool(place: Place, tmp_path: Path) -> None:
    store = place.open("gate", login=place.login("recorder", "main"))
    store._stopping.set()
    book_of(store, tmp_path)
    rows = [
        ("a", {"event_id": "a", "employee_id": "E1", "event": "punch"}),
        ("b", {"event_id": "b", "employee_id": "E1"}),
    ]
    rows[1][1].update(event="retract", refers_to="a", author="engine")
    store.spool.put("attendance", DAY, [Entry(*row) for row in rows])
    store.drain()
    assert store.backlog().refused == 0
    assert [each["event_id"] for each in book_of(place.open("office"), tmp_path).log.raw.read(DAY)] == ["a", "b"]


def test_strangers_of_others_stay(robbed: Place) -> None:
    robbed.ask("INSERT INTO muster.strangers VALUES ('main', 'own', 'unknown-2', 1, '', 2)", login="thief")
    robbed.ask("DELETE FROM muster.strangers", login="thief")
    assert robbed.ask("SELECT template_id FROM muster.strangers") == [("s",)]


def test_a_recorder_asks_about_these_days_and_not_without_end(robbed: Place) -> None:
    today = datetime.now(UTC).date()
    question = "SELECT * FROM muster.told_of_person('main', 'E1', %s)"
    robbed.ask(question, [today - timedelta(1), today], login="thief")
    with pytest.raises(psycopg.Error, match="present days"):
        robbed.ask(question, [today - timedelta(30)], login="thief")
    robbed.ask("UPDATE muster.asked SET calls = 6000")
    with pytest.raises(psycopg.Error, match="too many questions"):
        robbed.ask(question, [today], login="thief")
    robbed.ask("UPDATE muster.asked SET since = now() - interval '2 hours'")
    robbed.ask(question, [today], login="thief")
    robbed.ask(question, [today - timedelta(30)], login=robbed.login("workbench", "main"))


def test_two_logins_are_not_one_recorder(robbed: Place, tmp_path: Path) -> None:
    with robbed.database() as database, pytest.raises(InputError, match="thief is already the recorder gate"):
        setup.grant(database, "second", "recorder", recorder="gate")
    other = robbed.open("gate", login=robbed.login("recorder", "main"))  # bound by its first row, were the name free
    other._stopping.set()
    book_of(other, tmp_path).record(sighting("E2", 300), NOBODY, renew=False)
    assert other.backlog().rows == 1
    assert "not the recorder gate" in other.backlog().problem


# --------------------------------------------------------------------------------------------- kiosks, roles, passwords, encryption


def test_a_kiosk_checks_pins_and_shows_today_and_reads_no_more(place: Place) -> None:
    def now() -> datetime:
        return datetime.now(UTC)

    office = Workbench(place.workspace("office"), clock=now)
    office.people.put(Person("E1", "Ann Lee"))
    office.pins.put("E1", "907461", now())
    office.accounts.add("ann", "admin", "correct horse battery")
    old = datetime.combine(DAY - timedelta(40), T0.timetz()).date()
    office.attendance.record(sighting("E1", day=old), NOBODY, renew=False)
    kiosk = Workbench(place.workspace("kiosk", login=place.login("kiosk", "main")), clock=now)
    assert kiosk.store.state().kind == "kiosk"  # type: ignore[union-attr]
    with pytest.raises(InputError, match="wrong"):
        kiosk.kiosk.punch("E1", "111111", "door", None)
    row = kiosk.kiosk.punch("E1", "907461", "door", None)
    assert row is not None
    count, newest = arrivals(kiosk.records, now())
    assert (count, [each.name for each in newest]) == (1, ["Ann Lee"])
    assert kiosk.attendance.log.read(old) == []
    assert kiosk.store.document("accounts.json").read() is None
    for statement in (
        "UPDATE muster.documents SET content = '' WHERE name = 'devices.json'",
        "DELETE FROM muster.people",
        "SELECT * FROM muster.sightings",
        "INSERT INTO muster.documents VALUES ('main', 'accounts.json', 1, '')",
    ):
        if statement.startswith("UPDATE"):
            place.ask(statement, login=kiosk.store.state().login)  # type: ignore[union-attr]
            continue
        with pytest.raises(psycopg.Error, match=r"denied|row-level security"):
            place.ask(statement, login=kiosk.store.state().login)  # type: ignore[union-attr]
    assert place.ask("SELECT count(*) FROM muster.documents WHERE content = '' AND name = 'devices.json'") == [(0,)]
    kiosk.store.close()
    office.store.close()


def test_a_grant_in_one_database_gives_nothing_in_another(postgres: Server, tmp_path: Path) -> None:
    one, other = Place(postgres, tmp_path / "a"), Place(postgres, tmp_path / "b")
    for kind in setup.KINDS:
        login = other.login(kind, "main")
        other.ask("SELECT count(*) FROM muster.sites", login=login)
        with pytest.raises(psycopg.Error, match="denied for schema"):
            one.ask("SELECT count(*) FROM muster.sites", login=login)


def test_a_password_never_stands_in_the_servers_log(place: Place) -> None:
    place.ask(f"ALTER DATABASE {place.name} SET log_statement = 'all'")
    log = place.server.folder / "log"
    before = log.stat().st_size
    with place.database() as database:
        setup.grant(database, "quiet_one", "reader", "correct horse battery")
    text = log.read_bytes()[before:].decode()
    assert "ALTER ROLE" in text
    assert "correct horse" not in text
    assert str(place.ask("SELECT rolpassword FROM pg_authid WHERE rolname = 'quiet_one'")[0][0]).startswith(
        "SCRAM-SHA-256$"
    )


@pytest.mark.parametrize(
    ("address", "protected"),
    [
        ("postgresql://u@db.example.org/muster", False),
        ("postgresql://u@10.0.0.7/muster?sslmode=require", False),
        ("postgresql://u@db.example.org/muster?sslmode=verify-full", True),
        ("postgresql://u@127.0.0.1/muster", True),
        ("postgresql://u@/muster?host=/run/postgresql", True),
    ],
)
def test_a_connection_that_others_can_listen_to_is_told(
    address: str, protected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGSSLMODE", raising=False)
    assert (concern(parsed(address)) == "") == protected


def test_logins_of_an_earlier_version_go_on_and_its_programs_wait(postgres: Server, tmp_path: Path) -> None:
    name = postgres.new_database()
    database = Database(parsed(postgres.url(name)), "main")
    with database.work() as connection:
        connection.exec_driver_sql("CREATE SCHEMA muster")
        config = setup._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.exec_driver_sql("INSERT INTO muster.sites VALUES ('main', 'UTC')")
        connection.exec_driver_sql(f"CREATE ROLE gate_of_{name} LOGIN; GRANT muster_recorder TO gate_of_{name}")
        connection.exec_driver_sql(f"INSERT INTO muster.members VALUES ('gate_of_{name}', 'main', 'recorder')")
    assert setup.migrate(database)[0] == "0002"
    database.close()
    place = Place.__new__(Place)
    place.server, place.folder, place.name, place.opened = postgres, tmp_path, name, []
    with pytest.raises(psycopg.errors.CannotConnectNow, match="upgrade it"):
        place.ask(
            "SELECT * FROM muster.begin_append('main', 'attendance', now()::date, 'gate', '{}')",
            login=f"gate_of_{name}",
        )
    store = place.open("gate", login=f"gate_of_{name}")
    book_of(store, tmp_path).record(sighting("E1"), NOBODY, renew=False)
    assert store.backlog().rows == 0
    assert place.ask("SELECT login, recorder FROM muster.members") == [(f"gate_of_{name}", "gate")]
    assert place.ask("SELECT has_schema_privilege('muster_recorder', 'muster', 'USAGE')") == [(False,)]
    place.close()
