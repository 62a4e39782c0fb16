"""The workbenches that pages and routes share: one per process and site, with shared models.

Home is the workspace that MUSTER_WORKSPACE names. It keeps accounts and sessions, and its settings apply to the server. Sites are read
once, settings again when a page has changed them.

They are kept outside Streamlit's caches, because the web server's own routes use them, too.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

from app.live.cameras import Camera, open_cameras
from app.web.sessions import Browsers, Key
from engine.access import Account, SessionBook, Sites, find_sites
from engine.config import Config, load_config
from engine.errors import InputError, MusterError
from engine.models import ModelStore
from engine.operations.scoped import seen_by
from engine.workbench import Workbench

log = logging.getLogger(__name__)

_opening = threading.RLock()
_benches: dict[Path, Workbench] = {}
_as_read: dict[Path, Config] = {}
"""The settings of each workbench as they were read: it fills in some of them."""
_watched: dict[Path, dict[str, Camera]] = {}
_followers: list[Callable[[Path], None]] = []


def workspace() -> Path:
    """The workspace folder, from MUSTER_WORKSPACE."""
    return _absolute(os.environ.get("MUSTER_WORKSPACE") or "data", os.getcwd())  # noqa: PTH109 - asked for every word


@cache
def _absolute(folder: str, here: str) -> Path:
    return Path(here, folder)


@cache
def _config(folder: Path) -> Config:
    return load_config(folder)


@cache
def _models(folder: Path) -> ModelStore:
    runtime = _config(folder).runtime
    return ModelStore(runtime.backend, runtime.threads)


@cache
def _sites(folder: Path) -> Sites:
    return find_sites(folder, _config(folder).site)


@cache
def _sessions(folder: Path) -> SessionBook:
    workbench = home()
    limits = workbench.config.app
    return SessionBook(
        folder / "sessions.json", workbench.accounts, life_s=limits.session_h * 3600, idle_s=limits.idle_min * 60
    )


@cache
def _key(folder: Path) -> Key:
    return Key(folder / "sessions.key")


def _bench(folder: Path) -> Workbench:
    if (found := _benches.get(folder)) is None:
        with _opening:
            if (found := _benches.get(folder)) is None:
                models = _models(workspace())
                config = _config(folder) if folder == workspace() else load_config(folder)
                _as_read[folder] = config
                found = _benches[folder] = Workbench(folder, config, models=models)
    return found


def take_over(folder: Path) -> None:
    """Open the workbench of a folder anew, because its settings have changed; what runs with the old one goes on until it ends.

    A camera that somebody watches goes on as it is until they stop; whoever comes later gets a new one. The server's own settings
    (addresses, limits of sessions) hold until it starts again.

    Raises:
        ConfigError: the settings make no sense; the workbench before stays.
    """
    with _opening:
        if (old := _benches.get(folder)) is None:
            return
        config = load_config(folder)
        new = Workbench(folder, config, models=old.models, clock=old.clock)
        kept = ("embedding", "alignment", "detection", "quality")
        if "reader" in old.__dict__ and all(getattr(old.config, each) == getattr(new.config, each) for each in kept):
            new.__dict__["reader"] = old.__dict__["reader"]
        _benches[folder], _as_read[folder] = new, config
        _watched.pop(folder, None)
        _config.cache_clear()
    for each in list(_followers):
        each(folder)


def follow_settings() -> None:
    """Take over settings that were changed elsewhere, as in the file; a site whose settings make no sense goes on as before."""
    for folder in list(_benches):
        try:
            if load_config(folder).model_dump() != _as_read[folder].model_dump():
                take_over(folder)
        except MusterError as error:
            log.error("the settings before hold on: %s", error)
    with contextlib.suppress(MusterError):  # home's were told above
        find_sites_again()


def find_sites_again() -> None:
    """Look for sites again, because one was added."""
    _sites.cache_clear()
    for folder in sites().folders.values():
        if folder not in _benches:
            _bench(folder)
            for each in list(_followers):
                each(folder)


def follow(told: Callable[[Path], None]) -> None:
    """Be told of each workbench that was opened anew, by its folder."""
    _followers.append(told)


def _folder(site: str) -> Path:
    if (folder := sites().folders.get(site)) is None:
        raise InputError(f"no site {site!r} is served here", hint=f"there are: {', '.join(sites().names)}")
    return folder


def home() -> Workbench:
    """The home workbench, which holds accounts and server settings.

    Raises:
        ConfigError: its settings make no sense.
    """
    return _bench(workspace())


def sites() -> Sites:
    """The served sites.

    Raises:
        ConfigError: the settings of home make no sense.
    """
    return _sites(workspace())


def bench(site: str) -> Workbench:
    """The workbench of a site. Callers must check that the user may see it, see `app.web.access` and `app.web.gate`.

    Raises:
        InputError: there is no such site.
        ConfigError: its settings make no sense.
    """
    return _bench(_folder(site))


def timezone(site: str) -> str:
    """The name of a site's time zone, for a list of sites.

    Raises:
        InputError: there is no such site.
        ConfigError: its settings make no sense.
    """
    return bench(site).config.timezone


def bench_in(folder: Path) -> Workbench:
    """The workbench of a served folder.

    Raises:
        ConfigError: its settings make no sense.
    """
    return _bench(folder)


def bench_for(account: Account, site: str) -> Workbench:
    """The workbench of a site as far as an account sees its people. Callers must check that the user may see the site.

    Raises:
        InputError: there is no such site.
        ConfigError: its settings make no sense.
    """
    return seen_by(bench(site), account.scope)


def sessions() -> SessionBook:
    """Who is signed in."""
    return _sessions(workspace())


def browsers() -> Browsers:
    """Browsers in which somebody signed in."""
    return Browsers(key())


def key() -> Key:
    """The key of home, which signs what browsers keep beside their sessions."""
    return _key(workspace())


def cameras(site: str) -> dict[str, Camera]:
    """The cameras of a site that this process reads, by name in the order of the settings.

    Raises:
        InputError, ConfigError: see `bench`.
    """
    folder = _folder(site)
    if (found := _watched.get(folder)) is None:
        opened = _bench(folder)
        with _opening:
            found = _watched.setdefault(folder, open_cameras(opened))
    return found
