"""The doors of the settings page: the last day, what if, the door log, and a test pulse that is confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from broker import Listener, running
from fakes import sighting
from pages import bench_of, open_page, texts
from streamlit.testing.v1 import AppTest

from app.web import viewer
from engine.access.doors import DoorRow
from engine.config import load_config
from engine.people import Person
from engine.storage import new_id
from engine.workbench import Workbench

SETTINGS = """
[mqtt]
host = "127.0.0.1"
port = {port}
tls = false

[cameras.entrance]
source = "rtsp://10.0.0.7/a"

[doors.main]
action = "dry_run"
cameras = ["entrance"]
people = ["E1"]
hours = ["00:00-24:00"]
topic = "relay/main"
pulse_s = 0.2
"""


@pytest.fixture(autouse=True)
def viewer_after() -> Iterator[None]:
    """The language is this thread's."""
    before = viewer.current.get()
    yield
    viewer.current.set(before)


def place(folder: Path, monkeypatch: pytest.MonkeyPatch, port: int = 1) -> Workbench:
    (folder / "muster.toml").write_text(SETTINGS.format(port=port))
    bench = bench_of(folder, monkeypatch)
    for key in ("E1", "E2"):
        bench.people.put(Person(key, f"Somebody {key}"))
    return bench


def opened(bench: Workbench, monkeypatch: pytest.MonkeyPatch, language: str = "en") -> AppTest:
    viewer.current.set(viewer.Viewer(language, "light", ""))
    query = {"part": "cameras", "entry": "doors:=main"}
    page = open_page("settings", bench.workspace, monkeypatch, "admin", language=language, query=query)
    assert not page.exception
    return page


def test_a_door_shows_its_last_day_what_if_and_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = place(tmp_path, monkeypatch)
    now = bench.records.now()
    for who, track in (("E1", "run-1"), ("E2", "run-2")):
        seen = replace(sighting(who, now, track=track), camera="entrance")
        bench.attendance.record(seen, bench.people.known())
    bench.door_book.note([DoorRow(new_id(now), now, "main", "entrance", "E1", "refused", ("liveness", "not_alone"))])
    shown = texts(opened(bench, monkeypatch))
    assert "Stayed closed" in shown
    assert "not proven to be a living person, somebody else is at the door" in shown
    assert "1 passage of somebody who was not chosen." in shown
    page = opened(bench, monkeypatch)
    (person,) = (each for each in page.selectbox if each.label == "Person")
    person.select("E2").run()
    assert [each.value for each in page.warning] == ["It stays closed: the person was not chosen."]


def test_a_test_pulse_asks_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w").mkdir()
    with running(tmp_path / "broker") as broker:
        bench = place(tmp_path / "w", monkeypatch, broker.port)
        listener = Listener(broker.port)
        page = opened(bench, monkeypatch)
        next(each for each in page.button if each.label == "Test pulse").click()
        page.run()
        assert not page.exception
        assert listener.rest(0.3) == []
        next(each for each in page.button if each.label == "Open the door").click()
        page.run()
        assert not page.exception
        assert page.session_state["settings-door-told"] == ""
        assert [each[1] for each in listener.rest()] == [b"ON", b"OFF"]
        listener.close()
    assert [row.action for row in bench.audit.read()][-1] == "test_door"
    assert load_config(bench.workspace).doors["main"].action == "dry_run"


def test_it_speaks_german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = place(tmp_path, monkeypatch)
    now = bench.records.now()
    bench.door_book.note([DoorRow(new_id(now), now, "main", "entrance", "E1", "refused", ("liveness",))])
    shown = texts(opened(bench, monkeypatch, "de"))
    assert "nicht als lebende Person nachgewiesen" in shown
    assert "Testimpuls" in shown


def test_a_new_door_has_nothing_to_show_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = place(tmp_path, monkeypatch)
    query = {"part": "cameras", "entry": "doors:new"}
    page = open_page("settings", bench.workspace, monkeypatch, "admin", query=query)
    assert not page.exception
    assert "Door log" not in texts(page)
