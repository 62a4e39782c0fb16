"""A month is closed: its figures no longer move, a list says what would, and whoever reopens it says why."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from command import Answer
from paperwork import Clock, bench, enrol, face, punch

from engine.attendance import SheetChange, Span, cells
from engine.cli import main
from engine.errors import InputError
from engine.operations.reporting import AttendanceReports
from engine.reports import sheet_csv, summarise
from engine.storage.logs.rows import day_range
from engine.workbench import Workbench

BERLIN = ZoneInfo("Europe/Berlin")
FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)
SETTINGS = {
    "timezone": "Europe/Berlin",
    "shifts": {"office": {"start": "09:00:00", "end": "17:30:00", "days": "mon-fri", "break_min": 30, "grace_min": 5}},
    "holidays": {"country": ""},
    "attendance": {"count_unapproved": True},
}
WORKDAYS = [FIRST + timedelta(days=offset) for offset in range(31) if (FIRST + timedelta(days=offset)).weekday() < 5]
"""22 days: October 2026 begins on a Thursday."""


def at(day: date, text: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{text}").replace(tzinfo=BERLIN)


def watched(workbench: Workbench) -> None:
    """The camera at the door watched from September to November."""
    book = workbench.attendance.plan.coverage
    assert book is not None
    with book.log.exclusive():
        for day in day_range(date(2026, 9, 15), date(2026, 11, 2)):
            begin = at(day, "00:00:00")
            book.log.append(day, [Span("door", begin, begin + timedelta(days=1), "stopped")])


def came(workbench: Workbench, who: str, day: date, begin: str, end: str = "") -> None:
    for number, text in enumerate(filter(None, (begin, end))):
        punch(workbench, who, at(day, text), track=f"t-{day}-{number}")


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 3, 10, tzinfo=BERLIN))


@pytest.fixture
def workbench(tmp_path: Path, clock: Clock) -> Workbench:
    """Ann works all 22 days from 9:00 to 17:30, which are 8 hours each; Ben comes on the 1st alone and is late by 20 minutes."""
    made = bench(tmp_path / "w", clock, **SETTINGS)
    for number, name in ((1, "Ann Ray"), (2, "Ben Orr")):
        enrol(made, f"E{number}", name, face(*[0] * number, 1))
        made.people.change(f"E{number}", enrolled_at="2026-09-01T08:00:00+02:00")
    watched(made)
    for day in WORKDAYS:
        came(made, "E1", day, "09:00:00", "17:30:00")
    came(made, "E2", FIRST, "09:20:00", "17:30:00")
    return made


def sums(workbench: Workbench) -> dict[str, tuple[object, ...]]:
    rows = AttendanceReports(workbench).rows(FIRST, LAST)
    columns = ("hours", "planned_hours", "credited_hours", "balance", "late_days", "absent", "on_leave")
    return {str(row["employee_id"]): tuple(row[column] for column in columns) for row in summarise(rows)}


ANN = (176.0, 176.0, 0.0, 0.0, 0, 0, 0)
BEN = (7.67, 176.0, 0.0, -168.33, 1, 21, 0)
"""09:20 to 17:30 are 8:10 h, less half an hour of break."""


def test_late_leave_does_not_move_a_closed_month_and_the_list_says_what_would(
    workbench: Workbench, tmp_path: Path
) -> None:
    assert sums(workbench) == {"E1": ANN, "E2": BEN}
    made = workbench.months.close(FIRST, LAST, author="hr.kim")
    assert (made.rows, made.unsettled, made.author, len(made.sha256)) == (44, 0, "hr.kim", 64)
    table = tmp_path / "leave.csv"
    table.write_text("employee_id,kind,first_day,last_day\nE2,on leave,2026-10-05,2026-10-06\n")
    assert not workbench.leave_desk.import_file(table, author="hr.kim").errors
    assert sums(workbench) == {"E1": ANN, "E2": BEN}
    found = workbench.months.changed(made)
    days = [date(2026, 10, 5), date(2026, 10, 6)]
    assert {(each.employee_id, each.day) for each in found} == {("E2", day) for day in days}
    assert SheetChange("E2", days[0], "status", "absent", "on leave") in found
    assert SheetChange("E2", days[0], "credited_hours", "", "8.00") in found
    assert {each.column for each in found} == {"status", "credited_hours", "leave", "leave_days"}
    workbench.months.reopen(FIRST, LAST, author="hr.kim", reason="leave came late")
    assert sums(workbench) == {"E1": ANN, "E2": (7.67, 176.0, 16.0, -152.33, 1, 19, 2)}
    again = workbench.months.close(FIRST, LAST, author="hr.kim")
    assert again.sha256 != made.sha256
    assert workbench.months.changed(again) == []
    assert [row.action for row in workbench.months.history()] == ["close", "reopen", "close"]


def corrected(workbench: Workbench) -> None:
    workbench.office.correct(
        "E2", FIRST, "add", author="hr.kim", reason="badge", time=at(FIRST, "08:55:00"), direction="in"
    )


def moved(workbench: Workbench) -> None:
    workbench.staff.change("E1", author="hr.kim", department="Sales", valid_from=FIRST)


def left(workbench: Workbench) -> None:
    workbench.staff.change("E2", author="hr.kim", left_on=FIRST)


def punched(workbench: Workbench) -> None:
    came(workbench, "E2", date(2026, 10, 2), "09:00:00", "17:30:00")


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (corrected, SheetChange("E2", FIRST, "late_min", "20", "0")),
        (moved, SheetChange("E1", FIRST, "department", "Lab", "Sales")),
        (left, SheetChange("E2", date(2026, 10, 2), "status", "absent", "")),
        (punched, SheetChange("E2", date(2026, 10, 2), "hours", "", "8.00")),
    ],
)
def test_whatever_changes_later_is_listed_and_nothing_moves(
    workbench: Workbench, change: Callable[[Workbench], None], wanted: SheetChange
) -> None:
    closed = workbench.months.close(FIRST, LAST, author="hr.kim")
    reports = AttendanceReports(workbench)
    before = sheet_csv(reports.rows(FIRST, LAST))
    change(workbench)
    workbench.attendance.keeper.close_days(workbench.clock(), workbench.people.known())
    assert sheet_csv(reports.rows(FIRST, LAST)) == before
    assert sheet_csv(AttendanceReports(bench_again(workbench)).rows(FIRST, LAST)) == before
    table = workbench.workspace / "attendance" / f"{wanted.day}.csv"
    assert table.read_text() == sheet_csv(reports.rows(wanted.day, wanted.day))
    assert wanted in workbench.months.changed(closed)
    assert sheet_csv(reports.rows(FIRST, LAST)) == before, "looking for changes changes nothing"
    assert table.read_text() == sheet_csv(reports.rows(wanted.day, wanted.day))
    workbench.months.reopen(FIRST, LAST, author="hr.kim", reason="once more")
    assert sheet_csv(reports.rows(FIRST, LAST)) != before
    assert table.read_text() == sheet_csv(reports.rows(wanted.day, wanted.day))


def bench_again(workbench: Workbench) -> Workbench:
    """The same workspace, opened by another process."""
    return Workbench(workbench.workspace, workbench.config, clock=workbench.clock)


def test_a_corrected_month_reads_back_exactly_as_it_was(workbench: Workbench) -> None:
    corrected(workbench)
    workbench.office.correct("E2", FIRST, "approve", author="hr.ann", reason="seen")
    workbench.office.correct("E2", date(2026, 10, 7), "status", author="hr.kim; x", reason="doctor", value="sick")
    before = workbench.attendance.sheets.between(FIRST, LAST, workbench.people.known())
    closed = workbench.months.close(FIRST, LAST, author="hr.kim", anyway=True)
    after = bench_again(workbench).attendance.sheets.between(FIRST, LAST, workbench.people.known())
    assert list(map(cells, after)) == list(map(cells, before))
    assert after == before
    assert closed.unsettled == 1
    assert workbench.months.intact(closed) is True


def test_open_days_are_refused_unless_told_anyway(workbench: Workbench) -> None:
    came(workbench, "E2", date(2026, 10, 2), "09:00:00")
    workbench.office.correct("E2", date(2026, 10, 7), "status", author="hr.kim", reason="ill", value="sick")
    with pytest.raises(InputError, match="2 of 44 days are open: 1 missing out, 1 awaiting approval") as refused:
        workbench.months.close(FIRST, LAST, author="hr.kim")
    assert "--anyway" in refused.value.hint
    assert workbench.months.history() == []
    assert [(row.employee_id, row.day.day) for row in workbench.months.unsettled(FIRST, LAST)] == [("E2", 2), ("E2", 7)]
    assert workbench.months.close(FIRST, LAST, author="hr.kim", anyway=True).unsettled == 2


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (datetime(2026, 10, 31, 23, tzinfo=BERLIN), "2026-10-31 is not over yet"),
        (datetime(2026, 10, 20, 10, tzinfo=BERLIN), "2026-10-31 is not over yet"),
    ],
)
def test_a_month_that_is_not_over_stays_open(workbench: Workbench, clock: Clock, now: datetime, said: str) -> None:
    clock.now = now
    with pytest.raises(InputError, match=said):
        workbench.months.close(FIRST, LAST, author="hr.kim", anyway=True)


def test_a_night_shift_that_still_runs_keeps_the_month_open(tmp_path: Path, clock: Clock) -> None:
    shifts = {"night": {"start": "22:00:00", "end": "06:00:00", "days": "mon-sun"}}
    made = bench(tmp_path / "w", clock, **{**SETTINGS, "shifts": shifts})
    enrol(made, "E1", "Ann Ray", face(1))
    made.people.change("E1", enrolled_at="2026-10-01T08:00:00+02:00")
    watched(made)
    clock.now = at(date(2026, 11, 1), "03:00:00")
    came(made, "E1", LAST, "21:55:00")
    with pytest.raises(InputError, match="2026-10-31 is not over yet"):
        made.months.close(FIRST, LAST, author="hr.kim", anyway=True)
    punch(made, "E1", at(date(2026, 11, 1), "06:01:00"), track="out")
    clock.now = at(date(2026, 11, 1), "12:30:00")
    assert made.months.close(FIRST, LAST, author="hr.kim", anyway=True).action == "close"


def test_days_are_closed_once_and_periods_need_not_be_months(workbench: Workbench) -> None:
    first, last = date(2026, 9, 16), date(2026, 10, 15)
    workbench.months.close(first, last, author="hr.kim")
    for span in ((FIRST, LAST), (first, last), (date(2026, 10, 15), date(2026, 10, 15))):
        with pytest.raises(InputError, match="2026-09-16 to 2026-10-15 is closed already") as refused:
            workbench.months.close(*span, author="hr.kim", anyway=True)
        assert "reopen it" in refused.value.hint
    with pytest.raises(InputError, match="2026-10-01 to 2026-10-31 is not closed") as other:
        workbench.months.reopen(FIRST, LAST, author="hr.kim", reason="typo")
    assert "2026-09-16 to 2026-10-15" in other.value.hint
    workbench.months.close(date(2026, 10, 16), LAST, author="hr.kim")
    with pytest.raises(InputError, match="reason"):
        workbench.months.reopen(first, last, author="hr.kim", reason=" ")
    with pytest.raises(InputError, match="nobody was seen or expected"):
        workbench.months.close(date(2020, 1, 4), date(2020, 1, 5), author="hr.kim")


def test_tampering_with_a_sealed_sheet_is_noticed(workbench: Workbench) -> None:
    closed = workbench.months.close(FIRST, LAST, author="hr.kim")
    assert workbench.records.verify() == []
    path = workbench.workspace / "log" / "closed_days-2026-10-01.csv"
    path.write_text(path.read_text().replace('""late_min"":20', '""late_min"":2'))
    other = bench_again(workbench)
    assert other.months.intact(closed) is False
    assert [(found.file, found.what) for found in other.records.verify()] == [(path.name, "changed")]
    path.unlink()
    assert bench_again(workbench).months.intact(closed) is False, "nobody can take it for what retention has erased"


def test_a_forgotten_person_leaves_no_name_and_the_seal_holds(workbench: Workbench, tmp_path: Path) -> None:
    enrol(workbench, "b.orr", "Beth Orr", face(0, 0, 0, 1))
    came(workbench, "b.orr", FIRST, "09:00:00", "17:30:00")
    closed = workbench.months.close(FIRST, LAST, author="b.orr", anyway=True)
    receipt = workbench.privacy.forget("b.orr", thorough=False)
    assert receipt["rows_of_closed_months_kept"] == 1
    assert receipt["still_named_in"] == []
    again = bench_again(workbench)
    assert again.months.intact(closed) is True
    assert [each for each in again.records.verify() if not each.harmless] == []
    pseudonym = again.records.sealer.pseudonym("b.orr")
    (row,) = (row for row in again.attendance.sheets.on(FIRST, again.people.known()) if row.employee_id == pseudonym)
    assert (row.name, row.hours) == ("", 8.0)
    assert again.months.history()[0].author == pseudonym
    assert again.months.changed(closed) == []
    for path in (workbench.workspace / "log").glob("clos*.csv"):
        assert not {"b.orr", "beth"} & set(path.read_text().lower().replace(",", " ").replace('"', " ").split()), path


def test_retention_erases_sealed_sheets_with_the_log_or_later(
    tmp_path: Path, workbench: Workbench, clock: Clock
) -> None:
    closed = workbench.months.close(FIRST, LAST, author="hr.kim")
    clock.forward(days=100)
    for settings, kept in (({"attendance": 90, "closed_sheets": 4000}, True), ({"attendance": 90}, False)):
        config = workbench.config.model_copy(
            update={"retention": workbench.config.retention.model_copy(update={"closed_sheets": None, **settings})}
        )
        again = Workbench(workbench.workspace, config, clock=clock)
        again.privacy.purge(apply=True)
        assert again.attendance.log.days() == []
        assert again.months.changed(closed) == [], "what cannot be computed again has not changed"
        assert again.months.intact(closed) is (True if kept else None)
        assert len(AttendanceReports(again).rows(FIRST, LAST)) == (44 if kept else 0)
        assert [each for each in again.records.verify() if not each.harmless] == []
        assert not list((workbench.workspace / "attendance" / ".made").glob("2026-10-*"))


# --------------------------------------------------------------------------------------------- many days at once


def test_many_days_are_corrected_and_approved_with_one_reason(workbench: Workbench) -> None:
    open_days = [date(2026, 10, day) for day in (2, 5, 6)]
    for day in open_days:
        came(workbench, "E2", day, "09:00:00")
    rows = workbench.months.unsettled(FIRST, LAST)
    assert [row.day for row in rows] == open_days
    with pytest.raises(InputError, match="reason"):
        workbench.office.correct_all(rows, "planned_out", author="hr.kim", reason=" ")
    done = workbench.office.correct_all(rows, "planned_out", author="hr.kim", reason="gate was open")
    assert [error for _, error in done] == [None, None, None]
    assert {made.reason for made, _ in done} == {"gate was open"}
    settled = [row for row in AttendanceReports(workbench).rows(FIRST, LAST, "E2") if row.day in open_days]
    assert [(row.status, row.hours, row.awaiting_approval) for row in settled] == [("on time", 8.0, True)] * 3
    own = workbench.office.correct_all(settled, "approve", author="hr.kim", reason="seen")
    assert all(error is not None and "made the correction" in error.message for _, error in own)
    other = workbench.office.correct_all([*settled, *rows[:0]], "approve", author="hr.ann", reason="seen")
    assert [error for _, error in other] == [None, None, None]
    assert workbench.months.unsettled(FIRST, LAST) == []


def test_one_refused_day_does_not_stop_the_others(workbench: Workbench) -> None:
    came(workbench, "E2", date(2026, 10, 3), "09:00:00", "12:00:00")
    rows = [row for row in AttendanceReports(workbench).rows(FIRST, date(2026, 10, 3), "E2") if row.day.day != 1]
    assert [row.planned_in is None for row in rows] == [False, True], "Saturday has no plan"
    done = workbench.office.correct_all(rows, "planned_in", author="hr.kim", reason="seen")
    assert [error is None for _, error in done] == [True, False]


# --------------------------------------------------------------------------------------------- the command

Run = Callable[..., Answer]


@pytest.fixture
def run(workbench: Workbench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("MUSTER_WORKSPACE", str(workbench.workspace))
    monkeypatch.setenv("MUSTER_AUTHOR", "hr.kim")
    (workbench.workspace / "muster.toml").write_text(
        'timezone = "Europe/Berlin"\n[shifts.office]\nstart = 09:00:00\nend = 17:30:00\ndays = "mon-fri"\nbreak_min = 30\n'
        "grace_min = 5\n[attendance]\ncount_unapproved = true\n[matching]\nthreshold = 0.5\n"
    )

    def call(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["muster", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Answer(ended.value.code, told.out, told.err)

    return call


def test_the_command_checks_closes_shows_and_reopens(workbench: Workbench, run: Run) -> None:
    came(workbench, "E2", date(2026, 10, 2), "09:00:00")
    checked = run("month", "check", "2026-10")
    assert (checked.code, "1 day of 2026-10 open: 1 missing out." in checked.out) == (1, True)
    refused = run("month", "close", "2026-10")
    assert refused.code == 1
    assert "missing out" in refused.out
    assert "--anyway" in refused.err
    assert json.loads(run("month", "close", "2026-10", "--json").out)["closed"] is False
    closed = json.loads(run("month", "close", "2026-10", "--anyway", "--json").out)
    assert (closed["closed"], closed["rows"], closed["unsettled"], closed["author"]) == (True, 44, 1, "hr.kim")
    correction = run("correct", "E2", "--day", "2026-10-02", "--out", "17:30", "--reason", "gate")
    assert (correction.code, "is closed: the sheet keeps its figures" in correction.err) == (0, True)
    changed = json.loads(run("month", "changes", "2026-10", "--json").out)
    assert {
        "employee_id": "E2",
        "name": "Ben Orr",
        "day": "2026-10-02",
        "column": "hours",
        "closed": "",
        "now": "8.00",
    } in (changed)
    assert run("month", "changes", "2026-10", "--csv").out.startswith("employee_id,name,day,column,closed,now\n")
    shown = run("month", "show", "2026-10")
    assert (shown.code, "is unchanged" in shown.out, closed["sha256"] in shown.out) == (0, True, True)
    sheet = json.loads(run("report", "--day", "2026-10-02", "--id", "E2", "--json").out)
    assert (sheet[0]["status"], sheet[0]["hours"]) == ("missing out", "")
    assert run("month", "reopen", "2026-10").code == 4
    assert "open again" in run("month", "reopen", "2026-10", "--reason", "gate was broken").out
    sheet = json.loads(run("report", "--day", "2026-10-02", "--id", "E2", "--json").out)
    assert (sheet[0]["status"], sheet[0]["hours"]) == ("on time", "8.00")
    actions = [row["action"] for row in json.loads(run("month", "list", "--json").out)]
    assert actions == ["close", "reopen"]
    assert run("month", "show", "2026-10").code == 4
    assert run("month", "close").code == 4
