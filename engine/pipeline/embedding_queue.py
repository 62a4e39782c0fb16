"""Faces wait here to be embedded, beside a live camera in a thread of its own.

What waits is bounded, so a slow network costs faces, never memory; dropped faces are counted. The last faces of a track that has no name
yet are never dropped.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Semaphore

from engine.embedding import Embedder, Glance
from engine.models.runtime import cores
from engine.types import FaceQuality, Floats, Image

Timed = Callable[[Callable[[Image], Floats], Image], Floats]
"""Runs a network on faces and notes how long it took."""

_PER_TRACK = 4
"""Faces of one undecided track that may wait for the embedder."""
_MOST = 64
"""Faces of all tracks that may wait."""
_LAG = timedelta(seconds=0.1)
"""How long a face of a recording may wait before it votes."""


@dataclass(frozen=True, eq=False)
class FaceToEmbed:
    """A good face that is worth embedding.

    Attributes:
        track_id, time, frame: whose, when, and the running number of its frame.
        crop: (160, 160, 3) uint8, aligned.
        picture: of the face and its surroundings, when it is the track's best so far.
        order: how many faces of the track came before it.
        settled: the track has its decision.
        glance: see only whether it is still the track's own face (`engine.embedding.Glance`).
    """

    track_id: int
    time: datetime
    frame: int
    crop: Image
    quality: FaceQuality
    picture: Image | None
    order: int
    settled: bool
    glance: bool = False


EmbeddedFace = tuple[FaceToEmbed, Floats]


def _rank(face: FaceToEmbed) -> tuple[bool, bool, int, float]:
    """Glances first, which cost little; then undecided tracks, those with the fewest faces first, good faces before poor ones."""
    return not face.glance, face.settled, face.order, -face.quality.score


class EmbeddingQueue(ABC):
    """What the queues of recordings and of live cameras share.

    Attributes:
        embedded, glances, dropped: faces embedded, glanced at, and left out.
    """

    def __init__(self, embedder: Embedder, timed: Timed, glance: Glance | None = None) -> None:
        self.embedded = self.glances = self.dropped = 0
        self._embedder, self._glance, self._timed = embedder, glance, timed
        self._done: deque[EmbeddedFace] = deque()

    def _embed(self, face: FaceToEmbed) -> EmbeddedFace:
        network = self._glance if face.glance and self._glance is not None else self._embedder
        return face, self._timed(network.embed, face.crop[None])[0]

    def _take(self, embedded: EmbeddedFace) -> None:
        self._done.append(embedded)
        self.glances += embedded[0].glance
        self.embedded += not embedded[0].glance

    @abstractmethod
    def offer(self, faces: Sequence[FaceToEmbed], time: datetime) -> None:
        """Take faces of a frame in."""

    def collect(self) -> list[EmbeddedFace]:
        """What has been embedded since the last call, in order.

        Raises:
            MusterError: what the network raised.
        """
        done = list(self._done)
        self._done.clear()
        return done

    @abstractmethod
    def waiting(self) -> Counter[int]:
        """How many faces have not been collected, by track."""

    @abstractmethod
    def withdraw(self, track_ids: Collection[int]) -> None:
        """Forget the faces of these tracks that need not be embedded any more."""

    @abstractmethod
    def settle(self) -> None:
        """Wait until all is embedded."""

    @abstractmethod
    def close(self) -> None:
        """End what runs."""


class LaggedQueue(EmbeddingQueue):
    """Embeds beside the following of a recording. A face votes when the next frame would be too late for it, by the frames' own times: the
    same frames give the same decisions on any machine."""

    def __init__(self, embedder: Embedder, timed: Timed, glance: Glance | None = None) -> None:
        super().__init__(embedder, timed, glance)
        self._pool = ThreadPoolExecutor(cores(), "embedding")  # two at once when the loop waits for them
        self._asked: deque[tuple[FaceToEmbed, Future[EmbeddedFace]]] = deque()
        self._time: datetime | None = None
        self._next: datetime | None = None

    def offer(self, faces: Sequence[FaceToEmbed], time: datetime) -> None:
        self._asked += [(face, self._pool.submit(self._embed, face)) for face in faces]
        self._next = time + abs(time - self._time) if self._time is not None else None
        self._time = time

    def collect(self) -> list[EmbeddedFace]:
        while self._asked and (self._next is None or abs(self._next - self._asked[0][0].time) > _LAG):
            self._take(self._asked.popleft()[1].result())
        return super().collect()

    def waiting(self) -> Counter[int]:
        return Counter(face.track_id for face, _ in (*self._asked, *self._done))

    def withdraw(self, track_ids: Collection[int]) -> None:
        self._asked = deque((face, future) for face, future in self._asked if face.track_id not in track_ids)

    def settle(self) -> None:
        while self._asked:
            self._take(self._asked.popleft()[1].result())

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


class ThreadedQueue(EmbeddingQueue):
    """Embeds in a thread of its own, so that faces are followed at the camera's rate while others are being recognised.

    Undecided tracks come first, those with the fewest embedded faces before others. Of an undecided track at most four faces wait
    (the worst goes), of a decided one the newest.

    Args:
        turns: shared by the cameras of a process, so that not all embed at once.
    """

    def __init__(
        self, embedder: Embedder, timed: Timed, glance: Glance | None = None, turns: Semaphore | None = None
    ) -> None:
        super().__init__(embedder, timed, glance)
        self._turns = turns or Semaphore()
        self._faces: list[FaceToEmbed] = []
        self._busy: FaceToEmbed | None = None
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
                face = self._busy = self._faces.pop(0)
            try:
                with self._turns:
                    embedded = self._embed(face)
            except BaseException as error:  # noqa: BLE001 - told in the pipeline's thread
                with self._changed:
                    self._error, self._busy, self._faces = error, None, []
                    self._changed.notify_all()
                return
            with self._changed:
                self._take(embedded)
                self._busy = None
                self._changed.notify_all()

    def offer(self, faces: Sequence[FaceToEmbed], time: datetime) -> None:
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

    def waiting(self) -> Counter[int]:
        with self._changed:
            faces = [*self._faces, *(face for face, _ in self._done)]
            faces += [self._busy] if self._busy is not None else []
        return Counter(face.track_id for face in faces)

    def withdraw(self, track_ids: Collection[int]) -> None:
        with self._changed:
            self._faces = [face for face in self._faces if face.track_id not in track_ids]

    def settle(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or (not self._faces and self._busy is None))

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(30)
