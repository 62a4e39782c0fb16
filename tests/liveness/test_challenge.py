"""The head-turn challenge: order, time, and flat pictures."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from fakes import T0, at
from numpy.typing import NDArray
from shapes import CONFIG, FLAT, FPS, HEAD, seen

from engine.liveness import HeadTurnChallenge
from engine.liveness.challenge import PROMPTS, SEQUENCES


def ask(*prompts: str) -> HeadTurnChallenge:
    """A challenge with these prompts."""

    class Chosen(random.Random):
        def choice(self, seq: Sequence[tuple[str, ...]]) -> tuple[str, ...]:  # type: ignore[override]
            assert prompts in seq
            return prompts

    return HeadTurnChallenge(CONFIG, Chosen())


ANSWERS = {
    "left": (30.0, 0.0),
    "right": (-30.0, 0.0),
    "up": (0.0, -20.0),
}
"""Degrees to the side and down."""
FRONT = (0.0, 0.0)


def answer(
    challenge: HeadTurnChallenge,
    shape: NDArray[np.float64] = HEAD,
    *,
    obey: Callable[[str], tuple[float, ...]] | None = None,
    speed_deg: float = 6.0,
    seconds: float = 40.0,
) -> bool | None:
    """Follow the prompts at so many degrees a frame until it is decided."""
    generator = np.random.default_rng(8)
    wanted = {text: ANSWERS[name] for name, text in PROMPTS.items()}
    obey = obey or (lambda prompt: wanted.get(prompt, FRONT))
    pose = np.zeros(2)
    for index in range(round(seconds * FPS)):
        if challenge.outcome is not None:
            break
        pose += np.clip(np.array(obey(challenge.prompt)) - pose, -speed_deg, speed_deg)
        challenge.observe(at(index / FPS), seen(shape, *pose, noise=0.008, generator=generator))
    return challenge.outcome


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_head_that_follows_passes(sequence: tuple[str, str]) -> None:
    challenge = ask(*sequence)
    assert challenge.prompt == "look straight at the camera"
    assert answer(challenge) is True
    assert challenge.prompt == ""


def test_the_prompts_come_one_after_the_other_without_a_straight_look_in_between() -> None:
    challenge, prompts = ask("left", "right"), []

    def obey(prompt: str) -> tuple[float, ...]:
        if not prompts or prompts[-1] != prompt:
            prompts.append(prompt)
        return {PROMPTS["left"]: ANSWERS["left"], PROMPTS["right"]: ANSWERS["right"]}.get(prompt, FRONT)

    assert answer(challenge, obey=obey) is True
    assert prompts == ["look straight at the camera", "turn your head left", "turn your head right"]


@pytest.mark.parametrize("made", ["left", "up"])
def test_another_movement_than_the_one_asked_for_fails(made: str) -> None:
    right = PROMPTS["right"]
    far = {"left": (30.0, 0.0), "up": (0.0, -28.0)}[made]
    challenge = ask("right", "left")
    assert answer(challenge, obey=lambda prompt: far if prompt == right else FRONT, seconds=4.0) is False


def test_a_movement_that_is_there_before_anybody_can_react_fails() -> None:
    asked_at: list[int] = []
    challenge = ask("left", "right")
    for index in range(60):
        turned = 0.0
        if challenge.prompt == PROMPTS["left"]:
            asked_at.append(index)
            turned = 15.0 if len(asked_at) == 1 else 32.0  # there in two frames
        challenge.observe(at(index / FPS), seen(HEAD, turned))
        if challenge.outcome is not None:
            break
    assert challenge.outcome is False


def test_somebody_who_does_nothing_fails_when_the_time_is_up() -> None:
    challenge = ask("left", "right")
    assert answer(challenge, obey=lambda _prompt: FRONT, seconds=CONFIG.challenge_s) is None
    assert answer(ask("left", "right"), obey=lambda _prompt: FRONT) is False


def test_nobody_in_view_lets_the_time_run_out() -> None:
    challenge = ask("left", "right")
    challenge.observe(T0, None)
    challenge.observe(at(CONFIG.challenge_s), None)
    assert challenge.outcome is None
    challenge.observe(at(CONFIG.challenge_s + 0.1), None)
    assert challenge.outcome is False


@pytest.mark.parametrize("angles", [1.0, 1.4])
def test_a_photo_that_is_turned_as_asked_fails(angles: float) -> None:
    wanted = {PROMPTS[name]: (angles * yaw, angles * pitch) for name, (yaw, pitch) in ANSWERS.items()}
    for pair in SEQUENCES:
        assert answer(ask(*pair), FLAT, obey=lambda prompt: wanted.get(prompt, FRONT)) is not True


def test_three_pictures_shown_in_turn_fail() -> None:
    assert answer(ask("left", "right"), speed_deg=90.0) is False


def test_somebody_who_leaves_in_between_fails() -> None:
    challenge = ask("left", "right")
    for index in range(15):
        challenge.observe(at(index / FPS), seen(HEAD))
    assert challenge.prompt == PROMPTS["left"]
    challenge.observe(at(14 / FPS + 1.5), seen(HEAD))
    assert challenge.outcome is False


def test_all_sequences_are_asked_each_holds_a_turn_and_nobody_foretells_the_moment() -> None:
    asked, begun = set(), set()
    for seed in range(120):
        prompts: list[str] = []
        first: list[int] = []
        challenge = HeadTurnChallenge(CONFIG, random.Random(seed))
        wanted = {text: ANSWERS[name] for name, text in PROMPTS.items()}
        generator, pose = np.random.default_rng(seed), np.zeros(2)
        for index in range(150):
            prompt = challenge.prompt
            if prompt in wanted and prompt not in prompts:
                prompts.append(prompt)
                first.append(index)
            pose += np.clip(np.array(wanted.get(prompt, FRONT)) - pose, -6, 6)
            points = seen(HEAD, *pose, noise=0.008, generator=generator)
            challenge.observe(at(index / FPS), points)
            if challenge.outcome is not None:
                break
        if len(prompts) == 2:  # else noise spoiled the first movement, as it may
            asked.add(tuple(prompts))
        begun.add(first[0])
    assert asked == {tuple(PROMPTS[name] for name in pair) for pair in SEQUENCES}
    assert all({PROMPTS["left"], PROMPTS["right"]} & set(pair) for pair in asked)
    assert len(begun) > 4
