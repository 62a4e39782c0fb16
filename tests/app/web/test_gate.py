"""Signing in, and that nothing of the workbench is served without it: the real routes behind the real gate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyotp
import pytest
from httpx2 import Response
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit.proto.BackMsg_pb2 import BackMsg

from app.web import films, pictures, services, sign_in, streams
from app.web.activity import Activity, by_hand
from app.web.gate import Gate
from app.web.sessions import COOKIE, Browsers, Key
from engine.access import Visitor, offer_setup
from engine.imaging import encoded, with_boxes, write_jpeg
from engine.incidents import film_of
from engine.people import Person
from engine.types import Event, EventKind

GOOD = "correct horse battery"
HTML = {"accept": "text/html"}
OWN = {"origin": "http://127.0.0.1:8501"}
SOCKET = "ws://127.0.0.1:8501/_stcore/stream"


async def _behind(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"behind {request.url.path}")


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    async for _ in socket.iter_bytes():
        await socket.send_text("heard")


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A browser that has not signed in, before a workspace with an administrator."""
    monkeypatch.setenv("MUSTER_WORKSPACE", str(tmp_path))
    services.home().accounts.add("ada", "admin", GOOD)
    return TestClient(_served(), base_url="http://127.0.0.1:8501", follow_redirects=False)


def _served() -> Starlette:
    assets = Path(sign_in.__file__).parent / "static"
    return Starlette(
        routes=[
            *sign_in.routes,
            *pictures.routes,
            *films.routes,
            *streams.routes,
            Mount("/assets", StaticFiles(directory=assets)),
            WebSocketRoute("/_stcore/stream", _socket),
            Route("/{path:path}", _behind, methods=["GET", "POST", "PUT"]),
        ],
        middleware=[Middleware(Gate, hosts=["muster.example.com"], proxies=["10.0.0.0/24"]), Middleware(Activity)],
    )


