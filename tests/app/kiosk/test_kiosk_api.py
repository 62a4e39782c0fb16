"""What programs get from the kiosk: figures, arrivals, people in pictures, PINs; and that nothing they send breaks it."""

from __future__ import annotations

import contextlib
import io
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from kiosk_client import Program, asking, kiosk_app, station_of, token_for
from PIL import Image
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.kiosk import api
from app.kiosk.operations import description
from engine.imaging import encode_jpeg, list_images, read_image
from engine.people import Person

ENDLESS = ["/stream.mjpg", "/events"]
HELD = [status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
"""What answers are held against the description for."""
PIN = "482913"
EXAMPLES = settings().max_examples // 5
"""Of each kind for each operation: 20, and 200 with `--hypothesis-profile=search`."""


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return kiosk_app(tmp_path)


def _with_pin(app: Flask, employee_id: str = "E1", name: str = "Ada Lovelace") -> None:
    bench = station_of(app).bench
    bench.people.put(Person(employee_id, name))
    bench.kiosk.give_pin(employee_id, PIN, author="tests")


# ----------------------------------------------------------------------------------------- fuzzed from its own description


OPERATIONS = [
    (method.upper(), path) for path, spec in description()["paths"].items() for method in spec if path not in ENDLESS
]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """A kiosk that is asked for many things."""
    app = kiosk_app(tmp_path_factory.mktemp("fuzzed"))
    _with_pin(app)
    return app


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_nothing_that_its_description_allows_or_almost_allows_makes_it_fail(
    fuzzed: Flask, method: str, path: str
) -> None:
    headers = {"Authorization": f"Bearer {token_for(fuzzed)}", "Host": "127.0.0.1"}
    operation = schemathesis.openapi.from_wsgi("/openapi.json", fuzzed, headers=headers)[path][method]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)

    for mode in modes:

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy(generation_mode=mode))
        def answers(case: Case) -> None:
            answer = case.call(headers=headers)
            case.validate_response(answer, checks=HELD)
            assert answer.status_code != 500

        with contextlib.suppress(Unsatisfiable):  # nothing can be wrong where nothing is sent
            answers()


# ----------------------------------------------------------------------------------------- pictures


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "image/jpeg", 422),
        (b"no picture", "image/jpeg", 422),
        (b"\xff\xd8\xff\xe0" + b"\0" * 100, "image/jpeg", 422),
        (b"{}", "application/json", 415),
        (b"x" * 8_000_001, "image/png", 413),
    ],
)
def test_what_is_no_picture_is_refused_with_one_line(app: Flask, content: bytes, kind: str, status: int) -> None:
    answer = asking(app, token_for(app, "recognise")).post("/api/recognitions", data=content, content_type=kind)
    assert answer.status_code == status
    assert "\n" not in answer.json["error"]["message"]


@pytest.mark.models
def test_people_in_a_picture_are_named_wherever_they_stand_and_strangers_are_not(app: Flask, samples: Path) -> None:
    bench = station_of(app).bench
    bench.registrar.enrol_photos("E1", "Ben Afflek", list_images(samples / "train" / "ben_afflek")[:5])
    photo = read_image(samples / "val" / "ben_afflek" / "03.jpg")
    stranger = read_image(samples / "val" / "madonna" / "01.jpg")
    height = min(len(photo), len(stranger))
    both = np.hstack([photo[:height], stranger[:height]])
    large = np.asarray(Image.fromarray(both).resize((both.shape[1] * 4, height * 4)))
    client = asking(app, token_for(app, "recognise"))
    for image in (both, large):
        answer = client.post("/api/recognitions", data=encode_jpeg(image), content_type="image/jpeg").json
        assert (answer["width"], answer["height"]) == (image.shape[1], image.shape[0])
        left, right = sorted(answer["faces"], key=lambda face: face["box"][0])
        assert (left["employee_id"], left["name"]) == ("E1", "Ben Afflek")
        assert (right["employee_id"], right["name"]) == (None, None)
        middle = photo.shape[1] * image.shape[1] / both.shape[1]
        assert left["box"][2] < middle + 40 * image.shape[1] / both.shape[1] < right["box"][2]
        assert left["similarity"] >= left["threshold"] > right["similarity"]
    form = {"image": (io.BytesIO(encode_jpeg(both)), "both.jpg")}
    assert len(client.post("/api/recognitions", data=form).json["faces"]) == 2
    blank = encode_jpeg(np.full((200, 300, 3), 128, np.uint8))
    assert client.post("/api/recognitions", data=blank, content_type="image/jpeg").json["faces"] == []
    assert not bench.attendance.log.days()  # nothing was recorded


