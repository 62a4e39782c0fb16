"""The filters by people that pages share: each department once, however lists write it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from pages import bench_of, open_page, texts

from app.ui.people_filter import departments, keeps
from engine.attendance import PunchRow
from engine.operations.reporting import AttendanceReports
from engine.people import Person
from engine.types import spellings

PEOPLE = [
    Person("E1", "Ada Lovelace", "Sales", enrolled_at="2020-01-01"),
    Person("E2", "Ben Ode", "SALES", enrolled_at="2020-01-01"),
    Person("E3", "Cy Oh", "Sales ", enrolled_at="2020-01-01"),
    Person("E4", "Di Ash", "Sales", enrolled_at="2020-01-01"),
    Person("E5", "Ed Oak", "", enrolled_at="2020-01-01"),
]


def test_a_department_is_offered_in_the_spelling_of_most() -> None:
    assert spellings(person.department for person in PEOPLE) == {"sales": "Sales"}
    assert spellings(["b", "B", "", " "]) == {"b": "B"}
    assert departments(PEOPLE, "sales", "Gone") == ["Gone", "Sales"]
    assert [person.employee_id for person in PEOPLE if keeps(person, "sales", "")] == ["E1", "E2", "E3", "E4"]
    assert [person.employee_id for person in PEOPLE if keeps(person, "", "oh")] == ["E3"]
    assert [person.employee_id for person in PEOPLE if keeps(person, "Sales", "e4")] == ["E4"]


@pytest.mark.parametrize("name", ["attendance", "month"])
def test_a_page_filters_by_any_spelling(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = bench_of(tmp_path, monkeypatch)
    bench.people.put_all(PEOPLE)
    page = open_page(name, tmp_path, monkeypatch, "hr", query={"department": "SALES"})
    assert not page.exception
    menu = page.selectbox(key=f"{name}-department")
    assert menu.options == ["All departments", "Sales"]
    assert menu.value == "Sales"


def test_rows_write_a_department_in_one_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = bench_of(tmp_path, monkeypatch)
    bench.people.put_all(PEOPLE)
    at = datetime(2025, 3, 12, 8, tzinfo=bench.config.zone)
    rows = [PunchRow(f"p-{who.employee_id}", at, who.employee_id, "punch") for who in PEOPLE]
    with bench.attendance.log.exclusive():
        bench.attendance.log.append(at.date(), rows)
    assert {row.department for row in AttendanceReports(bench).rows(at.date(), at.date())} == {"Sales", ""}


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("attendance", {"find": "e-07"}),
        ("month", {"find": "e-07"}),
        ("attendance", {"person": "e-07"}),
    ],
)
def test_a_page_asks_for_the_id_that_is_near(
    name: str, query: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = bench_of(tmp_path, monkeypatch)
    bench.people.put_all([*PEOPLE, Person("E7", "Fay Orr", "Sales", enrolled_at="2020-01-01")])
    page = open_page(name, tmp_path, monkeypatch, "hr", query=query)
    assert not page.exception
    assert "Did you mean E7?" in texts(page)
    assert "Did you mean" not in texts(
        open_page(name, tmp_path, monkeypatch, "hr", query=query | dict.fromkeys(query, "zz"))
    )
