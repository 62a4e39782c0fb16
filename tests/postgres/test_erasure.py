"""Somebody who is erased at the office is erased on every machine of the site, also on those that hear of it later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest
from postgres import Server, running
from sites import DAY, NOBODY, T0, Place, sighting
from waiting import until

from engine.errors import StorageError
from engine.gallery import Gallery, Template
from engine.imaging import encode_jpeg
from engine.incidents.notifications import Message
from engine.operations.doctor import examine
from engine.operations.recording import recording
from engine.operations.upkeep import attended
from engine.people import Person
from engine.postgres import setup
from engine.postgres.spool import Entry
from engine.storage.vault import Owner, read_file
from engine.workbench import Workbench

LATER = T0 + timedelta(minutes=5)
FACE = np.full((60, 60, 3), 90, np.uint8)


class Site:
    """An office and a gate on one database, with one person enrolled."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.now = T0
        self.office = self.bench("office", place.login("workbench", "main"))
        self.gate_login = place.login("recorder", "main")
        self.gate = self.bench("gate", self.gate_login)
        self.enrol("E1", "Ann Lee")

    def bench(self, name: str, login: str) -> Workbench:
        return Workbench(self.place.workspace(name, login=login), clock=lambda: self.now)

    def enrol(self, person: str, name: str) -> None:
        row = np.eye(self.office.spec.dimension, dtype=np.float32)[:1]
        self.office.people.put(Person(person, name, enrolled_at=self.now.isoformat()))
        self.office.gallery.update(lambda gallery: gallery.add([Template(f"{person}-1", person, 1.0)], row))

    def punch(self, seconds: float = 0, person: str = "E1", *, picture: bool = True) -> None:
        """What a recorder writes when it recognises somebody."""
        name = f"images/evidence/20261120T08{round(seconds):04}-{person}.jpg" if picture else ""
        if picture:
            owner = Owner.evidence("evidence", "2026-11", person)
            self.gate.records.vault.write(self.gate.workspace / name, encode_jpeg(FACE), owner)
        self.gate.attendance.record(sighting(person, seconds), NOBODY, name, renew=False)

    def message(self, incident: str, person: str) -> Path:
        """A message that waits at the gate."""
        made = Message(
            message_id=f"20261120T08000{incident}-aa",
            incident_id=incident,
            rule="r",
            channel="json://x",
            place=1,
            created=T0,
            next_at=T0,
            title="t",
            body="b",
            facts={"employee_ids": person},
        )
        self.gate.outbox.queue([made])
        return self.gate.outbox.folder / f"{made.message_id}.json"

    def pictures(self, bench: Workbench) -> list[Path]:
        return sorted((bench.workspace / "images").rglob("*.jpg"))

    def rows(self) -> list[str]:
        return [row.employee_id for row in self.office.attendance.log.read(DAY)]

    def close(self) -> None:
        for each in (self.office, self.gate):
            each.store.close()


@pytest.fixture
def site(place: Place) -> Iterator[Site]:
    site = Site(place)
    yield site
    site.close()


@pytest.fixture
def server() -> Iterator[Server]:
    """One of its own: it is killed."""
    with running() as server:
        yield server


def _concern(bench: Workbench) -> list[str]:
    return [check.found for check in examine(bench.workspace, thorough=False) if check.what == "erased people"]


def test_another_machine_erases_its_pictures_and_messages_and_confirms(site: Site) -> None:
    site.punch()
    site.punch(70, "E2")
    theirs, other = site.message("1", "E1"), site.message("2", "E2")
    assert len(site.pictures(site.gate)) == 2
    site.gate.settings_desk.change({("cameras", "entrance", "hosts"): ["E1"]}, author="")
    receipt = site.office.privacy.forget("E1", thorough=False)
    assert receipt["machines_that_have_not_confirmed"] == ["gate"]
    assert site.gate.settings_desk.last() is not None
    assert any("gate" in each for each in _concern(site.office))
    assert site.gate.privacy.catch_up() == 1
    assert len(site.pictures(site.gate)) == 1
    assert not theirs.exists()
    assert other.exists()
    assert site.gate.settings_desk.last() is None
    assert site.gate.records.vault.ring.owners("evidence") == [Owner.evidence("evidence", "2026-11", "E2")]
    assert _concern(site.office) == []
    assert site.gate.privacy.catch_up() == 0

    def told() -> list[str]:
        return [row["subject"] for row in site.office.audit.raw.read() if row["author"] == "engine"]

    until(
        told
    )  # the change of settings is no row that a recorder writes, so what follows it waits in the spool for a moment
    assert told() == [receipt["subject"]]
    assert site.office.records.verify() == []


