"""Judge from the landmarks and crops of a track whether a face is a living person's.

Terms of ISO/IEC 30107-3: a *bona fide* presentation is a person's own face, an *attack* an instrument held in its place.

Verdicts:

- `unproven` until the evidence is clear either way: a person who never turns their head proves nothing.
- `passed` if the nose's parallax shows a turn of at least `min_turn_deg`, well above the landmarks' scatter, without signs of
  flatness.
- `failed` only on positive evidence: foreshortening shows a turn of at least `min_turn_deg` in which the nose stayed in the plane,
  or the face did not change in itself for `still_s`.
- Evidence must hold for two views in a row (about 0.7 s). The first verdict is final: noise cannot turn `passed` into `failed`,
  and a photo that failed stays failed. So a track that may have changed hands needs a new `TrackLiveness`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.config import PresentationConfig
from engine.liveness.geometry import Turn, Views
from engine.liveness.stillness import Stillness
from engine.types import Floats, Image

_FLAT_DEPTH = 0.18  # of the nose in eye distances; photos show 0.05 to 0.15, heads 0.25 to 0.5
_FLAT_SHARE = 0.75  # of a plane's turn that parallax may mimic: a print shows half (perspective), a head all or more
_FLAT_NOD = 0.07
_FORESHORTENED_DEG = 15.0  # least foreshortening that can contradict depth
_SCATTER = 12.0  # least parallax as a multiple of the scatter of single frames
_CONFIRM = 2


class LivenessState(StrEnum):
    """What is known about a face."""

    PASSED = "passed"
    UNPROVEN = "unproven"
    FAILED = "failed"


@dataclass(frozen=True)
class Liveness:
    """A verdict; `reason`: one short line for users, may be empty; `score`: the measurement that it names, if any."""

    state: LivenessState = LivenessState.UNPROVEN
    reason: str = ""
    score: float | None = None


def combined(verdicts: Iterable[Liveness]) -> Liveness:
    """Combine the verdicts of several checks: the first that failed, else the first that passed, else unproven."""
    order = (LivenessState.FAILED, LivenessState.PASSED, LivenessState.UNPROVEN)
    return min(verdicts, key=lambda row: order.index(row.state), default=Liveness())


def looks_flat(turn: Turn, min_turn_deg: float) -> bool:
    """Return whether a plane turned by at least `min_turn_deg` explains the views, and a head does not."""
    return (
        turn.foreshortened_deg >= min_turn_deg
        and turn.depth <= _FLAT_DEPTH
        and turn.parallax_deg <= _FLAT_SHARE * turn.foreshortened_deg
        and turn.nod <= _FLAT_NOD
    )


def looks_deep(turn: Turn, min_turn_deg: float) -> bool:
    """Return whether only a head turned by at least `min_turn_deg` explains the views."""
    flat = turn.foreshortened_deg >= _FORESHORTENED_DEG and turn.depth <= _FLAT_DEPTH
    return turn.parallax_deg >= min_turn_deg and turn.parallax >= _SCATTER * turn.noise and not flat


class TrackLiveness:
    """The liveness checks of one face track; the module's docstring explains the `verdict` so far.

    Holds at most 40 mean shapes and one small picture. Not thread-safe.
    """

    def __init__(self, config: PresentationConfig) -> None:
        self._config = config
        self._views = Views()
        self._stillness = Stillness()
        self.verdict = Liveness(reason="no turn of the head seen yet")
        self._start: datetime | None = None
        self._deep = self._flat = 0

    def observe(self, time: datetime, landmarks: Floats, face: Image | None = None) -> None:
        """Process a detection of the track.

        Args:
            time: timezone-aware.
            landmarks: (5, 2) float32 in pixels. Leave out faces cut off by the picture's edge: their landmarks are squeezed
                like those of a turned photo.
            face: (160, 160, 3) uint8 aligned crop, if there is one. Four a second are used; stillness needs at least three.
        """
        if self.verdict.state is not LivenessState.UNPROVEN:
            return
        self._start = self._start or time
        time_s = (time - self._start).total_seconds()
        if face is not None:
            eyes_px = math.hypot(*(landmarks[1] - landmarks[0]).tolist())
            self._stillness.observe(time_s, face, eyes_px)
            if self._stillness.still_s >= self._config.still_s:
                still_s = self._stillness.still_s
                self._decide(LivenessState.FAILED, f"did not change in itself for {still_s:.0f} s", still_s)
                return
        if self._views.add(time_s, landmarks):
            turn = self._views.assess()
            if turn is not None:
                self._judge(turn)

    def _judge(self, turn: Turn) -> None:
        limit = self._config.min_turn_deg
        self._flat = self._flat + 1 if looks_flat(turn, limit) else 0
        self._deep = self._deep + 1 if looks_deep(turn, limit) else 0
        if self._flat >= _CONFIRM:
            self._decide(LivenessState.FAILED, f"flat over a turn of {turn.foreshortened_deg:.0f}°", turn.depth)
        elif self._deep >= _CONFIRM:
            self._decide(LivenessState.PASSED, f"depth over a turn of {turn.parallax_deg:.0f}°", turn.parallax)
        else:
            self.verdict = Liveness(
                reason=f"turned by {turn.parallax_deg:.0f}°, {limit:.0f}° are needed", score=turn.parallax
            )

    def _decide(self, state: LivenessState, reason: str, score: float) -> None:
        self.verdict = Liveness(state, reason, round(score, 3))
