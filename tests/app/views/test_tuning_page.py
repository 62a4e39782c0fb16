"""Tuning: what a threshold means, tried, put in force with a reason, taken back; states in which there is little to say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from fakes import T0, unit
from numpy.typing import NDArray
from pages import bench_of, open_page, signed_in, texts
from paperwork import punch
from sightings import moved, track
from streamlit.testing.v1 import AppTest
from waiting import until

from app.charts import tuning as figures
from app.web.pictures import allowed
from app.words import tuning
from engine.access import Account
from engine.access.rights import may
from engine.gallery import Template
from engine.people import Person
from engine.storage import read_rows
from engine.tuning.calibration import ASSUMPTIONS, Traffic
from engine.tuning.replay import ChangeKind
from engine.workbench import Workbench

HOSTILE = "<img src=x onerror=alert(1)> ![](http://example.invalid/x) :smile: $x$"

REASON = "<b>safer</b> ![](http://example.invalid/x) :smile: $x$"


def crowd(workbench: Workbench, people: int, templates: int = 3, *, alike: bool = False) -> None:
    """Enrol made-up people; the first two resemble each other when asked."""
    dimension = workbench.gallery.current().embeddings.shape[1]
    chance = np.random.default_rng(7)
    rows: list[NDArray[np.float32]] = []
    made: list[Template] = []
    centres = [chance.normal(size=dimension) for _ in range(people)]
    if alike:
        centres[1] = centres[0] + 0.3 * chance.normal(size=dimension)
    for number, centre in enumerate(centres):
        workbench.people.put(Person(f"E{number}", HOSTILE if number == 0 else f"Person {number}", "Lab"))
        for index in range(templates):
            rows.append(unit(*(centre + 0.6 * chance.normal(size=dimension)).tolist()))
            made.append(Template(f"t-{number}-{index}", f"E{number}", 0.9))
    workbench.gallery.update(lambda old: old.add(made, np.stack(rows)))


def opened(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, role: str = "security", *, language: str = "en", **query: str
) -> AppTest:
    page = open_page("tuning", workspace, monkeypatch, role, language=language, query=query)
    assert not page.exception
    return page


def button(page: AppTest, key: str) -> object:
    return next((each for each in page.button if each.key == key), None)


# ----------------------------------------------------------------------------------------- who


@pytest.mark.parametrize("role", ["viewer", "hr"])
def test_only_security_and_administrators_tune(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    crowd(bench_of(tmp_path, monkeypatch), 3)
    page = opened(tmp_path, monkeypatch, role)
    assert f"Your role ({role}) does not allow this" in texts(page)
    assert not page.slider
    assert not page.button
    assert [who for who in ("admin", "hr", "security", "viewer") if may(who, "system.tune")] == ["admin", "security"]


def test_a_role_taken_away_holds_from_the_next_click_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench_of(tmp_path, monkeypatch)
    crowd(workbench, 4)
    page = opened(tmp_path, monkeypatch, at="0.700")
    within(page, "tuning-apply")
    page.text_input(key="tuning-reason").set_value("because")
    within(page, "tuning-apply")
    signed_in(tmp_path, monkeypatch, "viewer")
    page.button(key="tuning-apply-now").click()
    within(page, "tuning-apply")
    assert "does not allow this" in texts(page)
    assert workbench.calibration.history() == ()


# ----------------------------------------------------------------------------------------- what a threshold means


def test_the_slider_tells_what_the_engine_works_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench_of(tmp_path, monkeypatch)
    crowd(workbench, 6)
    page, report = opened(tmp_path, monkeypatch), workbench.calibration.report()
    assert report.now.sentence in texts(page)
    assert f"Active: {report.in_force:.3f}" in texts(page)
    page.slider(key="tuning-slider").set_value(0.7).run()
    assert page.query_params["at"] == "0.700"
    assert report.at(0.7).sentence in texts(page)
    assert report.now.sentence not in texts(page)


def test_the_target_moves_the_proposal_and_stands_in_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbench = bench_of(tmp_path, monkeypatch)
    crowd(workbench, 6)
    page = opened(tmp_path, monkeypatch)
    page.selectbox(key="tuning-target").set_value("fmr").run()
    page.number_input(key="tuning-one_in").set_value(100).run()
    assert (page.query_params["target"], page.query_params["one_in"]) == ("fmr", "100")
    proposed = workbench.calibration.report(target_fmr=0.01).proposed_threshold
    assert f"Try the proposed {proposed:.3f}" in texts(page)
    page.button(key="tuning-at-proposed").click().run()
    assert workbench.calibration.report(target_fmr=0.01).proposed.sentence in texts(page)


def test_traffic_is_prefilled_and_can_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench_of(tmp_path, monkeypatch)
    crowd(workbench, 6)
    page = opened(tmp_path, monkeypatch, at="0.400")
    assert page.number_input(key="tuning-arrivals").value == 12.0
    assert "Enter arrivals and strangers to see wrong punches per month" in texts(page)
    assert "That makes" not in texts(page)
    page.number_input(key="tuning-arrivals").set_value(5000.0).run()
    usual = workbench.calibration.report().traffic
    given = Traffic(5000.0, usual.strangers_per_day, usual.days_per_month)
    assert workbench.calibration.report(traffic=given).at(0.4).sentence in texts(page)
    page.number_input(key="tuning-arrivals").set_value(12.0).run()
    assert "arrivals" not in page.query_params


@pytest.mark.parametrize(
    "query",
    [
        {"at": "nan"},
        {"at": "7"},
        {"at": "x"},
        {"target": "roc"},
        {"target": "fmr", "one_in": "0"},
        {"one_in": "inf"},
        {"arrivals": "-1"},
        {"part": "<script>"},
        {"strangers": "1e99"},
    ],
)
def test_an_address_that_makes_no_sense_is_as_if_it_said_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]
) -> None:
    workbench = bench_of(tmp_path, monkeypatch)
    crowd(workbench, 3)
    found = (
        workbench.calibration.report(target_fmr=1e-4)
        if query.get("target") == "fmr"
        else workbench.calibration.report()
    )
    assert found.now.sentence in texts(opened(tmp_path, monkeypatch, **query))


def test_the_engine_and_the_page_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench_of(tmp_path, monkeypatch)
    signed_in(tmp_path, monkeypatch, "security")
    for people, templates in ((2, 1), (6, 3)):
        crowd(workbench, people, templates)
        for traffic in (Traffic(40, 3, 20), Traffic(4000, 30, 20), Traffic(0.1, 0.01, 20)):
            report = workbench.calibration.report(traffic=traffic)
            for threshold in (-1.0, 0.1, 0.3, 0.45, 0.6, 0.99):
                said = re.sub(r"(?<=\d),(?=\d)", "", tuning.sentence(report.at(threshold)))  # pages group digits
                assert said == re.sub(r"(?<=\d),(?=\d)", "", report.at(threshold).sentence)
                passed = re.sub(r"(?<=\d),(?=\d)", "", tuning.passage(report, report.at(threshold)))
                assert passed == re.sub(r"(?<=\d),(?=\d)", "", report.passage(report.at(threshold)))
        warned = list(tuning.warnings(report, 0.2, lambda key: key))
        told = [each for each in report.warnings(0.2) if "never measured" not in each and "logs" not in each]
        assert len(warned) == len(told)


def test_shares_nobody_can_picture_are_not_spelt_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in(tmp_path, monkeypatch, "security")
    assert [tuning.percent(share) for share in (0, 1e-12, 1e-6, 0.004, 0.5)] == [
        "0%",
        "< 0.0001%",
        "0.0001%",
        "0.4%",
        "50%",
    ]


# ----------------------------------------------------------------------------------------- states


def test_with_nobody_enrolled_the_page_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(tmp_path, monkeypatch)
    assert "No one is enrolled yet" in texts(page)
    assert "/registration" in texts(page)
    assert not page.slider


@pytest.mark.parametrize("part", ["alike", "misfits", "people", "size", "replay", "history"])
@pytest.mark.parametrize(("people", "templates"), [(1, 1), (1, 3), (2, 1), (3, 2)])
def test_few_people_show_every_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, people: int, templates: int, part: str
) -> None:
    crowd(bench_of(tmp_path, monkeypatch), people, templates)
    page = opened(tmp_path, monkeypatch, part=part)
    assert ("One person is enrolled" in texts(page)) == (people == 1)
    assert "Fewer than two people prove nothing about strangers" in texts(page) or people > 1
    assert page.slider


def test_a_threshold_in_the_settings_cannot_be_overruled_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "muster.toml").write_text("[matching]\nthreshold = 0.61\n")
    crowd(bench_of(tmp_path, monkeypatch), 3)
    page = opened(tmp_path, monkeypatch, at="0.700")
    said = texts(page)
    assert "Active: 0.610" in said
    assert f"remove [matching] threshold in {tmp_path / 'muster.toml'} and restart Muster" in said
    assert page.button(key="tuning-apply").disabled


def test_a_workspace_that_cannot_be_written_is_only_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(bench_of(tmp_path, monkeypatch), 3)
    signed_in(tmp_path, monkeypatch, "security")
    monkeypatch.setattr("app.views.tuning.decide.writable", lambda _folder: False)
    page = opened(tmp_path, monkeypatch, at="0.700")
    assert page.slider
    assert page.button(key="tuning-apply").disabled


def test_a_damaged_history_is_a_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = bench_of(tmp_path, monkeypatch)
    crowd(bench, 3)
    bench.store.document("calibration.json").write(b"{")
    said = texts(opened(tmp_path, monkeypatch))
    assert "calibration.json cannot be read" in said
    assert "Restore it from a backup" in said


def test_models_that_are_missing_do_not_matter_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("MUSTER_CACHE", str(tmp_path / "empty"))
    crowd(bench_of(tmp_path / "w", monkeypatch), 3)
    assert opened(tmp_path / "w", monkeypatch).slider


# ----------------------------------------------------------------------------------------- whom it is about


def test_look_alikes_stand_side_by_side_and_names_are_no_markup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbench = bench_of(tmp_path, monkeypatch)
    crowd(workbench, 5, alike=True)
    report = workbench.calibration.report()
    first = report.look_alikes[0]
    assert {first.first, first.second} == {"E0", "E1"}
    said = texts(opened(tmp_path, monkeypatch, at="0.300"))
    assert "/portrait?id=E0&amp;side=320" in said
    assert 'width="160"' in said
    assert "may be confused" in said
    assert "&lt;img src=x onerror=alert(1)&gt;" in said
    assert "<img src=x" not in said
    assert "may be confused" not in texts(opened(tmp_path, monkeypatch, at="0.990"))


def test_a_template_of_somebody_else_is_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench_of(tmp_path, monkeypatch)
    crowd(workbench, 5)
    other = workbench.gallery.current().of("E3")[1][:1]
    workbench.gallery.update(lambda old: old.add([Template("t-wrong", "E2", 0.9)], other))
    said = texts(opened(tmp_path, monkeypatch, part="misfits"))
    assert "Another person&#39;s photo?" in said
    assert "more like Person 3" in said
    assert "/people?person=E2" in said
    assert "Person 4" not in said.split("Another person")[0].split("m-cards")[1]


def test_people_who_are_no_exception_are_only_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench_of(tmp_path, monkeypatch)
    crowd(workbench, 12, alike=True)
    report = workbench.calibration.report()
    said = texts(opened(tmp_path, monkeypatch, part="people", at="0.450"))
    listed = [
        each.person
        for each in report.difficulty
        if f"/people?person={each.person}&" in said or f'?person={each.person}"' in said
    ]
    wanted = {
        each.person
        for each in report.difficulty
        if (each.hardest is not None and each.hardest < 0.45)
        or (each.nearest is not None and each.nearest >= 0.45)
        or set(each.traits) & {"goat", "wolf", "lamb", "worm"}
    }
    assert wanted
    assert wanted <= set(listed)
    assert f"{len(wanted)} of 12 people need a look." in said


# ----------------------------------------------------------------------------------------- deciding


def within(page: AppTest, opener: str) -> AppTest:
    """Run with a dialog open: without a browser it is opened anew in each run."""
    page.button(key=opener).click().run()
    assert not page.exception
    return page


def decide(page: AppTest, deed: str, reason: str) -> None:
    """Open the dialog, give the reason, confirm."""
    within(page, f"tuning-{deed}")
    assert page.button(key=f"tuning-{deed}-now").disabled  # nothing is decided without a reason
    page.text_input(key="tuning-reason").set_value(reason)
    within(page, f"tuning-{deed}")
    page.button(key=f"tuning-{deed}-now").click()
    within(page, f"tuning-{deed}")


def test_applying_writes_author_reason_and_the_audit_trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench_of(tmp_path, monkeypatch)
    crowd(workbench, 5, alike=True)
    before = workbench.calibration.threshold()
    page = opened(tmp_path, monkeypatch, at="0.700")
    page.button(key="tuning-apply").click().run()
    said = texts(page)
    assert f"{before:.3f}" in said
    assert "0.700" in said
    assert workbench.calibration.report().at(0.7).sentence in said
    decide(opened(tmp_path, monkeypatch, at="0.700"), "apply", REASON)
    (row,) = json.loads((tmp_path / "calibration.json").read_text())["versions"]
    assert (row["author"], row["reason"], row["threshold"]) == ("security", REASON, 0.7)
    assert row["previous"] == pytest.approx(before)
    assert workbench.calibration.threshold() == 0.7
    noted = read_rows(tmp_path / "log" / "audit.csv")[-1]
    assert (noted["action"], noted["author"]) == ("calibrate", "security")
    after = texts(opened(tmp_path, monkeypatch, part="history"))
    assert "Active: 0.700" in after
    assert "applied by security" in after
    assert "&lt;b&gt;safer&lt;/b&gt; ![](http://example.invalid/x) :smile: $x$" in after


def test_the_proposed_threshold_is_applied_to_the_last_digit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench_of(tmp_path, monkeypatch)
    crowd(workbench, 5)
    wanted = workbench.calibration.report(target_fmr=1e-6)
    decide(opened(tmp_path, monkeypatch, target="fmr", one_in="1000000", at="proposed"), "apply", "stricter")
    (version,) = workbench.calibration.history()
    assert version.threshold == wanted.proposed_threshold
    assert version.target == "FMR 1e-06"


def test_the_dialog_lists_look_alikes_above_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(bench_of(tmp_path, monkeypatch), 5, alike=True)
    page = opened(tmp_path, monkeypatch, at="0.300", part="history")
    assert "Look-alikes that cameras may confuse:" not in texts(page)
    page.button(key="tuning-apply").click().run()
    assert "Look-alikes that cameras may confuse:" in texts(page)
    assert "and Person 1" in texts(page)


def test_rolling_back_goes_to_what_was_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench_of(tmp_path, monkeypatch)
    crowd(workbench, 5)
    derived = workbench.calibration.threshold()
    page = opened(tmp_path, monkeypatch, at="0.700")
    assert button(page, "tuning-rollback") is None
    decide(page, "apply", "first")
    decide(opened(tmp_path, monkeypatch, at="0.750"), "apply", "second")
    for goal, reason in ((0.7, "too strict"), (derived, "still too strict")):
        page = opened(tmp_path, monkeypatch)
        decide(page, "rollback", reason)
        assert workbench.calibration.threshold() == pytest.approx(goal)
        assert (workbench.calibration.history()[-1].author, workbench.calibration.history()[-1].reason) == (
            "security",
            reason,
        )
    assert button(opened(tmp_path, monkeypatch), "tuning-rollback") is None
    said = texts(opened(tmp_path, monkeypatch, part="history"))
    assert said.index("still too strict") < said.index("too strict</td>") < said.index("second")
    assert "the derived threshold" in said


def test_a_threshold_for_fewer_people_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench_of(tmp_path, monkeypatch)
    crowd(workbench, 4)
    workbench.calibration.apply(workbench.calibration.report(), 0.6, author="lea", reason="few")
    dimension = workbench.gallery.current().embeddings.shape[1]
    rows = np.eye(dimension, dtype=np.float32)[:12]
    workbench.gallery.update(lambda old: old.add([Template(f"n-{n}", f"N{n}", 0.9) for n in range(12)], rows))
    assert "was chosen for 4 people; now there are 16" in texts(opened(tmp_path, monkeypatch))


# ----------------------------------------------------------------------------------------- replay


def test_without_sightings_there_is_nothing_to_replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(bench_of(tmp_path, monkeypatch), 3)
    assert "Nothing to replay yet" in texts(opened(tmp_path, monkeypatch, part="replay"))


def passed(workbench: Workbench, name: str, person: str, similarity: float, minutes: int) -> None:
    """Somebody came by and was decided at 0.5; who was known has a punch."""
    begin = workbench.clock().replace(hour=12) - timedelta(days=2)
    seen = moved(
        track(name, [{person: similarity, "E9": 0.1}] * 6, threshold=0.5), begin - T0 + timedelta(minutes=minutes)
    )
    workbench.sightings.record(seen)
    if seen.identity.person:
        punch(workbench, person, seen.first_seen, track=name)


def replayed(page: AppTest, threshold: str) -> AppTest:
    page.button(key="tuning-replay-go").click().run()
    until(lambda: f"At {threshold}, " in texts(page.run()), 20)
    assert not page.exception
    return page


@pytest.mark.parametrize(("role", "leads"), [("admin", True), ("security", False)])
def test_the_last_month_is_decided_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str, leads: bool
) -> None:
    workbench = bench_of(tmp_path, monkeypatch)
    crowd(workbench, 3)
    for number, (person, similarity) in enumerate([("E0", 0.55), ("E1", 0.9), ("E2", 0.65)]):
        passed(workbench, f"run-{number}", person, similarity, 10 * number)
    wanted = workbench.replays.past(date.today() - timedelta(days=29)).at(0.6)  # noqa: DTZ011 - days of the past are wide enough
    assert (wanted.count(ChangeKind.LOST), wanted.tracks) == (1, 3)
    page = replayed(opened(tmp_path, monkeypatch, role, part="replay", at="0.600"), "0.600")
    said = texts(page)
    assert "&lt;img src=x" in said.split('<div class="m-row m-arrival">')[1]
    assert said.count("m-row m-arrival") == 1
    assert ("View punch" in said) == leads
    assert button(page, "tuning-replay-go") is None
    page.slider(key="tuning-slider").set_value(0.7).run()
    assert texts(replayed(page, "0.700")).count("m-row m-arrival") == 2


def test_a_replay_tells_how_far_it_is_and_can_be_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench_of(tmp_path, monkeypatch)
    crowd(workbench, 3)
    for number in range(4):
        passed(workbench, f"run-{number}", "E1", 0.55, 10 * number)
    told: list[tuple[int, int]] = []
    since = date.today() - timedelta(days=29)  # noqa: DTZ011
    past = workbench.replays.past(since, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4)]

    class Enough(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == total // 2:
            raise Enough

    with pytest.raises(Enough):
        past.at(0.6, progress=stop)
    assert past.at(0.6).count(ChangeKind.LOST) > 0  # it can be asked again


# ----------------------------------------------------------------------------------------- language, figures


def test_german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(bench_of(tmp_path, monkeypatch), 9, alike=True)
    for part in ("alike", "misfits", "people", "size", "replay", "history"):
        said = texts(opened(tmp_path, monkeypatch, language="de", part=part, at="0.300"))
        assert "Fremden für jemanden aus der Belegschaft und bittet" in said
        for word in ("wrong punch", "arriving employees", "single look", "look-alike", "template", "Enrolment photos"):
            assert word not in re.sub("<style>.*?</style>", "", said, flags=re.DOTALL), part
    assert "Zwillinge und nahe Verwandte" in said
    assert len(ASSUMPTIONS) == 4


@pytest.mark.parametrize(("people", "templates"), [(0, 0), (1, 1), (1, 3), (2, 1), (3, 3), (12, 4)])
def test_figures_of_any_gallery(tmp_path: Path, people: int, templates: int) -> None:
    workbench = Workbench(tmp_path)
    if people:
        crowd(workbench, people, templates)
    report = workbench.calibration.report()
    for threshold in (0.0, 0.35, report.in_force, 1.0):
        for draw in (figures.densities, figures.det, figures.open_set, figures.photos_effect):
            assert json.loads(draw(report, threshold).to_json())["layout"]["title"]["text"]


def test_the_interval_of_the_threshold_lies_in_the_band_and_bands_hold_the_curve(tmp_path: Path) -> None:
    workbench = Workbench(tmp_path)
    crowd(workbench, 12, 4)
    bands = workbench.calibration.report().bands
    for rates in (bands.fmr, bands.fnmr):
        assert (rates[:, 1] <= rates[:, 0]).all()
        assert (rates[:, 0] <= rates[:, 2]).all()
    assert (np.diff(bands.fmr[:, 0]) <= 0).all()
    assert (np.diff(bands.fnmr[:, 0]) >= 0).all()


@pytest.mark.parametrize(("people", "level"), [(4, "Low confidence"), (9, "Low confidence"), (10, "Medium confidence")])
def test_a_sentence_says_how_sure_the_figures_are_and_few_people_have_no_band(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, people: int, level: str
) -> None:
    bench = bench_of(tmp_path, monkeypatch)
    crowd(bench, people)
    shown = texts(opened(tmp_path, monkeypatch))
    assert level in shown
    assert shown.index("m-sentence") < shown.index(level) < shown.index("m-scale"), "above everything else"
    made = bench.calibration.report()
    planes = [each for each in figures.det(made, made.in_force).data if each.fill]
    assert bool(planes) == (people >= 10)


def test_other_traffic_leaves_what_was_compared_alone(tmp_path: Path) -> None:
    workbench = Workbench(tmp_path)
    crowd(workbench, 6)
    made = workbench.calibration.report()
    before = made.now
    busy = made.under(Traffic(1000, 100, 20))
    assert busy.bootstrap is made.bootstrap
    assert busy.evaluation_id == made.evaluation_id
    assert before.wrong_per_month is None
    assert busy.now.wrong_per_month is not None
    assert (busy.now.fmr, busy.proposed_threshold) == (before.fmr, made.proposed_threshold)
    assert busy.now == workbench.calibration.report(traffic=Traffic(1000, 100, 20)).now


def test_figures_do_not_need_streamlit() -> None:
    code = "import sys, app.charts.tuning; print('streamlit' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_pictures_are_for_those_whose_role_may_see_them() -> None:
    security, hr = Account("s", "security"), Account("h", "hr")
    assert not allowed(security, "evidence")
    assert allowed(hr, "evidence")
    assert allowed(security, "unidentified")
    assert not allowed(hr, "tailgating")
