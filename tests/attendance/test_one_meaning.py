"""One workspace with every status: pages, kiosk, muster list, files, charts, notebook frame and programs give the same figures."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pandas as pd
import pytest
from kiosk_client import asking, kiosk_app, token_for
from pages import open_page, texts

from app.charts.arrivals import delays
from app.kiosk.greeter import Greeter
from app.kiosk.hub import Hub
from engine.attendance import Presence, Sighting, Status, cells
from engine.attendance.coverage import Span
from engine.cli import main
from engine.operations.reporting import AttendanceReports
from engine.people import Dating, Person, import_table
from engine.reports import STATUSES, by_department, days_of, headline
from engine.types import Identity, TrackState
from engine.workbench import Workbench

# `now` is a little after noon at the workplace, whenever and wherever the tests run
OFFSET_H = 12 - datetime.now(UTC).hour
ZONE = ZoneInfo(f"Etc/GMT{-OFFSET_H:+d}")
TODAY = datetime.now(ZONE).date()
WATCHED, BLIND, HOLIDAY = (TODAY - timedelta(days=days) for days in (1, 2, 3))
SETTINGS = f"""
timezone = "{ZONE.key}"
holidays.extra = {{ {HOLIDAY.isoformat()} = "Founders' Day" }}
[events]
cool_down_s = 30
[shifts.office]
start = 09:00:00
end = 17:30:00
days = "mon-sun"
grace_min = 5
leave_grace_min = 5
departments = ["Office"]
[cameras.came]
direction = "in"
[cameras.went]
direction = "out"
[cameras.hall]
"""

# Who passed which camera when. Yesterday cameras were watching; the day before they were off until 11:50.
PASSAGES: Mapping[date, Mapping[str, str]] = {
    WATCHED: {
        "on time": "came 08:55, went 17:35",
        "within the grace": "came 09:03, went 17:27",
        "late": "came 09:20, went 17:35",
        "left early": "came 08:50, went 16:00",
        "late and early": "came 10:00, went 16:30",
        "late, never checked out": "came 12:00",
        "arrival missed": "went 17:30",
        "both ways": "hall 08:58, hall 17:31",
        "on leave but here": "came 12:00, went 17:30",
        "corrected": "came 11:00, went 17:31",
        "no shift": "came 12:00, went 14:00",
        "agreed": "came 12:00",
    },
    BLIND: {
        "on time": "came 08:25, went 17:35",
        "late": "came 12:00, went 17:35",
        "late, never checked out": "came 12:00",
        "both ways": "hall 12:00, hall 16:00",
    },
    HOLIDAY: {"on time": "came 12:00, went 13:00"},
    TODAY: {
        "on time": "came 08:55",
        "within the grace": "came 09:03",
        "late": "came 09:20",
        "left early": "came 08:50, went 11:00",
        "both ways": "hall 08:58",
        "no shift": "hall 10:00",
    },
}
LEAVE = {"on leave but here": "on leave", "on leave": "on leave", "remote": "remote", "sick": "sick"}
PEOPLE = sorted({*PASSAGES[WATCHED], *LEAVE, "excused", "absent", "face not told", "no pictures"})
IDS = {name: f"E{number:02d}" for number, name in enumerate(PEOPLE)}


# What each day comes to, worked out by hand: status, minutes late, minutes early (None: unknown), hours, credited hours.
# The plan asks for 8.5 hours without a break.
Expected = tuple[str, int | None, int | None, float | None, float]
EXPECTED: Mapping[date, Mapping[str, Expected]] = {
    WATCHED: {
        "on time": ("on time", 0, 0, 8.67, 0),
        "within the grace": ("on time", 0, 0, 8.4, 0),
        "late": ("late", 20, 0, 8.25, 0),
        "left early": ("left early", 0, 90, 7.17, 0),
        "late and early": ("late, left early", 60, 60, 6.5, 0),
        "late, never checked out": ("missing out", 180, None, None, 8.5),
        "arrival missed": ("missing in", None, 0, None, 8.5),
        "both ways": ("on time", 0, 0, 8.55, 0),
        "on leave but here": ("on leave", None, None, 5.5, 3),
        "corrected": ("on time", 0, 0, 8.53, 0),
        "agreed": ("as planned", None, None, 8.5, 0),
        "no shift": ("present", None, None, 2, 0),
        "on leave": ("on leave", None, None, None, 8.5),
        "remote": ("remote", None, None, None, 8.5),
        "sick": ("sick", None, None, None, 8.5),
        "excused": ("excused", None, None, None, 8.5),
        "absent": ("absent", None, None, None, 0),
        "face not told": ("not identified", None, None, None, 8.5),
        "no pictures": ("not enrolled", None, None, None, 8.5),
    },
    BLIND: {
        "on time": ("on time", 0, 0, 9.17, 0),
        "late": ("not covered", None, 0, 5.58, 2.92),
        "late, never checked out": ("not covered", None, None, None, 8.5),
        "both ways": ("not covered", None, 90, 4, 4.5),
        "no pictures": ("not enrolled", None, None, None, 8.5),
        **{name: (LEAVE[name], None, None, None, 8.5) for name in LEAVE},
        **dict.fromkeys(
            (
                "absent",
                "agreed",
                "arrival missed",
                "corrected",
                "excused",
                "face not told",
                "late and early",
                "left early",
                "within the grace",
            ),
            ("not covered", None, None, None, 8.5),
        ),
    },
    HOLIDAY: {
        **dict.fromkeys(PEOPLE, ("holiday", None, None, None, 0)),
        "on time": ("present", None, None, 1, 0),
    },
}
del EXPECTED[HOLIDAY]["no shift"]  # type: ignore[attr-defined]
NOW_EXPECTED = {  # today a little after noon: status, minutes late, presence
    "on time": ("inside", 0, "inside"),
    "within the grace": ("inside", 0, "inside"),
    "late": ("inside", 20, "inside"),
    "left early": ("on time", 0, "outside"),
    "both ways": ("possibly inside", 0, "unsure"),
    "no shift": ("possibly inside", None, "unsure"),
}
INSIDE, UNSURE, LATE_TODAY = 3, 2, 1
AWAY = {"on leave", "remote", "sick", "excused"}
DAYS = pytest.mark.parametrize("day", EXPECTED, ids=["watched", "blind", "holiday"])


def figures(day: date) -> dict[str, float]:
    """The figures of a day, counted from the table above."""
    rows = EXPECTED[day].values()
    status = Counter(row[0] for row in rows)
    return {
        "present": sum(row[3] is not None or row[0] in {"missing in", "missing out"} for row in rows)
        + (day == BLIND),  # never checked out: an arrival, but no hours
        "late": sum(bool(row[1]) for row in rows),
        "punctual": sum(row[1] == 0 for row in rows),
        "late_min": sum(row[1] or 0 for row in rows),
        "early": sum(bool(row[2]) for row in rows),
        "early_min": sum(row[2] or 0 for row in rows),
        "absent": status["absent"],
        "away": sum(status[word] for word in AWAY),
        "holiday": status["holiday"],
        "missing": status["missing in"] + status["missing out"],
        "not_covered": status["not covered"],
        "not_identified": status["not identified"],
        "hours": round(sum(row[3] or 0 for row in rows), 2),
        "credited": round(sum(row[4] for row in rows), 2),
    }


# ----------------------------------------------------------------------------------------- the workspace


def moment(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), ZONE)


def passed(bench: Workbench, name: str, day: date, camera: str, clock: str, *, certain: bool = True) -> None:
    identity = Identity(TrackState.KNOWN, IDS[name], 4, 5, 0.9, None, None, None, 0.5)
    track = f"{camera}-{clock}-{name}"
    sighting = Sighting(IDS[name], moment(day, clock), camera, track, identity, "model-1", 1, certain=certain)
    assert bench.attendance.record(sighting, bench.people.known()) is not None


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("meaning") / "w"
    folder.mkdir()
    (folder / "muster.toml").write_text(SETTINGS)
    bench = Workbench(folder)
    long_ago = (datetime.now(UTC) - timedelta(days=60)).isoformat()
    bench.people.put_all(
        [
            Person(
                IDS[name],
                name,
                "" if name == "no shift" else "Office",
                enrolled_at="" if name == "no pictures" else long_ago,
            )
            for name in PEOPLE
        ],
        {IDS["no pictures"]: Dating(hired_on=date.fromisoformat(long_ago[:10]))},
    )
    leave = folder.parent / "leave.csv"
    leave.write_text(
        "employee_id,from,to,kind\n"
        + "".join(f"{IDS[name]},{HOLIDAY},{WATCHED},{kind}\n" for name, kind in LEAVE.items())
    )
    import_table(bench.leave, leave, bench.people, now=bench.clock())
    coverage = bench.attendance.plan.coverage
    assert coverage is not None
    for camera in ("came", "went", "hall"):
        for day in (HOLIDAY, WATCHED):
            coverage.record(Span(camera, moment(day, "00:00"), moment(day, "23:59:59")))
        coverage.record(Span(camera, moment(BLIND, "11:50"), moment(BLIND, "23:59:59")))
        coverage.record(Span(camera, moment(TODAY, "00:00"), datetime.now(ZONE)))
    for day in sorted(PASSAGES):
        for name, passages in PASSAGES[day].items():
            for passage in passages.split(", "):
                passed(bench, name, day, *passage.split())
    passed(bench, "face not told", WATCHED, "came", "08:57", certain=False)
    office, because = bench.office, {"author": "hr", "reason": "asked them"}
    office.correct(IDS["corrected"], WATCHED, "add", time=moment(WATCHED, "08:59"), direction="in", **because)
    office.correct(IDS["excused"], WATCHED, "status", value="excused", **because)
    office.correct(IDS["agreed"], WATCHED, "status", value="as planned", **because)
    for name in ("corrected", "excused", "agreed"):
        office.correct(IDS[name], WATCHED, "approve", author="boss", reason="approved")
    bench.attendance.keeper.close_days(bench.clock(), bench.people.known())
    return folder


@pytest.fixture
def reports(workspace: Path) -> AttendanceReports:
    return AttendanceReports(Workbench(workspace))


def command(workspace: Path, *arguments: str) -> str:
    """What a command prints, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        said = io.StringIO()
        patch.setattr(sys, "argv", ["muster", *arguments, "--workspace", str(workspace)])
        patch.setattr(sys, "stdout", said)
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
    return said.getvalue()


