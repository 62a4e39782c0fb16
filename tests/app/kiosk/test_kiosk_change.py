"""What people may say at the kiosk about the passage that it has just shown: in, out, not me; and who may not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import T0
from flask import Flask
from kiosk_client import asking, kiosk_app, station_of, token_for

from app.kiosk.offers import OPEN_S, Offers
from engine.attendance import DaySheet, PunchRow, Sighting
from engine.incidents import IncidentRow
from engine.operations.reporting import AttendanceReports
from engine.people import Person
from engine.types import Identity
from engine.workbench import Workbench

PIN = "482913"
BLANK = np.zeros((48, 64, 3), np.uint8)


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """A kiosk; Ada has a PIN."""
    found = kiosk_app(tmp_path)
    bench = station_of(found).bench
    bench.people.put(Person("E1", "Ada Lovelace", enrolled_at="2026-01-01T00:00:00+00:00"))
    bench.kiosk.give_pin("E1", PIN, author="tests")
    return found


def _greeted(app: Flask) -> dict[str, Any]:
    """Ada's greeting by her PIN."""
    client = asking(app, token_for(app, "screen", "pin", name="screen"))
    greeting: dict[str, Any] = client.post("/api/pin", json={"employee_id": "E1", "pin": PIN}).json["greeting"]
    return greeting


def _say(app: Flask, offer: str, said: object, *scopes: str) -> Any:
    client = asking(app, token_for(app, *(scopes or ("screen",)), name="other"))
    return client.post("/api/passage", json={"offer": offer, "said": said})


def _rows(bench: Workbench) -> list[PunchRow]:
    return bench.attendance.log.read(*[bench.attendance.day_of(bench.clock())] * 2)


def _sheet(bench: Workbench) -> DaySheet:
    (row,) = bench.attendance.sheets.on(bench.attendance.day_of(bench.clock()), bench.people.known())
    return row


def _alerts(bench: Workbench) -> list[IncidentRow]:
    return bench.incidents.log.read(*[bench.attendance.day_of(bench.clock())] * 2)


def test_the_greeting_says_what_counts_and_the_person_changes_it_with_a_row_of_its_own(app: Flask) -> None:
    bench = station_of(app).bench
    greeting = _greeted(app)
    assert (greeting["status"], greeting["direction"], greeting["changed"]) == ("came", "in", False)
    before = _rows(bench)
    assert _sheet(bench).first_in == before[0].timestamp

    changed = _say(app, greeting["offer"], "out").json["greeting"]
    assert (changed["status"], changed["direction"], changed["changed"]) == ("leaving", "out", True)
    assert (changed["key"], changed["offer"]) == (greeting["key"], greeting["offer"])
    rows = _rows(bench)
    assert rows[:-1] == before  # nothing is overwritten
    told = rows[-1]
    assert (told.event, told.refers_to, told.direction, told.employee_id) == ("turn", before[0].event_id, "out", "E1")
    assert (_sheet(bench).first_in, _sheet(bench).last_out) == (None, before[0].timestamp)
    assert all(finding.harmless for finding in bench.records.verify())
    (explained,) = AttendanceReports(bench).explained("E1", _sheet(bench).day)
    assert explained.row.direction == "out"
    assert "the person changed it at the kiosk: went out" in str(explained)

    again = _say(app, greeting["offer"], "in").json["greeting"]  # a wrong touch
    assert (again["status"], again["direction"]) == ("came", "in")
    assert _sheet(bench).first_in == before[0].timestamp
    assert [row.event for row in _rows(bench)] == ["punch", "turn", "turn"]
    _say(app, greeting["offer"], "in")  # says what is known
    assert len(_rows(bench)) == 3


