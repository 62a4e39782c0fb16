"""The REST interface: who gets what, page by page, what is refused and how, and that the description tells the truth."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import departments
import pytest
from command import muster
from departments import ANN, BEN, CY, FRIDAY, MARCH, MONDAY
from httpx2 import Response
from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from app.web import rest, services
from app.web.gate import Gate
from app.web.rest.server import RateLimit
from app.web.sessions import COOKIE
from engine.access import REST_SCOPES, TokenBook
from engine.attendance import cells
from engine.errors import InputError, StorageError
from engine.operations.reporting import AttendanceReports
from engine.reports import COLUMNS
from engine.workbench import Workbench

WEEK = {"from": f"{MONDAY}", "until": f"{FRIDAY}"}
Ask = Callable[..., Response]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """The workplace with two departments."""
    with pytest.MonkeyPatch.context() as patch:
        folder = departments.settings(tmp_path_factory.mktemp("works"))
        patch.setenv("MUSTER_WORKSPACE", str(folder))
        yield departments.fill(services.home())


@pytest.fixture
def client(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A program, before the real route behind the real gate."""
    monkeypatch.setenv("MUSTER_WORKSPACE", str(bench.workspace))
    served = Starlette(routes=rest.routes, middleware=[Middleware(Gate)])
    rest.routes[0].app.limit = RateLimit()
    return TestClient(served, base_url="http://127.0.0.1:8501", follow_redirects=False, raise_server_exceptions=False)


def token(bench: Workbench, *scopes: str, **more: Any) -> str:
    """A new token; all scopes by default."""
    name = f"payroll {len(bench.tokens.all())}"
    return bench.token_desk.add(name, scopes or tuple(REST_SCOPES), author="ada", **more)[1]


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def ask(bench: Workbench, client: TestClient) -> Ask:
    """Asks with a token that sees everything."""
    secret = token(bench)

    def get(route: str, secret: str = secret, **query: object) -> Response:
        query = {name.rstrip("_"): value for name, value in query.items()}
        return client.get(f"/api/v1/{route}", params=query, headers=bearer(secret))

    return get


def problem(answer: Response) -> tuple[int, str]:
    """Status and word of a refusal, whose form is checked."""
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert set(told) == {"type", "title", "status", "error", "detail", "hint"}
    assert told["status"] == answer.status_code
    assert told["detail"]
    assert told["hint"]
    assert "/" not in told["detail"].replace("/api/v1", "")
    return answer.status_code, told["error"]


# --------------------------------------------------------------------------------------------- what is read


def test_sheets_are_those_of_the_table_with_typed_values(bench: Workbench, ask: Ask) -> None:
    answer = ask("sheets", **{"from_": MONDAY, "until": FRIDAY}).json()
    assert (answer["from"], answer["until"], answer["timezone"]) == ("2025-03-10", "2025-03-14", "Europe/Berlin")
    assert (answer["closed"], answer["closings"], answer["next_cursor"]) == (False, [], None)
    rows = {(row["date"], row["employee_id"]): row for row in answer["rows"]}
    assert list(rows) == sorted(rows)
    assert len(rows) == 15
    row = rows["2025-03-11", "E1"]
    # came at 9:00 and left at 17:00 local time, an hour ahead of UTC in March
    assert (row["first_in"], row["last_out"]) == ("2025-03-11T09:00:00+01:00", "2025-03-11T17:00:00+01:00")
    assert (row["hours"], row["planned_hours"], row["late"], row["late_min"]) == (8.0, 8.0, False, 0)
    assert (row["name"], row["department"], row["status"], row["closed"]) == (ANN, "Sales", "on time", False)
    assert (row["leave"], row["corrected_by"], row["pending_hours"]) == (None, None, None)
    assert rows["2025-03-10", "E1"]["corrected_by"] == "hr"
    for sheet in AttendanceReports(bench).rows(MONDAY, FRIDAY):
        own, texts = rows[f"{sheet.day}", sheet.employee_id], cells(sheet)
        assert list(own) == [*COLUMNS, "closed"]
        for name, text in texts.items():
            value = own[name]
            assert not re.fullmatch(r"\d\d:\d\d(:\d\d)?", str(value)), f"{name} has no offset"
            if isinstance(value, str) and re.match(r"2025-\d\d-\d\dT", value):
                assert value[11:].startswith(str(text))
            elif isinstance(value, bool):
                assert {"yes": True, "no": False, "": False}[str(text)] is value
            elif isinstance(value, int | float):
                assert value == float(str(text))
            else:
                assert (value or "") == text


