"""Composition of the kiosk's application."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from pydantic import ValidationError

from app.kiosk import api, operations, screen
from app.kiosk.guard import guard
from app.kiosk.station import Station
from app.kiosk.words import screen_language
from app.web.below import below
from app.web.proxies import Proxies
from engine.config import KioskConfig
from engine.errors import ConfigError
from engine.workbench import Workbench

MAX_BYTES = 8_000_000
"""Largest request: a camera picture with some margin."""


def create_app(workbench: Workbench, overrides: Mapping[str, Any] | None = None, root_path: str = "") -> Flask:
    """The kiosk as a WSGI application.

    It answers at once; its camera runs while `app.extensions["muster"].running()` lasts, which the server sees to
    (`app.kiosk.server`).

    Args:
        workbench: the workspace, networks included.
        overrides: `camera` (name; default: the only one in the settings that has a source, else `entrance`), `source` (default: that
            camera's in the settings; without one the kiosk says that the camera is off), settings of section `[kiosk]` that win over the
            workspace's, and in capitals Flask's own, such as `TESTING`.
        root_path: path below which a proxy shows the kiosk, such as `/door`.

    Raises:
        ConfigError: there is no such setting, or there are several cameras to choose from.
    """
    given = {name: value for name, value in (overrides or {}).items() if not name.isupper()}
    camera, source = _camera(workbench, given.pop("camera", ""), given.pop("source", ""))
    try:
        config = KioskConfig(**{**workbench.config.kiosk.model_dump(), **given})
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            f"kiosk.{'.'.join(map(str, first['loc']))}: {first['msg']}", hint="see section [kiosk] of the settings"
        ) from error
    screen_language(config.language, ())
    here = Path(__file__).parent
    app = Flask("app.kiosk", root_path=str(here), static_folder="static", static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BYTES
    app.config.update({name: value for name, value in (overrides or {}).items() if name.isupper()})
    station = app.extensions["muster"] = Station(workbench, camera, source, config)
    app.wsgi_app = Proxies(config.proxies).before(below(app.wsgi_app, root_path))  # type: ignore[assignment,method-assign]
    operations.measure(app, station)
    guard(app, frozenset(host.casefold() for host in config.hosts))
    for part in (screen.routes, api.routes, operations.routes):
        app.register_blueprint(part)
    return app


def _camera(workbench: Workbench, name: str, source: str) -> tuple[str, str]:
    configured = {each: rules.source for each, rules in workbench.config.cameras.items() if rules.source}
    if not name and len(configured) > 1:
        raise ConfigError("several cameras are configured", hint=f"set `camera` to one of {', '.join(configured)}")
    name = name or next(iter(configured), "entrance")
    return name, source or configured.get(name, "")