def test_not_me_takes_the_passage_back_and_security_is_told_with_the_picture(app: Flask) -> None:
    bench = station_of(app).bench
    row = bench.kiosk.punch("E1", PIN, "entrance", BLANK)
    assert row is not None
    greeting = station_of(app).greeter.greeting(row)
    assert _say(app, greeting["offer"], "not_me").json == {"greeting": None}
    punch, retract = _rows(bench)
    assert (retract.event, retract.refers_to) == ("retract", punch.event_id)
    today = bench.attendance.day_of(bench.clock())
    assert not bench.attendance.sheets.on(today, bench.people.known())  # she was not here, as far as is known
    (alert,) = _alerts(bench)
    assert (alert.kind, alert.state, alert.employee_ids) == ("wrong_name", "open", ("E1",))
    assert (bench.workspace / alert.image).is_file()
    assert _say(app, greeting["offer"], "in").status_code == 410  # and it is over
    assert len(_alerts(bench)) == 1


def test_nobody_changes_what_was_not_shown_to_them_or_too_late(app: Flask) -> None:
    bench = station_of(app).bench
    greeting = _greeted(app)
    wanted = {"offer": greeting["offer"], "said": "out"}
    for name in ("", "x", greeting["key"], _rows(bench)[0].event_id):
        assert _say(app, name, "out").status_code == 410, name
    for said in ("both", "", None, 1, ["in"], {"in": 1}):
        assert _say(app, greeting["offer"], said).status_code == 422, said
    assert _say(app, greeting["offer"], "out", "status", "pin", "attendance").status_code == 403
    assert asking(app).post("/api/passage", json=wanted).status_code == 401
    cookie = app.test_client()
    cookie.set_cookie("muster_kiosk", token_for(app, "screen", name="cookie"), domain="127.0.0.1")
    foreign = {"Host": "127.0.0.1", "Origin": "http://elsewhere.example"}
    assert cookie.post("/api/passage", json=wanted, headers=foreign).status_code == 403
    assert [row.event for row in _rows(bench)] == ["punch"]
    bench.attendance.retract(
        PunchRow("", bench.clock(), "E1", "retract", "entrance", track=_rows(bench)[0].track, author="tests"),
        bench.people.known(),
    )
    assert _say(app, greeting["offer"], "out").status_code == 422  # HR was quicker


def test_an_offer_ends_by_itself_and_with_its_passage() -> None:
    now = [0.0]
    offers, row = Offers(lambda: now[0]), PunchRow("p1", T0, "E1", "punch")
    first, second = offers.make(row), offers.make(row)
    assert first != second
    now[0] = OPEN_S - 0.1
    assert offers.find(first) == row
    offers.end("p1")
    assert offers.find(second) is None
    third = offers.make(row)
    now[0] += OPEN_S
    assert offers.find(third) is None


def test_a_kiosk_that_offers_nothing_takes_nothing(tmp_path: Path) -> None:
    app = kiosk_app(tmp_path, change_s=0)
    bench = station_of(app).bench
    bench.people.put(Person("E1", "Ada Lovelace"))
    bench.kiosk.give_pin("E1", PIN, author="tests")
    assert _greeted(app)["offer"] is None


def test_who_went_out_and_is_back_within_the_cool_down_has_come_in(app: Flask) -> None:
    bench = station_of(app).bench
    people = bench.people.known()
    came = bench.clock() - timedelta(minutes=20)

    def passes(minutes: float) -> PunchRow | None:
        time = came + timedelta(minutes=minutes)
        return bench.attendance.record(Sighting("E1", time, "entrance", f"t{minutes}", Identity(), "m", 1), people)

    assert passes(0) is not None
    left = passes(10)
    assert left is not None
    greeter = station_of(app).greeter
    assert greeter.greeting(left)["direction"] == "both"  # they may have left or not
    bench.attendance.turn(left, "out", left.timestamp, people)
    assert passes(10.1) is None  # still at the door
    back = passes(13)
    assert back is not None
    assert back.event == "punch"
    said = greeter.greeting(back)
    assert (said["direction"], said["away_min"], said["status"]) == ("in", 3, "came")
