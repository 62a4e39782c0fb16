"""Variables of the environment that are no settings are named and ignored; what is a setting still counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import muster

from engine.config import CONFIG_NAME, Config, load_config
from engine.config import environment as named
from engine.config.environment import is_setting

KUBERNETES = {
    "MUSTER_PORT": "tcp://10.96.0.7:8501",
    "MUSTER_PORT_8501_TCP": "tcp://10.96.0.7:8501",
    "MUSTER_PORT_8501_TCP_ADDR": "10.96.0.7",
    "MUSTER_PORT_8501_TCP_PORT": "8501",
    "MUSTER_PORT_8501_TCP_PROTO": "tcp",
    "MUSTER_SERVICE_HOST": "10.96.0.7",
    "MUSTER_SERVICE_PORT": "8501",
    "MUSTER_SERVICE_PORT_HTTP": "8501",
    "MUSTER_APP_PORT": "tcp://10.96.0.8:8501",
    "MUSTER_KIOSK_SERVICE_HOST": "10.96.0.8",
}


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was named yet."""
    monkeypatch.setattr(named, "_named", set())


def test_a_service_of_kubernetes_stops_no_command(tmp_path: Path) -> None:
    (tmp_path / CONFIG_NAME).write_text('organisation = "Mill"\n')
    answer = muster("people", "--json", "--workspace", tmp_path, **KUBERNETES)
    assert (answer.code, json.loads(answer.out)["people"]) == (0, [])
    assert answer.err.count("\n") == 1
    assert "Kubernetes" in answer.err
    assert all(name in answer.err for name in KUBERNETES)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("MUSTER_EVENT__COOL_DOWN_S", "MUSTER_EVENTS__COOL_DOWN_S"),
        ("MUSTER_EVENTS_COOL_DOWN_S", "MUSTER_EVENTS__COOL_DOWN_S"),
        ("MUSTER_EVENTS__COOLDOWN_S", "MUSTER_EVENTS__COOL_DOWN_S"),
        ("MUSTER_TIME_ZONE", "MUSTER_TIMEZONE"),
        ("muster_timezon", "MUSTER_TIMEZONE"),
        ("MUSTER_WORKSPCE", "MUSTER_WORKSPACE"),
        ("MUSTER_CAMERAS__DOOR__ROTATION", "MUSTER_CAMERAS__DOOR__ROTATE"),
        ("MUSTER_CAMERA__DOOR__ROTATE", "MUSTER_CAMERAS__DOOR__ROTATE"),
        ("MUSTER_APP__OIDC__CLIENT_SECRETS", "MUSTER_APP__OIDC__CLIENT_SECRET"),
        ("MUSTER_HOLIDAY__COUNTRY", "MUSTER_HOLIDAYS__COUNTRY"),
    ],
)
def test_a_mistake_is_named_with_what_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, variable: str, meant: str
) -> None:
    monkeypatch.setenv(variable, "1")
    assert load_config(tmp_path).model_dump() == Config().model_dump()
    assert f"{variable} (did you mean {meant}?)" in caplog.text


def test_what_resembles_nothing_is_named_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MUSTER_XYZZY", "a value that stays where it is")
    load_config(tmp_path)
    assert "MUSTER_XYZZY →" in caplog.text
    assert "stays where it is" not in caplog.text


def test_a_variable_is_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MUSTER_XYZZY", "1")
    load_config(tmp_path)
    load_config(tmp_path)
    assert caplog.text.count("MUSTER_XYZZY") == 1


def test_the_products_own_variables_are_not_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in named.OTHERS:
        monkeypatch.setenv(f"MUSTER_{name}", "1")
    monkeypatch.setenv("MUSTER_EVENTS__COOL_DOWN_S", "600")
    monkeypatch.setenv("MUSTER_CAMERAS__DOOR__ROTATE", "180")
    assert load_config(tmp_path).events.cool_down_s == 600
    assert not caplog.text


@pytest.mark.parametrize(
    ("variable", "known"),
    [
        ("MUSTER_TIMEZONE", True),
        ("muster_events__tailgating", True),
        ("MUSTER_EVENTS", True),
        ("MUSTER_LEAVE__DUTY__PAID", True),
        ("MUSTER_APP__OIDC__LABEL", True),
        ("MUSTER_TIMEZONE__X", False),
        ("MUSTER_LEAVE__DUTY__NOTHING", False),
        ("MUSTER_LEAVE__", False),
        ("MUSTER_", False),
        ("MUSTER_APP__PROXIES__0", False),
    ],
)
def test_names_of_settings(variable: str, known: bool) -> None:
    assert is_setting(Config, variable) is known


def test_a_wrong_value_still_stops(tmp_path: Path) -> None:
    answer = muster("people", "--workspace", tmp_path, MUSTER_EVENTS__COOL_DOWN_S="soon")
    assert answer.code == 3
    assert "events.cool_down_s" in answer.err
