"""Periods by purpose hold for new workspaces; what an older one kept goes on until somebody says otherwise."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from fakes import T0
from paperwork import Clock

from engine.config import load_config
from engine.operations.doctor import examine
from engine.privacy.looks import NAME, look
from engine.workbench import Workbench

NEW, OLD = (30, 30, 365), (90, 90, 90)


def periods(workspace: Path) -> tuple[int | None, ...]:
    kept = load_config(workspace).retention
    return kept.evidence_images, kept.tailgating_images, kept.sightings


def looked(workspace: Path, by_purpose: bool | None) -> None:
    told = {"trusted": "2026-11-20", "earlier": "2026-11-19", "strange": []}
    told |= {} if by_purpose is None else {"by_purpose": by_purpose}  # type: ignore[dict-item]
    (workspace / NAME).write_text(json.dumps(told))


def test_a_new_workspace_keeps_decisions_for_a_year_and_pictures_for_a_month(tmp_path: Path) -> None:
    assert periods(tmp_path) == NEW
    look(Workbench(tmp_path, clock=Clock(T0)).records)
    assert json.loads((tmp_path / NAME).read_text())["by_purpose"] is True
    (tmp_path / "log").mkdir(exist_ok=True)
    (tmp_path / "log" / "attendance-2026-01-02.csv").touch()  # as time goes by
    assert periods(tmp_path) == NEW


@pytest.mark.parametrize("sign", ["look", "logs"])
def test_an_older_workspace_goes_on_as_before(tmp_path: Path, sign: str) -> None:
    if sign == "look":
        looked(tmp_path, None)
    else:
        (tmp_path / "log").mkdir()
        (tmp_path / "log" / "attendance-2026-01-02.csv").touch()
    assert periods(tmp_path) == OLD
    clock = Clock(T0)
    for _ in range(3):
        look(Workbench(tmp_path, clock=clock).records)
        clock.now += timedelta(days=1)
        assert periods(tmp_path) == OLD, "a look later, too"
    look(Workbench(tmp_path, clock=clock).records, trust=True)
    assert periods(tmp_path) == OLD
    (tmp_path / "muster.toml").write_text("[retention]\nevidence_images = 20\n")
    assert periods(tmp_path) == (20, 90, 90)


def test_the_check_up_says_that_periods_are_as_before(tmp_path: Path) -> None:
    looked(tmp_path, None)
    (found,) = [each for each in examine(tmp_path, thorough=False) if each.what == "retention"]
    assert (found.found, found.state) == ("decisions 90 days, pictures up to 90 days", "advice")
    (tmp_path / "muster.toml").write_text(
        "[retention]\nevidence_images = 30\ntailgating_images = 30\nsightings = 365\n"
    )
    (found,) = [each for each in examine(tmp_path, thorough=False) if each.what == "retention"]
    assert (found.found, found.state) == ("decisions 365 days, pictures up to 30 days", "ok")
