"""The queue of requests and the form on one's own page: who sees what, what a decision writes, and what the person reads afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from pages import open_page, texts
from paperwork import punch
from streamlit.testing.v1 import AppTest

from engine.attendance import Request
from engine.people import Person
from engine.workbench import Workbench

Open = Callable[..., AppTest]


@pytest.fixture
def place(bench: Workbench) -> Workbench:
    bench.people.put_all(
        Person(key, name, unit, enrolled_at="2020-01-05T10:00:00+01:00")
        for key, name, unit in (("E1", "Ada Lovelace", "Lab"), ("E2", "Ben Ode", "Sales"), ("E3", "Cleo Fay", "Lab"))
    )
    return bench


@pytest.fixture
def show(place: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    def shown(role: str, name: str = "requests", **more: object) -> AppTest:
        return open_page(name, tmp_path, monkeypatch, role, **more)  # type: ignore[arg-type]

    return shown


def yesterday(bench: Workbench) -> date:
    return bench.records.now().date() - timedelta(days=1)


def forgot(bench: Workbench, who: str = "E1", at: str = "17:00") -> Request:
    day = yesterday(bench)
    if not bench.requests.passages(who, day):
        punch(bench, who, datetime.combine(day, time(9), bench.config.zone), track=f"t-{who}")
    return bench.requests.ask_passage(who, day, time.fromisoformat(at), "out", reason="forgot to punch")


def hours(bench: Workbench, who: str = "E1") -> float | None:
    day = yesterday(bench)
    return bench.attendance.sheets.between(day, day, bench.people.known(), who)[0].hours


def test_hr_approves_with_one_click_and_takes_it_back(place: Workbench, show: Open) -> None:
    asked = forgot(place)
    page = show("hr")
    assert not page.exception
    for text in ("Ada Lovelace", "Left at 17:00", "“forgot to punch”", "8 h", "If approved"):
        assert text in texts(page), text
    keys = {each.key: each.proto.shortcut.upper() for each in page.button if each.key}
    assert [keys[f"requests-{word}"] for word in ("approve", "decline", "skip")] == ["Y", "N", "S"]
    page.button(key="requests-approve").click().run()
    assert "Approved: Ada Lovelace" in texts(page)
    assert hours(place) == 8
    assert "No request is open" in texts(page)
    page.button(key="requests-undo").click().run()
    assert place.requests.find(asked.id).state == "open"
    assert hours(place) is None
    page.button(key="requests-decline").click().run()
    found = place.requests.find(asked.id)
    assert (found.state, found.decision.reason if found.decision else "") == ("declined", "please talk to me first")
    assert [row.action for row in place.audit.read() if row.action.startswith("request_")] == [
        "request_ask",
        "request_approve",
        "request_reopen",
        "request_decline",
    ]


def test_a_manager_sees_their_department_alone_and_nobody_without_the_right_sees_any(
    place: Workbench, show: Open
) -> None:
    forgot(place, "E1")
    forgot(place, "E2")
    page = show("manager")
    assert "Ada Lovelace" in texts(page)
    assert "Ben Ode" not in texts(page)
    page.button(key="requests-approve").click().run()
    assert [each.asked.employee_id for each in place.requests.open()] == ["E2"]
    assert "Ben Ode" not in texts(page)
    for role in ("viewer", "security"):
        assert "Ben Ode" not in texts(show(role))


def test_one_s_own_request_waits_for_somebody_else(place: Workbench, show: Open) -> None:
    forgot(place)
    show("hr")
    place.bindings.bind("E1", "hr", author="admin")
    page = show("hr")
    assert "This is your own request" in texts(page)
    assert {"requests-approve", "requests-decline"}.isdisjoint({each.key for each in page.button})


def test_leave_shows_what_remains_and_who_else_is_away(place: Workbench, show: Open) -> None:
    first = date(2030, 6, 3)
    place.leave_desk.entitle("E1", "annual", 2030, 1, author="hr")
    place.leave_desk.add("E3", "annual", first, first, author="hr")
    asked = place.requests.ask_leave("E1", "annual", first, date(2030, 6, 4), reason="wedding")
    page = show("hr", language="de")
    for text in ("Danach übrig", "-1", "Cleo Fay", "Über den Anspruch hinaus genehmigen"):
        assert text in texts(page).replace("−", "-"), text
    page.button(key="requests-approve").click().run()
    assert place.requests.find(asked.id).state == "approved"
    assert len(place.leave.of("E1")) == 2  # with the opening value


def test_the_form_sends_what_is_asked_for_and_lists_it(place: Workbench, show: Open) -> None:
    punch(place, "E1", datetime.combine(yesterday(place), time(9), place.config.zone), track="t")
    show("employee", "own")
    place.bindings.bind("E1", "employee", author="admin")
    query = {"day": yesterday(place).isoformat(), "ask": "punch"}
    page = show("employee", "own", query=query)
    assert not page.exception
    page.button(key="own-request-send").click().run()
    (found,) = place.requests.of("E1")
    assert (found.asked.kind, found.asked.day, found.asked.reason) == ("add", yesterday(place), "forgot to punch")
    assert "Request sent" in texts(page)
    assert "open" in texts(page)
    page = show("employee", "own", query=query)
    page.button(key="own-request-send").click().run()
    assert "You have asked for this already. Withdraw the first request, or wait." in texts(page)
    page.button(key=f"own-request-withdraw-{found.id}").click().run()
    assert place.requests.find(found.id).state == "withdrawn"
    for kind, text in (("not-me", "Passage"), ("hours", "take the place"), ("leave", "Working days")):
        shown = show("employee", "own", query={**query, "ask": kind})
        assert not shown.exception
        assert text in texts(shown) or any(each.label == text for each in shown.get("button_group")), kind
