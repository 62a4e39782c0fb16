"""`muster kiosk`: which camera it is started on and what is refused before; devices and PINs from the command line."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest
from command import Answer, muster
from waiting import until

from engine.access import SCREEN_SCOPES, DeviceBook, PinBook
from engine.cli import kiosk
from engine.errors import InputError
from engine.operations.kiosks import ServedKiosk, kiosks, telling
from engine.people import PeopleStore, Person
from engine.workbench import Workbench

SETTINGS = """
[cameras.entrance]
source = "demo/entrance.mp4"
[cameras.yard]
direction = "out"
"""


class Started(Exception):
    """The process would have become another one."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A workspace with one camera that has a source, and one without."""
    (tmp_path / "w" / "demo").mkdir(parents=True)
    (tmp_path / "w" / "demo" / "entrance.mp4").write_bytes(b"video")
    (tmp_path / "w" / "muster.toml").write_text(SETTINGS)
    PeopleStore(tmp_path / "w" / "people.csv").put(Person("E1", "Ann Lee"))
    return tmp_path / "w"


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command line of the process that the command turns into."""
    line: list[str] = []

    def execve(_path: str, arguments: list[str], _environment: dict[str, str]) -> None:
        line.extend(arguments)
        raise Started

    monkeypatch.setattr("os.execve", execve)
    return line


def run(*arguments: str | Path, workspace: Path, stdin: str = "") -> Answer:
    return muster("kiosk", *arguments, "--workspace", workspace, stdin=stdin)


# --------------------------------------------------------------------------------------------- starting


def test_the_only_camera_with_a_source_is_the_kiosks_and_pairing_is_explained(
    place: Path, port: int, became: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Started):
        kiosk.start_kiosk(place, None, None, "127.0.0.1", port)
    assert became == [
        sys.executable,
        "-m",
        "app.kiosk",
        str(place),
        "entrance",
        str(place / "demo" / "entrance.mp4"),
        "127.0.0.1",
        str(port),
    ]
    told = capsys.readouterr().out
    assert f"http://127.0.0.1:{port}" in told
    assert "`muster kiosk pair` prints" in told


def test_with_a_paired_screen_nothing_is_explained(
    place: Path, port: int, became: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    bench = Workbench(place)
    bench.kiosk.pair("door", SCREEN_SCOPES, author="")
    with pytest.raises(Started):
        kiosk.start_kiosk(place, "entrance", None, "0.0.0.0", port)
    told = capsys.readouterr().out
    assert f"http://127.0.0.1:{port}" in told
    assert "pair NAME" not in told
    bench.kiosk.revoke("door", author="")
    with pytest.raises(Started):
        kiosk.start_kiosk(place, "entrance", None, "127.0.0.1", port)
    assert "kiosk pair" in capsys.readouterr().out
    assert became[5:7] == [str(place / "demo" / "entrance.mp4"), "0.0.0.0"]


@pytest.mark.parametrize("source", ["0", "rtsp://10.0.0.5/stream", "http://10.0.0.5/video"])
def test_live_sources_are_handed_on_as_they_are(place: Path, port: int, became: list[str], source: str) -> None:
    with pytest.raises(Started):
        kiosk.start_kiosk(place, " back\tdoor ", source, "127.0.0.1", port)
    assert became[4:6] == ["back door", source]


def test_a_file_of_the_command_is_taken_from_here_and_one_of_the_settings_from_the_workspace(
    place: Path, port: int, became: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.parent)
    (place.parent / "here.mp4").write_bytes(b"video")
    with pytest.raises(Started):
        kiosk.start_kiosk(Path("w"), None, "here.mp4", "127.0.0.1", port)
    assert became[3:6] == [str(place), "entrance", str(place.parent / "here.mp4")]
    for source in ("entrance.mp4", "demo/entrance.mp4"):  # there, but not from here
        with pytest.raises(InputError, match="no such file"):
            kiosk.start_kiosk(Path("w"), None, source, "127.0.0.1", port)


@pytest.mark.parametrize(
    ("settings", "camera", "source", "told"),
    [
        ("", None, None, "--camera NAME"),
        ("", None, "0", "--camera NAME"),
        (SETTINGS + 'source = "1"\n', None, None, "entrance, yard"),
        (SETTINGS, "yard", None, "no source for camera yard"),
        (SETTINGS, "elsewhere", None, "no source for camera elsewhere"),
        (SETTINGS, "entrance", "", "no source for camera entrance"),
        (SETTINGS, "entrance", "gone.mp4", "gone.mp4: no such file"),
        (SETTINGS.replace("entrance.mp4", "gone.mp4"), None, None, "gone.mp4: no such file"),
        (SETTINGS, " \x1b\u200b", "0", "camera's name is empty"),
        (SETTINGS, "x" * 65, "0", "65 characters"),
    ],
)
def test_what_cannot_be_is_told_before_anything_starts(
    place: Path, became: list[str], port: int, settings: str, camera: str | None, source: str | None, told: str
) -> None:
    (place / "muster.toml").write_text(settings)
    with pytest.raises(InputError) as error:
        kiosk.start_kiosk(place, camera, source, "127.0.0.1", port)
    assert told in str(error.value)
    assert became == []


def test_a_port_that_is_taken_is_told_in_one_line(place: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = run("--port", str(taken.getsockname()[1]), workspace=place)
    assert answer.code == 4
    assert "choose another --port" in answer.err
    assert len(answer.err.splitlines()) == 1


def test_options_before_a_subcommand_are_refused_and_never_passed_over(place: Path) -> None:
    answer = muster("kiosk", "--workspace", place, "pair", "door", cwd=place.parent)
    assert answer.code == 4
    assert "kiosk pair … --workspace" in answer.err
    assert not (place / "devices.json").exists()
    assert not (place.parent / "data").exists()


# --------------------------------------------------------------------------------------------- devices


def test_a_screen_is_paired_by_a_link_that_is_good_once_listed_without_its_hash_and_revoked(place: Path) -> None:
    asked = run("pair", "front door", "--port", "9000", "--author", "sam", workspace=place)
    assert asked.code == 0, asked.err
    (link,) = [word for word in asked.out.split() if word.startswith("http")]
    address, _, code = link.partition("/?pair=")
    assert address == "http://127.0.0.1:9000"
    assert "muster_" not in asked.out
    assert "link until" in run("devices", workspace=place).out
    desk = Workbench(place).kiosk
    device, token = desk.admit(code) or pytest.fail("the link is not good")
    assert desk.admit(code) is None
    assert (device.name, device.scopes, device.author) == ("front door", SCREEN_SCOPES, "sam")

    listed = run("devices", workspace=place)
    assert all(word in listed.out for word in ("front door", device.device_id, "screen, status, pin", "paired"))
    everything = listed.out + run("devices", "--json", workspace=place).out
    assert device.hash not in everything
    assert token not in everything

    assert run("revoke", "front door", workspace=place).code == 0
    assert DeviceBook(place / "devices.json").check(token) is None
    (row,) = json.loads(run("devices", "--json", workspace=place).out)
    usual = {"device_id", "name", "scopes", "created_at", "author", "revoked_at"}
    assert row.keys() == usual | {"code_until", "used_on"}
    assert row["revoked_at"] > row["created_at"][:10]
    again = run("revoke", "front door", workspace=place)
    assert (again.code, len(again.error_lines)) == (4, 1)
    audit = (place / "log" / "audit.csv").read_text()
    assert all(word in audit for word in ("invite_device", "pair_device", "revoke_device", "sam"))
    assert token not in audit
    assert code not in audit


def test_another_program_gets_a_token_and_no_link(place: Path) -> None:
    scopes = ("--scope", "attendance", "--scope", "recognise")
    answer = run("pair", "turnstile", *scopes, workspace=place)
    assert "Authorization: Bearer muster_" in answer.out
    assert "http" not in answer.out
    paired = json.loads(run("pair", "second", *scopes, "--json", workspace=place).out)
    assert paired.keys() == {"device_id", "name", "scopes", "token"}
    assert paired["scopes"] == ["attendance", "recognise"]
    screen = json.loads(run("pair", "third", "--host", "::1", "--json", workspace=place).out)
    assert screen.keys() == {"device_id", "name", "scopes", "link", "code", "until"}
    assert screen["link"] == f"http://[::1]:8502/?pair={screen['code']}"
    wall = json.loads(run("pair", "second", "--scope", "screen", "--token", "--replace", "--json", workspace=place).out)
    book = DeviceBook(place / "devices.json")
    assert book.check(paired["token"]) is None
    assert book.check(wall["token"]) is not None


def test_links_name_the_kiosks_that_run(place: Path) -> None:
    (place / "log").mkdir()
    behind = ServedKiosk("yard", "127.0.0.1", 9000, address="https://muster.example.com/yard")
    with telling(place, ServedKiosk("entrance", "127.0.0.1", 8600, secure=True)), telling(place, behind):
        until(lambda: len(kiosks(place)) == 2)
        found = json.loads(run("pair", "--json", workspace=place).out)
        assert found["link"] == f"https://127.0.0.1:8600/?pair={found['code']}"
        told = " ".join(run("pair", "wall", workspace=place).out.split())
        assert "https://127.0.0.1:8600/?pair=" in told
        assert "https://muster.example.com/yard/?pair=" in told
        own = json.loads(run("pair", "other", "--port", "8700", "--json", workspace=place).out)
        assert own["link"].startswith("http://127.0.0.1:8700/")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["pair", "door", "--scope", "root"], "screen, status, attendance, recognise, pin, metrics"),
        (["pair", " "], "name is empty"),
        (["revoke", "door"], "muster kiosk devices"),
        (["pin", "E9"], "nobody is known as E9"),
        (["pin", "E1", "--remove"], "has no PIN"),
        (["pin", "E1", "--remove", "--pin-stdin"], "--remove takes no PIN"),
        (["pin", "E1", "--pin-stdin"], "6 to 12 digits"),
    ],
)
def test_what_cannot_be_is_one_line_and_changes_nothing(place: Path, arguments: list[str], told: str) -> None:
    answer = run(*arguments, workspace=place)
    assert answer.code == 4
    assert told in answer.err
    assert answer.err.count("\n") == 1
    assert [path.name for path in place.glob("*.json")] == []
    assert not (place / "log" / "audit.csv").exists()


# --------------------------------------------------------------------------------------------- PINs


def test_a_pin_is_made_up_and_told_once_or_read_and_not_told_and_taken_away(place: Path) -> None:
    bench = Workbench(place)
    made = run("pin", "E1", "--author", "sam", workspace=place)
    assert made.code == 0, made.err
    pin = made.out.split("PIN ")[1].split(",")[0]
    assert bench.pins.check("E1", pin, bench.clock())

    chosen = run("pin", "E1", "--pin-stdin", workspace=place, stdin="482913\n")
    assert chosen.code == 0, chosen.err
    assert "482913" not in chosen.out
    assert bench.pins.check("E1", "482913", bench.clock())

    assert run("pin", "E1", "--remove", workspace=place).code == 0
    assert not PinBook(place / "pins.json").any()
    notes = [(row.author, row.action, row.subject) for row in bench.audit.read() if row.action != "seal_files"]
    assert notes == [("sam", "set_pin", "E1"), ("", "set_pin", "E1"), ("", "remove_pin", "E1")]
    assert pin not in (place / "log" / "audit.csv").read_text()