def test_people_are_told_as_of_a_day(ask: Ask) -> None:
    def of(**query: object) -> list[tuple[str, str, bool]]:
        rows = ask("people", **query).json()["rows"]
        return [(row["employee_id"], row["department"], row["active"]) for row in rows]

    assert of() == [("E1", "Sales", True), ("E2", "Lab", True), ("E3", "Sales", True)]
    assert of(on="2025-03-11") == [("E1", "Sales", True), ("E2", "Lab", True), ("E3", "Lab", True)]
    assert of(on="2025-01-01", person="E3") == [("E3", "Lab", False)], "not employed yet"
    assert of(on="2025-03-12", department="sales") == [("E1", "Sales", True), ("E3", "Sales", True)]


def test_incidents_are_told_with_their_review(bench: Workbench, ask: Ask) -> None:
    rows = ask("incidents", **{"from_": MONDAY, "until": FRIDAY}).json()["rows"]
    assert [(row["kind"], row["timestamp"], row["employee_ids"]) for row in rows] == [
        ("unknown", "2025-03-11T10:00:00.000+01:00", []),
        ("tailgating", "2025-03-13T10:00:00.000+01:00", ["E1", "E2"]),
    ]
    assert (rows[1]["people"], rows[1]["state"], rows[1]["reviewed_at"]) == (2, "open", None)
    bench.office.review(rows[1]["incident_id"], "resolved", author="sam", note="held the door")
    (again,) = ask("incidents", **{"from_": "2025-03-13", "until": FRIDAY}).json()["rows"]
    assert (again["state"], again["note"], again["reviewed_by"]) == ("resolved", "held the door", "sam")
    assert ask("incidents", **{"from_": "2025-03-14", "until": FRIDAY}).json()["rows"] == []


