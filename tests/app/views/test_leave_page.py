"""The leave page: entries, the form, balances, history, and the import with its questions."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pages import bench_of, open_page, texts
from streamlit.testing.v1 import AppTest

from engine.people import Person
from engine.workbench import Workbench

THIS_YEAR = datetime.now(UTC).year
SETTINGS = '[shifts.office]\nstart = 09:00:00\nend = 17:30:00\n[leave.annual]\ndays_per_year = 30\n[leave.duty]\nname = "<b>Duty</b>"\n'


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    (tmp_path / "muster.toml").write_text(SETTINGS)
    bench = bench_of(tmp_path, monkeypatch)
    bench.people.put_all([Person("E1", "Ada Lovelace", enrolled_at="2020-01-01"), Person("E2", "Ben <i>Ode</i>")])
    return bench


def monday() -> date:
    """The first Monday of March this year."""
    first = date(THIS_YEAR, 3, 1)
    return first.replace(day=1 + (-first.weekday()) % 7)


def opened(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, role: str = "hr", language: str = "en", **query: str
) -> AppTest:
    page = open_page("leave", bench.workspace, monkeypatch, role, language=language, query=query)
    assert not page.exception
    return page


def field(page: AppTest, name: str) -> str:
    """The key of a field of the form."""
    return next(str(each.key) for each in page.main if str(each.key).startswith(f"leave-form-{name}-"))


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception
    return page


def test_an_empty_page_says_what_to_do(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch)
    assert f"No leave in {THIS_YEAR}" in texts(page)
    assert {"Add leave", "Import list"} <= {button.label for button in page.button}
    assert "<b>Duty</b>" not in texts(page)


def test_leave_is_entered_changed_and_taken_out(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch, entry="new")
    first = monday()
    page.selectbox(key=field(page, "who")).set_value("E1").run()
    page.date_input(key=field(page, "first")).set_value(first).run()
    page.date_input(key=field(page, "last")).set_value(first.replace(day=first.day + 6)).run()
    assert "This takes 5 working days." in texts(page)
    press(page, "Save")
    (entry,) = place.leave.all()
    assert (entry.employee_id, entry.kind, (entry.last_day - entry.first_day).days) == ("E1", "annual", 6)
    assert page.dataframe[0].value["days"].tolist() == [5]

    page = opened(place, monkeypatch, entry=entry.leave_id)
    assert next(button for button in page.button if button.label == "Save").disabled, "a change needs a reason"
    page.selectbox(key=field(page, "part")).set_value("morning").run()
    assert "This takes 2.5 working days. It took 5 before." in texts(page)
    page.text_input(key=field(page, "reason")).set_value("only mornings").run()
    press(page, "Save")
    assert [(row.half, row.share) for row in place.leave.all()] == [("morning", 0.5)]

    page = opened(place, monkeypatch, entry=entry.leave_id)
    page.segmented_control(key=field(page, "action")).set_value("remove").run()
    page.text_input(key=field(page, "reason")).set_value("cancelled").run()
    press(page, "Take out")
    assert place.leave.all() == []
    shown = texts(opened(place, monkeypatch, view="history"))
    for word in ("leave added", "leave changed", "leave taken out", "only mornings", "cancelled", "hr"):
        assert word in shown


def test_leave_that_is_not_approved_can_be_approved(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = place.leave_desk.add("E1", "annual", monday(), monday(), author="hr", pending=True)
    assert "no leave yet" in texts(opened(place, monkeypatch))
    press(opened(place, monkeypatch, entry=entry.leave_id), "Approve")
    assert [row.status for row in place.leave.all()] == ["approved"]


def test_a_mistake_is_told_where_it_was_made(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    place.leave_desk.add("E1", "annual", monday(), monday(), author="hr")
    page = opened(place, monkeypatch, entry="new", person="E1")
    page.date_input(key=field(page, "first")).set_value(monday()).run()
    page.date_input(key=field(page, "last")).set_value(monday()).run()
    press(page, "Save")
    assert "already" in texts(page)
    assert len(place.leave.all()) == 1


def test_an_entry_that_is_gone_is_told(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "This entry is gone" in texts(opened(place, monkeypatch, entry="hand-1"))


def test_balances_have_an_opening_value(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch, view="balances", person="E1", entitle="annual", year=str(THIS_YEAR))
    page.number_input(key=field(page, "days")).set_value(32.5).run()
    page = press(page, "Save")
    shown = opened(place, monkeypatch, view="balances").dataframe[0].value.set_index("name")
    assert shown.loc["Ada Lovelace", "entitled"] == 32.5
    assert shown.loc["Ben <i>Ode</i>", "left"] == 30


def test_an_import_asks_for_unknown_kinds(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    content = f"id,from,to,type\nE1,{monday()},,Brückentag\nE2,{monday()},,sick\n".encode()
    page = opened(place, monkeypatch)
    press(page, "Import list")
    page.file_uploader(key="import_leave").set_value(("list.csv", content, "text/csv"))
    press(page, "Import list")
    assert "Unknown kinds" in texts(page)
    menu = next(each for each in page.selectbox if "Brückentag" in str(each.label))
    menu.set_value("annual")
    press(page, "Import list")
    assert page.button(key="import_apply").label == "Import"
    page.button(key="import_apply").click()
    press(page, "Import list")
    assert sorted((row.employee_id, row.kind, row.word) for row in place.leave.all()) == [
        ("E1", "annual", "Brückentag"),
        ("E2", "sick", "sick"),
    ]


def test_only_hr_sees_the_page(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("security", "viewer"):
        assert "does not allow this" in texts(opened(place, monkeypatch, role))


def test_the_page_speaks_german(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    place.leave_desk.add("E1", "annual", monday(), monday(), author="hr")
    shown = texts(opened(place, monkeypatch, language="de"))
    assert "Arbeitstage" in shown
    assert "Working days" not in shown


def test_kinds_of_leave_are_kept_on_the_page(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch, view="kinds", kind="new")
    assert next(button for button in page.button if button.label == "Add").disabled, "a kind needs a name"
    page.text_input(key="leave-kind-name-new").set_value("Bridge day").run()
    page.toggle(key="leave-kind-paid-new").set_value(False).run()
    press(page, "Add")
    kind = place.leave.known_kinds.all["bridge_day"]
    assert (kind.name, kind.paid, kind.credit) == ("Bridge day", False, "full")
    table = page.dataframe[0].value
    assert "Bridge day" in table["name"].tolist()
    assert "unpaid" in table["paid"].tolist()
    assert (place.workspace / "muster.toml").read_text().startswith(SETTINGS)

    page = opened(place, monkeypatch, view="kinds", kind="bridge_day")
    page.text_input(key="leave-kind-name-bridge_day").set_value("Vacation").run()
    press(page, "Save")
    assert "means annual leave already" in texts(page)
    press(page, "Withdraw")
    assert place.leave.known_kinds.all["bridge_day"].withdrawn
    assert "bridge_day" not in opened(place, monkeypatch, entry="new").selectbox(key="leave-form-kind-new---").options

    page = opened(place, monkeypatch, view="kinds", kind="bridge_day")
    press(page, "Remove")
    assert "bridge_day" not in place.leave.known_kinds.all


def test_a_kind_in_use_or_given_by_the_environment_stays(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    day = monday()
    place.leave_desk.add("E1", "duty", day, day, author="hr")
    page = opened(place, monkeypatch, view="kinds", kind="duty")
    assert next(button for button in page.button if button.label == "Remove").disabled
    assert "1 entry has this kind." in texts(page)
    monkeypatch.setenv("MUSTER_LEAVE__DUTY__PAID", "false")
    page = opened(place, monkeypatch, view="kinds", kind="duty", language="de")
    assert "MUSTER_LEAVE__DUTY__PAID" in texts(page)
    assert page.text_input(key="leave-kind-name-duty").disabled


@pytest.mark.parametrize("role", ["manager", "viewer"])
def test_others_do_not_see_the_kinds(place: Workbench, monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    page = open_page("leave", place.workspace, monkeypatch, role, query={"view": "kinds"})
    assert "Add kind" not in {button.label for button in page.button}


def test_the_history_is_told_in_the_readers_language(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    first = monday()
    made = place.leave_desk.add("E1", "annual", first, first, author="hr", share=0.5, half="morning", pending=True)
    place.leave_desk.add("E2", "duty", first, first.replace(day=first.day + 1), author="hr", share=0.25)
    place.leave_desk.change(made.leave_id, author="hr", approved=True, reason=f"sick {first} (bigger)")
    shown = texts(opened(place, monkeypatch, language="de", view="history"))
    assert "Urlaub" in shown
    assert "(0,5 Tag, Vormittag, offen)" in shown or "Vormittag" in shown
    assert "annual" not in shown
    assert "pending" not in shown
    assert f"{first}" not in shown.replace(f"sick {first} (bigger)", "")
    assert "annual 2026" not in texts(opened(place, monkeypatch, view="history"))
