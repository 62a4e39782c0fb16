"""What a screen is told: events in order and none twice, prompts that do not flicker, greetings that are true."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from fakes import T0, at, make_track, sighting
from flask import Flask, Response
from flask.testing import FlaskClient
from kiosk_client import asking, kiosk_app, station_of, token_for
from log_builders import retraction

from app.kiosk.greeter import STATUSES, Greeter, first_name
from app.kiosk.hub import Hub, HubEvent, as_event
from app.kiosk.prompts import CODES, PROVEN, Prompter
from app.kiosk.station import Station
from app.kiosk.words import table
from app.words import LANGUAGES
from engine.attendance import PunchRow
from engine.config import Config
from engine.liveness import PROMPTS, Liveness, LivenessState
from engine.pipeline import FrameResult
from engine.pipeline.faces import TrackFaces
from engine.tracking import Trail
from engine.types import Event, EventKind, Frame, Track, TrackState
from engine.workbench import Workbench

BLANK = np.zeros((48, 64, 3), np.uint8)


# ----------------------------------------------------------------------------------------- the hub


def _hub() -> Hub:
    return Hub(lambda: T0)


def test_a_listener_gets_what_is_new_in_order_and_nothing_twice() -> None:
    hub = _hub()
    assert hub.after(0, 0) == []
    for number in range(5):
        hub.publish("prompt", {"code": str(number)})
    assert [message.data["code"] for message in hub.after(2, 0)] == ["2", "3", "4"]
    assert hub.after(hub.newest, 0) == []


def test_whoever_was_away_goes_on_after_the_last_event_that_they_saw() -> None:
    hub = _hub()
    for number in range(5):
        hub.publish("prompt", {"code": str(number)})
    assert hub.place(hub.name(3)) == 3
    for unknown in (
        "",
        "x",
        "3",
        "other-3",
        f"{hub.boot}-",
        f"{hub.boot}-99",
        f"{hub.boot}--1",
        f"{hub.boot}-{'9' * 30}",
    ):
        assert hub.place(unknown) == 5, unknown  # of another start, or made up: from now on


def test_old_events_are_forgotten_and_memory_stays_bounded() -> None:
    hub = _hub()
    for number in range(1000):
        hub.publish("prompt", {"code": str(number)})
    kept = hub.after(0, 0)
    assert len(kept) < 500
    assert kept[-1].number == 1000


def test_a_waiting_listener_is_woken_by_the_next_event_and_by_the_end() -> None:
    hub = _hub()
    found: list[list[HubEvent]] = []
    waiting = threading.Thread(target=lambda: found.append(hub.after(0, 20)))
    waiting.start()
    hub.publish("prompt", {"code": "x"})
    waiting.join(5)
    assert [message.data["code"] for message in found[0]] == ["x"]
    waiting = threading.Thread(target=lambda: found.append(hub.after(hub.newest, 20)))
    waiting.start()
    hub.close()
    waiting.join(5)
    assert found[1] == []


def test_names_of_people_cannot_forge_an_event() -> None:
    text = as_event("greeting", {"first_name": "Ada\n\nevent: camera\ndata: {}\u2028"}, "b-1")
    lines = text.split("\n")
    assert [line.split(":")[0] for line in lines] == ["id", "event", "data", "", ""]
    assert json.loads(lines[2].removeprefix("data: "))["first_name"].startswith("Ada\n\nevent")


def test_events_go_on_where_a_screen_left_off(tmp_path: Path) -> None:
    app = kiosk_app(tmp_path)
    station = station_of(app)
    token = token_for(app)
    for code in ("come_closer", ""):
        station.hub.publish("prompt", {"code": code})
    station.hub.close()  # so that answers end
    told = asking(app, token).get("/events").text
    assert "event: hello" in told
    assert "event: prompt" not in told
    station.hub.open()
    resumed = _told(app, token, station.hub.name(1))
    assert [kind for kind, _ in resumed] == ["hello", "prompt"]
    assert resumed[1][1]["code"] == ""


def _told(app: Flask, token: str, last_id: str) -> list[tuple[str, dict[str, object]]]:
    """What a screen is told at once."""
    from app.kiosk.screen import _told as told

    found = []
    for part in told(station_of(app), last_id, lambda: False, pin=False):  # may no more: it ends after what is there
        fields = dict(line.split(": ", 1) for line in part.decode().split("\n") if ": " in line)
        found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_the_number_of_listeners_and_viewers_is_bounded_and_each_is_counted_off_once(tmp_path: Path) -> None:
    app = kiosk_app(tmp_path, max_viewers=2)
    station, token = station_of(app), token_for(app)
    assert [station.picture.enter(2) for _ in range(3)] == [True, True, False]
    assert asking(app, token).get("/stream.mjpg").status_code == 503
    station.picture.leave()
    station.hub.close()
    plain = FlaskClient(app, app.response_class)
    answer = plain.get("/stream.mjpg", headers={"Host": "127.0.0.1", "Authorization": f"Bearer {token}"})
    assert station.picture.viewers == 2
    answer.close()
    answer.close()
    assert station.picture.viewers == 1


@contextlib.contextmanager
def filmed(station: Station) -> Iterator[None]:
    """A camera gives pictures meanwhile: an answer to a client of the tests begins with its first part."""
    ended = threading.Event()

    def give() -> None:
        while not ended.wait(0.005):
            station.picture.give(b"picture")

    camera = threading.Thread(target=give)
    camera.start()
    try:
        yield
    finally:
        ended.set()
        camera.join()


@pytest.mark.parametrize("path", ["/events", "/stream.mjpg"])
def test_streams_of_one_device_leave_places_for_others(tmp_path: Path, path: str) -> None:
    app = kiosk_app(tmp_path)
    client = FlaskClient(app, app.response_class)

    def opened(token: str) -> Response:
        return client.get(path, headers={"Host": "127.0.0.1", "Authorization": f"Bearer {token}"})

    greedy, other = token_for(app, name="greedy"), token_for(app, name="other")
    with filmed(station_of(app)):
        streams = [opened(greedy) for _ in range(80)]
        assert [stream.status_code for stream in streams] == [200] * 6 + [503] * 74
        assert opened(other).status_code == 200
        streams[0].close()
        assert [opened(greedy).status_code for _ in range(2)] == [200, 503]


# ----------------------------------------------------------------------------------------- prompts


def _asked(prompter: Prompter, tracks: Sequence[Track], start_s: float, seconds: float) -> list[str]:
    """What is asked while tracks stay as they are, ten times a second."""
    return [prompter.look(tracks, at(start_s + k / 10))[0] for k in range(round(seconds * 10))]


def _config(**sections: object) -> Config:
    return Config.model_validate(sections)


def test_nobody_is_asked_nothing() -> None:
    assert set(_asked(Prompter(Config(), "door"), [], 0, 3)) == {""}


def test_two_people_are_asked_to_come_one_at_a_time_but_not_for_a_moment() -> None:
    two = [make_track(1, 0, 9, person="E1"), make_track(2, 0, 9, stranger="unknown-1", box=(60, 10, 100, 50))]
    prompter = Prompter(Config(), "door")
    assert set(_asked(prompter, two, 0, 0.5)) == {""}
    assert _asked(prompter, two, 0.5, 2)[-1] == "one_at_a_time"
    assert set(_asked(Prompter(_config(events={"tailgating": False}), "door"), two, 0, 3)) == {""}
    free = _config(cameras={"door": {"tailgating": False}})
    assert set(_asked(Prompter(free, "door"), two, 0, 3)) == {""}
    assert "one_at_a_time" in _asked(Prompter(free, "gate"), two, 0, 3)


def test_a_face_printed_on_a_shirt_is_no_second_person() -> None:
    wearer = make_track(1, 0, 9, stranger="unknown-1", box=(100, 40, 150, 110))
    printed = make_track(2, 0, 9, box=(110, 140, 145, 185))
    child = make_track(3, 0, 9, box=(110, 140, 165, 215))
    beside = make_track(4, 0, 9, box=(220, 140, 255, 185))
    assert _asked(Prompter(Config(), "door"), [wearer, printed], 0, 3)[-1] == "not_recognised"
    for other in (child, beside):
        assert _asked(Prompter(Config(), "door"), [wearer, other], 0, 3)[-1] == "one_at_a_time"


def test_somebody_who_is_known_is_asked_nothing_and_a_stranger_is_told() -> None:
    assert set(_asked(Prompter(Config(), "door"), [make_track(1, 0, 9, person="E1")], 0, 3)) == {""}
    stranger = [make_track(1, 0, 9, stranger="unknown-1")]
    assert _asked(Prompter(Config(), "door"), stranger, 0, 3)[-1] == "not_recognised"


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("too small", "come_closer"),
        ("too dark", "step_into_light"),
        ("blurred", "hold_still"),
        ("turned too far", "look_straight"),
        ("eyes covered", "uncover_eyes"),
        ("mouth covered", "uncover_mouth"),
        ("eyes and mouth covered", "uncover_face"),
    ],
)
def test_a_face_that_is_not_good_enough_is_told_how_to_be_better(reason: str, code: str) -> None:
    from engine.types import FaceQuality

    missed = {"covered": reason} if "covered" in reason else {"reason": reason}
    quality = FaceQuality(10, 1, 0.5, 0.2, 0, 0, 0, 1, 0.1, **missed)
    track = replace(make_track(1, 0, 9), quality=quality)
    assert _asked(Prompter(Config(), "door"), [track], 0, 3)[-1] == code


def test_a_prompt_does_not_flicker() -> None:
    prompter, dark = Prompter(Config(), "door"), make_track(1, 0, 9, stranger="unknown-1")
    seen = []
    for k in range(60):  # the track is lost and found in every other frame
        seen.append(prompter.look([dark] if k % 2 else [], at(k / 10))[0])
    changes = sum(before != after for before, after in itertools.pairwise(seen))
    assert changes <= 1


def test_whoever_leaves_is_asked_nothing_more() -> None:
    prompter = Prompter(Config(), "door")
    _asked(prompter, [make_track(1, 0, 9, stranger="unknown-1")], 0, 3)
    assert _asked(prompter, [], 3, 2)[-1] == ""
    prompter.clear()
    assert prompter.look([], at(6))[0] == ""


def test_a_picture_that_is_held_up_is_told() -> None:
    track = make_track(1, 0, 9, person="E1", liveness="failed")
    assert _asked(Prompter(Config(), "door"), [track], 0, 3)[-1] == "take_off_picture"


def test_where_life_must_be_proven_turns_of_the_head_are_asked_for() -> None:
    require = _config(presentation={"policy": "require"})
    track = make_track(1, 0, 9, person="E1", liveness="unproven")
    assert _asked(Prompter(require, "door"), [track], 0, 2)[-1] in {
        "look_straight",
        "turn_left",
        "turn_right",
        "look_up",
    }
    assert set(_asked(Prompter(Config(), "door"), [track], 0, 2)) == {""}
    passed = replace(track, liveness="passed")
    assert set(_asked(Prompter(require, "door"), [passed], 0, 2)) == {""}
    off = _config(presentation={"policy": "require"}, kiosk={"head_turn": False})
    assert set(_asked(Prompter(off, "door"), [track], 0, 2)) == {""}


def _turned(yaw_deg: float, pitch_deg: float = 0.0) -> np.ndarray:
    """Five landmarks of a head that is turned, (5, 2) pixels: yaw positive to the image's right."""
    points = np.array([[-32, 0, 0], [32, 0, 0], [0, 36, 30], [-26, 72, 4], [26, 72, 4]], float)
    yaw, pitch = np.radians(yaw_deg), np.radians(pitch_deg)
    x = points[:, 0] * np.cos(yaw) + points[:, 2] * np.sin(yaw)
    z = -points[:, 0] * np.sin(yaw) + points[:, 2] * np.cos(yaw)
    y = points[:, 1] * np.cos(pitch) + z * np.sin(pitch)
    return np.stack([320 + x, 200 + y], 1).astype(np.float32)


