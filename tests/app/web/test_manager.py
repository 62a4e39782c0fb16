"""A manager sees the people of their departments only, on the days on which they belonged there: on every page, file and route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import departments
import pytest
from departments import ANN, CY, FRIDAY, MARCH, MONDAY, MOVED
from pages import open_page, signed_in, texts
from paperwork import picture, punch
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from app.views import PAGES
from app.views.attendance import downloads
from app.views.attendance.filters import SheetFilter
from app.views.month import filters, grid
from app.web import pictures, services, streams
from app.web.gate import Gate
from app.web.sessions import COOKIE
from engine.attendance import PunchRow
from engine.errors import InputError, MusterError
from engine.imaging import write_jpeg
from engine.operations.reporting import AttendanceReports
from engine.people import Dating
from engine.workbench import Workbench

ROOT = Path(__file__).parents[3]
MAIN = ROOT / "app" / "main.py"
SPAN = {"from": MARCH["from"], "to": MARCH["until"]}
FIRST, LAST = date(2025, 3, 1), date(2025, 3, 31)
OWN_PICTURE = re.compile(r"images/evidence/202503(1[0-4]T\d+-E1|1[2-4]T\d+-E3)\.jpg")
"""Ann's, and Cy's since Wednesday, when Cy came to Sales."""
BENS = re.compile(r"Ben Bauer|\bE2\b|\bLab\b|lab key|lab door|unknown-1")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """The workplace, with a manager of Sales; capitals do not matter."""
    with pytest.MonkeyPatch.context() as patch:
        folder = departments.settings(tmp_path_factory.mktemp("works"))
        patch.setenv("MUSTER_WORKSPACE", str(folder))
        bench = departments.fill(services.home())
        bench.accounts.add("manager", "manager", email="m@example.com", language="en", departments=["SALES"])
        yield bench


@pytest.fixture
def seen(whole: Workbench, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    """The workbench as the manager sees it."""
    monkeypatch.setenv("MUSTER_WORKSPACE", str(whole.workspace))
    return services.bench_for(whole.accounts.all()["manager"], services.sites().home)


def shown(page: AppTest) -> str:
    """Everything that a page holds: what it says, tables, choices, addresses of pictures, and what was sent to its own components."""
    assert not page.exception
    tables = [table.value.to_csv() for table in page.dataframe]
    protos = [str(each.proto) for each in page.main if hasattr(each, "proto")]
    choices = [str(option) for each in page.selectbox for option in each.options]
    made = re.sub(r'file_id: "\w+"', "", "\n".join(protos))  # by chance
    return "\n".join([texts(page), *tables, *choices, made])


PAGES_OF_PEOPLE = [
    ("attendance", {**SPAN}),
    ("attendance", {"from": f"{MONDAY}", "to": f"{FRIDAY}"}),
    *[("attendance", {**SPAN, "chart": chart}) for chart in ("delays", "presence", "departments", "people", "balance")],
    ("attendance", {"person": "E1", "day": f"{MONDAY}"}),
    ("attendance", {"person": "E3", "day": f"{FRIDAY}"}),
    ("attendance", {"person": "E3", "day": f"{MONDAY}"}),
    ("attendance", {**SPAN, "department": "Sales", "find": "a"}),
    ("month", {"from": MARCH["from"]}),
    ("month", {"from": MARCH["from"], "view": "open"}),
    ("leave", {"year": "2025"}),
    ("leave", {"year": "2025", "view": "balances"}),
    ("leave", {"year": "2025", "view": "history", "entry": "new", "entitle": "annual"}),
]


@pytest.mark.parametrize(("view", "query"), PAGES_OF_PEOPLE)
def test_no_page_shows_anybody_of_another_department(
    whole: Workbench, monkeypatch: pytest.MonkeyPatch, view: str, query: dict[str, str]
) -> None:
    page = open_page(view, whole.workspace, monkeypatch, "manager", query=query)
    found = shown(page)
    assert BENS.findall(found) == []
    assert ANN in found or CY in found or query.get("chart") == "departments"


@pytest.mark.parametrize(
    ("view", "query"),
    [
        ("attendance", {"person": "E2", "day": f"{MONDAY}"}),
        ("attendance", {**SPAN, "department": "Lab"}),
        ("month", {"from": MARCH["from"], "find": "E2"}),
        ("leave", {"year": "2025", "person": "E2", "entitle": "annual"}),
    ],
)
def test_asking_for_somebody_else_shows_what_an_unknown_id_shows(
    whole: Workbench, monkeypatch: pytest.MonkeyPatch, view: str, query: dict[str, str]
) -> None:
    asked = {
        name: value.replace("Ben", "Zoe").replace("E2", "E8").replace("Lab", "Lzz") for name, value in query.items()
    }
    other, unknown = (
        shown(open_page(view, whole.workspace, monkeypatch, "manager", query=each)) for each in (query, asked)
    )
    assert ANN not in other or view == "leave"
    assert re.sub(r"Ben|E2|Lab", "", other) == re.sub(r"Zoe|E8|Lzz", "", unknown)


@pytest.mark.parametrize("view", ["live", "alerts", "people", "registration", "tuning", "system"])
def test_other_pages_are_refused(whole: Workbench, monkeypatch: pytest.MonkeyPatch, view: str) -> None:
    page = open_page(view, whole.workspace, monkeypatch, "manager", query={"part": "users"})
    assert "Your role (manager) does not allow this" in texts(page)
    assert not page.dataframe
    assert [page.path for page in PAGES if whole.accounts.all()["manager"].may(page.action)] == [
        "attendance",
        "month",
        "leave",
        "requests",
        "me",
        "account",
    ]


def test_the_manager_begins_with_attendance(whole: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in(whole.workspace, monkeypatch, "manager")
    page = AppTest.from_file(str(MAIN), default_timeout=60).run()
    assert not page.exception
    assert page.title[0].value == "Attendance"


def test_figures_count_their_own_days_only(seen: Workbench, whole: Workbench) -> None:
    """Ann has five days and two of leave; Cy's three since Wednesday and the days without a punch since then are planned, too."""
    worked = [(row.employee_id, row.day) for row in AttendanceReports(seen).rows(MONDAY, FRIDAY)]
    assert sorted(worked) == [
        *(("E1", date(2025, 3, day)) for day in range(10, 15)),
        *(("E3", date(2025, 3, day)) for day in range(12, 15)),
    ]
    assert len(AttendanceReports(whole).rows(MONDAY, FRIDAY)) == 15
    rows = AttendanceReports(seen).rows(FIRST, LAST)
    shown = grid.values(rows, filters.MonthFilter(FIRST, LAST), date(2025, 4, 2))
    assert [person["id"] for person in shown["people"]] == ["E1", "E3"]
    assert shown["present"][9:14] == [1, 1, 2, 2, 2], "10 to 14 March"
    reports = AttendanceReports(seen)
    assert {(each.employee_id, each.day) for each in reports.stays(MONDAY, FRIDAY)} == set(worked)
    assert reports.explained("E2", MONDAY) == []
    assert reports.explained("E3", MONDAY) == []
    assert len(reports.explained("E3", MOVED)) == 2


