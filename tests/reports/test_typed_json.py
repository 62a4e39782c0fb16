"""Rows as JSON: every time of a sheet has its offset, whichever column it is in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sheets import row

from engine.reports import COLUMNS
from engine.reports.typed_json import SHEET_FIELDS, sheet_json


def test_columns_of_local_times_are_times() -> None:
    told = {name for name, meaning in COLUMNS.items() if meaning.startswith("local time")}
    assert told >= {"first_in", "last_out", "planned_in", "counted_in", "counted_out"}
    assert {column.name for column in SHEET_FIELDS if column.form == "time"} >= told


def test_a_rounded_arrival_has_its_offset() -> None:
    rounded = replace(row(2), counted_in=datetime(2026, 11, 2, 9, tzinfo=ZoneInfo("Europe/Berlin")))
    assert sheet_json(rounded, closed=False)["counted_in"] == "2026-11-02T09:00:00+01:00"
    assert sheet_json(rounded, closed=False)["counted_out"] is None