# ----------------------------------------------------------------------------------------- the typed day


@DAYS
def test_each_day_is_what_was_worked_out_by_hand(reports: AttendanceReports, day: date) -> None:
    found = {
        row.name: (str(row.status), row.late_min, row.early_min, row.hours, row.credited_hours)
        for row in reports.rows(day, day)
    }
    assert found == EXPECTED[day]
    for row in reports.rows(day, day):
        assert (row.late, row.left_early) == tuple(
            None if each is None else each > 0 for each in (row.late_min, row.early_min)
        )
        assert row.presence is Presence.OUTSIDE


def test_today_is_what_was_worked_out_by_hand(reports: AttendanceReports) -> None:
    rows = [row for row in reports.rows(TODAY, TODAY) if row.status not in {Status.NOT_YET, Status.NOT_ENROLLED}]
    assert {row.name: (str(row.status), row.late_min, str(row.presence)) for row in rows} == NOW_EXPECTED


def test_the_days_hold_every_status(reports: AttendanceReports) -> None:
    found = {row.status for row in reports.rows(HOLIDAY, TODAY)}
    # a day from which a correction took every passage, and one that a shift with minimum hours judges
    assert {*Status} - found == {Status.DAY_OFF, Status.HALF_DAY}
    assert {*STATUSES} == {*Status}


