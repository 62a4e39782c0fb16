"""My record: the figures of HR's sheet, one's own passages, and nothing of anybody else."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import departments
import pytest
from departments import ANN, CY, FRIDAY, MONDAY
from pages import open_page, texts
from streamlit.testing.v1 import AppTest

from app.web import services
from app.words import say_minutes
from engine.access import EMPLOYEE
from engine.errors import InputError, MusterError
from engine.operations.reporting import AttendanceReports
from engine.operations.scoped import of_person
from engine.people import Person
from engine.workbench import Workbench

OTHERS = re.compile(rf"Ben Bauer|{CY}|\bE2\b|\bE3\b|\bLab\b|lab key|unknown-1")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = departments.settings(tmp_path_factory.mktemp("works") / "data")
    departments.fill(Workbench(folder))
    return folder


@pytest.fixture
def works(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    """The workplace of the tests of managers; E1 has the account of an employee."""
    folder = tmp_path / "data"
    shutil.copytree(filled, folder)
    monkeypatch.setenv("MUSTER_WORKSPACE", str(folder))
    bench = services.home()
    bench.accounts.add("admin", "admin", email="a@example.com")
    bench.accounts.add(EMPLOYEE, EMPLOYEE, email="e@example.com", language="en")
    bench.bindings.bind("E1", EMPLOYEE, author="admin")
    return bench


def opened(bench: Workbench, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    page = open_page("own", bench.workspace, monkeypatch, EMPLOYEE, query=query)
    assert not page.exception
    return page


def test_each_day_of_a_month_says_what_hrs_sheet_says(works: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    said = texts(opened(works, monkeypatch, month="2025-03"))
    rows = AttendanceReports(works).rows(date(2025, 3, 1), date(2025, 3, 31), "E1")
    assert len(rows) >= 5
    assert said.count('<li><a class="o-day"') == len(rows)
    for row in rows:
        line = next(each for each in said.split("<li>") if f"day={row.day}" in each)
        assert (say_minutes(60 * row.hours) if row.hours else "–") in line
        assert (f"{row.first_in:%H:%M}" if row.first_in else "") in line
    total = round(sum(row.hours or 0 for row in rows), 2)
    assert f">{say_minutes(60 * total)}<" in said
    planned = round(sum(row.planned_hours or 0 for row in rows), 2)
    assert f"of {say_minutes(60 * planned)} planned" in said
    balance = round(sum(row.balance for row in rows), 2)
    assert say_minutes(60 * abs(balance)) in said


def test_a_day_shows_its_passages_and_who_corrected_what(works: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    works.office.correct("E1", MONDAY, "status", value="remote", author="boss", reason="agreed with Ben Bauer, not E3")
    said = texts(opened(works, monkeypatch, day=f"{MONDAY}"))
    passages = AttendanceReports(works).explained("E1", MONDAY)
    assert passages
    assert all(f"{each.row.timestamp:%H:%M}" in said for each in passages)
    assert "boss" in said
    assert "agreed with …, not …" in said
    assert OTHERS.findall(said) == []


@pytest.mark.parametrize(
    "query",
    [
        {"month": "2025-03"},
        {"month": "2025-03", "person": "E2", "employee_id": "E2", "id": "E2"},
        {"day": f"{FRIDAY}", "person": "E3"},
        {"day": f"{MONDAY}", "site": "main", "tab": "sightings", "person": "E2"},
        {"month": "9999-99"},
        {"month": "../../E2", "day": "<script>"},
        {"day": "9999-12-31"},
        {"day": "0001-01-01"},
    ],
)
def test_no_address_shows_anybody_else(
    works: Workbench, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]
) -> None:
    said = texts(opened(works, monkeypatch, **query))
    assert OTHERS.findall(said) == []
    assert "<script>" not in said


def test_a_day_of_doubt_says_that_it_does_not_count(works: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    row = next(each.row for each in AttendanceReports(works).explained("E1", MONDAY) if each.row.passage)
    wanted = replace(row, event_id="", event="retract", author="boss", reason="it was Ben Bauer", evidence_image="")
    assert works.attendance.retract(wanted, works.people.known()) is not None
    said = texts(opened(works, monkeypatch, day=f"{MONDAY}"))
    assert "taken back and does not count. Reason: it was …" in said
    assert OTHERS.findall(said) == []


def test_who_has_no_days_and_who_belongs_to_nobody_is_told_so(
    works: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    works.people.put(Person("Ä §/9", "Nora New"))
    works.bindings.rebind(EMPLOYEE, "Ä §/9", author="admin")
    said = texts(opened(works, monkeypatch, month="2024-02"))
    assert "Nora New" in said
    assert "You are out" in said
    works.privacy.forget("Ä §/9", author="admin", thorough=False)
    works.accounts.add(EMPLOYEE, EMPLOYEE, email="e@example.com", language="en")
    assert "Your account belongs to nobody here" in texts(opened(works, monkeypatch))


def test_the_own_bench_holds_nobody_else(works: Workbench) -> None:
    own = of_person(works, "E1")
    assert set(own.people.known()) == {"E1"}
    rows = AttendanceReports(own).rows(MONDAY, FRIDAY)
    assert {row.employee_id for row in rows} == {"E1"}
    assert AttendanceReports(own).explained("E2", MONDAY) == []
    assert {each.employee_id for each in AttendanceReports(own).stays(MONDAY, FRIDAY)} <= {"E1"}
    for name in ("incidents", "gallery", "audit", "accounts", "records", "sightings", "privacy", "bindings", "staff"):
        with pytest.raises(MusterError):
            getattr(own, name)


def test_a_copy_is_made_once_an_hour_and_recorded(works: Workbench, tmp_path: Path) -> None:
    target = tmp_path / "copy.zip"
    counts = works.privacy.own_copy("E1", target, author=EMPLOYEE)
    assert counts["attendance_rows"]
    with zipfile.ZipFile(io.BytesIO(target.read_bytes())) as archive:
        texts_ = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".json")).decode()
    assert ANN in texts_
    assert "Ben Bauer" not in texts_
    row = next(row for row in works.audit.read() if row.action == "export_subject")
    assert (row.subject, row.author) == ("E1", EMPLOYEE)
    with pytest.raises(InputError, match="minutes ago"):
        works.privacy.own_copy("E1", target, author=EMPLOYEE)
    later = Workbench(works.workspace, clock=lambda: datetime.now(UTC) + timedelta(hours=1, minutes=1))
    assert later.privacy.own_copy("E1", target, author=EMPLOYEE)
    works.privacy.export_subject("E1", target, author="admin")  # HR's own are not held up


def test_the_page_says_how_long_each_kind_is_kept_and_on_what_it_rests(
    works: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = texts(opened(works, monkeypatch))
    assert f"{works.config.retention.evidence_images} days" in said
    assert "Recognition rests on:" in said
    assert "You may object" in said
