"""Faces wait here to be embedded, beside a live camera in a thread of its own.

What waits is bounded, so a slow network costs faces, never memory; dropped faces are counted. The last faces of a track that has no name
yet are never dropped.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from engine.embedding import Embedder
from engine.types import FaceQuality, Floats, Image

Timed = Callable[[Callable[[], Floats]], Floats]
"""Runs the network's call and notes how long it took."""

_PER_TRACK = 4
"""Faces of one undecided track that may wait for the embedder."""
_MOST = 64
"""Faces of all tracks that may wait."""
_BATCH = 2
"""Faces embedded at once: larger batches are hardly faster, and whoever waits behind them waits longer."""


@dataclass(frozen=True, eq=False)
class FaceToEmbed:
    """A good face that is worth embedding.

    Attributes:
        track_id, time, frame: whose, when, and the running number of its frame.
        crop: (160, 160, 3) uint8, aligned.
        picture: of the face and its surroundings, when it is the track's best so far.
        order: how many faces of the track came before it.
    """

    track_id: int
    time: datetime
    frame: int
    crop: Image
    quality: FaceQuality
    picture: Image | None
    order: int
    settled: bool


EmbeddedFace = tuple[FaceToEmbed, Floats]


def _rank(face: FaceToEmbed) -> tuple[bool, int, float]:
    """Undecided tracks first, those with the fewest faces before others, good faces before poor ones."""
    return face.settled, face.order, -face.quality.score


class EmbeddingQueue:
    """Embeds at once, in the caller's thread: the same frames give the same decisions on any machine.

    Attributes:
        embedded, dropped: faces embedded and left out (none).
    """

    def __init__(self, embedder: Embedder, timed: Timed) -> None:
        self.embedded = self.dropped = 0
        self._embedder, self._timed = embedder, timed
        self._done: deque[EmbeddedFace] = deque()

    def offer(self, faces: Sequence[FaceToEmbed]) -> None:
        """Take faces in."""
        if faces:
            rows = self._timed(lambda: self._embedder.embed(np.stack([face.crop for face in faces])))
            self._done += zip(faces, rows, strict=True)
            self.embedded += len(faces)

    def collect(self) -> list[EmbeddedFace]:
        """What has been embedded since the last call, in order.

        Raises:
            MusterError: what the network raised.
        """
        done = list(self._done)
        self._done.clear()
        return done

    def waiting(self) -> Collection[int]:
        """Tracks with faces that have not been collected."""
        return ()

    def withdraw(self, track_ids: Collection[int]) -> None:
        """Forget the faces of these tracks that have not been begun."""

    def settle(self) -> None:
        """Wait until all is embedded."""

    def close(self) -> None:
        """End what runs."""


class ThreadedQueue(EmbeddingQueue):
    """Embeds in a thread of its own, so that faces are followed at the camera's rate while others are being recognised.

    Undecided tracks come first, those with the fewest embedded faces before others. Of an undecided track at most four faces wait
    (the worst goes), of a decided one the newest.
    """

    def __init__(self, embedder: Embedder, timed: Timed) -> None:
        super().__init__(embedder, timed)
        self._faces: list[FaceToEmbed] = []
        self._busy: list[FaceToEmbed] = []
        self._changed = threading.Condition()
        self._closed = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="embedding", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._faces or self._closed)
                if self._closed:
                    return
                self._faces.sort(key=_rank)
                self._busy, self._faces = self._faces[:_BATCH], self._faces[_BATCH:]
                batch = self._busy
            try:
                crops = np.stack([face.crop for face in batch])
                rows = self._timed(lambda crops=crops: self._embedder.embed(crops))  # type: ignore[misc]
            except BaseException as error:  # noqa: BLE001 - told in the pipeline's thread
                with self._changed:
                    self._error, self._busy, self._faces = error, [], []
                    self._changed.notify_all()
                return
            with self._changed:
                self._done += zip(batch, rows, strict=True)
                self.embedded += len(batch)
                self._busy = []
                self._changed.notify_all()

    def offer(self, faces: Sequence[FaceToEmbed]) -> None:
        with self._changed:
            for face in faces if self._error is None else ():
                own = [other for other in self._faces if other.track_id == face.track_id]
                if face.settled:
                    self._leave_out(own)
                elif len(own) >= _PER_TRACK:
                    self._leave_out([min(own, key=lambda other: other.quality.score)])
                self._faces.append(face)
            while len(self._faces) > _MOST:
                self._leave_out([max(self._faces, key=_rank)])
            self._changed.notify_all()

    def _leave_out(self, faces: Iterable[FaceToEmbed]) -> None:
        for face in faces:
            self._faces.remove(face)
            self.dropped += 1

    def collect(self) -> list[EmbeddedFace]:
        with self._changed:
            done = super().collect()
            if self._error is not None and not done:
                raise self._error
        return done

    def waiting(self) -> Collection[int]:
        with self._changed:
            return {face.track_id for face in [*self._faces, *self._busy, *(face for face, _ in self._done)]}

    def withdraw(self, track_ids: Collection[int]) -> None:
        with self._changed:
            self._faces = [face for face in self._faces if face.track_id not in track_ids]

    def settle(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or (not self._faces and not self._busy))

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(30)