# ----------------------------------------------------------------------------------------- what each consumer says


def from_cells(rows: list[dict[str, str]]) -> dict[str, float]:
    """Figures of the sheet as a table of texts."""
    status = Counter(row["status"] for row in rows)
    return {
        "present": sum(bool(row["first_in"] or row["last_out"]) for row in rows),
        "late": sum(row["late"] == "yes" for row in rows),
        "punctual": sum(row["late"] == "no" for row in rows),
        "late_min": sum(int(float(row["late_min"] or 0)) for row in rows),
        "early": sum(row["left_early"] == "yes" for row in rows),
        "early_min": sum(int(float(row["early_min"] or 0)) for row in rows),
        "absent": status["absent"],
        "away": sum(status[word] for word in AWAY),
        "holiday": status["holiday"],
        "missing": status["missing in"] + status["missing out"],
        "not_covered": status["not covered"],
        "not_identified": status["not identified"],
        "hours": round(sum(float(row["hours"] or 0) for row in rows), 2),
        "credited": round(sum(float(row["credited_hours"] or 0) for row in rows), 2),
    }


def from_summary(rows: list[dict[str, str]]) -> dict[str, float]:
    """Figures of the payroll summary."""

    def total(*columns: str) -> float:
        return round(sum(float(row[column]) for row in rows for column in columns), 2)

    found = {
        "present": total("days_worked"),
        "late": total("late_days"),
        "late_min": total("late_min"),
        "early": total("early_days"),
        "early_min": total("early_min"),
        "absent": total("absent"),
        "holiday": total("holiday"),
        "missing": total("missing_in_out"),
        "not_covered": total("not_covered"),
        "not_identified": total("not_identified"),
        "hours": total("hours"),
        "credited": total("credited_hours"),
    }
    assert total("balance") == pytest.approx(found["hours"] + found["credited"] - total("planned_hours"))
    return found


