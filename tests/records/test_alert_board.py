"""Alerts as they stand: kept up to date file by file, filtered, counted; and how alike strangers are to others."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from alert_year import year
from fakes import T0, at
from paperwork import Clock, bench, enrol, face, picture, stranger, tailgating

from engine.incidents import INCIDENTS, Incident
from engine.records.alerts import AlertBoard, AlertFilter, alert_figures, latest_picture, next_states, parties, select
from engine.records.likeness import likeness, nearest_people, nearest_strangers
from engine.types import Event, EventKind, Severity
from engine.workbench import Workbench

TODAY = T0.date()


@pytest.fixture
def clock() -> Clock:
    return Clock(at(3600))


@pytest.fixture
def workbench(tmp_path: Path, clock: Clock) -> Workbench:
    return bench(tmp_path, clock)


def visit(workbench: Workbench, time: datetime = T0, seed: float = 1, **more: object) -> str:
    row = stranger(workbench, face(seed, 1), time, track=f"run-{time.timestamp()}", **more)  # type: ignore[arg-type]
    return row.incident_id


def alert(day: str, state: str = "open", *, reviewed: datetime | None = None, **cells: str) -> Incident:
    usual = {"incident_id": day, "timestamp": f"{day}T08:00:00+00:00", "kind": "unknown", "camera": "door"}
    row = INCIDENTS.parse({**usual, "severity": "medium", **cells})
    return Incident(row, state, author="sam" if reviewed else "", reviewed_at=reviewed)


def ids(found: list[Incident]) -> list[str]:
    return [each.row.incident_id for each in found]


# ----------------------------------------------------------------------------------------- the board


def test_an_empty_workspace_has_no_alerts(workbench: Workbench) -> None:
    assert workbench.alerts.all() == ()
    assert (workbench.alerts.open_count(), workbench.alerts.version()) == (0, 0)
    assert workbench.alerts.get("x") is None


def test_what_others_write_shows_up(workbench: Workbench) -> None:
    board = AlertBoard(bench(workbench.workspace).incidents.log)
    first = visit(workbench)
    assert (ids(list(board.all())), board.open_count(), board.version()) == ([first], 1, 1)
    second = visit(workbench, at(86400), 5)
    assert (ids(list(board.all())), board.version()) == ([first, second], 2)
    workbench.office.review(first, "resolved", author="sam", note="a courier")
    found = board.get(first)
    assert found is not None
    assert (found.state, found.note, board.open_count(), board.version()) == ("resolved", "a courier", 1, 3)
    assert board.version() == 3


def test_days_that_are_purged_are_forgotten(workbench: Workbench, clock: Clock) -> None:
    visit(workbench)
    assert workbench.alerts.open_count() == 1
    workbench.incidents.log.raw.purge(TODAY, clock(), "kept for 1 day")
    assert workbench.alerts.all() == ()


def test_only_files_that_changed_are_read_again(workbench: Workbench) -> None:
    first = visit(workbench)
    visit(workbench, at(86400), 5)
    before = workbench.alerts.get(first)
    visit(workbench, at(2 * 86400), 9)
    after = workbench.alerts.get(first)
    assert before is not None
    assert after is not None
    assert after.row is before.row


def test_cameras_are_no_alerts(workbench: Workbench) -> None:
    workbench.incidents.record(Event(EventKind.CAMERA_LOST, T0, "door"), {})
    assert workbench.alerts.all() == ()


def test_of_a_row_that_stands_there_twice_the_first_counts(workbench: Workbench) -> None:
    visit(workbench)
    path = workbench.incidents.log.raw.shelf.path(TODAY)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines, lines[-1]]))
    assert len(workbench.alerts.all()) == 1


def test_other_files_in_the_folder_do_no_harm(workbench: Workbench) -> None:
    visit(workbench)
    for name in ("incidents-2026-13-45.csv", "incidents-old.csv", "incidents-2026-11-23.csv.bak"):
        (workbench.workspace / "log" / name).write_text("nonsense")
    assert workbench.alerts.open_count() == 1


def test_the_days_of_an_incident_are_those_of_its_rows(workbench: Workbench, clock: Clock) -> None:
    incident_id = visit(workbench)
    clock.forward(days=2)
    workbench.office.review(incident_id, "resolved", author="sam")
    assert workbench.alerts.days_of(incident_id) == [TODAY, TODAY + timedelta(days=2)]
    assert workbench.alerts.days_of("x") == []


def test_a_year_of_alerts_is_counted_and_follows_what_is_decided(tmp_path: Path) -> None:
    workbench = bench(tmp_path, Clock(T0))
    year(workbench, T0, days=365)
    count = workbench.alerts.open_count()
    assert count == sum(each.state == "open" for each in workbench.alerts.all()) > 0
    oldest = next(each for each in workbench.alerts.all() if each.state == "open")
    workbench.office.review(oldest.row.incident_id, "resolved", author="sam")
    assert workbench.alerts.open_count() == count - 1


# ----------------------------------------------------------------------------------------- filters


def test_by_default_open_ones_of_any_age_are_shown_newest_first() -> None:
    alerts = [alert("2026-01-02"), alert("2026-11-20", "resolved"), alert("2026-11-22"), alert("2026-11-23")]
    assert ids(select(alerts, AlertFilter(), TODAY)) == ["2026-11-23", "2026-11-22", "2026-01-02"]


def test_settled_ones_are_shown_for_a_week() -> None:
    alerts = [alert(day, "resolved") for day in ("2026-11-16", "2026-11-17", "2026-11-23")]
    alerts.insert(0, alert("2026-01-02", "acknowledged"))
    assert ids(select(alerts, AlertFilter(state=""), TODAY)) == ["2026-11-23", "2026-11-17", "2026-01-02"]


def test_days_that_are_named_hold_for_open_ones_too() -> None:
    alerts = [alert(day) for day in ("2026-11-01", "2026-11-02", "2026-11-03")]
    day = date(2026, 11, 2)
    assert ids(select(alerts, AlertFilter(first=day, last=day), TODAY)) == ["2026-11-02"]
    assert ids(select(alerts, AlertFilter(first=day), TODAY)) == ["2026-11-03", "2026-11-02"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (AlertFilter(kind="tailgating"), ["b"]),
        (AlertFilter(camera="gate"), ["a"]),
        (AlertFilter(severity="high"), ["b"]),
        (AlertFilter(state="noted"), ["c"]),
        (AlertFilter(state="resolved"), []),
    ],
)
def test_each_filter_leaves_what_it_names(wanted: AlertFilter, found: list[str]) -> None:
    day = TODAY.isoformat()
    alerts = [
        alert(day, incident_id="a", camera="gate"),
        alert(day, incident_id="b", kind="tailgating", severity="high"),
        alert(day, "noted", incident_id="c", severity="info"),
    ]
    assert ids(select(alerts, wanted, TODAY)) == found


def test_a_row_whose_time_cannot_be_read_is_left_out_and_named_by_verification(workbench: Workbench) -> None:
    visit(workbench)
    second = visit(workbench, at(60), 5)
    path = workbench.incidents.log.raw.shelf.path(TODAY)
    path.write_bytes(path.read_bytes().replace(b",2026-11-23T08:00:00", b",never", 1))
    assert ids(list(workbench.alerts.all())) == [second]
    assert len(workbench.records.verify()) == 1


def test_the_workflow_goes_on_from_each_state() -> None:
    assert next_states("open") == ("acknowledged", "resolved", "false alarm")
    assert next_states("acknowledged") == ("resolved", "false alarm", "open")
    assert next_states("resolved") == next_states("false alarm") == next_states("noted") == ("open",)


# ----------------------------------------------------------------------------------------- figures


def test_the_figures_of_nothing_are_nought() -> None:
    figures = alert_figures([], T0)
    assert (figures.open, figures.high, figures.oldest, figures.judged, figures.false_alarms) == (0, 0, None, 0, 0)


def test_the_figures_count_what_waits_and_what_was_judged_lately() -> None:
    lately, long_ago = T0 - timedelta(days=30), T0 - timedelta(days=30, seconds=1)
    alerts = [
        alert("2026-11-20", severity="high"),
        alert("2026-11-22"),
        alert("2026-11-21", "false alarm", reviewed=lately),
        alert("2026-11-21", "resolved", reviewed=lately),
        alert("2026-10-21", "false alarm", reviewed=long_ago),
        alert("2026-11-21", "acknowledged", reviewed=lately),
        alert("2026-11-21", "noted"),
    ]
    figures = alert_figures(alerts, T0)
    assert (figures.open, figures.high, figures.judged, figures.false_alarms) == (2, 1, 2, 1)
    assert figures.oldest == datetime(2026, 11, 20, 8, tzinfo=UTC)


def test_what_the_engine_settles_itself_is_no_judgement() -> None:
    own = Incident(alert("2026-11-23").row, "resolved", author="engine", reviewed_at=T0)
    assert alert_figures([own], T0).judged == 0


# ----------------------------------------------------------------------------------------- who it was


def test_who_was_involved_is_named_once() -> None:
    assert parties(alert("2026-11-23", employee_ids="E1;E2;E1", unknown_ids="unknown-1").row) == [
        "E1",
        "E2",
        "unknown-1",
    ]
    assert parties(alert("2026-11-23").row) == []


def test_the_newest_picture_that_is_kept_stands_for_a_stranger(workbench: Workbench) -> None:
    visit(workbench, image=picture(50))
    visit(workbench, at(7200), image=picture(90))
    rows = [each.row for each in workbench.alerts.all()]
    assert latest_picture(workbench.records, rows, "unknown-1") == rows[1].image
    (workbench.workspace / rows[1].image).unlink()
    assert latest_picture(workbench.records, rows, "unknown-1") == rows[0].image
    assert latest_picture(workbench.records, rows, "unknown-2") == ""


def test_how_alike_two_are_is_the_cosine_of_their_fused_templates(workbench: Workbench) -> None:
    enrol(workbench, "E1", "Ada", face(1, 0))
    enrol(workbench, "E2", "Ben", face(0, 0, 1))
    stranger(workbench, face(3, 4), T0, track="a")
    stranger(workbench, face(0, 0, 3, 4), at(7200), track="b")
    assert likeness(workbench.records, "unknown-1", "E1") == pytest.approx(0.6)
    assert likeness(workbench.records, "unknown-1", "unknown-2") == pytest.approx(0)
    assert likeness(workbench.records, "unknown-1", "unknown-9") is None
    assert [each.person for each in nearest_people(workbench.records, "unknown-1")] == ["E1", "E2"]
    assert [each.person for each in nearest_people(workbench.records, "unknown-2", top=1)] == ["E2"]
    assert nearest_people(workbench.records, "unknown-9") == nearest_strangers(workbench.records, "unknown-9") == []
    assert [each.person for each in nearest_strangers(workbench.records, "unknown-1")] == ["unknown-2"]


def test_a_merged_stranger_is_compared_under_the_new_name(workbench: Workbench) -> None:
    stranger(workbench, face(1), T0, track="a")
    stranger(workbench, face(0, 1), at(7200), track="b")
    workbench.office.merge("unknown-2", "unknown-1", author="sam", reason="same coat")
    assert likeness(workbench.records, "unknown-1", "unknown-1") == pytest.approx(1)
    assert nearest_strangers(workbench.records, "unknown-1") == []
    assert nearest_people(workbench.records, "unknown-1") == []


def test_an_alert_of_no_interest_is_no_open_one(workbench: Workbench) -> None:
    visit(workbench, severity=Severity.INFO)
    tailgating(workbench, at(60), ["E1", "E2"])
    assert workbench.alerts.open_count() == 1
