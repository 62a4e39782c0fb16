"""Makes a pipeline of the settings and of what it works with."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import timedelta

from engine.access.doors import DoorKeeper, DoorWatch
from engine.attendance import Watching
from engine.config import Config
from engine.config.outlines import corners
from engine.events import EventMaker
from engine.gallery import Gallery
from engine.liveness import StreamWatch
from engine.pipeline.alerts import Alerts
from engine.pipeline.camera_check import CameraCheck, TurnCheck
from engine.pipeline.claims import Claims
from engine.pipeline.coverage import CoverageKeeper
from engine.pipeline.discretion import Discretion
from engine.pipeline.embedding_queue import LaggedQueue, ThreadedQueue
from engine.pipeline.events import CameraEvents
from engine.pipeline.films import FilmKeeper
from engine.pipeline.following import FaceFollower
from engine.pipeline.identification import Identification
from engine.pipeline.pipeline import Pipeline, Stages
from engine.pipeline.recorder import Recorder
from engine.pipeline.scenes import SceneKeeper
from engine.pipeline.search_beside import SearchBeside
from engine.pipeline.services import Services
from engine.pipeline.stats import RunStats
from engine.pipeline.strangers import Strangers
from engine.pipeline.stream_check import StreamCheck
from engine.pipeline.writer import Writer
from engine.tracking import Tracker


def open_pipeline(
    services: Services,
    config: Config,
    camera: str,
    *,
    run_id: str,
    min_face_px: int | None = None,
    live: bool = False,
    incidents: bool = True,
    waits_s: Callable[[], float] = lambda: 0.0,
    doors: DoorKeeper | None = None,
) -> Pipeline:
    """A pipeline that watches one camera.

    Args:
        run_id: makes track names unique among runs.
        min_face_px: smallest face; default: the camera's in the settings, else that of all cameras.
        live: a camera that must be kept up with: embed and write in threads of their own.
        waits_s: returns for how long somebody unknown may yet identify themselves at a kiosk; 0: nobody can.
        doors: opens doors for people before the camera, if it is a real one that is live.
        incidents: False: strangers and people who pass together are nothing new, as in a recording that is shown again.

    Raises:
        GalleryMismatch: the gallery is of another model.
        StorageError: a gallery cannot be read.
    """
    if not incidents:
        quiet = {"unknown": False, "tailgating": False}
        cameras = {name: each.model_copy(update={"tailgating": False}) for name, each in config.cameras.items()}
        config = config.model_copy(update={"events": config.events.model_copy(update=quiet), "cameras": cameras})
    for store in (services.gallery, services.strangers):
        store.current()  # templates of another model are told at the start, not at the first face

    def name(track_id: int) -> str:
        return f"{run_id}-{track_id}"

    def alike(gallery: Gallery) -> float:
        fixed = config.matching.stranger_threshold
        return services.threshold(gallery) if fixed is None else fixed

    numbered = config.strangers.recognised_again
    stats, rules, policy = RunStats(), config.camera(camera), config.presentation.policy
    smallest = min_face_px or rules.min_face_px or config.detection.min_face_px
    check = CameraCheck(TurnCheck(camera, services.reader.detector, smallest, rules.rotate))
    maker = EventMaker(
        config.events, camera, rules, config.zone, require_liveness=policy == "require", numbered=numbered
    )
    watch = StreamWatch(config.presentation) if live and policy != "off" else None
    watching = Watching(camera, config.attendance.gap_s, config.attendance.coverage_every_s)
    reader, searcher = services.reader, None
    if live:
        searcher = services.searcher or SearchBeside(reader.beside.detector)
        reader.warm()
        importlib.import_module("scipy.optimize")  # which scipy loads at first use, in half a second
    networks = (reader.beside.embedder, stats.embedding, reader.beside.glance)
    writer = Writer(services.attendance, services.people, threaded=live)
    films = FilmKeeper(services.incidents, writer, live=live)
    discretion = Discretion(config.strangers)
    alerts = Alerts(services.incidents, services.dossiers, writer, name, services.alert, services.announce)
    if discretion.films:
        alerts.film = films.wanted
    scenes = SceneKeeper(config.events.context_s, services.people)
    at_door = None
    if doors is not None and live:
        window_s = config.events.door_window_s if rules.door_window_s is None else rules.door_window_s
        at_door = DoorWatch(camera, doors, timedelta(seconds=window_s), services.people, live=not config.sample)
    stages = Stages(
        coverage=CoverageKeeper(watching, services.attendance.plan.coverage, writer, check),
        following=FaceFollower(
            reader.finder(config.detection, smallest, searcher),
            Tracker(config.tracking),
            stats,
            rules.region,
            [corners(mask) for mask in rules.masks],
        ),
        check=check,
        identification=Identification(services, config, stats),
        embedding=ThreadedQueue(*networks, reader.beside.turns) if live else LaggedQueue(*networks),
        strangers=Strangers(services.strangers, alike, writer, name, numbered=numbered),
        claims=Claims(camera, waits_s),
        stream=StreamCheck(camera, watch),
        events=CameraEvents(maker),
        recorder=Recorder(services, camera, writer, alerts, scenes, films, name, discretion),
        films=films,
        writer=writer,
        doors=at_door,
    )
    return Pipeline(stages, stats, live=live)
