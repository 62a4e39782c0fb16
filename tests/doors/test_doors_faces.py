"""A door before a camera that sees real faces: a living person whom it is meant for opens it, and nobody else."""

from __future__ import annotations

import time as clock
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.access.doors import DoorBook, DoorKeeper
from engine.config import DoorConfig
from engine.imaging import list_images
from engine.storage.logs import FileLogs
from engine.types import Frame
from engine.workbench import Workbench
from tests.bench.attacks import subjects
from tests.bench.presentations import FPS, Subject, render

pytestmark = [pytest.mark.models, pytest.mark.alone]

BEGIN = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DOOR = DoorConfig(action="dry_run", cameras=("entrance",), people=("E1",))
RGB = NDArray[np.uint8]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Workbench:
    """Ben Afflek is enrolled with photos of one folder; those of the other stand before the camera."""
    found = Workbench(tmp_path_factory.mktemp("doors") / "w")
    found.registrar.enrol_photos("E1", "Ben Afflek", list_images(samples / "train" / "ben_afflek")[:6])
    return found


@pytest.fixture(scope="module")
def shown(bench: Workbench, samples: Path) -> dict[str, Subject]:
    found = subjects(samples, bench.reader.detector, ("ben_afflek", "mindy_kaling"), limit=1)
    return {each.person: each for each in found}


def told(bench: Workbench, folder: Path, frames: Iterable[RGB]) -> list[tuple[str, str, tuple[str, ...]]]:
    """What the door log says after an empty room, these frames, and an empty room again."""
    now = [BEGIN]
    book = DoorBook(FileLogs(folder / "log"))
    keeper = DoorKeeper(lambda: {"main": DOOR}, UTC, lambda: now[0], book, None)
    bench.door_keeper = keeper
    pipeline = bench.pipeline("entrance", live=True, opens=True)
    taken = list(frames)
    empty = [np.full_like(taken[0], 110)] * round(2.5 * FPS)
    for index, image in enumerate([*empty, *taken, *empty]):
        now[0] = BEGIN + timedelta(seconds=index / FPS)
        pipeline.process(Frame(image, now[0], "entrance", index))
        clock.sleep(0.01)  # a face is embedded in a thread of its own
    pipeline.finish()
    keeper.close()
    return [(row.employee_id, row.result, row.reasons) for row in book.log.on(book.log.days())]


def test_a_living_person_who_was_chosen_opens_it(bench: Workbench, shown: dict[str, Subject], tmp_path: Path) -> None:
    assert told(bench, tmp_path, render(shown["ben_afflek"], "turns the head", 3)) == [("E1", "dry_run", ())]


def test_whoever_is_not_proven_alive_does_not(bench: Workbench, shown: dict[str, Subject], tmp_path: Path) -> None:
    rows = told(bench, tmp_path, islice(render(shown["ben_afflek"], "talks", 3), round(4 * FPS)))
    assert rows
    assert {(who, result) for who, result, _ in rows} == {("E1", "refused")}
    assert all("liveness" in reasons for *_, reasons in rows)


def test_a_stranger_is_not_even_noted(bench: Workbench, shown: dict[str, Subject], tmp_path: Path) -> None:
    assert told(bench, tmp_path, islice(render(shown["mindy_kaling"], "turns the head", 3), round(6 * FPS))) == []


def test_nobody_slips_in_beside_whom_it_is_meant_for(
    bench: Workbench, shown: dict[str, Subject], tmp_path: Path
) -> None:
    both = zip(*(render(shown[who], "turns the head", 3) for who in ("ben_afflek", "mindy_kaling")), strict=True)
    rows = told(bench, tmp_path, (np.hstack(pair) for pair in both))
    assert rows
    assert {(who, result) for who, result, _ in rows} == {("E1", "refused")}
    assert all("not_alone" in reasons for *_, reasons in rows)
