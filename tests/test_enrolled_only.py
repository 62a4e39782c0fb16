"""People on real photos who are not enrolled pass a door that keeps nothing of strangers: nothing is left of them, on any store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from bystanders import passing
from fakes import ListSource
from numpy.typing import NDArray
from postgres import Server
from sites import Place
from traces import contents, left_behind

from engine.config import load_config
from engine.imaging import crop_around, read_image
from engine.models import ModelStore
from engine.workbench import Workbench

pytestmark = pytest.mark.models

T0 = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ENROLLED = "jerry_seinfeld"
STRANGERS = ("ben_afflek", "elton_john", "madonna", "mindy_kaling")


@pytest.fixture(scope="module")
def faces(samples: Path, store: ModelStore, tmp_path_factory: pytest.TempPathFactory) -> dict[str, NDArray[np.uint8]]:
    """The face of each person on a photo, with its surroundings."""
    detector = Workbench(tmp_path_factory.mktemp("cutting"), models=store).reader.detector
    found = {}
    for person in (ENROLLED, *STRANGERS):
        photo = read_image(sorted((samples / "val" / person).glob("*.jpg"))[0])
        seen = detector.detect_photo(photo)
        found[person] = crop_around(photo, seen.boxes[seen.areas.argmax()], grow=0.5)
    return found


@pytest.fixture(params=["plain", "encrypted", "database"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Place | None]]:
    """A workspace that keeps nothing of strangers."""
    settings = f'[strangers]\nkeep = "nothing"\n[encryption]\nat_rest = {str(request.param != "plain").lower()}\n'
    if request.param != "database":
        folder = tmp_path / "data"
        folder.mkdir()
        (folder / "muster.toml").write_text(settings)
        yield folder, None
        return
    server: Server = request.getfixturevalue("postgres")
    place = Place(server, tmp_path)
    folder = place.workspace()
    with (folder / "muster.toml").open("a") as handle:
        handle.write(settings)
    yield folder, place
    place.close()


def tables(place: Place | None) -> dict[str, list[str]]:
    """All rows of a database."""
    if place is None:
        return {}
    names = place.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'muster' ORDER BY 1")
    return {str(name): [repr(row) for row in place.ask(f"SELECT * FROM muster.{name}")] for (name,) in names}


def walk(bench: Workbench, groups: Sequence[Sequence[NDArray[np.uint8]]], run_id: str) -> None:
    pipeline = bench.pipeline("door", run_id=run_id)
    stats = pipeline.run(ListSource(list(passing(groups, T0))))
    assert stats.tracks >= len(groups)
    assert stats.embedded >= 5 * len(groups)  # they were looked at well enough to be somebody


def test_of_people_who_are_not_enrolled_nothing_is_left(
    workspace: tuple[Path, Place | None], faces: dict[str, NDArray[np.uint8]], samples: Path, store: ModelStore
) -> None:
    folder, place = workspace
    bench = Workbench(folder, load_config(folder), models=store, clock=lambda: T0)
    bench.registrar.enrol_photos(ENROLLED, "Jerry", sorted((samples / "train" / ENROLLED).glob("*.jpg"))[:4])
    before, rows = contents(folder), tables(place)

    walk(bench, [[faces[each]] for each in STRANGERS[:2]] + [[faces[each] for each in STRANGERS[2:]]], "bystanders")
    assert left_behind(before, contents(folder)) == []
    new = {name: [row for row in found if row not in rows[name]] for name, found in tables(place).items()}
    assert [(name, row) for name, found in new.items() for row in found if "coverage" not in f"{name} {row}"] == []

    walk(bench, [[faces[ENROLLED], faces[STRANGERS[0]]]], "together")
    day = bench.incidents.day_of(T0)
    assert [row.employee_id for row in bench.attendance.log.read(day) if row.event == "punch"] == [ENROLLED]
    (told,) = bench.incidents.log.read(day)
    assert (told.kind, told.people, told.employee_ids) == ("tailgating", 2, (ENROLLED,))
    assert (told.image, told.unknown_ids) == ("", ())
    assert [face.employee_id for face in bench.records.seen.about(lambda _: True)] == [ENROLLED]
    bench.store.close()
