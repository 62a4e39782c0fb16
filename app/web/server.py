"""The workbench's web server: Streamlit's pages behind the gate, and our routes for sign-in and pictures."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from streamlit.starlette import App
from streamlit.web import bootstrap

from app.web import authority, films, monitoring, oidc, pictures, rest, services, sign_in, streams, trust, uploads
from app.web.activity import Activity
from app.web.below import Below, show_below
from app.web.connections import Room, guarded
from app.web.gate import Gate
from app.web.proxies import Proxies
from engine.errors import MusterError
from engine.operations.reach import AT_ROOT, Reach
from engine.operations.serving import many_connections
from engine.operations.tls import Certificates, current_context
from engine.operations.upkeep import attended, upkeep
from engine.workbench import Workbench

log = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_AGAIN_S = 60.0
_TIDY_S = 5.0
_PING_S = 30.0
_MESSAGE_BYTES = 25_000_000  # what Streamlit reads of a browser's message
_FAILED = 3
_LIGHT = {
    "primaryColor": "#0072B2",
    "backgroundColor": "#FFFFFF",
    "secondaryBackgroundColor": "#F3F6F8",
    "textColor": "#1B2733",
    "borderColor": "#D3DBE1",
    "linkColor": "#005A8E",
}
_DARK = {
    "primaryColor": "#56B4E9",
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
    "server.enableAgentApi": False,
    "server.fileWatcherType": "none",
    "server.maxUploadSize": 60,
    "server.enableStaticServing": False,
    "server.disconnectedSessionTTL": 10,
    **{f"theme.light.{name}": value for name, value in _LIGHT.items()},
    **{f"theme.dark.{name}": value for name, value in _DARK.items()},
}


def create_app(reach: Reach = AT_ROOT, certificates: Certificates | None = None) -> App:
    """The server's application, for the workspace that MUSTER_WORKSPACE names.

    Args:
        reach: how browsers come.
        certificates: whose names browsers may use, too.

    Raises:
        ConfigError: the workspace's settings make no sense.
    """
    config = services.home().config.app
    if config.oidc:
        oidc.check(config.oidc)
    for name, problem in services.sites().problems.items():
        log.error("the site %s is left out: %s", name, problem)

    @contextlib.asynccontextmanager
    async def attended(_app: App) -> AsyncIterator[None]:
        """Send notifications, close days and erase old data at every site while the server runs."""
        with contextlib.ExitStack() as stack:
            await run_in_threadpool(_attend, stack)
            stack.enter_context(upkeep(uploads.tidy, _TIDY_S))
            yield None
            await run_in_threadpool(stack.close)

    show_below(reach.root_path)
    authority.offer(certificates.authority if certificates else None)
    names = certificates.names if certificates else ()
    hosts = [*config.hosts, *names, *([urlsplit(config.oidc.base_url).hostname or ""] if config.oidc else [])]
    return App(
        _HERE.parent / "main.py",
        lifespan=attended,
        routes=[
            *sign_in.routes,
            *oidc.routes,
            *monitoring.routes,
            *pictures.routes,
            *films.routes,
            *streams.routes,
            *rest.routes,
            *(trust.routes if authority.offered() else ()),
            Mount("/assets", StaticFiles(directory=_HERE / "static")),
        ],
        middleware=[
            Middleware(Below, root=reach.root_path),
            Middleware(Gate, hosts=hosts, proxies=config.proxies),
            Middleware(Activity),
            Middleware(uploads.Uploads),
        ],
    )


def _attend(stack: contextlib.ExitStack) -> None:
    """Open all sites. Home must open; a site that fails is retried later and does not affect others."""
    attending = _Attending()
    stack.callback(attending.close)
    attending.begin(services.home())
    for name in services.sites().names[1:]:
        stack.enter_context(upkeep(partial(_attend_site, name, attending), _AGAIN_S))
    services.follow(attending.again)


def _attend_site(name: str, attending: _Attending) -> None:
    """Run one round of upkeep; called repeatedly."""
    attending.begin(services.bench(name))


class _Attending:
    """What runs beside the pages for each site, begun anew when the settings of a site have changed."""

    def __init__(self) -> None:
        self._held: dict[Path, contextlib.ExitStack] = {}
        self._turn = threading.Lock()
        self._closed = False

    def begin(self, bench: Workbench) -> None:
        """Begin for a site, unless it has begun.

        Raises:
            ConfigError: see `attended`.
        """
        with self._turn:
            if bench.workspace not in self._held and not self._closed:
                held = contextlib.ExitStack()
                held.enter_context(attended(bench))
                self._held[bench.workspace] = held

    def again(self, folder: Path) -> None:
        """Begin a site anew, in a thread: ending what ran takes a while."""
        threading.Thread(target=self._again, args=(folder,), name="settings", daemon=True).start()

    def _again(self, folder: Path) -> None:
        with self._turn:
            if (held := self._held.pop(folder, None)) is not None:
                held.close()
        try:
            self.begin(services.bench_in(folder))
        except MusterError:
            log.exception("messages and upkeep wait for the next start")

    def close(self) -> None:
        """End all of it."""
        with self._turn:
            self._closed = True
            for held in self._held.values():
                held.close()


def follow_hang_up() -> None:
    """Take over changed settings on SIGHUP, in a thread: the loop of the server goes on meanwhile."""
    again = threading.Event()

    def follow() -> None:
        while again.wait():
            again.clear()
            services.follow_settings()

    threading.Thread(target=follow, name="hang-up", daemon=True).start()
    signal.signal(signal.SIGHUP, lambda *_: again.set())


def serve(workspace: Path, host: str, port: int, reach: Reach = AT_ROOT) -> None:
    """Serve until interrupted.

    Raises:
        ConfigError: the workspace's settings make no sense, or the certificate cannot be used.
        StorageError: the certificate cannot be made.
    """
    os.environ["MUSTER_WORKSPACE"] = str(workspace)
    config = services.home().config.app
    certificates = reach.certificates(config.hosts)
    app = create_app(reach, certificates)
    bootstrap.load_config_options({**OPTIONS, "server.port": port, "browser.serverAddress": host})
    context = current_context(certificates) if certificates is not None else None
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host,
            port,
            http=guarded(Room(config.connections, Proxies(config.proxies)), context),
            ws="websockets-sansio",
            ws_max_size=_MESSAGE_BYTES,
            ws_ping_interval=_PING_S,
            ws_ping_timeout=_PING_S,
            ws_per_message_deflate=False,
            proxy_headers=False,  # the gate reads them, RFC 7239's included
            log_level="warning",
            access_log=False,
            use_colors=False,
        )
    )
    server.config.load()
    socket_ = server.config.bind_socket()
    _patient_with_nobody(socket_)
    many_connections()
    with socket_:
        server.run(sockets=[socket_])
    if not server.started:
        sys.exit(_FAILED)


def _patient_with_nobody(listening: socket.socket) -> None:
    """End connections of browsers that vanished or stopped reading; accepted ones inherit this."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux: unacknowledged data times out after this
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(1000 * _PING_S))
