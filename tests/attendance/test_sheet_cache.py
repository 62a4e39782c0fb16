"""Sheets of days that are over are read instead of computed: never a stale one, never a forged one, and always the same as computed."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from engine.attendance import sheet_cache, sheets
from engine.attendance.coverage import Span
from engine.attendance.sheet_cache import SheetCache
from engine.demo.sample import fill, prepare_sample
from engine.people import import_table
from engine.storage.logs import Sealer
from engine.workbench import Workbench

NOW = datetime(2025, 3, 21, 12, tzinfo=UTC)
DAY = date(2025, 3, 12)
FIRST, LAST = date(2025, 3, 8), date(2025, 3, 22)
SETTLED = date(2025, 3, 18)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("made")
    prepare_sample(workspace)
    fill(Workbench(workspace, clock=lambda: NOW), 6, 10, NOW.date())
    return workspace


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "w")
    opened(tmp_path / "w").attendance.sheets.between(FIRST, LAST, opened(tmp_path / "w").people.known())
    return tmp_path / "w"


def opened(workspace: Path) -> Workbench:
    return Workbench(workspace, clock=lambda: NOW)


def computed(workspace: Path, target: Path) -> list[dict[str, object]]:
    """The sheets as they are without anything kept."""
    shutil.copytree(workspace, target)
    shutil.rmtree(target / "attendance")
    bench = opened(target)
    return bench.attendance.sheets.between(FIRST, LAST, bench.people.known())


def days_computed(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """Which days of the range are computed when they are asked for."""
    found: list[date] = []
    original = sheets.day_sheet

    def watched(rows: object, day: date, *more: object) -> object:
        found.append(day)
        return original(rows, day, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(sheets, "day_sheet", watched)
    bench.attendance.sheets.between(FIRST, LAST, bench.people.known())
    monkeypatch.setattr(sheets, "day_sheet", original)
    return found


def test_what_is_read_is_what_would_be_computed(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = opened(workspace)
    assert days_computed(bench, monkeypatch) == [date(2025, 3, day) for day in (19, 20, 21, 22)]  # not settled yet
    people = bench.people.known()
    expected = computed(workspace, tmp_path / "again")
    for _ in range(2):
        assert bench.attendance.sheets.between(FIRST, LAST, people) == expected
    only = expected[0].employee_id
    assert bench.attendance.sheets.between(FIRST, LAST, people, only) == [
        row for row in expected if row.employee_id == only
    ]
    bench.attendance.sheets.between(FIRST, LAST, people).clear()  # the list is the caller's own
    assert bench.attendance.sheets.between(FIRST, LAST, people) == expected


def test_two_who_ask_at_once_have_the_work_done_once(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(workspace / "attendance" / ".made")
    bench, original = opened(workspace), sheets.day_sheet
    people, found, begun = bench.people.known(), list[date](), threading.Event()

    def watched(rows: object, day: date, *more: object) -> object:
        found.append(day)
        begun.set()
        return original(rows, day, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(sheets, "day_sheet", watched)
    with ThreadPoolExecutor(2) as pool:
        background = pool.submit(bench.attendance.sheets.between, FIRST, SETTLED, people)
        begun.wait(30)
        page = pool.submit(bench.attendance.sheets.between, FIRST, SETTLED, people)
        assert page.result(60) == background.result(60)
    assert len(found) == len(set(found)) > 3


def correction(bench: Workbench) -> None:
    bench.office.correct("S001", DAY, "status", author="hr", reason="was there", value="present")


def leave(bench: Workbench) -> None:
    path = bench.workspace / "list.csv"
    path.write_text("id,first day,last day,kind\nS001,2025-03-12,2025-03-12,sick\n")
    assert import_table(bench.leave, path, bench.people, now=NOW).added


def leave_by_hand(bench: Workbench) -> None:
    lines = bench.leave.document.path.read_text().splitlines()
    bench.leave.document.path.write_text("\n".join([*lines, "x,S002,2025-03-12,2025-03-12,sick,by hand,"]) + "\n")


def name(bench: Workbench) -> None:
    bench.people.put(replace(bench.people.all()["S001"], name="Somebody Else", department="Production"))


def somebody_new(bench: Workbench) -> None:
    bench.people.put(replace(bench.people.all()["S001"], employee_id="S099", name="New Here"))


def late_rows(bench: Workbench) -> None:
    log = bench.attendance.log
    first = next(row for row in log.read(DAY) if row.event == "punch")
    with log.exclusive():
        log.append(DAY, [replace(first, event_id="late", timestamp=datetime.combine(DAY, time(3), UTC))])


def withdrawal(bench: Workbench) -> None:
    log = bench.attendance.log
    first = next(row for row in log.read(DAY) if row.event == "punch")
    with log.exclusive():
        row = replace(first, event_id="back", event="retract", refers_to=first.event_id)
        log.append(date(2025, 3, 14), [row])  # two days later


def outage(bench: Workbench) -> None:
    coverage = bench.attendance.plan.coverage
    assert coverage is not None
    day = coverage.log.raw.shelf.path(DAY)
    lines = day.read_text().splitlines()
    day.write_text("\n".join(lines[:1] + lines[20:]) + "\n")


def more_coverage(bench: Workbench) -> None:
    coverage = bench.attendance.plan.coverage
    assert coverage is not None
    coverage.record(Span("entrance", datetime.combine(DAY, time(2), UTC), datetime.combine(DAY, time(22), UTC)))


def plan(bench: Workbench) -> None:
    path = bench.workspace / "muster.toml"
    path.write_text(path.read_text().replace("start = 09:00:00", "start = 08:00:00"))


def edited(bench: Workbench) -> None:
    path = bench.workspace / "attendance" / f"{DAY}.csv"
    path.write_text(path.read_text().replace("on time", "late"))


def kept_rows(bench: Workbench) -> None:
    path = bench.workspace / "attendance" / ".made" / f"{DAY}"
    path.write_bytes(path.read_bytes().replace(b'"on time"', b'"late"'))


def cut_short(bench: Workbench) -> None:
    path = bench.workspace / "attendance" / ".made" / f"{DAY}"
    path.write_bytes(path.read_bytes().partition(b"\n")[0])


def removed(bench: Workbench) -> None:
    (bench.workspace / "attendance" / f"{DAY}.csv").unlink()


CHANGES = [
    correction,
    leave,
    leave_by_hand,
    name,
    somebody_new,
    late_rows,
    withdrawal,
    outage,
    more_coverage,
    plan,
    edited,
    kept_rows,
    cut_short,
    removed,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_no_change_leaves_a_stale_sheet(change: Callable[[Workbench], None], workspace: Path, tmp_path: Path) -> None:
    before = opened(workspace)
    before.attendance.sheets.between(FIRST, LAST, before.people.known())
    change(before)
    expected = computed(workspace, tmp_path / "again")
    for bench in (opened(workspace), opened(workspace), *([] if change is plan else [before])):
        assert bench.attendance.sheets.between(FIRST, LAST, bench.people.known()) == expected


def test_a_forged_sheet_needs_the_key(workspace: Path, tmp_path: Path) -> None:
    """Whoever edits a sheet and its mark without the key of the logs gains nothing."""
    expected = computed(workspace, tmp_path / "again")
    table, mark = workspace / "attendance" / f"{DAY}.csv", workspace / "attendance" / ".made" / f"{DAY}"
    genuine = table.read_text()
    seal, rows = mark.read_bytes().split(b"\n", 1)
    forged = rows.replace(b'"late"', b'"on time"')
    assert forged != rows
    other = SheetCache(workspace / "attendance", Sealer(tmp_path / "other.key"))
    edited = genuine.replace(",late,", ",on time,")
    for text, by in ((genuine, seal), (edited, seal), (edited, other._seal(DAY, "anything", edited, forged))):
        table.write_text(text)
        mark.write_bytes(by + b"\n" + forged)
        bench = opened(workspace)
        assert bench.attendance.sheets.between(FIRST, LAST, bench.people.known()) == expected


def test_an_unsettled_day_is_never_kept(workspace: Path) -> None:
    assert max(path.name for path in (workspace / "attendance" / ".made").iterdir()) == "2025-03-18"


def test_days_before_anything_was_written_leave_no_files(workspace: Path) -> None:
    bench = opened(workspace)
    bench.attendance.sheets.between(date(2001, 1, 1), date(2001, 2, 1), bench.people.known())
    assert not list((workspace / "attendance").rglob("2001*"))


def test_where_nothing_can_be_written_sheets_are_computed(workspace: Path, tmp_path: Path) -> None:
    expected = computed(workspace, tmp_path / "again")
    shutil.rmtree(workspace / "attendance")
    (workspace / "attendance").write_text("a file in the folder's place")
    bench = opened(workspace)
    assert bench.attendance.sheets.between(FIRST, LAST, bench.people.known()) == expected


@pytest.mark.parametrize(("most", "again"), [(30_000, False), (1, True)])
def test_sheets_stay_in_memory_as_long_as_their_rows_fit(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, most: int, again: bool
) -> None:
    monkeypatch.setattr(sheet_cache, "_HELD_ROWS", most)
    bench, read = opened(workspace), []
    people = bench.people.known()
    first = bench.attendance.sheets.between(FIRST, LAST, people)
    original = sheet_cache.days_from_json
    monkeypatch.setattr(sheet_cache, "days_from_json", lambda content: read.append(1) or original(content))
    assert bench.attendance.sheets.between(FIRST, LAST, people) == first
    assert bool(read) == again


# ----------------------------------------------------------------------------------------- tables that people read


@pytest.mark.parametrize("back", [2, 9], ids=["not settled", "cached"])
def test_a_table_that_was_edited_is_found_until_it_is_written_again(workspace: Path, back: int) -> None:
    bench = opened(workspace)
    paths = [path for path in sorted((workspace / "attendance").glob("*.csv")) if path.stem < f"{NOW.date()}"]
    path = paths[-back]
    assert bench.records.verify() == []
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace(":", ";", 1), encoding="utf-8")
    assert [(each.file, each.what) for each in opened(workspace).records.verify()] == [
        (f"attendance/{path.name}", "changed")
    ]
    opened(workspace).records.accept(f"attendance/{path.name}", author="ann", reason="from the logs again")
    assert opened(workspace).records.verify() == []
    assert path.read_text(encoding="utf-8") == before


def test_a_correction_and_a_report_leave_no_finding(workspace: Path) -> None:
    bench = opened(workspace)
    who = next(iter(bench.people.known()))
    bench.office.correct(who, DAY, "status", author="ann", reason="excused", value="excused")
    assert bench.records.verify() == []
    opened(workspace).attendance.sheets.between(FIRST, LAST, bench.people.known())
    assert opened(workspace).records.verify() == []


def test_a_table_of_an_earlier_version_is_told_as_not_covered(workspace: Path) -> None:
    shutil.rmtree(workspace / "attendance" / ".tables")
    assert [(each.file, each.what) for each in opened(workspace).records.verify()] == [("attendance", "note")]