@pytest.mark.parametrize("limit", [1, 4, 15, 16])
@pytest.mark.parametrize("route", ["sheets", "people", "incidents"])
def test_pages_hold_every_row_once_in_order(ask: Ask, route: str, limit: int) -> None:
    span = {} if route == "people" else {"from_": MONDAY, "until": FRIDAY}
    whole = ask(route, **span, limit=1000).json()["rows"]
    found, cursor = [], {}
    for _ in range(len(whole) + 1):
        page = ask(route, **span, limit=limit, **cursor).json()
        assert len(page["rows"]) <= limit
        found += page["rows"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == whole


def test_filters_choose_rows(ask: Ask) -> None:
    def of(**query: object) -> list[tuple[str, str]]:
        rows = ask("sheets", **{"from_": MONDAY, "until": FRIDAY, **query}).json()["rows"]
        return [(row["employee_id"], row["date"][-2:]) for row in rows]

    assert of(person="E3", department="LAB") == [("E3", "10"), ("E3", "11")]
    assert of(person="E3", department="Sales") == [("E3", "12"), ("E3", "13"), ("E3", "14")]
    assert of(person=CY) == [], "names are no ids"


def test_a_closed_month_keeps_its_figures_and_says_so(bench: Workbench, ask: Ask) -> None:
    april = {"from_": "2025-03-01", "until": "2025-04-01", "person": "E1"}
    before = ask("sheets", **april).json()["rows"]
    closing = bench.months.close(date(2025, 3, 1), date(2025, 3, 31), author="hr", reason="", anyway=True)
    try:
        bench.office.correct("E1", FRIDAY, "status", value="absent", author="boss", reason="late news")
        answer = ask("sheets", **april).json()
        assert [{**row, "closed": False} for row in answer["rows"]] == before
        assert {row["date"]: row["closed"] for row in answer["rows"]}["2025-03-14"] is True
        assert answer["rows"][-1]["date"] == "2025-04-01"
        assert answer["rows"][-1]["closed"] is False
        assert answer["closed"] is False, "1 April is open"
        assert [(each["from"], each["until"], each["sha256"]) for each in answer["closings"]] == [
            ("2025-03-01", "2025-03-31", closing.sha256)
        ]
        assert ask("sheets", **{"from_": MONDAY, "until": FRIDAY}).json()["closed"] is True
    finally:
        bench.months.reopen(date(2025, 3, 1), date(2025, 3, 31), author="hr", reason="test")
        made = bench.attendance.corrections.about_days(FRIDAY, FRIDAY)[-1]
        bench.office.correct("E1", FRIDAY, "revoke", refers_to=made.correction_id, author="boss", reason="test")


def test_a_token_with_departments_sees_their_people_on_their_days(bench: Workbench, ask: Ask) -> None:
    secret = token(bench, "sheets:read", "people:read", departments=["SALES"])
    answer = ask("sheets", secret, **{"from_": MARCH["from"], "until": MARCH["until"]})
    rows = answer.json()["rows"]
    assert {(row["employee_id"], row["department"]) for row in rows} == {("E1", "Sales"), ("E3", "Sales")}
    assert min(row["date"] for row in rows if row["employee_id"] == "E3") == "2025-03-12"
    assert not re.search(rf"{BEN}|E2|Lab", answer.text)
    for query in ({"person": "E2"}, {"department": "Lab"}):
        assert ask("sheets", secret, **{"from_": MONDAY, "until": FRIDAY, **query}).json()["rows"] == []
        assert ask("people", secret, **query).json()["rows"] == []
    assert [row["employee_id"] for row in ask("people", secret, on="2025-03-11").json()["rows"]] == ["E1"]
    assert [row["employee_id"] for row in ask("people", secret).json()["rows"]] == ["E1", "E3"]
    with pytest.raises(InputError, match="cannot be limited to departments"):
        token(bench, "incidents:read", departments=["Sales"])


# --------------------------------------------------------------------------------------------- what is refused


def test_only_a_valid_token_lets_in(bench: Workbench, client: TestClient, ask: Ask) -> None:
    assert problem(client.get("/api/v1/people")) == (401, "token_missing")
    bench.accounts.add("ada", "admin", email="a@example.com")
    session = {"cookie": f"{COOKIE}={services.sessions().begin(bench.accounts.all()['ada'])}"}
    assert problem(client.get("/api/v1/people", headers=session)) == (401, "token_missing"), "no cookie counts"
    secret = token(bench)
    for header in (f"Basic {secret}", secret, "Bearer"):
        assert problem(client.get("/api/v1/people", headers={"Authorization": header}))[0] == 401
    twice = [("Authorization", f"Bearer {secret}"), ("Authorization", f"Bearer {secret}")]
    assert problem(client.get("/api/v1/people", headers=twice)) == (401, "token_missing")
    _, kiosk = bench.kiosk.pair("door", ["status", "attendance"], author="ada")
    other = token(bench)
    mixed = secret[:16] + other[16:]
    for wrong in (kiosk, mixed, secret[:-1], f"{secret}x", secret.upper(), "muster_", "x" * 5000, f"{secret} {secret}"):
        assert problem(ask("people", wrong)) == (401, "token_invalid"), wrong
    assert ask("people", secret).status_code == 200
    assert problem(ask("people", secret, site="tokyo")) == (401, "token_invalid")
    bench.token_desk.revoke(bench.tokens.check(secret).token_id, author="ada")
    assert problem(ask("people", secret)) == (401, "token_invalid")
    assert "bearer" in ask("people", secret).headers["www-authenticate"].casefold()


def test_a_token_ends_after_its_last_day(bench: Workbench, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    today = bench.records.now().date()
    secret = token(bench, until=today)
    assert ask("people", secret).status_code == 200
    clock = bench.records.clock
    monkeypatch.setitem(bench.records.__dict__, "clock", lambda: clock() + timedelta(days=1))
    assert problem(ask("people", secret)) == (401, "token_invalid")
    assert f"expired on {today}" in ask("people", secret).json()["detail"]
    with pytest.raises(InputError, match="is over"):
        token(bench, until=today - timedelta(days=1))


def test_a_scope_opens_its_route_alone(bench: Workbench, ask: Ask) -> None:
    routes = {"sheets": "sheets:read", "people": "people:read", "incidents": "incidents:read"}
    for scope in REST_SCOPES:
        secret = token(bench, scope)
        for route, needed in routes.items():
            answer = ask(route, secret, **({} if route == "people" else {"from_": MONDAY, "until": FRIDAY}))
            if scope == needed:
                assert answer.status_code == 200
            else:
                assert problem(answer) == (403, "insufficient_scope")
                assert f'scope="{needed}"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_but_get_is_served(bench: Workbench, client: TestClient, method: str) -> None:
    headers = {**bearer(token(bench)), "Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    answer = client.request(method, "/api/v1/people", headers=headers)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"
    assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("from=2025-03-10", "bad_parameter"),
        ("until=2025-03-10", "bad_parameter"),
        ("from=2025-03-14&until=2025-03-10", "bad_parameter"),
        ("from=2025-03-01&until=2025-06-01", "range_too_long"),
        ("from=1998-01-01&until=2025-05-20", "range_too_long"),
        ("from=0001-01-01&until=0001-01-02", "bad_parameter"),
        ("from=9999-12-31&until=9999-12-31", "bad_parameter"),
        ("from=2025-02-30&until=2025-03-02", "bad_parameter"),
        ("from=20250310&until=20250311", "bad_parameter"),
        ("from=2025-W11-1&until=2025-03-11", "bad_parameter"),
        ("from=%D9%A2025-03-10&until=2025-03-11", "bad_parameter"),
        (f"from={MONDAY}&from={MONDAY}&until={FRIDAY}", "bad_parameter"),
        (f"from={MONDAY}&until={FRIDAY}&limit=0", "bad_parameter"),
        (f"from={MONDAY}&until={FRIDAY}&limit=1001", "bad_parameter"),
        (f"from={MONDAY}&until={FRIDAY}&limit=1e2", "bad_parameter"),
        (f"from={MONDAY}&until={FRIDAY}&limit=-1", "bad_parameter"),
        (f"from={MONDAY}&until={FRIDAY}&limit=", "bad_parameter"),
        (f"from={MONDAY}&until={FRIDAY}&persn=E1", "bad_parameter"),
        (f"from={MONDAY}&until={FRIDAY}&person=", "bad_parameter"),
        (f"from={MONDAY}&until={FRIDAY}&person={'x' * 201}", "bad_parameter"),
        (f"from={MONDAY}&until={FRIDAY}&person=%00E1", "bad_parameter"),
        (f"from={MONDAY}&until={FRIDAY}&cursor=", "bad_cursor"),
        (f"from={MONDAY}&until={FRIDAY}&cursor=WyIyMDI1LTAzLTExIiwiRTEiXQ.AAAA", "bad_cursor"),
        (f"from={MONDAY}&until={FRIDAY}&cursor={'x' * 3000}", "bad_cursor"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(bench: Workbench, client: TestClient, query: str, error: str) -> None:
    answer = client.get(f"/api/v1/sheets?{query}", headers=bearer(token(bench)))
    assert problem(answer) == (400, error)


@pytest.mark.parametrize(
    "text", ["E1' OR '1'='1", "E1; DROP TABLE people", "=HYPERLINK(1)", "../../etc/passwd", "<b>", "%"]
)
def test_a_text_is_a_text(bench: Workbench, ask: Ask, text: str) -> None:
    for name in ("person", "department"):
        assert ask("sheets", **{"from_": MONDAY, "until": FRIDAY, name: text}).json()["rows"] == []
    assert bench.audit.read()[-1].detail.endswith(": 0 rows")
    assert not bench.audit.raw.check()


def test_a_cursor_is_good_for_its_token_and_query_alone(bench: Workbench, ask: Ask) -> None:
    span = {"from_": MONDAY, "until": FRIDAY}
    cursor = ask("sheets", **span, limit=2).json()["next_cursor"]
    assert ask("sheets", **span, limit=5, cursor=cursor).status_code == 200, "another size of the page is fine"
    for query in (
        {**span, "person": "E1"},
        {**span, "department": "Sales"},
        {"from_": MONDAY, "until": MONDAY},
    ):
        assert problem(ask("sheets", **query, cursor=cursor)) == (400, "bad_cursor")
    assert problem(ask("incidents", **span, cursor=cursor)) == (400, "bad_cursor")
    for other in (token(bench), token(bench, "sheets:read", departments=["Sales"])):
        assert problem(ask("sheets", other, **span, cursor=cursor)) == (400, "bad_cursor")
    assert problem(ask("sheets", **span, cursor=f"{'A' if cursor[0] != 'A' else 'B'}{cursor[1:]}"))[0] == 400


def test_an_unknown_address_needs_a_token_first(client: TestClient, ask: Ask) -> None:
    for path in ("", "sheet", "sheets/", "sheets/1", "../people", "openapi.json/"):
        assert client.get(f"/api/v1/{path}").status_code == 401
    assert problem(ask("leave")) == (404, "not_found")
    assert client.get("/api/v2/people").status_code == 401, "the gate's own refusal"


def test_too_many_requests_wait(bench: Workbench, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    limit = RateLimit(lambda: now[0])
    assert [limit.wait_s("a", 3) for _ in range(4)] == [0, 0, 0, 20]
    assert limit.wait_s("b", 3) == 0, "each token has its own"
    now[0] = 19.0
    assert limit.wait_s("a", 3) == 1
    now[0] = 20.0
    assert [limit.wait_s("a", 3), limit.wait_s("a", 3)] == [0, 20]
    now[0] = 1000.0
    assert [limit.wait_s("a", 3) for _ in range(4)] == [0, 0, 0, 20], "no more than a minute's requests are saved"
    asked: list[int] = []
    monkeypatch.setattr(rest.routes[0].app.limit, "wait_s", lambda _key, most: asked.append(most) or 7)
    answer = ask("people")
    assert problem(answer) == (429, "too_many_requests")
    assert answer.headers["retry-after"] == "7"
    assert asked == [bench.config.app.rest_per_minute]


def test_what_muster_cannot_read_is_told_without_its_whereabouts(
    bench: Workbench, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StorageError(f"{bench.workspace}/log cannot be read", hint="look")

    monkeypatch.setattr(bench.incidents, "incidents", away)
    answer = ask("incidents", **{"from_": MONDAY, "until": FRIDAY})
    assert problem(answer) == (503, "unavailable")
    assert str(bench.workspace) not in answer.text
    monkeypatch.setattr(bench.incidents, "incidents", lambda *_: 1 / 0)
    assert problem(ask("incidents", **{"from_": MONDAY, "until": FRIDAY})) == (500, "fault")


def test_whoever_cannot_be_noted_gets_nothing(bench: Workbench, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageError("the disk is full", hint="make room")

    monkeypatch.setattr(bench.audit, "note_all", full)
    answer = ask("people")
    assert problem(answer) == (503, "unavailable")
    assert ANN not in answer.text


# --------------------------------------------------------------------------------------------- notes, tags, description


def test_each_use_is_noted_without_names(bench: Workbench, ask: Ask) -> None:
    ask("sheets", **{"from_": MONDAY, "until": FRIDAY, "person": BEN, "limit": 2})
    row = bench.audit.read()[-1]
    assert (row.action, row.detail) == ("read_api", "sheets from=2025-03-10 until=2025-03-14 person=E2: 0 rows")
    assert re.fullmatch(r"token [0-9a-f]{8}", row.author)
    ask("people", limit=2)
    assert bench.audit.read()[-1].detail == "people: 2 rows"
    count = len(bench.audit.read())
    ask("sheets")
    ask("people", "muster_wrong")
    assert len(bench.audit.read()) == count, "refused ones would fill the log"


def test_an_answer_has_a_tag_and_is_kept_by_nobody(client: TestClient, bench: Workbench) -> None:
    headers = bearer(token(bench))
    answer = client.get("/api/v1/people", headers=headers)
    assert answer.headers["cache-control"] == "no-store"
    assert not any(name.startswith(("access-control", "set-cookie")) for name in answer.headers)
    tag = answer.headers["etag"]
    same = client.get("/api/v1/people", headers={**headers, "If-None-Match": f'"x", W/{tag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    other = client.get("/api/v1/people?limit=1", headers={**headers, "If-None-Match": tag})
    assert other.status_code == 200


def test_the_description_is_what_is_served(client: TestClient, ask: Ask) -> None:
    told = client.get("/api/v1/openapi.json").json()
    assert told["openapi"] == "3.1.0"
    assert {path: each["get"]["x-scope"] for path, each in told["paths"].items()} == {
        "/api/v1/sheets": "sheets:read",
        "/api/v1/people": "people:read",
        "/api/v1/incidents": "incidents:read",
    }
    for path, each in told["paths"].items():
        operation = each["get"]
        required = {one["name"] for one in operation["parameters"] if one["required"]}
        assert required == (set() if path.endswith("people") else {"from", "until"})
        for one in operation["parameters"]:  # each is known to the route, whatever it thinks of the value
            answer = ask(path.removeprefix("/api/v1/"), **{one["name"]: "?"})
            assert "there is no parameter" not in answer.text
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        check = Draft202012Validator({**schema, "components": told["components"]})
        span = {name: MARCH[name] for name in required}
        content = ask(path.removeprefix("/api/v1/"), **{f"{name}_": day for name, day in span.items()}).json()
        assert content["rows"]
        assert [error.message for error in check.iter_errors(content)] == []
        broken = {**content, "rows": [{**content["rows"][0], "more": 1}]}
        assert list(check.iter_errors(broken))
    refused = Draft202012Validator(told["components"]["schemas"]["problem"])
    assert refused.is_valid(ask("sheets").json())


# --------------------------------------------------------------------------------------------- the file, the command


def test_the_file_holds_hashes_alone_and_a_damaged_one_lets_nobody_in(tmp_path: Path) -> None:
    book = TokenBook(tmp_path / "tokens.json")
    now = departments.datetime(2026, 11, 30, tzinfo=departments.UTC)
    row, secret = book.add("payroll", ["people:read", "sheets:read"], author="ada", now=now, departments=["Lab", "LAB"])
    stored = book.document.path.read_text()
    assert secret[16:] not in stored
    assert book.document.path.stat().st_mode & 0o077 == 0
    assert (row.scopes, row.departments) == (("sheets:read", "people:read"), ("LAB",))
    with pytest.raises(InputError, match="already exists"):
        book.add("Payroll", ["people:read"], author="ada", now=now)
    with pytest.raises(InputError, match="no scope 'all'"):
        book.add("all", ["all"], author="ada", now=now)
    with pytest.raises(InputError, match="there is no valid token 'bank'"):
        book.revoke("bank", now=now)
    for name, value in (("until", "soon"), ("departments", "Lab"), ("scopes", None), ("hash", "é"), ("revoked_at", 0)):
        (rows,) = json.loads(stored)
        book.document.path.write_text(json.dumps([{**rows, name: value}]))
        with pytest.raises(StorageError, match="damaged"):
            book.check(secret)


def test_tokens_are_made_listed_and_revoked_by_command(tmp_path: Path) -> None:
    place = ("--workspace", tmp_path)
    made = muster("token", "add", "payroll", "--scope", "sheets:read", "--department", "Lab", "--author", "ada", *place)
    assert made.code == 0
    secret = re.search(r"Bearer (muster_[0-9a-f]{8}_\S{43})", made.out)
    assert secret
    assert "Nobody is in the department Lab yet" in made.err
    (listed,) = json.loads(muster("token", "list", "--json", *place).out)
    assert (listed["name"], listed["scopes"], listed["departments"]) == ("payroll", ["sheets:read"], ["Lab"])
    assert "hash" not in listed
    assert secret[1] not in (tmp_path / "tokens.json").read_text()
    assert muster("token", "revoke", "payroll", "--author", "ada", *place).code == 0
    log = (tmp_path / "log" / "audit.csv").read_text()
    assert "add_token" in log
    assert "revoke_token" in log
    assert secret[1][16:] not in log
