"""Badges at the kiosk: a row with its method, guesses slowed down, a revoked one told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from kiosk_client import asking, kiosk_app, station_of, token_for

from engine.attendance import PunchRow
from engine.incidents import IncidentRow
from engine.operations.reporting import AttendanceReports
from engine.workbench import Workbench


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return kiosk_app(tmp_path)


def _shown(app: Flask, code: object) -> Any:
    return asking(app, token_for(app, "pin", name="screen")).post("/api/badge", json={"code": code})


def _rows(bench: Workbench) -> list[PunchRow]:
    return bench.attendance.log.read(*[bench.attendance.day_of(bench.clock())] * 2)


def _alerts(bench: Workbench) -> list[IncidentRow]:
    return bench.incidents.log.read(*[bench.attendance.day_of(bench.clock())] * 2)


def test_a_badge_is_recorded_as_such_greeted_and_may_be_changed(app: Flask) -> None:
    bench = station_of(app).bench
    _, code = bench.kiosk.issue_badge("E1", author="t", name="Ada Lovelace")
    greeting = _shown(app, code).json["greeting"]
    assert (greeting["first_name"], greeting["status"], greeting["method"]) == ("Ada", "came", "badge")
    (row,) = _rows(bench)
    assert (row.event, row.method, row.employee_id, row.similarity) == ("punch", "badge", "E1", None)
    (told,) = AttendanceReports(bench).explained("E1", row.timestamp.date())
    assert "showed their badge at camera entrance" in str(told)
    assert _shown(app, code.lower()).json["greeting"]["status"] == "again"
    client = asking(app, token_for(app, "screen", name="other"))
    assert client.post("/api/passage", json={"offer": greeting["offer"], "said": "out"}).status_code == 200
    assert station_of(app).offers_badge()


def test_a_revoked_badge_and_that_of_somebody_inactive_are_refused_and_told_once(app: Flask) -> None:
    bench = station_of(app).bench
    badge, code = bench.kiosk.issue_badge("E1", author="t", name="Ada Lovelace")
    _, other = bench.kiosk.issue_badge("E2", author="t", name="Ben")
    bench.kiosk.revoke_badge(badge.badge_id, author="t")
    bench.people.put(replace(bench.people.known()["E2"], active=False))
    for each in (code, code, other):
        answer = _shown(app, each)
        assert (answer.status_code, answer.json["error"]["code"]) == (403, "wrong_badge")
    assert not _rows(bench)
    assert [(row.kind, row.severity, row.employee_ids) for row in _alerts(bench)] == [
        ("badge", "high", ("E1",)),
        ("badge", "high", ("E2",)),
    ]


def test_guesses_are_slowed_down_alike_and_leave_pins_alone(app: Flask) -> None:
    bench = station_of(app).bench
    _, code = bench.kiosk.issue_badge("E1", author="t", name="Ada Lovelace")
    pin = bench.kiosk.give_pin("E1", author="t")
    answers = [_shown(app, f"MB{number:032X}") for number in range(12)]
    assert {(each.status_code, each.json["error"]["message"]) for each in answers} == {(403, "this badge is not good")}
    waits = _shown(app, code)  # also the right one, so that nothing is learnt
    assert waits.status_code == 429
    assert 0 < waits.json["error"]["retry_after_s"] <= 60
    client = asking(app, token_for(app, "pin", name="pins"))
    assert client.post("/api/pin", json={"employee_id": "E1", "pin": pin}).status_code == 200


@pytest.mark.parametrize("code", [None, "", " ", 7, ["x"], {"a": 1}])
def test_what_is_no_code_is_refused(app: Flask, code: object) -> None:
    assert _shown(app, code).status_code == 422