def test_whoever_follows_the_requests_is_vouched_for_and_whoever_does_not_is_asked_again() -> None:
    require = _config(presentation={"policy": "require"})
    for obeys in (True, False):
        prompter, proven, asked, now = Prompter(require, "door"), None, "", np.zeros(2)
        for k in range(600):
            goal = np.array(_POSES.get(asked, (0.0, 0.0)) if obeys else (0.0, 0.0))
            now = now + np.clip(goal - now, -5, 5)
            track = replace(make_track(1, 0, 99, person="E1", liveness="unproven"), landmarks=_turned(*now))
            asked, proven = prompter.look([track], at(k / 15))
            if proven is not None:
                break
        assert (proven == 1) == obeys
        assert obeys or asked  # still asked for


_POSES = {
    "turn_left": (30.0, 0.0),
    "turn_right": (-30.0, 0.0),
    "look_up": (0.0, -22.0),
}


def _failing(prompter: Prompter, begin_s: float, seconds: float, first_track: int) -> list[str]:
    """What somebody is asked who does nothing and steps aside for a moment now and then, so that their track is a new one."""
    said = []
    for k in range(round(seconds * 10)):
        track = make_track(first_track + k // 70, 0, 999, person="E1", liveness="unproven")
        gone = k % 70 > 65
        said.append(prompter.look([] if gone else [replace(track, landmarks=_turned(0.0))], at(begin_s + k / 10))[0])
    return said


def test_a_person_has_three_tries_in_five_minutes_whatever_they_do_in_between() -> None:
    require = _config(presentation={"policy": "require"})
    prompter = Prompter(require, "door")
    said = _failing(prompter, 0, 60, 1)
    moves = [code for code, _ in itertools.groupby(code for code in said if code in _POSES)]
    assert 1 <= len(moves) <= 3
    assert said[-20] == "not_proven"
    other = replace(make_track(99, 0, 999, person="E2", liveness="unproven"), landmarks=_turned(0.0))
    assert prompter.look([other], at(62))[0] != ""
    assert set(_asked(prompter, [other], 62, 2)) & {*_POSES, "look_straight"}  # somebody else has tries of their own
    assert set(_failing(prompter, 65, 10, 101)[20:]) & set(_POSES) == set()
    assert set(_failing(prompter, 400, 10, 201)) & set(_POSES)  # five minutes later they have again


def test_where_everybody_is_challenged_what_the_checks_pass_is_still_unproven() -> None:
    always = _config(presentation={"policy": "require", "challenge": "always"})
    assert Prompter(always, "door").demands
    for section in ({"policy": "require"}, {"policy": "mark", "challenge": "always"}):
        assert not Prompter(_config(presentation=section), "door").demands
    faces = TrackFaces.new(always)
    assert faces.liveness is not None
    faces.liveness.verdict = Liveness(LivenessState.PASSED, "depth over a turn of 30°")
    trail = Trail(1, np.array([0, 0, 99, 99], np.float32), _turned(0.0), at(0), at(3))
    assert faces.snapshot(trail, 2.0, ended=False).liveness == "passed"  # no kiosk asks anybody here
    held = faces.snapshot(trail, 2.0, ended=False, demanding=True)
    assert (held.liveness, held.liveness_reason) == ("unproven", "has to follow the kiosk's challenge")
    faces.vouched = Liveness(LivenessState.PASSED, PROVEN)
    assert faces.snapshot(trail, 2.0, ended=False, demanding=True).liveness == "passed"
    faces.liveness.verdict = Liveness(LivenessState.FAILED, "flat over a turn of 30°")
    assert faces.snapshot(trail, 2.0, ended=False, demanding=True).liveness == "failed"


# ----------------------------------------------------------------------------------------- greetings


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Ada Lovelace", "Ada"),
        ("Lovelace, Ada", "Ada"),
        ("  Ada  ", "Ada"),
        ("张伟", "张伟"),
        ("Lovelace,", "Lovelace"),
        (",", ""),
        ("", ""),
    ],
)
def test_people_are_called_by_their_first_name(name: str, first: str) -> None:
    assert first_name(name) == first


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """An office that opens at nine, on a Monday."""
    (tmp_path / "muster.toml").write_text(
        '[shifts.office]\nstart = 09:00:00\nend = 17:30:00\ngrace_min = 5\n[cameras.exit]\ndirection = "out"\n',
        encoding="utf-8",
    )
    workbench = Workbench(tmp_path, clock=lambda: T0 + timedelta(seconds=10))
    from engine.people import Person

    for key, name in (("E1", "Ada Lovelace"), ("E2", "Bob"), ("E3", "Cem Özil")):
        workbench.people.put(Person(key, name, enrolled_at="2026-01-01T00:00:00+00:00"))
    return workbench


