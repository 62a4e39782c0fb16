"""A recorder that begins while the database is away: it knows whom it knew, writes to its spool, and takes up what changed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from postgres import Server, running
from recordings import Walk, walking_video
from sites import T0, Place
from waiting import until

from engine.errors import StorageError, Unreachable
from engine.gallery import Gallery, Template
from engine.models import ModelStore
from engine.operations.recording import recording
from engine.people import Person
from engine.sources import VideoSource
from engine.storage.vault import is_sealed, read_file
from engine.workbench import Workbench


@pytest.fixture
def server() -> Iterator[Server]:
    """One of its own: it is killed."""
    with running() as server:
        yield server


def _bench(workspace: Path) -> Workbench:
    return Workbench(workspace, clock=lambda: T0)


def _kept(workspace: Path) -> list[str]:
    """Whose templates a recorder keeps."""
    path = workspace / "known" / "people.safetensors"
    if not path.exists():
        return []
    content = path.read_bytes()
    assert is_sealed(content)
    return sorted({each.person for each in Gallery.from_bytes(read_file(path), str(path)).templates})


def _enrolled(bench: Workbench, *who: str) -> None:
    """Templates that no picture was taken for."""
    rng = np.random.default_rng(1)
    for person in who:
        row = rng.normal(size=(1, bench.spec.dimension)).astype(np.float32)
        row /= np.linalg.norm(row)
        bench.people.put(Person(person, person))
        made = [Template(f"{person}-1", person, 1.0)]
        bench.gallery.update(lambda gallery, made=made, row=row: gallery.add(made, row))  # type: ignore[misc]


@pytest.mark.models
def test_a_recorder_that_begins_without_the_database_recognises_and_loses_nothing(
    server: Server, tmp_path: Path, store: ModelStore, samples: Path
) -> None:
    place = Place(server, tmp_path)
    office = Workbench(place.workspace("office"), models=store)
    gate = place.workspace("gate", login=place.login("recorder", "main"))
    office.registrar.enrol_photos("E1", "Elton", sorted((samples / "train" / "elton_john").glob("*.jpg"))[:6])
    bench = Workbench(gate, models=store)
    with recording(bench, "gate"):
        bench.gallery.current()
        until(lambda: _kept(gate) == ["E1"])
    bench.store.close()
    elton, other = (samples / "val" / each for each in ("elton_john/01.jpg", "jerry_seinfeld/03.jpg"))
    walking_video(tmp_path / "door.mp4", 22, [Walk(elton, 1, 9), Walk(other, 12, 20)])
    server.kill()
    bench = Workbench(gate, models=store)
    assert bench.people.known()["E1"].name == "Elton"
    stats = bench.pipeline("gate").run(VideoSource(tmp_path / "door.mp4", "gate", start=T0, fast=True))
    assert (stats.punches, stats.incidents["unknown"]) == (1, 1)
    rows = bench.store.backlog().rows  # type: ignore[union-attr]
    assert rows >= 2
    server.start()
    until(lambda: not bench.store.backlog().rows)  # type: ignore[union-attr]
    assert [row.employee_id for row in office.attendance.log.read(T0.date()) if row.event == "punch"] == ["E1"]
    (alert,) = (row for row in office.incidents.log.raw.read(T0.date()) if row["kind"] == "unknown")
    assert (gate / alert["image"]).is_file()
    assert alert["unknown_ids"] == ""  # numbers are given by the database
    assert office.records.verify() == []
    office.privacy.forget("E1", thorough=False)
    until(lambda: not bench.gallery.current().people, 2)
    assert bench.people.known() == {}
    for each in (bench, office):
        each.store.close()
    place.close()


def test_who_was_enrolled_or_forgotten_meanwhile_is_known_once_the_database_is_back(
    server: Server, tmp_path: Path
) -> None:
    place = Place(server, tmp_path)
    office = _bench(place.workspace("office"))
    gate = place.workspace("gate", login=place.login("recorder", "main"))
    _enrolled(office, "E1", "E2")
    recorder = _bench(gate)
    with recording(recorder, "gate"):
        recorder.gallery.current()
        until(lambda: _kept(gate) == ["E1", "E2"])
        office.gallery.update(lambda gallery: gallery.remove("E2"))
        until(lambda: _kept(gate) == ["E1"], 2)  # nobody passed, and yet their templates are gone
        recorder.store.close()
    office.gallery.update(lambda gallery: gallery.remove("E1"))
    _enrolled(office, "E3")
    server.kill()
    again = _bench(gate)
    assert again.gallery.current().people == ("E1",)
    server.start()
    until(lambda: again.gallery.current().people == ("E3",))
    with recording(again, "gate"):
        until(lambda: _kept(gate) == ["E3"])
    again.store.close()
    office.store.close()
    place.close()


def test_what_a_camera_need_not_know_is_away_with_the_database(server: Server, tmp_path: Path) -> None:
    place = Place(server, tmp_path)
    gate = place.workspace("gate")
    bench = _bench(gate)
    _enrolled(bench, "E1")
    bench.accounts.add("ann", "hr", "a long enough password")
    with recording(bench, "gate"):
        bench.gallery.current()
        until(lambda: _kept(gate) == ["E1"])
    bench.store.close()
    assert sorted(path.name for path in (gate / "known").glob("[!.]*")) == [
        "people.csv",
        "people.safetensors",
        "versions.json",
    ]
    server.kill()
    again = _bench(gate)
    assert again.gallery.current().people == ("E1",)
    for asked in (
        again.accounts.all,
        lambda: again.pins.check("E1", "1234", T0),
        again.devices.all,
        again.attendance.log.days,
    ):
        with pytest.raises(StorageError):  # never "there are none"
            asked()
    again.store.close()
    place.close()


@pytest.mark.parametrize("what", ["switched off", "another site", "damaged", "never there"])
def test_copies_that_are_none_are_not_taken_for_some(server: Server, tmp_path: Path, what: str) -> None:
    place = Place(server, tmp_path)
    place.add_site("north")
    gate = place.workspace("gate")
    bench = _bench(gate)
    _enrolled(bench, "E1")
    if what != "never there":
        with recording(bench, "gate"):
            bench.gallery.current()
            until(lambda: _kept(gate) == ["E1"])
    bench.store.close()
    settings, index = gate / "muster.toml", gate / "known" / "versions.json"
    if what == "switched off":
        settings.write_text(settings.read_text() + "offline_start = false\n")
    elif what == "another site":
        settings.write_text(settings.read_text().replace('site = "main"', 'site = "north"'))
    elif what == "damaged":
        index.write_text(index.read_text()[:-5])
    server.kill()
    with pytest.raises(StorageError, match="versions.json is damaged" if what == "damaged" else "reached") as error:
        _bench(gate).gallery.current()
    assert isinstance(error.value, Unreachable) == (what != "damaged")
    if what == "switched off":
        with recording(_bench(gate), "gate"):
            assert not (gate / "known").exists()
    server.start()
    again = _bench(gate)
    if what == "damaged":
        with recording(again, "gate"):
            assert again.gallery.current().people == ("E1",)
            until(lambda: index.read_text().endswith("}"))  # made anew
    again.store.close()
    place.close()
