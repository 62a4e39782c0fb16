"""HR enters, changes, approves and takes out leave; balances count working days; the audit log keeps who did what and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from engine.cli import leave as command
from engine.errors import InputError
from engine.people import Leave, Person
from engine.workbench import Workbench

NOW = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)
SETTINGS = """
timezone = "Europe/Berlin"
holidays.extra = { 2026-11-18 = "Penance Day" }
[shifts.office]
start = 09:00:00
end = 17:30:00
break_min = 30
[leave.annual]
days_per_year = 28
[leave.duty]
name = "fire brigade"
words = ["Feuerwehr"]
paid = false
"""
HR = {"author": "hr.kim", "reason": "asked by mail"}


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    (tmp_path / "muster.toml").write_text(SETTINGS)
    found = Workbench(tmp_path, clock=lambda: NOW)
    found.people.put_all(
        Person(key, name, enrolled_at="2026-01-05") for key, name in (("E1", "Ada Lovelace"), ("E2", "Ben Ode"))
    )
    return found


def day(number: int, month: int = 11) -> date:
    return date(2026, month, number)


def add(bench: Workbench, kind: str, first: int, last: int | None = None, who: str = "E1", **more: object) -> Leave:
    return bench.leave_desk.add(who, kind, day(first), day(last or first), **{**HR, **more})  # type: ignore[arg-type]


def statuses(bench: Workbench, first: int, last: int, who: str = "E1") -> dict[int, tuple[str, float]]:
    rows = bench.attendance.sheets.between(day(first), day(last), bench.people.known(), who)
    return {row.day.day: (row.status.value, row.leave_days) for row in rows}


def history(bench: Workbench) -> list[tuple[str, str, str, str]]:
    return [(row.author, row.action, row.subject, row.detail) for row in bench.leave_desk.history()][::-1]


def test_friday_to_monday_takes_two_days_and_a_holiday_none(bench: Workbench) -> None:
    weekend, week = add(bench, "annual", 6, 9), add(bench, "Urlaub", 16, 20, "E2")
    assert bench.leave_desk.working_days(weekend) == 2
    assert bench.leave_desk.working_days(week) == 4
    assert statuses(bench, 6, 9) == {6: ("on leave", 1), 9: ("on leave", 1)}
    assert [row.days for row in bench.leave_desk.entries(day(1), day(30))] == [4, 2]


def test_a_balance_tells_what_is_taken_planned_and_left(bench: Workbench) -> None:
    add(bench, "annual", 2, 6)  # five days, but for two on which Ada was ill
    add(bench, "sick", 3, 4)
    add(bench, "annual", 10, half="morning")
    add(bench, "annual", 16, 20)  # with a holiday: four
    add(bench, "annual", 23, 24, pending=True)
    add(bench, "Feuerwehr", 12)
    bench.leave_desk.entitle("E2", "annual", 2026, 31.5, **HR)  # type: ignore[arg-type]
    found = {
        (row.employee_id, row.kind): (row.entitled, row.own, row.taken, row.planned, row.pending, row.left)
        for row in bench.leave_desk.balances(2026)
    }
    assert found == {
        ("E1", "annual"): (28, False, 3.5, 4, 2, 20.5),
        ("E1", "sick"): (None, False, 2, 0, 0, None),
        ("E1", "duty"): (None, False, 0, 1, 0, None),
        ("E2", "annual"): (31.5, True, 0, 0, 0, 31.5),
    }
    assert [row.entitled for row in bench.leave_desk.balances(2027, "E2")] == [28]
    bench.leave_desk.entitle("E2", "annual", 2026, None, **HR)  # type: ignore[arg-type]
    assert [row.entitled for row in bench.leave_desk.balances(2026, "E2")] == [28]
    assert statuses(bench, 2, 4) == {2: ("on leave", 1), 3: ("sick", 1), 4: ("sick", 1)}


def test_leave_over_new_year_is_counted_in_the_year_of_each_day(bench: Workbench) -> None:
    bench.leave_desk.add("E1", "annual", day(30, 12), date(2027, 1, 4), **HR)  # type: ignore[arg-type]
    taken = {year: bench.leave_desk.balances(year, "E1")[0].planned for year in (2026, 2027)}
    assert taken == {2026: 2, 2027: 2}  # Wednesday and Thursday; Friday and Monday


def test_shortened_leave_and_leave_that_is_taken_out_leave_a_trace_in_the_history_alone(bench: Workbench) -> None:
    entry = add(bench, "annual", 2, 13)
    change = bench.leave_desk.change(
        entry.leave_id, last=day(6), author="hr.kim", reason="Ada Lovelace came back early"
    )
    assert (change.before, change.after and change.after.last_day) == (entry, day(6))
    bench.leave_desk.remove(entry.leave_id, first=day(4), last=day(4), author="hr.kim", reason="was here")
    assert statuses(bench, 2, 9) == {
        2: ("on leave", 1),
        3: ("on leave", 1),
        4: ("not covered", 0),
        5: ("on leave", 1),
        6: ("on leave", 1),
        9: ("not covered", 0),
    }
    for row in bench.leave.all():
        bench.leave_desk.remove(row.leave_id, author="hr.kim", reason="cancelled")
    assert bench.leave.all() == []
    assert statuses(bench, 2, 2) == {2: ("not covered", 0)}
    assert history(bench) == [
        ("hr.kim", "leave_add", "E1", "annual 2026-11-02…2026-11-13: asked by mail"),
        (
            "hr.kim",
            "leave_change",
            "E1",
            "annual 2026-11-02…2026-11-13 → annual 2026-11-02…2026-11-06: E1 came back early",
        ),
        ("hr.kim", "leave_change", "E1", "annual 2026-11-02…2026-11-06 → annual 2026-11-02…2026-11-03: was here"),
        ("hr.kim", "leave_add", "E1", "annual 2026-11-05…2026-11-06: was here"),
        ("hr.kim", "leave_remove", "E1", "annual 2026-11-02…2026-11-03 → –: cancelled"),
        ("hr.kim", "leave_remove", "E1", "annual 2026-11-05…2026-11-06 → –: cancelled"),
    ]
    assert bench.records.verify() == []


def test_leave_counts_only_once_it_is_approved(bench: Workbench) -> None:
    entry = add(bench, "annual", 9, pending=True)
    assert statuses(bench, 9, 9) == {9: ("not covered", 0)}
    bench.leave_desk.change(entry.leave_id, approved=True, author="lead", reason="fine")
    assert statuses(bench, 9, 9) == {9: ("on leave", 1)}
    assert history(bench)[-1][3] == "annual 2026-11-09 (pending) → annual 2026-11-09: fine"


def test_half_days_and_other_kinds(bench: Workbench) -> None:
    entry = add(bench, "annual", 9)
    desk = bench.leave_desk
    change = desk.change(entry.leave_id, half="afternoon", **HR)  # type: ignore[arg-type]
    assert str(change.after) == "annual 2026-11-09 (0.5 afternoon)"
    assert desk.working_days(change.entry) == 0.5
    assert str(desk.change(entry.leave_id, share=0.25, **HR).after) == "annual 2026-11-09 (0.25)"  # type: ignore[arg-type]
    assert str(desk.change(entry.leave_id, whole=True, kind="unbezahlt", **HR).after) == "unpaid 2026-11-09"  # type: ignore[arg-type]
    add(bench, "annual", 10, half="morning")
    add(bench, "annual", 10, half="afternoon")
    assert statuses(bench, 10, 10) == {10: ("on leave", 1)}


REFUSED: dict[str, tuple[Callable[[Workbench], object], str]] = {
    "nobody": (lambda bench: add(bench, "annual", 2, who="E9"), "nobody is known as E9"),
    "backwards": (lambda bench: add(bench, "annual", 6, 2), "is before"),
    "years": (
        lambda bench: bench.leave_desk.add("E1", "annual", day(1), date(2036, 1, 1), author="x"),
        "more than 1100 days",
    ),
    "a kind": (lambda bench: add(bench, "Brückentag", 2), "not a kind"),
    "a share": (lambda bench: add(bench, "annual", 2, share=1.5), "no part of a day"),
    "twice": (lambda bench: add(bench, "annual", 25, 27), "has annual 2026-11-23…2026-11-25 already"),
    "no entry": (lambda bench: bench.leave_desk.remove("x", **HR), "no leave 'x'"),  # type: ignore[arg-type]
    "no reason": (
        lambda bench: bench.leave_desk.remove(bench.leave.all()[0].leave_id, author="x", reason=" "),
        "reason",
    ),
    "other days": (
        lambda bench: bench.leave_desk.remove(bench.leave.all()[0].leave_id, first=day(1), last=day(2), **HR),  # type: ignore[arg-type]
        "no day from",
    ),
    "nothing": (lambda bench: bench.leave_desk.change(bench.leave.all()[0].leave_id, **HR), "same as before"),  # type: ignore[arg-type]
    "days": (lambda bench: bench.leave_desk.entitle("E1", "annual", 2026, 400, **HR), "no number of days"),  # type: ignore[arg-type]
    "a year": (lambda bench: bench.leave_desk.entitle("E1", "annual", 20266, 30, **HR), "too far"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_sense_is_refused_and_changes_nothing(bench: Workbench, case: str) -> None:
    add(bench, "annual", 23, 25)
    before = bench.leave.document.path.read_bytes()
    act, word = REFUSED[case]
    with pytest.raises(InputError, match=word) as caught:
        act(bench)
    assert caught.value.hint or case == "no reason"
    assert bench.leave.document.path.read_bytes() == before
    assert len(history(bench)) == 1


def test_an_import_is_noted_entry_by_entry(bench: Workbench, tmp_path: Path) -> None:
    path = tmp_path / "Ada Lovelace.csv"
    path.write_text("id,from,to,type\nE1,2026-11-02,2026-11-06,leave\nE2,2026-11-09,,sick\n")
    dry = bench.leave_desk.import_file(path, author="hr.kim", dry_run=True)
    assert history(bench) == []
    done = bench.leave_desk.import_file(path, author="hr.kim")
    assert [str(change) for change in done.changes] == [str(change) for change in dry.changes]
    assert history(bench) == [
        ("hr.kim", "leave_add", "E1", "annual 2026-11-02…2026-11-06: import"),
        ("hr.kim", "leave_add", "E2", "sick 2026-11-09: import"),
    ]
    assert len(bench.leave_desk.import_file(path, author="hr.kim").unchanged) == 2
    assert len(history(bench)) == 2


def test_what_is_held_about_a_person_includes_their_entitlement(bench: Workbench) -> None:
    add(bench, "annual", 2, 6)
    bench.leave_desk.entitle("E1", "annual", 2026, 30, **HR)  # type: ignore[arg-type]
    assert [row.status for row in bench.leave.of("E1")] == ["approved", "entitlement"]
    assert [row.status for row in bench.leave.all()] == ["approved"]
    assert bench.leave.remove("E1") == 2


# --------------------------------------------------------------------------------------------- commands


def test_the_commands_do_the_same(tmp_path: Path, bench: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    place = {"workspace": tmp_path}
    command.leave_add("E1", first="2026-11-16", last="2026-11-20", author="hr", reason="asked", **place)  # type: ignore[arg-type]
    told = capsys.readouterr().out
    assert "4 working days" in told
    leave_id = told.split(":")[0]
    command.leave_change(leave_id, last="2026-11-17", half="any", author="hr", reason="back early", **place)  # type: ignore[arg-type]
    assert "annual 2026-11-16…2026-11-17 (0.5)" in capsys.readouterr().out
    command.leave_list(first="2026-11-01", last="2026-11-30", **place)  # type: ignore[arg-type]
    assert leave_id[:12] in capsys.readouterr().out
    command.leave_entitle("E1", 30, year=2026, author="hr", **place)  # type: ignore[arg-type]
    command.leave_balance(year=2026, as_json=True, **place)  # type: ignore[arg-type]
    assert '"left": 29.0' in capsys.readouterr().out
    command.leave_remove(leave_id, reason="cancelled", author="hr", **place)  # type: ignore[arg-type]
    command.leave_history(**place)  # type: ignore[arg-type]
    told = capsys.readouterr().out
    assert "cancelled" in told
    assert "back early" in told
    command.leave_kinds(**place)  # type: ignore[arg-type]
    assert "fire brigade" in capsys.readouterr().out
    for wrong in ({"half": "noon"}, {"first": None}):
        with pytest.raises(InputError):
            command.leave_add("E1", **{"first": "2026-11-16", **wrong}, **place)  # type: ignore[arg-type]


def test_the_import_command_maps_words_and_says_what_changes(
    tmp_path: Path, bench: Workbench, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("id,from,to,type\nE1,02/11/2026,06/11/2026,Brückentag\n")
    place = {"workspace": tmp_path}
    command.leave_import(path, kind=["Brückentag=annual"], date_order="dmy", dry_run=True, **place)  # type: ignore[arg-type]
    assert "1 added" in capsys.readouterr().out
    assert bench.leave.all() == []
    command.leave_import(path, kind=["Brückentag=annual"], date_order="dmy", **place)  # type: ignore[arg-type]
    path.write_text("id,from,to,type\nE1,02/11/2026,03/11/2026,Brückentag\n")
    capsys.readouterr()
    command.leave_import(path, date_order="dmy", **place)  # type: ignore[arg-type]
    told = capsys.readouterr().out
    assert "2026-11-06" in told
    assert "2026-11-03" in told
    for wrong in ({"kind": ["sick", "annual"]}, {"date_order": "ymd"}):
        with pytest.raises(InputError):
            command.leave_import(path, **wrong, **place)  # type: ignore[arg-type]
