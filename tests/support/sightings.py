"""What tests of sightings and replays share: people whose likeness varies from frame to frame, and runs of the real pipeline over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from fakes import ListSource, PaletteEmbedder, Scene, at, make_pipeline, match
from numpy.typing import NDArray

from engine.config import Config, EventsConfig, VotingConfig
from engine.pipeline import Services, open_pipeline
from engine.tracking import TrackSighting, Vote
from engine.tuning.replay import Past, Replay, rerun
from engine.types import Identity

__all__ = ["DAY", "EVERY_FRAME", "VaryingEmbedder", "moved", "replayed", "track", "walks", "watched"]

DAY = date(2026, 11, 23)
EVERY_FRAME = Config(voting=VotingConfig(embed_interval_s=0, settled_interval_s=0), events=EventsConfig(cool_down_s=5))
"""Every good frame votes, whatever was decided: which frames are looked at does not depend on the threshold."""


class VaryingEmbedder(PaletteEmbedder):
    """Tells painted faces apart, now better, now worse: similarities with the own template spread around 0.6.

    Args:
        seed: of chance; what a face gives depends on the faces before it alone.
        spread: how much chance there is.
    """

    def __init__(self, seed: int = 0, spread: float = 1.0) -> None:
        super().__init__()
        self._rng, self._spread = np.random.default_rng(seed), spread

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Embedder`."""
        rows = super().embed(faces)
        noise = self._rng.normal(size=rows.shape) / np.sqrt(rows.shape[1])
        rows = rows + self._spread * noise.astype(np.float32)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def walks(*parts: tuple[Sequence[str], int], start_s: float = 0) -> Scene:
    """People side by side for so many frames, then the next ones."""
    scene = Scene(fps=3, start=at(start_s))
    for names, frames in parts:
        scene.walk(names, frames)
    return scene


def watched(
    folder: Path,
    scene: Scene,
    config: Config = EVERY_FRAME,
    *,
    threshold: float = 0.6,
    min_margin: float = 0.05,
    seed: int = 0,
    spread: float = 1.0,
    run_id: str = "run",
) -> Services:
    """Let the real pipeline watch a scene, people's likeness varying."""
    embedder = VaryingEmbedder(seed, spread)
    _, services = make_pipeline(folder, scene, config, embedder=embedder)
    tuned = replace(services, threshold=lambda _: threshold, min_margin=min_margin, swap_similarity=-1.0)
    open_pipeline(tuned, config, "door", run_id=run_id).run(ListSource(scene.frames))
    return tuned


def replayed(services: Services, threshold: float, config: Config = EVERY_FRAME) -> Replay:
    """The run's day under another threshold."""
    gallery = services.gallery.current()
    tracks, unreadable = services.sightings.tracks(DAY, DAY)
    past = Past(
        tracks,
        services.attendance.log.read(DAY),
        services.incidents.log.read(DAY),
        first=DAY,
        last=DAY,
        zone=config.zone,
        voting=config.voting,
        events=config.events,
        gallery=(gallery.model_id, gallery.version),
        unreadable=unreadable,
    )
    return past.at(threshold)


def moved(sighting: TrackSighting, by: timedelta) -> TrackSighting:
    """The same at another time."""
    votes = tuple(replace(vote, time=vote.time + by) for vote in sighting.votes)
    return replace(sighting, first_seen=sighting.first_seen + by, last_seen=sighting.last_seen + by, votes=votes)


def track(
    name: str,
    frames: Sequence[Mapping[str, float]],
    *,
    start_s: float = 0,
    step_s: float = 0.25,
    threshold: float = 0.5,
    min_margin: float = 0.05,
    unknown_id: str = "",
    liveness: str = "",
    camera: str = "door",
    left_out: int = 0,
) -> TrackSighting:
    """A track whose frames and means have these similarities, decided as the door does.

    Args:
        name: its name.
        frames: similarity by person, of each frame; the mean after it has the same.
        start_s, step_s: seconds after the start of the first frame, and between two.
        threshold, min_margin, unknown_id, liveness, camera, left_out: see `TrackSighting`.
    """
    found = [match(**dict(row)).candidates for row in frames]
    votes = tuple(Vote(at(start_s + index * step_s), row, row) for index, row in enumerate(found))
    plain = TrackSighting(
        track=name,
        camera=camera,
        first_seen=at(start_s),
        last_seen=at(start_s + max(len(frames) - 1, 0) * step_s),
        identity=Identity(threshold=threshold),
        unknown_id=unknown_id,
        candidates=found[-1] if found else (),
        votes=votes,
        left_out=left_out,
        min_margin=min_margin,
        liveness=liveness,
        model="m",
        gallery_version=1,
        gallery_size=3,
    )
    (decision,) = rerun([plain], VotingConfig()).values()
    return replace(plain, identity=replace(decision.identity, threshold=threshold))
