"""The systemd unit: what it runs, with which rights, and that systemd takes it."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from command import muster

from engine.errors import InputError
from engine.operations.service import COMMAND, Service

ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with an odd name, and a configuration of this user."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("MUSTER_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("MUSTER_CACHE", str(tmp_path / "cache"))
    place = tmp_path / '100% of $my "data"'
    place.mkdir()
    return place


def settings(text: str) -> list[tuple[str, str]]:
    """Names and values of a unit."""
    lines = (line for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed: apt-get install systemd")
@pytest.mark.parametrize("account", ["", ME, "daemon"])
def test_systemd_takes_the_unit(folder: Path, account: str) -> None:
    service = Service(folder, (COMMAND, "--port", "443", "--host", "0.0.0.0"), account)
    unit = folder.parent / f"{service.name}.service"
    unit.write_text(service.text())
    manager = ["--user"] if not account else []
    checked = subprocess.run(
        ["systemd-analyze", *manager, "verify", "--man=no", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder.parent)},
        timeout=60,
        check=False,
    )
    own = [line for line in checked.stderr.splitlines() if unit.name in line]
    assert (checked.returncode, own) == (0, []), checked.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed: apt-get install systemd")
def test_the_unit_exposes_little(folder: Path) -> None:
    unit = folder.parent / "muster.service"
    unit.write_text(Service(folder, (COMMAND,), ME).text().replace(f"User={ME}", "User=nobody"))
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=35", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stdout[-300:] + told.stderr


def test_what_the_unit_may_write_is_named(folder: Path) -> None:
    found = dict(settings(Service(folder, (COMMAND,), ME).text()))
    assert found["ProtectSystem"] == "strict"
    assert found["NoNewPrivileges"] == "yes"
    assert found["User"] == ME
    assert found["CapabilityBoundingSet"] == ""
    odd = str(folder).replace('"', '\\"').replace("%", "%%")
    assert f'"{odd}"'.replace("$", "$$") in found["ReadWritePaths"]
    assert str(folder.parent / "keys") in found["ReadWritePaths"]


def test_a_low_port_gives_one_right(folder: Path) -> None:
    found = dict(settings(Service(folder, (COMMAND, "--port", "443"), ME).text()))
    assert found["CapabilityBoundingSet"] == found["AmbientCapabilities"] == "CAP_NET_BIND_SERVICE"


def test_another_login_has_keys_and_models_of_its_own(folder: Path) -> None:
    text = Service(folder, (COMMAND,), "nobody").text()
    assert "MUSTER_KEYS=/var/lib/muster/keys" in text
    assert "StateDirectory=muster" in text


def test_the_command_writes_it_and_says_what_starts_it(folder: Path) -> None:
    printed = muster("service", "install", "--user", "--print", "--workspace", folder, "--", "--host", "0.0.0.0")
    assert printed.code == 0, printed.err
    written = muster("service", "install", "--user", "--workspace", folder, "--", "--host", "0.0.0.0")
    assert written.code == 0, written.err
    unit = folder.parent / "config" / "systemd" / "user" / "muster.service"
    assert unit.read_text() == printed.out
    assert stat.S_IMODE(unit.stat().st_mode) == 0o644
    assert "systemctl --user enable --now muster" in written.out
    assert "--host 0.0.0.0" in printed.out


def test_a_login_that_does_not_exist_is_told(folder: Path) -> None:
    with pytest.raises(InputError, match="useradd --system"):
        Service(folder, (COMMAND,), "nobody-of-that-name").text()
    wrong = muster("service", "install", "--user", "--name", "../x", "--workspace", folder)
    assert wrong.code == 4


def test_folders_that_its_login_may_not_enter_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a Python in the home of root, or a workspace in somebody's home."""
    closed = folder.parent / "home"
    (closed / "inner" / "data").mkdir(parents=True, mode=0o755)
    closed.chmod(0o700)
    service = Service(closed / "inner" / "data", (COMMAND,), "nobody")
    assert closed in service.closed() or any(each in closed.parents for each in service.closed())
    assert closed / "inner" not in service.closed(), "the outermost is enough"
    assert Service(closed / "inner" / "data", (COMMAND,), ME).closed() == []
    assert Service(closed / "inner" / "data", (COMMAND,)).closed() == []
    program = folder.parent / "muster"
    program.touch(mode=0o755)
    monkeypatch.setattr("sys.executable", "/usr/bin/python3")
    monkeypatch.setenv("PATH", str(folder.parent))
    assert [each for each in Service(Path("/srv/muster"), (COMMAND,), "nobody").closed() if "/usr" in str(each)] == []
