"""The settings page: every setting has its place, forms come from the models, what is wrong stands at its field, and a save is exact."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import time
from pathlib import Path

import pytest
from network_cameras import answer, responding
from odd_cameras import rtsp_answering
from pages import bench_of, open_page, texts
from streamlit.testing.v1 import AppTest
from waiting import until

from app.views.settings.catalogue import BLOCKS, ELSEWHERE, patterns
from app.views.settings.values import in_short
from app.web import services, viewer
from engine.access import TryLater
from engine.config import Config, load_config
from engine.config.fields import settings_below
from engine.config.hours import days_of_week
from engine.errors import InputError
from engine.operations import camera_search
from engine.operations.camera_search import find_cameras
from engine.operations.kiosks import ServedKiosk, kiosks, telling
from engine.people import Person
from engine.workbench import Workbench

SETTINGS = """# ours
organisation = "Acme"  # as on the door

[cameras.entrance]
source = "rtsp://admin:hunter22@10.0.0.7/a"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    (tmp_path / "muster.toml").write_text(SETTINGS)
    return bench_of(tmp_path, monkeypatch)


@pytest.fixture(autouse=True)
def viewer_after() -> Iterator[None]:
    """AppTest words the options of a list again when it runs, in the language of this thread."""
    before = viewer.current.get()
    yield
    viewer.current.set(before)


def opened(
    bench: Workbench,
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    *,
    entry: str = "",
    role: str = "admin",
    language: str = "en",
) -> AppTest:
    viewer.current.set(viewer.Viewer(language, "light", ""))
    query = {"part": part, **({"entry": entry} if entry else {})}
    page = open_page("settings", bench.workspace, monkeypatch, role, language=language, query=query)
    assert not page.exception
    return page