def enter(client: TestClient, name: str = "ada", password: str = GOOD, **form: str) -> int:
    """The status of signing in."""
    answer = client.post("/sign-in", data={"name": name, "password": password, **form}, headers=OWN)
    return answer.status_code


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/attendance",
        "/media/abc.jpg",
        "/_stcore/host-config",
        "/picture/images/unknown/x.jpg",
        "/portrait?id=E1",
        "/camera?name=entrance",
        "/cameras?name=entrance&name=gate",
        "/overlay?key=abc",
        "/sign-inn",
        "/assets",
    ],
)
def test_without_a_session_nothing_is_served(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.text) == (401, "sign in first")
    assert client.put(path, headers=OWN).status_code == 401


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/agent/x"])
def test_nobody_is_answered_where_streamlit_tells_of_itself(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
    assert enter(client) == 303
    assert client.get(path).status_code == 404


def test_without_a_session_no_socket_is_opened(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect(SOCKET, headers=OWN):
        pass
    assert refused.value.code == 4401


def test_a_browser_is_led_to_the_sign_in_page_and_back(client: TestClient) -> None:
    answer = client.get("/attendance?day=2026-11-23", headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fattendance%3Fday%3D2026-11-23")
    page = client.get(answer.headers["location"])
    assert 'name="next" value="/attendance?day=2026-11-23"' in page.text
    answer = client.post(
        "/sign-in",
        data={"name": "ada", "password": GOOD, "next": "/attendance?day=2026-11-23"},
        headers=OWN,
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/attendance?day=2026-11-23")
    assert client.get("/attendance").text == "behind /attendance"
    with client.websocket_connect(SOCKET, headers=OWN):
        pass


@pytest.mark.parametrize(
    "place", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/sign-in", "\nx"]
)
def test_signing_in_never_leads_elsewhere(client: TestClient, place: str) -> None:
    answer = client.post("/sign-in", data={"name": "ada", "password": GOOD, "next": place}, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: TestClient) -> None:
    answer = client.post("/sign-in", data={"name": "ada", "password": GOOD}, headers=OWN)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_a_form_of_another_site_is_refused(client: TestClient) -> None:
    for origin in ({"origin": "https://evil.example"}, {"origin": "null"}, {}):
        assert client.post("/sign-in", data={"name": "ada", "password": GOOD}, headers=origin).status_code == 403
    assert COOKIE not in client.cookies


def test_a_wrong_password_shows_the_page_again_with_the_name_escaped(client: TestClient) -> None:
    answer = client.post("/sign-in", data={"name": '"><img src=x>', "password": "nonsense"}, headers=OWN)
    assert answer.status_code == 400
    assert "<img src=x" not in answer.text
    assert "Name or password is wrong. Try again, or ask an administrator for help." in answer.text


def test_what_was_wrong_is_said_in_the_language_of_the_browser(client: TestClient) -> None:
    german = {**OWN, "accept-language": "de-DE,de;q=0.9"}
    answer = client.post("/sign-in", data={"name": "ada", "password": "nonsense"}, headers=german)
    assert "Name oder Passwort ist falsch. Versuchen Sie es noch einmal" in answer.text
    for _ in range(8):
        answer = client.post("/sign-in", data={"name": "ada", "password": "nonsense"}, headers=german)
    assert answer.status_code == 429
    assert "Zu viele falsche Passwörter. Versuchen Sie es in" in answer.text


def test_signing_out_ends_the_session_even_for_who_kept_the_cookie(client: TestClient) -> None:
    assert enter(client) == 303
    kept = client.cookies[COOKIE]
    assert sign_out(client).headers["location"] == "/sign-in"
    assert client.get("/attendance").status_code == 401
    client.cookies[COOKIE] = kept
    assert client.get("/attendance").status_code == 401
    services._sessions.cache_clear()  # as after a restart
    assert client.get("/attendance").status_code == 401
    assert [row.action for row in services.home().audit.read()][-2:] == ["sign_in", "sign_out"]


def sign_out(client: TestClient, origin: str = OWN["origin"]) -> Response:
    """The answer to a press on the button."""
    return client.post("/sign-out", headers={"origin": origin} if origin else {})


def test_after_five_wrong_passwords_a_stranger_waits_and_a_known_browser_does_not(client: TestClient) -> None:
    assert enter(client) == 303
    sign_out(client)
    stranger = TestClient(_served(), base_url="http://127.0.0.1:8501", follow_redirects=False)
    assert [enter(stranger, password="nonsense") for _ in range(7)] == [400] * 5 + [429] * 2
    answer = stranger.post("/sign-in", data={"name": "ada", "password": GOOD}, headers=OWN)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert enter(client) == 303, "though both come from one address"
    told = [(row.action, row.author, row.subject) for row in services.home().audit.read()]
    failed = ("sign_in_failed", "muster app", "ada")
    assert told == [("sign_in", "ada", ""), ("sign_out", "ada", ""), *[failed] * 4, ("sign_in", "ada", "")]


def test_the_audit_trail_keeps_no_name_that_nobody_has(client: TestClient) -> None:
    assert enter(client, "my own password") == 400
    (row,) = services.home().audit.read()
    assert (row.action, row.subject) == ("sign_in_failed", "")
    assert "my own" not in row.detail


def test_a_cookie_made_by_others_is_no_known_browser(client: TestClient) -> None:
    ada = services.home().accounts.all()["ada"]
    forged = Browsers(Key(services.workspace() / "other.key")).after(Visitor("x"), ada)
    assert not services.browsers().visitor(forged, "x").knows(ada.id)
    assert services.browsers().visitor(services.browsers().after(Visitor("x"), ada), "x").knows(ada.id)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_no_other_site_signs_people_out(client: TestClient, origin: str) -> None:
    enter(client)
    assert sign_out(client, origin).status_code == 403
    page = client.get("/sign-out")
    assert 'method="post" action="/sign-out"' in page.text, "a link leads to a button"
    assert client.get("/attendance").status_code == 200


def test_the_cookie_of_a_removed_account_does_not_open_its_namesakes(client: TestClient) -> None:
    accounts = services.home().accounts
    accounts.add("bob", "viewer", GOOD)
    assert enter(client, "bob") == 303
    assert client.get("/attendance").status_code == 200
    accounts.remove("bob")
    accounts.add("bob", "admin", GOOD)
    assert client.get("/attendance").status_code == 401


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"password": "another good one"}, {"active": False}])
def test_a_change_of_the_account_ends_its_sessions(client: TestClient, change: dict[str, str | bool]) -> None:
    accounts = services.home().accounts
    accounts.add("bob", "hr", GOOD)
    assert enter(client, "bob") == 303
    assert client.get("/x").status_code == 200
    accounts.change("bob", **change)
    assert client.get("/x").status_code == 401


def test_made_up_tokens_are_worth_nothing(client: TestClient) -> None:
    ada, own = services.home().accounts.all()["ada"], services.sessions()
    good = own.begin(ada)
    for token in (own.begin(ada, "second"), own.key_of(good), good[:-1], "x", "", "a.b.c", '["ada",0,"x"]'):
        client.cookies[COOKIE] = token
        assert client.get("/x").status_code == 401, token
    client.cookies[COOKIE] = good
    assert client.get("/x").status_code == 200


def test_only_what_people_do_keeps_a_session_from_ending() -> None:
    def message(*, automatic: bool) -> bytes:
        run = BackMsg()
        run.rerun_script.query_string = "camera=entrance"
        run.rerun_script.is_auto_rerun = automatic
        return run.SerializeToString()

    assert by_hand(message(automatic=False))
    assert not by_hand(message(automatic=True))
    assert not by_hand(BackMsg(app_heartbeat=BackMsg().app_heartbeat).SerializeToString())
    assert not by_hand(b"\xff\xff\xff")


def test_a_click_on_a_page_is_noted(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert enter(client) == 303
    token, sessions = client.cookies[COOKIE], services.sessions()
    began = sessions.all()[sessions.key_of(token)].seen_s
    monkeypatch.setattr(sessions, "_clock", lambda: began + 300)
    run = BackMsg()
    run.rerun_script.query_string = "x"
    with client.websocket_connect(SOCKET, headers=OWN) as socket:
        socket.send_bytes(run.SerializeToString())
        assert socket.receive_text() == "heard"
    assert sessions.all()[sessions.key_of(token)].seen_s == began + 300
    monkeypatch.setattr(sessions, "_clock", lambda: began + 300 + 3601)
    assert client.get("/x").status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[", "localhost.evil.example:8501"])
def test_other_host_names_are_refused_even_with_a_session(client: TestClient, host: str) -> None:
    assert enter(client) == 303
    assert client.get("/x", headers={"host": host, "cookie": f"{COOKIE}={client.cookies[COOKIE]}"}).status_code == 421


@pytest.mark.parametrize(
    "host",
    ["localhost:8501", "127.0.0.1:8501", "[::1]:8501", "192.168.1.7", "muster.example.com", "MUSTER.example.com:443"],
)
def test_own_names_and_plain_addresses_are_served(client: TestClient, host: str) -> None:
    assert client.get("/sign-in", headers={"host": host}).status_code == 200


def test_every_answer_forbids_what_pages_do_not_need(client: TestClient) -> None:
    for path in ("/sign-in", "/x", "/assets/sign_in.css"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_only_who_has_the_set_up_code_creates_the_administrator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tmp_path / "new"
    workspace.mkdir()
    monkeypatch.setenv("MUSTER_WORKSPACE", str(workspace))
    client = TestClient(_served(), base_url="http://127.0.0.1:8501", follow_redirects=False)
    assert "Set-up code" in client.get("/sign-in").text
    assert enter(client, again=GOOD) == 400, "none was printed"
    old, code = offer_setup(workspace), offer_setup(workspace)
    assert code not in (workspace / "setup.code").read_text()
    page = client.get(f"/sign-in?setup={code}").text
    assert "Create the administrator" in page
    assert f'type="hidden" name="setup" value="{code}"' in page
    for wrong in ("", "x", old, code[:-1]):
        assert enter(client, again=GOOD, setup=wrong) == 400
    assert enter(client, again="something else", setup=code) == 400
    assert enter(client, password="1234567890", again="1234567890", setup=code) == 400
    assert services.home().accounts.all() == {}
    assert enter(client, again=GOOD, setup=code) == 303
    assert services.home().accounts.all()["ada"].role == "admin"
    assert not (workspace / "setup.code").exists()
    other = TestClient(_served(), base_url="http://127.0.0.1:8501", follow_redirects=False)
    assert enter(other, "eve", GOOD, again=GOOD, setup=code) == 400


def _pending(text: str) -> str:
    return text.split('name="pending" value="')[1].split('"', maxsplit=1)[0]


def test_who_has_a_second_factor_enters_with_its_code_alone(client: TestClient) -> None:
    secret, accounts, now = pyotp.random_base32(), services.home().accounts, datetime.now(UTC)
    accounts.enrol("ada", secret, pyotp.TOTP(secret).at(now - timedelta(seconds=30)), now)
    page = client.post("/sign-in", data={"name": "ada", "password": GOOD, "next": "/attendance"}, headers=OWN)
    assert (page.status_code, COOKIE in client.cookies) == (200, False)
    form = {"pending": _pending(page.text), "next": "/attendance"}
    assert secret not in page.text
    client.cookies[COOKIE] = form["pending"]
    assert client.get("/x").status_code == 401, "half a sign-in is none"
    client.cookies.clear()
    assert client.post("/sign-in/code", data={**form, "code": "12345"}, headers=OWN).status_code == 400
    assert (
        client.post("/sign-in/code", data={"pending": "x", "code": "1"}, headers=OWN).headers["location"] == "/sign-in"
    )
    answer = client.post("/sign-in/code", data={**form, "code": pyotp.TOTP(secret).at(now)}, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/attendance")
    assert client.get("/x").status_code == 200
    again = client.post("/sign-in/code", data={**form, "code": pyotp.TOTP(secret).at(now)}, headers=OWN)
    assert again.headers["location"] == "/sign-in"


def test_a_role_that_needs_a_second_factor_sets_it_up_at_sign_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "strict").mkdir()
    (tmp_path / "strict" / "muster.toml").write_text('[app]\nsecond_factor = ["admin"]\n')
    monkeypatch.setenv("MUSTER_WORKSPACE", str(tmp_path / "strict"))
    accounts = services.home().accounts
    accounts.add("ada", "admin", GOOD)
    accounts.add("bob", "hr", GOOD)
    client = TestClient(_served(), base_url="http://127.0.0.1:8501", follow_redirects=False)
    assert enter(client, "bob") == 303, "this role need not have one"
    client.cookies.clear()
    page = client.post("/sign-in", data={"name": "ada", "password": GOOD}, headers=OWN)
    assert (page.status_code, COOKIE in client.cookies) == (200, False)
    assert "data:image/svg+xml" in page.text
    secret = page.text.split("<code>")[1].split("</code>")[0]
    form = {"pending": _pending(page.text)}
    assert client.post("/sign-in/code", data={**form, "code": "12345"}, headers=OWN).status_code == 400
    answer = client.post("/sign-in/code", data={**form, "code": pyotp.TOTP(secret).now()}, headers=OWN)
    assert answer.status_code == 200
    assert answer.text.count("<code>") == 8
    assert client.get("/x").status_code == 200
    assert accounts.all()["ada"].totp == secret


def test_the_sign_in_page_speaks_the_browsers_language(client: TestClient) -> None:
    assert ">Anmelden<" in client.get("/sign-in", headers={"accept-language": "de-DE,de;q=0.9"}).text
    assert ">Sign in<" in client.get("/sign-in", headers={"accept-language": "fr"}).text


# --------------------------------------------------------------------------------------------- pictures


def painted(path: Path) -> None:
    write_jpeg(path, np.full((300, 400, 3), 120, np.uint8))


@pytest.mark.parametrize(
    ("kind", "roles"),
    [
        ("enrolment", {"admin", "hr", "security"}),
        ("evidence", {"admin", "hr"}),
        ("unidentified", {"admin", "hr", "security"}),
        ("unknown", {"admin", "security"}),
        ("tailgating", {"admin", "security"}),
        ("presentation_attack", {"admin", "security"}),
        ("watch_list", {"admin", "security"}),
    ],
)
def test_a_picture_is_shown_to_those_whose_work_it_is(
    client: TestClient, tmp_path: Path, kind: str, roles: set[str]
) -> None:
    painted(tmp_path / "images" / kind / "x.jpg")
    seen = set()
    for role in ("admin", "hr", "security", "viewer"):
        if role != "admin":
            services.home().accounts.add(role, role, GOOD)
        enter(client, "ada" if role == "admin" else role)
        answer = client.get(f"/picture/images/{kind}/x.jpg?side=112")
        if answer.status_code == 200:
            seen.add(role)
            assert answer.headers["content-type"] == "image/jpeg"
        else:
            assert answer.status_code == 403
    assert seen == roles


@pytest.mark.parametrize(
    "path",
    [
        "accounts.json",
        "images/../accounts.json",
        "images/%2e%2e/accounts.json",
        "images/unknown/../../sessions.key",
        "/etc/passwd",
        "images/unknown/none.jpg",
        "images",
        "images/unknown/a%00b.jpg",
        f"images/unknown/{'a' * 300}.jpg",
    ],
)
def test_nothing_but_pictures_is_served(client: TestClient, tmp_path: Path, path: str) -> None:
    painted(tmp_path / "images" / "unknown" / "x.jpg")
    enter(client)
    answer = client.get(f"/picture/{path}")
    assert answer.status_code in {403, 404} or answer.text.startswith("behind")
    assert GOOD not in answer.text
    assert "argon2" not in answer.text


def test_a_picture_is_small_and_its_erasure_is_seen_at_once(client: TestClient, tmp_path: Path) -> None:
    path = tmp_path / "images" / "unknown" / "x.jpg"
    painted(path)
    enter(client)
    first = client.get("/picture/images/unknown/x.jpg?side=56")
    assert len(first.content) < 3000
    again = client.get("/picture/images/unknown/x.jpg?side=56", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    path.unlink()
    gone = client.get("/picture/images/unknown/x.jpg?side=56", headers={"if-none-match": first.headers["etag"]})
    assert gone.status_code == 404


def test_who_has_no_picture_is_shown_by_initials_that_cannot_run(client: TestClient) -> None:
    services.home().people.put(Person("E1", "<script>alert(1)</script> Øyvind"))
    enter(client)
    answer = client.get("/portrait?id=E1")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "<script" not in answer.text
    assert ">Ø<" in answer.text
    assert client.get("/portrait?id=nobody").status_code == 200


def test_who_looked_at_which_picture_is_in_the_audit_trail_once(client: TestClient, tmp_path: Path) -> None:
    painted(tmp_path / "images" / "evidence" / "x.jpg")
    services.home().accounts.add("bob", "hr", GOOD)
    services.home().accounts.add("eve", "viewer", GOOD)

    def looks(name: str) -> int:
        enter(client, name)
        for side in (112, 640, 112):
            status = client.get(f"/picture/images/evidence/x.jpg?side={side}").status_code
        client.get("/picture/images/evidence/none.jpg")
        return int(status)

    assert (looks("bob"), looks("eve"), looks("bob")) == (200, 403, 200)
    found = [(row.author, row.subject) for row in services.home().audit.read() if row.action == "view_picture"]
    assert found == [("bob", "evidence/x.jpg")] * 2, "once for each session, and of what was shown alone"


# --------------------------------------------------------------------------------------------- films


def filmed(workspace: Path) -> str:
    """The id of an incident with a film."""
    bench = services.home()
    event = Event(EventKind.UNKNOWN, datetime(2026, 11, 30, 9, tzinfo=UTC), "door", (1,), (), ("unknown-1",))
    row = bench.incidents.record(event, {"image": np.full((40, 40, 3), 90, np.uint8)})
    assert row is not None
    bench.incidents.keep_film(
        row, with_boxes(encoded((n / 5, np.full((64, 96, 3), 9 * n, np.uint8)) for n in range(9)), {"frames": []})
    )
    assert (workspace / film_of(row)).is_file()
    return row.incident_id


def test_a_film_is_shown_to_those_who_handle_alerts_and_seeing_it_is_noted(client: TestClient, tmp_path: Path) -> None:
    incident_id = filmed(tmp_path)
    assert client.get(f"/film/{incident_id}").status_code == 401
    seen = {}
    for role in ("admin", "hr", "security", "viewer"):
        if role != "admin":
            services.home().accounts.add(role, role, GOOD)
        enter(client, "ada" if role == "admin" else role)
        seen[role] = [client.get(f"/{what}/{incident_id}").status_code for what in ("film", "boxes")]
    assert seen == {"admin": [200, 200], "hr": [403, 403], "security": [200, 200], "viewer": [403, 403]}
    noted = [(row.author, row.action) for row in services.home().audit.read() if incident_id in row.subject]
    assert ("security", "view_picture") in noted


def test_a_browser_may_ask_for_parts_of_a_film(client: TestClient, tmp_path: Path) -> None:
    address = f"/film/{filmed(tmp_path)}"
    enter(client)
    whole = client.get(address)
    assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
    part = client.get(address, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    assert client.get(address, headers={"range": "bytes=10-"}).content == whole.content[10:]
    assert client.get(address, headers={"range": f"bytes={len(whole.content)}-"}).status_code == 416
    assert client.get(address, headers={"range": "pages=1"}).status_code == 200


@pytest.mark.parametrize("incident_id", ["none", "20260101T000000-00000000", "%00"])
def test_there_is_no_film_of_what_is_no_incident(client: TestClient, tmp_path: Path, incident_id: str) -> None:
    filmed(tmp_path)
    enter(client)
    assert client.get(f"/film/{incident_id}").status_code == 404


def test_a_film_that_was_replaced_outside_of_muster_is_not_shown(client: TestClient, tmp_path: Path) -> None:
    incident_id = filmed(tmp_path)
    enter(client)
    path = tmp_path / film_of(services.home().incidents.find(incident_id))
    services.home().records.vault.erase(path)  # on purpose: gone
    assert client.get(f"/film/{incident_id}").status_code == 404
    path.write_bytes(encoded([(0.0, np.zeros((64, 64, 3), np.uint8))]))
    assert client.get(f"/film/{incident_id}").status_code == 409
