"""A demonstration can be played again in the folder of an earlier one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.demo.run import clear_demo, prepare_demo
from engine.types import NOBODY
from engine.workbench import Workbench


def test_a_cleared_demo_takes_new_people_and_its_seals_hold(tmp_path: Path) -> None:
    for name in ("Ada", "Grace"):
        clear_demo(tmp_path)
        prepare_demo(tmp_path)
        records = Workbench(tmp_path).records
        assert not records.people.all()
        records.people.put(replace(NOBODY, employee_id=name.lower(), name=name))
        assert list(records.people.all()) == [name.lower()]
        assert not [each for each in records.verify() if not each.harmless]
