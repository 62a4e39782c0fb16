"""Settings: defaults, then the file, then the environment; every mistake is one line that names it."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pydantic
import pytest

from engine.config import CONFIG_NAME, Config, load_config
from engine.errors import ConfigError


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """The settings file of an empty workspace."""
    return tmp_path / CONFIG_NAME


DEFAULTS = Config().model_dump()


def refusal(workspace: Path) -> str:
    """The line that a wrong setting is refused with."""
    with pytest.raises(ConfigError) as caught:
        load_config(workspace)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_an_empty_workspace_has_the_defaults(tmp_path: Path) -> None:
    config = load_config(tmp_path)
    assert config.model_dump() == DEFAULTS
    assert config.zone == ZoneInfo("UTC")
    assert config.matching.threshold is None


def test_a_missing_workspace_has_the_defaults(tmp_path: Path) -> None:
    assert load_config(tmp_path / "nowhere").model_dump() == DEFAULTS


def test_an_empty_file_has_the_defaults(toml: Path) -> None:
    toml.write_text("")
    assert load_config(toml.parent).model_dump() == DEFAULTS


def test_the_file_beats_the_defaults(toml: Path) -> None:
    toml.write_text('timezone = "Europe/Berlin"\n[events]\ncool_down_s = 120\ntailgating = false\n')
    config = load_config(toml.parent)
    assert config.zone == ZoneInfo("Europe/Berlin")
    assert (config.events.cool_down_s, config.events.tailgating) == (120, False)
    assert config.events.episode_gap_s == Config().events.episode_gap_s
    assert config.voting == Config().voting


def test_the_environment_beats_the_file_and_leaves_its_other_keys(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml.write_text("[events]\ncool_down_s = 120\nepisode_gap_s = 7\n[voting]\nwindow = 9\n")
    monkeypatch.setenv("MUSTER_EVENTS__COOL_DOWN_S", "600")
    config = load_config(toml.parent)
    assert (config.events.cool_down_s, config.events.episode_gap_s, config.voting.window) == (600, 7, 9)


def test_the_environment_alone_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_TIMEZONE", "Asia/Tokyo")
    monkeypatch.setenv("MUSTER_SOURCES__BACKOFF_S", "[1.0, 2.0]")
    config = load_config(tmp_path)
    assert config.zone == ZoneInfo("Asia/Tokyo")
    assert config.sources.backoff_s == (1.0, 2.0)


def test_a_camera_of_the_environment_is_turned_and_one_without_settings_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_CAMERAS__DOOR__ROTATE", "180")
    config = load_config(tmp_path)
    assert (config.camera("door").rotate, config.camera("yard").rotate) == (180, 0)


def test_the_passphrase_of_backups_is_no_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_PASSPHRASE", "a passphrase of the tests")
    assert load_config(tmp_path).model_dump() == Config().model_dump()


def test_arguments_beat_the_environment(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml.write_text("[events]\nepisode_gap_s = 7\n")
    monkeypatch.setenv("MUSTER_EVENTS__COOL_DOWN_S", "600")
    config = load_config(toml.parent, events={"cool_down_s": 5})
    assert (config.events.cool_down_s, config.events.episode_gap_s) == (5, 7)


def test_other_variables_of_the_product_are_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_WORKSPACE", str(tmp_path))
    assert load_config(tmp_path).model_dump() == DEFAULTS


def test_the_mark_of_windows_editors_does_no_harm(toml: Path) -> None:
    toml.write_text('timezone = "Europe/Berlin"\n', encoding="utf-8-sig")
    assert load_config(toml.parent).timezone == "Europe/Berlin"
    toml.write_text("", encoding="utf-8-sig")
    assert load_config(toml.parent).model_dump() == DEFAULTS


def test_two_workspaces_do_not_share_settings(tmp_path: Path) -> None:
    for name, seconds in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / CONFIG_NAME).write_text(f"[events]\ncool_down_s = {seconds}\n")
    assert [load_config(tmp_path / name).events.cool_down_s for name in ("one", "two")] == [1, 2]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param("[evnets]\ncool_down_s = 1\n", "evnets", id="unknown section"),
        pytest.param("[events]\ncooldown = 1\n", "events.cooldown", id="unknown key"),
        pytest.param('[events]\ncool_down_s = "long"\n', "events.cool_down_s", id="word for a number"),
        pytest.param("[voting]\nwindow = 4.5\n", "voting.window", id="fraction for a count"),
        pytest.param("events = 3\n", "events", id="number for a section"),
        pytest.param("timezone = 3\n", "timezone", id="number for a zone"),
        pytest.param("[events]\ncool_down_s = -1\n", "events.cool_down_s", id="below the range"),
        pytest.param("[matching]\nthreshold = 1.5\n", "matching.threshold", id="above the range"),
        pytest.param('[runtime]\nbackend = "tpu"\n', "runtime.backend", id="unknown choice"),
        pytest.param("[cameras.door]\nrotate = 45\n", "cameras.door.rotate", id="no quarter turn"),
        pytest.param("[sources]\nbackoff_s = [1.0]\n", "sources.backoff_s", id="one value for a pair"),
        pytest.param('timezone = "Mars/Olympus"\n', "timezone", id="no such zone"),
        pytest.param('timezone = "../../etc/passwd"\n', "timezone", id="zone that is a path"),
        pytest.param('timezone = ""\n', "timezone", id="empty zone"),
        pytest.param('timezone = "Europe"\n', "timezone", id="zone that is a folder"),
    ],
)
def test_a_wrong_setting_in_the_file_is_named(toml: Path, content: str, named: str) -> None:
    toml.write_text(content)
    text = refusal(toml.parent)
    assert named in text
    assert str(toml) in text


@pytest.mark.parametrize(("value", "accepted"), [("0.5", False), ("0.51", True), ("1", True), ("1.01", False)])
def test_a_bound_is_kept_exactly(toml: Path, value: str, accepted: bool) -> None:
    toml.write_text(f"[voting]\nmin_share = {value}\n")
    if accepted:
        assert load_config(toml.parent).voting.min_share == float(value)
    else:
        assert "voting.min_share" in refusal(toml.parent)


@pytest.mark.parametrize(
    "content",
    [
        b"[events\ncool_down_s = 1\n",
        b"cool_down_s",
        b"a = 1\na = 2\n",
        b'timezone = "\xff"\n',
        "[events]\n".encode("utf-16"),
    ],
    ids=["open bracket", "no value", "key twice", "not UTF-8", "UTF-16"],
)
def test_a_broken_file_is_named(toml: Path, content: bytes) -> None:
    toml.write_bytes(content)
    assert str(toml) in refusal(toml.parent)


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("MUSTER_EVENTS__COOL_DOWN_S", "soon", "events.cool_down_s"),
        ("MUSTER_EVENTS", '{"cooldown": 1}', "events.cooldown"),
        ("MUSTER_TIMEZONE", "Mars/Olympus", "timezone"),
        ("MUSTER_EVENTS", "5", "events"),
        ("MUSTER_EVENTS", "{", "events"),
        ("MUSTER_SOURCES__BACKOFF_S", "soon", "sources"),
        ("MUSTER_DETECTION__THRESHOLDS", "[0.6, 0.7", "detection"),
    ],
)
def test_a_wrong_setting_in_the_environment_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, named: str
) -> None:
    monkeypatch.setenv(variable, value)
    text = refusal(tmp_path)
    assert named in text
    assert "MUSTER_" in text


def test_settings_cannot_be_changed_afterwards(tmp_path: Path) -> None:
    config = load_config(tmp_path)
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        config.events.cool_down_s = 1
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        config.timezone = "Asia/Tokyo"
    assert config.model_dump() == DEFAULTS
