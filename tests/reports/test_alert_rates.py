"""How often cameras call somebody, and how often for nothing, worked out by hand."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.evaluation import clopper_pearson
from engine.incidents import Incident, IncidentKind, IncidentRow
from engine.reports import Stay, alert_rates, false_alarms, occupancy

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 11, 23)


def at(hour: float, day: date = DAY) -> datetime:
    return datetime.combine(day, datetime.min.time(), BERLIN) + timedelta(hours=hour)


def alert(
    moment: datetime, camera: str = "door", kind: str = "unknown", state: str = "open", author: str = "sam"
) -> Incident:
    row = IncidentRow("i1", moment, IncidentKind(kind), camera)
    return Incident(row, state, author=author if state != "open" else "")


# --------------------------------------------------------------------------------------------- rates


def test_nothing_gives_nothing() -> None:
    assert alert_rates([], {}, DAY, DAY, BERLIN) == []
    assert false_alarms([]) == []
    assert occupancy([], BERLIN) == {}


def test_alerts_are_held_against_the_time_that_was_watched() -> None:
    watched = {"door": [(at(7.5), at(10))], "gate": [(at(8), at(9))]}
    found = alert_rates([alert(at(8.2)), alert(at(8.99)), alert(at(9), "gate")], watched, DAY, DAY, BERLIN)
    assert [(each.camera, each.hour, each.alerts, each.watched_h) for each in found] == [
        ("door", 7, 0, 0.5),
        ("door", 8, 2, 1.0),
        ("door", 9, 0, 1.0),
        ("gate", 8, 0, 1.0),
        ("gate", 9, 1, 0.0),
    ]
    assert [each.per_100h for each in found[1:4]] == [200, 0, 0]
    assert math.isnan(found[0].per_100h), "half an hour says nothing"
    assert math.isnan(found[4].per_100h)


def test_days_add_up_and_others_are_left_out() -> None:
    days = [DAY + timedelta(days=offset) for offset in range(-1, 3)]
    watched = {"door": [(at(8, day), at(9, day)) for day in days]}
    alerts = [alert(at(8.5, day)) for day in days]
    (found,) = alert_rates(alerts, watched, DAY, DAY + timedelta(days=1), BERLIN)
    assert (found.alerts, found.watched_h) == (2, 2.0)


def test_hours_are_local_and_a_span_over_midnight_belongs_to_both_days() -> None:
    watched = {"door": [(at(23).astimezone(UTC), at(25).astimezone(UTC))]}
    (found,) = alert_rates([alert(at(23.5).astimezone(UTC))], watched, DAY, DAY, BERLIN)
    assert (found.hour, found.alerts, found.watched_h) == (23, 1, 1.0)
    both = alert_rates([], watched, DAY, DAY + timedelta(days=1), BERLIN)
    assert [(each.hour, each.watched_h) for each in both] == [(0, 1.0), (23, 1.0)]


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_when_the_clocks_change_no_minute_is_lost_or_counted_twice(day: date, hours: int) -> None:
    midnight, next_ = (datetime.combine(each, datetime.min.time(), BERLIN) for each in (day, day + timedelta(days=1)))
    watched = {"door": [(midnight.astimezone(UTC), next_.astimezone(UTC))]}
    found = {each.hour: each.watched_h for each in alert_rates([], watched, day, day, BERLIN)}
    assert sum(found.values()) == hours
    assert found.get(2, 0) == (2 if hours == 25 else 0)


# --------------------------------------------------------------------------------------------- false alarms


def test_only_what_people_settled_counts() -> None:
    alerts = [
        *[alert(at(8), state="false alarm")] * 2,
        *[alert(at(8), state="resolved")] * 3,
        alert(at(8), state="resolved", author="engine"),
        alert(at(8), state="acknowledged"),
        alert(at(8)),
        alert(at(8), kind="tailgating"),
    ]
    unknown, tailgating = false_alarms(alerts)
    assert (unknown.what, unknown.rate.hits, unknown.rate.trials, unknown.waiting) == ("unknown", 2, 5, 2)
    assert unknown.rate.interval == clopper_pearson(2, 5)
    assert (tailgating.rate.trials, tailgating.waiting) == (0, 1)
    assert math.isnan(tailgating.rate.value)
    assert tailgating.rate.interval == (0, 1)


def test_by_camera() -> None:
    found = false_alarms(
        [alert(at(8), "gate", state="false alarm"), alert(at(8), "door", state="resolved")], by="camera"
    )
    assert [(each.what, each.rate.value) for each in found] == [("door", 0), ("gate", 1)]


def test_what_only_the_engine_settled_is_not_told() -> None:
    assert false_alarms([alert(at(8), state="resolved", author="engine")]) == []


# --------------------------------------------------------------------------------------------- who is inside


def stay(begin: float, end: float, who: str = "E1", *, open_: bool = False) -> Stay:
    return Stay(who, DAY, at(begin), at(end), open_)


def test_somebody_counts_at_each_quarter_hour_that_begins_while_they_are_inside() -> None:
    assert occupancy([stay(8.1, 8.8)], BERLIN) == {(DAY, 33): 1, (DAY, 34): 1, (DAY, 35): 1}
    assert occupancy([stay(8.25, 8.5)], BERLIN) == {(DAY, 33): 1}, "the end is not inside"
    assert occupancy([stay(8.01, 8.2)], BERLIN) == {}


def test_people_add_up_and_stays_without_an_end_are_left_out() -> None:
    found = occupancy([stay(8, 9), stay(8.5, 9, "E2"), stay(8, 9, "E3", open_=True)], BERLIN)
    assert found == {(DAY, 32): 1, (DAY, 33): 1, (DAY, 34): 2, (DAY, 35): 2}


def test_a_night_belongs_to_its_working_day() -> None:
    assert occupancy([stay(23.75, 24.25)], BERLIN) == {(DAY, 95): 1, (DAY, 0): 1}


def test_in_the_hour_that_comes_twice_nobody_counts_twice() -> None:
    day = date(2026, 10, 25)
    midnight = datetime.combine(day, datetime.min.time(), BERLIN).astimezone(UTC)
    found = occupancy([Stay("E1", day, midnight, midnight + timedelta(hours=25))], BERLIN)
    assert set(found.values()) == {1}
    assert len(found) == 96