def _greeted(bench: Workbench, employee_id: str, time: datetime, camera: str = "door") -> dict[str, object]:
    """What somebody is greeted with who is recognised at a time."""
    row = bench.attendance.record(replace(sighting(employee_id, time), camera=camera), bench.people.known())
    assert row is not None
    return Greeter(bench, camera, _hub()).greeting(row)


def test_a_greeting_says_the_time_and_whether_it_was_on_time(bench: Workbench) -> None:
    nine = T0.replace(hour=9)
    early = _greeted(bench, "E1", nine - timedelta(minutes=3))
    assert (early["first_name"], early["time"], early["status"], early["daypart"]) == (
        "Ada",
        "08:57",
        "on_time",
        "morning",
    )
    late = _greeted(bench, "E2", nine + timedelta(minutes=12))
    assert (late["status"], late["late_min"], late["time"]) == ("late", 12, "09:12")
    back = _greeted(bench, "E1", nine + timedelta(hours=4))
    assert (back["status"], back["daypart"]) == ("recorded", "afternoon")
    gone = _greeted(bench, "E1", nine + timedelta(hours=10), "exit")
    assert (gone["status"], gone["daypart"]) == ("leaving", "evening")


def test_nothing_personal_but_the_first_name_and_the_time_is_told(bench: Workbench) -> None:
    greeting = _greeted(bench, "E3", T0)
    assert not {"E3", "Özil", "Cem Özil"} & {str(value) for value in greeting.values()}
    assert "Özil" not in json.dumps(greeting, ensure_ascii=False)