@pytest.mark.parametrize("person", ["E1", "ann.lee"])
def test_a_row_that_waited_meanwhile_arrives_without_the_id_and_its_picture_is_gone(
    server: Server, tmp_path: Path, person: str
) -> None:
    site = Site(Place(server, tmp_path))
    site.enrol(person, "Ann Lee")
    site.punch(0, "E2")  # binds the login to its recorder
    server.kill()
    site.punch(0, person)
    site.punch(70, "E2")
    assert len(site.pictures(site.gate)) == 3
    site.gate.store.close()  # it is switched off
    server.start()
    pseudonym = site.office.privacy.forget(person, thorough=False)["subject"]
    site.gate = site.bench("gate", site.gate_login)
    until(lambda: not site.gate.store.backlog().rows)  # type: ignore[union-attr]
    assert sorted(site.rows()) == sorted(["E2", "E2", pseudonym])
    assert len(site.pictures(site.gate)) == 2
    assert site.office.records.verify() == []
    assert all(person.encode() not in path.read_bytes() for path in (site.gate.workspace / "spool").glob("[!.]*"))
    site.close()
    site.place.close()


def test_no_row_enters_from_the_moment_on_that_somebody_is_being_erased(site: Site) -> None:
    site.punch(0)
    shared = site.office.store.erasures()
    assert shared is not None
    site.office.people.put(Person("E1", "Ann Lee", active=False))
    shared.begin("R1", site.office.records.sealer.pseudonym("E1"), site.now)
    site.punch(70)  # a track that was decided before
    assert site.rows() == ["E1", site.office.records.sealer.pseudonym("E1")]
    assert len(site.pictures(site.gate)) == 1
    assert site.gate.privacy.catch_up() == 0  # what there is to erase is not known yet


def test_an_id_that_somebody_else_gets_later_is_theirs(site: Site) -> None:
    site.punch(0)
    site.office.privacy.forget("E1", thorough=False)
    site.now = LATER
    site.enrol("E1", "Eve New")
    pseudonym = site.office.records.sealer.pseudonym("E1")
    site.punch(299)  # a row from before, on its way until now
    site.punch(400)
    assert site.rows() == [pseudonym, pseudonym, "E1"]


def test_whoever_gets_an_id_again_without_a_face_is_not_taken_for_the_one_who_had_it(site: Site) -> None:
    site.office.privacy.forget("E1", thorough=False)
    site.office.people.put(Person("E1", "Eve New"))  # only by PIN
    site.punch(10, picture=False)
    assert site.rows() == ["E1"]


def test_what_the_database_refused_keeps_no_id_of_them(site: Site) -> None:
    store = site.gate.store
    bad = {"event_id": "x1", "timestamp": T0.isoformat(), "employee_id": "E1", "author": "somebody"}
    site.gate.store.spool.put("attendance", DAY, [Entry("x1", bad)])  # type: ignore[attr-defined]
    until(lambda: store.backlog().refused == 1 and not store.backlog().rows)  # type: ignore[union-attr]
    refused = site.gate.workspace / "spool" / "refused.csv"
    assert "E1" in refused.read_text()
    site.office.privacy.forget("E1", thorough=False)
    site.gate.privacy.catch_up()
    until(lambda: store.backlog().refused == 1 and not store.backlog().rows)  # type: ignore[union-attr]
    assert "E1" not in refused.read_text()


def test_a_machine_that_runs_does_it_by_itself_with_its_copies(site: Site) -> None:
    site.punch()
    with attended(site.gate), recording(site.gate, "gate"):
        site.gate.gallery.current()
        known = site.gate.workspace / "known" / "people.safetensors"
        until(known.exists)
        site.office.privacy.forget("E1", thorough=False)
        until(lambda: not site.office.privacy.unconfirmed(), 20)
        assert site.pictures(site.gate) == []
        assert Gallery.from_bytes(read_file(known), "known").people == ()


