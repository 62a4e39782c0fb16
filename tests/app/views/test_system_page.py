"""The system page: what watches, what is kept, what holds, who did what, who may sign in; and who sees which part."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from pages import bench_of, open_page, texts
from paperwork import enrol, face, punch
from streamlit.testing.v1 import AppTest

from engine.attendance.coverage import Span
from engine.people import Person
from engine.workbench import Workbench

HOSTILE = ["<img src=x onerror=alert(1)>", "![](http://example.invalid/x)", ":smile: $x$ **b**"]
SETTINGS = """
[cameras."gate <b>"]
source = "rtsp://admin:s3cret@10.0.0.7/a"
[retention]
evidence_images = 77
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    (tmp_path / "muster.toml").write_text(SETTINGS)
    workbench = bench_of(tmp_path, monkeypatch)
    enrol(workbench, "E1", "Ann Lee", face(1, 0))
    return workbench


def opened(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch, part: str, role: str = "admin", language: str = "en"
) -> AppTest:
    page = open_page("system", workbench.workspace, monkeypatch, role, language=language, query={"part": part})
    assert not page.exception
    return page


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception
    return page


def actions(workbench: Workbench) -> list[tuple[str, str, str]]:
    return [(row.author, row.action, row.subject) for row in workbench.audit.read()]


def parts_of(page: AppTest) -> list[str]:
    return list(page.segmented_control(key="part").options)


# --------------------------------------------------------------------------------------------- who sees what