# ----------------------------------------------------------------------------------------- PINs


def test_a_right_pin_is_recorded_as_such_and_greeted_once(app: Flask) -> None:
    _with_pin(app)
    client = asking(app, token_for(app, "pin"))
    greeting = client.post("/api/pin", json={"employee_id": " E1 ", "pin": PIN}).json["greeting"]
    assert (greeting["first_name"], greeting["status"], greeting["method"]) == ("Ada", "came", "pin")
    bench, day = station_of(app).bench, station_of(app).bench.attendance.day_of(station_of(app).bench.clock())
    (row,) = bench.attendance.log.read(day, day)
    assert (row.event, row.method, row.employee_id, row.camera) == ("punch", "pin", "E1", "entrance")
    told = [message.data["key"] for message in station_of(app).hub.after(0, 0) if message.kind == "greeting"]
    assert told == [greeting["key"]]
    again = client.post("/api/pin", json={"employee_id": "E1", "pin": PIN}).json["greeting"]
    assert (again["status"], again["time"]) == ("again", greeting["time"])


def test_a_wrong_pin_and_an_unknown_number_get_the_same_answer_and_nothing_is_recorded(app: Flask) -> None:
    _with_pin(app)
    client = asking(app, token_for(app, "pin"))
    answers = [
        client.post("/api/pin", json={"employee_id": who, "pin": pin})
        for who, pin in (("E1", "111112"), ("E9", PIN), ("../../x", PIN), ("E1\n", "999"))
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.text for answer in answers}) == 1
    assert not station_of(app).bench.attendance.log.days()


def test_guessing_is_slowed_down_per_person_and_per_kiosk(app: Flask) -> None:
    _with_pin(app)
    client = asking(app, token_for(app, "pin"))
    one = [client.post("/api/pin", json={"employee_id": "E1", "pin": "111112"}) for _ in range(6)]
    assert [answer.status_code for answer in one] == [403] * 5 + [429]
    assert one[-1].json["error"]["retry_after_s"] >= 1
    assert int(one[-1].headers["Retry-After"]) >= 1
    many = [client.post("/api/pin", json={"employee_id": f"X{number}", "pin": PIN}) for number in range(12)]
    assert many[0].status_code == 403
    assert many[-1].status_code == 429
    assert many[-1].json["error"]["retry_after_s"] > 1


def test_many_guesses_at_once_are_counted_like_those_in_a_row(app: Flask) -> None:
    token = token_for(app, "pin")

    def guess(number: int) -> int:
        body = {"employee_id": f"X{number}", "pin": PIN}
        return int(asking(app, token).post("/api/pin", json=body).status_code)

    asking(app, token)
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(guess, range(20)))
    assert found.count(403) <= 12
    assert set(found) == {403, 429}


def test_a_damaged_file_of_pins_does_not_take_the_screen_down(app: Flask) -> None:
    _with_pin(app)
    client = asking(app, token_for(app))
    assert '"pin": true' in client.get("/").text
    station_of(app).bench.pins.document.path.write_text("{", encoding="utf-8")
    assert '"pin": false' in client.get("/").text
    answer = client.post("/api/pin", json={"employee_id": "E1", "pin": PIN})
    assert answer.status_code == 503
    assert str(station_of(app).bench.workspace) not in answer.text


