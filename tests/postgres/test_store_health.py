"""A database that is away is told wherever somebody looks: health, figures, the check-up, the sign-in, the pages' frame."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kiosk_client import asking, kiosk_app, station_of, token_for
from pages import signed_in, texts
from paperwork import enrol, face
from postgres import Server
from sites import Place
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest
from waiting import until

from app.kiosk.station import Station
from app.ui import frame
from app.web import pictures, services, sign_in
from app.web.gate import Gate
from engine.attendance import PunchRow, Sighting
from engine.operations.doctor import Check, examine
from engine.types import Identity, TrackState
from engine.workbench import Workbench

MAIN = Path(__file__).parents[2] / "app" / "main.py"
GOOD = "correct horse battery"
FIGURES = {"muster_spool_rows", "muster_spool_bytes", "muster_spool_oldest_seconds"}


@pytest.fixture
def workspace(postgres: Server, tmp_path: Path) -> Iterator[Path]:
    """A site of a database, whose login has a password that nobody may see."""
    place = Place(postgres, tmp_path)
    found = place.workspace("w")
    settings = found / "muster.toml"
    settings.write_text(settings.read_text().replace("muster_owner@", "muster_owner:s3cret@"))
    yield found
    place.close()


class Away:
    """The server is killed while this lasts."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def __enter__(self) -> None:
        self._server.kill()

    def __exit__(self, *_error: object) -> None:
        self._server.start()


def came(bench: Workbench, track: str, who: str = "E1") -> PunchRow:
    identity = Identity(TrackState.KNOWN, who, 4, 5, 0.9, None, None, None, 0.5)
    row = bench.attendance.record(
        Sighting(who, bench.clock() - timedelta(seconds=1), "entrance", track, identity, "model", 1), {}
    )
    assert row is not None
    return row


def figures(text: str) -> dict[str, float]:
    """Name → value of what begins with `muster_`."""
    rows = [line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("muster_")]
    return {name.partition("{")[0]: float(value) for name, value in rows}


def waiting(station: Station) -> int:
    assert station.backlog is not None
    return station.backlog.rows


def greeted(station: Station) -> list[str]:
    return [each.data["first_name"] for each in station.hub.after(0, 0) if each.kind == "greeting"]


def test_a_kiosk_goes_on_greeting_and_tells_what_waits(postgres: Server, workspace: Path) -> None:
    app = kiosk_app(workspace)
    station, token = station_of(app), token_for(app)
    bench, client = station.bench, asking(app, token)
    enrol(bench, "E1", "Ann Lee", face(1, 0))
    enrol(bench, "E2", "Ben Ray", face(0, 1))
    try:
        with station.running():
            station.greeter.row(came(bench, "t1"))
            until(lambda: greeted(station) == ["Ann"])
            assert client.get("/api/status").json["spool"] == {
                "rows": 0,
                "bytes": 0,
                "since": None,
                "oldest_s": 0.0,
                "problem": "",
                "refused": 0,
            }
            assert {name: figures(client.get("/metrics").text)[name] for name in FIGURES} == dict.fromkeys(FIGURES, 0.0)
            with Away(postgres):
                station.greeter.row(came(bench, "t2", "E2"))
                until(lambda: waiting(station) >= 1)
                until(lambda: greeted(station) == ["Ann", "Ben"])
                spool = client.get("/api/status").json["spool"]
                assert spool["rows"] >= 1, "the camera that is not there may be told of, too"
                assert spool["bytes"] > 100
                assert datetime.now(UTC) - datetime.fromisoformat(spool["since"]) < timedelta(minutes=1)
                assert 0 <= spool["oldest_s"] < 60
                assert "s3cret" not in json.dumps(spool)
                found = figures(client.get("/metrics").text)
                assert found["muster_spool_rows"] >= spool["rows"]
                assert found["muster_spool_bytes"] >= spool["bytes"]
                assert found["muster_spool_oldest_seconds"] > 0
                assert not any("database" in fault for fault in client.get("/readyz").json["faults"]), "it records"
            until(lambda: waiting(station) == 0)
            assert client.get("/api/status").json["spool"]["since"] is None
        log = bench.attendance.log
        assert [row.employee_id for row in log.on(log.days())] == ["E1", "E2"]
    finally:
        bench.store.close()


