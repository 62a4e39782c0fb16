"""Which kiosks run, and at which address screens reach each of them: its server tells it while it runs, in `log/kiosk-NAME.json`."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from engine.config import Config
from engine.errors import MusterError
from engine.operations import serving
from engine.operations.beats import fresh
from engine.operations.reach import Reach
from engine.operations.standing import BEAT_S
from engine.operations.upkeep import upkeep
from engine.storage import atomic_write, file_name, storage_errors
from engine.workbench import Workbench

_LOOK_S = 2.0


@dataclass(frozen=True)
class ServedKiosk:
    """A kiosk that runs.

    Attributes:
        host, port: where it listens.
        secure: whether it speaks TLS itself.
        root_path: see `Reach`.
        address: at which screens reach it as the settings say, without a slash at the end; empty: they do not say.
        screens: ids of the devices that show it now.
    """

    camera: str
    host: str
    port: int
    secure: bool = False
    root_path: str = ""
    address: str = ""
    screens: tuple[str, ...] = ()

    @property
    def everywhere(self) -> bool:
        """Whether it listens to other machines under all their names for this one."""
        return self.host in serving.EVERYWHERE

    def seen_here(self) -> str:
        """Its address for whoever sits before this machine, or before another one if it listens to those."""
        reach = Reach("self-signed" if self.secure else "", root_path=self.root_path)
        return self.address or reach.elsewhere(self.host, self.port) or reach.address(self.host, self.port)

    def seen_from(self, page: str) -> str:
        """Its address for a browser that shows a page of the workbench; empty: such a browser does not reach it, as far as is known.

        Args:
            page: the page's address as the browser knows it.
        """
        if self.address:
            return self.address
        try:
            parts = urlsplit(page)
            host = parts.hostname or ""
        except ValueError:
            host = ""
        if not host:
            return self.seen_here()
        if self.everywhere or host == self.host or (_loopback(host) and _loopback(self.host)):
            shown = f"[{host}]" if ":" in host else host
            return f"http{'s' if self.secure else ''}://{shown}:{self.port}{self.root_path}"
        # only a proxy can be between them: the one that shows the workbench shows the kiosk below its path
        return f"{parts.scheme}://{parts.netloc}{self.root_path}" if self.root_path else ""


def served_as(config: Config, camera: str, host: str, port: int, reach: Reach) -> ServedKiosk:
    """How the kiosk of a camera is reached whose server was told this; the settings name the path unless `reach` does."""
    address = config.camera(camera).kiosk_address.rstrip("/")
    return ServedKiosk(camera, host, port, reach.secure, reach.root_path or urlsplit(address).path, address)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def pairing_link(kiosk: str, code: str) -> str:
    """The link that pairs the screen which opens it; `kiosk`: its address."""
    return f"{kiosk}/?pair={code}"


@contextlib.contextmanager
def telling(
    workspace: Path, kiosk: ServedKiosk, screens: Callable[[], Iterable[str]] = tuple[str, ...]
) -> Iterator[None]:
    """Within the context, tell that a kiosk runs; `screens`: which devices show it now."""
    path = _folder(workspace) / f"kiosk-{file_name(kiosk.camera)}.json"

    def tell() -> None:
        told = replace(kiosk, screens=tuple(sorted(screens())))
        with contextlib.suppress(MusterError):  # a full disk must not end what runs
            atomic_write(path, json.dumps(asdict(told)).encode(), durable=False)

    try:
        with upkeep(tell, BEAT_S):
            yield
    finally:
        with contextlib.suppress(MusterError), storage_errors(path):
            path.unlink(missing_ok=True)


def kiosks(workspace: Path) -> list[ServedKiosk]:
    """The kiosks of a workspace that run on this machine, or on one that shares the folder; by their ports."""
    found = []
    for path in _folder(workspace).glob("kiosk-*.json"):
        told = fresh(path)
        with contextlib.suppress(TypeError):
            found += [ServedKiosk(**{**told, "screens": tuple(told.get("screens", ()))})] if told is not None else []
    return sorted(found, key=lambda each: (each.port, each.camera))


def waits_s(bench: Workbench, camera: str) -> Callable[[], float]:
    """For how long somebody unknown may yet identify themselves at a camera: while a kiosk shows it and anybody has a badge or a PIN."""
    asked: list[tuple[float, float]] = []

    def wait_s() -> float:
        now = time.monotonic()
        if not asked or now - asked[0][0] > _LOOK_S:
            wait = 0.0
            with contextlib.suppress(MusterError):
                if any(each.camera == camera for each in kiosks(bench.workspace)):
                    wait = bench.config.events.identify_s if bench.badges.any() or bench.pins.any() else 0.0
            asked[:] = [(now, wait)]
        return asked[0][1]

    return wait_s


def _folder(workspace: Path) -> Path:
    return workspace / "log"
