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
from engine.liveness.challenge import PROMPTS


def ask(*prompts: str) -> HeadTurnChallenge:
    """A challenge with these prompts."""

    class Chosen(random.Random):
        def choice(self, seq: Sequence[str]) -> str:  # type: ignore[override]
            assert set(prompts) <= set(seq)
            return next(order)

    order = iter(prompts)
    return HeadTurnChallenge(CONFIG, Chosen())


ANSWERS = {"left": (30.0, 0.0), "right": (-30.0, 0.0), "up": (0.0, -20.0)}


def answer(
    challenge: HeadTurnChallenge,
    shape: NDArray[np.float64] = HEAD,
    *,
    obey: Callable[[str], tuple[float, float]] | None = None,
    speed_deg: float = 4.0,
    seconds: float = 40.0,
) -> bool | None:
    """Follow the prompts at so many degrees a frame until it is decided."""
    generator = np.random.default_rng(8)
    wanted = {text: ANSWERS[name] for name, text in PROMPTS.items()}
    obey = obey or (lambda prompt: wanted.get(prompt, (0.0, 0.0)))
    pose = np.zeros(2)
    for index in range(round(seconds * FPS)):
        if challenge.outcome is not None:
            break
        pose += np.clip(np.array(obey(challenge.prompt)) - pose, -speed_deg, speed_deg)
        challenge.observe(at(index / FPS), seen(shape, *pose, noise=0.008, generator=generator))
    return challenge.outcome


@pytest.mark.parametrize("first", ["left", "right", "up"])
@pytest.mark.parametrize("second", ["left", "right", "up"])
def test_a_head_that_follows_passes(first: str, second: str) -> None:
    challenge = ask(first, second)
    assert challenge.prompt == "look straight at the camera"
    assert answer(challenge) is True
    assert challenge.prompt == ""


def test_the_prompts_come_one_after_the_other() -> None:
    challenge, prompts = ask("left", "right"), []

    def obey(prompt: str) -> tuple[float, float]:
        if not prompts or prompts[-1] != prompt:
            prompts.append(prompt)
        return {"turn your head left": ANSWERS["left"], "turn your head right": ANSWERS["right"]}.get(
            prompt, (0.0, 0.0)
        )

    assert answer(challenge, obey=obey) is True
    straight = "look straight at the camera"
    assert prompts == [straight, "turn your head left", straight, "turn your head right"]


def test_turns_in_another_order_fail() -> None:
    right = PROMPTS["right"]
    assert answer(ask("left", "right"), obey=lambda prompt: ANSWERS["right"] if prompt != right else (0, 0)) is False


def test_somebody_who_does_nothing_fails_when_the_time_is_up() -> None:
    challenge = ask("left", "right")
    assert answer(challenge, obey=lambda _prompt: (0.0, 0.0), seconds=CONFIG.challenge_s) is None
    assert answer(ask("left", "right"), obey=lambda _prompt: (0.0, 0.0)) is False


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
    for pair in (("left", "right"), ("right", "right"), ("up", "left"), ("up", "up")):
        assert answer(ask(*pair), FLAT, obey=lambda prompt: wanted.get(prompt, (0.0, 0.0))) is False


def test_three_pictures_shown_in_turn_fail() -> None:
    assert answer(ask("left", "right"), speed_deg=90.0) is False


def test_somebody_who_leaves_in_between_fails() -> None:
    challenge = ask("left", "right")
    for index in range(15):
        challenge.observe(at(index / FPS), seen(HEAD))
    assert challenge.prompt == PROMPTS["left"]
    challenge.observe(at(14 / FPS + 1.5), seen(HEAD))
    assert challenge.outcome is False


def test_all_sequences_are_asked_and_a_seed_repeats_them() -> None:
    def sequence(seed: int) -> tuple[str, ...]:
        prompts: list[str] = []
        wanted = {text: ANSWERS[name] for name, text in PROMPTS.items()}

        def obey(prompt: str) -> tuple[float, float]:
            if prompt in wanted and (not prompts or turned[0]):
                prompts.append(prompt)
            turned[0] = prompt not in wanted
            return wanted.get(prompt, (0.0, 0.0))

        turned = [True]
        assert answer(HeadTurnChallenge(CONFIG, random.Random(seed)), obey=obey) is True
        return tuple(prompts)

    seen_sequences = {sequence(seed) for seed in range(40)}
    assert len(seen_sequences) == len(PROMPTS) ** 2
    assert sequence(7) == sequence(7)
