"""Where kiosks are, as their servers tell it, and how browsers reach them."""

from __future__ import annotations

from pathlib import Path

import pytest
from waiting import until

from engine.config import Config
from engine.operations.kiosks import ServedKiosk, kiosks, served_as, telling
from engine.operations.reach import Reach

DIRECT = ServedKiosk("door", "0.0.0.0", 8502)
HERE = ServedKiosk("door", "127.0.0.1", 8502)
BELOW = ServedKiosk("door", "127.0.0.1", 8502, root_path="/door")


@pytest.mark.parametrize(
    ("kiosk", "page", "expected"),
    [
        (HERE, "http://127.0.0.1:8501/settings", "http://127.0.0.1:8502"),
        (HERE, "http://localhost:8501/", "http://localhost:8502"),
        (ServedKiosk("door", "127.0.0.1", 9000, secure=True), "https://localhost:8501/", "https://localhost:9000"),
        (DIRECT, "http://site.example.com:8501/", "http://site.example.com:8502"),
        (DIRECT, "http://[2001:db8::7]:8501/", "http://[2001:db8::7]:8502"),
        (
            ServedKiosk("door", "0.0.0.0", 8502, secure=True),
            "https://site.example.com/",
            "https://site.example.com:8502",
        ),
        (ServedKiosk("door", "192.0.2.7", 8502), "http://192.0.2.7:8501/", "http://192.0.2.7:8502"),
        (BELOW, "https://muster.example.com/muster/settings", "https://muster.example.com/door"),
        (BELOW, "http://127.0.0.1:8501/muster/", "http://127.0.0.1:8502/door"),
        (HERE, "https://muster.example.com/", ""),
        (HERE, "", "http://127.0.0.1:8502"),
        (HERE, "https://[broken", "http://127.0.0.1:8502"),
        (ServedKiosk("door", "127.0.0.1", 1, address="https://d.test/x"), "http://a.test/", "https://d.test/x"),
    ],
)
def test_a_link_is_the_address_at_which_the_browser_reaches_the_kiosk(
    kiosk: ServedKiosk, page: str, expected: str
) -> None:
    assert kiosk.seen_from(page) == expected


def test_settings_name_the_address_and_with_it_the_path() -> None:
    config = Config.model_validate({"cameras": {"door": {"kiosk_address": "https://muster.example.com/door/"}}})
    kiosk = served_as(config, "door", "127.0.0.1", 8502, Reach())
    assert (kiosk.address, kiosk.root_path) == ("https://muster.example.com/door", "/door")
    assert served_as(config, "door", "127.0.0.1", 8502, Reach(root_path="/own")).root_path == "/own"
    assert served_as(config, "other", "127.0.0.1", 8502, Reach("self-signed")).secure


@pytest.mark.parametrize("text", ["door.example.com", "ftp://door", "https://door/?pair=1", "https://a@b/", "https://"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="kiosk_address"):
        Config.model_validate({"cameras": {"door": {"kiosk_address": text}}})


def test_kiosks_are_known_while_they_run(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    second = ServedKiosk("back / door", "0.0.0.0", 8500, secure=True, root_path="/x")
    assert kiosks(tmp_path) == []
    with telling(tmp_path, HERE), telling(tmp_path, second):
        until(lambda: kiosks(tmp_path) == [second, HERE], 5)
    assert kiosks(tmp_path) == []
    (tmp_path / "log" / "kiosk-door.json").write_text('{"camera": "door", "colour": "red"}')
    assert kiosks(tmp_path) == []
