"""The challenge of the kiosk against people who follow it, and against pictures of them: rendered, through the real detector.

People react to each request after .35 to .8 s, and go further when nothing happens. A photo is moved by a hand as asked. A recording
holds all movements in a loop and knows nothing of what is asked.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from statistics import median
from typing import Any

import numpy as np

from engine.config import PresentationConfig
from engine.demo.heads import warp_head
from engine.detection import Detector
from engine.evaluation import Rate
from engine.liveness import PROMPTS, HeadTurnChallenge
from engine.liveness.geometry import head_pose
from tests.bench.attacks import SCAN_EVERY, START, largest_face
from tests.bench.presentations import FPS, Subject, outline
from tests.bench.screens import Surface
from tests.bench.stage import Camera, Pose, Stage, Sway

__all__ = ["CHALLENGED", "challenged", "in_words", "straight"]

PERSON, PHOTO, BENT, RECORDING = (
    "people who follow it",
    "phone with a photo, moved by hand as asked",
    "print bent to 50 mm, moved by hand as asked",
    "phone with a recording of all movements, in a loop",
)
CHALLENGED = (PERSON, PHOTO, BENT, RECORDING)

_LONGEST_S = 25.0
_YAW_DEG, _PITCH_DEG = 15.0, 25.0  # whose photo looks further aside never begins the challenge
_RADIUS = 50 / 63  # of a bent print, in eye distances
_HAND = {"left": (38.0, 0.0), "right": (-38.0, 0.0), "up": (0.0, -30.0)}  # degrees by which a hand turns a picture
_REQUESTS = {text: name for name, text in PROMPTS.items()}

Goal = tuple[float, float]
"""Degrees: yaw to the image's right, pitch downwards."""
_AHEAD: Goal = (0.0, 0.0)


def straight(faces: Sequence[Subject]) -> list[Subject]:
    """Those whose photo looks straight ahead."""
    poses = ((face, head_pose(face.landmarks)) for face in faces)
    return [face for face, pose in poses if pose and abs(pose[0]) <= _YAW_DEG and abs(pose[1]) <= _PITCH_DEG]


