"""Days that wait for a decision, in groups with one cause."""

from __future__ import annotations

from dataclasses import replace

from sheets import row, unseen

from engine.attendance.explain import Part
from engine.reports import AWAITING, open_groups

OFF = (Part("camera off {times}", {"times": "08:30–09:35"}),)
CLIPPED = (Part("camera off {times}", {"times": "08:45–09:35"}),)


def test_an_outage_is_one_group_and_other_causes_are_theirs() -> None:
    outage = [
        replace(unseen(9, "not covered", employee_id=f"E{number}"), notes=OFF if number else CLIPPED)
        for number in range(22)
    ]
    other_day = replace(unseen(10, "not covered"), notes=OFF)
    enrolled = replace(unseen(3, "not identified"), notes=(Part("has no pictures enrolled yet"),))
    alike = replace(
        unseen(4, "not identified"), notes=(Part("somebody like them was seen at {times}", {"times": "9:00"}),)
    )
    corrected = row(5, corrected_by="Kim")
    rows = [
        *outage,
        other_day,
        enrolled,
        replace(enrolled, day=enrolled.day.replace(day=4), employee_id="E2"),
        alike,
        row(6, status="missing out", last_out=""),
        unseen(11, "absent"),
        corrected,
        row(12, corrected_by="Kim", approved_by="Ann"),
        row(13, status="late", late_min=20),
    ]
    found = [(group.kind, group.day and group.day.day, len(group.rows), group.people) for group in open_groups(rows)]
    assert found == [
        ("not covered", 9, 22, 22),
        ("not covered", 10, 1, 1),
        ("missing out", None, 1, 1),
        ("not identified", None, 2, 2),
        ("not identified", None, 1, 1),
        ("absent", None, 1, 1),
        (AWAITING, None, 1, 1),
    ]
    first = open_groups(rows)[0]
    assert first.notes == (OFF, CLIPPED), "the most frequent one first"
    assert open_groups([]) == []


def test_a_day_may_wait_twice() -> None:
    both = row(6, status="missing out", last_out="", corrected_by="Kim")
    assert [group.kind for group in open_groups([both])] == ["missing out", AWAITING]
