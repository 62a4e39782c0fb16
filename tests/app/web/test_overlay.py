"""What is drawn over the preview of a browser's camera: the newest only, for its page's user, for as long as they may."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from app.live.overlay import Overlay, find
from app.web import services, streams
from app.web.gate import Gate
from app.web.sessions import COOKIE
from engine.enrolment import GuideMark
from engine.errors import StorageError
from engine.imaging import PersonMark

ANN = PersonMark((0.25, 0.5, 0.5, 0.75), "Ann <b>", (0, 158, 115), (0, 0, 0), True, 1.0, 0.8, 0.5)


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A browser before the real route behind the real gate, in which hr has signed in."""
    monkeypatch.setenv("MUSTER_WORKSPACE", str(tmp_path))
    monkeypatch.setattr(streams, "_CHECK_S", 0.0)
    with TestClient(Starlette(routes=streams.routes, middleware=[Middleware(Gate)]), "http://127.0.0.1:8501") as found:
        as_user(found, "hr")
        yield found


def as_user(client: TestClient, name: str) -> None:
    if name not in services.home().accounts.all():
        services.home().accounts.add(name, "hr", email=f"{name}@example.com")
    client.cookies[COOKIE] = services.sessions().begin(services.home().accounts.all()[name])


def lasting(*answers: bool) -> Overlay:
    """The overlay of a page of hr, whose right is asked for so often."""
    left = iter(answers)
    return Overlay("hr", lambda: next(left))


def test_the_newest_drawing_is_sent_until_the_right_ends(client: TestClient) -> None:
    overlay = lasting(True, True, True, False)
    overlay.show([])
    overlay.show([ANN])
    answer = client.get("/overlay", params={"key": overlay.key})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    (line,) = answer.text.split("\n\n")[:-1]
    (person,) = json.loads(line.removeprefix("data: "))["people"]
    assert (person["text"], person["box"]) == ("Ann <b>", [0.25, 0.5, 0.5, 0.75])


def test_nobody_reads_what_another_ones_camera_sees(client: TestClient) -> None:
    overlay = lasting(True, False)
    overlay.show([ANN])
    as_user(client, "other")
    answer = client.get("/overlay", params={"key": overlay.key})
    assert (answer.status_code, answer.text) == (404, "camera not found")
    as_user(client, "hr")
    assert client.get("/overlay", params={"key": overlay.key[:-1]}).status_code == 404
    assert client.get("/overlay").status_code == 404
    assert "Ann" in client.get("/overlay", params={"key": overlay.key}).text


def test_without_the_right_nothing_is_sent(client: TestClient) -> None:
    def unknown() -> bool:
        raise StorageError("the accounts cannot be read")

    for overlay in (lasting(False), Overlay("hr", unknown)):
        overlay.show([ANN])
        answer = client.get("/overlay", params={"key": overlay.key})
        assert answer.status_code == 403
        assert "Ann" not in answer.text


def test_each_drawing_replaces_the_one_before() -> None:
    overlay = lasting()
    numbers, drawings = [], []
    for drawing in ([ANN], GuideMark("good", 0.5), None):
        overlay.show(drawing)
        numbers.append(overlay.newest[0])
        drawings.append(json.loads(overlay.newest[1]))
    assert numbers == [1, 2, 3]
    assert [list(each) for each in drawings] == [["people"], ["guide"], []]
    assert drawings[1]["guide"] == {"state": "good", "held": 0.5, "turn": ""}


def test_an_overlay_ends_with_its_page() -> None:
    overlay = lasting()
    key = overlay.key
    assert find(key, "hr") is overlay
    del overlay
    gc.collect()
    assert find(key, "hr") is None


def test_one_users_streams_leave_places_for_others_and_each_is_counted_off(client: TestClient) -> None:
    overlay = lasting(True, False, True, False, True, True)
    overlay.show([ANN])
    assert client.get("/overlay", params={"key": overlay.key}).status_code == 200
    taken = [streams._drawing.enter("hr") for _ in range(20)]
    try:
        assert taken == [True] * 8 + [False] * 12  # the one above has ended
        answer = client.get("/overlay", params={"key": overlay.key})
        assert (answer.status_code, answer.text.partition(":")[0]) == (503, "you have too many of these open")
        assert streams._drawing.enter("security")
        streams._drawing.leave("security")
    finally:
        for _ in range(8):
            streams._drawing.leave("hr")