def _result(
    time: datetime, events: Sequence[Event] = (), rows: Sequence[PunchRow | dict[str, object] | None] = ()
) -> FrameResult:
    return FrameResult(Frame(BLANK, time, "door"), (), tuple(events), tuple(row for row in rows if row is not None))


def _messages(bench: Workbench, results: Sequence[FrameResult], wait_s: float = 0.0) -> list[HubEvent]:
    """What a greeter says of results, and of nothing more after some time."""
    hub = _hub()
    greeter = Greeter(bench, "door", hub)
    greeter.start()
    for result in results:
        greeter.saw(result)
    threading.Event().wait(wait_s)
    greeter.stop()
    return hub.after(0, 0)


def test_somebody_is_greeted_for_the_row_that_was_written_and_only_once(bench: Workbench) -> None:
    row = bench.attendance.record(replace(sighting("E1"), camera="door"), bench.people.known())
    seen = Event(EventKind.SIGHTING, T0, "door", (1,), ("E1",))
    told = _messages(bench, [_result(T0, [seen]), _result(at(0.3), rows=[row])], 1.5)
    assert [(message.kind, message.data["status"]) for message in told] == [("greeting", "on_time")]


def test_somebody_who_stands_in_the_log_already_is_told_so_and_who_does_not_is_not_told_that_they_do(
    bench: Workbench,
) -> None:
    bench.attendance.record(replace(sighting("E1"), camera="door"), bench.people.known())
    events = [
        Event(EventKind.SIGHTING, at(60), "door", (1,), ("E1",)),
        Event(EventKind.SIGHTING, at(60), "door", (2,), ("E2",)),
    ]
    told = _messages(bench, [_result(at(60), events)], 1.8)
    assert {message.data["first_name"]: (message.data["status"], message.data["time"]) for message in told} == {
        "Ada": ("again", "08:00"),
        "Bob": ("saving", "08:01"),
    }


