"""Time accounts: days, pay-outs and opening balances add up over months, closed months stay, lists are imported, HR is on record."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from engine.errors import InputError
from engine.people import Person, hours_of
from engine.reports import summarise
from engine.workbench import Workbench

NOW = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
SETTINGS = """
timezone = "Europe/Berlin"
[shifts.office]
start = 09:00:00
end = 17:30:00
break_min = 30
"""
HR = {"author": "hr.kim", "reason": "agreed"}


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """No camera was watching, so that all days are credited but the 3rd of November: Ada's time off takes eight hours."""
    (tmp_path / "muster.toml").write_text(SETTINGS)
    found = Workbench(tmp_path, clock=lambda: NOW)
    found.people.put_all(
        Person(key, name, enrolled_at="2026-01-05") for key, name in (("E1", "Ada Lovelace"), ("E2", "Ben Ode"))
    )
    found.leave_desk.add("E1", "time_off", date(2026, 11, 3), date(2026, 11, 3), **HR)
    return found


def nov(day: int) -> date:
    return date(2026, 11, day)


def test_an_account_is_its_opening_balance_its_days_and_its_changes(bench: Workbench) -> None:
    desk = bench.time_accounts
    with pytest.raises(InputError, match="has no time account on 2026-11-04"):
        desk.change("E1", nov(4), -1.5, **HR)
    desk.open("E1", date(2026, 10, 20), 10.0, **HR)
    desk.change("E1", nov(4), -1.5, author="hr.kim", reason="paid out to Ada Lovelace")
    desk.open("E1", nov(9), 5.0, author="hr.kim")
    accounts = desk.accounts(nov(10))
    asked = (date(2026, 10, 19), date(2026, 10, 20), nov(2), nov(3), nov(4), nov(8), nov(9), nov(10))
    assert [accounts.at("E1", day) for day in asked] == [None, 10.0, 10.0, 2.0, 0.5, 0.5, 5.0, 5.0]
    assert accounts.at("E2", nov(10)) is None
    assert "Ada" not in desk.entries()[1].reason  # files carry ids
    told = [(row.author, row.action, row.subject, row.detail) for row in bench.audit.read()][1:]
    assert told == [
        ("hr.kim", "account_open", "E1", "opening 2026-10-20 +10.00 h: agreed"),
        ("hr.kim", "account_change", "E1", "change 2026-11-04 -1.50 h: paid out to E1"),
        ("hr.kim", "account_open", "E1", "opening 2026-11-09 +5.00 h"),
    ]


def test_the_summary_carries_the_account_from_month_to_month(bench: Workbench) -> None:
    desk = bench.time_accounts
    desk.open("E1", date(2026, 10, 1), 10.0, **HR)
    desk.change("E1", date(2026, 10, 31), -4.0, **HR)  # a Saturday without a row
    rows = bench.attendance.sheets.between(date(2026, 10, 1), nov(10), bench.people.known())
    sums = summarise(rows, accounts=desk.accounts(nov(10)))
    assert [(row["employee_id"], row["month"], row["account"]) for row in sums] == [
        ("E1", "2026-10", 6.0),
        ("E1", "2026-11", -2.0),
        ("E2", "2026-10", ""),
        ("E2", "2026-11", ""),
    ]
    whole = summarise(rows, "2026-10-01/2026-11-10", accounts=desk.accounts(nov(10)))
    assert [row["account"] for row in whole] == [-2.0, ""]
    assert "account" in summarise(rows)[0]


def test_nothing_is_dated_within_or_before_a_closed_month(bench: Workbench) -> None:
    desk = bench.time_accounts
    made = desk.open("E1", date(2026, 9, 30), 10.0, **HR)
    bench.months.close(date(2026, 10, 1), date(2026, 10, 31), author="hr.kim", anyway=True)
    for change in (
        lambda: desk.open("E2", date(2026, 10, 31), 1.0, **HR),
        lambda: desk.change("E1", date(2026, 10, 5), 1.0, **HR),
        lambda: desk.remove(made.entry_id, **HR),
    ):
        with pytest.raises(InputError, match="2026-10-01 to 2026-10-31 is closed") as told:
            change()
        assert told.value.hint == "give a day after 2026-10-31"
    late = desk.change("E1", nov(1), 1.0, **HR)
    assert desk.accounts(nov(2)).at("E1", nov(2)) == 11.0
    desk.remove(late.entry_id, **HR)
    assert desk.accounts(nov(2)).at("E1", nov(2)) == 10.0


def test_opening_balances_are_imported_twice_without_doubling(bench: Workbench, tmp_path: Path) -> None:
    table = tmp_path / "saldo.csv"
    table.write_text("Name;Saldo;Stand\nAda Lovelace;-3:15;01.10.2026\nBen Ode;12,5;\nNemo;1;\nBen Ode;viel;\n")
    for _ in range(2):
        found = bench.time_accounts.import_file(table, nov(1), author="hr.kim")
        assert [(row.line, row.column) for row in found.messages if row.level == "error"] == [(4, "Name"), (5, "Saldo")]
    entries = [(row.employee_id, row.day, row.hours, row.source) for row in bench.time_accounts.entries()]
    assert entries == [("E1", date(2026, 10, 1), -3.25, "saldo.csv"), ("E2", nov(1), 12.5, "saldo.csv")]


@pytest.mark.parametrize("text", ["", "nan", "inf", "1:75", "8 Tage", "99999"])
def test_hours_are_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match="is no number of hours"):
        hours_of(text)
