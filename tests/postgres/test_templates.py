"""Templates in the database are encrypted with a key that the database never has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command import muster
from sites import NOBODY, Place, book_of, gallery_of, sighting, unit

from engine.errors import StorageError
from engine.gallery import Template
from engine.postgres.database import DatabaseStore

PLAIN = unit(0).astype("<f4").tobytes()


def held(place: Place, table: str = "templates") -> list[bytes]:
    return [bytes(row[0]) for row in place.ask(f"SELECT embedding FROM muster.{table} ORDER BY seq")]  # type: ignore[call-overload]


def enrol(store: DatabaseStore, *people: str) -> None:
    made = [Template(f"t-{each}", each, 1.0) for each in people]
    rows = np.vstack([unit(place) for place in range(len(people))])
    gallery_of(store).update(lambda gallery: gallery.add(made, rows))


def test_the_database_holds_no_embedding_and_every_machine_reads_them(place: Place) -> None:
    enrol(place.open("office"), "E1", "E2")
    strangers = gallery_of(place.open("gate", login=place.login("recorder", "main")), "strangers")
    strangers.update(lambda gallery: gallery.next_stranger()[1].add([Template("s", "unknown-1", 1)], unit(0)))
    everything = b"".join([*held(place), *held(place, "strangers")])
    assert PLAIN not in everything
    assert all(content.startswith(b"MTS1") for content in held(place))
    again = gallery_of(place.open("lobby", login=place.login("kiosk", "main"))).current()
    assert again.people == ("E1", "E2")
    np.testing.assert_array_equal(again.embeddings, np.vstack([unit(0), unit(1)]))


def test_templates_of_two_people_that_were_exchanged_name_nobody(place: Place) -> None:
    enrol(place.open("office"), "E1", "E2", "E3")
    first, second, _ = held(place)
    for person, content in (("E1", second), ("E2", first)):
        place.ask("UPDATE muster.templates SET embedding = %s WHERE person = %s", content, person)
    assert gallery_of(place.open("gate")).current().people == ("E3",)
    place.ask("UPDATE muster.templates SET person = 'E1' WHERE person = 'E3'")
    assert gallery_of(place.open("yard")).current().people == ()


def test_a_template_that_changes_hands_is_encrypted_for_its_new_owner(place: Place) -> None:
    enrol(place.open("office"), "E1")
    gallery = gallery_of(place.open("office"))
    gallery.update(lambda before: before.remove("E1").add([Template("t-E1", "E9", 1.0)], unit(0)))
    assert gallery_of(place.open("gate")).current().people == ("E9",)


def test_a_machine_with_another_seal_key_is_told_and_writes_nothing(place: Place, tmp_path: Path) -> None:
    office = place.open("office")
    book_of(office, tmp_path).record(sighting("E1"), NOBODY, renew=False)
    wrong = place.open("wrong", login=place.login("workbench", "main"))
    (place.folder / "wrong" / "seal.key").write_text("6b" * 32 + "\n")
    with pytest.raises(StorageError, match="not sealed with the key"):
        enrol(wrong, "E1")
    assert held(place) == []
    enrol(office, "E1")
    with pytest.raises(StorageError, match="encrypted with the seal key"):
        gallery_of(wrong).current()


def test_the_migration_encrypts_what_an_earlier_version_wrote(place: Place) -> None:
    store = place.open("office")
    enrol(store, "E1")
    place.ask("UPDATE muster.templates SET embedding = %s", PLAIN)
    assert gallery_of(place.open("before")).current().people == ("E1",)
    done = muster("store", "migrate", "--workspace", place.folder / "office")
    assert done.code == 0, done.err
    assert "Templates encrypted: 1" in done.out
    assert held(place)[0].startswith(b"MTS1")
    assert gallery_of(place.open("after")).current().people == ("E1",)
    again = muster("store", "migrate", "--workspace", place.folder / "office")
    assert "encrypted" not in again.out
