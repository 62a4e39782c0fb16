"""A kiosk's application without a server and without its camera, for what needs neither."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from app.kiosk import create_app
from app.kiosk.station import Station
from engine.access.devices import SCOPES
from engine.workbench import Workbench

__all__ = ["Program", "asking", "kiosk_app", "station_of", "token_for"]


def kiosk_app(workspace: Path, **overrides: object) -> Flask:
    """Of a workspace, for camera `entrance`."""
    return create_app(Workbench(workspace), {"camera": "entrance", "source": "0", **overrides})


def station_of(app: Flask) -> Station:
    """The kiosk behind an application."""
    station: Station = app.extensions["muster"]
    return station


def token_for(app: Flask, *scopes: str, name: str = "tests") -> str:
    """Of a new device; without scopes it may do everything."""
    _, token = station_of(app).bench.kiosk.pair(name, scopes or list(SCOPES), author="tests", replace=True)
    return token


class Program(FlaskClient):
    """Sends its token, and says under which name it asks."""

    token, host = "", "127.0.0.1:8502"

    def open(self, *args: Any, headers: Mapping[str, str] | None = None, **more: Any) -> Any:
        """See `werkzeug.test.Client`."""
        said = {"Host": self.host, **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        return super().open(*args, headers={**said, **(headers or {})}, buffered=True, **more)


def asking(app: Flask, token: str = "", host: str = Program.host) -> Program:
    """A program with a token."""
    app.test_client_class = Program
    client = app.test_client()
    assert isinstance(client, Program)
    client.token, client.host = token, host
    return client
