"""What a sighting becomes in the attendance log, decided from times alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fakes import at

from engine.attendance.rules import event_for

COOL_DOWN = timedelta(seconds=60)


@pytest.mark.parametrize(
    ("second", "arrival", "event"),
    [
        (0, True, None),  # the very same moment
        (59.999, True, "seen"),
        (60, True, "punch"),
        (60, False, "seen"),  # still the same presence
        (-59, True, None),  # the clock was set back: nothing was seen after the punch
        (-60, True, "punch"),
    ],
)
def test_a_sighting_beside_a_punch(second: float, arrival: bool, event: str | None) -> None:
    assert event_for(at(second), COOL_DOWN, punches=[at(0)], arrival=arrival) == event


def test_the_first_sighting_is_a_punch_whether_or_not_a_presence_begins() -> None:
    assert event_for(at(0), COOL_DOWN, punches=[], arrival=False) == "punch"


@pytest.mark.parametrize(
    ("second", "event"), [(5, None), (19, None), (20, "seen"), (59, "seen"), (9, None), (-5, None)]
)
def test_each_later_sighting_within_the_cool_down_is_kept_as_seen(second: float, event: str | None) -> None:
    assert event_for(at(second), COOL_DOWN, punches=[at(0)], seen=[at(10)]) == event


def test_whoever_goes_the_other_way_punches_whatever_the_cool_down() -> None:
    assert event_for(at(1), COOL_DOWN, punches=[at(0)], seen=[at(0.5)], changes=True) == "punch"
    assert event_for(at(1), COOL_DOWN, punches=[at(0)], changes=True, arrival=False) is None, "still in view"
    assert event_for(at(1), COOL_DOWN, punches=[at(0)], changes=True, certain=False) is None


@pytest.mark.parametrize("kind", ["punches", "seen", "doubts"])
def test_a_doubt_is_written_where_no_other_row_is_near(kind: str) -> None:
    rows = {"punches": [], "seen": [], "doubts": []} | {kind: [at(0)]}
    assert event_for(at(59), COOL_DOWN, certain=False, **rows) is None
    assert event_for(at(60), COOL_DOWN, certain=False, **rows) == "unidentified"