def csv_on_disk(reports: AttendanceReports, workspace: Path, day: date) -> dict[str, float]:
    del reports
    text = (workspace / "attendance" / f"{day}.csv").read_text(encoding="utf-8")
    return from_cells(list(csv.DictReader(io.StringIO(text))))


def report_csv(reports: AttendanceReports, workspace: Path, day: date) -> dict[str, float]:
    del reports
    return from_cells(list(csv.DictReader(io.StringIO(command(workspace, "report", "--day", str(day), "--csv")))))


def report_json(reports: AttendanceReports, workspace: Path, day: date) -> dict[str, float]:
    del reports
    return from_cells(json.loads(command(workspace, "report", "--day", str(day), "--json")))


def payroll(reports: AttendanceReports, workspace: Path, day: date) -> dict[str, float]:
    del reports
    text = command(workspace, "report", "--day", str(day), "--summary", "--csv")
    return from_summary(list(csv.DictReader(io.StringIO(text))))


def _excel(reports: AttendanceReports, day: date, sheet: str) -> list[dict[str, str]]:
    content = reports.excel(reports.rows(day, day), "x", "")
    lines = openpyxl.load_workbook(io.BytesIO(content))[sheet].values
    names = [str(name).lower().replace(" ", "_") for name in next(lines)]
    return [dict(zip(names, ("" if cell is None else str(cell) for cell in line), strict=True)) for line in lines]


def excel_days(reports: AttendanceReports, workspace: Path, day: date) -> dict[str, float]:
    del workspace
    return from_cells(_excel(reports, day, "Days"))


def excel_summary(reports: AttendanceReports, workspace: Path, day: date) -> dict[str, float]:
    del workspace
    return from_summary(_excel(reports, day, "Summary"))


def notebook_frame(reports: AttendanceReports, workspace: Path, day: date) -> dict[str, float]:
    del workspace
    frame = pd.DataFrame(reports.rows(day, day))
    status = frame["status"].value_counts()
    return {
        "late": int((frame["late"] == True).sum()),  # noqa: E712 - None is neither
        "punctual": int((frame["late"] == False).sum()),  # noqa: E712
        "late_min": int(frame["late_min"].fillna(0).sum()),
        "early": int((frame["left_early"] == True).sum()),  # noqa: E712
        "absent": int(status.get("absent", 0)),
        "not_covered": int(status.get("not covered", 0)),
        "credited": round(frame["credited"].dt.total_seconds().div(3600).round(2).sum(), 2),
    }


def headline_figures(reports: AttendanceReports, workspace: Path, day: date) -> dict[str, float]:
    del workspace
    found = asdict(headline(reports.rows(day, day)))
    keys = ("present", "late", "absent", "away", "holiday", "not_covered", "not_identified")
    return {key: found[key] for key in keys}


def printed_month(reports: AttendanceReports, workspace: Path, day: date) -> dict[str, float]:
    del workspace
    page = unescape(reports.month_page(reports.rows(day, day), "x", ""))
    tiles = {
        label: (value, under)
        for label, value, under in re.findall(
            r'<div class="tile">\s*<dt>([^<]*)</dt>\s*<dd>([^<]*)(?:<small>([^<]*))?', page
        )
    }
    on_time, known = (int(each) for each in re.findall(r"\d+", tiles["Not late"][1]))
    if known:
        assert f"Arrivals: {known}, late: {known - on_time}." in page
    return {
        "present": float(tiles["Days worked"][0]),
        "late": float(tiles["Late"][0]),
        "late_min": float(re.findall(r"(\d+) min", tiles["Late"][1])[0]),
        "punctual": on_time,
        "absent": float(tiles["Absent"][0]),
    }


def chart_of_delays(reports: AttendanceReports, workspace: Path, day: date) -> dict[str, float]:
    del workspace
    rows = [row for row in reports.rows(day, day) if row.start_offset_min is not None]
    if not rows:
        return {"late": 0, "punctual": 0}
    on_time, late, *far = delays(rows, 5.0).data
    beyond = [minutes > 5 for trace in far for minutes in trace.y]  # dots that would flatten the axis stand at its edge
    return {"late": len(late.y) + sum(beyond), "punctual": len(on_time.y) + len(beyond) - sum(beyond)}


def trends(reports: AttendanceReports, workspace: Path, day: date) -> dict[str, float]:
    del workspace
    rows = reports.rows(day, day)
    counted, departments = days_of(rows), by_department(rows)
    if not counted:
        return {"late": 0, "absent": 0}
    known = figures(day)["late"] + figures(day)["punctual"]
    (department,) = departments
    assert department.late == counted[0].late
    return {"late": round(counted[0].late * known, 6), "absent": round(counted[0].absent * counted[0].expected, 6)}


