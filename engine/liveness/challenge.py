"""Ask for random movements of the head: a photo cannot follow them, and a recording would have to guess them."""

from __future__ import annotations

import random
from collections import deque
from datetime import datetime
from itertools import permutations
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
_SIDEWAYS = frozenset({"left", "right"})
SEQUENCES = tuple(pair for pair in permutations(PROMPTS, 2) if _SIDEWAYS & set(pair))
"""What may be asked: two different movements, one of them a turn, because only a turn shows depth.

Coming nearer is not among them: five landmarks do not show its perspective, so a hand that moves a phone does it as well as a head."""
_FRONT = "look straight at the camera"
_SMOOTH = 3  # observations whose median counts
_FRONTAL_YAW_DEG, _FRONTAL_PITCH_DEG = 18.0, 30.0  # from a generic head's straight look
_BACK_DEG = 9.0  # from the person's own straight look
_SETTLED = 4  # observations of a straight look
_WAIT_S = 0.6  # a straight look lasts up to this much longer, at random: a recording must not move meanwhile
_TURNED = 0.8  # of `min_turn_deg`: landmarks follow three quarters of a turn
_UP_DEG = 10.0
_WRONG_SHARE = 0.75  # of a turn to the wrong side
_WRONG_ELSE = 1.6  # of another movement, which may go along with the right one
_HELD, _HELD_S = 4, 0.3  # observations and time for which a movement must be held, so that its views can be compared
_REACTION_S = 0.2  # nobody has finished a movement so soon after the request
_ON_THE_WAY = 1  # fewest observations between straight and turned, so that a second picture cannot replace the first
_MAX_GAP_S = 1.0


class HeadTurnChallenge:
    """A straight look, then two different movements, one after the other: each has a time limit of `challenge_s`, and must be held.

    Left and right are the person's own, in a picture that is not mirrored: turning left is turning to the image's right. It passes
    only if both movements come in the requested order, each was seen on its way, and the landmarks are a head's, not a plane's.
    """

    def __init__(self, config: PresentationConfig, source: random.Random | None = None) -> None:
        self._config = config
        source = source or random.SystemRandom()
        self._asked = list(source.choice(SEQUENCES))
        self._wait_s = source.uniform(0, _WAIT_S)
        self._done = 0
        self.begun = False
        """A movement has been asked for."""
        self.outcome: bool | None = None
        """True: passed, False: failed, None: still open."""
        self._start: datetime | None = None
        self._step_s = self._last_s = 0.0
        self._views = Views()
        self._recent: deque[tuple[float, float]] = deque(maxlen=_SMOOTH)
        self._straight: list[tuple[float, float]] = []
        self._straight_s = 0.0
        self._rest = (0.0, 0.0)
        self._leaving = ""
        self._on_the_way = 0
        self._held: list[float] = []

    @property
    def prompt(self) -> str:
        """What to ask of the person now; empty after the outcome."""
        if self.outcome is not None:
            return ""
        return PROMPTS[self._asked[self._done]] if self.begun else _FRONT

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
        if self.begun and now_s - self._last_s > _MAX_GAP_S:  # somebody else may have stepped in
            self.outcome = False
            return
        self._last_s = now_s
        self._views.add(now_s, landmarks)
        self._recent.append(pose)
        if len(self._recent) < _SMOOTH:
            return
        yaw, pitch = (median(row[axis] for row in self._recent) for axis in (0, 1))
        if self.begun:
            self._move(self._shares(yaw, pitch), now_s)
        else:
            self._settle(yaw, pitch, now_s)

    def _settle(self, yaw: float, pitch: float, now_s: float) -> None:
        """Wait for a straight look that lasts; later movements are relative to it."""
        straight = abs(yaw) <= _FRONTAL_YAW_DEG and abs(pitch) <= _FRONTAL_PITCH_DEG
        if self._straight:
            straight &= max(abs(yaw - self._straight[0][0]), abs(pitch - self._straight[0][1])) <= _BACK_DEG
        if not straight:
            self._straight = []
            return
        if not self._straight:
            self._straight_s = now_s
        self._straight.append((yaw, pitch))
        if len(self._straight) >= _SETTLED and now_s - self._straight_s >= self._wait_s:
            self._rest = median(row[0] for row in self._straight), median(row[1] for row in self._straight)
            self.begun, self._step_s = True, now_s

    def _shares(self, yaw: float, pitch: float) -> dict[str, float]:
        """How much of each movement was made."""
        sideways = (yaw - self._rest[0]) / (_TURNED * self._config.min_turn_deg)
        return {"left": sideways, "right": -sideways, "up": (self._rest[1] - pitch) / _UP_DEG}

    def _move(self, shares: dict[str, float], now_s: float) -> None:
        """Wait for the requested movement; another one fails, except for the last one until it is taken back."""
        asked = self._asked[self._done]
        if self._leaving and shares[self._leaving] < _WRONG_SHARE / 2:
            self._leaving = ""
        wrong = (
            share >= (_WRONG_SHARE if name in _SIDEWAYS else _WRONG_ELSE)
            for name, share in shares.items()
            if name not in {asked, self._leaving}
        )
        if any(wrong):
            self.outcome = False
        elif shares[asked] < 1:
            self._held = []
            self._on_the_way += shares[asked] >= 0.2
        elif self._on_the_way < _ON_THE_WAY or now_s - self._step_s < _REACTION_S:
            self.outcome = False
        else:
            self._held.append(now_s)
            if len(self._held) < _HELD or now_s - self._held[0] < _HELD_S - 1e-6:
                return
            if asked in _SIDEWAYS and not self._is_head():
                return  # a turn is held until it has shown depth, in time
            self._done, self._step_s, self._held, self._on_the_way = self._done + 1, now_s, [], 0
            self._leaving = asked
            if self._done == len(self._asked):
                self.outcome = True

    def _is_head(self) -> bool:
        turn = self._views.assess()
        if turn is None or looks_flat(turn, self._config.min_turn_deg):
            return False
        # a turn to one side shows half the range of turns to both sides
        return looks_deep(turn, 0.75 * self._config.min_turn_deg)
