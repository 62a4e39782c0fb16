"""The made-up workspace: marked as such, sealed like a real one, and the same for the same seed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from engine.demo import sample
from engine.demo.sample import fill, prepare_sample, seed_sample
from engine.errors import InputError
from engine.models import no_progress
from engine.people import Person
from engine.workbench import Workbench

FRIDAY = date(2025, 3, 14)
NOON = datetime(2025, 3, 14, 12, tzinfo=UTC)


def made(workspace: Path, *, now: datetime = NOON, people: int = 12, days: int = 10, **more: object) -> Workbench:
    prepare_sample(workspace)
    bench = Workbench(workspace, clock=lambda: now)
    fill(bench, people, days, now.date(), **more)  # type: ignore[arg-type]
    return bench


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return made(tmp_path_factory.mktemp("sample"), people=40, days=20)


def test_every_row_is_sealed_and_days_that_are_over_are_closed(bench: Workbench) -> None:
    assert bench.records.verify() == []
    log = bench.attendance.log.raw
    assert len(log.days()) == 20
    assert [day for day in log.days() if (day, "") not in log.journal.heads(log.name)] == [date(2025, 3, 13), FRIDAY]


def test_made_up_rows_say_so_and_nobody_has_a_template(bench: Workbench) -> None:
    assert bench.config.sample
    rows = [row for _, row in bench.records.attendance_rows()]
    assert {row.method for row in rows} == {"sample"}
    assert {row.camera for row in rows} == {"entrance"}
    assert {row.evidence_image for row in rows} == {""}
    assert bench.gallery.current().people == ()
    people = bench.people.all()
    assert len({person.name for person in people.values()}) == len(people) == 40


def test_nothing_lies_in_the_future(bench: Workbench) -> None:
    rows = [row for _, row in bench.records.attendance_rows()]
    assert max(row.timestamp for row in rows) <= NOON
    today = bench.attendance.sheets.on(FRIDAY, bench.people.known())
    assert Counter(str(row.status) for row in today)["inside"] > 20


def test_there_is_something_to_show_of_everything(bench: Workbench) -> None:
    rows = bench.attendance.sheets.between(date(2025, 2, 17), date(2025, 3, 13), bench.people.known())
    found = Counter(str(row.status) for row in rows)
    for status in (
        "on time",
        "late",
        "left early",
        "absent",
        "missing out",
        "not identified",
        "not covered",
        "on leave",
        "remote",
        "sick",
    ):
        assert found[status], (status, found)
    assert found["on time"] > 0.6 * len(rows)
    corrected = [row for row in rows if row.corrected_by]
    assert any(row.approved_by for row in corrected)
    assert any(not row.approved_by for row in corrected)
    kinds = Counter(row.kind for row in bench.records.incident_rows())
    assert (kinds["camera_lost"], kinds["camera_back"]) == (1, 1)
    assert min(kinds[kind] for kind in ("unknown", "tailgating", "presentation_attack")) > 0
    assert max(len(dossier.days) for dossier in bench.office.dossiers()) > 1


def test_every_made_up_alert_is_settled_and_none_is_of_today(bench: Workbench) -> None:
    alerts = bench.alerts.all()
    assert {each.state for each in alerts} == {"resolved", "false alarm"}
    assert FRIDAY not in {each.row.timestamp.date() for each in alerts}
    assert {each.row.detail for each in alerts} == {"made up for the sample"}


def test_a_stranger_who_comes_later_is_not_taken_for_a_made_up_one(bench: Workbench) -> None:
    made_up = {dossier.unknown_id for dossier in bench.office.dossiers()}
    assert bench.strangers.current().next_stranger()[0] not in made_up


def test_the_same_seed_gives_the_same_rows_and_another_gives_others(tmp_path: Path) -> None:
    def content(name: str, **more: object) -> list[list[object]]:
        records = made(tmp_path / name, **more).records
        rows = [{**row, "seal": ""} for log in records.logs for day in log.days() for row in log.read(day)]
        return [rows, list(records.people.all().values()), records.leave.all()]

    first = content("a")
    assert content("b") == first
    assert content("c", seed=7)[0] != first[0]


def test_people_who_are_there_already_punch_on_the_days_before_today(tmp_path: Path) -> None:
    prepare_sample(tmp_path)
    bench = Workbench(tmp_path, clock=lambda: NOON)
    bench.people.put(Person("ann", "Ann", "Sample", enrolled_at="2025-01-01T00:00:00+00:00"))
    fill(bench, 3, 5, FRIDAY, also={"ann"})
    days = {str(row.timestamp.date()) for _, row in bench.records.attendance_rows() if row.employee_id == "ann"}
    assert days
    assert FRIDAY.isoformat() not in days


def test_made_up_punches_are_never_mixed_with_real_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sample workspace"):
        fill(Workbench(tmp_path), 3, 5, FRIDAY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("settings", [None, 'organisation = "Works"\n', "sample = false\n"])
def test_a_folder_that_holds_something_else_is_refused_and_left_as_it_is(tmp_path: Path, settings: str | None) -> None:
    place = tmp_path / "data"
    place.mkdir()
    (place / "people.csv").write_text("employee_id,name\nE1,Ann\n")
    if settings is not None:
        (place / "muster.toml").write_text(settings)
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    with pytest.raises(InputError, match="not a sample"):
        seed_sample(place, no_progress)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    with pytest.raises(InputError):
        seed_sample(tmp_path / "data", no_progress)


def test_a_sample_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    prepare_sample(tmp_path / "data")
    assert not seed_sample(tmp_path / "data", no_progress)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["muster.toml"]


@pytest.mark.models
@pytest.mark.slow
def test_the_sample_workspace_holds_real_faces_and_three_weeks(sample_workspace: Path) -> None:
    assert not sample_workspace.with_name(".data.making").exists()
    bench = Workbench(sample_workspace)
    assert bench.config.sample
    assert [finding for finding in bench.records.verify() if not finding.harmless] == []
    assert len(bench.gallery.current().people) == 4
    assert len(bench.people.all()) == 28
    rows = [row for _, row in bench.records.attendance_rows()]
    assert {"face", "sample"} == {row.method for row in rows}
    assert 15 <= len({row.timestamp.date() for row in rows if row.method == "sample"}) <= 16
    assert {each.row.image != "" for each in bench.alerts.all() if each.state == "open"} == {True}
    assert not seed_sample(sample_workspace, no_progress)


@pytest.mark.models
@pytest.mark.slow
def test_the_sample_workspace_has_witnesses_where_it_lies(sample_workspace: Path) -> None:
    bench = Workbench(sample_workspace)
    witnesses = bench.records.sealer.witnesses
    assert witnesses is not None
    heads = {path.name for path in (sample_workspace / "log/.heads").glob("*.csv")}
    assert heads
    assert heads | {"state.seals"} <= {path.name for path in witnesses.iterdir()}


def test_settings_are_those_of_the_product(tmp_path: Path) -> None:
    prepare_sample(tmp_path, "Europe/Berlin")
    config = Workbench(tmp_path).config
    assert (config.timezone, config.organisation, sorted(config.shifts)) == (
        "Europe/Berlin",
        "Sample workspace",
        ["early", "office"],
    )
    assert "sample = true" in sample.SETTINGS
