"""Lists of who works which shift from when on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine.errors import InputError
from engine.people import EmploymentBook, Person, StaffImport, import_shifts

TODAY = date(2026, 11, 22)
PEOPLE = {
    key: Person(key, name, email=f"{key}@example.org") for key, name in {"E1": "Ann Ray", "E2": "Ben Okafor"}.items()
}
Take = Callable[..., StaffImport]


@pytest.fixture
def book(tmp_path: Path) -> EmploymentBook:
    return EmploymentBook(tmp_path / "employment.csv")


@pytest.fixture
def take(book: EmploymentBook, tmp_path: Path) -> Take:
    def taker(content: str, **more: Any) -> StaffImport:
        path = tmp_path / "shifts.csv"
        path.write_text(content)
        return import_shifts(path, book, PEOPLE, ("Early", "late", "night"), TODAY, **more)

    return taker


def plan(book: EmploymentBook, *days: str, who: str = "E1") -> list[str]:
    return [book.on(who, date.fromisoformat(day)).shift for day in days]


def test_a_roster_of_weeks(take: Take, book: EmploymentBook) -> None:
    rows = "E1,early,2026-11-02\nE1,early,2026-11-09\nE1,LATE,2026-11-16\nE2,night,2026-11-09\n"
    result = take(f"id,shift,from\n{rows}")
    assert (result.changed, result.messages, result.written) == (("E1", "E2"), (), True)
    assert plan(book, "2026-11-01", "2026-11-02", "2026-11-15", "2026-11-16", "2027-01-01") == [
        "",
        "Early",
        "Early",
        "late",
        "late",
    ]
    assert plan(book, "2026-11-08", "2026-11-09", who="E2") == ["", "night"]
    assert take(f"id,shift,from\n{rows}").unchanged == ("E1", "E2")


@pytest.mark.parametrize("who", ["E1", "e1", "Ann Ray", "Ray"])
def test_a_list_says_who_as_staff_lists_do(take: Take, book: EmploymentBook, who: str) -> None:
    head = {"E1": "Personal-Nr.", "e1": "Emp. ID", "Ann Ray": "Name", "Ray": "Vorname,Nachname"}[who]
    cell = "Ann,Ray" if who == "Ray" else who
    result = take(f"{head},Schicht,ab\n{cell},early,2026-11-02\n")
    assert (result.changed, result.errors) == (("E1",), ())
    assert [message.text for message in result.messages] == (
        ["e1 is taken for E1, the only id that differs in zeros or case alone"] if who == "e1" else []
    )


def test_a_time_with_an_end_returns_to_what_held(take: Take, book: EmploymentBook) -> None:
    take("name,Schicht,von,bis\nAnn Ray,early,01.11.2026,\nRay Ann,night,09.11.2026,15.11.2026\n")
    assert plan(book, "2026-11-08", "2026-11-09", "2026-11-15", "2026-11-16") == ["Early", "night", "night", "Early"]
    take("e-mail,shift,from\nE1@example.org,none,2026-11-12\n")
    assert plan(book, "2026-11-11", "2026-11-12", "2026-11-16") == ["night", "", ""]


def test_without_a_day_an_assignment_holds_from_today(take: Take, book: EmploymentBook) -> None:
    take("id,shift\nE1,night\n")
    assert plan(book, "2026-11-21", "2026-11-22") == ["", "night"]


@pytest.mark.parametrize(
    ("row", "column", "word"),
    [
        ("E9,early,2026-11-02,", "id", "E9"),
        ("E1,swing,2026-11-02,", "shift", "Early, late, night"),
        ("E1,early,soon,", "from", "'soon' is not a day"),
        ("E1,early,2026-11-09,2026-11-02", "until", "is before"),
        ("E1,early,03/04/2026,", "from", "2026-04-03 or 2026-03-04"),
    ],
)
def test_a_bad_row_is_named_and_stops_the_list_or_is_left_out(
    take: Take, book: EmploymentBook, row: str, column: str, word: str
) -> None:
    content = f"id,shift,from,until\nE2,late,2026-11-02,\n{row}\n"
    (message,) = take(content).errors
    assert (message.line, message.column) == (3, column)
    assert word in message.text
    assert not book.document.read()
    assert take(content, skip_bad=True).skipped == (3,)
    assert plan(book, "2026-11-02", who="E2") == ["late"]


@pytest.mark.parametrize("content", ["id,from\nE1,2026-11-02\n", "shift,from\nearly,2026-11-02\n"])
def test_a_list_without_a_needed_column_is_refused(take: Take, content: str) -> None:
    with pytest.raises(InputError, match="no column") as caught:
        take(content)
    assert caught.value.hint