@pytest.mark.parametrize("role", ["hr", "security"])
def test_others_than_administrators_see_neither_audit_nor_users(
    place: Workbench, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    place.audit.note("enrol", "E1", "secret detail", author="sam", now=place.clock())
    for part in ("audit", "users"):
        page = opened(place, monkeypatch, part, role)
        assert parts_of(page) == ["Cameras", "Recognition", "Workspace", "Outbox", "Check-up"]
        assert "secret detail" not in str([table.value for table in page.dataframe])
        assert not page.text_input


@pytest.mark.parametrize("role", ["viewer", None])
def test_who_may_not_see_the_system_sees_nothing_of_it(
    place: Workbench, monkeypatch: pytest.MonkeyPatch, role: str | None
) -> None:
    page = open_page("system", place.workspace, monkeypatch, role)
    assert not page.segmented_control
    assert not page.button
    assert "gate" not in texts(page)


def test_administrators_see_all_parts_and_the_address_names_the_part(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(place, monkeypatch, "workspace")
    assert parts_of(page)[-3:] == ["Audit trail", "Users", "Access tokens"]
    assert "Enrolment pictures" in texts(page)
    page.segmented_control(key="part").set_value("users").run()
    assert page.query_params["part"] == "users"


def test_a_part_that_does_not_exist_is_the_first(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Watching now" in texts(opened(place, monkeypatch, "nothing"))


def test_the_outbox_says_how_to_begin(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = texts(opened(place, monkeypatch, "mail", "hr"))
    assert "No scheduled reports" in shown
    assert "No notification rules" in shown


def test_the_outbox_lists_reports_and_rules_without_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "muster.toml").write_text(
        '[reports]\nmail_server = "mailtos://muster:s3cret@example.org"\n[[reports.scheduled]]\nname = "week"\n'
        'to = ["hr@example.org"]\ndepartments = ["Lab", "Moon"]\n'
        '[[notifications.rules]]\nname = "night"\nto = ["mailtos://muster:s3cret@example.org"]\n'
    )
    workbench = bench_of(tmp_path, monkeypatch)
    enrol(workbench, "E1", "Ann Lee", face(1, 0))
    shown = texts(opened(workbench, monkeypatch, "mail", "hr"))
    assert "hr@example.org" in shown
    assert "week: nobody works in Moon" in shown
    assert "mailtos://example.org" in shown
    assert "s3cret" not in shown


# --------------------------------------------------------------------------------------------- cameras, workspace, recognition


def test_without_cameras_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(bench_of(tmp_path, monkeypatch), monkeypatch, "cameras", "hr")
    assert "No cameras yet" in texts(page)
    assert "Settings › Cameras" in texts(page)


def test_cameras_show_their_state_and_outages_but_no_password(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, book = place.clock(), place.attendance.plan.coverage
    assert book is not None
    book.record(Span("gate <b>", now - timedelta(minutes=1), now))
    book.record(Span("yard", now - timedelta(hours=2), now - timedelta(hours=1), "lost"))
    said = texts(opened(place, monkeypatch, "cameras", "security"))
    assert "s3cret" not in said
    assert "rtsp://•••@10.0.0.7/a" in said
    assert "gate &lt;b&gt;" in said
    assert "1 of 2" in said
    assert "not watching" in said
    assert "connection lost" in said


def test_a_camera_that_hangs_upside_down_and_grey_faces_are_told(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, book = place.clock(), place.attendance.plan.coverage
    assert book is not None
    assert "upright" not in texts(opened(place, monkeypatch, "cameras", "security"))
    book.record(Span("gate <b>", now - timedelta(minutes=1), now, "running", "rotate=180 grey=5/20"))
    said = texts(opened(place, monkeypatch, "cameras", "security"))
    assert "People do not stand upright" in said
    assert "rotate = 180" in said
    assert "[cameras.gate &lt;b&gt;]" in said
    assert "25% of faces were grey" in said


def test_the_workspace_tells_sizes_and_how_long_what_is_kept(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    said = texts(opened(place, monkeypatch, "workspace", "hr"))
    assert "77 days" in said
    assert "Free" in said
    assert str(place.workspace) in said


@pytest.mark.parametrize(
    ("settings", "why"), [("", "derived"), ("[matching]\nthreshold = 0.61", "fixed in the settings")]
)
def test_the_threshold_in_force_says_where_it_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, why: str
) -> None:
    (tmp_path / "muster.toml").write_text(settings)
    workbench = bench_of(tmp_path, monkeypatch)
    said = texts(opened(workbench, monkeypatch, "recognition", "hr"))
    assert f"{workbench.calibration.threshold():.3f}" in said
    assert why in said


def test_missing_models_are_told_and_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_CACHE", str(tmp_path / "cache"))
    workbench = bench_of(tmp_path / "w", monkeypatch)
    page = opened(workbench, monkeypatch, "recognition", "hr")
    assert "A required model is missing" in texts(page)
    page = opened(workbench, monkeypatch, "check", "hr")
    assert "model facenet-ms1m-128" in texts(page)
    assert not (tmp_path / "cache").exists()


# --------------------------------------------------------------------------------------------- check-up


def test_the_check_up_names_what_is_wrong_and_what_mends_it(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    place.people.put(Person("E2", HOSTILE[0]))
    place.people.put(Person(HOSTILE[0], "Ben"))
    said = texts(opened(place, monkeypatch, "check", "security"))
    assert "people without templates" in said
    assert "enrol them" in said
    assert "<img src=x" not in said


def test_the_check_up_advises_more_pictures_without_an_alarm(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    found = texts(opened(place, monkeypatch, "check"))
    notice = found.partition("People with few photos: E1 (1)")
    assert notice[1]
    assert notice[0].endswith('<div class="m-notice m-warn"><h2>')
    assert "Enrol 3 photos of each person" in notice[2]


def test_logs_that_hold_are_said_to_and_changed_rows_are_named(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        punch(place, "E1", place.clock() - timedelta(days=number), track=f"run-{number}")
    page = press(opened(place, monkeypatch, "check", "hr"), "Verify now")
    assert "All rows are unaltered" in texts(page)
    assert "Stop" not in [button.label for button in page.button], "it is over"
    path = place.attendance.log.raw.shelf.path(place.attendance.log.days()[0])
    path.write_bytes(path.read_bytes().replace(b",E1,", b",E2,", 1))
    said = texts(press(page, "Verify now"))
    assert "have been altered" in said
    assert path.name in said


# --------------------------------------------------------------------------------------------- audit trail


def test_an_empty_audit_trail_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No changes yet" in texts(opened(bench_of(tmp_path, monkeypatch), monkeypatch, "audit"))


def test_the_audit_trail_is_searched_and_its_export_is_recorded(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.audit.note("enrol", "E1", "three pictures", author="sam", now=place.clock())
    place.audit.note("view_picture", "evidence/x.jpg", "", author="=1+1", now=place.clock())
    page = opened(place, monkeypatch, "audit")
    page.text_input(key="audit_text").set_value("evidence").run()
    assert "1 of 2 entries" in texts(page)
    (button,) = page.get("download_button")
    assert button.proto.label == "Download, CSV"


def test_the_audit_trail_is_read_newest_first_and_filtered(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        moment = place.clock() - timedelta(days=40 - number)
        place.audit.note(
            ("enrol", "forget")[number % 2], "E1", f"n{number}", author=("sam", "tom")[number % 4 // 2], now=moment
        )
    page = opened(place, monkeypatch, "audit")
    table = page.dataframe[0].value
    assert table["Detail"].tolist()[:2] == ["n39", "n38"]
    assert len(table) == 25
    assert table["Subject"].tolist()[0] == "Ann Lee (E1)"
    page.pagination(key="audit_page").set_value(2).run()
    assert page.dataframe[0].value["Detail"].tolist()[-1] == "n0"
    page.selectbox(key="audit_author").set_value("tom").run()
    page.selectbox(key="audit_action").set_value("forget").run()
    table = page.dataframe[0].value
    assert set(table["Author"]) == {"tom"}
    assert set(table["Action"]) == {"forgotten"}
    assert len(table) == 10
    day = (place.clock() - timedelta(days=5)).date()
    page.date_input(key="audit_days").set_value((day, day)).run()
    assert [row[-2:] for row in page.dataframe[0].value["Detail"].tolist()] == ["35"]
    page.selectbox(key="audit_author").set_value("sam").run()
    assert "No entry matches" in texts(page)


def test_pseudonyms_are_read_as_ids_while_their_people_are_known(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    pseudonym = place.attendance.log.raw.sealer.pseudonym("E1")
    place.audit.note("forget", pseudonym, f"{pseudonym} left", author=HOSTILE[0], now=place.clock())
    page = opened(place, monkeypatch, "audit")
    row = page.dataframe[0].value.iloc[0]
    assert row["Subject"] == "Ann Lee (E1)"
    assert row["Detail"] == "E1 left"
    assert row["Author"] == HOSTILE[0], "cells are no markup"
    shown = page.selectbox(key="audit_author").options
    assert HOSTILE[0] in shown, "the browser shows options as plain text"


# --------------------------------------------------------------------------------------------- users


def test_a_user_is_added_and_noted(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch, "users")
    page.text_input(key="new_name").set_value("tom")
    page.selectbox(key="new_role").set_value("hr")
    page.text_input(key="new_password").set_value("battery staple")
    press(page, "Add")
    assert place.accounts.check("tom", "battery staple", place.clock()).role == "hr"
    assert actions(place) == [("admin", "add_user", "tom")]
    assert "tom" in page.dataframe[0].value["Name"].tolist()


def test_a_password_too_short_is_told_and_nobody_is_added(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch, "users")
    page.text_input(key="new_name").set_value("tom")
    page.text_input(key="new_password").set_value("short")
    press(page, "Add")
    assert "5 characters" in page.error[0].value
    assert list(place.accounts.all()) == ["admin"]


def test_a_role_and_a_password_are_changed_and_sessions_end(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    before = place.accounts.add("tom", "viewer", "correct horse")
    page = opened(place, monkeypatch, "users")
    page.selectbox(key="user").set_value("tom").run()
    page.selectbox(key="role-of-tom").set_value("security")
    page.text_input(key="password-of-tom").set_value("battery staple")
    press(page, "Save")
    after = place.accounts.check("tom", "battery staple", place.clock())
    assert after.role == "security"
    assert after.epoch > before.epoch
    assert actions(place) == [("admin", "change_user", "tom")]
    press(page, "Block")
    assert not place.accounts.all()["tom"].active
    press(page, "Unblock")
    assert place.accounts.all()["tom"].active


def test_a_user_is_removed_after_their_name_was_typed(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    place.accounts.add("tom", "viewer", "correct horse")
    page = opened(place, monkeypatch, "users")
    page.selectbox(key="user").set_value("tom").run()
    page.button(key="user_remove").click().run()
    assert page.button(key="user_gone").disabled
    page.text_input(key="typed_user").set_value("tom")
    page.button(key="user_remove").click().run()
    page.button(key="user_gone").click()
    page.button(key="user_remove").click().run()
    assert list(place.accounts.all()) == ["admin"]
    assert actions(place) == [("admin", "remove_user", "tom")]


def test_the_last_administrator_cannot_be_locked_out(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = press(opened(place, monkeypatch, "users"), "Block")
    assert "No administrator would be left" in page.error[0].value
    assert place.accounts.all()["admin"].active
    assert actions(place) == []


def test_hostile_user_names_stay_texts(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    place.accounts.add("root", "admin", email="r@example.com")
    document = place.accounts.document
    (row,) = json.loads(document.read() or b"")  # an older version let accounts have any name
    others = [{**row, "name": name, "id": name, "email": ""} for name in HOSTILE]
    with document.exclusive():
        document.write(json.dumps([row, *others]).encode())
    page = opened(place, monkeypatch, "users")
    assert set(HOSTILE) <= set(page.selectbox(key="user").options), "the browser shows options as plain text"
    assert "<img src=x" not in texts(page)


# --------------------------------------------------------------------------------------------- language


def test_it_speaks_german(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    for part, word in {
        "cameras": "nicht aktiv",
        "recognition": "Aktive Einstellungen",
        "workspace": "Bilder der Registrierung",
        "check": "Unversehrtheit der Protokolle",
        "audit": "Noch keine Änderungen",
        "users": "Benutzer hinzufügen",
    }.items():
        assert word in texts(opened(place, monkeypatch, part, language="de"))


# --------------------------------------------------------------------------------------------- managers and tokens


def test_a_manager_is_added_with_departments(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch, "users")
    page.text_input(key="new_name").set_value("max")
    page.selectbox(key="new_role").set_value("manager")
    page.text_input(key="new_email").set_value("max@example.com")
    press(page, "Add")
    assert "A manager has at least one department" in texts(page)
    page.multiselect(key="new_departments").set_value(["Lab"])
    press(page, "Add")
    assert place.accounts.all()["max"].departments == ("Lab",)
    assert page.dataframe[0].value["Departments"].tolist() == ["", "Lab"]


def test_a_token_is_shown_once_and_revoked(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch, "tokens")
    page.text_input(key="token_name").set_value(HOSTILE[2])
    page.multiselect(key="token_departments").set_value(["Lab"])
    press(page, "Make token")
    shown = page.code[0].value
    row = place.tokens.check(shown.removeprefix("Authorization: Bearer "))
    assert row is not None
    assert (row.name, row.scopes, row.departments, row.author) == (HOSTILE[2], ("sheets:read",), ("Lab",), "admin")
    page.run()
    assert not page.code, "it is shown once"
    assert HOSTILE[2] in page.dataframe[0].value["Name"].tolist()
    press(page, "Revoke")
    assert place.tokens.all()[row.token_id].revoked_at
    assert [each for _, each, _ in actions(place)] == ["add_token", "revoke_token"]
    assert "tokens" not in [name.casefold() for name in parts_of(opened(place, monkeypatch, "cameras", "hr"))]


def test_administrators_alone_get_the_papers(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    for role, there in (("admin", True), ("hr", False), ("security", False)):
        page = open_page("system", place.workspace, monkeypatch, role, query={"part": "workspace"})
        assert not page.exception
        assert ("Papers" in [each.value for each in page.header]) is there
