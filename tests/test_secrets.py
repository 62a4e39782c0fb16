"""No password and no token of the settings comes out: planted in every setting, right and wrong, and looked for in all that is said."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
import traceback
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import muster
from pages import bench_of, open_page, texts
from pydantic import BaseModel, SecretStr

from engine.config import Config, load_config
from engine.errors import ConfigError, InputError
from engine.incidents.notifications.channels import Channels, send_apprise
from engine.incidents.notifications.rules import targets
from engine.masking import HIDDEN, mask, mask_address, mask_process, mask_userinfo, remember
from engine.operations.doctor import examine
from engine.records.secret_keeping import secret_values, shown
from engine.sources import is_live, open_source

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
SECRET, TOKEN = "Zq7pass9xW", "tk5Vr2mQ81"
ADDRESSES = (
    f"rtsp://admin:{SECRET}@127.0.0.1:9/x?token={TOKEN}",
    f"RTSP://admin:{SECRET}@127.0.0.1:9/x",
    f"  rtsp://admin:{SECRET}@127.0.0.1:9/x",
    f"srt://127.0.0.1:9?passphrase={SECRET}",
    f"http://admin:a@{SECRET}/b@127.0.0.1:9/v.mjpg",
    f"mailtos://ann:{SECRET}@example.org?smtp=mail.example.org&token={TOKEN}",
    f"tgram://{SECRET}/{TOKEN}",
    f"postgresql+psycopg://muster:{SECRET}@127.0.0.1:9/muster",
)


def clean(text: str) -> bool:
    return SECRET not in text and TOKEN not in text


# ------------------------------------------------------------------------------------------------- every setting


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for each in typing.get_args(annotation) for model in _models(each)]


def _nested(annotation: Any, value: object) -> object:
    """The value as the setting holds it: sections by name in a table, several in a list."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _nested(typing.get_args(annotation)[0], value)
    return {"x": value} if origin is dict else [value] if origin in {tuple, list} else value


def _wrongs(model: type[BaseModel], name: str = "") -> Iterator[dict[str, object]]:
    """Settings that hold a secret each: in every setting, bare or in an address, and in one that is misspelt."""
    for key, field in model.model_fields.items():
        inner = _models(field.annotation)
        for each in inner:
            for planted in _wrongs(each, f"{name}.{key}"):
                yield {key: _nested(field.annotation, planted)}
        for value in (
            () if inner and typing.get_origin(field.annotation) is dict else (ADDRESSES[0], {"a": ADDRESSES[0]})
        ):
            yield {key: _nested(field.annotation, value)}
        if "SecretStr" in str(field.annotation):
            yield {key: _nested(field.annotation, SECRET)}
    for key in ("soruce", "pasword", "client_secert"):
        yield {key: SECRET if name else ADDRESSES[0]}


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


def test_no_wrong_setting_is_told_with_a_secret_in_it(tmp_path: Path) -> None:
    path, said = tmp_path / "muster.toml", list[tuple[str, object]]()
    for content in _wrongs(Config):
        path.write_text("".join(f"{json.dumps(key)} = {_toml(value)}\n" for key, value in content.items()))
        try:
            load_config(tmp_path)  # what is right is printed by nothing
        except ConfigError as error:
            said.append((str(error) + mask("".join(traceback.format_exception(error))), content))
    assert len(said) > 250
    assert not [content for text, content in said if not clean(text)]