CONSUMERS: tuple[Callable[[AttendanceReports, Path, date], dict[str, float]], ...] = (
    csv_on_disk,
    report_csv,
    report_json,
    payroll,
    excel_days,
    excel_summary,
    notebook_frame,
    headline_figures,
    printed_month,
    chart_of_delays,
    trends,
)


@DAYS
@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda consumer: consumer.__name__)
def test_every_consumer_gives_the_same_figures(
    consumer: Callable[[AttendanceReports, Path, date], dict[str, float]],
    reports: AttendanceReports,
    workspace: Path,
    day: date,
) -> None:
    told = consumer(reports, workspace, day)
    assert told == pytest.approx({key: figures(day)[key] for key in told})


def figures_on(shown: str) -> dict[str, str]:
    """The line of figures on a page."""
    return dict(re.findall(r'm-figure"><span>([^<]+)</span><strong[^>]*>([^<]+)', shown))


@DAYS
def test_the_attendance_page_gives_the_same_figures(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, day: date
) -> None:
    page = open_page("attendance", workspace, monkeypatch, query={"from": str(day), "to": str(day)})
    shown, wanted = texts(page), figures(day)
    told = figures_on(shown)
    assert {key: int(told[key]) for key in ("Present", "Late", "Absent", "Away", "Not identified")} == {
        "Present": wanted["present"],
        "Late": wanted["late"],
        "Absent": wanted["absent"],
        "Away": wanted["away"],
        "Not identified": wanted["not_identified"],
    }


# ----------------------------------------------------------------------------------------- who is inside, and who is late today


def test_the_attendance_page_counts_who_is_inside(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = texts(open_page("attendance", workspace, monkeypatch))
    assert f"{INSIDE} inside, {UNSURE} unsure" in shown
    assert figures_on(shown)["Late"] == str(LATE_TODAY)


def test_the_live_page_counts_who_is_inside_and_who_came_late(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = texts(open_page("live", workspace, monkeypatch, query={"camera": "still"}))
    assert figures_on(shown)["Inside now"] == str(INSIDE)
    assert f"{UNSURE} unsure" in shown
    assert len(re.findall(r"20 min late", shown)) == LATE_TODAY


def test_the_muster_list_counts_who_is_inside(reports: AttendanceReports, workspace: Path) -> None:
    page = reports.muster_page(Workbench(workspace).office.inside())
    tiles = re.findall(r"</span>(Inside|Unsure)</dt><dd>(\d+)", page)
    assert tiles == [("Inside", str(INSIDE)), ("Unsure", str(UNSURE))]
    assert page.count("<b>unsure</b>") == UNSURE


def test_muster_inside_counts_who_is_inside(workspace: Path) -> None:
    for rows in (
        json.loads(command(workspace, "inside", "--json"))["inside"],
        list(csv.DictReader(io.StringIO(command(workspace, "inside", "--csv")))),
    ):
        assert Counter(row["state"] for row in rows) == {"inside": INSIDE, "unsure": UNSURE}
    assert f"{INSIDE} inside, {UNSURE} unsure" in command(workspace, "inside")


def test_the_sheet_and_the_headline_count_who_is_inside(reports: AttendanceReports) -> None:
    rows = reports.rows(TODAY, TODAY)
    assert Counter(cells(row)["presence"] for row in rows if row.presence is not Presence.OUTSIDE) == {
        "inside": INSIDE,
        "unsure": UNSURE,
    }
    found = headline(rows)
    assert (found.inside, found.unsure, found.late) == (INSIDE, UNSURE, LATE_TODAY)


def test_the_kiosk_greets_each_as_the_sheet_says(workspace: Path) -> None:
    bench = Workbench(workspace)
    greeter = Greeter(bench, "came", Hub(bench.clock))
    punches = [row for row in bench.attendance.log.read(TODAY) if row.direction != "out"]
    told = {row.employee_id: greeter.greeting(row) for row in punches}
    said = {name: (told[IDS[name]]["status"], told[IDS[name]]["late_min"]) for name in NOW_EXPECTED}
    assert said == {
        name: ("came", None) if late is None else ("late", late) if late else ("on_time", None)
        for name, (_, late, _) in NOW_EXPECTED.items()
    }


def test_the_kiosks_interface_gives_the_same_minutes(workspace: Path) -> None:
    app = kiosk_app(workspace)
    told = asking(app, token_for(app, "attendance")).get("/api/today").json
    minutes = {row["name"]: row["late_min"] for row in told["arrivals"] if row["first"]}
    assert minutes == {name: late or None for name, (_, late, _) in NOW_EXPECTED.items()}
