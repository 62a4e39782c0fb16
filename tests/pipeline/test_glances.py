"""A decided track's face is glanced at, not embedded as a whole, as long as it stays the track's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from fakes import ListSource, PaletteEmbedder, Scene, make_services, pose
from numpy.typing import NDArray

from engine.config import Config
from engine.embedding import Glance
from engine.face_reader import Beside
from engine.pipeline import FrameResult, RunStats, open_pipeline
from engine.types import TrackState


class Contrary(PaletteEmbedder):
    """Sees a face that nobody has."""

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        return -super().embed(faces)


def watched(folder: Path, scene: Scene, glance: PaletteEmbedder | None) -> tuple[RunStats, list[FrameResult]]:
    """What a recording gives when decided tracks are glanced at with this network; None: they are not."""
    config = Config()
    services = make_services(folder, scene, config)
    reader = services.reader
    quick = Glance(glance, slice(None), 0.5) if glance is not None else None
    reader.beside = Beside(reader.detector, reader.embedder, quick)
    results: list[FrameResult] = []
    stats = open_pipeline(services, config, "door", run_id="run").run(ListSource(scene.frames), results.append)
    return stats, results


def standing(seconds: int) -> Scene:
    scene = Scene()
    for _ in range(10 * seconds):
        scene.show({"ann": pose(100, 110, 60)})
    return scene


def test_who_stands_there_is_glanced_at_and_embedded_rarely(tmp_path: Path) -> None:
    scene = standing(20)
    plain, _ = watched(tmp_path / "plain", scene, None)
    stats, results = watched(tmp_path / "glance", scene, PaletteEmbedder())
    assert stats.punches == plain.punches == 1
    assert stats.embedded <= 7  # three to decide, and every six seconds one
    assert plain.embedded >= 14
    assert stats.glances >= 9
    (track,) = results[-2].tracks
    assert track.identity.state is TrackState.KNOWN
    assert not any(track.unsure for result in results for track in result.tracks)


def test_a_glance_that_does_not_know_the_face_costs_a_whole_embedding_and_no_name(tmp_path: Path) -> None:
    stats, results = watched(tmp_path, standing(20), Contrary())
    assert stats.punches == 1
    assert stats.retracted == 0
    assert stats.embedded >= stats.glances >= 5
    assert not any(track.unsure for result in results for track in result.tracks)


def test_somebody_else_in_the_same_place_is_noticed(tmp_path: Path) -> None:
    scene = standing(6)
    for _ in range(40):
        scene.show({"bob": pose(100, 110, 60)})
    stats, results = watched(tmp_path, scene, PaletteEmbedder())
    assert stats.glances >= 2
    assert {track.identity.person for track in results[-2].tracks if track.visible} == {"bob"}
    assert not [
        track
        for result in results
        for track in result.tracks
        if track.identity.person == "ann"
        and (result.frame.time - scene.frames[60].time).total_seconds() > 2
        and track.visible
    ]