@pytest.mark.parametrize(
    "content",
    [
        f'[app.oidc]\nclient_secret = "{SECRET}"\nmetadata_url = "https://x.example"\nbase_url = "https://y.example"',
        f'[cameras.gate]\nsoruce = "rtsp://admin:{SECRET}@cam/x"',
        f'[cameras.gate]\npassword = "{SECRET}"',
        f'[reports]\nmail_server = "{SECRET}"',
        f'timezone = "rtsp://admin:{SECRET}@cam"',
        f'store = "postgresql+psycopg://muster:{SECRET}/x@db/muster"',
    ],
)
def test_commands_complain_without_the_secret(content: str, tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text(content)
    for debug in ("", "1"):
        answer = muster("people", "--workspace", tmp_path, MUSTER_DEBUG=debug)
        assert answer.code
        assert answer.error_lines
        assert clean(answer.out + answer.err)


def test_what_a_user_mistypes_is_not_repeated(tmp_path: Path) -> None:
    for wrong in (
        ["watch", ADDRESSES[0]],
        ["app", "--port", ADDRESSES[0]],
        [ADDRESSES[0]],
        ["watch", "--sourc", SECRET],
    ):
        answer = muster(*wrong, cwd=tmp_path)
        assert answer.code == 2
        assert SECRET not in answer.out + answer.err or SECRET in wrong  # no address, so nothing tells that it is one


def test_the_environment_is_not_repeated_either(tmp_path: Path) -> None:
    for name in (
        "MUSTER_CAMERAS__GATE__SORUCE",
        "MUSTER_CAMERAS",
        "MUSTER_TIMEZONE",
        "MUSTER_APP__OIDC__CLIENT_SECRET",
    ):
        answer = muster("people", "--workspace", tmp_path, **{name: ADDRESSES[0]})
        assert (answer.code == 3) != ("did you mean MUSTER_CAMERAS__GATE__SOURCE?" in answer.err)
        assert clean(answer.out + answer.err)


# ------------------------------------------------------------------------------------------------- right settings

GOOD = f"""
[cameras.gate]
source = "{ADDRESSES[2]}"
[cameras.yard]
source = "{ADDRESSES[3]}"
[app.oidc]
metadata_url = "https://login.example/.well-known/openid-configuration"
client_id = "muster"
client_secret = "{SECRET}"
base_url = "https://muster.example"
[reports]
mail_server = "{ADDRESSES[5]}"
[[reports.scheduled]]
name = "weekly"
to = ["hr@example.org"]
[[notifications.rules]]
name = "night"
to = ["json://ann:{SECRET}@127.0.0.1:9/{TOKEN}"]
[[notifications.rules]]
name = "hook"
webhook = "http://127.0.0.1:9/services/{TOKEN}/{SECRET}?token={TOKEN}"
webhook_secret_file = "hook.key"
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    (tmp_path / "muster.toml").write_text(GOOD)
    (tmp_path / "hook.key").write_text(SECRET * 2)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ("doctor", "--json"),
        ("doctor", "--camera", ADDRESSES[1], "--camera", ADDRESSES[3]),
        ("watch", "--camera", "x", "--source", f"file://admin:{SECRET}@h/x"),
        ("kiosk", "--camera", "x", "--source", f"ftp://admin:{SECRET}@h/x"),
        ("notify", "test", "night"),
        ("notify", "test", "hook"),
        ("report", "send", "weekly", "--now"),
        ("store", "check"),
    ],
    ids=" ".join,
)
@pytest.mark.models
def test_no_command_prints_a_secret_of_the_settings(words: tuple[str, ...], good: Path) -> None:
    quick = {"MUSTER_SOURCES__OPEN_TIMEOUT_S": "0.3", "MUSTER_SOURCES__STALL_TIMEOUT_S": "0.3"}
    answer = muster(*words, "--workspace", good, **quick)
    assert answer.out + answer.err
    assert clean(answer.out + answer.err)


def test_no_page_shows_a_secret_of_the_settings(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench_of(good, monkeypatch)
    for part in ("cameras", "workspace", "audit", "users"):
        page = open_page("system", workbench.workspace, monkeypatch, "admin", query={"part": part})
        assert not page.exception
        assert clean(texts(page))
    assert clean(json.dumps([check.line + check.what for check in examine(good, thorough=False)]))


@pytest.mark.parametrize("address", ADDRESSES[:5])
@pytest.mark.parametrize("blank", ["", " ", "\t", "\u00a0"])
def test_the_settings_page_hides_the_password_of_a_camera_and_keeps_it(address: str, blank: str) -> None:
    path = ("cameras", "gate", "source")
    assert clean(str(shown(path, blank + address)))
    assert any(SECRET in each for each in secret_values(path, blank + address))


def test_a_failed_delivery_is_told_without_the_address(good: Path) -> None:
    config = load_config(good)
    address = config.notifications.rules[0].to[0]
    assert clean(send_apprise(address, "a title", "a text").detail)
    for rule in config.notifications.rules:
        assert clean(repr(rule) + rule.model_dump_json() + repr(targets(rule)))
    assert clean(repr(Channels(good, config.notifications, clock=lambda: None)))  # type: ignore[arg-type,return-value]


# ---------------------------------------------------------------------------------------------------------- logs


def test_log_records_of_any_library_and_their_tracebacks_are_masked(
    good: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, hook, thread_hook = logging.getLogRecordFactory(), sys.excepthook, __import__("threading").excepthook
    config = load_config(good)
    assert config.app.oidc is not None
    assert isinstance(config.app.oidc.client_secret, SecretStr)
    mask_process()
    try:
        with caplog.at_level(logging.INFO):
            logging.getLogger("other.library").info("connecting to %s", ADDRESSES[0])
            logging.getLogger("other.library").info("the bare %s, quoted by a library", SECRET)
            try:
                raise OSError(f"cannot open {ADDRESSES[1]}")
            except OSError:
                logging.getLogger("other.library").exception("failed")
            logging.getLogger("plain").info("%s of %d", "5", 7)
    finally:
        logging.setLogRecordFactory(before)
        sys.excepthook, __import__("threading").excepthook = hook, thread_hook
    assert "127.0.0.1:9" in caplog.text
    assert "Traceback" in caplog.text
    assert "5 of 7" in caplog.text
    assert clean(caplog.text)


# ------------------------------------------------------------------------------------------------- command lines


def _lines(pid: int) -> list[str]:
    """Command lines of a process and all below it, as everybody may read them."""
    found, parents = {}, {}
    for each in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            parents[int(each.name)] = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            found[int(each.name)] = (each / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    wanted = {pid}
    while more := {child for child, parent in parents.items() if parent in wanted} - wanted:
        wanted |= more
    return [found[each] for each in wanted if each in found]


@pytest.mark.models
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads /proc")
@pytest.mark.parametrize(
    ("words", "child"),
    [
        (("watch", "--camera", "gate", "--source", ADDRESSES[0]), "multiprocessing"),
        (("kiosk", "--camera", "gate", "--source", ADDRESSES[0], "--port", "18711"), "app.kiosk"),
        (("app", "--kiosk", "gate", "--port", "18712", "--kiosk-port", "18713"), "app.kiosk"),
    ],
    ids=["watch", "kiosk", "app"],
)
def test_the_process_list_shows_no_password_of_a_camera(words: tuple[str, ...], child: str, good: Path) -> None:
    command = [sys.executable, "-c", "from engine.cli import main; main()", *words, "--workspace", str(good)]
    with (good / "said").open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        until, lines = time.monotonic() + 60, list[str]()
        while time.monotonic() < until and not any(child in line for line in lines):
            assert process.poll() is None, (good / "said").read_text()
            time.sleep(0.05)
            lines = _lines(process.pid)
        assert any(child in line for line in lines), lines
        assert clean(" ".join(lines)), lines
        if child == "app.kiosk":
            assert any(HIDDEN in line for line in lines), lines
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()
    assert clean((good / "said").read_text())


# -------------------------------------------------------------------------------------------------------- the look


def test_a_host_alone_is_no_secret_whatever_names_it() -> None:
    remember(
        {
            "notifications": {
                "mail_server": "smtp://mail.example.org:25",
                "to": ["mailtos://ann:s3cret-pw@example.org?smtp=192.0.2.77&pass=other.secret"],
                "webhook": "http://192.0.2.78",
            }
        }
    )
    kept = "mail.example.org:25 and 192.0.2.77 and http://192.0.2.78:80 answer"
    assert mask(kept) == kept
    assert mask("s3cret-pw other.secret") == "••• •••"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("camera rtsp://admin:s3@cr/et@10.0.0.7/a delivers", "camera rtsp://•••@10.0.0.7/a delivers"),
        ("/w/RTSP:/admin:pw@cam/x: no such file", "/w/RTSP:/•••@cam/x: no such file"),
        ("'rtsp://admin:s3cr…", "'rtsp://•••"),
        ("postgresql+psycopg://u:pw@h/d?sslmode=require", "postgresql+psycopg://u:•••@h/d?sslmode=require"),
        ("mailtos://ann:pw@example.org", "mailtos://•••"),
        ("password = 'a b', user = x", "password = •••, user = x"),
        ('{"api_key": "abc", "n": 1}', '{"api_key": •••, "n": 1}'),
        ("Authorization: Bearer abcdef123", "Authorization: Bearer •••"),
        ("http://127.0.0.1:8501 · stop it", "http://127.0.0.1:8501 · stop it"),
        ("http://[::1]:8501/x", "http://[::1]:8501/x"),
        ("unknown key: name; the token is old", "unknown key: name; the token is old"),
        ("slack://… (number 1 of its kind)", "slack://… (number 1 of its kind)"),
        ("set seal_key, or 10:30/11:40", "set seal_key, or 10:30/11:40"),
    ],
)
def test_messages_keep_all_but_the_secret(text: str, shown: str) -> None:
    assert mask(text) == shown
    assert mask(shown) == shown
    assert str(InputError(text)) == shown


def test_results_keep_links_and_tokens_that_are_meant_to_be_read() -> None:
    link = "http://127.0.0.1:8502/?pair=abcdef"
    assert mask_userinfo(link) == link
    assert mask_userinfo("Authorization: Bearer abcdef") == "Authorization: Bearer abcdef"
    assert mask_userinfo("rtsp://a:b@cam/x") == "rtsp://•••@cam/x"
    assert mask_address(" admin:pw@cam/x?a=1") == "•••@cam/x?a=•••"


@pytest.mark.parametrize("address", [*ADDRESSES[:5], "https://cam/x", "0", "/dev/video1"])
def test_addresses_of_cameras_are_told_in_any_case_and_with_blanks(address: str) -> None:
    assert is_live(address)
    opened = open_source(address, "gate", Config().sources)
    assert type(opened).__name__ == "LiveSource"
    opened.close()
    assert not is_live("videos/rtsp.mp4")


@pytest.mark.parametrize("text", ["a-" * 8000 + " =", "a." * 16_000 + " :/", "http://h/?" + "a" * 32_000])
def test_a_long_text_is_masked_at_once(text: str) -> None:
    began = time.perf_counter()
    mask(text)
    assert time.perf_counter() - began < 1, "each message and log record passes here, whoever chose its words"


def test_the_number_of_a_machine_is_no_secret_wherever_an_address_is_cut() -> None:
    remember({"source": "rtsp://ann:Kw3-7pass@127.0.0.1/live@home?next=http://127.0.0.1:9/Kw3-7path"})
    assert mask("http://127.0.0.1:8501 · stop it") == "http://127.0.0.1:8501 · stop it"
    assert "Kw3-7pass" not in mask("the bare Kw3-7pass")
