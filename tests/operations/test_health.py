"""What monitoring is told about a served workspace."""

from __future__ import annotations

from pathlib import Path

from engine.operations.health import health
from engine.operations.standing import PartStanding, Standing, write_standing


def test_a_workspace_whose_folder_went_away_is_not_well(tmp_path: Path) -> None:
    parts = {"workbench": PartStanding("running")}
    write_standing(tmp_path, Standing(1, "", parts))
    assert health(tmp_path).faults == ()
    write_standing(tmp_path, Standing(1, "", parts, gone=True))
    (fault,) = health(tmp_path).faults
    assert "the folder of the workspace is gone" in fault


def test_every_part_that_does_not_run_is_a_fault(tmp_path: Path) -> None:
    parts = {"workbench": PartStanding("running"), "recorder": PartStanding("waiting", why="ended by signal 9")}
    write_standing(tmp_path, Standing(1, "", parts, ("north",), "cool_down_s is wrong"))
    assert health(tmp_path).faults == (
        "recorder is waiting (ended by signal 9)",
        "the newest settings are not followed",
        "nobody records camera north",
    )
