"""`python -m engine.operations.site WORKSPACE …`: the supervisor of `muster serve`, with the parts that the settings ask for."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from engine.access.sites import find_sites
from engine.config import Config, load_config
from engine.errors import InputError, MusterError
from engine.masking import mask_process
from engine.operations import logs
from engine.operations.beats import fresh
from engine.operations.reach import Reach, own_client
from engine.operations.standing import BEAT_S, Standing, forget_standing, standing, write_standing
from engine.operations.supervisor import Supervisor, WantedPart, signals
from engine.storage import claimed, parse_json
from engine.storage.logs.witnesses import MARKER

log = logging.getLogger(__name__)

_TICK_S = 0.1
_HANG_UP = getattr(signal, "SIGHUP", None)
_ANSWER_S = 4.0
_FRESH_S = 15.0
_BESIDE_S = 2.5
"""How long the other parts wait at the start, so that cameras are recorded as soon as possible."""
_APART = frozenset({"app", "leave", "reports", "retention"})
"""Sections that neither a recorder nor a kiosk uses."""
_OF_SHEETS = frozenset({"shifts", "rotas", "holidays"})
"""Sections that say what recorded times come to."""
_OF_SERVER = frozenset({"app", "runtime", "store", "site", "recorder", "seal_key", "encryption"})
"""Sections that the workbench's server holds from its start on; it takes over all others by itself."""


@dataclass(frozen=True)
class Options:
    """What the command was told.

    Attributes:
        kiosks: cameras with a screen beside those of the settings.
        kiosk_port: of the first of these; the next ones follow.
        no_kiosk: there is no screen unless the settings name one.
        reach: see `Reach.words`; a path is the workbench's alone.
    """

    workspace: Path
    host: str = "127.0.0.1"
    port: int = 8501
    kiosks: tuple[str, ...] = ()
    kiosk_port: int = 8502
    no_kiosk: bool = False
    log_format: logs.Format = "text"
    log_file: str = ""
    reach: tuple[str, ...] = ()

    def written(self) -> str:
        """As one argument of a process."""
        return json.dumps({**vars(self), "workspace": str(self.workspace.absolute())})

    @staticmethod
    def read(text: str) -> Options:
        """What `written` wrote."""
        told = parse_json(text)
        return Options(
            **{
                **told,
                "workspace": Path(told["workspace"]),
                "kiosks": tuple(told["kiosks"]),
                "reach": tuple(told["reach"]),
            }
        )


def recorded_cameras(config: Config) -> tuple[str, ...]:
    """The cameras of the settings that are to be recorded."""
    return tuple(name for name, camera in config.cameras.items() if camera.enabled and camera.source)


def screens(config: Config, options: Options) -> dict[str, int]:
    """The port of the kiosk of each camera that has one.

    Raises:
        InputError: a camera is not in the settings, or two servers would use one port.
    """
    known = recorded_cameras(config)
    found = {name: port for name in known if (port := config.camera(name).kiosk_port) is not None}
    if unknown := [name for name in options.kiosks if name not in known]:
        raise InputError(
            f"camera {unknown[0]} cannot have a kiosk: it is off, has no source, or is not in the settings",
            hint=f"give --kiosk one of {', '.join(known)}" if known else "add a camera first",
        )
    asked = options.kiosks
    if not asked and not found and not options.no_kiosk:
        asked = tuple(name for name in known if config.camera(name).entrance)[:1]
    free = iter(range(options.kiosk_port, options.kiosk_port + 1000))
    for name in asked:
        found[name] = next(port for port in free if port not in {*found.values(), options.port})
    ports = [options.port, *found.values()]
    if twice := sorted({port for port in ports if ports.count(port) > 1}):
        raise InputError(f"two servers would use port {twice[0]}", hint="change a kiosk_port, --port or --kiosk-port")
    return found


def parts_of(options: Options) -> tuple[list[WantedPart], dict[Path, tuple[str, ...]]]:
    """The parts that the settings ask for now, and the cameras that are recorded in each workspace.

    Raises:
        ConfigError: the settings make no sense.
        InputError: see `screens`.
    """
    home = options.workspace
    config = load_config(home)
    folders = find_sites(home, config.site).folders
    configs = {folder: config if folder == home else load_config(folder) for folder in folders.values()}
    cameras = {folder: recorded_cameras(each) for folder, each in configs.items()}
    kiosks = screens(config, options)
    parts = []
    if any(cameras.values()):
        # it reads its cameras again by itself
        fixed = "".join(_fingerprint(each, without=_APART | _OF_SHEETS | {"cameras"}) for each in configs.values())
        doors = tuple(sorted(kiosks))
        parts.append(
            WantedPart(
                "recorder",
                ("app.recorder", str(home), *doors),
                fixed + repr([str(folder) for folder in configs]),
                reloads=True,
                well=lambda pid: _beats(home, pid),
            )
        )
    held = "".join(_fingerprint(each, only=_OF_SERVER) for each in configs.values())
    reach = Reach.read(options.reach)
    at_root = replace(reach, root_path="")
    command = ("app", str(home), options.host, str(options.port), *reach.words())
    beside_s = _BESIDE_S if parts else 0.0
    parts.append(
        WantedPart(
            "workbench",
            command,
            held,
            reloads=True,
            after_s=beside_s,
            well=_answers(at_root.address(options.host, options.port)),
        )
    )
    for name, port in kiosks.items():
        own = _fingerprint(config, without=_APART | {"cameras"}) + repr(config.camera(name).model_dump())
        source = config.camera(name).source
        screen = ("app.kiosk", str(home), name, source, options.host, str(port), *at_root.words())
        well = _answers(at_root.address(options.host, port))
        parts.append(WantedPart(f"kiosk {name}", screen, own, after_s=beside_s + 1.0, well=well))
    return parts, cameras