def test_rows_of_other_cameras_and_other_kinds_are_not_greeted(bench: Workbench) -> None:
    elsewhere = bench.attendance.record(replace(sighting("E1"), camera="gate"), bench.people.known())
    unsure = bench.attendance.record(replace(sighting("E2"), camera="door", certain=False), bench.people.known())
    assert (
        _messages(
            bench,
            [_result(T0, rows=[elsewhere, unsure, {"kind": "unknown", "camera": "door"}])],
        )
        == []
    )


def test_a_name_that_was_a_mistake_is_taken_from_the_screen(bench: Workbench) -> None:
    people = bench.people.known()
    row = bench.attendance.record(replace(sighting("E1"), camera="door"), people)
    taken = bench.attendance.retract(retraction("E1", at(2), "door", "run-1", "later frames say unknown"), people)
    told = _messages(bench, [_result(T0, rows=[row]), _result(at(2), rows=[taken])])
    assert [message.kind for message in told] == ["greeting", "withdrawn"]
    assert told[0].data["key"] == told[1].data["key"]


# ----------------------------------------------------------------------------------------- words


def test_every_language_has_a_word_for_everything_that_may_be_said() -> None:
    for code in LANGUAGES:
        words = table(code)
        assert all(text.strip() for text in words.values())
        assert words["locale"].startswith(code)
    assert table("de")["greeting_morning"] == "Guten Morgen, {name}"
    spoken = " ".join(table("en"))
    for code in CODES:
        assert code in spoken
    for status in STATUSES:
        assert status in spoken
    assert len(PROMPTS) == 3


