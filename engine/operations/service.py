"""The systemd unit that runs a site from the machine's start on, with as few rights as it needs."""

from __future__ import annotations

import grp
import itertools
import os
import pwd
import shutil
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import InputError
from engine.models import cache_dir
from engine.storage import atomic_write, storage_errors
from engine.storage.logs import key_folder

COMMAND = "serve"
"""What the unit runs."""
_HOMES = ("/home", "/root", "/run/user")
_STATE, _CACHE = Path("/var/lib/muster"), Path("/var/cache/muster")
_HARDENED = """\
NoNewPrivileges=yes
ProtectSystem=strict
PrivateTmp=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
# no MemoryDenyWriteExecute: numba compiles the detector's inner loops while it runs
# webcams only, of all devices
DevicePolicy=closed
DeviceAllow=char-video4linux rw
UMask=0027
"""


@dataclass(frozen=True)
class Service:
    """What a unit runs.

    Attributes:
        workspace: folder; absolute.
        words: command and its options, such as `("serve", "--port", "8501")`; the workspace is added.
        account: login that runs it; empty: the unit is the user's own.
        name: of the unit, without `.service`.
    """

    workspace: Path
    words: tuple[str, ...]
    account: str = ""
    name: str = "muster"

    @property
    def path(self) -> Path:
        """Where the unit belongs."""
        if self.account:
            return Path("/etc/systemd/system") / f"{self.name}.service"
        config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
        return Path(config).expanduser() / "systemd" / "user" / f"{self.name}.service"

    @property
    def keys(self) -> Path:
        """The folder of keys that the service uses: this user's, unless it runs under another login."""
        return key_folder().absolute() if self._own() else _STATE / "keys"

    @property
    def cache(self) -> Path:
        """The folder of models."""
        return cache_dir().absolute() if self._own() else _CACHE

    def _own(self) -> bool:
        return not self.account or self.account == pwd.getpwuid(os.getuid()).pw_name

    def text(self) -> str:
        """The unit.

        Raises:
            InputError: no program `muster` is installed here, or there is no such login.
        """
        program = _program()
        command = [str(program), *self.words, "--workspace", str(self.workspace)]
        folders = [self.workspace, self.keys, self.cache]
        homes = any(
            str(each).startswith(_HOMES) for each in (*folders, program, Path(sys.prefix), Path(sys.base_prefix))
        )
        lines = [
            "[Unit]",
            f"Description=Muster, attendance and entrance security, in {_escaped(str(self.workspace))}",
            "Wants=network-online.target",
            "After=network-online.target",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            "Type=exec",
            f"ExecStart={' '.join(_quoted(each) for each in command)}",
            *(["ExecReload=/bin/kill -HUP $MAINPID"] if self.words[:1] == (COMMAND,) else []),
            "Restart=on-failure",
            "RestartSec=5",
            "TimeoutStopSec=60",
            "KillMode=mixed",
            "LimitNOFILE=65536",
            f"WorkingDirectory={_escaped(str(self.workspace))}",
            f"Environment={_quoted(f'MUSTER_KEYS={self.keys}')} {_quoted(f'MUSTER_CACHE={self.cache}')} PYTHONUNBUFFERED=1",
            *self._identity(),
            f"ReadWritePaths={' '.join(_quoted(str(each)) for each in folders)}",
            # paths of the service below a home stay readable, and those above writable
            f"ProtectHome={'read-only' if homes else 'yes'}",
            _HARDENED.rstrip(),
            "",
            "[Install]",
            f"WantedBy={'multi-user.target' if self.account else 'default.target'}",
        ]
        return "\n".join(lines) + "\n"

    def _identity(self) -> list[str]:
        if not self.account:
            return ["PrivateUsers=yes"]  # without it a user's own manager cannot restrict what is seen of the system
        try:
            group = grp.getgrgid(pwd.getpwnam(self.account).pw_gid).gr_name
        except KeyError as error:
            raise InputError(
                f"there is no login {self.account!r}",
                hint=f"create it: useradd --system --home-dir {_STATE} --shell /usr/sbin/nologin {self.account}",
            ) from error
        video = ["SupplementaryGroups=video"] if any(each.gr_name == "video" for each in grp.getgrall()) else []
        state = [] if self._own() else ["StateDirectory=muster", "StateDirectoryMode=0700", "CacheDirectory=muster"]
        low = any(
            before == "--port" and after.isdigit() and int(after) < 1024
            for before, after in itertools.pairwise(self.words)
        )
        right = "CAP_NET_BIND_SERVICE" if low else ""
        return [
            f"User={self.account}",
            f"Group={group}",
            *video,
            *state,
            f"CapabilityBoundingSet={right}",
            f"AmbientCapabilities={right}",
        ]

    def write(self) -> Path:
        """Write the unit to its place, and make the folders that it writes into; return the place.

        Raises:
            InputError: see `text`.
            StorageError: they cannot be written.
        """
        text = self.text()
        folders = [self.workspace, *([self.keys, self.cache] if self._own() else [])]
        for each in folders:
            with storage_errors(each):
                each.mkdir(parents=True, exist_ok=True)
        atomic_write(self.path, text.encode(), mode=0o644)
        return self.path

    def closed(self) -> list[Path]:
        """Folders that the service must go through to Python, to Muster or to the workspace, and may not (ACLs are not read)."""
        if self._own():
            return []
        person = pwd.getpwnam(self.account)
        groups = os.getgrouplist(self.account, person.pw_gid)
        wanted = (_program(), Path(sys.executable).resolve(), self.workspace)
        above = dict.fromkeys(parent for each in wanted for parent in reversed(each.absolute().parents))
        shut = [each for each in above if each.exists() and not _may_enter(each.stat(), person.pw_uid, groups)]
        return [each for each in shut if not set(each.parents) & set(shut)]

    def next_commands(self) -> Sequence[str]:
        """What makes systemd start it, now and with the machine."""
        if self.account:
            owned = [] if self._own() else [f"chown -R {self.account}: {self.workspace}"]
            return [*owned, "systemctl daemon-reload", f"systemctl enable --now {self.name}"]
        return [
            "systemctl --user daemon-reload",
            f"systemctl --user enable --now {self.name}",
            "loginctl enable-linger",
        ]


def _may_enter(folder: os.stat_result, uid: int, groups: Sequence[int]) -> bool:
    if uid in (0, folder.st_uid):
        return uid == 0 or bool(folder.st_mode & stat.S_IXUSR)
    return bool(folder.st_mode & (stat.S_IXGRP if folder.st_gid in groups else stat.S_IXOTH))


def _program() -> Path:
    beside = Path(sys.executable).with_name("muster")
    found = beside if beside.exists() else Path(shutil.which("muster") or "")
    if not found.is_file():
        raise InputError("there is no program `muster`", hint="install Muster, then run the command with its `muster`")
    return found.absolute()


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    """A word as systemd reads it."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{_escaped(plain)}"' if set(plain) & set(" \t\"'\\;$") or not plain else _escaped(plain)