def ran(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception
    return page


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click()
    return ran(page)


def file_of(bench: Workbench) -> str:
    return (bench.workspace / "muster.toml").read_text()


def test_every_setting_has_a_place_and_no_place_is_without_a_setting() -> None:
    known = [pattern for pattern, _, _ in patterns()]
    assert len(known) == len(set(known)), "a setting stands in two places"
    there = {pattern for pattern, _ in settings_below(Config)}
    assert there - set(known) - set(ELSEWHERE) == set(), "give it a place in app/views/settings/catalogue.py"
    assert (set(known) | set(ELSEWHERE)) - there == set()
    assert not set(known) & set(ELSEWHERE)
    assert all(bool(each.place) != bool(each.why) for each in ELSEWHERE.values())


def test_a_label_has_few_words_and_a_sentence_is_short() -> None:
    for blocks in BLOCKS.values():
        for block in blocks:
            for field in block.fields:
                assert len(field.title.split()) <= 4, field.title
                assert len(re.split(r"\s+", field.help)) <= 15, field.help


@pytest.mark.parametrize("part", BLOCKS)
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_part_opens_and_changes_nothing(
    place: Workbench, monkeypatch: pytest.MonkeyPatch, part: str, language: str
) -> None:
    page = opened(place, monkeypatch, part, language=language)
    ran(page)
    saves = [button for button in page.button if button.key == "settings-save"]
    assert all(button.disabled for button in saves)
    assert file_of(place) == SETTINGS


@pytest.mark.parametrize(
    "entry",
    [
        "cameras:new",
        "shifts:new",
        "rotas:new",
        "holidays-groups:new",
        "notifications-rules:new",
        "reports-scheduled:new",
    ],
)
def test_the_form_of_a_new_entry_opens(place: Workbench, monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    parts = {"cameras": "cameras", "shifts": "shifts", "rotas": "shifts", "holidays": "shifts"}
    opened(
        place,
        monkeypatch,
        parts.get(entry.split(":", maxsplit=1)[0].split("-", maxsplit=1)[0], "notifications"),
        entry=entry,
    )


@pytest.mark.parametrize("role", ["hr", "security", "viewer", None])
def test_only_administrators_see_it(place: Workbench, monkeypatch: pytest.MonkeyPatch, role: str | None) -> None:
    page = open_page("settings", place.workspace, monkeypatch, role)
    assert "Acme" not in texts(page)
    assert not page.text_input


def test_a_change_is_shown_before_it_is_saved_and_can_be_taken_back(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(place, monkeypatch, "organisation")
    page.text_input(key="set:organisation").set_value("Acme Ltd")
    ran(page)
    assert "Acme Ltd" not in file_of(place)
    (code,) = page.code
    assert '-organisation = "Acme"' in code.value
    assert '+organisation = "Acme Ltd"  # as on the door' in code.value
    press(page, "Save")
    assert file_of(place) == SETTINGS.replace('"Acme"', '"Acme Ltd"')
    assert services.home().config.organisation == "Acme Ltd", "the workbench takes it over"
    (row,) = [each for each in place.audit.read() if each.action == "change_setting"]
    assert (row.author, row.subject, row.detail) == ("admin", "organisation", "Acme → Acme Ltd")

    page = opened(place, monkeypatch, "history")
    assert "Acme → Acme Ltd" in texts(page)
    press(page, "Take it back")
    assert file_of(place) == SETTINGS
    assert services.home().config.organisation == "Acme"
    assert [each.action for each in place.audit.read()][-1] == "undo_setting"
    press(page, "Take it back")
    assert "Acme Ltd" in file_of(place), "taking back is a change, too"


def test_what_is_wrong_stands_at_its_field_in_the_users_language(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(place, monkeypatch, "attendance", language="de")
    page.number_input(key="set:attendance.payroll_day").set_value(31)
    page.time_input(key="set:attendance.day_starts").set_value(time(14))
    ran(page)
    told = {re.sub(r"[\\\u2060]", "", each.value) for each in page.error}
    assert told == {"Höchstens 28.", "Geben Sie eine Ortszeit bis mittags an, etwa 04:00"}
    assert next(button for button in page.button if button.key == "settings-save").disabled
    assert file_of(place) == SETTINGS


def test_what_the_environment_gives_is_shown_and_locked(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_RETENTION__SIGHTINGS", "7")
    page = opened(place, monkeypatch, "retention")
    field = page.number_input(key="set:retention.sightings")
    assert (field.value, field.disabled) == (7, True)
    assert "MUSTER_RETENTION__SIGHTINGS" in texts(page)
    assert not page.number_input(key="set:retention.evidence_images").disabled


def test_a_password_goes_into_its_own_file_and_never_comes_back(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(place, monkeypatch, "cameras", entry="cameras:=entrance")
    source = page.text_input(key="set:cameras.entrance.source")
    assert source.value == "rtsp://admin:•••@10.0.0.7/a"
    assert "hunter22" not in texts(page)
    source.set_value("rtsp://admin:•••@10.0.0.7/b")
    page.selectbox(key="set:cameras.entrance.direction").set_value("in")
    ran(page)
    assert "hunter22" not in texts(page) + "".join(each.value for each in page.code)
    press(page, "Save")
    assert load_config(place.workspace).cameras["entrance"].source == "rtsp://admin:hunter22@10.0.0.7/b"

    page = opened(place, monkeypatch, "cameras", entry="cameras:=entrance")
    page.text_input(key="set:cameras.entrance.source").set_value("rtsp://admin:•••@evil.example/b")
    ran(page)
    assert next(button for button in page.button if button.key == "settings-save").disabled, "not to another host"
    page.text_input(key="set:cameras.entrance.source").set_value("rtsp://admin:newer pass@10.0.0.8/b")
    ran(page)
    press(page, "Save")
    assert "newer pass" not in file_of(place)
    kept = place.workspace / "secrets.toml"
    assert "newer pass" in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert load_config(place.workspace).cameras["entrance"].source == "rtsp://admin:newer pass@10.0.0.8/b"
    page = opened(place, monkeypatch, "cameras", entry="cameras:=entrance")
    assert page.text_input(key="set:cameras.entrance.source").value == "rtsp://admin:•••@10.0.0.8/b"


def test_a_shift_is_added_changed_and_removed(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch, "shifts", entry="shifts:new")
    page.text_input(key="set:shifts#name").set_value("office")
    ran(page)
    assert {each.value for each in page.error} == {"Give a value\\."}
    page.time_input(key="set:shifts.new.start").set_value(time(9))
    page.time_input(key="set:shifts.new.end").set_value(time(17, 30))
    ran(page)
    press(page, "Add")
    assert tomllib.loads(file_of(place))["shifts"] == {"office": {"start": time(9), "end": time(17, 30)}}
    page = opened(place, monkeypatch, "shifts", entry="shifts:=office")
    page.multiselect(key="set:shifts.office.hours").set_value(["06:00-10:00"])
    ran(page)
    press(page, "Save")
    assert tomllib.loads(file_of(place))["shifts"] == {"office": {"hours": ["06:00-10:00"]}}
    page = opened(place, monkeypatch, "shifts", entry="shifts:=office")
    press(page, "Remove office")
    press(page, "Remove")
    assert file_of(place).strip() == SETTINGS.strip()


def test_a_channel_is_added_to_the_list_and_removed(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("door", "night"):
        page = opened(place, monkeypatch, "notifications", entry="notifications-rules:new")
        count = len(load_config(place.workspace).notifications.rules)
        base = f"set:notifications.rules.{count}"
        page.text_input(key=f"{base}.name").set_value(name)
        page.text_input(key=f"{base}.webhook").set_value("http://127.0.0.1:9/hook")
        ran(page)
        press(page, "Make a key")
        press(page, "Add")
    rules = load_config(place.workspace).notifications.rules
    assert [rule.name for rule in rules] == ["door", "night"]
    assert all(rule.webhook_key and len(rule.webhook_key.get_secret_value()) > 20 for rule in rules)
    assert all(rule.webhook_key.get_secret_value() not in file_of(place) for rule in rules if rule.webhook_key)
    page = opened(place, monkeypatch, "notifications", entry="notifications-rules:=door")
    press(page, "Remove door")
    press(page, "Remove")
    assert [rule.name for rule in load_config(place.workspace).notifications.rules] == ["night"]


def test_days_are_written_in_short() -> None:
    assert [in_short(each) for each in ([0, 1, 2, 3, 4], [5, 6], [0], [0, 2, 4, 5, 6], [])] == [
        "mon-fri",
        "sat,sun",
        "mon",
        "mon,wed,fri-sun",
        "",
    ]
    for days in ([0, 1, 2, 3, 4], [6], [0, 2, 4, 5, 6]):
        assert days_of_week(in_short(days)) == set(days)


def test_a_camera_that_is_tried_says_why_it_gives_no_picture(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    with rtsp_answering("404 Stream Not Found") as port:
        (place.workspace / "muster.toml").write_text(f'[cameras.entrance]\nsource = "rtsp://127.0.0.1:{port}/stream"\n')
        services.take_over(place.workspace)
        page = opened(place, monkeypatch, "cameras", entry="cameras:=entrance", language="de")
        page.button(key="set:cameras.entrance#try").click().run(timeout=30)
    assert not page.exception
    told = texts(page)
    assert "keinen Stream (404)" in told
    assert "Handbuch" in told
    assert not place.settings_desk.camera_tried()


def test_a_screen_is_paired_at_the_kiosk_that_runs(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(place, monkeypatch, "kiosk")
    page.button("settings-pair").click().run()
    assert "No kiosk runs now" in texts(page)
    assert [each.value.count("?pair=") for each in page.code] == [0]
    kiosk = ServedKiosk("entrance", "127.0.0.1", 8600, address="https://muster.example.com/door")
    with telling(place.workspace, kiosk):
        until(lambda: kiosks(place.workspace) == [kiosk])
        page.button("settings-pair").click().run()
        code, link = (each.value for each in page.code)
        assert link == f"https://muster.example.com/door/?pair={code}"


def test_a_screen_is_renamed_and_what_it_shows_is_told(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    lobby, code = place.kiosk.invite("lobby", ["screen"], author="t")
    gate, _ = place.kiosk.invite("gate", ["screen"], author="t")
    assert place.kiosk.admit(code) is not None
    page = opened(place, monkeypatch, "kiosk")
    assert "paired, last used" in texts(page)
    key = f"settings-rename-{lobby.device_id}"
    page.text_input(key).set_value("Gate")
    ran(page)
    page.button(f"{key}-save").click().run()
    assert place.devices.all()[lobby.device_id].name == "lobby"  # names are told apart without case
    page.text_input(key).set_value("reception")
    ran(page)
    page.button(f"{key}-save").click().run()
    assert place.devices.all()[lobby.device_id].name == "reception"
    assert place.devices.all()[gate.device_id].name == "gate"
    note = next(each for each in place.audit.read() if each.action == "rename_device")
    assert (note.subject, note.detail) == ("reception", f"{lobby.device_id}: before lobby")
    with telling(place.workspace, ServedKiosk("entrance", "127.0.0.1", 8600), lambda: [lobby.device_id]):
        until(lambda: [each.screens for each in kiosks(place.workspace)] == [(lobby.device_id,)])
        ran(page)
        assert "on now, camera entrance" in texts(page)


def test_pins_are_listed_and_whoever_must_wait_is_let_in_again(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.people.put(Person("E1", "Ada Lovelace"))
    pin = place.kiosk.give_pin("E1", author="t")
    for _ in range(5):
        assert not place.pins.check("E1", "907461", place.clock())
    with pytest.raises(TryLater):
        place.pins.check("E1", pin, place.clock())
    page = opened(place, monkeypatch, "kiosk")
    assert "5, waits until" in texts(page) or "<td>5</td>" in texts(page)
    page.selectbox("settings-pin-person").set_value("E1")
    ran(page)
    page.button("settings-pin-unlock").click().run()
    assert place.pins.check("E1", pin, place.clock())
    assert "unlock_pin" in [each.action for each in place.audit.read()]


def test_the_policy_for_pins_is_followed_and_older_pins_stay_good(place: Workbench) -> None:
    place.people.put(Person("E1", "Ada Lovelace"))
    old = place.kiosk.give_pin("E1", author="t")
    toml = place.workspace / "muster.toml"
    toml.write_text(toml.read_text() + "[kiosk]\npin_digits = 8\npin_tries = 3\n")
    bench = Workbench(place.workspace)
    assert bench.pins.check("E1", old, bench.clock())
    with pytest.raises(InputError, match="8 to 12 digits"):
        bench.kiosk.give_pin("E1", "4829130", author="t")
    assert len(bench.kiosk.give_pin("E1", author="t")) == 8
    for _ in range(3):
        assert not bench.pins.check("E1", old, bench.clock())
    with pytest.raises(TryLater):
        bench.pins.check("E1", old, bench.clock())


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_camera_that_answers_on_the_network_fills_in_its_address(
    place: Workbench, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    find, none = {
        "en": ("Find cameras", "No camera answered"),
        "de": ("Kameras suchen", "Keine Kamera hat geantwortet"),
    }[language]
    monkeypatch.setattr(find_cameras, "__defaults__", (0.4, None))
    page = opened(place, monkeypatch, "cameras", entry="cameras:new", language=language)
    with responding([]) as (here, _):
        monkeypatch.setattr(camera_search, "PLACE", here)
        assert none in texts(press(page, find))
    scopes = "onvif://www.onvif.org/name/AXIS%20P3245%3Cb%3E"
    with responding([answer(scopes, "http://10.0.0.20/onvif/device_service")]) as (here, probes):
        monkeypatch.setattr(camera_search, "PLACE", here)
        press(page, find)
    assert probes
    next(button for button in page.button if button.label.startswith("10.0.0.20")).click()
    ran(page)
    address = next(field for field in page.text_input if field.key == "set:cameras.new.source")
    assert address.value == "rtsp://10.0.0.20:554/axis-media/media.amp"


def test_masks_are_kept_one_a_line_and_what_is_wrong_with_one_is_said(
    place: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(place, monkeypatch, "cameras", entry="cameras:=entrance")
    masks = "set:cameras.entrance.masks"
    page.text_area(key=masks).set_value("0.1,0.2 0.5,0.2 0.5,0.6\n10,20 50,20 50,60")
    ran(page)
    assert any("out of the picture" in error.value for error in page.error)
    assert all(button.disabled for button in page.button if button.key == "settings-save")
    page.text_area(key=masks).set_value("0.1,0.2 0.5,0.2 0.5,0.6\n\n 0,0 1,0 1,0.1 \n")
    ran(page)
    press(page, "Save")
    kept = load_config(place.workspace).cameras["entrance"]
    assert kept.masks == ("0.1,0.2 0.5,0.2 0.5,0.6", "0,0 1,0 1,0.1")
    assert "# as on the door" in file_of(place)