def _fingerprint(config: Config, *, without: Set[str] = frozenset(), only: Set[str] | None = None) -> str:
    def plain(value: object) -> object:
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    text = json.dumps(
        config.model_dump(exclude=set(without), include=None if only is None else set(only)),
        default=plain,
        sort_keys=True,
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _beats(workspace: Path, pid: int) -> bool:
    """Whether the recorder of that process is at work."""
    told = fresh(beat_path(workspace), _FRESH_S)
    return told is not None and told.get("pid") == pid


def beat_path(workspace: Path) -> Path:
    """The file that the recorder renews while it works."""
    return workspace / "log" / "recorder.json"


def _answers(server: str) -> Callable[[int], bool]:
    where = f"{server}/healthz"
    direct = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=own_client())
    )

    def well(_pid: int) -> bool:
        with direct.open(where, timeout=_ANSWER_S) as answer:
            return bool(answer.status == 200)

    return well


class _Site:
    """The supervisor's work while it runs."""

    def __init__(self, options: Options) -> None:
        self._options, self._since = options, datetime.now(UTC).isoformat(timespec="milliseconds")
        self._notices: list[subprocess.Popen[bytes]] = []
        self._supervisor = Supervisor(output=logs.write_on, incident=self._incident)
        self._cameras: Mapping[Path, tuple[str, ...]] = {}
        self._problem = ""
        self._marked: set[Path] = set()  # with the file that names its seal, which comes with the first row
        self._gone: set[Path] = set()
        self._told: Mapping[str, Any] = {}
        self._due = 0.0
        self._complete = False

    def follow(self, *, reload: bool = False) -> None:
        """Do what the settings say now.

        Raises:
            MusterError: they make no sense; what runs goes on.
        """
        parts, cameras = parts_of(self._options)
        for folder in set(self._cameras) - set(cameras):
            forget_standing(folder)
        self._cameras, self._problem = cameras, ""
        self._tell()  # before the parts begin: they read which cameras are recorded for them
        self._supervisor.want(parts, reload=reload)

    def reload(self) -> None:
        """Read the settings again."""
        try:
            self.follow(reload=True)
        except MusterError as error:
            self._problem = str(error)
            log.error("the settings before hold on: %s", error)
        else:
            log.info("the settings were read again")

    def run(self, came: list[int]) -> None:
        """Look after the parts until a signal ends it."""
        terminal = sys.stderr.isatty()
        while True:
            while came:
                number = came.pop(0)
                if number != _HANG_UP or (terminal and not sys.stderr.isatty()):
                    return
                self.reload()
            self._supervisor.tick()
            self._notices = [each for each in self._notices if each.poll() is None]
            now = self._supervisor.standings()
            if now != self._told or time.monotonic() >= self._due:
                self._told = now
                self._tell()
            if not self._complete and now and all(each.state == "running" for each in now.values()):
                self._complete = True
                log.info("%s run", ", ".join(now))
            time.sleep(_TICK_S)

    def close(self) -> None:
        """End everything."""
        self._supervisor.close()
        for each in self._notices:
            with contextlib.suppress(subprocess.TimeoutExpired):
                each.wait(5)
        for folder in self._cameras:
            forget_standing(folder)

    def _tell(self) -> None:
        self._due = time.monotonic() + BEAT_S
        parts = self._supervisor.standings()
        for folder, cameras in self._cameras.items():
            there = (folder / MARKER).exists()
            self._marked |= {folder} if there else set()
            gone = folder in self._marked and not there
            if gone != (folder in self._gone):
                self._gone ^= {folder}
                log.error("%s: the folder of the workspace is %s", folder, "gone" if gone else "there again")
            with contextlib.suppress(MusterError):  # a full disk must not end what runs
                write_standing(folder, Standing(os.getpid(), self._since, parts, cameras, self._problem, gone))

    def _incident(self, name: str, why: str) -> None:
        words = [sys.executable, "-m", "engine.operations.notice", str(self._options.workspace), name, why]
        with contextlib.suppress(OSError):
            self._notices.append(subprocess.Popen(words, stdin=subprocess.DEVNULL))


def supervise(options: Options) -> None:
    """Run a site until a signal ends it.

    Raises:
        InputError: another `muster serve` runs this workspace, or the log file cannot be written.
        ConfigError: the settings make no sense.
    """
    logs.begin_written_logs(options.log_format, Path(options.log_file) if options.log_file else None)
    os.environ[logs.VARIABLE] = "lines"
    with signals() as came, served(options.workspace):
        site = _Site(options)
        try:
            site.follow()
            site.run(came)
        finally:
            log.info("ending")
            site.close()
            log.info("ended")
            logs.flush()


@contextlib.contextmanager
def served(workspace: Path) -> Iterator[None]:
    """Claim a workspace for one `muster serve`.

    Raises:
        InputError: another one runs it.
    """
    with claimed(workspace / "log" / "serve") as first:
        if not first:
            other = standing(workspace)
            which = f" (process {other.pid})" if other else ""
            raise InputError(
                f"another `muster serve` runs {workspace}{which}", hint="stop it first, or send it SIGHUP to reload"
            )
        yield


def main(arguments: Sequence[str]) -> int:
    """Body of the process."""
    mask_process()
    try:
        supervise(Options.read(arguments[0]))
    except MusterError as error:
        print(f"muster: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
