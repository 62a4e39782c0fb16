"""Real faces on a database: somebody enrolled in one process is known in another, and forgotten there, too."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from postgres import Server
from sites import Place

from engine.models import ModelStore
from engine.workbench import Workbench

pytestmark = [pytest.mark.models]

WITHIN_S = 2.0


def test_who_is_enrolled_here_is_recognised_there_and_who_is_forgotten_here_is_not(
    postgres: Server, tmp_path: Path, store: ModelStore, samples: Path
) -> None:
    place = Place(postgres, tmp_path)
    office = Workbench(place.workspace("office"), models=store)
    gate = place.workspace("gate", login=place.login("recorder", "main"))
    program = Path(__file__).parents[1] / "support" / "store_watcher.py"
    (probe, *_) = sorted((samples / "val" / "elton_john").glob("*.jpg"))
    child = subprocess.Popen(
        [sys.executable, str(program), str(gate), str(probe)],
        env=os.environ | {"PYTHONPATH": str(program.parents[2])},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None

    def told() -> tuple[float, str]:
        moment, who = child.stdout.readline().split()  # type: ignore[union-attr]
        return float(moment), who

    try:
        assert told()[1] == "None"
        photos = sorted((samples / "train" / "elton_john").glob("*.jpg"))[:6]
        office.registrar.enrol_photos("E1", "Elton", photos)
        enrolled = time.time()
        moment, who = told()
        assert who == "E1"
        assert moment - enrolled < WITHIN_S
        assert place.ask("SELECT count(*) FROM muster.templates") == [(len(office.gallery.current().templates),)]
        receipt = office.privacy.forget("E1", author="ann", thorough=False)
        forgotten = time.time()
        moment, who = told()
        assert who == "None"
        assert moment - forgotten < WITHIN_S
        assert receipt["templates"]
        for table in ("templates", "strangers", "anchors", "people"):
            assert place.ask(f"SELECT count(*) FROM muster.{table}") == [(0,)], table
        assert office.records.verify() == []
    finally:
        child.kill()
        child.communicate()
        office.store.close()
        place.close()