def test_brackets_within_brackets_are_refused(app: Flask) -> None:
    client = asking(app, token_for(app, "pin"))
    for size in (1000, 200_000):
        answer = client.post("/api/pin", data="[" * size, content_type="application/json")
        assert answer.status_code in {413, 422}


@pytest.mark.parametrize(
    "body", [None, [], {}, {"employee_id": "E1"}, {"employee_id": 1, "pin": 2}, {"employee_id": " ", "pin": PIN}]
)
def test_incomplete_entries_are_told(app: Flask, body: object) -> None:
    assert asking(app, token_for(app, "pin")).post("/api/pin", json=body).status_code == 422


# ----------------------------------------------------------------------------------------- state


def test_a_kiosk_that_does_not_record_is_not_ready_and_says_why(app: Flask) -> None:
    answer = asking(app, token_for(app, "status")).get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"ready": False, "faults": ["the camera is off"]}


def test_the_state_and_the_figures_for_prometheus_agree(app: Flask) -> None:
    _with_pin(app)
    client = asking(app, token_for(app))
    client.post("/api/pin", json={"employee_id": "E1", "pin": PIN})
    status = client.get("/api/status").json
    assert (status["camera"]["name"], status["camera"]["state"], status["greetings"]) == ("entrance", "off", 1)
    metrics = client.get("/metrics").text
    assert 'muster_punches_total{camera="entrance"} 1.0' in metrics
    assert 'muster_camera_up{camera="entrance"} 0.0' in metrics
    assert 'muster_requests_total{route="/api/pin",status="200"} 1.0' in metrics
    asking(app).get("/<script>")
    assert "script" not in client.get("/metrics").text  # addresses are anybody's text


def test_who_came_today_stands_there_newest_first(app: Flask) -> None:
    _with_pin(app)
    _with_pin(app, "E2", "=cmd()")
    client = asking(app, token_for(app))
    assert client.get("/api/today").json["arrivals"] == []
    for who in ("E1", "E2"):
        client.post("/api/pin", json={"employee_id": who, "pin": PIN})
    today = client.get("/api/today").json
    assert today["people"] == 2
    assert [row["name"] for row in today["arrivals"]] == ["=cmd()", "Ada Lovelace"]
    assert today["date"] == station_of(app).bench.clock().date().isoformat() or timedelta(0)


def test_a_picture_that_there_is_none_of_is_not_made_up(app: Flask) -> None:
    assert asking(app, token_for(app, "screen")).get("/snapshot.jpg").status_code == 503


def _blank_png(width: int, height: int) -> bytes:
    """A small file of many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer, row = zlib.compressobj(9), bytes(1 + (width + 7) // 8)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_small_file_of_many_pixels_is_refused_by_its_header_even_while_others_are_looked_at(app: Flask) -> None:
    bomb = _blank_png(7000, 7000)
    assert len(bomb) < 8_000
    client = asking(app, token_for(app, "recognise"))
    client.post("/api/recognitions", data=bomb, content_type="image/png")  # what is loaded once
    with api._looking:
        began = time.perf_counter()
        answer = client.post("/api/recognitions", data=bomb, content_type="image/png")
        took_s = time.perf_counter() - began
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")
    assert "49 megapixels" not in answer.text
    assert "photo_max_megapixels" in answer.json["error"]["hint"]
    assert took_s < 0.1


def test_few_pictures_wait_so_that_the_door_is_answered(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_PATIENCE_S", 0.5)
    small = encode_jpeg(np.zeros((40, 40, 3), np.uint8))
    clients = [asking(app, token_for(app, "recognise", name=f"{number}")) for number in range(12)]
    with api._looking, ThreadPoolExecutor(12) as crowd:

        def asks(client: Program) -> tuple[int, float]:
            began = time.perf_counter()
            answer = client.post("/api/recognitions", data=small, content_type="image/jpeg")
            return answer.status_code, time.perf_counter() - began

        answers = list(crowd.map(asks, clients))
    assert {status for status, _ in answers} == {503}
    assert sum(seconds >= 0.5 for _, seconds in answers) <= 3
