"""Routes for monitoring: liveness, readiness, metrics."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from app.kiosk.guard import needs, station
from app.kiosk.station import Station
from app.web import authority
from engine import __version__

routes = Blueprint("operations", __name__)


@routes.get("/healthz")
@needs("")
def healthz() -> Response:
    """Liveness of the process. It needs no token, so it reveals nothing else."""
    return jsonify({"status": "ok"})


@routes.get("/readyz")
@needs("status")
def readyz() -> tuple[Response, int]:
    """Whether the kiosk records people right now, and if not, why."""
    faults = station().faults()
    return jsonify({"ready": not faults, "faults": faults}), 503 if faults else 200


@routes.get("/metrics")
@needs("metrics")
def metrics() -> Response:
    """Metrics for Prometheus."""
    return Response(generate_latest(current_app.extensions["muster_metrics"]), content_type=CONTENT_TYPE_LATEST)


@routes.get("/openapi.json")
@needs("status")
def openapi() -> Response:
    """The description of this API."""
    return jsonify(description())


def offer_authority(app: Flask, path: Path) -> None:
    """Give the authority that devices must learn to trust to everybody, see `app.web.trust`."""

    @needs("")
    def offered() -> Response:
        return Response(path.read_bytes(), content_type=authority.TYPE)

    app.add_url_rule(authority.FILE, view_func=offered)


@cache
def description() -> dict[str, Any]:
    """The API as an OpenAPI 3.1 document."""
    found: dict[str, Any] = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))
    found["info"]["version"] = __version__
    return found


class _Figures(Collector):
    """The station's current metrics."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def collect(self) -> Iterable[Metric]:
        """See `prometheus_client`."""
        status = self._station.status()
        camera = status["camera"]
        counters = {
            "frames": ("Frames recognised or shown.", camera["frames"]),
            "frames_dropped": ("Frames dropped for newer ones.", camera["dropped"]),
            "camera_losses": ("Lost connections to the camera.", camera["losses"]),
            "punches": ("Punches recorded.", self._station.punches),
            "greetings": ("Greetings shown.", status["greetings"]),
        }
        gauges = {
            "camera_up": ("1 while the camera gives pictures.", camera["state"] == "playing"),
            "camera_recording": ("1 while this kiosk records what it sees.", camera["recording"]),
            "camera_fps": ("Frames a second.", camera["fps"]),
            "rows_waiting": ("Rows and pictures not yet on disk.", status["waiting_rows"]),
            "viewers": ("Live pictures being sent.", status["viewers"]),
            "listeners": ("Screens listening to events.", status["listeners"]),
            "people_today": ("People who came today.", status["people_today"]),
        }
        if (spool := status["spool"]) is not None:
            gauges |= {
                "spool_rows": ("Rows on disk waiting for the database.", spool["rows"]),
                "spool_bytes": ("Size of the file of waiting rows.", spool["bytes"]),
                "spool_refused_rows": ("Rows set aside because the database refused them.", spool["refused"]),
                "spool_oldest_seconds": ("Waiting time of the oldest row.", spool["oldest_s"]),
            }
        families: tuple[tuple[type[CounterMetricFamily | GaugeMetricFamily], dict[str, tuple[str, Any]]], ...]
        families = ((CounterMetricFamily, counters), (GaugeMetricFamily, gauges))
        for family, figures in families:
            for name, (text, value) in figures.items():
                metric = family(f"muster_{name}", text, labels=["camera"])
                metric.add_metric([camera["name"]], float(value))
                yield metric


def measure(app: Flask, station: Station) -> None:
    """Count an application's requests."""
    registry = CollectorRegistry()
    registry.register(_Figures(station))
    requests = Counter("muster_requests", "Requests.", ["route", "status"], registry=registry)
    seconds = Histogram(
        "muster_request_seconds",
        "Time to the start of the response.",
        ["route"],
        registry=registry,
        buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
    )
    app.extensions["muster_metrics"] = registry

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(answer: Response) -> Response:
        route = str(request.url_rule) if request.url_rule else "none"  # not the path, which clients choose freely
        requests.labels(route, answer.status_code).inc()
        if (began := g.get("began")) is not None:
            seconds.labels(route).observe(time.perf_counter() - began)
        return answer
