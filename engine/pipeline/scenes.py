"""Pictures of incidents. Tailgating needs one from before it began, and the frame that shows most people best."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from engine.imaging import crop_around, draw_tracks
from engine.types import Event, EventKind, Frame, Image, Person, Track

_STEPS = 2
"""Frames within the time before an incident. A frame of a 1080p camera is 6 MB, and every camera keeps these all the time."""


class SceneKeeper:
    """Keeps a few frames of one camera.

    Args:
        context_s: how far before an incident the earlier picture lies.
    """

    def __init__(self, context_s: float, people: Callable[[], Mapping[str, Person]]) -> None:
        self._context_s, self._people = context_s, people
        self._ring: deque[Frame] = deque()
        self._scene: tuple[tuple[int, float], Frame, list[Track]] | None = None
        self._before: Frame | None = None

    def keep(self, frame: Frame, tracks: Sequence[Track], *, watching: bool) -> None:
        """Take a frame in; `watching`: people are passing together, so an incident may come of it."""
        self._remember(frame)
        if not watching:
            self._scene = self._before = None
            return
        if self._before is None:
            self._before = self._ring[0]
        visible = [track for track in tracks if track.visible]
        rank = (len(visible), sum(track.quality.score if track.quality else 0.0 for track in visible))
        if self._scene is None or rank > self._scene[0]:
            self._scene = (rank, frame, visible)

    def _remember(self, frame: Frame) -> None:
        """The ring begins with the newest frame that is old enough, or with the oldest there is."""
        ring = self._ring
        if ring and frame.time < ring[-1].time:  # the camera's clock was put back
            ring.clear()
        if not ring or (frame.time - ring[-1].time).total_seconds() >= self._context_s / _STEPS:
            ring.append(frame)
        while len(ring) > 1 and (frame.time - ring[1].time).total_seconds() >= self._context_s:
            ring.popleft()

    def pictures(self, event: Event, frame: Frame, tracks: Sequence[Track], face: Image | None) -> dict[str, Image]:
        """The pictures of an incident, by the incident log's columns.

        Args:
            face: the best picture of whom it is about, if there is one.
        """
        if event.kind is EventKind.TAILGATING:
            return self._together(frame, tracks)
        if face is not None:
            return {"image": face}
        box = next((track.box for track in tracks if track.track_id == event.track_ids[0]), None)
        return {"image": crop_around(frame.image, box) if box is not None else frame.image}

    def _together(self, frame: Frame, tracks: Sequence[Track]) -> dict[str, Image]:
        names = {key: person.name for key, person in self._people().items()}
        if self._scene is None:
            return {"image": draw_tracks(frame.image, tracks, names), "clean_image": frame.image}
        _, best, shown = self._scene
        # drawn with what is known by now: the decision came after the frame
        latest = {track.track_id: track for track in tracks}
        people = [
            replace(latest.get(track.track_id, track), box=track.box, landmarks=track.landmarks, visible=True)
            for track in shown
        ]
        annotated = draw_tracks(best.image, people, names, alarmed={track.track_id for track in people})
        pictures = {"image": annotated, "clean_image": best.image, "after_image": frame.image}
        if self._before is not None:
            pictures["before_image"] = self._before.image
        return pictures
