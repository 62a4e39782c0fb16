"""Cases that other attendance and leave systems (Frappe HR, Odoo, Kimai) test, with the figures that Muster gives, worked out by hand.

`Case.policy` says where Muster decides otherwise on purpose, as docs/attendance.md explains; all other cases come out as they do there.
`BEYOND` names what cannot be said in Muster, and `ASKED` says which case shows what a workplace asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.attendance import DaySheet, cells
from engine.reports import summarise
from tests.attendance.field_case import Case
from tests.attendance.field_cases_days import DAYS
from tests.attendance.field_cases_people import PEOPLE

CASES = [*DAYS, *PEOPLE]


def figures(row: DaySheet) -> dict[str, str]:
    """A row as texts; `balance` as in the summary, `open` if somebody must look at the day."""
    more = {"balance": f"{summarise([row])[0]['balance']:g}", "open": "yes" if row.to_settle else ""}
    return {name: str(value) for name, value in (cells(row) | more).items()}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_case_from_the_field(tmp_path: Path, case: Case) -> None:
    for word, want in case.want.items():
        row = case.sheet(word, tmp_path)
        found = figures(row) if row else {}
        status, *rest = want.replace("late, left early", "late+left early").split(", ")
        wanted = {"status": status.replace("+", ", ")} | dict(cell.split(" ", 1) for cell in rest)
        assert {name: found.get(name, "") for name in wanted} == wanted, word


@dataclass(frozen=True)
class Beyond:
    """What other systems can say and Muster cannot.

    Attributes:
        elsewhere: what can be said there.
        instead: the nearest in Muster; docs/attendance.md says it in the same words.
    """

    elsewhere: str
    instead: str


BEYOND = (
    Beyond("leave from 10:00 to 12:00", "a share of the day, such as `0.25`"),
    Beyond("twenty hours a week, on whatever days", "hours for each day, with long graces"),
    Beyond("leave that grows month by month and lapses in spring", "an entitlement per year, changed by hand"),
)

ELSEWHERE = Path(__file__).parents[1]
ASKED: Mapping[str, tuple[str, ...]] = {
    # ----------------------------------------------------------------------------------- the past stays as it was
    "leaving on the 16th leaves the days before alone": (
        "the relieving date is the last day",
        "a last night that ends after the last day",
    ),
    "another department holds from its day on": (
        "moving to another department",
        "from nights to days in the middle of a week",
    ),
    "a closed month does not move": (
        "records/test_months.py::test_late_leave_does_not_move_a_closed_month_and_the_list_says_what_would",
    ),
    # -------------------------------------------------------------------------------------------- after midnight
    "14 to 22, left 00:05": ("five minutes past midnight after a late shift",),
    "9 to 17:30, left 00:40": ("past midnight from the office", "past midnight from the office, without directions"),
    "an unplanned night before a planned one": ("a night that nobody planned before one that is",),
    "nights without a shift": ("nights without any shift", "nights without any shift or directions"),
    "a stray passage opens no night": ("a stray passage in the morning opens no night",),
    "an exit at 00:00": ("leaving at midnight to the second",),
    "a time after midnight, entered by hand": (
        "a check-out after midnight",
        "past midnight from the office, entered by hand",
        "the end of 24 hours on duty",
        "attendance/test_placing.py",
    ),
    "more than 13 hours are an exception": ("23 hours count, but somebody must look", "24 hours on duty"),
    # ----------------------------------------------------------------------------------------------------- leave
    "half days": ("half a day in the kind, in German", "half a day as a number", "half a day, nobody said which"),
    "unpaid and parental leave": ("unpaid leave is missing in the balance", "parental leave asks for no hours"),
    "Friday to Monday is two days, holidays are none": (
        "from Friday to Monday: two days",
        "a holiday between days of leave is none",
    ),
    "rejected and cancelled leave is none": (
        "rejected leave is none",
        "cancelled leave is none",
        "leave that was asked for, then called off",
        "one day of a longer leave called off",
    ),
    "a shortened leave is shortened": ("shortened leave",),
    "dates as people and spreadsheets write them": (
        "people/test_leave_import.py::test_a_day_may_be_written_in_many_ways",
    ),
    "unknown kinds do not refuse the file": (
        "people/test_leave_import.py::test_unknown_kinds_are_named_and_can_be_said",
    ),
    # ------------------------------------------------------------------------------------------------- cool-down
    "the real exit within the cool-down": ("the last sighting is the departure where cameras see both ways",),
    "in, out, in at the door": ("in, out and in again at the door",),
    "seen after leaving": ("seen again after leaving is no arrival",),
    # ----------------------------------------------------------------------------------------------- corrections
    "an absence corrected to present": ("an absence that was presence", "an absence that was worked as planned"),
    "excused": ("an absence is excused",),
    "what nobody approved is shown apart": ("waiting for approval", "approved"),
    # ------------------------------------------------------------------------------------------------ staff lists
    "not enrolled yet": ("joining before the photos are taken",),
    "SALES is Sales": ("capitals and spaces of a department do not matter",),
    "ids that a spreadsheet spoilt": ("people/test_staff.py::test_what_a_spreadsheet_does_to_ids_is_told",),
    "old encodings": ("people/test_tables.py::test_an_old_encoding_is_guessed_from_few_names_and_shown",),
    "headings of other systems": ("people/test_tables.py::test_headings_that_may_mean_two_things",),
    "employment as other systems say it": ("people/test_staff.py::test_any_word_for_an_employment_is_understood",),
    "one bad row, the rest is imported": ("people/test_staff.py::test_the_rows_without_errors_can_be_imported",),
    "a title above the header": ("people/test_tables.py::test_a_title_above_the_header_is_passed_over",),
    "Excel": ("people/test_tables.py::test_an_excel_file_is_read_as_its_texts",),
    # --------------------------------------------------------------------------------------------------- reports
    "a workspace that is not there": ("cli/test_no_workspace.py",),
    "a period instead of a month": (
        "records/test_months.py::test_days_are_closed_once_and_periods_need_not_be_months",
    ),
    # ---------------------------------------------------------------------------------------------------- breaks
    "no cliff": ("a little more is not paid less", "unless the settings want it"),
    "breaks on holidays and Saturdays alike": ("a holiday that is worked", "seen after the last day"),
    # --------------------------------------------------------------------------------------------- shifts over time
    "shifts that take turns": (
        "a rotation by weeks",
        "four days on, four days off",
        "part time in a rota: two weeks on, one off",
    ),
    "two shifts a day": ("two shifts on one day", "half a day of a split shift"),
    "a shift assigned to a person": (
        "an assigned shift comes before the usual one",
        "after the assignment the usual shift holds again",
        "people/test_shift_list.py",
    ),
    "holidays of a group": ("a holiday of another region", "a holiday of one's own region"),
    "own kinds of leave": ("records/test_leave_desk.py::test_half_days_and_other_kinds",),
    "balances of leave": ("records/test_leave_desk.py::test_a_balance_tells_what_is_taken_planned_and_left",),
    # ------------------------------------------------------------------------------------------------------ rules
    "rounding": (
        "no rounding, unless the settings want it",
        "arrivals rounded up, departures down, to a quarter",
        "rounded to the nearest five minutes",
    ),
    "hours that a half and a whole day must have": (
        "fewer hours than a whole day asks for",
        "fewer hours than half a day asks for",
        "just enough hours for a whole day",
    ),
    "overtime": (
        "overtime beyond the planned hours",
        "overtime from half an hour on",
        "all hours of a day off are overtime",
    ),
    "night, Sunday and holiday hours": ("hours at night and on Sunday", "hours on a holiday that begins at midnight"),
    "a time account": ("records/test_account_desk.py",),
    # ------------------------------------------------------------------------------------------------ month, others
    "exceptions in groups, corrected together": (
        "records/test_months.py::test_many_days_are_corrected_and_approved_with_one_reason",
        "reports/test_groups.py",
    ),
    "closing a month and opening it again": (
        "records/test_months.py::test_the_command_checks_closes_shows_and_reopens",
    ),
    "punches of terminals": (
        "people/test_clock_files.py",
        "records/test_punch_desk.py::test_a_week_is_imported_once_and_a_later_export_adds_what_is_new",
        "records/test_punch_desk.py::test_an_export_is_what_counts_and_can_be_read_again",
    ),
    "figures for payroll programs": ("app/web/test_rest.py",),
    "a manager sees some departments": ("app/web/test_manager.py",),
}
"""What a workplace asks for, with the cases, or the tests, that show it."""


def test_every_case_has_a_name_of_its_own() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("sentence", ASKED)
def test_what_is_asked_for_is_shown_by_a_case_or_a_test(sentence: str) -> None:
    names = {case.name for case in CASES}
    for shown in ASKED[sentence]:
        place, _, test = shown.partition("::")
        assert shown in names or (ELSEWHERE / place).exists(), shown
        assert not test or f"def {test}(" in (ELSEWHERE / place).read_text(encoding="utf-8"), shown


def test_what_cannot_be_said_is_little_and_the_guide_names_it() -> None:
    guide = (ELSEWHERE.parent / "docs" / "attendance.md").read_text(encoding="utf-8")
    policies = [case for case in CASES if case.policy]
    print(
        f"{len(CASES) - len(policies)} cases come out as elsewhere, {len(policies)} otherwise on purpose, {len(BEYOND)} cannot be said:"
    )
    for each in BEYOND:
        print(f"  {each.elsewhere}; instead: {each.instead}")
        assert f"| {each.elsewhere} | {each.instead} |" in guide
    assert len(BEYOND) <= 3