def challenged(
    faces: Sequence[Subject],
    detector: Detector,
    *,
    kinds: Sequence[str] = CHALLENGED,
    config: PresentationConfig | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> dict[str, Any]:
    """One try of each kind with each face.

    Returns:
        `photos`; and by kind under `tries`: `tried`, `passed`, the `share` with its 95% Clopper-Pearson `interval`, and of those that
        passed the median seconds from the first request, `asked_s`, and from the first frame, `whole_s`.
    """
    shown = [(kind, face) for kind in kinds for face in faces]
    tries: dict[str, list[tuple[float, float] | None]] = {kind: [] for kind in kinds}
    for done, (kind, face) in enumerate(shown, 1):
        tries[kind].append(_try(face, kind, detector, config or PresentationConfig()))
        progress("showing people and pictures to the challenge", done, len(shown))
    return {"photos": len(faces), "tries": {kind: _row(rows) for kind, rows in tries.items()}}


def _row(rows: Sequence[tuple[float, float] | None]) -> dict[str, Any]:
    passed = [row for row in rows if row is not None]
    rate = Rate(len(passed), len(rows))
    times = zip(("asked_s", "whole_s"), zip(*passed, strict=True), strict=False)
    return {
        "tried": len(rows),
        "passed": len(passed),
        "share": round(rate.value, 3),
        "interval": [round(bound, 3) for bound in rate.interval],
        **{name: round(median(values), 1) for name, values in times},
    }


class _Follower:
    """Does what is asked, some time after it was asked."""

    def __init__(self, goals: dict[str, Goal], delay_s: float, *, further: bool = False) -> None:
        self._goals, self._delay_s, self._further = goals, delay_s, further
        self._prompt, self._since_s = "", 0.0
        self._goal = _AHEAD

    def goal(self, prompt: str, time_s: float) -> Goal:
        if prompt != self._prompt:
            self._prompt, self._since_s = prompt, time_s
        waited = time_s - self._since_s
        if waited < self._delay_s:
            return self._goal
        yaw, pitch = self._goal = self._goals.get(_REQUESTS.get(prompt, ""), _AHEAD)
        more = 1 + 0.3 * min(1.0, max(0.0, waited - self._delay_s - 0.9)) if self._further else 1.0
        return yaw * more, pitch


class _Recording:
    """Each movement in turn, with a straight look between them."""

    def __init__(self, goals: dict[str, Goal], generator: np.random.Generator) -> None:
        self._goals = [goals[name] for name in generator.permutation(list(goals))]
        self._period_s = generator.uniform(1.1, 1.6)
        self._phase = generator.uniform(0, len(goals))

    def goal(self, _prompt: str, time_s: float) -> Goal:
        place = (time_s / self._period_s + self._phase) % len(self._goals)
        return self._goals[int(place)] if place % 1 > 0.4 else _AHEAD


def _try(face: Subject, kind: str, detector: Detector, config: PresentationConfig) -> tuple[float, float] | None:
    """Seconds from the first request and from the first frame to the end of a challenge that was passed; None: it was not."""
    seed = zlib.crc32(f"{face.person}/{face.number}/{kind}".encode())
    generator = np.random.default_rng(seed)
    challenge = HeadTurnChallenge(config, random.Random(seed))
    camera, stage = Camera(generator), Stage(face.landmarks, generator)
    surface = None if kind == PERSON else Surface("paper" if kind == BENT else "phone", generator)
    cover = outline(face) if surface is None else None
    sways = [Sway(generator, period_s) for period_s in (4.0, 3.3, 5.0, 4.0)]
    depth, speed = generator.uniform(0.4, 0.55), generator.uniform(50, 110) / FPS
    aside, up = generator.uniform(24, 32), generator.uniform(14, 20)
    head: dict[str, Goal] = {"left": (aside, 0.0), "right": (-aside, 0.0), "up": (0.0, -up)}
    reaction_s = generator.uniform(0.35, 0.8)
    mover: _Follower | _Recording = _Follower(head, reaction_s, further=True)
    if kind == RECORDING:
        mover = _Recording(head, generator)
    elif kind in {PHOTO, BENT}:
        mover = _Follower(_HAND, 0.0)
    place, box, begun_s = np.zeros(2), None, 0.0
    for index in range(round(_LONGEST_S * FPS)):
        time_s = index / FPS
        place += np.clip(np.array(mover.goal(challenge.prompt, time_s)) - place, -speed, speed)
        sway = [each(time_s) for each in sways]
        if kind in {PHOTO, BENT}:
            picture, pose = face.photo, Pose(place[0], place[1], 0, 0.06 * sway[0], 0.05 * sway[1])
        else:
            yaw, pitch = place[0] + 1.5 * sway[2], place[1] + sway[3]
            picture = np.asarray(warp_head(face.photo, face.landmarks, yaw, pitch, nose_depth=depth))
            pose = Pose(0, 0, 1.5 * sway[0], 0.06 * sway[0], 0.05 * sway[1])
        bent = kind == BENT
        scene = stage.show_bent(picture, pose, _RADIUS, time_s, surface) if bent else None
        frame = camera.take(stage.show(picture, cover, pose, time_s, surface) if scene is None else scene, time_s)
        box, landmarks = largest_face(frame, box if index % SCAN_EVERY else None, detector)
        if not challenge.begun:
            begun_s = time_s
        challenge.observe(START + timedelta(seconds=time_s), landmarks)
        if challenge.outcome is not None:
            break
    return (time_s - begun_s, time_s) if challenge.outcome else None


def in_words(result: dict[str, Any]) -> str:
    """The table of docs/liveness.md."""
    lines = ["| before the challenge | tries | passed | share | 95% interval |", "| --- | --- | --- | --- | --- |"]
    for kind, row in result["tries"].items():
        low, high = row["interval"]
        lines.append(f"| {kind} | {row['tried']} | {row['passed']} | {row['share']:.1%} | {low:.1%} – {high:.1%} |")
    if "asked_s" in (people := result["tries"].get(PERSON, {})):
        lines += ["", f"People need {people['asked_s']} s from the first request, and {people['whole_s']} s in all."]
    return "\n".join([*lines, ""])
