"""Ask for random turns of the head: a photo cannot follow them, and a recording would have to guess them."""

from __future__ import annotations

import random
from collections import deque
from datetime import datetime
from statistics import median

from engine.config import PresentationConfig
from engine.liveness.geometry import Views, head_pose
from engine.liveness.track import looks_deep, looks_flat
from engine.types import Floats

PROMPTS = {
    "left": "turn your head left",
    "right": "turn your head right",
    "up": "look up",
}
_FRONT = "look straight at the camera"
_STEPS = 2
_SMOOTH = 3  # observations whose median counts
_FRONTAL_YAW_DEG, _FRONTAL_PITCH_DEG = 18.0, 30.0  # from a generic head's straight look
_BACK_DEG = 9.0  # from the person's own straight look
_SETTLED = 4  # observations of a straight look
_UP_DEG = 10.0
_WRONG_SHARE = 0.75
_HELD, _HELD_S = 4, 0.7  # observations and time for which a turn must be held, so that its views can be compared
_ON_THE_WAY = 1  # fewest observations between straight and turned, so that a second picture cannot replace the first
_MAX_GAP_S = 1.0


class HeadTurnChallenge:
    """Straight, a turn, straight again, another turn: each has a prompt, a time limit of `challenge_s`, and must be held.

    Left and right are the person's own, in a picture that is not mirrored: turning left is turning to the image's right. It passes
    only if both turns come in the requested order, each was seen on its way, and the landmarks are a head's, not a plane's.
    """

    def __init__(self, config: PresentationConfig, source: random.Random | None = None) -> None:
        self._config = config
        source = source or random.SystemRandom()
        self._asked = [source.choice(list(PROMPTS)) for _ in range(_STEPS)]
        self._done = 0
        self._turning = False
        self.outcome: bool | None = None
        """True: passed, False: failed, None: still open."""
        self._start: datetime | None = None
        self._step_s = self._last_s = 0.0
        self._views = Views()
        self._recent: deque[tuple[float, float]] = deque(maxlen=_SMOOTH)
        self._straight: list[tuple[float, float]] = []
        self._rest: tuple[float, float] | None = None
        self._on_the_way = 0
        self._held: list[float] = []

    @property
    def prompt(self) -> str:
        """What to ask of the person now; empty after the outcome."""
        if self.outcome is not None:
            return ""
        return PROMPTS[self._asked[self._done]] if self._turning else _FRONT

    def observe(self, time: datetime, landmarks: Floats | None) -> None:
        """Process a frame.

        Args:
            time: timezone-aware.
            landmarks: (5, 2) float32 in pixels of the only face in view; None without one, in which case only the time runs.
        """
        if self.outcome is not None:
            return
        self._start = self._start or time
        now_s = (time - self._start).total_seconds()
        if now_s - self._step_s > self._config.challenge_s or now_s < self._step_s:
            self.outcome = False
            return
        pose = None if landmarks is None else head_pose(landmarks)
        if landmarks is None or pose is None:
            return
        if self._rest is not None and now_s - self._last_s > _MAX_GAP_S:  # somebody else may have stepped in
            self.outcome = False
            return
        self._last_s = now_s
        self._views.add(now_s, landmarks)
        self._recent.append(pose)
        if len(self._recent) < _SMOOTH:
            return
        yaw, pitch = (median(row[axis] for row in self._recent) for axis in (0, 1))
        if self._turning:
            self._turn(yaw, pitch, now_s)
        else:
            self._settle(yaw, pitch, now_s)

    def _settle(self, yaw: float, pitch: float, now_s: float) -> None:
        """Wait for a straight look; later angles are relative to the first one."""
        if self._rest is None:
            straight = abs(yaw) <= _FRONTAL_YAW_DEG and abs(pitch) <= _FRONTAL_PITCH_DEG
        else:
            straight = abs(yaw - self._rest[0]) <= _BACK_DEG and abs(pitch - self._rest[1]) <= _BACK_DEG
        self._straight = [*self._straight, (yaw, pitch)] if straight else []
        if len(self._straight) >= _SETTLED:
            if self._rest is None:
                self._rest = (median(row[0] for row in self._straight), median(row[1] for row in self._straight))
            self._straight, self._held, self._turning, self._on_the_way, self._step_s = [], [], True, 0, now_s

    def _turn(self, yaw: float, pitch: float, now_s: float) -> None:
        """Wait for the requested turn; another one fails."""
        assert self._rest is not None
        sideways, up = (yaw - self._rest[0]) / self._config.min_turn_deg, (self._rest[1] - pitch) / _UP_DEG
        asked = self._asked[self._done]
        share = {"left": sideways, "right": -sideways, "up": up}[asked]
        wrong = abs(sideways) if asked == "up" else -share
        if share >= 1:
            self._held.append(now_s)
            if self._on_the_way < _ON_THE_WAY:
                self.outcome = False
            elif len(self._held) >= _HELD and now_s - self._held[0] >= _HELD_S:
                self._done, self._turning, self._step_s = self._done + 1, False, now_s
                if self._done == len(self._asked):
                    self.outcome = self._is_head()
        elif wrong >= _WRONG_SHARE:
            self.outcome = False
        else:
            self._held = []
            self._on_the_way += share >= 0.2

    def _is_head(self) -> bool:
        turn = self._views.assess()
        if turn is None or looks_flat(turn, self._config.min_turn_deg):
            return False
        # a turn to one side shows half the range of turns to both sides
        return looks_deep(turn, 0.75 * self._config.min_turn_deg) or set(self._asked) == {"up"}
