"""Routes for monitoring: whether the server answers, whether everything that is wanted runs, figures for Prometheus.

Devices ask for details with the token that `muster kiosk pair NAME --scope status --scope metrics` prints.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.web import services
from engine.errors import MusterError
from engine.operations.health import Health, health

log = logging.getLogger(__name__)

_NO_STORE = {"Cache-Control": "no-store"}


def _all() -> Mapping[str, Health]:
    """The state of each site."""
    return {name: health(folder) for name, folder in services.sites().folders.items()}


def _may(request: Request, scope: str) -> bool:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    device = services.home().devices.check(token.strip()) if kind.casefold() == "bearer" else None
    return device is not None and device.may(scope)


def _ready(request: Request) -> Response:
    home = services.sites().home
    every = _all()
    faults = [fault if name == home else f"{name}: {fault}" for name, each in every.items() for fault in each.faults]
    told: dict[str, object] = {"ready": not faults}
    if _may(request, "status"):
        told["faults"] = faults
        told["parts"] = {name: vars(part) for name, part in every[home].parts.items()}
    return JSONResponse(told, 503 if faults else 200, headers=_NO_STORE)


def _metrics(request: Request) -> Response:
    if not _may(request, "metrics"):
        return PlainTextResponse("send the token of a device that may read the metrics", 401)
    registry = CollectorRegistry()
    registry.register(_Figures(_all()))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST, headers=_NO_STORE)


class _Figures(Collector):
    """The state of parts and cameras."""

    def __init__(self, sites: Mapping[str, Health]) -> None:
        self._sites = sites

    def collect(self) -> Iterable[Metric]:
        """See `prometheus_client`."""
        yield from self._parts()
        yield from self._cameras()

    def _parts(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("muster_part_up", "1 while a part of `muster serve` runs.", labels=["part"])
        again = CounterMetricFamily("muster_part_restarts", "Restarts after a part ended by itself.", labels=["part"])
        for name, part in next(iter(self._sites.values())).parts.items():
            up.add_metric([name], float(part.state == "running"))
            again.add_metric([name], float(part.restarts))
        yield from (up, again)

    def _cameras(self) -> Iterator[Metric]:
        labels = ["site", "camera"]
        up = GaugeMetricFamily("muster_camera_up", "1 while the camera gives pictures.", labels=labels)
        recording = GaugeMetricFamily("muster_camera_recording", "1 while a process records it.", labels=labels)
        fps = GaugeMetricFamily("muster_camera_fps", "Frames a second.", labels=labels)
        waiting = GaugeMetricFamily("muster_rows_waiting", "Rows and pictures not yet on disk.", labels=labels)
        frames = CounterMetricFamily("muster_frames", "Frames recognised.", labels=labels)
        dropped = CounterMetricFamily("muster_frames_dropped", "Frames dropped for newer ones.", labels=labels)
        losses = CounterMetricFamily("muster_camera_losses", "Lost connections to the camera.", labels=labels)
        for site, each in self._sites.items():
            for name, told in each.cameras.items():
                which = [site, name]
                recording.add_metric(which, float(told is not None))
                up.add_metric(which, float(told is not None and told.state == "playing"))
                if told is not None:
                    fps.add_metric(which, told.fps)
                    waiting.add_metric(which, float(told.waiting))
                    frames.add_metric(which, float(told.frames))
                    dropped.add_metric(which, float(told.dropped))
                    losses.add_metric(which, float(told.losses))
        yield from (up, recording, fps, waiting, frames, dropped, losses)


async def _ready_route(request: Request) -> Response:
    try:
        return await run_in_threadpool(_ready, request)
    except MusterError as error:
        log.warning("%s", error)
        return JSONResponse({"ready": False}, 503, headers=_NO_STORE)


async def _metrics_route(request: Request) -> Response:
    try:
        return await run_in_threadpool(_metrics, request)
    except MusterError as error:
        log.warning("%s", error)
        return PlainTextResponse("Muster cannot read this right now", 503)


routes = [
    Route("/healthz", PlainTextResponse("ok"), methods=["GET"]),
    Route("/readyz", _ready_route, methods=["GET"]),
    Route("/metrics", _metrics_route, methods=["GET"]),
]