@pytest.mark.parametrize("kind", ["csv", "excel", "report", "payroll", "punches", "attlog"])
def test_downloads_hold_their_own_people_only(seen: Workbench, kind: str, tmp_path: Path) -> None:
    content = downloads.maker(kind, seen, SheetFilter(MONDAY, FRIDAY))()
    if kind == "excel":
        from openpyxl import load_workbook

        (tmp_path / "x.xlsx").write_bytes(content)
        sheets = load_workbook(tmp_path / "x.xlsx").worksheets
        content = "\n".join(str(cell.value) for sheet in sheets for line in sheet.iter_rows() for cell in line).encode()
    text = content.decode()
    own, others = (("E1", "E3"), re.compile("E2")) if kind in {"punches", "attlog"} else ((ANN, CY), BENS)
    assert [each for each in own if each in text] == list(own)
    assert others.findall(text) == []


def test_the_list_of_changes_holds_their_own_people_only(whole: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was closed does not move, whoever looks; what would change is told of their own people."""
    whole.months.close(FIRST, LAST, author="hr", reason="", anyway=True)
    try:
        for key in ("E1", "E2", "E3"):
            whole.office.correct(key, MOVED, "status", value="absent", author="boss", reason="late news")
        page = open_page(
            "month", whole.workspace, monkeypatch, "manager", query={"from": MARCH["from"], "view": "changes"}
        )
        found = shown(page)
        assert ANN in found
        assert CY in found
        assert BENS.findall(found) == []
    finally:
        whole.months.reopen(FIRST, LAST, author="hr", reason="test")
        for key in ("E1", "E2", "E3"):
            made = whole.attendance.corrections.about_days(MOVED, MOVED)
            last = next(row for row in made[::-1] if row.employee_id == key and row.action == "status")
            whole.office.correct(key, MOVED, "revoke", refers_to=last.correction_id, author="boss", reason="test")


def test_the_muster_list_is_of_everybody_and_refused(
    whole: Workbench, seen: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MusterError):
        downloads.maker("muster", seen, SheetFilter(MONDAY, FRIDAY))()
    page = open_page("attendance", whole.workspace, monkeypatch, "manager", query=SPAN)
    files = {each.key for each in page.get("download_button") if "attendance-file" in (each.key or "")}
    assert files == {f"attendance-file-{kind}" for kind in ("csv", "excel", "report", "payroll", "punches", "attlog")}


def test_a_manager_approves_for_their_own_people_and_corrects_nobody(seen: Workbench, whole: Workbench) -> None:
    office, own = seen.office, {"author": "manager", "reason": "agreed"}
    for key, day in (("E2", MONDAY), ("E3", MONDAY), ("E8", MONDAY)):
        with pytest.raises(InputError, match=f"nobody is known as {key}"):
            office.correct(key, day, "approve", **own)
    everybody = [row for row in AttendanceReports(whole).rows(FRIDAY, FRIDAY) if row.employee_id == "E3"]
    foreign = AttendanceReports(whole).rows(MONDAY, MONDAY)
    with pytest.raises(InputError, match="nobody is known"):
        office.correct_all([*everybody, *foreign], "approve", **own)
    for action in ("status", "add", "remove", "revoke"):
        with pytest.raises(InputError, match="approve corrections, not make them"):
            office.correct("E1", MONDAY, action, value="absent", **own)
    with pytest.raises(InputError, match="made the correction"):
        office.correct("E3", FRIDAY, "approve", author="HR", reason="my own")
    assert office.correct_all(everybody, "approve", **own)[0][1] is None
    assert AttendanceReports(seen).rows(FRIDAY, FRIDAY, "E3")[0].approved_by == "manager"
    waiting = whole.attendance.corrections.about_days(MONDAY, MONDAY)
    assert [row.action for row in waiting] == ["status"] * 3


def test_the_form_offers_an_approval_alone(whole: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(role: str) -> AppTest:
        query = {"person": "E1", "day": f"{MONDAY}"}
        return open_page("attendance", whole.workspace, monkeypatch, role, query=query)

    def offered(page: AppTest) -> list[str]:
        return [str(option.content) for each in page.get("button_group") for option in each.proto.options]

    assert "Approve" in offered(opened("manager"))
    assert not {"Add an arrival", "Set a status", "Not this person"} & set(offered(opened("manager")))
    assert {"Add an arrival", "Set a status"} <= set(offered(opened("hr")))


def test_whatever_is_not_named_does_not_exist(seen: Workbench) -> None:
    for name in (
        "incidents",
        "dossiers",
        "gallery",
        "sightings",
        "audit",
        "accounts",
        "records",
        "staff",
        "store",
        "log",
    ):
        with pytest.raises(InputError, match="all departments"):
            getattr(seen, name)
    with pytest.raises(InputError):
        seen.attendance.log.read(MONDAY)
    with pytest.raises(InputError):
        seen.attendance.closed.sheets([MONDAY], {})
    with pytest.raises(InputError):
        seen.office.inside()
    with pytest.raises(InputError):
        seen.pipeline("door")


def test_pages_never_reach_behind_the_view() -> None:
    """The whole workbench is for the server alone: pages get theirs from `app.web.access`, which asks for the account."""
    allowed = {
        "web/services.py",
        "web/access.py",
        "web/pictures.py",
        "web/films.py",  # a route that asks for the right to see alerts
        "web/server.py",
        "web/rest/server.py",
    }
    behind = re.compile(r"services\.bench\(|bench\.view\b|view\.whole|seen_by\(")
    found = {
        path.relative_to(ROOT / "app").as_posix()
        for path in (ROOT / "app").rglob("*.py")
        if behind.search(path.read_text(encoding="utf-8"))
    }
    assert found <= allowed


@pytest.fixture
def browser(whole: Workbench, seen: Workbench) -> TestClient:
    """The manager's browser, before the routes beside the pages."""
    del seen
    routes = [*pictures.routes, *streams.routes]
    served = Starlette(routes=routes, middleware=[Middleware(Gate)])
    token = services.sessions().begin(whole.accounts.all()["manager"])
    return TestClient(served, base_url="http://127.0.0.1:8501", cookies={COOKIE: token}, follow_redirects=False)


def test_no_route_serves_a_picture_of_somebody_else(browser: TestClient, whole: Workbench) -> None:
    own, moved, other, unknown = (browser.get("/portrait", params={"id": key}) for key in ("E1", "E3", "E2", "E8"))
    assert own.headers["content-type"] == moved.headers["content-type"] == "image/jpeg"
    assert (other.status_code, other.headers["content-type"]) == (200, "image/svg+xml")
    assert ">?<" in other.text
    assert other.headers == {**unknown.headers, "content-length": other.headers["content-length"]}
    for path in sorted((whole.workspace / "images").rglob("*.jpg")):
        name = path.relative_to(whole.workspace).as_posix()
        assert browser.get(f"/picture/{name}").status_code == (200 if OWN_PICTURE.search(name) else 403), name
    assert browser.get("/camera?name=door").status_code == 403
    assert browser.get("/cameras?name=door").status_code == 403
    assert browser.get("/overlay?key=x").status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "images/evidence/20250310T080000-E2.jpg?side=1280",
        "images/evidence/../evidence/20250310T080000-E2.jpg",
        "images/evidence/20250310T080000-E1.jpg/../20250310T080000-E2.jpg",
        "images/evidence/20250310T080000-E1.jpg%2F..%2F20250310T080000-E2.jpg",
        "images//evidence/20250310T080000-E3.jpg",
        "images/evidence/20250310T080000-E9.jpg",
        "images/evidence/x.jpg",
        "images/evidence/",
        "images/evidence",
        "images",
        "people.csv",
    ],
)
def test_other_pictures_are_refused_like_unknown_ones(browser: TestClient, name: str) -> None:
    assert (answer := browser.get(f"/picture/{name}")).status_code in {403, 404}
    assert answer.headers["content-type"].startswith("text/plain")


