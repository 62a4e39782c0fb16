"""The same books on files and on PostgreSQL, and what only a database does."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from log_builders import retraction
from postgres import Server
from sites import DAY, DIMENSION, NOBODY, T0, Place, book_of, files, gallery_of, sighting, unit
from waiting import until

from engine.access import Audit, PinBook
from engine.attendance import PUNCH
from engine.errors import ConfigError, GalleryMismatch, InputError, StorageError
from engine.gallery import Gallery, GalleryStore, Template
from engine.incidents import IncidentBook
from engine.people import PeopleStore, Person
from engine.postgres.database import DatabaseStore
from engine.postgres.opening import Store
from engine.postgres.spool import Entry
from engine.types import Event, EventKind, Severity
from engine.workbench import Workbench


@pytest.fixture(params=["files", "database"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "files":
        return files(tmp_path)
    found: Store = request.getfixturevalue("place").open()
    return found


# --------------------------------------------------------------------------------------------- the same on both


def test_a_log_holds_what_was_written_in_order_and_verified(store: Store, tmp_path: Path) -> None:
    book = book_of(store, tmp_path)
    written = [book.record(sighting(f"E{n % 3}", 2 * n), NOBODY, renew=False) for n in range(12)]
    rows = [row for row in written if row is not None]
    found = book.log.read(DAY)
    assert [row.event_id for row in found] == [row.event_id for row in rows]
    assert {row.event for row in found} == {"punch", "seen"}
    assert len(found) < 12
    assert list(book.log.raw.read(DAY)[0]) == [*PUNCH.columns, "seal"]
    assert book.log.days() == [DAY]
    assert list(book.log.raw.stamps()) == [DAY]
    assert book.log.raw.check() == []


def test_a_day_that_grows_is_read_again_and_has_another_stamp(store: Store, tmp_path: Path) -> None:
    book = book_of(store, tmp_path)
    seen = []
    for n in range(3):
        book.record(sighting(f"E{n}"), NOBODY, renew=False)
        seen.append((len(book.log.read(DAY)), book.log.raw.stamps()[DAY]))
    assert [count for count, _ in seen] == [1, 2, 3]
    assert len({stamp for _, stamp in seen}) == 3
    assert book.log.read(DAY - timedelta(1)) == []
    assert book.log.raw.stamps([DAY - timedelta(1)]) == {}


def test_a_withdrawn_name_is_found_by_its_track_and_an_incident_by_its_id(store: Store, tmp_path: Path) -> None:
    book, incidents = book_of(store, tmp_path), IncidentBook(tmp_path, ZoneInfo("UTC"), store.logs)
    book.record(sighting("E1", track="a"), NOBODY, renew=False)
    taken = book.retract(retraction("E1", T0, "gate", "a", "somebody else"), NOBODY, renew=False)
    assert taken is not None
    assert taken.refers_to == book.log.read(DAY)[0].event_id
    assert book.retract(retraction("E1", T0, "gate", "a", "again"), NOBODY, renew=False) is None
    told = incidents.record(
        Event(EventKind.UNKNOWN, T0, "gate", unknown_ids=("unknown-1",), severity=Severity.HIGH), {}
    )
    assert told is not None
    incidents.review(told.incident_id, "resolved", author="ann", now=T0, note="the plumber")
    (found,) = incidents.incidents(DAY, DAY)
    assert (found.state, found.note, found.row.camera) == ("resolved", "the plumber", "gate")
    with pytest.raises(InputError, match="no incident"):
        incidents.review("20261120T080000-000000000000", "resolved", author="ann", now=T0)


def test_somebody_forgotten_leaves_a_pseudonym_and_valid_seals(store: Store, tmp_path: Path) -> None:
    book, audit = book_of(store, tmp_path), Audit(ZoneInfo("UTC"), store.logs)
    for n in range(3):
        book.record(sighting(f"E{n}"), NOBODY, renew=False)
        audit.note("enrol", f"E{n}", "", author="E1", now=T0)
    before = book.log.raw.stamps()[DAY]
    assert book.log.raw.redact("E1") == 1
    assert audit.raw.redact("E1") == 3
    assert [row.employee_id.startswith("erased-") for row in book.log.read(DAY)] == [False, True, False]
    assert book.log.raw.stamps()[DAY] != before
    assert book.log.raw.check() == []
    assert audit.raw.check() == []
    assert book.log.raw.redact("E1") == 0


def test_a_closed_day_that_is_purged_is_gone_and_not_missed(store: Store, tmp_path: Path) -> None:
    book = book_of(store, tmp_path)
    book.record(sighting("E1"), NOBODY, renew=False)
    book.record(sighting("E1", day=DAY + timedelta(1)), NOBODY, renew=False)
    assert book.log.raw.close(DAY + timedelta(1), T0) == [DAY]
    assert book.log.raw.close(DAY + timedelta(1), T0) == []
    book.log.raw.purge(DAY, T0, "too old")
    assert book.log.days() == [DAY + timedelta(1)]
    assert book.log.read(DAY) == []
    assert book.log.raw.check() == []


def test_people_documents_and_galleries_hold_what_was_put_there(store: Store) -> None:
    people, pins, gallery = PeopleStore(store.people()), PinBook(store.document("pins.json")), gallery_of(store)
    assert (people.all(), pins.any(), len(gallery.current())) == ({}, False, 0)
    odd = Person("E1", 'Zoë 张伟, "=1+1"', active=False, email="zoe@example.org")
    people.put_all([odd, Person("E2", "Ben")])
    people.change("E2", name="Ben B.")
    assert list(people.all().values()) == [odd, Person("E2", "Ben B.")]
    people.remove("E1")
    assert list(people.all()) == ["E2"]
    pins.put("E2", "907461", T0)
    assert PinBook(store.document("pins.json")).check("E2", "907461", T0)
    gallery.update(lambda g: g.add([Template("a", "E1", 0.5), Template("b", "E2", 1.0)], np.vstack([unit(0), unit(1)])))
    gallery.update(lambda g: g.reassign(["b"], "E3"))
    again = gallery_of(store).current()
    assert [(each.template_id, each.person, each.quality) for each in again.templates] == [
        ("a", "E1", 0.5),
        ("b", "E3", 1.0),
    ]
    np.testing.assert_array_equal(again.embeddings, np.vstack([unit(0), unit(1)]))
    assert again.version == gallery.current().version == 2
    gallery.update(lambda g: g.remove("E1"))
    assert gallery_of(store).current().people == ("E3",)
    number, strangers = Gallery.empty("m", "a", DIMENSION).next_stranger()
    gallery_of(store, "strangers").update(lambda g: g.next_stranger()[1].add([Template("s", number, 1)], unit(2)))
    assert gallery_of(store, "strangers").current().next_stranger()[0] == "unknown-2"
    assert strangers.issued == 1


def test_a_gallery_of_another_model_is_refused_until_it_is_superseded(store: Store) -> None:
    gallery_of(store).update(
        lambda g: g.add([Template("a", "E1", 0.5), Template("b", "E2", 1.0)], np.vstack([unit(0), unit(1)]))
    )
    wider = np.eye(2, 2 * DIMENSION, dtype=np.float32)
    other = GalleryStore(store.gallery("people", "n", "a", 2 * DIMENSION), "n", "a", 2 * DIMENSION)
    with pytest.raises(GalleryMismatch, match="made with m and a, but the settings say n and a"):
        other.current()
    old = other.stored()
    assert old is not None
    assert (old.recipe, old.people) == (("m", "a"), ("E1", "E2"))
    new = Gallery("n", "a", wider[:1], old.templates[1:], old.version + 1, old.issued)
    other.supersede(old, new)
    found = GalleryStore(store.gallery("people", "n", "a", 2 * DIMENSION), "n", "a", 2 * DIMENSION).current()
    assert (found.recipe, found.people, found.version) == (("n", "a"), ("E2",), old.version + 1)
    np.testing.assert_array_equal(found.embeddings, wider[:1])
    with pytest.raises(GalleryMismatch, match="changed meanwhile"):
        other.supersede(old, new)
    with pytest.raises(GalleryMismatch, match="made with n and a"):
        gallery_of(store).current()


# --------------------------------------------------------------------------------------------- only a database


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE muster.attendance SET c_timestamp = '2026-11-20T07:00:00+00:00' WHERE position = 3", ["changed"]),
        ("DELETE FROM muster.attendance WHERE position = 3", ["removed"]),
        ("DELETE FROM muster.attendance WHERE position > 4", ["removed"]),
        ("DELETE FROM muster.attendance", ["missing"]),
        ("UPDATE muster.attendance SET position = position + 100 WHERE position = 2", ["moved"]),
        ("UPDATE muster.attendance SET c_employee_id = 'erased-0000000000000000' WHERE position = 2", ["changed"]),
        (
            "DELETE FROM muster.attendance WHERE position > 4; UPDATE muster.chains SET (rows, number, head) = "
            "(SELECT 4, 4, split_part(seal, '.', 3) FROM muster.attendance WHERE position = 4)",
            ["note"],
        ),
    ],
)
def test_whoever_changes_rows_in_the_database_is_found_out(
    place: Place, tmp_path: Path, change: str, found: list[str]
) -> None:
    book = book_of(place.open(), tmp_path)
    for n in range(6):
        book.record(sighting(f"E{n}"), NOBODY, renew=False)
    for statement in change.split(";"):
        place.ask(statement)
    assert sorted({each.what for each in book.log.raw.check()}) == found


def test_the_end_that_was_cut_off_with_its_head_is_missed_when_the_day_was_closed(place: Place, tmp_path: Path) -> None:
    book = book_of(place.open(), tmp_path)
    for n in range(6):
        book.record(sighting(f"E{n}"), NOBODY, renew=False)
    book.log.raw.close(DAY + timedelta(1), T0)
    place.ask("DELETE FROM muster.attendance WHERE position > 4")
    place.ask("DELETE FROM muster.chains WHERE log = 'attendance'")
    assert [each.what for each in book.log.raw.check()] == ["removed"]


def test_two_recorders_have_a_chain_each_and_one_cool_down(place: Place, tmp_path: Path) -> None:
    one, two = (book_of(place.open(name), tmp_path) for name in ("gate", "yard"))
    assert one.record(sighting("E1", 0), NOBODY, renew=False).event == "punch"  # type: ignore[union-attr]
    assert two.record(sighting("E1", 10), NOBODY, renew=False).event == "seen"  # type: ignore[union-attr]
    assert two.record(sighting("E1", 15), NOBODY, renew=False) is None
    assert dict(one.log.raw.shelf.parts()) == {DAY: ["gate", "yard"]}
    assert one.log.read(DAY) == two.log.read(DAY)
    assert len(one.log.read(DAY)) == 2
    assert one.log.raw.check() == []


def test_a_row_whose_answer_was_lost_is_written_once(place: Place, tmp_path: Path) -> None:
    store = place.open()
    book = book_of(store, tmp_path)
    book.record(sighting("E1"), NOBODY, renew=False)
    row = book.log.read(DAY)[0]
    again = Entry(row.event_id, PUNCH.texts(row))
    other = Entry("20261120T080000-000000000001", dict(again.cells) | {"event_id": "20261120T080000-000000000001"})
    store.insert("attendance", DAY, [again, other, again, other])
    assert [each.event_id for each in book.log.read(DAY)] == [row.event_id, other.row_id]
    assert book.log.raw.check() == []


def test_rows_wait_while_the_database_is_away_and_are_drained_in_order(tmp_path: Path) -> None:
    server = Server()
    try:
        server.start()
        place = Place(server, tmp_path)
        store = place.open()
        book, people = book_of(store, tmp_path), PeopleStore(store.people())
        people.put(Person("E1", "Ann"))
        known = people.stamp()
        book.record(sighting("E1", 0), NOBODY, renew=False)
        server.kill()
        for n in range(1, 9):
            book.record(sighting(f"E{n}", 10 + n), NOBODY, renew=False)
        assert store.backlog().rows == 8  # E1's second one is a `seen`: what was written before is still known
        assert people.stamp() == known  # so a camera goes on with the people it knows
        with pytest.raises(StorageError, match=r"cannot be reached|could not be reached"):
            book.log.read(DAY)
        other = place.open("late")  # a process that starts meanwhile
        other_book = book_of(other, tmp_path)
        other_book.record(sighting("E20", 30), NOBODY, renew=False)
        server.start()
        until(lambda: not store.spool and not other.spool)
        rows = book.log.read(DAY)
        assert [row.employee_id for row in rows if row.employee_id != "E20"] == [
            "E1",
            *(f"E{n}" for n in range(1, 9)),
        ]
        assert len(rows) == 10
        assert book.log.raw.check() == []
        assert store.backlog().rows == 0
        place.close()
    finally:
        server.stop()


def test_a_drain_that_was_killed_is_done_again_and_writes_nothing_twice(place: Place, tmp_path: Path) -> None:
    store = place.open()
    entries = [Entry(f"e{n}", {"event_id": f"e{n}", "employee_id": f"E{n}"}) for n in range(7)]
    book = book_of(store, tmp_path)
    with contextlib.suppress(ZeroDivisionError):
        store._stopping.set()  # no thread drains beside us
        store.spool.put("attendance", DAY, entries)

        def cut_off(name: str, day: object, some: object) -> None:
            store.insert(name, DAY, some)  # type: ignore[arg-type]
            raise ZeroDivisionError  # before the spool learns of it

        store.spool.drain(cut_off)
    assert len(book.log.raw.read(DAY)) == 7
    assert store.backlog().rows == 7
    assert store.drain() == 7
    assert not store.spool
    assert [row["event_id"] for row in book.log.raw.read(DAY)] == [f"e{n}" for n in range(7)]
    assert book.log.raw.check() == []


def test_a_row_that_was_changed_in_the_spool_is_kept_aside_and_the_others_are_drained(
    place: Place, tmp_path: Path
) -> None:
    store = place.open()
    store._stopping.set()
    book = book_of(store, tmp_path)
    store.spool.put(
        "attendance", DAY, [Entry(f"e{n}", {"event_id": f"e{n}", "employee_id": f"E{n}"}) for n in range(4)]
    )
    path = place.folder / "w" / "spool" / "waiting-attendance.csv"
    path.write_text(path.read_text().replace('""E2""', '""E9""'))
    assert store.drain() == 3
    assert [row["event_id"] for row in book.log.raw.read(DAY)] == ["e0", "e1", "e3"]
    (aside,) = (place.folder / "w" / "spool").glob("damaged-*.csv")
    assert '""E9""' in aside.read_text()


def test_what_one_process_changes_another_knows_within_two_seconds(place: Place) -> None:
    here, there = place.open("a"), place.open("b")
    polling = DatabaseStore(
        place.workspace("c"),
        place.server.url(place.name),
        site="main",
        timezone="UTC",
        recorder="c",
        sealer=here.logs.sealer,
        clock=lambda: T0,
        listen=False,
    )
    place.opened.append(polling)
    galleries = [gallery_of(each) for each in (there, polling)]
    assert [len(each.current()) for each in galleries] == [0, 0]
    for change, count in ((lambda g: g.add([Template("a", "E1", 1)], unit(0)), 1), (lambda g: g.remove("E1"), 0)):
        gallery_of(here).update(change)
        until(lambda count=count: all(len(each.current()) == count for each in galleries))
    assert place.ask("SELECT count(*) FROM muster.templates") == [(0,)]


def test_a_change_made_meanwhile_is_not_overwritten(place: Place) -> None:
    stores = [place.open(name) for name in ("a", "b", "c")]

    def add(store: DatabaseStore, name: str) -> None:
        for n in range(10):
            key = f"{name}{n}"
            gallery_of(store).update(lambda g, key=key: g.add([Template(key, key, 1)], unit(0)))
            PeopleStore(store.people()).put(Person(key, key))

    threads = [threading.Thread(target=add, args=(each, name)) for each, name in zip(stores, "abc", strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(gallery_of(stores[0]).current()) == 30
    assert gallery_of(stores[0]).current().version == 30
    assert len(PeopleStore(stores[0].people()).all()) == 30


def test_another_time_zone_or_an_unknown_site_is_refused_with_what_to_do(place: Place) -> None:
    with pytest.raises(ConfigError, match=r"Europe/Berlin, but .* is in UTC"):
        Workbench(place.workspace("x", timezone="Europe/Berlin"))
    with pytest.raises(ConfigError, match="muster store init"):
        Workbench(place.workspace("y", "nowhere"))


def test_an_empty_database_an_older_program_and_a_wrong_address_are_told(
    postgres: Server, place: Place, tmp_path: Path
) -> None:
    place.ask("UPDATE muster.alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigError, match="has version 9999"):
        place.open()
    place.name = postgres.new_database()
    with pytest.raises(ConfigError, match="muster store init"):
        place.open()
    workspace = place.workspace()
    (workspace / "muster.toml").write_text('store = "mysql://root:secret@host/db"\n')
    with pytest.raises(ConfigError, match="not an address of a PostgreSQL") as caught:
        Workbench(workspace)
    assert "secret" not in str(caught.value)


def test_a_writer_that_is_killed_again_and_again_loses_nothing_it_said_was_written(
    place: Place, tmp_path: Path
) -> None:
    """The short form of tests/load/store_faults.py."""
    workspace, said = place.workspace("gate"), tmp_path / "said"
    program = Path(__file__).parents[1] / "support" / "store_writer.py"
    for round_ in range(4):
        command = [sys.executable, str(program), str(workspace), str(said), str(round_)]
        child = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": f"{program.parents[2]}:{program.parent}"})
        wanted = 40 * (round_ + 1)
        until(lambda wanted=wanted: said.exists() and said.read_text().count("\n") >= wanted, 30)
        child.send_signal(signal.SIGKILL)
        child.wait()
    store = place.open("gate")
    store.drain()
    book = book_of(store, tmp_path)
    ids = [row.event_id for row in book.log.read(DAY)]
    assert len(ids) == len(set(ids))
    assert set(said.read_text().split("\n")[:-1]) <= set(ids)
    assert book.log.raw.check() == []
