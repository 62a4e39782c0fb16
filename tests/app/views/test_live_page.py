"""The live page's logic: who may look through what, and what it says when there is nothing to see."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from odd_cameras import free_port
from pages import bench_of, open_page, signed_in, texts
from waiting import until

from app.web import services, uploads
from app.web.access import NotAllowed
from engine.attendance import Sighting
from engine.face_reader import FaceReader
from engine.people import Person
from engine.types import Identity, TrackState

HOSTILE = "<img src=x onerror=alert(1)> ![](http://example.invalid/x) :smile: $x$"


def camera(workspace: Path, source: str = "/nowhere/door.mp4") -> None:
    workspace.mkdir(exist_ok=True)
    (workspace / "muster.toml").write_text(f'[cameras.entrance]\nsource = "{source}"\n')


def punch(workspace: Path, monkeypatch: pytest.MonkeyPatch, employee_id: str, name: str) -> None:
    bench = bench_of(workspace, monkeypatch)
    bench.people.put(Person(employee_id, name))
    identity = Identity(TrackState.KNOWN, employee_id, 3, 3, 0.8, None, None, None, 0.45)
    now = bench.clock() - timedelta(seconds=5)
    bench.attendance.record(Sighting(employee_id, now, "entrance", "t1", identity, "model", 1), bench.people.known())


def test_a_viewer_of_a_workspace_without_cameras_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("live", tmp_path, monkeypatch, "viewer")
    assert not page.exception
    assert "No camera available" in texts(page)
    assert "Open alerts" not in texts(page)


def test_nobody_signed_in_sees_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("live", tmp_path, monkeypatch, None)
    assert "You are signed out" in texts(page)
    assert "Inside now" not in texts(page)


@pytest.mark.parametrize(("role", "own"), [("admin", True), ("hr", True), ("security", True), ("viewer", False)])
def test_only_those_who_may_record_are_offered_a_camera_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str, *, own: bool
) -> None:
    camera(tmp_path)
    page = open_page("live", tmp_path, monkeypatch, role, query={"camera": "entrance"})
    assert not page.exception
    offered = [option.content for option in page.get("button_group")[0].proto.options]
    assert offered == (["entrance", "This device's camera", "Single pictures"] if own else ["entrance"])


def test_several_cameras_are_offered_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "muster.toml").write_text(
        "".join(f'[cameras."door {number}"]\nsource = "/nowhere/door.mp4"\n' for number in range(11))
    )
    page = open_page("live", tmp_path, monkeypatch, "viewer", query={"grid": "9", "page": "2"})
    assert not page.exception
    drawn = json.loads(page.get("bidi_component")[0].proto.json)
    assert [each["name"] for each in drawn["cameras"]] == ["door 9", "door 10"]
    assert drawn["source"].endswith("/cameras?name=door%209&name=door%2010")
    assert drawn["columns"] == 3
    camera(tmp_path)
    services.take_over(tmp_path)  # with one camera there is nothing to choose
    page = open_page("live", tmp_path, monkeypatch, "viewer", query={"grid": "9"})
    assert not page.get("bidi_component")


@pytest.mark.parametrize(("role", "takes"), [("security", True), ("viewer", False)])
def test_a_single_picture_is_taken_from_those_who_may_use_a_camera_whatever_the_address_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str, *, takes: bool
) -> None:
    camera(tmp_path)
    page = open_page("live", tmp_path, monkeypatch, role, query={"camera": "still"})
    assert bool(page.get("camera_input")) == takes
    assert ("test session id" in uploads._expected) == takes  # AppTest calls all its sessions so
    uploads._expected.begin("test session id")
    uploads._expected.end("test session id")


def test_whoever_loses_the_right_is_shown_no_uploader_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera(tmp_path)
    signed_in(tmp_path, monkeypatch, "viewer")
    with pytest.raises(NotAllowed):
        uploads.expect("live.camera")


def test_arrivals_are_shown_as_text_whatever_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera(tmp_path)
    punch(tmp_path, monkeypatch, "E1", HOSTILE)
    page = open_page("live", tmp_path, monkeypatch, "viewer")
    assert "&lt;img src=x onerror=alert(1)&gt;" in texts(page)
    assert "<img src=x" not in texts(page)


def test_a_camera_that_cannot_be_read_is_told_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera(tmp_path)
    open_page("live", tmp_path, monkeypatch, "admin", query={"camera": "entrance"})
    found = services.cameras("main").get("entrance")
    assert found is not None
    with found.watched():
        thread = found._thread
        assert thread is not None
        thread.join(20)
    page = open_page("live", tmp_path, monkeypatch, "admin", query={"camera": "entrance"})
    assert "Muster cannot read the camera" in texts(page)
    assert "/nowhere/door.mp4" in texts(page)


def test_the_page_speaks_german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera(tmp_path)
    page = open_page("live", tmp_path, monkeypatch, "viewer", language="de")
    assert "Ankünfte heute" in texts(page)
    assert "Arrivals today" not in texts(page)


@pytest.mark.models
def test_a_camera_without_a_picture_is_told_with_its_cause_and_the_next_step_in_the_users_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: FaceReader
) -> None:
    camera(tmp_path, f"rtsp://user:se-cret-7@127.0.0.1:{free_port()}/s")
    open_page("live", tmp_path, monkeypatch, "admin", query={"camera": "entrance"}, language="de")
    found = services.cameras("main")["entrance"]
    found._bench.__dict__["reader"] = reader
    with found.watched():
        until(lambda: found.state == "lost")
        page = open_page("live", tmp_path, monkeypatch, "admin", query={"camera": "entrance"}, language="de")
    until(lambda: found._thread is None)
    system = open_page("system", tmp_path, monkeypatch, "admin", query={"part": "cameras"}, language="de")
    for told in (texts(page), texts(system)):
        assert "Das Gerät lehnt die Verbindung ab" in told
        assert "Prüfen Sie den Port" in told
        assert "se-cret-7" not in told