def test_pictures_that_may_show_somebody_else_are_refused(
    browser: TestClient, whole: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A doubt, and a name that was taken back: the face is perhaps that of somebody of another department."""
    day = datetime(2025, 3, 13, tzinfo=UTC)
    taken_back, doubt, night, shared = (
        f"images/evidence/202503{time}0000-odd.jpg" for time in ("13T06", "13T07", "14T00", "13T08")
    )
    for path in (taken_back, doubt, night, shared):
        write_jpeg(whole.workspace / path, picture())
    punch(whole, "E1", day + timedelta(hours=5), track="wrong", image=taken_back)
    back = PunchRow("", day + timedelta(hours=5), "E1", "retract", "door", track="wrong", author="hr", reason="not her")
    assert whole.attendance.retract(back, whole.people.known())
    punch(whole, "E1", day + timedelta(hours=6), track="doubt", image=doubt, certain=False)
    punch(whole, "E1", day + timedelta(hours=23), track="night", image=night)
    for key in ("E1", "E2"):
        punch(whole, key, day + timedelta(hours=7), track=f"both-{key}", image=shared)
    answers = {path: browser.get(f"/picture/{path}").status_code for path in (taken_back, doubt, night, shared)}
    assert answers == {taken_back: 403, doubt: 403, night: 200, shared: 403}
    found = shown(
        open_page(
            "attendance", whole.workspace, monkeypatch, "manager", query={"person": "E1", "day": f"{day:%Y-%m-%d}"}
        )
    )
    assert "20250313T080000-E1.jpg" in found
    assert [path for path in (taken_back, doubt) if path in found] == []
    assert BENS.findall(found) == []


def test_who_looked_at_a_picture_is_recorded(browser: TestClient, whole: Workbench) -> None:
    name = "evidence/20250314T160000-E3.jpg"
    assert browser.get(f"/picture/images/{name}").status_code == 200
    assert browser.get("/picture/images/evidence/20250314T160000-E2.jpg").status_code == 403
    noted = [
        row.subject for row in whole.records.audit.read() if (row.action, row.author) == ("view_picture", "manager")
    ]
    assert name in noted
    assert not [each for each in noted if "E2" in each]


def test_a_moved_person_takes_their_later_pictures_along(browser: TestClient, whole: Workbench) -> None:
    """What was dated later decides at once, without a new sign-in."""
    name = "/picture/images/evidence/20250314T080000-E3.jpg"
    assert browser.get(name).status_code == 200
    whole.people.change("E3", Dating(valid_from=FRIDAY), department="Lab")
    try:
        assert browser.get(name).status_code == 403
        assert browser.get("/picture/images/evidence/20250313T080000-E3.jpg").status_code == 200
    finally:
        whole.people.change("E3", Dating(valid_from=FRIDAY), department="Sales")


def test_a_manager_without_departments_sees_nobody(whole: Workbench, seen: Workbench) -> None:
    """Nobody can make such an account but by editing the file."""
    del seen
    account = whole.accounts.all()["manager"]
    blind = services.bench_for(type(account)("x", "manager"), services.sites().home)
    assert AttendanceReports(blind).rows(FIRST, LAST) == []
    assert dict(blind.people.known()) == {}
    assert blind.leave_desk.entries(FIRST, LAST) == []


def test_the_role_is_taken_away_with_the_next_click(whole: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("month", whole.workspace, monkeypatch, "manager", query={"from": MARCH["from"]})
    assert ANN in shown(page)
    whole.accounts.change("manager", departments=["Nowhere"])
    try:
        signed_out = page.run()
        assert ANN not in texts(signed_out)
        assert not signed_out.dataframe
    finally:
        whole.accounts.change("manager", departments=["SALES"])