def test_a_copy_that_another_process_left_is_renewed_before_the_machine_confirms(site: Site) -> None:
    with recording(site.gate, "gate"):
        site.gate.gallery.current()
        until((site.gate.workspace / "known" / "people.safetensors").exists)
    site.gate.store.close()
    site.office.privacy.forget("E1", thorough=False)
    site.gate = site.bench("gate", site.gate_login)
    assert site.gate.privacy.catch_up() == 1
    content = read_file(site.gate.workspace / "known" / "people.safetensors")
    assert Gallery.from_bytes(content, "known").people == ()


def test_a_recorder_that_never_came_is_named_until_it_is_revoked(site: Site) -> None:
    receipt = site.office.privacy.forget("E1", thorough=False)
    assert receipt["machines_that_have_not_confirmed"] == [site.gate_login]  # it has not said its name yet
    later = site.place.login("kiosk", "main")  # granted after that: it holds nothing
    with site.place.database() as database:
        setup.revoke(database, site.gate_login)
    assert site.office.privacy.unconfirmed() == {}
    assert later


def test_an_erasure_that_was_interrupted_is_done_with_the_next(site: Site) -> None:
    site.punch()
    blocked = site.office.workspace / "outbox"
    blocked.write_text("in the way")
    with pytest.raises(StorageError):
        site.office.privacy.forget("E1", thorough=False)
    assert site.office.privacy.catch_up() == 0  # not beside whoever erases them here
    assert "office" in site.office.privacy.unconfirmed()
    blocked.unlink()
    site.office.privacy.forget("E1", thorough=False)
    assert site.gate.privacy.catch_up() == 2
    assert site.office.privacy.unconfirmed() == {}


def test_a_recorder_learns_pseudonyms_and_its_own_pictures_alone(site: Site) -> None:
    site.punch()
    other = Workbench(site.place.workspace("back", login=site.place.login("kiosk", "main")), clock=lambda: site.now)
    other.attendance.record(sighting("E1", 100), NOBODY, "images/evidence/20261120T090000-x.jpg", renew=False)
    site.office.privacy.forget("E1", thorough=False)
    query = "SELECT recorder FROM muster.erased_things WHERE kind = 'picture' AND recorder <> ''"
    assert site.place.ask(query, login=site.gate_login) == [("gate",)]
    assert site.place.ask(
        "SELECT count(*) FROM muster.erasures WHERE pseudonym LIKE 'erased-%%'", login=site.gate_login
    ) == [(1,)]
    for statement in (
        "SELECT * FROM muster.unconfirmed('main')",
        "SELECT * FROM muster.confirmations",
        "SELECT * FROM muster.machines",
        "INSERT INTO muster.erasures (site, erasure_id, pseudonym, erased_at) VALUES ('main', 'x', 'y', now())",
        "UPDATE muster.erasures SET complete = false",
        "DELETE FROM muster.erased_things",
        "INSERT INTO muster.confirmations (site, erasure_id, login, machine, detail) VALUES ('main', 'x', 'office', 'office', '')",
        "INSERT INTO muster.machines (site, machine) VALUES ('other', 'gate')",
    ):
        with pytest.raises(psycopg.Error, match=r"denied|row-level security"):
            site.place.ask(statement, login=site.gate_login)
    other.store.close()


def test_a_recorder_erases_its_own_pictures_when_their_time_is_over(site: Site) -> None:
    site.punch()
    assert site.gate.privacy.purge_in_time(author="engine") == []  # the first look at the clock
    for days in (1, 29, 58, 87, 91, 92, 110, 111):
        site.now = T0 + timedelta(days=days)
        site.gate.privacy.purge_in_time(author="engine")
    assert site.pictures(site.gate) == []
    assert not list((site.gate.workspace / "quarantine").rglob("*.jpg"))
    assert site.rows() == ["E1"]  # rows are the office's
    assert "purge" in [row["action"] for row in site.office.audit.raw.read()]
