"""The people page: who is on the list, what is held on them, and what is done about it; and who may only look."""

from __future__ import annotations

import json
from contextvars import ContextVar
from datetime import date, timedelta
from pathlib import Path

import pytest
from pages import bench_of, open_page, texts
from paperwork import enrol, face, picture, punch
from streamlit.testing.v1 import AppTest
from waiting import until

from app.web import viewer
from app.web.viewer import Viewer
from engine.errors import InputError
from engine.imaging import write_jpeg
from engine.people import Person
from engine.people.basis import basis_of
from engine.workbench import Workbench

HOSTILE = ["<img src=x onerror=alert(1)>", "![](http://example.invalid/x)", ":smile: $x$ **b**"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    """Ann with three templates, one of them unlike the others, and Ben with none."""
    workbench = bench_of(tmp_path, monkeypatch)
    enrol(workbench, "E1", "Ann Lee", face(1, 0), face(1, 0.1), face(0, 1))
    enrol(workbench, "E2", "Ben Ode")
    workbench.people.put(Person("E2", "Ben Ode", "Desk", consent_at="2026-01-05"))
    for template in workbench.gallery.current().templates:
        write_jpeg(workbench.registrar.picture(template.template_id), picture())
    return workbench


def opened(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch, role: str = "hr", language: str = "en", **query: str
) -> AppTest:
    page = open_page("people", workbench.workspace, monkeypatch, role, language=language, query=query)
    assert not page.exception
    return page


def ids(page: AppTest) -> list[str]:
    return list(page.dataframe[0].value["id"]) if page.dataframe else []


def keys(page: AppTest) -> set[str]:
    kinds = ("button", "download_button", "checkbox", "text_input")
    return {str(each.key) for kind in kinds for each in page.get(kind) if each.key}


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception
    return page


def within(page: AppTest, opener: str) -> AppTest:
    """Run with a dialog open: without a browser it is opened anew in each run."""
    return press(page, opener)


def german(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page in German, also where the test names what is chosen."""
    monkeypatch.setattr(viewer, "current", ContextVar("viewer", default=Viewer("de")))  # noqa: B039 - it is frozen
    return opened(place, monkeypatch, language="de")


def actions(workbench: Workbench) -> list[tuple[str, str, str]]:
    """What was changed; that somebody looked is left out."""
    rows = workbench.audit.read()
    return [(row.author, row.action, row.subject) for row in rows if not row.action.startswith("view_")]


# --------------------------------------------------------------------------------------------- the list


def test_an_empty_workspace_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(bench_of(tmp_path, monkeypatch), monkeypatch)
    assert "No people yet" in texts(page)
    assert "/registration" in texts(page)
    assert not page.dataframe
    assert not (tmp_path / "people.csv").exists()


def test_the_list_tells_what_is_missing(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    punch(place, "E1", place.clock() - timedelta(days=1), track="run-1")
    page = opened(place, monkeypatch)
    rows = page.dataframe[0].value.set_index("id")
    assert rows.loc["E1", "state"] == "◆ no consent"
    assert rows.loc["E2", "state"] == "▲ no templates"
    assert list(rows["templates"]) == [3, 0]
    assert rows["seen"].notna().tolist() == [True, False]
    assert rows.loc["E1", "face"] == "/portrait?id=E1&side=112"
    assert "last 31 days" in texts(page)


@pytest.mark.parametrize(
    ("search", "found"),
    [("", ["E1", "E2"]), ("ann", ["E1"]), ("e2", ["E2"]), ("desk ode", ["E2"]), ("*", []), ("nobody", [])],
)
def test_people_are_found_by_name_id_or_department(
    place: Workbench, monkeypatch: pytest.MonkeyPatch, search: str, found: list[str]
) -> None:
    page = opened(place, monkeypatch)
    page.text_input(key="search").set_value(search).run()
    assert ids(page) == found
    assert ("No one matches" in texts(page)) == (not found)


def test_filters_show_who_is_inactive_or_lacks_something(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    place.people.put(Person("E3", "Cem", active=False))
    page = opened(place, monkeypatch)
    shown = {}
    for choice in ("all", "active", "inactive", "no templates", "no consent"):
        page.selectbox(key="show").set_value(choice).run()
        shown[choice] = ids(page)
    assert shown == {
        "all": ["E1", "E2", "E3"],
        "active": ["E1", "E2"],
        "inactive": ["E3"],
        "no templates": ["E2"],
        "no consent": ["E1"],
    }
    page.selectbox(key="show").set_value("all").run()
    page.selectbox(key="department").set_value("Desk").run()
    assert ids(page) == ["E2"]


def test_templates_of_nobody_on_the_list_are_told(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    place.people.remove("E1")
    page = opened(place, monkeypatch)
    assert page.dataframe[0].value.set_index("id").loc["E1", "state"] == "? not in the list"
    assert "Templates without a person" in texts(opened(place, monkeypatch, person="E1"))


def test_people_with_fewer_than_three_pictures_are_listed_with_what_it_costs(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "a single look misses" not in texts(opened(place, monkeypatch))
    enrol(place, "E3", "Cem", face(0, 0, 1))
    enrol(place, "E4", "Dee", face(0, 0, 0, 1))
    place.people.change("E3", consent_at="2026-01-05")
    place.people.change("E4", active=False)
    page = opened(place, monkeypatch)
    assert page.dataframe[0].value.set_index("id").loc["E3", "state"] == "△ few pictures"
    assert "With 1 picture, a single look misses the person in" in texts(page)
    page.selectbox(key="show").set_value("few pictures").run()
    assert ids(page) == ["E3"], "E4 is inactive, and no camera looks for her"
    page = opened(place, monkeypatch, person="E3")
    for text in ("few pictures", "Fewer than 3 pictures", "a single look misses the person", "Add 2 more."):
        assert text in texts(page)
    assert "Fewer than 3 pictures" not in texts(opened(place, monkeypatch, person="E1"))


@pytest.mark.parametrize("role", ["viewer", None])
def test_who_may_not_see_people_sees_nobody(
    place: Workbench, monkeypatch: pytest.MonkeyPatch, role: str | None
) -> None:
    for query in ({}, {"person": "E1"}):
        page = open_page("people", place.workspace, monkeypatch, role, query=query)
        assert "Ann" not in texts(page)
        assert not page.dataframe
        assert not page.button


def test_security_sees_people_and_changes_nothing(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    punch(place, "E1", place.clock() - timedelta(days=1), track="run-1")
    assert not opened(place, monkeypatch, "security").button
    page = opened(place, monkeypatch, "security", person="E1")
    assert "Ann Lee" in texts(page)
    assert [button.label for button in page.button] == ["All people"]
    assert not page.checkbox
    assert not page.text_input
    assert "Last punches" not in texts(page), "attendance is not theirs to see"


# --------------------------------------------------------------------------------------------- a person


def test_a_person_nobody_knows_is_told(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch, person="E9")
    assert "No one has the id E9" in texts(page)
    assert "person" not in press(page, "All people").query_params
    assert ids(page) == ["E1", "E2"]


def test_details_are_changed_with_the_author(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch, person="E1")
    assert "Withdraw" not in [each.label for each in page.button]
    page.text_input[0].set_value("Ann Li")
    page.text_input[2].set_value("ann@example.org")
    next(each for each in page.selectbox if each.label == "Basis").set_value("agreement")
    page.date_input[0].set_value("2026-02-03")
    next(each for each in page.text_input if each.label == "Version").set_value("BV 7")
    press(page, "Save")
    person = place.people.all()["E1"]
    assert (person.name, person.department, person.email) == ("Ann Li", "Lab", "ann@example.org")
    assert person.consent_at == "agreement 2026-02-03 BV 7"
    assert actions(place) == [("hr", "change_person", "E1"), ("hr", "basis", "E1")]
    assert "Ann Li" in texts(page)
    page = press(opened(place, monkeypatch, person="E1"), "Withdraw")
    assert basis_of(place.people.all()["E1"]) == "withdrawn"
    assert "cameras no longer recognise this person" in page.warning[0].value


def test_a_consent_kept_to_the_minute_stays_so(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    place.people.put(Person("E2", "Ben Ode", consent_at="2026-01-05T09:30:00+01:00"))
    press(opened(place, monkeypatch, person="E2"), "Save")
    assert place.people.all()["E2"].consent_at == "2026-01-05T09:30:00+01:00"


def test_a_mistake_is_told_beside_the_form(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch, person="E1")
    page.text_input[2].set_value("ann at home")
    press(page, "Save")
    assert "e\\-mail address" in page.error[0].value
    assert place.people.all()["E1"].email == ""


def test_somebody_is_set_inactive_and_active_again(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = press(opened(place, monkeypatch, person="E1"), "Set inactive")
    assert not place.people.all()["E1"].active
    press(page, "Set active")
    assert place.people.all()["E1"].active
    assert [row[1] for row in actions(place)] == ["deactivate", "reactivate"]


def test_a_role_taken_away_meanwhile_changes_nothing(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch, person="E1")
    place.accounts.change("hr", role="security")
    page.button[1].click().run()
    assert not page.exception
    assert place.people.all()["E1"].active
    assert actions(place) == []


def test_last_punches_show_their_evidence_to_hr_only(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    write_jpeg(place.workspace / "images" / "evidence" / "a.jpg", picture())
    punch(place, "E1", place.clock() - timedelta(days=1), track="run-1", image="images/evidence/a.jpg")
    assert "images/evidence/a.jpg" in texts(opened(place, monkeypatch, person="E1"))
    assert "None in the last" in texts(opened(place, monkeypatch, person="E2"))


# --------------------------------------------------------------------------------------------- templates


def test_a_template_unlike_the_others_is_marked_and_can_be_removed(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(place, monkeypatch, person="E1")
    assert texts(page).count("unlike the others") == 1
    odd = place.staff.templates("E1")[2]
    page.checkbox(key=f"template-{odd.template_id}").check().run()
    within(page, "Remove selected (1)")
    assert "all their templates" not in texts(page)
    page.button(key="remove_templates").click()
    within(page, "Remove selected (1)")
    assert len(place.staff.templates("E1")) == 2
    assert not (place.workspace / odd.picture).exists()
    assert actions(place) == [("hr", "remove_templates", "E1")]


def test_the_last_templates_go_only_when_that_is_said(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch, person="E1")
    for view in place.staff.templates("E1"):
        page.checkbox(key=f"template-{view.template_id}").check()
    press(page.run(), "Remove selected (3)")
    assert "no longer recognise this person" in page.warning[0].value
    assert page.button(key="remove_templates").disabled
    page.checkbox(key="meant").check()
    within(page, "Remove selected (3)")
    page.button(key="remove_templates").click()
    within(page, "Remove selected (3)")
    assert place.staff.templates("E1") == []
    assert "No templates" in texts(page)


# --------------------------------------------------------------------------------------------- forgetting


def erase(page: AppTest, name: str) -> None:
    page.text_input(key="typed_name").set_value(name)
    within(page, "Forget this person")
    page.button(key="erase").click()
    within(page, "Forget this person")


def forgotten(page: AppTest) -> AppTest:
    """Wait for the thread that erases, and look again."""
    until(lambda: any(button.key == "receipt_done" for button in page.run().button), 20)
    assert not page.exception
    return page


def test_somebody_is_forgotten_after_their_name_was_typed_and_a_receipt_says_so(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    punch(place, "E2", place.clock() - timedelta(days=1), track="run-1")
    page = press(opened(place, monkeypatch, person="E2"), "Forget this person")
    assert "Attendance rows, under the id alone: 1" in texts(page)
    assert page.button(key="erase").disabled
    for wrong in ("ben ode", "E2", "Ben"):
        page.text_input(key="typed_name").set_value(wrong)
        assert within(page, "Forget this person").button(key="erase").disabled
    erase(page, "Ben Ode")
    page = forgotten(page)
    assert "Receipt: E2 was forgotten" in texts(page)
    assert "E2" not in place.people.all()
    receipts = list((place.workspace / "receipts").glob("*.json"))
    assert len(receipts) == 1
    assert json.loads(receipts[0].read_text())["author"] == "hr"
    assert page.get("download_button")
    page.button(key="receipt_done").click().run()
    assert ids(page) == ["E1"]
    assert actions(place) == [("hr", "forget", "E2")]


@pytest.mark.models
def test_the_faces_of_who_is_forgotten_go_and_others_stay(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = [place.workspace / view.picture for view in place.staff.templates("E1")]
    enrol(place, "E7", "Cem", face(0, 0, 1))
    page = press(opened(place, monkeypatch, person="E1"), "Forget this person")
    erase(page, "Ann Lee")
    assert "Templates: 3" in texts(forgotten(page))
    assert not any(path.exists() for path in theirs)
    assert place.gallery.current().people == ("E7",)


def test_what_goes_wrong_while_forgetting_is_told_and_can_be_tried_again(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = press(opened(place, monkeypatch, person="E2"), "Forget this person")
    (place.workspace / "receipts").write_text("in the way")
    erase(page, "Ben Ode")
    page = forgotten(page)
    assert "could not erase everything" in texts(page)
    (place.workspace / "receipts").unlink()
    page.button(key="receipt_done").click().run()
    assert "Forget this person" in [button.label for button in page.button]


# --------------------------------------------------------------------------------------------- lists


def imported(page: AppTest, content: bytes, name: str, kind: str = "staff", button: str = "Import lists") -> AppTest:
    within(page, button)
    if kind != "staff":
        page.segmented_control(key="import_what").set_value(kind)
        within(page, button)
    page.file_uploader(key=f"import_{kind}").set_value((name, content, "text/csv"))
    return within(page, button)


def test_a_staff_list_is_shown_before_it_is_taken_in(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = imported(opened(place, monkeypatch), b"id,name\nE1,Ann Lee\nE5,Eve\n", "staff.csv")
    assert "Nothing is saved yet" in texts(page)
    assert "E5" not in place.people.all()
    page.button(key="import_apply").click()
    within(page, "Import lists")
    assert place.people.all()["E5"].name == "Eve"
    assert actions(place) == [("hr", "import", "people.csv")]


def test_a_list_with_a_mistake_is_told_by_line_and_the_rest_is_offered(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = imported(opened(place, monkeypatch), f"id,name\n,Eve\nE6,{HOSTILE[0]}\n".encode(), "staff.csv")
    table = page.dataframe[-1].value
    assert table["Line"].tolist()[0] == "2"
    assert "the id is missing" in table["Message"].tolist()[0]
    assert "Correct the rows with errors" in page.warning[0].value
    assert page.button(key="import_apply").label == "Import the rest"


@pytest.mark.parametrize(
    ("kind", "content", "line", "column", "text"),
    [
        ("staff", "id,name,hired\n,Eve,\n", "2", "id", "die Personalnummer von Eve fehlt"),
        (
            "staff",
            "id,name,hired\nE6,Fay,soon\n",
            "2",
            "hired",
            "„soon“ ist kein Tag: Schreiben Sie ihn wie 2026-11-22",
        ),
        ("staff", "id,name,mail\nE6,Fay,fay@\n", "2", "mail", "„fay@“ ist keine E-Mail-Adresse"),
        ("shifts", "id,shift,from\nE1,dawn,2026-11-02\n", "2", "shift", "die Schicht „dawn“ gibt es"),
        ("leave", "id,from,kind\nE9,2026-11-02,Urlaub\n", "2", "id", "niemand hat die Personalnummer „E9“"),
        ("leave", "id,from,kind\nE1,2026-11-02,Kur\n", "2", "kind", "die Art „Kur“ ist unbekannt"),
        ("punches", "id,time\nE1,2026-02-30 8:00\n", "2", "time", "„2026-02-30“ ist kein Tag"),
        ("punches", "id,time\n77,2026-11-02 8:00\n", "2", "id", "niemand hat die Personalnummer „77“, 1 Buchung"),
    ],
)
def test_messages_about_rows_are_german_on_a_german_page(
    place: Workbench, monkeypatch: pytest.MonkeyPatch, kind: str, content: str, line: str, column: str, text: str
) -> None:
    page = imported(german(place, monkeypatch), content.encode(), f"{kind}.csv", kind, "Listen importieren")
    table = page.dataframe[-1].value
    told = table[table["Hinweis"].str.contains(text, regex=False)]
    assert (told["Zeile"].tolist(), told["Spalte"].tolist()) == ([line], [column]), table["Hinweis"].tolist()


def test_a_file_that_is_no_list_is_refused_in_german(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = imported(german(place, monkeypatch), b"a,b\n1,2\n", "x.csv", "staff", "Listen importieren")
    told = page.error[0].value.replace("\\", "").replace("\u2060", "")
    assert told.startswith("x.csv hat in Zeile 1 keine bekannte Spalte: a, b. Bekannte Spalten sind")


def test_many_messages_of_one_kind_are_one_row(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"E{number},P{'x' * number},odd\n" for number in range(10, 16))
    page = imported(opened(place, monkeypatch), f"id,name,status\n{rows},Eve,\n,Fay,\n".encode(), "staff.csv")
    table = page.dataframe[-1].value
    assert table["Line"].tolist() == ["8", "9", "–", "2"]
    assert table["Message"].tolist()[-1].endswith("write yes or no – the same in 5 lines: 3, 4, 5, 6, 7")


def test_rows_with_errors_can_be_left_out(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = imported(opened(place, monkeypatch), b"id,name\n,Eve\nE6,Fay\n", "staff.csv")
    page.button(key="import_apply").click()
    within(page, "Import lists")
    assert list(place.people.all()) == ["E1", "E2", "E6"]


def test_an_old_encoding_is_shown_and_can_be_chosen(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = imported(opened(place, monkeypatch), "id,name\nE6,Ayşe Yılmaz\n".encode("cp1254"), "staff.csv")
    assert "Ayþe, Yýlmaz" in page.dataframe[-1].value["Message"].tolist()[0]
    page.selectbox(key="encoding_staff").set_value("cp1254")
    within(page, "Import lists")
    page.button(key="import_apply").click()
    within(page, "Import lists")
    assert place.people.all()["E6"].name == "Ayşe Yılmaz"


def test_a_list_of_shifts_is_taken_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "muster.toml").write_text("[shifts.late]\nstart = 14:00:00\nend = 22:00:00\n")
    place = bench_of(tmp_path, monkeypatch)
    place.people.put(Person("E1", "Ann"))
    page = imported(opened(place, monkeypatch), b"id,shift,from\nE1,late,2026-11-02\n", "shifts.csv", "shifts")
    page.button(key="import_apply").click()
    within(page, "Import lists")
    assert [(str(row.valid_from), row.value) for row in place.staff.history("E1")] == [
        ("None", ""),
        ("2026-11-02", "late"),
    ]


def test_a_department_changes_from_a_day_on(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch, person="E2")
    department = next(each for each in page.text_input if each.label == "Department")
    department.set_value("Shop")
    dates = {each.label: each for each in page.date_input}
    dates["Changes hold from"].set_value(date(2026, 10, 12))
    dates["First day"].set_value(date(2026, 1, 5))
    press(page, "Save")
    assert [(str(row.valid_from or ""), row.fact, row.value) for row in place.staff.history("E2")] == [
        ("", "department", "Lab"),
        ("2026-10-12", "department", "Shop"),
        ("", "employed", "no"),
        ("2026-01-05", "employed", "yes"),
    ]
    page = opened(place, monkeypatch, person="E2")
    assert page.dataframe[0].value["Value"].tolist() == ["Lab", "Shop", "no", "yes"]


def test_a_file_that_is_no_list_is_told(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = imported(opened(place, monkeypatch), b"PK\x03\x04rest", "staff.csv")
    assert "Excel" in page.error[0].value
    assert "muster-" not in page.error[0].value, "where it lay for a moment is nobody's business"


def test_leave_is_shown_before_it_is_taken_in(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = imported(opened(place, monkeypatch), b"id,from,kind\nE1,2026-11-23,sick\n", "leave.csv", "leave")
    assert place.leave.all() == []
    page.button(key="import_apply").click()
    within(page, "Import lists")
    assert [(entry.employee_id, entry.kind) for entry in place.leave.all()] == [("E1", "sick")]


# --------------------------------------------------------------------------------------------- hostile names, German, no models


def test_hostile_texts_stay_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench_of(tmp_path, monkeypatch)
    for number, text in enumerate(HOSTILE):
        enrol(workbench, f"{text}{number}", text, face(1, number))
        workbench.people.put(Person(f"{text}{number}", text, text))
    page = opened(workbench, monkeypatch)
    assert "<img src=x" not in texts(page)
    for number, text in enumerate(HOSTILE):
        page = opened(workbench, monkeypatch, person=f"{text}{number}")
        assert "<img src=x" not in texts(page)
        press(page, "Forget this person")
        assert "<img src=x" not in texts(page)
        assert not any("![](" in each.value or ":smile:" in each.value for each in (*page.markdown, *page.caption))
    page = opened(workbench, monkeypatch, person=HOSTILE[0])
    assert "No one has the id &lt;img" in texts(page)


def test_it_speaks_german(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch, language="de")
    assert "Personen" in texts(page)
    assert page.dataframe[0].value.set_index("id").loc["E2", "state"] == "▲ keine Vorlagen"
    page = opened(place, monkeypatch, language="de", person="E1")
    assert "Vorlagen (3)" in texts(page)
    assert "Diese Person vergessen" in [button.label for button in page.button]


def test_without_models_people_are_shown_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_CACHE", str(tmp_path / "cache"))
    workbench = bench_of(tmp_path / "w", monkeypatch)
    enrol(workbench, "E1", "Ann Lee", face(1, 0), face(1, 0.1))
    assert ids(opened(workbench, monkeypatch)) == ["E1"]
    assert "Templates (2)" in texts(opened(workbench, monkeypatch, person="E1"))
    assert not (tmp_path / "cache").exists(), "looking at people opens no networks"


def test_who_looked_at_a_record_is_in_the_audit_trail_once_however_often_the_page_runs(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(place, monkeypatch, person="E1")
    page.run()
    page.run()
    opened(place, monkeypatch, person="nobody")
    found = [(row.author, row.action, row.subject) for row in place.audit.read() if row.action.startswith("view")]
    assert found == [("hr", "view_person", "E1")]


# ----------------------------------------------------------------------------------------- one person, one page


@pytest.mark.parametrize(
    ("role", "page", "tabs"),
    [
        ("admin", "people", ["Details", "Day by day", "Sightings"]),
        ("admin", "attendance", ["Day by day", "Details", "Sightings"]),
        ("hr", "people", ["Details", "Day by day"]),
        ("hr", "attendance", ["Day by day", "Details"]),
        ("security", "people", ["Details", "Sightings"]),
        ("viewer", "attendance", []),
    ],
)
def test_a_person_has_one_page_with_a_tab_for_each_right(
    place: Workbench, monkeypatch: pytest.MonkeyPatch, role: str, page: str, tabs: list[str]
) -> None:
    found = open_page(page, place.workspace, monkeypatch, role, query={"person": "E1"})
    assert not found.exception
    assert "Ann Lee" in texts(found)
    assert [tab for each in found.segmented_control if each.key == "person-tab" for tab in each.options] == tabs
    # a tab that the role may not see is not shown, whatever the address says
    for tab, sign in (("details", "Templates (3)"), ("attendance", "Days present"), ("sightings", "No sightings")):
        found = open_page(page, place.workspace, monkeypatch, role, query={"person": "E1", "tab": tab})
        assert not found.exception
        name = {"details": "Details", "attendance": "Day by day", "sightings": "Sightings"}[tab]
        own = name in tabs or (not tabs and tab == page)
        assert (sign in texts(found)) == own, tab


def test_the_sightings_of_a_person_lead_to_their_punch(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    now = place.clock()
    for hours in (1, 30):
        punch(place, "E1", now - timedelta(hours=hours), track=f"run-{hours}")
    shown = opened(place, monkeypatch, "admin", person="E1", tab="sightings")
    body = texts(shown)
    assert body.count("recognised") == 2
    assert "View punch" in body
    assert body.index("/attendance?person=E1") > 0
    assert [row.action for row in place.audit.read() if row.subject == "E1"] == ["view_sightings"]
    assert "recognised" not in texts(opened(place, monkeypatch, "security", person="E2", tab="sightings"))
    assert "View punch" not in texts(opened(place, monkeypatch, "security", person="E1", tab="sightings"))


# ----------------------------------------------------------------------------------------- badges and PINs


def test_hr_makes_and_revokes_a_badge_takes_a_card_in_and_keeps_the_pin(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(place, monkeypatch, person="E2")
    page.button("identify-badge").click().run()
    (badge,) = place.badges.of("E2")
    (card,) = page.get("download_button")
    assert card.label == "Download the card"
    assert "Muster keeps no code" in texts(page)
    page.text_input("identify-card").set_value("0004711234").run()
    page.button("identify-card-add").click().run()
    number = place.badges.find("0004711234")
    assert number is not None
    assert number.employee_id == "E2"
    page.button(f"identify-revoke-{badge.badge_id}").click().run()
    assert place.badges.all()[badge.badge_id].revoked_at
    assert "revoked on" in texts(page)
    page.button("identify-pin-give").click().run()
    assert place.pins.has("E2")
    assert any(place.pins.check("E2", each.value, place.clock()) for each in page.code)
    page.run()
    assert not page.code  # shown once
    page.button("identify-pin-take").click().run()
    assert not place.pins.has("E2")
    noted = [each.action for each in place.audit.read()]
    assert {"issue_badge", "revoke_badge", "set_pin", "remove_pin"} <= set(noted)
    assert not page.exception


def test_who_may_not_change_people_sees_no_badges(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any(each.startswith("identify") for each in keys(opened(place, monkeypatch, "security", person="E2")))


def test_whoever_has_a_badge_alone_lacks_no_template(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    place.kiosk.issue_badge("E9", author="t", name="Zoe Orr")
    with pytest.raises(InputError, match="somebody else's id"):
        place.kiosk.issue_badge("E9", author="t", name="Ann Lee")
    rows = opened(place, monkeypatch).dataframe[0].value.set_index("id")
    assert "no templates" in rows.loc["E2"]["state"]
    assert "no templates" not in rows.loc["E9"]["state"]
