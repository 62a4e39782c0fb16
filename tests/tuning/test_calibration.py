"""The threshold that people choose: evaluated, applied, taken over by what is running, taken back, and refused where it makes no sense."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from fakes import T0, at, unit
from log_builders import retraction
from numpy.typing import NDArray
from paperwork import DIMENSION, Clock, bench, enrol, face, punch, stranger
from processes import CONTEXT

from engine.errors import GalleryMismatch, InputError, StorageError
from engine.evaluation import cohort_of, derive_threshold, fpir_of_fmr, impostors_of, threshold_at_fmr
from engine.gallery import Gallery, Template
from engine.models import FUSED
from engine.storage import read_rows
from engine.tuning.calibration import Traffic
from engine.tuning.calibration.traffic import punch_history, traffic_of
from engine.workbench import Workbench

WHO = {"author": "Lea", "reason": "first week"}


def opened(workspace: Path, clock: Clock | None = None, **settings: object) -> Workbench:
    """A workspace whose settings fix no threshold."""
    return bench(workspace, clock, **{"matching": {}, **settings})


def crowd(workbench: Workbench, people: int, templates: int = 3, *, first: int = 0, seed: int = 0) -> None:
    """Enrol made-up people around centres of their own."""
    generator = np.random.default_rng(seed)
    rows: list[NDArray[np.float32]] = []
    made: list[Template] = []
    for number in range(first, first + people):
        centre = generator.normal(size=DIMENSION)
        for index in range(templates):
            rows.append(unit(*(centre + 0.5 * generator.normal(size=DIMENSION)).tolist()))
            made.append(Template(f"t-{number}-{index}", f"E{number}", 0.9))
    workbench.gallery.update(lambda old: old.add(made, np.stack(rows)))


# ----------------------------------------------------------------------------------------- a report


def test_the_proposed_threshold_is_the_derived_one_while_people_are_few(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 6)
    report = workbench.calibration.report()
    assert report.source == "derived"
    assert report.proposed_threshold == pytest.approx(report.in_force, abs=1e-12)
    assert report.in_force == workbench.calibration.threshold()
    assert not report.support.enough
    said = report.support.statement
    assert "6 people alone (90 comparisons, 15 pairs) could only prove a false-match rate below 18%" in said
    assert "less than 39% of strangers named; the threshold rests on a cohort" in said
    cohort = cohort_of(FUSED)
    assert f"{cohort.people:,} people." in said


def test_enough_people_speak_for_themselves(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 30)
    report = workbench.calibration.report(target_fmr=0.01)
    assert report.support.enough
    assert "can prove the target by themselves; the threshold must suit them and a cohort" in report.support.statement
    own = threshold_at_fmr(report.comparisons.impostor, 0.01)
    assert report.proposed_threshold == max(own, report.impostors.threshold_at(0.01))
    assert report.proposed.fmr.value <= 0.01
    by_search = workbench.calibration.report(target_fpir=0.2)
    assert by_search.support.enough
    assert by_search.proposed.fpir.value <= 0.2


def test_people_more_alike_than_the_cohort_need_more_than_it_asks_for(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    shared = [face(1, *(0.4 * (column == number) for column in range(30))) for number in range(30)]
    for number, row in enumerate(shared):
        enrol(workbench, f"E{number}", f"Person {number}", row, row)
    report = workbench.calibration.report(target_fmr=0.01)
    own = threshold_at_fmr(report.comparisons.impostor, 0.01)
    assert own > report.impostors.threshold_at(0.01)
    assert report.proposed_threshold == own


def test_misses_are_the_cohorts_unless_the_gallery_shows_otherwise(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 30)
    report = workbench.calibration.report()
    alike = report.at(0.4)  # the cohort misses few here, these people nobody: nothing against the cohort
    assert alike.fnir.errors == 0
    assert (alike.try_again, alike.try_again_source) == (report.cohort.fnmr(0.4, 3), "cohort")
    strict = report.at(0.8)  # the cohort misses many, these people still nobody
    assert strict.fnir.high < report.cohort.fnmr(0.8, 3)
    assert (strict.try_again, strict.try_again_source) == (strict.fnir.high, "gallery")


def test_a_stricter_target_is_a_higher_threshold(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 8)
    report = workbench.calibration.report
    loose, strict = report(target_fmr=1e-3), report(target_fmr=1e-5)
    assert loose.proposed_threshold < strict.proposed_threshold
    assert loose.impostors.fmr(loose.proposed_threshold) == pytest.approx(1e-3, rel=1e-4)
    whole = report(target_fpir=0.01)
    assert fpir_of_fmr(whole.impostors.fmr(whole.proposed_threshold), 8) == pytest.approx(0.01, rel=1e-4)


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, float("nan")])
def test_a_target_must_be_a_rate(tmp_path: Path, value: float) -> None:
    with pytest.raises(InputError, match="is no rate"):
        opened(tmp_path).calibration.report(target_fmr=value)


@pytest.mark.parametrize("people", [0, 1, 2])
@pytest.mark.parametrize("templates", [1, 2])
def test_few_people_and_nobody_make_a_report_too(tmp_path: Path, people: int, templates: int) -> None:
    workbench = opened(tmp_path)
    if people:
        crowd(workbench, people, templates)
    report = workbench.calibration.report()
    point = report.proposed
    assert 0 < point.threshold < 1
    assert point.wrong_per_month is None, "nobody knows the traffic"
    assert point.sentence.startswith(f"At {point.threshold:.2f}, Muster mistakes ")
    assert 0 < point.try_again < 1, "without second templates the cohort tells"
    assert len(report.difficulty) == people
    assert report.open_set(0.5).model_fpir.shape == (12,)
    assert len(report.curve.thresholds) == 0 or people == 2
    assert (report.scores.singles > 0) == (templates == 1 and people > 0)


def test_wrong_punches_are_strangers_named_and_people_confused(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 10)
    traffic = Traffic(arrivals_per_day=40, strangers_per_day=3, days_per_month=20)
    report = workbench.calibration.report(traffic=traffic)
    point = report.at(0.35)
    assert point.model_fmr == max(report.impostors.fmr(0.35), point.fmr.value)
    named, confused = fpir_of_fmr(point.model_fmr, 10), fpir_of_fmr(point.model_fmr, 9)
    assert point.wrong_per_month == pytest.approx(20 * (3 * named + 40 * point.try_again * confused))
    assert point.model_fpir == pytest.approx(named)
    assert point.passage_fpir == pytest.approx(min(1, named * 5 / 3))
    assert "wrong punch" in point.sentence


def test_look_alikes_at_the_threshold_are_warned_of(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    enrol(workbench, "E1", "Ann", face(1, 0, 0), face(1, 0.1, 0))
    enrol(workbench, "E2", "Ben", face(1, 0.3, 0), face(1, 0.3, 0.1))
    enrol(workbench, "E3", "Cem", face(0, 0, 1), face(0, 0.1, 1))
    report = workbench.calibration.report()
    assert (report.look_alikes[0].first, report.look_alikes[0].second) == ("E1", "E2")
    warned = report.warnings(report.proposed_threshold)
    assert any("E1 and E2" in each and "E3" not in each for each in warned)
    assert report.proposed.fmr.value > 0
    assert not any("Look-alikes" in each for each in report.warnings(0.9999))


def test_templates_that_do_not_fit_are_named(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    enrol(workbench, "E1", "Ann", face(1, 0, 0), face(1, 0.1, 0), face(0, 1, 0))
    enrol(workbench, "E2", "Ben", face(0, 0, 1))
    report = workbench.calibration.report()
    (wrong,) = report.outliers
    assert report.gallery.templates[wrong.row].template_id == "20261101T080000-E1-2"
    assert any("(E1)" in each for each in report.warnings(0.5))
    assert any("People with one template: 1." in each for each in report.warnings(0.5))


# ----------------------------------------------------------------------------------------- the entrance


def test_without_logs_nothing_is_said_per_month(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 12)
    report = workbench.calibration.report()
    assert (report.traffic.arrivals_per_day, report.traffic.strangers_per_day) == (24, 1)
    assert (report.traffic.source, report.traffic.known) == ("assumed", False)
    assert "wrong punch" not in report.proposed.sentence
    assert any("Wrong punches per month are unknown" in each for each in report.warnings(0.5))


def test_traffic_is_counted_in_the_last_four_weeks(tmp_path: Path) -> None:
    clock = Clock(T0 + timedelta(days=13))
    workbench = opened(tmp_path, clock)
    for day in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11):
        for person in ("E1", "E2", "E3"):
            punch(workbench, person, T0 + timedelta(days=day), track=f"r-{day}{person}")
        if day % 2:
            stranger(workbench, face(0, 1), T0 + timedelta(days=day), track=f"s-{day}")
    punch(workbench, "E1", T0 - timedelta(days=40), track="old")
    found = traffic_of(workbench.records, 3, clock.now)
    assert (found.arrivals_per_day, found.strangers_per_day, found.days, found.source) == (3, 0.5, 10, "logs")
    assert found.days_per_month == pytest.approx(10 / 14 * 365.25 / 12)


def test_what_the_cameras_saw_is_counted_without_what_people_took_back(tmp_path: Path) -> None:
    workbench = opened(tmp_path, Clock(at(3600)))
    for number, person in enumerate(("E1", "E2", "E1")):
        punch(workbench, person, at(600 * number), track=f"r-{number}")
    records = workbench.records
    records.attendance.retract(retraction("E2", at(1200), "door", "r-1", "somebody else", author="Lea"), {})
    records.attendance.retract(retraction("E1", at(1800), "door", "r-2", "crossed"), {})  # the engine's own
    seen = workbench.calibration.report().seen
    assert seen.punches == 0, "another model decided these"
    seen = punch_history(records, "model-1", at(3600))
    assert (seen.punches, seen.wrong.hits, seen.wrong.trials) == (3, 1, 3)
    assert (seen.people, seen.runner_up.tolist()) == (("E1",), [0.2])  # as the punches were made
    assert (seen.fpir(0.2).value, seen.fpir(0.21).value) == (1, 0)


# ----------------------------------------------------------------------------------------- applying


def test_an_applied_threshold_is_in_force_at_once_and_stands_in_the_history(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 5)
    derived = workbench.calibration.threshold()
    report = workbench.calibration.report()
    version = workbench.calibration.apply(report, 0.61, **WHO)
    assert workbench.calibration.threshold() == 0.61
    assert workbench.calibration.in_force().source == "calibration"
    assert (version.version, version.previous, version.threshold) == (1, derived, 0.61)
    assert (version.author, version.reason, version.evaluation_id) == ("Lea", "first week", report.evaluation_id)
    assert (version.model_id, version.people, version.gallery_version) == (FUSED, 5, 1)
    assert version.made_at == T0.isoformat()
    assert version.target == "", "a person chose it"
    assert opened(tmp_path).calibration.history() == (version,)
    (row,) = read_rows(tmp_path / "log" / "audit.csv")
    assert (row["action"], row["subject"], row["author"]) == ("calibrate", "threshold", "Lea")
    assert "0.6100, version 1" in row["detail"]
    assert report.evaluation_id in row["detail"]


def test_what_is_running_takes_a_new_threshold_over(tmp_path: Path) -> None:
    running = opened(tmp_path)
    crowd(running, 5)
    services, before = running.services(), running.calibration.threshold()
    assert services.search(face(1)[None])[0].threshold == before
    other = opened(tmp_path)
    other.calibration.apply(other.calibration.report(), 0.77, **WHO)
    assert services.search(face(1)[None])[0].threshold == 0.77
    other.calibration.rollback(author="Lea", reason="too many tries")
    assert services.search(face(1)[None])[0].threshold == before


def test_the_target_is_kept_with_what_was_proposed_for_it(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 5)
    report = workbench.calibration.report(target_fpir=0.01)
    version = workbench.calibration.apply(report, **WHO)
    assert version.target == "FPIR 0.01"
    assert version.threshold == report.proposed_threshold
    assert version.wrong_per_month == report.proposed.wrong_per_month


def test_rolling_back_leads_step_by_step_to_the_derived_threshold(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 5)
    desk, derived = workbench.calibration, workbench.calibration.threshold()
    for threshold in (0.6, 0.7):
        desk.apply(desk.report(), threshold, **WHO)
    back = desk.rollback(author="Ben", reason="doors stayed shut")
    assert (back.version, back.threshold, back.previous, back.action, back.restores) == (3, 0.6, 0.7, "rollback", 1)
    assert workbench.calibration.threshold() == 0.6
    desk.apply(desk.report(), 0.65, **WHO)
    assert [desk.rollback(**WHO).threshold for _ in range(2)] == [0.6, None]
    assert workbench.calibration.threshold() == derived
    assert desk.in_force().source == "derived"
    with pytest.raises(InputError, match="nothing to go back to"):
        desk.rollback(**WHO)
    assert [each.version for each in desk.history()] == [1, 2, 3, 4, 5, 6]
    assert [row["action"] for row in read_rows(tmp_path / "log" / "audit.csv")].count("calibrate_rollback") == 3


def test_nothing_was_applied_so_nothing_is_rolled_back(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to go back to"):
        opened(tmp_path).calibration.rollback(**WHO)
    assert not (tmp_path / "calibration.json").exists()


@pytest.mark.parametrize(("author", "reason"), [("", "why"), ("Lea", ""), (" \u200b", "why"), ("Lea", "\n")])
def test_who_and_why_must_be_said(tmp_path: Path, author: str, reason: str) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 3)
    with pytest.raises(InputError, match="is empty"):
        workbench.calibration.apply(workbench.calibration.report(), author=author, reason=reason)
    assert workbench.calibration.history() == ()


@pytest.mark.parametrize("threshold", [1.5, -2.0, float("nan"), float("inf")])
def test_a_threshold_must_be_a_similarity(tmp_path: Path, threshold: float) -> None:
    workbench = opened(tmp_path)
    with pytest.raises(InputError, match="is no similarity"):
        workbench.calibration.apply(workbench.calibration.report(), threshold, **WHO)


def test_names_of_people_do_not_get_into_the_history(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    enrol(workbench, "E7", "Mindy Kaling", face(1), face(1, 0.1))
    version = workbench.calibration.apply(
        workbench.calibration.report(), 0.6, author="Mindy Kaling", reason="mindy kaling was missed"
    )
    assert (version.author, version.reason) == ("E7", "E7 was missed")
    assert "indy" not in (tmp_path / "calibration.json").read_text()


def test_an_id_that_spells_a_name_is_in_the_file_as_a_pseudonym(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    enrol(workbench, "m.kaling", "Mindy Kaling", face(1), face(1, 0.1))
    desk = workbench.calibration
    version = desk.apply(desk.report(), 0.6, author="m.kaling", reason="Mindy Kaling asked")
    assert (version.author, version.reason) == ("m.kaling", "m.kaling asked")
    assert desk.history() == (version,)
    assert desk.in_force().version == version
    assert "kaling" not in (tmp_path / "calibration.json").read_text()
    (row,) = read_rows(tmp_path / "log" / "audit.csv")
    assert row["author"] == "m.kaling", "the log replaces it when she is forgotten"
    receipt = workbench.privacy.forget("m.kaling", thorough=False)
    assert receipt["still_named_in"] == []
    assert desk.history()[0].author not in {"m.kaling", ""}


def test_people_enrolled_since_the_evaluation_make_it_stale(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 3)
    report = workbench.calibration.report()
    crowd(workbench, 1, first=3, seed=9)
    with pytest.raises(InputError, match="since the evaluation"):
        workbench.calibration.apply(report, **WHO)


def apply_one(workspace: Path, number: int) -> None:
    """Body of a child process."""
    desk = opened(workspace).calibration
    desk.apply(desk.report(runs=50), 0.5 + number / 100, author=f"W{number}", reason="at the same time")


def test_two_who_decide_at_once_are_both_in_the_history(tmp_path: Path) -> None:
    crowd(opened(tmp_path), 3)
    children = [CONTEXT.Process(target=apply_one, args=(tmp_path, number)) for number in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0, 0]
    versions = opened(tmp_path).calibration.history()
    assert [each.version for each in versions] == [1, 2, 3]
    assert {each.author for each in versions} == {"W0", "W1", "W2"}
    assert [each.previous for each in versions[1:]] == [each.threshold for each in versions[:-1]]


# ----------------------------------------------------------------------------------------- what does not fit


def test_a_report_of_another_models_gallery_is_refused(tmp_path: Path) -> None:
    ours, theirs = opened(tmp_path / "a"), opened(tmp_path / "b", embedding={"model": "facenet-vggface2-512"})
    crowd(ours, 3)
    foreign = theirs.calibration.report()
    with pytest.raises(GalleryMismatch, match="facenet-vggface2-512"):
        ours.calibration.apply(foreign, 0.6, **WHO)
    assert ours.calibration.history() == ()


def test_a_gallery_of_another_model_is_not_evaluated(tmp_path: Path) -> None:
    crowd(opened(tmp_path), 3)
    with pytest.raises(GalleryMismatch):
        opened(tmp_path, embedding={"model": "facenet-vggface2-512"}).calibration.report()


def test_a_threshold_of_another_alignment_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 3)
    workbench.calibration.apply(workbench.calibration.report(), 0.66, **WHO)
    (tmp_path / "gallery" / "people.safetensors").unlink()
    workbench.records.accept("people.safetensors", author="ann", reason="enrolled anew")
    other = opened(tmp_path, alignment={"mirror": False})
    crowd(other, 3)
    found = other.calibration.in_force()
    assert (found.source, found.threshold) == ("derived", other.calibration.in_force().threshold)
    assert found.threshold != 0.66
    with caplog.at_level(logging.WARNING):
        assert other.calibration.threshold() == found.threshold
        other.gallery.update(lambda old: old.remove("E0"))
        other.calibration.threshold()
    assert len([each for each in caplog.records if "calibrated for" in each.message]) == 1, "it is told once"
    other.calibration.apply(other.calibration.report(), 0.55, **WHO)
    assert other.calibration.threshold() == 0.55
    with pytest.raises(GalleryMismatch, match="mirror"):
        other.calibration.rollback(**WHO)


def test_a_threshold_fixed_in_the_settings_is_neither_changed_nor_hidden(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 3)
    report = workbench.calibration.report()
    workbench.calibration.apply(report, 0.66, **WHO)
    fixed = opened(tmp_path, matching={"threshold": 0.5})
    found = fixed.calibration.in_force()
    assert (found.threshold, found.source, fixed.calibration.threshold()) == (0.5, "settings", 0.5)
    (concern,) = found.concerns
    assert "muster.toml" in concern.what
    for change in (
        lambda: fixed.calibration.apply(report, 0.7, **WHO),
        lambda: fixed.calibration.rollback(**WHO),
    ):
        with pytest.raises(InputError, match=r"\[matching\] threshold in .*muster.toml fixes the threshold at 0.5"):
            change()
    assert len(fixed.calibration.history()) == 1
    assert opened(tmp_path, matching={"threshold": 0.66}).calibration.in_force().concerns == (), "they agree"


def test_a_variable_that_fixes_the_threshold_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(opened(tmp_path), 3)
    monkeypatch.setenv("MUSTER_MATCHING__THRESHOLD", "0.58")
    workbench = Workbench(tmp_path)
    assert workbench.calibration.threshold() == 0.58
    with pytest.raises(InputError, match="MUSTER_MATCHING__THRESHOLD fixes") as caught:
        workbench.calibration.apply(workbench.calibration.report(), **WHO)
    assert caught.value.hint == "remove MUSTER_MATCHING__THRESHOLD first"


def test_a_gallery_that_has_grown_asks_for_another_calibration(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 20)
    workbench.calibration.apply(workbench.calibration.report(), 0.6, **WHO)
    crowd(workbench, 9, first=20, seed=1)
    assert workbench.calibration.in_force().concerns == ()
    crowd(workbench, 1, first=29, seed=2)
    (concern,) = workbench.calibration.in_force().concerns
    assert "calibrated for 20 people, now there are 30" in concern.what
    assert "1.5 times" in concern.what
    assert workbench.calibration.threshold() == 0.6, "it holds until somebody decides"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"format": 2, "versions": []}',
        '{"format": 1}',
        '{"format": 1, "versions": [{"version": 1}]}',
    ],
)
def test_a_damaged_history_is_told_and_not_overwritten(tmp_path: Path, content: str) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 3)
    report = workbench.calibration.report()
    workbench.store.document("calibration.json").write(content.encode())
    with pytest.raises(StorageError, match=r"calibration\.json cannot be read"):
        opened(tmp_path).calibration.threshold()
    with pytest.raises(StorageError, match=r"calibration\.json cannot be read"):
        workbench.calibration.apply(report, 0.6, **WHO)
    assert (tmp_path / "calibration.json").read_text() == content


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", 52),
        ("threshold", "0.52"),
        ("threshold", True),
        ("threshold", float("nan")),
        ("version", 2),
        ("action", "guess"),
        ("restores", 7),
        ("author", None),
        ("colour", "red"),
    ],
)
def test_a_value_mistyped_by_hand_opens_no_door(tmp_path: Path, name: str, value: object) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 3)
    workbench.calibration.apply(workbench.calibration.report(), 0.6, **WHO)
    path = tmp_path / "calibration.json"
    table = json.loads(path.read_text())
    table["versions"][0][name] = value
    workbench.store.document("calibration.json").write(json.dumps(table).encode())
    with pytest.raises(StorageError, match=r"calibration\.json cannot be read"):
        opened(tmp_path).calibration.threshold()


def test_a_running_camera_keeps_its_threshold_while_the_history_is_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running = opened(tmp_path)
    crowd(running, 3)
    running.calibration.apply(running.calibration.report(), 0.64, **WHO)
    path = tmp_path / "calibration.json"
    whole = path.read_text()
    path.write_text(whole[:50])
    with caplog.at_level(logging.WARNING):
        assert [running.calibration.threshold() for _ in range(3)] == [0.64] * 3
    assert len(caplog.records) == 1
    running.store.document("calibration.json").write(whole.replace("0.64", "0.65").encode())
    assert running.calibration.threshold() == 0.65


# ----------------------------------------------------------------------------------------- evaluate other galleries


def test_a_gallery_that_is_only_looked_at_has_the_threshold_in_force(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    crowd(workbench, 3)
    empty = workbench.gallery.current()
    other = Gallery.empty(empty.model_id, empty.alignment_id, DIMENSION)
    nobody = impostors_of(cohort_of(empty.model_id), np.empty(0), np.empty(0, np.intp))
    expected = derive_threshold(nobody, target_fmr=1e-4, target_fpir=1e-3)
    assert workbench.calibration.threshold(other) == expected
    workbench.calibration.apply(workbench.calibration.report(), 0.6, **WHO)
    assert workbench.calibration.threshold(other) == 0.6