def test_where_rows_go_to_files_no_spool_is_spoken_of(tmp_path: Path) -> None:
    app = kiosk_app(tmp_path)
    client = asking(app, token_for(app))
    assert client.get("/api/status").json["spool"] is None
    assert not FIGURES & figures(client.get("/metrics").text).keys()
    assert not {"database", "rows waiting for the database"} & checks(tmp_path).keys()


def checks(workspace: Path) -> dict[str, Check]:
    return {check.what: check for check in examine(workspace, thorough=False)}


def test_the_check_up_knows_whether_the_database_answers(postgres: Server, workspace: Path) -> None:
    found = checks(workspace)["database"]
    assert found.ok
    assert "muster_owner:***@127.0.0.1" in found.found
    assert "site main" in found.found
    with Away(postgres):
        bench = Workbench(workspace, clock=lambda: datetime.now(UTC) - timedelta(hours=2))
        came(bench, "t1")
        bench.store.close()
        found = checks(workspace)
        assert not found["database"].ok
        assert found["database"].hint == "check the network and the server"
        waits = found["rows waiting for the database"]
        assert not waits.ok
        assert waits.found.startswith("1 since ")
        assert "s3cret" not in "".join(check.line for check in found.values())


def test_pages_say_that_rows_wait_once_they_have_waited_for_a_minute(
    postgres: Server, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in(workspace, monkeypatch, "viewer")
    bench = services.home()
    enrol(bench, "E1", "Ann Lee", face(1, 0))

    def seen() -> str:
        page = AppTest.from_file(str(MAIN), default_timeout=60)
        page.query_params["camera"] = "still"
        page.run()
        assert not page.exception
        return texts(page)

    try:
        assert "Rows wait" not in seen()
        with Away(postgres):
            came(bench, "t1")
            assert "Rows wait" not in seen(), "a restart is no news"
            monkeypatch.setattr(frame, "_PATIENCE", timedelta(0))
            assert "Rows waiting for the database: 1" in seen()
    finally:
        bench.store.close()


def test_who_is_not_signed_in_is_not_told_where_the_accounts_are(
    postgres: Server, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_WORKSPACE", str(workspace))
    Workbench(workspace).accounts.add("ada", "admin", GOOD)
    routes = [*sign_in.routes, *pictures.routes]
    client = TestClient(
        Starlette(routes=routes, middleware=[Middleware(Gate)]),
        base_url="http://127.0.0.1:8501",
        follow_redirects=False,
    )
    form, headers = {"name": "ada", "password": GOOD}, {"origin": "http://127.0.0.1:8501"}
    try:
        with Away(postgres):  # this process has not read an account yet
            for answer in (
                client.get("/sign-in"),
                client.post("/sign-in", data=form, headers=headers),
                client.get("/portrait?id=E1", headers={"cookie": "muster_session=x"}),
            ):
                assert answer.status_code in {401, 503}
                assert not {"postgresql", "127.0.0.1", "s3cret", "site main"} & set(
                    answer.text.replace("/", " ").split()
                )
                assert "muster_owner" not in answer.text
            assert "cannot read the accounts right now" in client.get("/sign-in").text
        until(lambda: client.post("/sign-in", data=form, headers=headers).status_code == 303)  # not asked again at once
        with Away(postgres):
            answer = client.post("/sign-in", data=form, headers=headers)  # tries are counted, and cannot be
            assert answer.status_code == 503
            assert "cannot read the accounts right now" in answer.text
            assert client.get("/portrait?id=E1").status_code in {200, 503}, "who is signed in stays so"
    finally:
        services.home().store.close()
