"""People ask for corrections and leave; HR or a manager decides, once; the day and the balance change, and every refusal is a sentence."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from fakes import sighting

from engine.access import Departments
from engine.attendance import DaySheet, Request
from engine.cli import requests as command
from engine.errors import InputError, MusterError
from engine.operations.scoped import seen_by
from engine.people import Dating, Person
from engine.records import request_desk
from engine.workbench import Workbench

SETTINGS = """
timezone = "Europe/Berlin"
holidays.extra = { 2026-11-18 = "Penance Day" }
[shifts.office]
start = 09:00:00
end = 17:00:00
[leave.annual]
days_per_year = 5
"""
MONDAY, TUESDAY = date(2026, 11, 9), date(2026, 11, 10)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 11, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bench(tmp_path: Path, clock: Clock) -> Workbench:
    (tmp_path / "muster.toml").write_text(SETTINGS)
    found = Workbench(tmp_path, clock=clock)
    people = [("E1", "Ada Lovelace", "Lab"), ("E2", "Ben Ode", "Lab"), ("E3", "Cleo Fay", "Sales")]
    found.people.put_all(
        [Person(key, name, unit, enrolled_at="2026-01-05T10:00:00+01:00") for key, name, unit in people]
    )
    seen(found, "E1", "08:55")
    return found


def seen(bench: Workbench, who: str, *clocks: str, day: date = MONDAY) -> list[str]:
    known, zone = bench.people.known(), bench.config.zone
    made = [
        bench.attendance.record(sighting(who, datetime.combine(day, time.fromisoformat(at), zone)), known)
        for at in clocks
    ]
    return [row.event_id for row in made if row]


def sheet(bench: Workbench, who: str = "E1", day: date = MONDAY) -> DaySheet:
    (row,) = bench.attendance.sheets.between(day, day, bench.people.known(), who)
    return row


def forgot(bench: Workbench, at: str = "17:00", who: str = "E1", day: date = MONDAY) -> Request:
    return bench.requests.ask_passage(who, day, time.fromisoformat(at), "out", reason="forgot to punch")


def audited(bench: Workbench) -> list[tuple[str, str, str]]:
    return [(row.author, row.action, row.subject) for row in bench.audit.read() if "request" in row.action]


def refused(call: Callable[[], object], text: str) -> None:
    with pytest.raises(InputError) as found:
        call()
    assert text in str(found.value)
    assert "\n" not in str(found.value)
    assert len(str(found.value)) < 200


# --------------------------------------------------------------------------------------------- the way of a request


def test_a_forgotten_punch_is_asked_for_approved_and_counts(bench: Workbench) -> None:
    assert sheet(bench).hours is None
    asked = forgot(bench)
    assert [(each.id, each.state) for each in bench.requests.of("E1")] == [(asked.id, "open")]
    outcome = bench.requests.outcome(asked)
    assert outcome.before
    assert outcome.after
    assert (outcome.before.hours, outcome.after.hours) == (None, 8.08)
    assert sheet(bench).hours is None  # foreseen, not written
    made = bench.requests.approve(asked.id, author="hr.kim")
    assert (made.state, made.decision.author if made.decision else "") == ("approved", "hr.kim")
    row = sheet(bench)
    assert (row.hours, row.corrected_by, row.approved_by) == (8.08, "E1", "hr.kim")
    assert not row.awaiting_approval
    (added, approved) = bench.attendance.corrections.about_days(MONDAY, MONDAY)
    assert added.correction_id.startswith(asked.id)
    assert (added.action, added.author, approved.action, approved.author) == ("add", "E1", "approve", "hr.kim")
    assert bench.requests.open() == []
    assert audited(bench) == [("E1", "request_ask", "E1"), ("hr.kim", "request_approve", "E1")]
    assert bench.records.verify() == []


def test_a_passage_of_somebody_else_is_taken_out(bench: Workbench) -> None:
    (late,) = seen(bench, "E1", "18:30")
    assert sheet(bench).hours == 9.58
    asked = bench.requests.ask_removal("E1", MONDAY, late, reason="this is not me")
    assert (found := bench.requests.outcome(asked).passage)
    assert found.event_id == late
    bench.requests.approve(asked.id, author="hr.kim")
    assert sheet(bench).hours is None
    refused(lambda: bench.requests.ask_removal("E1", MONDAY, late, reason="again"), "does not count already")
    refused(lambda: bench.requests.ask_removal("E1", MONDAY, "nothing", reason="x"), "is no passage of E1")


def test_other_hours_replace_those_that_were_recorded(bench: Workbench) -> None:
    seen(bench, "E1", "12:00", "12:30", "18:30")
    bench.office.correct("E1", MONDAY, "add", author="hr.kim", reason="told", time=time(19), direction="out")
    asked = bench.requests.ask_hours("E1", MONDAY, time(8), time(16), reason="the door was open")
    bench.office.correct("E1", MONDAY, "approve", author="boss", reason="seen")
    bench.requests.approve(asked.id, author="boss")
    row = sheet(bench)
    zone = bench.config.zone
    assert row.first_in
    assert row.last_out
    assert [each.astimezone(zone).hour for each in (row.first_in, row.last_out)] == [8, 16]
    assert row.hours == 8
    night = bench.requests.ask_hours("E2", MONDAY, time(22), time(6), reason="night")
    assert night.asked.until
    assert night.asked.time
    assert night.asked.until - night.asked.time == timedelta(hours=8)


def test_leave_is_asked_for_and_entered(bench: Workbench) -> None:
    bench.leave_desk.add("E2", "annual", date(2026, 11, 20), date(2026, 11, 23), author="hr.kim")
    bench.leave_desk.add("E3", "annual", date(2026, 11, 20), date(2026, 11, 20), author="hr.kim")
    asked = bench.requests.ask_leave("E1", "annual", date(2026, 11, 17), date(2026, 11, 20), reason="wedding")
    outcome = bench.requests.outcome(asked)
    assert (outcome.days, outcome.left) == (3, 2)  # the 18th is a holiday
    assert [each.entry.employee_id for each in outcome.others] == ["E2"]  # of the same department
    bench.requests.approve(asked.id, author="hr.kim")
    (entry,) = bench.leave.of("E1")
    assert (entry.reference, entry.kind, entry.status) == (asked.id, "annual", "approved")
    assert bench.leave_desk.balances(2026, "E1")[0].left == 2
    half = bench.requests.ask_leave("E1", "sick", MONDAY, MONDAY, half="morning")
    assert half.asked.share == 0.5
    assert bench.requests.outcome(half).left is None


def test_leave_beyond_the_balance_needs_a_word(bench: Workbench) -> None:
    asked = bench.requests.ask_leave("E1", "annual", date(2026, 12, 1), date(2026, 12, 8))
    assert bench.requests.outcome(asked).left == -1
    refused(lambda: bench.requests.approve(asked.id, author="hr.kim"), "No days are left")
    assert bench.leave.of("E1") == []
    bench.requests.approve(asked.id, author="hr.kim", beyond=True)
    assert len(bench.leave.of("E1")) == 1


def test_a_decision_is_taken_back_and_made_again(bench: Workbench) -> None:
    asked = forgot(bench)
    before = sheet(bench)
    bench.requests.approve(asked.id, author="hr.kim")
    bench.requests.reopen(asked.id, author="hr.kim")
    assert sheet(bench).hours is None
    assert not sheet(bench).awaiting_approval
    assert sheet(bench).status is before.status
    bench.requests.decline(asked.id, author="hr.kim", word="the door was closed")
    bench.requests.reopen(asked.id, author="hr.kim")
    bench.requests.approve(asked.id, author="hr.kim")
    assert sheet(bench).hours == 8.08
    off = bench.requests.ask_leave("E1", "annual", date(2026, 11, 17), date(2026, 11, 17))
    for _ in range(2):
        bench.requests.approve(off.id, author="hr.kim")
        assert len(bench.leave.of("E1")) == 1
        bench.requests.reopen(off.id, author="hr.kim")
        assert bench.leave.of("E1") == []
    refused(lambda: bench.requests.reopen(off.id, author="hr.kim"), "is not decided")


# --------------------------------------------------------------------------------------------- who may not, and what not


def test_nobody_decides_their_own_request(bench: Workbench) -> None:
    asked = forgot(bench)
    refused(lambda: bench.requests.approve(asked.id, author="E1"), "This request is your own")
    refused(lambda: bench.requests.approve(asked.id, author="hr.ada", own="E1"), "This request is your own")
    refused(lambda: bench.requests.decline(asked.id, author="hr.ada", own="E1", word="no"), "your own")
    refused(lambda: bench.requests.withdraw(asked.id, employee_id="E2"), "somebody else's")
    assert bench.requests.find(asked.id).state == "open"
    bench.requests.withdraw(asked.id, employee_id="E1")
    refused(lambda: bench.requests.approve(asked.id, author="hr.kim"), "This request was withdrawn")


def test_who_corrected_the_day_does_not_approve_it_along_with_the_request(bench: Workbench) -> None:
    asked = forgot(bench)
    bench.office.correct("E1", MONDAY, "add", author="hr.kim", reason="told", time=time(8), direction="in")
    bench.requests.approve(asked.id, author="hr.kim")
    assert sheet(bench).awaiting_approval
    bench.office.correct("E1", MONDAY, "approve", author="boss", reason="seen")
    assert sheet(bench).approved_by == "boss"


def test_a_manager_decides_for_their_own_departments(bench: Workbench) -> None:
    mine, other = forgot(bench), forgot(bench, who="E3")
    boss = seen_by(bench, Departments.of(["lab"]))
    assert [each.id for each in boss.requests.open()] == [mine.id]
    refused(lambda: boss.requests.approve(other.id, author="boss"), "your departments")
    refused(lambda: boss.requests.outcome(other), "your departments")
    assert boss.requests.outcome(mine).after is not None
    assert boss.requests.approve(mine.id, author="boss").state == "approved"
    with pytest.raises(InputError, match="people of all departments"):
        boss.requests.ask_passage("E1", MONDAY, time(9), "in", reason="x")


def test_requests_that_make_no_sense_are_refused(bench: Workbench, clock: Clock) -> None:
    ask = bench.requests.ask_passage
    refused(lambda: forgot(bench, who="E9"), "E9")
    refused(lambda: forgot(bench, day=date(2026, 11, 12)), "2026-11-12 has not come yet")
    refused(lambda: forgot(bench, day=date(2026, 11, 11), at="16:00"), "has not come yet")
    refused(lambda: forgot(bench, day=date(2025, 11, 11)), "not within your employment")
    bench.people.put_all([bench.people.known()["E2"]], {"E2": Dating(hired_on=TUESDAY)})
    refused(lambda: forgot(bench, who="E2"), "not within your employment")
    refused(lambda: bench.requests.ask_leave("E2", "annual", MONDAY, TUESDAY), "not within your employment")
    for reason, text in (
        ("x" * 2**20, "has 1048576 characters"),
        ("two\nlines", "line break"),
        ("bell \x07", "control character"),
        ("  ", "is empty"),
    ):
        refused(lambda reason=reason: ask("E1", MONDAY, time(17), "out", reason=reason), text)  # type: ignore[misc]
    refused(lambda: bench.requests.ask_leave("E1", "annual", TUESDAY, MONDAY), "is before")
    refused(lambda: bench.requests.ask_leave("E1", "moon", MONDAY, MONDAY), "moon")
    refused(lambda: bench.requests.ask_leave("E1", "annual", date(2026, 11, 14), date(2026, 11, 15)), "working day")
    bench.leave_desk.add("E1", "annual", TUESDAY, TUESDAY, author="hr.kim")
    refused(lambda: bench.requests.ask_leave("E1", "annual", MONDAY, TUESDAY), "already")
    assert bench.requests.all() == []


def test_a_request_for_a_closed_month_is_refused_and_so_is_its_approval(bench: Workbench) -> None:
    asked, off = forgot(bench), bench.requests.ask_leave("E1", "sick", TUESDAY, TUESDAY)
    bench.months.close(MONDAY, TUESDAY, author="hr.kim", anyway=True)
    for call in (
        lambda: forgot(bench, at="16:00"),
        lambda: bench.requests.ask_leave("E1", "annual", MONDAY, MONDAY),
        lambda: bench.requests.approve(asked.id, author="hr.kim"),
        lambda: bench.requests.approve(off.id, author="hr.kim"),
    ):
        refused(call, "is closed for payroll")
    assert bench.requests.outcome(asked).problem is not None
    assert bench.attendance.corrections.about_days(MONDAY, MONDAY) == []
    bench.requests.decline(asked.id, author="hr.kim", word="the month is closed")


def test_a_doubled_request_and_too_many_are_refused(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    first = forgot(bench)
    refused(lambda: forgot(bench), "asked for this already")
    bench.requests.ask_leave("E1", "annual", date(2026, 12, 1), date(2026, 12, 3))
    refused(lambda: bench.requests.ask_leave("E1", "annual", date(2026, 12, 3), date(2026, 12, 4)), "asked for this")
    bench.requests.withdraw(first.id, employee_id="E1")
    forgot(bench)
    monkeypatch.setattr(request_desk, "MOST_OPEN", 4)
    for minute in range(2):
        forgot(bench, f"16:0{minute}")
    refused(lambda: forgot(bench, "16:30"), "4 of your requests are open")
    monkeypatch.setattr(request_desk, "MOST_A_DAY", 5)
    for each in bench.requests.of("E1"):
        if each.state == "open":
            bench.requests.withdraw(each.id, employee_id="E1")
    refused(lambda: forgot(bench, "16:30"), "within a day")
    assert forgot(bench, who="E2").state == "open"  # others are not held up


# --------------------------------------------------------------------------------------------- two at once, and kills


def test_two_who_decide_at_once_decide_once(bench: Workbench, tmp_path: Path, clock: Clock) -> None:
    asked = forgot(bench)
    results: list[str] = []
    ready = threading.Barrier(4)

    def decide(number: int) -> None:
        own = Workbench(tmp_path, clock=clock)
        ready.wait()
        try:
            if number % 2:
                results.append(own.requests.approve(asked.id, author=f"hr.{number}").state)
            else:
                results.append(own.requests.decline(asked.id, author=f"hr.{number}", word="no").state)
        except InputError as error:
            results.append(str(error))

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each in {"approved", "declined"} for each in results) == 1, results
    found = bench.requests.find(asked.id)
    assert len(found.decisions) == 1
    corrections = bench.attendance.corrections.about_days(MONDAY, MONDAY)
    assert len(corrections) == (2 if found.state == "approved" else 0)


def _killed_before_the_decision(workspace: Path, request_id: str, now: datetime) -> None:
    import os

    bench = Workbench(workspace, clock=lambda: now)
    bench.attendance.requests.log.append = lambda *_: os._exit(9)  # type: ignore[method-assign]
    bench.requests.approve(request_id, author="hr.kim", beyond=True)


@pytest.mark.parametrize("kind", ["correction", "leave"])
def test_a_kill_between_correction_and_decision_leaves_one_correction(
    bench: Workbench, tmp_path: Path, clock: Clock, kind: str
) -> None:
    first = date(2026, 12, 1)
    asked = forgot(bench) if kind == "correction" else bench.requests.ask_leave("E1", "annual", first, first)
    process = multiprocessing.get_context("fork").Process(
        target=_killed_before_the_decision, args=(tmp_path, asked.id, clock.now)
    )
    process.start()
    process.join(60)
    assert process.exitcode == 9
    again = Workbench(tmp_path, clock=clock)
    written = len(again.attendance.corrections.about_days(MONDAY, MONDAY)), len(again.leave.of("E1"))
    assert written == ((2, 0) if kind == "correction" else (0, 1))
    assert again.requests.find(asked.id).state == "open"
    refused(lambda: again.requests.decline(asked.id, author="hr.mo", word="no"), "approved already")
    refused(lambda: again.requests.withdraw(asked.id, employee_id="E1"), "approved already")
    (done,) = again.requests.finish()
    assert done.decision
    assert done.decision.author == ("hr.kim" if kind == "correction" else "engine")
    assert again.requests.finish() == []
    refused(lambda: again.requests.approve(asked.id, author="hr.mo"), "has approved this request already")
    assert written == (len(again.attendance.corrections.about_days(MONDAY, MONDAY)), len(again.leave.of("E1")))


# --------------------------------------------------------------------------------------------- erasure, retention, command


def test_who_is_forgotten_takes_their_requests_along(bench: Workbench, tmp_path: Path) -> None:
    asked = forgot(bench)
    bench.requests.decline(asked.id, author="hr.kim", word="no")
    forgot(bench, "16:00")
    bench.privacy.forget("E1", author="hr.kim", thorough=False)
    assert bench.requests.all() == bench.requests.open() == []
    text = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "log").glob("requests-*.csv"))
    assert "E1" not in text.replace(asked.id, "")
    assert bench.records.verify() == []
    bench.people.put(Person("E1", "Another One", "Lab", enrolled_at="2026-11-11T10:00:00+01:00"))
    assert bench.requests.of("E1") == []


def test_retention_keeps_requests_as_long_as_attendance(bench: Workbench, clock: Clock) -> None:
    forgot(bench)
    clock.now += timedelta(days=100)
    (bench.workspace / "muster.toml").write_text(SETTINGS + "[retention]\nattendance = 31\nquarantine = 0\n")
    again = Workbench(bench.workspace, clock=clock)
    again.privacy.purge(apply=True, author="hr.kim", trust_clock=True)
    assert again.requests.all() == []
    assert again.records.verify() == []
    refused(lambda: forgot(again), "keeps no record of 2026-11-09")


def test_the_command_lists_and_decides(bench: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = forgot(bench), bench.requests.ask_leave("E1", "annual", date(2026, 12, 1), date(2026, 12, 1))
    place = bench.workspace
    command.requests(workspace=place)
    assert "add out 17:00 on 2026-11-09" in " ".join(capsys.readouterr().out.split())
    command.approve(first.id, "hr.kim", workspace=place)
    assert "Approved for E1: add out 17:00 on 2026-11-09." in capsys.readouterr().out
    command.decline(second.id, "hr.kim", word="too many are away", workspace=place)
    with pytest.raises(MusterError, match=r"hr\.kim has declined this request already"):
        command.approve(second.id, "hr.mo", workspace=place)
    command.reopen(second.id, "hr.kim", workspace=place)
    command.requests(everything=True, person="E1", workspace=place, as_json=True)
    assert '"state": "approved"' in capsys.readouterr().out
