"""Rules that the door and the replay share: visits of strangers, and whose name may be written down."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fakes import at

from engine.events import Episodes, living_person
from engine.types import Identity, TrackState


def test_a_stranger_who_comes_back_within_the_gap_is_on_the_same_visit() -> None:
    episodes = Episodes(timedelta(seconds=20))
    assert episodes.begins("unknown-1", at(0), at(5))
    assert not episodes.begins("unknown-1", at(25), at(30))  # exactly the gap
    assert episodes.begins("unknown-2", at(26), at(27))
    assert episodes.begins("unknown-1", at(50.001), at(51))


def test_a_visit_lasts_until_the_latest_end() -> None:
    episodes = Episodes(timedelta(seconds=20))
    episodes.begins("unknown-1", at(0), at(60))
    assert not episodes.begins("unknown-1", at(10), at(12))
    assert not episodes.begins("unknown-1", at(75), at(76))


@pytest.mark.parametrize(
    ("liveness", "required", "person"),
    [
        ("passed", True, "E1"),
        ("unproven", True, None),
        ("", True, None),
        ("unproven", False, "E1"),
        ("failed", False, None),
    ],
)
def test_a_name_needs_a_living_face(liveness: str, required: bool, person: str | None) -> None:
    assert living_person(Identity(TrackState.KNOWN, "E1"), liveness, required=required) == person


def test_only_a_settled_decision_gives_a_name() -> None:
    assert living_person(Identity(TrackState.CONFLICT, "E1"), "passed", required=False) is None