def test_a_screen_speaks_the_language_of_the_settings_or_of_its_browser(tmp_path: Path) -> None:
    app = kiosk_app(tmp_path)
    client = asking(app, token_for(app))
    assert '<html lang="de"' in client.get("/", headers={"Accept-Language": "fr, de-AT;q=0.9, en;q=0.1"}).text
    assert '<html lang="en"' in client.get("/", headers={"Accept-Language": "fr"}).text
    assert '<html lang="de"' in client.get("/?lang=de").text
    assert '<html lang="en"' in client.get("/?lang=../../x").text
    fixed = kiosk_app(tmp_path, language="de")
    assert '<html lang="de"' in asking(fixed, token_for(fixed)).get("/", headers={"Accept-Language": "en"}).text


def test_hostile_names_stay_text_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text('organisation = "</script><img src=x onerror=alert(1)>"\n', encoding="utf-8")
    app = kiosk_app(tmp_path)
    page = asking(app, token_for(app)).get("/").text
    assert "<img" not in page.replace("<img id", "")
    assert page.count("</script>") == page.count("<script")


def test_the_clock_of_a_screen_is_the_servers(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text('timezone = "Europe/Berlin"\n', encoding="utf-8")
    bench = Workbench(tmp_path, clock=lambda: datetime(2026, 7, 1, 7, 0, tzinfo=UTC))
    from app.kiosk import create_app

    hello = station_of(create_app(bench, {"camera": "door", "source": "0"})).hello(pin=False)
    assert (hello["server_time"], hello["utc_offset_min"]) == ("2026-07-01T09:00:00.000+02:00", 120)
    assert TrackState.KNOWN == "known"


def test_a_row_that_could_be_written_only_later_greets_nobody(bench: Workbench) -> None:
    row = bench.attendance.record(
        replace(sighting("E1", T0 - timedelta(minutes=2)), camera="door"), bench.people.known()
    )
    assert _messages(bench, [_result(T0, rows=[row])]) == []


def test_a_greeting_that_fails_costs_no_other(bench: Workbench, caplog: pytest.LogCaptureFixture) -> None:
    row = bench.attendance.record(replace(sighting("E1"), camera="door"), bench.people.known())
    broken = PunchRow("e2", T0.replace(tzinfo=None), "E2", "punch", "door")
    told = _messages(bench, [_result(T0, rows=[broken, row])])
    assert [message.data["first_name"] for message in told] == ["Ada"]
    assert "a greeting is missing" in caplog.text
