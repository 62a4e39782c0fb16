"""The workbench's web server: Streamlit's pages behind the gate, and our routes for sign-in and pictures."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from streamlit.starlette import App

from app.web import oidc, pictures, rest, services, sign_in, streams
from app.web.gate import Gate
from engine.operations.upkeep import attended, upkeep

log = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_AGAIN_S = 60.0
_LIGHT = {
    "primaryColor": "#0072B2",
    "backgroundColor": "#FFFFFF",
    "secondaryBackgroundColor": "#F3F6F8",
    "textColor": "#1B2733",
    "borderColor": "#D3DBE1",
    "linkColor": "#005A8E",
}
_DARK = {
    "primaryColor": "#2C8FC9",
    "backgroundColor": "#10171E",
    "secondaryBackgroundColor": "#1A242E",
    "textColor": "#E8EEF3",
    "borderColor": "#33414E",
    "linkColor": "#7CC7F2",
}

OPTIONS: dict[str, Any] = {
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "viewer",
    "client.disableDataExport": True,  # tables leave only through exports, which check rights and contain no formulas
    "client.showErrorDetails": "none",
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.maxUploadSize": 60,
    "server.enableStaticServing": False,
    "server.disconnectedSessionTTL": 10,
    **{f"theme.light.{name}": value for name, value in _LIGHT.items()},
    **{f"theme.dark.{name}": value for name, value in _DARK.items()},
}


def create_app() -> App:
    """The server's application, for the workspace that MUSTER_WORKSPACE names.

    Raises:
        ConfigError: the workspace's settings make no sense.
    """
    config = services.home().config.app
    for name, problem in services.sites().problems.items():
        log.error("the site %s is left out: %s", name, problem)

    @contextlib.asynccontextmanager
    async def attended(_app: App) -> AsyncIterator[None]:
        """Send notifications, close days and erase old data at every site while the server runs."""
        with contextlib.ExitStack() as stack:
            await run_in_threadpool(_attend, stack)
            yield None
            await run_in_threadpool(stack.close)

    hosts = [*config.hosts, *([urlsplit(config.oidc.base_url).hostname or ""] if config.oidc else [])]
    return App(
        _HERE.parent / "main.py",
        lifespan=attended,
        routes=[
            *sign_in.routes,
            *pictures.routes,
            *streams.routes,
            *rest.routes,
            Mount("/assets", StaticFiles(directory=_HERE / "static")),
        ],
        middleware=[Middleware(Gate, hosts=hosts, oidc=config.oidc is not None)],
        secrets=oidc.secrets(config.oidc, services.sessions().derived("oidc")) if config.oidc else None,
    )


def _attend(stack: contextlib.ExitStack) -> None:
    """Open all sites. Home must open; a site that fails is retried later and does not affect others."""
    stack.enter_context(attended(services.home()))
    for name in services.sites().names[1:]:
        held = stack.enter_context(contextlib.ExitStack())
        stack.enter_context(upkeep(partial(_attend_site, name, held, []), _AGAIN_S))


def _attend_site(name: str, held: contextlib.ExitStack, begun: list[str]) -> None:
    """Run one round of upkeep; called repeatedly."""
    if not begun:
        held.enter_context(attended(services.bench(name)))
        begun.append(name)


def serve(workspace: Path, host: str, port: int) -> None:
    """Serve until interrupted.

    Raises:
        ConfigError: the workspace's settings make no sense.
    """
    os.environ["MUSTER_WORKSPACE"] = str(workspace)
    create_app().run(config={**OPTIONS, "server.address": host, "server.port": port, "browser.serverAddress": host})
