"""Who may ask the kiosk what: every route against every way of being refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask import Flask
from kiosk_client import asking, kiosk_app, station_of, token_for
from outgoing import Clock
from waiting import until
from werkzeug.routing import Rule

from app.kiosk import create_app
from app.kiosk.operations import description
from engine.access import SCREEN_SCOPES
from engine.access.devices import SCOPES
from engine.errors import ConfigError
from engine.workbench import Workbench

OPEN = {"/healthz"}
PAGE = {"Accept": "text/html"}


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return kiosk_app(tmp_path, hosts=["door.example.com"])


def _routes(app: Flask) -> list[tuple[str, str, str]]:
    """Method, an address, and the rule of everything that can be asked."""
    return [
        (method, _address(rule), str(rule))
        for rule in app.url_map.iter_rules()
        for method in sorted(rule.methods or ())
    ]


def _address(rule: Rule) -> str:
    return str(rule).replace("<path:filename>", "kiosk.js")


def _scope(path: str, method: str) -> str | None:
    """What the description says that a device must have; None: nothing."""
    spec = description()["paths"][path.replace("<path:filename>", "{filename}")]
    operations = {name.upper(): operation for name, operation in spec.items()}
    found: str | None = (operations.get(method) or next(iter(operations.values()))).get("x-scope")
    return found


def test_every_route_refuses_who_has_no_token_a_revoked_one_or_asks_under_a_wrong_name(app: Flask) -> None:
    good = token_for(app)
    revoked = token_for(app, name="gone")
    station_of(app).bench.kiosk.revoke("gone", author="tests")
    tried = 0
    for method, address, rule in _routes(app):
        for token in (
            "",
            revoked,
            "muster_x_y",
            good[:-1],
            good + "x",
            "Bearer",
            "\N{SNOWMAN}".encode().decode("latin-1"),
        ):
            answer = asking(app, token).open(address, method=method)
            expected = {200} if rule in OPEN else {401}
            assert answer.status_code in expected, (method, address, token)
            if rule not in OPEN:
                assert answer.headers["WWW-Authenticate"] == "Bearer"
            answer.close()
            tried += 1
        for host in ("evil.example.com", "door.example.com.evil.net", "", "127.0.0.1.nip.io", "[::1"):
            answer = asking(app, good, host).open(address, method=method)
            assert answer.status_code in {400, 421}, (method, address, host)
    assert tried > 100


def test_every_route_asks_for_the_scope_that_its_description_names_and_for_no_other(app: Flask) -> None:
    tokens = {scope: token_for(app, scope, name=scope) for scope in SCOPES}
    for method, address, rule in _routes(app):
        needed = _scope(rule, method)
        for scope, token in tokens.items():
            if needed in {None, scope} and address in {"/stream.mjpg", "/events"}:
                continue  # they do not end by themselves
            answer = asking(app, token).open(address, method=method)
            assert (answer.status_code == 403) == (needed not in {None, scope}), (method, address, scope)
            answer.close()


def test_unknown_addresses_and_methods_say_nothing_without_a_token(app: Flask) -> None:
    for method, address in (
        ("GET", "/nothing"),
        ("GET", "/api"),
        ("DELETE", "/api/status"),
        ("POST", "/"),
        ("GET", "/static/../api.py"),
    ):
        assert asking(app).open(address, method=method).status_code == 401
    token = token_for(app)
    assert asking(app, token).get("/nothing").status_code == 404
    assert asking(app, token).delete("/api/status").status_code == 405
    assert asking(app, token).get("/static/../application.py").status_code == 404
    assert asking(app, token).get("/static/%2e%2e/application.py").status_code == 404


def test_the_description_names_every_route_and_no_other(app: Flask) -> None:
    routes = {
        (method, rule.replace("<path:filename>", "{filename}"))
        for method, _, rule in _routes(app)
        if method not in {"HEAD", "OPTIONS"}
    }
    described = {(method.upper(), path) for path, spec in description()["paths"].items() for method in spec}
    assert described == routes
    named = {
        operation["x-scope"]
        for spec in description()["paths"].values()
        for operation in spec.values()
        if "x-scope" in operation
    }
    assert named == set(SCOPES)


def code_for(app: Flask, *scopes: str, name: str = "tests") -> str:
    """A code that pairs a screen."""
    return station_of(app).bench.kiosk.invite(name, scopes or SCREEN_SCOPES, author="tests", replace=True)[1]


def test_a_code_pairs_one_browser_once_with_a_token_that_scripts_cannot_read(app: Flask) -> None:
    code, client = code_for(app, "screen", "status"), asking(app)
    assert client.head(f"/?pair={code}").status_code == 401  # what looks at a link does not use it up
    answer = client.get(f"/?pair={code}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert code not in cookie
    parts = {part.strip() for part in cookie.split(";")}
    assert {"HttpOnly", "SameSite=Lax", f"Max-Age={90 * 86400}"} <= parts
    assert "Secure" not in parts
    token = cookie.partition("=")[2].partition(";")[0]
    assert client.get("/api/status").status_code == 200
    assert client.get("/api/today").status_code == 403
    for again in (client, asking(app)):
        answer = again.get(f"/?pair={code}", headers=PAGE)
        assert answer.status_code == 401
        assert "Set-Cookie" not in answer.headers
        assert "was used or is over" in answer.text
    assert asking(app).get(f"/?pair={token}").status_code == 401  # the token itself is no code
    assert client.get("/api/status").status_code == 200
    station_of(app).bench.kiosk.revoke("tests", author="tests")
    assert client.get("/api/status").status_code == 401


@pytest.fixture
def timed(tmp_path: Path) -> tuple[Flask, Clock]:
    clock = Clock()
    return create_app(Workbench(tmp_path, clock=clock), {"camera": "entrance", "source": "0"}), clock


def test_a_code_is_good_for_ten_minutes_and_as_it_is_typed(timed: tuple[Flask, Clock]) -> None:
    app, clock = timed
    code = code_for(app)
    clock.forward(601)
    assert asking(app).get(f"/?pair={code}").status_code == 401
    code = code_for(app)  # the name is free again
    clock.forward(-3600)  # a wrong clock does not make it last
    assert asking(app).get(f"/?pair={code}").status_code == 401
    clock.forward(3600 + 590)
    typed = f" {code.replace('-', '').lower().replace('0', 'o').replace('1', 'l')} "
    assert asking(app).get("/", query_string={"pair": typed}).status_code == 303
    assert asking(app).get("/?pair=").status_code == 401
    assert asking(app).get("/", query_string={"pair": "☃" * 99}).status_code == 401


def test_a_screen_stays_paired_as_long_as_it_is_used(timed: tuple[Flask, Clock]) -> None:
    app, clock = timed
    client = asking(app)
    client.get(f"/?pair={code_for(app)}")
    assert "Set-Cookie" not in client.get("/api/status").headers
    day = 86_400
    for _ in range(3):
        clock.forward(89 * day)
        assert f"Max-Age={90 * day}" in client.get("/api/status").headers["Set-Cookie"]
        assert "Set-Cookie" not in client.get("/api/status").headers
    clock.forward(91 * day)
    answer = client.get("/api/status")
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers
    clock.forward(-day)
    kept = asking(app, token_for(app, name="program"))  # a program's token has no such end
    clock.forward(1000 * day)
    assert kept.get("/api/status").status_code == 200


@pytest.mark.parametrize("told", [{"X-Forwarded-Proto": "https"}, {"Forwarded": "for=1.2.3.4;proto=https"}])
def test_behind_a_proxy_with_tls_the_cookie_is_secure_and_only_configured_ones_are_believed(
    app: Flask, told: dict[str, str]
) -> None:
    for peer, secure in (("127.0.0.1", True), ("::1", True), ("192.0.2.7", False)):
        answer = asking(app).get(f"/?pair={code_for(app)}", headers=told, environ_overrides={"REMOTE_ADDR": peer})
        assert answer.status_code == 303
        assert ("Secure" in answer.headers["Set-Cookie"]) == secure, peer


@pytest.mark.parametrize(("language", "title"), [("en", "not paired"), ("de", "nicht gekoppelt")])
def test_a_screen_that_is_not_paired_asks_for_a_code(app: Flask, language: str, title: str) -> None:
    answer = asking(app).get("/", headers={**PAGE, "Accept-Language": language})
    assert answer.status_code == 401
    assert f'lang="{language}"' in answer.text
    assert title in answer.text
    assert "muster kiosk pair" in answer.text
    assert 'name="pair"' in answer.text
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_pages_of_others_cannot_use_a_screens_cookie_to_send_something(app: Flask) -> None:
    client = asking(app)
    client.get(f"/?pair={code_for(app, 'screen', 'pin')}")
    body = {"employee_id": "E1", "pin": "482913"}
    foreign = ("http://evil.example.com", "null", "http://127.0.0.1:8501", "https://127.0.0.1:8502", "http://127.0.0.1")
    for headers in ({"Origin": each} for each in foreign):
        assert client.post("/api/pin", json=body, headers=headers).status_code == 403, headers
    assert client.post("/api/pin", json=body).status_code == 403  # every browser names the page's origin
    answer = client.post("/api/pin", json=body, headers={"Origin": "http://127.0.0.1:8502"})
    assert answer.json["error"]["code"] == "wrong_pin"


def test_names_of_the_settings_and_plain_addresses_are_answered(app: Flask) -> None:
    for host in ("door.example.com", "DOOR.example.com:8502", "localhost", "192.168.1.7:8502", "[::1]:8502"):
        assert asking(app, host=host).get("/healthz").status_code == 200


def test_every_answer_tells_browsers_to_load_nothing_from_elsewhere(app: Flask) -> None:
    token = token_for(app)
    for path in ("/healthz", "/api/status", "/nothing", "/openapi.json", "/static/kiosk.js"):
        headers = asking(app, token).get(path).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert all("unsafe" not in sources and "*" not in sources for sources in policy.values())
        assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")


def test_health_says_nothing_but_that_it_answers(app: Flask) -> None:
    assert asking(app).get("/healthz").json == {"status": "ok"}


def test_errors_hold_no_trace(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    def breaks() -> str:
        raise RuntimeError("secret /path/of/the/machine")

    app.add_url_rule("/breaks", view_func=breaks)
    answer = asking(app, token_for(app)).get("/breaks")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert json.loads(answer.text)["error"]["code"] == "fault"
    assert "secret" in caplog.text


def test_a_setting_that_there_is_none_is_refused_and_so_is_a_choice_of_cameras(tmp_path: Path) -> None:
    for overrides in ({"fps": "many"}, {"colour": "red"}, {"language": "xx"}):
        with pytest.raises(ConfigError):
            kiosk_app(tmp_path, **overrides)
    (tmp_path / "muster.toml").write_text('[cameras.a]\nsource = "0"\n[cameras.b]\nsource = "1"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="a, b"):
        create_app(Workbench(tmp_path))
    assert create_app(Workbench(tmp_path), {"camera": "b", "TESTING": True}).testing


def test_a_kiosk_without_a_camera_answers_and_says_so(tmp_path: Path) -> None:
    app = create_app(Workbench(tmp_path))
    client = asking(app, token_for(app))
    assert client.get("/api/status").json["camera"]["state"] == "off"
    station = station_of(app)
    with station.camera.kept():
        until(lambda: station.camera.state not in {"off", "starting"})
        assert "has no source" in client.get("/api/status").json["camera"]["detail"]
        assert client.get("/readyz").json["faults"] == ["the camera is failed"]
