"""The alerts page: what waits, what is done about it, who the strangers are; and who sees nothing of it."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from alert_year import year
from pages import bench_of, open_page, texts
from paperwork import enrol, face, picture, stranger, tailgating
from streamlit.testing.v1 import AppTest

from app.views.alerts import open_count
from engine.gallery import Template
from engine.imaging import write_jpeg
from engine.types import Severity
from engine.workbench import Workbench

HOSTILE = ["<img src=x onerror=alert(1)>", "![](http://example.invalid/x)", ":smile: $x$ **b**"]


@pytest.fixture
def workbench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    workbench = bench_of(tmp_path, monkeypatch)
    enrol(workbench, "E1", "Ada Lovelace", face(1))
    write_jpeg(workbench.registrar.picture("20261101T080000-E1-0"), picture())
    return workbench


def visit(workbench: Workbench, hours_ago: float = 1, *seeds: float, **more: object) -> str:
    moment = workbench.clock() - timedelta(hours=hours_ago)
    row = stranger(
        workbench, face(*(seeds or (0, 1))), moment, track=f"run-{hours_ago}", **{"image": picture(), **more}
    )  # type: ignore[arg-type]
    return row.incident_id


def together(workbench: Workbench, people: list[str], strangers: list[str]) -> str:
    shown = {column: picture() for column in ("image", "clean_image", "before_image", "after_image")}
    return tailgating(workbench, workbench.clock() - timedelta(minutes=9), people, strangers, shown).incident_id


def keys(page: AppTest) -> set[str]:
    return {button.key for button in page.button if button.key}


def looks(page: AppTest) -> list[str]:
    """The alerts to which tiles lead."""
    tiles = [each.proto.body for each in page.get("html") if 'class="m-tile"' in each.proto.body]
    return [found.group(1) for body in tiles if (found := re.search(r"(?:incident|dossier)=([^\"&]+)", body))]


def opened(workbench: Workbench, monkeypatch: pytest.MonkeyPatch, role: str = "security", **query: str) -> AppTest:
    page = open_page("alerts", workbench.workspace, monkeypatch, role, query=query)
    assert not page.exception
    return page


def said(page: AppTest) -> str:
    return "\n".join(each.value.replace("\\", "") for each in page.error)


def decide(page: AppTest, opener: str, reason: str, why: str) -> None:
    """Open a dialog, give the reason and confirm; without a browser the dialog is opened anew in each run."""
    page.button(opener).click().run()
    page.text_input(why).input(reason)
    page.button(opener).click()
    page.button("dossier-confirm").click()
    page.run()


# ----------------------------------------------------------------------------------------- who may


@pytest.mark.parametrize("role", ["hr", "viewer"])
@pytest.mark.parametrize("query", [{}, {"incident": "first"}, {"view": "strangers"}, {"dossier": "unknown-1"}])
def test_hr_and_viewers_see_nothing_of_it(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch, role: str, query: dict[str, str]
) -> None:
    incident_id = visit(workbench)
    page = opened(
        workbench, monkeypatch, role, **{key: value.replace("first", incident_id) for key, value in query.items()}
    )
    assert "does not allow this" in texts(page)
    assert not page.button
    assert not page.checkbox
    assert incident_id not in texts(page)


def test_a_role_taken_away_holds_from_the_next_click_on(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    incident_id = visit(workbench)
    page = opened(workbench, monkeypatch, incident=incident_id)
    workbench.accounts.change("security", role="viewer")
    page.button("acknowledge").click().run()
    assert "signed out" in texts(page)
    assert workbench.alerts.open_count() == 1


# ----------------------------------------------------------------------------------------- the gallery


def test_an_empty_workspace_says_what_will_come(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(workbench, monkeypatch)
    assert "No alerts yet" in texts(page)
    assert open_count(workbench) == 0
    assert "No strangers yet" in texts(opened(workbench, monkeypatch, view="strangers"))


def test_what_is_open_is_shown_newest_first(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    old = visit(workbench, 24 * 30)
    settled = visit(workbench, 5, 0, 0, 1)
    new = visit(workbench, 1, 0, 0, 0, 1)
    workbench.office.review(settled, "resolved", author="sam")
    page = opened(workbench, monkeypatch)
    assert looks(page) == [new, old]
    assert open_count(workbench) == 2
    assert "30 days" in texts(page)  # the oldest open one
    assert "0%" in texts(page)  # of one that was settled


def test_filters_stand_in_the_address_in_one_language(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    visit(workbench)
    both = together(workbench, ["E1"], ["unknown-1"])
    page = opened(workbench, monkeypatch)
    page.selectbox("alerts-kind").select("tailgating").run()
    assert looks(page) == [both]
    assert page.query_params["kind"] == "tailgating"
    page.selectbox("alerts-state").select("resolved").run()
    assert "No alert matches these filters" in texts(page)
    page = opened(workbench, monkeypatch, kind="tailgating", severity="high", state="any")
    assert looks(page) == [both]
    assert page.selectbox("alerts-severity").value == "high"


@pytest.mark.parametrize(
    "query",
    [
        {"state": "x"},
        {"kind": "x"},
        {"camera": "x"},
        {"severity": "x"},
        {"since": "x"},
        {"page": "x"},
        {"page": "99999"},
        {"view": "x"},
        {"since": "2026-02-30"},
    ],
)
def test_an_address_that_makes_no_sense_shows_what_is_open(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]
) -> None:
    incident_id = visit(workbench)
    page = opened(workbench, monkeypatch, **query)
    assert looks(page) == [incident_id]


def test_days_can_be_chosen(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    old = visit(workbench, 24 * 40)
    visit(workbench, 1, 0, 0, 1)
    day = workbench.incidents.day_of(workbench.clock() - timedelta(hours=24 * 40))
    page = opened(workbench, monkeypatch, since=day.isoformat(), until=day.isoformat())
    assert looks(page) == [old]
    page.date_input("alerts-until").set_value(None).run()
    assert len(looks(page)) == 2


def test_a_page_holds_twenty_four(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [visit(workbench, hours, *[0.0] * hours, 1) for hours in range(1, 31)]
    page = opened(workbench, monkeypatch)
    assert looks(page) == found[:24]
    assert looks(opened(workbench, monkeypatch, page="2")) == found[24:]


def test_a_picture_that_was_purged_is_said_to_be_gone(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    incident_id = visit(workbench)
    for path in (workbench.workspace / "images" / "unknown").glob("*.jpg"):
        path.unlink()
    for query in ({}, {"incident": incident_id}, {"view": "strangers"}, {"dossier": "unknown-1"}):
        page = opened(workbench, monkeypatch, **query)
        assert "Picture no longer kept" in texts(page)
    assert "enrol" not in keys(page)  # there is nothing to enrol from


def test_what_comes_in_meanwhile_is_offered(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    first = visit(workbench, 2)
    opened(workbench, monkeypatch)
    version = workbench.alerts.version()
    script = "from app.views.alerts.gallery import arrivals\nfrom engine.records.alerts import AlertFilter\n"
    page = AppTest.from_string(f"{script}arrivals(AlertFilter(), {version}, frozenset({{'{first}'}}))")
    assert "new alert" not in texts(page.run())
    visit(workbench, 1, 0, 0, 1)
    assert "1 new alert" in texts(page.run())
    visit(workbench, 0.5, 0, 0, 0, 1)
    assert "2 new alerts" in texts(page.run())
    workbench.accounts.change("security", active=False)
    assert "You are signed out" in texts(page.run())


# ----------------------------------------------------------------------------------------- what is done about it


def test_an_alert_goes_from_open_to_resolved(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    incident_id = visit(workbench)
    page = opened(workbench, monkeypatch, incident=incident_id)
    assert {"acknowledge", "resolve", "false-alarm", "newer", "older"} <= keys(page)
    assert "reopen" not in keys(page)
    page.text_input(f"note-{incident_id}").input("a guest of Ada Lovelace").run()
    page.button("acknowledge").click().run()
    assert "acknowledge" not in keys(page)
    assert page.text_input(f"note-{incident_id}").value == ""
    page.button("resolve").click().run()
    found = workbench.alerts.get(incident_id)
    assert found is not None
    assert (found.state, found.author) == ("resolved", "security")
    assert found.reviews[0].detail == "a guest of E1"  # logs carry ids
    assert "a guest of E1" in texts(page)
    assert {"resolve", "false-alarm"}.isdisjoint(keys(page))
    page.button("reopen").click().run()
    assert workbench.alerts.open_count() == 1
    assert [
        each for each in workbench.records.verify() if each.what != "note"
    ] == []  # its picture was put there by hand


def test_what_somebody_else_decided_is_not_overruled_unseen(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident_id = visit(workbench)
    page = opened(workbench, monkeypatch, incident=incident_id)
    workbench.office.review(incident_id, "resolved", author="kim", note="known to me")
    page.button("acknowledge").click().run()
    assert "Someone else has just decided on 1 alert." in said(page)
    assert "known to me" in texts(page)
    found = workbench.alerts.get(incident_id)
    assert found is not None
    assert found.state == "resolved"


def test_one_goes_from_alert_to_alert_in_the_order_of_the_gallery(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (visit(workbench, hours, *[0.0] * hours, 1) for hours in (3, 2, 1))
    page = opened(workbench, monkeypatch, incident=third)
    assert page.button("newer").disabled
    page.button("older").click().run()
    assert page.query_params["incident"] == second
    page.button("newer").click().run()
    page.button("acknowledge").click().run()  # which opens the next open one
    assert page.query_params["incident"] == second
    page.button("older").click().run()
    assert page.query_params["incident"] == first
    assert page.button("older").disabled
    page.button("back").click().run()
    assert looks(page) == [second, first]


def test_a_decision_opens_the_next_open_alert_and_the_last_one_stays(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third, fourth = (visit(workbench, hours, *[0.0] * hours, 1) for hours in (4, 3, 2, 1))
    workbench.office.review(second, "resolved", author="kim")
    page = opened(workbench, monkeypatch, incident=fourth)
    for button, after in (("acknowledge", third), ("resolve", first), ("false-alarm", first)):
        page.button(button).click().run()
        assert page.query_params["incident"] == after
    assert workbench.alerts.open_count() == 0
    page.button("reopen").click().run()  # no decision: one stays to see it
    assert page.query_params["incident"] == first


def test_several_are_settled_at_once(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (visit(workbench, hours, *[0.0] * hours, 1) for hours in (3, 2, 1))
    page = opened(workbench, monkeypatch)
    assert "bulk-false-alarm" not in keys(page)
    page.checkbox(f"pick-{first}").check().run()
    page.checkbox(f"pick-{second}").check().run()
    page.text_input("bulk-note").input("the cleaners").run()
    page.button("bulk-false-alarm").click().run()
    states = {each.row.incident_id: (each.state, each.note) for each in workbench.alerts.all()}
    assert states[first] == states[second] == ("false alarm", "the cleaners")
    assert looks(page) == [third]
    assert "bulk-false-alarm" not in keys(page)


def test_all_of_a_page_are_selected_and_what_is_overtaken_is_said(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (visit(workbench, hours, *[0.0] * hours, 1) for hours in (2, 1))
    page = opened(workbench, monkeypatch)
    page.checkbox("alerts-all").check().run()
    workbench.office.review(first, "resolved", author="kim")
    page.button("bulk-acknowledge").click().run()
    states = {each.row.incident_id: each.state for each in workbench.alerts.all()}
    assert states == {first: "resolved", second: "acknowledged"}
    assert "on 1 alert" in said(page)


def test_an_alert_that_is_not_there_is_said_to_be_missing(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Alert not found" in texts(opened(workbench, monkeypatch, incident="../../x"))
    assert "Dossier not found" in texts(opened(workbench, monkeypatch, dossier="unknown-99"))


def test_who_was_involved_stands_there_with_faces(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    visit(workbench)
    page = opened(workbench, monkeypatch, incident=together(workbench, ["E1"], ["unknown-1"]))
    shown = texts(page)
    assert "Ada Lovelace" in shown
    assert "/portrait?id=E1" in shown
    assert "/picture/images/unknown/" in shown  # the stranger's own picture of the visit
    for caption in ("Finding", "One second before", "At that moment", "One second after"):
        assert caption in shown
    page.button("dossier-unknown-1").click().run()
    assert page.query_params["dossier"] == "unknown-1"
    assert "incident" not in page.query_params


def test_who_was_erased_is_called_so(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(workbench, "lovelace", "Ada Lovelace")
    incident_id = together(workbench, ["lovelace"], [])
    workbench.privacy.forget("lovelace", thorough=False)
    assert "Erased person" in texts(opened(workbench, monkeypatch, incident=incident_id))


# ----------------------------------------------------------------------------------------- strangers


def test_strangers_have_dossiers(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    for hours in (1, 2, 30, 60):
        visit(workbench, hours)
    page = opened(workbench, monkeypatch, view="strangers")
    assert re.search(r"seen 4 times on [34] days", texts(page))
    assert "dossier=unknown-1" in texts(page)
    page = opened(workbench, monkeypatch, view="strangers", dossier="unknown-1")
    assert {"enrol", "name", "merge", "split", "watch", "ignore"} <= keys(page)
    assert len(looks(page)) == 4


def test_a_stranger_is_put_on_the_watch_list_with_a_reason(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit(workbench)
    page = opened(workbench, monkeypatch, dossier="unknown-1")
    decide(page, "watch", " ", "reason-watch-unknown-1")
    assert "Enter a reason." in said(page)
    assert workbench.dossiers.register().watched == set()
    decide(page, "watch", "seen at the safe", "reason-watch-unknown-1")
    assert workbench.dossiers.register().watched == {"unknown-1"}
    (row,) = workbench.dossiers.rows()
    assert (row.author, row.reason) == ("security", "seen at the safe")
    page.run()
    assert "seen at the safe" in texts(page)
    assert looks(opened(workbench, monkeypatch, view="strangers", who="watched")) == ["unknown-1"]


def test_a_stranger_is_named_as_somebody_who_is_enrolled(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    visit(workbench)
    enrol(workbench, "E2", "Ben", face(0, 1))
    page = opened(workbench, monkeypatch, dossier="unknown-1")
    page.button("name").click().run()
    assert page.selectbox("dossier-person").value == "E2"  # the most similar first
    assert "similarity 1.00" in texts(page)
    decide(page, "name", "back from leave", "reason-name-unknown-1")
    assert workbench.dossiers.register().named == {"unknown-1": "E2"}
    page.run()
    assert "Is Ben" in texts(page)
    assert {"name", "enrol", "merge"}.isdisjoint(keys(page))


def test_two_strangers_are_one_person(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    visit(workbench, 2)
    visit(workbench, 1, 0, 0, 1)
    page = opened(workbench, monkeypatch, dossier="unknown-2")
    page.button("merge").click().run()
    assert page.selectbox("dossier-other").value == "unknown-1"
    decide(page, "merge", "same coat", "reason-merge-unknown-2")
    assert workbench.dossiers.register().merged == {"unknown-2": "unknown-1"}
    assert page.query_params["dossier"] == "unknown-1"


def test_a_merge_offers_who_has_a_picture_and_a_likeness_most_similar_first(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit(workbench, 4)
    visit(workbench, 3, 0, 0, 1)
    visit(workbench, 2, 0, 0.4, 0, 1)
    visit(workbench, 1, 0, 0, 0, 0, 1, image=None)  # without a picture
    page = opened(workbench, monkeypatch, dossier="unknown-1")
    page.button("merge").click().run()
    assert page.selectbox("dossier-other").options == ["unknown-3", "unknown-2"]
    assert "similarity 0.37" in texts(page)
    assert "unknown-4" not in texts(page)


def test_a_nickname_stands_wherever_the_stranger_is_shown(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = visit(workbench)
    page = opened(workbench, monkeypatch, dossier="unknown-1")
    page.button("nickname").click().run()
    page.text_input("nickname-unknown-1").input("Tall courier")
    page.button("nickname").click()
    page.button("nickname-save").click().run()
    assert workbench.dossiers.register().nicknames == {"unknown-1": "Tall courier"}
    (row,) = workbench.dossiers.rows()
    assert (row.author, row.action, row.subject, row.into) == ("security", "nickname", "unknown-1", "Tall courier")
    for query in ({"dossier": "unknown-1"}, {"view": "strangers"}, {"incident": incident}):
        assert "Tall courier (unknown-1)" in texts(opened(workbench, monkeypatch, **query)).replace("\\", ""), query
    assert not [path for path in workbench.workspace.rglob("*") if "courier" in path.name]


def test_dossiers_that_may_be_one_person_are_suggested(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    visit(workbench, 2)
    visit(workbench, 1, 0, 0, 1)
    workbench.strangers.update(lambda gallery: gallery.add([Template("t-9", "unknown-2", 0.9)], face(0, 1)[None]))
    assert len(workbench.office.suggestions()) == 1
    page = opened(workbench, monkeypatch, view="strangers")
    assert "Possibly one person (1)" in [each.label for each in page.expander]
    decide(page, "pair-unknown-1-unknown-2", "same coat", "reason-merge-unknown-2")
    assert workbench.dossiers.register().merged == {"unknown-2": "unknown-1"}


def test_visits_that_show_somebody_else_are_split_off(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = visit(workbench, 2), visit(workbench, 1)
    page = opened(workbench, monkeypatch, dossier="unknown-1")
    assert page.button("split").disabled
    page.checkbox(f"visit-{second}").check().run()
    decide(page, "split", "a beard", "reason-split-unknown-1")
    assert workbench.dossiers.register().moved == {second: "unknown-2"}
    assert page.query_params["dossier"] == "unknown-2"
    assert looks(opened(workbench, monkeypatch, dossier="unknown-1")) == [first]


def test_a_stranger_of_no_interest_leaves_the_list(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    visit(workbench)
    page = opened(workbench, monkeypatch, dossier="unknown-1")
    decide(page, "ignore", "the postman", "reason-ignore-unknown-1")
    assert workbench.dossiers.register().ignored == {"unknown-1"}
    assert "No strangers here" in texts(opened(workbench, monkeypatch, view="strangers"))
    assert looks(opened(workbench, monkeypatch, view="strangers", who="any")) == ["unknown-1"]


def test_a_dossier_that_was_merged_is_found_under_its_old_name(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit(workbench, 2)
    visit(workbench, 1, 0, 0, 1)
    workbench.office.merge("unknown-2", "unknown-1", author="sam", reason="same coat")
    assert len(looks(opened(workbench, monkeypatch, dossier="unknown-2"))) == 2


# ----------------------------------------------------------------------------------------- texts, words, speed


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_of_people_stay_texts(workbench: Workbench, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    enrol(workbench, "E2", text)
    stranger_id = visit(workbench, camera=text, severity=Severity.HIGH)
    incident_id = together(workbench, ["E2", text], ["unknown-1"])
    workbench.office.review(incident_id, "acknowledged", author=text, note=text, assignee=text)
    workbench.office.watch("unknown-1", author=text, reason=text)
    for query in (
        {},
        {"state": "any", "camera": text},
        {"incident": incident_id},
        {"incident": stranger_id},
        {"view": "strangers"},
        {"dossier": "unknown-1"},
    ):
        page = opened(workbench, monkeypatch, **query)
        assert "<img src=x" not in texts(page)
        for kind in ("markdown", "title", "subheader", "caption"):
            assert not any(text in str(each.value) for each in page.get(kind))
        assert not any(text in each.label for each in (*page.button, *page.checkbox))


def test_the_page_speaks_german(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    incident_id = visit(workbench)
    for query, word in (
        ({}, "Älteste offene"),
        ({"incident": incident_id}, "Beteiligte"),
        ({"dossier": "unknown-1"}, "Besuche"),
        ({"view": "strangers"}, "einmal gesehen"),
    ):
        page = open_page("alerts", workbench.workspace, monkeypatch, "security", language="de", query=query)
        assert not page.exception
        assert word in texts(page)


def test_a_workspace_that_cannot_be_written_says_so(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    incident_id = visit(workbench)
    page = opened(workbench, monkeypatch, incident=incident_id)
    log = workbench.incidents.log.raw.shelf.path(workbench.incidents.day_of(workbench.clock()))
    other = log.with_name(f".{workbench.incidents.log.raw.name}.lock")
    other.unlink(missing_ok=True)
    other.mkdir()  # the lock cannot be taken, whoever runs the test
    page.button("acknowledge").click().run()
    assert not page.exception
    assert page.error
    assert workbench.alerts.open_count() == 1


def test_a_log_that_cannot_be_read_is_said_on_the_page_and_leaves_the_menu(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit(workbench)
    path = workbench.incidents.log.raw.shelf.path(workbench.incidents.day_of(workbench.clock() - timedelta(hours=1)))
    path.write_text("a;b\n1;2\n")
    assert open_count(workbench) == 0
    assert "lacks the column" in texts(opened(workbench, monkeypatch))


def test_a_year_of_alerts_is_shown(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    year(workbench, workbench.clock(), days=365)
    for query in (
        {},
        {"state": "any", "since": "2000-01-01"},
        {"incident": workbench.alerts.all()[-1].row.incident_id},
        {"view": "strangers", "who": "any"},
        {"dossier": "unknown-7"},
    ):
        assert not opened(workbench, monkeypatch, **query).exception
