"""Identifiers of strangers: an old one for somebody who was here before, else a new one, kept in a gallery of their own."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.gallery import Gallery, GalleryStore, Template
from engine.pipeline.faces import Decisions, TrackFaces
from engine.pipeline.writer import Writer
from engine.types import Event, EventKind

_TEMPLATES_OF_A_STRANGER = 10


class Strangers:
    """Finds the identifiers of the strangers that one camera sees. A gallery on disk is read and changed, so the writer does it.

    Args:
        numbered: strangers get identifiers; else none is looked for, and nothing is kept of them here.
        threshold: in force for a gallery of enrolled people; from there on two strangers are one.
        name: of a track in the logs, and of the template that is made of it.
    """

    def __init__(
        self,
        store: GalleryStore,
        threshold: Callable[[Gallery], float],
        writer: Writer,
        name: Callable[[int], str],
        *,
        numbered: bool = True,
    ) -> None:
        self._numbered = numbered
        self._store, self._threshold, self._writer, self._name = store, threshold, writer, name
        self._unnamed: set[int] = set()
        self._found: deque[tuple[int, str]] = deque()
        self._ids: dict[int, str] = {}

    @property
    def unnamed(self) -> frozenset[int]:
        """Tracks whose identifier is being looked for; none while that cannot be done."""
        return frozenset() if self._writer.failed("strangers") else frozenset(self._unnamed)

    def identify(self, unknown: Mapping[int, TrackFaces], gallery: Gallery) -> None:
        """Look for the identifiers of tracks of nobody enrolled; `assign` gives them as far as they are found."""
        for track_id, faces in unknown.items() if self._numbered else ():
            if track_id in self._unnamed or track_id in self._ids:
                continue
            probe = faces.voter.supporting
            assert probe is not None
            self._unnamed.add(track_id)
            job = self._job(track_id, probe, faces.best[0] if faces.best else 0.1, self._threshold(gallery))
            self._writer.submit("strangers", job, at_once=True)
        for _ in range(len(self._found)):
            track_id, unknown_id = self._found.popleft()
            self._unnamed.discard(track_id)
            self._ids[track_id] = unknown_id

    def _job(self, track_id: int, probe: NDArray[np.float32], score: float, threshold: float) -> Callable[[], None]:
        template_id = self._name(track_id)

        def choose() -> None:
            answer = ""

            def remember(strangers: Gallery) -> Gallery:
                nonlocal answer
                known = (each.person for each in strangers.templates if each.template_id == template_id)
                if (own := next(known, "")) != "":  # an interrupted run of the same recording came so far
                    answer = own
                    return strangers
                match = strangers.search(probe[None], threshold=threshold)[0]
                if match.above_threshold:
                    answer = match.candidates[0].person
                    if len(strangers.of(answer)[0]) >= _TEMPLATES_OF_A_STRANGER:
                        return strangers
                else:
                    answer, strangers = strangers.next_stranger()
                return strangers.add([Template(template_id, answer, score)], probe[None])

            self._store.update(remember)
            self._found.append((track_id, answer))

        return choose

    def assign(self, decisions: Decisions) -> Decisions:
        """The decisions, with the strangers' identifiers."""
        alive = {track.track_id for track in decisions.tracks}
        self._ids = {track_id: unknown_id for track_id, unknown_id in self._ids.items() if track_id in alive}
        tracks = [
            replace(track, unknown_id=self._ids[track.track_id]) if track.track_id in self._ids else track
            for track in decisions.tracks
        ]
        return replace(decisions, tracks=tracks)

    def forget_recognised(self, events: Sequence[Event]) -> None:
        """Take away the templates of those who turned out to be enrolled."""
        for event in events:
            if event.kind is EventKind.SIGHTING and event.arrival and event.track_ids[0] in self._ids:
                self._writer.submit("strangers", functools.partial(self._remove, self._name(event.track_ids[0])))

    def forget(self, track_id: int) -> None:
        """A stranger turned out to be somebody after all: take away what was kept of the track."""
        if self._ids.pop(track_id, None) is not None:
            self._writer.submit("strangers", functools.partial(self._remove, self._name(track_id)))

    def _remove(self, template_id: str) -> None:
        self._store.update(lambda strangers: strangers.remove_templates([template_id]))
