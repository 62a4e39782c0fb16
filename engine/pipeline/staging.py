"""What runs beside the pipeline's own thread: reading frames ahead, and embedding faces.

Both are bounded, so a slow stage costs frames or faces, never memory; what is left out is counted. Neither drops what cannot be had
again: news of a lost camera, or the last faces of a track that has no name yet.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.embedding import Embedder
from engine.sources import Source
from engine.types import FaceQuality, Frame, SourceEvent

__all__ = ["Desk", "Intake", "PromptDesk", "Shot", "ThreadedDesk"]

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

_AHEAD = 3
"""Frames that may wait for the pipeline, so that one slow frame among quick ones costs none."""
_PER_TRACK = 4
"""Faces of one undecided track that may wait for the embedder."""
_MOST = 64
"""Faces of all tracks that may wait."""
_BATCH = 2
"""Faces embedded at once: larger batches are hardly faster, and whoever waits behind them waits longer."""


class Intake:
    """Reads a source in a thread of its own.

    Args:
        source: frames and news.
        newest_wins: leave out the oldest frames when the pipeline has no time for them (a live camera); otherwise the source waits.

    Attributes:
        dropped: frames left out.
    """

    def __init__(self, source: Source, *, newest_wins: bool) -> None:
        self.dropped = 0
        self._source = source
        self._newest_wins = newest_wins
        self._items: deque[Frame | SourceEvent] = deque()
        self._changed = threading.Condition()
        self._ended = self._closed = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._read, name="capture", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for item in self._source:
                with self._changed:
                    if not self._newest_wins:
                        self._changed.wait_for(lambda: len(self._items) < _AHEAD or self._closed)
                    elif isinstance(item, Frame):
                        self._make_room()
                    if self._closed:
                        return
                    self._items.append(item)
                    self._changed.notify_all()
        except BaseException as error:  # noqa: BLE001 - told in the thread that asks for the next item
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _make_room(self) -> None:
        """Leave out the oldest waiting frame if there are too many; news stays."""
        frames = [item for item in self._items if isinstance(item, Frame)]
        if len(frames) >= _AHEAD:
            self._items.remove(frames[0])
            self.dropped += 1

    def next(self, patience_s: float | None = None) -> Frame | SourceEvent | Literal["nothing yet"] | None:
        """The next item, when there is one; None at the end; `nothing yet` when the patience is over.

        Raises:
            MusterError: what the source raised.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._items or self._ended, patience_s):
                return "nothing yet"
            if self._items:
                item = self._items.popleft()
                self._changed.notify_all()
                return item
        if self._error is not None:
            raise self._error
        return None

    def close(self) -> None:
        """End the source and the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._source.close()
        self._thread.join(10)


@dataclass(frozen=True, eq=False)
class Shot:
    """A good face that is worth embedding.

    Attributes:
        track_id, time, frame: whose, when, and the running number of its frame.
        crop: (160, 160, 3) uint8, aligned.
        quality: measured.
        picture: of the face and its surroundings, when it is the track's best so far.
        order: how many faces of the track came before it.
        settled: the track has its decision already.
    """

    track_id: int
    time: datetime
    frame: int
    crop: Image
    quality: FaceQuality
    picture: Image | None
    order: int
    settled: bool


def _rank(shot: Shot) -> tuple[bool, int, float]:
    """Undecided tracks first, those with the fewest faces before others, good faces before poor ones."""
    return shot.settled, shot.order, -shot.quality.score


class Desk(Protocol):
    """Takes shots in and gives them back with their embeddings."""

    embedded: int
    dropped: int

    def offer(self, shots: Sequence[Shot]) -> None:
        """Take shots in."""
        ...

    def collect(self) -> list[tuple[Shot, Floats]]:
        """What has been embedded since the last call, in order."""
        ...

    def waiting(self) -> Collection[int]:
        """Tracks with shots that have not been collected."""
        ...

    def withdraw(self, track_id: int) -> None:
        """Forget the shots of a track that have not been begun."""
        ...

    def settle(self) -> None:
        """Wait until all is embedded."""
        ...

    def close(self) -> None:
        """End what runs."""
        ...


class PromptDesk:
    """Embeds at once, in the caller's thread: the same frames give the same decisions on any machine.

    Args:
        embedder: the network.

    Attributes:
        embedded, dropped: faces embedded and left out (none).
    """

    def __init__(self, embedder: Embedder) -> None:
        self.embedded = self.dropped = 0
        self._embedder = embedder
        self._done: list[tuple[Shot, Floats]] = []

    def offer(self, shots: Sequence[Shot]) -> None:
        """See `Desk`."""
        if shots:
            rows = self._embedder.embed(np.stack([shot.crop for shot in shots]))
            self._done += zip(shots, rows, strict=True)
            self.embedded += len(shots)

    def collect(self) -> list[tuple[Shot, Floats]]:
        """See `Desk`."""
        done, self._done = self._done, []
        return done

    def waiting(self) -> Collection[int]:
        """See `Desk`: nothing waits."""
        return ()

    def withdraw(self, track_id: int) -> None:
        """See `Desk`: nothing waits."""

    def settle(self) -> None:
        """See `Desk`: nothing waits."""

    def close(self) -> None:
        """See `Desk`: nothing runs."""


class ThreadedDesk:
    """Embeds in a thread of its own, so that faces are followed at the camera's rate while others are being recognised.

    Undecided tracks come first, those with the fewest embedded faces before others. Of an undecided track at most four faces wait
    (the worst goes), of a decided one the newest.

    Args:
        embedder: the network; called in that thread only.
        timed: told how long each batch took, in that thread.

    Attributes:
        embedded, dropped: faces embedded and left out.
    """

    def __init__(self, embedder: Embedder, timed: Callable[[Callable[[], Floats]], Floats]) -> None:
        self.embedded = self.dropped = 0
        self._embedder, self._timed = embedder, timed
        self._shots: list[Shot] = []
        self._busy: list[Shot] = []
        self._done: deque[tuple[Shot, Floats]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="embedding", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._shots or self._closed)
                if self._closed:
                    return
                self._shots.sort(key=_rank)
                self._busy, self._shots = self._shots[:_BATCH], self._shots[_BATCH:]
                batch = self._busy
            try:
                crops = np.stack([shot.crop for shot in batch])
                rows = self._timed(lambda crops=crops: self._embedder.embed(crops))  # type: ignore[misc]
            except BaseException as error:  # noqa: BLE001 - told in the pipeline's thread
                with self._changed:
                    self._error, self._busy, self._shots = error, [], []
                    self._changed.notify_all()
                return
            with self._changed:
                self._done += zip(batch, rows, strict=True)
                self.embedded += len(batch)
                self._busy = []
                self._changed.notify_all()

    def offer(self, shots: Sequence[Shot]) -> None:
        """See `Desk`."""
        with self._changed:
            for shot in shots if self._error is None else ():
                own = [other for other in self._shots if other.track_id == shot.track_id]
                if shot.settled:
                    self._leave_out(own)
                elif len(own) >= _PER_TRACK:
                    self._leave_out([min(own, key=lambda other: other.quality.score)])
                self._shots.append(shot)
            while len(self._shots) > _MOST:
                self._leave_out([max(self._shots, key=_rank)])
            self._changed.notify_all()

    def _leave_out(self, shots: Iterable[Shot]) -> None:
        for shot in shots:
            self._shots.remove(shot)
            self.dropped += 1

    def collect(self) -> list[tuple[Shot, Floats]]:
        """See `Desk`.

        Raises:
            MusterError: what the network raised.
        """
        with self._changed:
            done = list(self._done)
            self._done.clear()
            if self._error is not None and not done:
                raise self._error
        return done

    def waiting(self) -> Collection[int]:
        """See `Desk`."""
        with self._changed:
            return {shot.track_id for shot in [*self._shots, *self._busy, *(shot for shot, _ in self._done)]}

    def withdraw(self, track_id: int) -> None:
        """See `Desk`."""
        with self._changed:
            self._shots = [shot for shot in self._shots if shot.track_id != track_id]

    def settle(self) -> None:
        """See `Desk`."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or (not self._shots and not self._busy))

    def close(self) -> None:
        """See `Desk`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(30)
