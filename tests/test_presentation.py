"""A head or a picture of one: geometry on synthetic landmarks, streams, the challenge, and the slot for a network."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from fakes import T0, at
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from onnx import TensorProto, helper

from engine.config import Config, PresentationConfig, load_config
from engine.errors import ConfigError
from engine.presentation import (
    HeadTurnChallenge,
    Liveness,
    LivenessState,
    NetworkCheck,
    StreamWatch,
    TrackLiveness,
    combined,
)
from engine.presentation.challenge import PROMPTS
from engine.presentation.geometry import Views, head_pose, upright

PASSED, UNPROVEN, FAILED = LivenessState.PASSED, LivenessState.UNPROVEN, LivenessState.FAILED
CONFIG = PresentationConfig()
FPS = 12.5
Points = NDArray[np.float32]

# eyes, nose, corners of the mouth; right, down and towards the camera, in eye distances
HEAD = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, 0.56, 0.48], [-0.42, 1.13, 0.06], [0.42, 1.13, 0.06]])
FLAT = HEAD * [1, 1, 0]


def seen(
    shape: NDArray[np.float64],
    yaw_deg: float = 0.0,
    pitch_deg: float = 0.0,
    *,
    eyes_px: float = 60.0,
    away: float = 9.5,
    noise: float = 0.0,
    generator: np.random.Generator | None = None,
) -> Points:
    """The landmarks of a turned shape, seen from so many eye distances away, with noise as a share of the eye distance."""
    yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
    about_y = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(pitch), math.sin(pitch)], [0, -math.sin(pitch), math.cos(pitch)]])
    turned = (shape - [0, 0.5, 0]) @ (about_x @ about_y).T
    points = turned[:, :2] / (1 - turned[:, 2:] / away) * eyes_px + [320, 240]
    if generator is not None:
        points = points + generator.normal(0, noise * eyes_px, points.shape)
    return np.asarray(points, np.float32)


def watch(
    track: TrackLiveness,
    shape: NDArray[np.float64],
    yaw: Callable[[float], float],
    *,
    pitch: Callable[[float], float] = lambda _time: 0.0,
    seconds: float = 8.0,
    start_s: float = 0.0,
    seed: int = 0,
    noise: float = 0.015,
) -> list[LivenessState]:
    """Show a moving shape to a track's checks; the states after every frame."""
    generator = np.random.default_rng(seed)
    states = []
    for index in range(round(seconds * FPS)):
        time_s = index / FPS
        points = seen(shape, yaw(time_s), pitch(time_s), noise=noise, generator=generator)
        track.observe(at(start_s + time_s), points)
        states.append(track.verdict.state)
    return states


def swing(range_deg: float, period_s: float = 5.0) -> Callable[[float], float]:
    """Turning to and fro over so many degrees from side to side."""
    return lambda time_s: range_deg / 2 * math.sin(2 * math.pi * time_s / period_s)


def glance(angle_deg: float) -> Callable[[float], float]:
    """Straight, to one side, and back."""
    return lambda time_s: angle_deg * max(0.0, math.sin(math.pi * (time_s - 2) / 4)) if 2 < time_s < 6 else 0.0


# ----------------------------------------------------------------------------------------- a head or a plane


@pytest.mark.parametrize(("range_deg", "state"), [(0, UNPROVEN), (10, UNPROVEN), (20, PASSED), (30, PASSED)])
def test_a_head_passes_when_it_turns_far_enough(range_deg: float, state: LivenessState) -> None:
    for seed in range(20):
        track = TrackLiveness(CONFIG)
        watch(track, HEAD, swing(range_deg), seed=seed, noise=0.01)
        assert track.verdict.state is state


def test_a_head_that_glances_aside_passes() -> None:
    track = TrackLiveness(CONFIG)
    watch(track, HEAD, glance(30))
    assert track.verdict.state is PASSED
    assert track.verdict.reason.startswith("depth over a turn of")


@pytest.mark.parametrize("range_deg", [0, 10, 20])
def test_a_photo_that_is_turned_little_proves_nothing(range_deg: float) -> None:
    for seed in range(20):
        track = TrackLiveness(CONFIG)
        watch(track, FLAT, swing(range_deg), seed=seed)
        assert track.verdict.state is UNPROVEN


@pytest.mark.parametrize("turn", [glance(35), glance(-35), swing(70)])
def test_a_photo_that_is_turned_far_fails(turn: Callable[[float], float]) -> None:
    for seed in range(20):
        track = TrackLiveness(CONFIG)
        watch(track, FLAT, turn, seed=seed, noise=0.01)
        assert track.verdict.state is FAILED
        assert track.verdict.reason.startswith("flat over a turn of")


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 90), st.floats(0, 30), st.floats(1.5, 8), st.integers(0, 2**31), st.floats(0.002, 0.02))
def test_no_photo_passes_however_it_is_turned(
    range_deg: float, nod_deg: float, period_s: float, seed: int, noise: float
) -> None:
    track = TrackLiveness(CONFIG)
    watch(track, FLAT, swing(range_deg, period_s), pitch=swing(nod_deg, 1.3 * period_s), seed=seed, noise=noise)
    assert track.verdict.state is not PASSED


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 70), st.floats(0, 30), st.floats(0.38, 0.6), st.integers(0, 2**31), st.floats(0.002, 0.02))
def test_no_head_fails_however_it_turns(range_deg: float, nod_deg: float, nose: float, seed: int, noise: float) -> None:
    head = HEAD.copy()
    head[2, 2] = nose
    track = TrackLiveness(CONFIG)
    watch(track, head, swing(range_deg), pitch=swing(nod_deg, 3.0), seed=seed, noise=noise)
    assert track.verdict.state is not FAILED


def test_a_mouth_that_opens_and_smiles_is_no_turn() -> None:
    track, generator = TrackLiveness(CONFIG), np.random.default_rng(5)
    for index in range(100):
        time_s = index / FPS
        face = HEAD.copy()
        face[3:, 1] += 0.15 * max(0.0, math.sin(2 * math.pi * time_s / 1.6))
        face[3:, 0] *= 1 + 0.12 * math.sin(2 * math.pi * time_s / 2.9)
        track.observe(at(time_s), seen(face, noise=0.01, generator=generator))
    assert track.verdict.state is UNPROVEN


def test_a_verdict_stays() -> None:
    passed = TrackLiveness(CONFIG)
    watch(passed, HEAD, swing(50))
    assert set(watch(passed, FLAT, swing(70), start_s=8.0)) == {PASSED}
    failed = TrackLiveness(CONFIG)
    watch(failed, FLAT, swing(70))
    assert set(watch(failed, HEAD, swing(50), start_s=8.0)) == {FAILED}


def test_nothing_seen_is_unproven() -> None:
    verdict = TrackLiveness(CONFIG).verdict
    assert (verdict.state, verdict.score) == (UNPROVEN, None)


@pytest.mark.parametrize(
    "points", [np.zeros((5, 2)), np.full((5, 2), np.nan), HEAD[:, :2] * [-1, 1], HEAD[:, :2] * [0.01, 1]]
)
def test_landmarks_of_no_face_are_left_out(points: NDArray[np.float64]) -> None:
    assert upright(points.astype(np.float32)) is None
    assert head_pose(points.astype(np.float32)) is None
    track = TrackLiveness(CONFIG)
    for index in range(50):
        track.observe(at(index / FPS), points.astype(np.float32))
    assert track.verdict.state is UNPROVEN


def test_a_clock_that_is_set_back_does_no_harm() -> None:
    track = TrackLiveness(CONFIG)
    watch(track, HEAD, swing(30), seconds=2.0, start_s=100.0)
    watch(track, HEAD, swing(30), seconds=6.0)
    assert track.verdict.state is PASSED


def test_views_are_bounded_and_keep_the_extremes() -> None:
    views = Views(limit=12)
    turn = [40.0] * 20 + [0.0] * 400 + [-40.0] * 20
    for index, yaw in enumerate(turn):
        views.add(index / FPS, seen(HEAD, yaw))
    result = views.assess()
    assert result is not None
    assert result.views == 12
    generous = Views(limit=1000)
    for index, yaw in enumerate(turn):
        generous.add(index / FPS, seen(HEAD, yaw))
    expected = generous.assess()
    assert expected is not None
    assert_allclose(result.parallax, expected.parallax, rtol=0.1)


def test_parallax_and_foreshortening_are_the_geometry_s() -> None:
    """From far away and without noise: depth times the sine, and the angle itself."""
    for shape, depth in (
        (HEAD, 0.45),
        (FLAT, 0.0),
    ):  # the nose before the plane of eyes and mouth: 0.48 - 0.06 * 0.56 / 1.13
        views = Views()
        for index in range(40):
            views.add(index / FPS, seen(shape, 0.0 if index < 28 else 30.0, away=1e6))
        turn = views.assess()
        assert turn is not None
        assert_allclose(turn.foreshortened_deg, 30.0, atol=2.0)
        assert_allclose(turn.depth, depth, atol=0.06)
        assert_allclose(turn.noise, 0.0, atol=1e-3)


def test_turn_direction_follows_the_house_s_convention() -> None:
    for yaw in (-25.0, 25.0):
        pose = head_pose(seen(HEAD, yaw))
        assert pose is not None
        assert pose[0] * yaw > 0
    down, up = head_pose(seen(HEAD, 0.0, 15.0)), head_pose(seen(HEAD, 0.0, -15.0))
    assert down is not None
    assert up is not None
    assert down[1] > up[1]


def test_the_worst_of_several_verdicts_counts_and_proof_comes_before_none() -> None:
    passed, failed, unproven = (Liveness(state) for state in (PASSED, FAILED, UNPROVEN))
    assert combined([]).state is UNPROVEN
    assert combined([unproven]) is unproven
    assert combined([unproven, passed]) is passed
    assert combined([passed, failed, unproven]) is failed


# ----------------------------------------------------------------------------------------- a face that does not change


def portrait(generator: np.random.Generator, blink: float = 0.0) -> NDArray[np.uint8]:
    """A crop (160, 160, 3): smooth patches, two eyes that may close, and fresh sensor noise."""
    patches = np.random.default_rng(1).uniform(90, 190, (7, 7)).astype(np.float32)
    face = cv2.resize(patches, (160, 160), interpolation=cv2.INTER_CUBIC)
    for x in (55, 105):
        cv2.ellipse(face, (x, 73), (12, max(1, round(6 * (1 - blink)))), 0, 0, 360, 30.0, -1)
    face = cv2.GaussianBlur(face, (0, 0), 2.0)
    shift = generator.normal(0, 0.7, 2)
    moved = cv2.warpAffine(
        face, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), (160, 160), borderMode=cv2.BORDER_REFLECT
    )
    noisy = moved[..., None] * generator.uniform(0.9, 1.1) + generator.normal(0, 3, (160, 160, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def stare(seconds: float, *, rate: float = 4.0, eyes_px: float = 60.0, blinks: Sequence[float] = ()) -> Liveness:
    """What is said of a face that only blinks."""
    track, generator = TrackLiveness(CONFIG), np.random.default_rng(3)
    for index in range(round(seconds * rate) + 1):
        time_s = index / rate
        blink = 1.0 if any(abs(time_s - moment) < 0.15 for moment in blinks) else 0.0
        track.observe(at(time_s), seen(HEAD, eyes_px=eyes_px), portrait(generator, blink))
    return track.verdict


def test_a_face_that_does_not_change_fails_after_a_long_time_only() -> None:
    assert stare(CONFIG.still_s - 1).state is UNPROVEN
    verdict = stare(CONFIG.still_s + 1)
    assert verdict.state is FAILED
    assert "did not change" in verdict.reason


def test_a_blink_is_a_change() -> None:
    assert stare(20.0, blinks=[7.0, 15.0]).state is UNPROVEN


def test_few_or_small_crops_say_nothing_of_stillness() -> None:
    assert stare(30.0, rate=1.5).state is UNPROVEN
    assert stare(30.0, eyes_px=20.0).state is UNPROVEN


# ----------------------------------------------------------------------------------------- frozen and looped streams


class Hall:
    """A camera in a hall through which somebody walks: pictures (108, 192, 3) with sensor noise."""

    def __init__(self, noise: float = 2.0, seed: int = 0) -> None:
        self.generator = np.random.default_rng(seed)
        self.noise = noise
        self.hall = cv2.resize(self.generator.uniform(40, 200, (6, 9, 3)), (192, 108), interpolation=cv2.INTER_CUBIC)
        self.person = self.generator.uniform(20, 230, (60, 30, 3))
        self.person = cv2.GaussianBlur(self.person, (0, 0), 2) * 3 % 255

    def take(self, x: float = -100.0) -> NDArray[np.uint8]:
        """With the person at column `x`."""
        picture = self.hall.copy()
        place = np.array([[1, 0, x], [0, 1, 40]])
        cover = cv2.warpAffine(np.ones((60, 30)), place, (192, 108))[..., None]
        picture += (cv2.warpAffine(self.person, place, (192, 108)) - picture) * cover
        noisy = picture + self.generator.normal(0, self.noise, picture.shape)
        return np.clip(noisy, 0, 255).astype(np.uint8)

    def walk(self, seconds: float = 6.0, begin: float = -30.0, speed: float = 36.0) -> list[NDArray[np.uint8]]:
        """From left to right, never quite at the same pace."""
        step_s, foot = self.generator.uniform(0.9, 1.1), self.generator.uniform(0, 2 * math.pi)
        times = np.arange(round(seconds * FPS)) / FPS
        return [self.take(begin + speed * time + 2 * math.sin(2 * math.pi * time / step_s + foot)) for time in times]


def judged(frames: Sequence[NDArray[np.uint8]], config: PresentationConfig = CONFIG) -> list[str]:
    """What is said of each frame of a stream."""
    stream = StreamWatch(config)
    return [stream.observe(at(index / FPS), frame) for index, frame in enumerate(frames)]


def test_an_empty_scene_with_sensor_noise_is_neither_frozen_nor_looped() -> None:
    hall = Hall()
    frames = [hall.take() for _ in range(200)]
    order = np.random.default_rng(1).integers(
        0, 200, 2000
    )  # noise is what a camera repeats least: pictures in any order
    assert set(judged([hall.take() for _ in range(300)])) == {""}
    assert "frozen" not in judged([frames[index] for index in order])


def test_a_picture_that_stands_still_is_frozen_from_the_limit_on() -> None:
    frames = Hall().walk(3.0)
    said = judged(frames + [frames[-1]] * 200)
    first = said.index("frozen")
    since_s = (first - (len(frames) - 1)) / FPS
    assert_allclose(since_s, CONFIG.frozen_s, atol=1 / FPS + 1e-6)
    assert set(said[first:]) == {"frozen"}
    assert set(said[:first]) == {""}


def test_a_stream_that_moves_again_is_no_longer_frozen() -> None:
    frames = Hall().walk()
    assert judged([frames[0]] * 150 + frames)[-1] == ""


@pytest.mark.parametrize("length", [25, 60, 75, 76])
def test_a_repeated_recording_is_looped(length: int) -> None:
    frames = Hall().walk()[10:][:length] if length < 60 else (Hall().walk(8.0))[:length]
    said = judged([frames[index % length] for index in range(round(20 * FPS))])
    assert "looped" in said
    assert said.index("looped") / FPS <= length / FPS + 2 * CONFIG.loop_s
    assert "frozen" not in said


def test_a_recording_that_is_coded_anew_each_time_is_looped() -> None:
    frames = Hall().walk()
    generator = np.random.default_rng(4)
    coded = []
    for index in range(250):
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(generator.integers(85, 96))]
        coded.append(cv2.imdecode(cv2.imencode(".jpg", frames[index % 75], quality)[1], cv2.IMREAD_COLOR))
    assert "looped" in judged(coded)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 1000), st.floats(0.7, 3.0))
def test_somebody_who_walks_the_same_way_again_is_no_loop(seed: int, noise: float) -> None:
    hall, generator = Hall(noise, seed), np.random.default_rng(seed)
    frames: list[NDArray[np.uint8]] = []
    for _ in range(4):
        frames += hall.walk(6.0, -30 + generator.normal(0, 3), 36 * generator.uniform(0.95, 1.05))
    assert set(judged(frames)) == {""}


def test_a_loop_is_seen_after_the_memory_has_gone_round() -> None:
    hall = Hall()
    frames = [hall.take() for _ in range(round(150 * FPS))]
    loop = hall.walk()
    said = judged(frames + loop * 3)
    assert set(said[: len(frames)]) == {""}
    assert "looped" in said[len(frames) :]


def test_a_stream_of_another_size_begins_anew() -> None:
    frames = Hall().walk()
    stream = StreamWatch(CONFIG)
    for index in range(150):
        stream.observe(at(index / FPS), frames[index % 75] if index < 75 else frames[index % 75][::2, ::2])
    assert stream.observe(at(12.0), frames[0][:1, :1]) == ""
    assert stream.observe(at(1.0), frames[0]) == ""  # and when the clock is set back


# ----------------------------------------------------------------------------------------- the challenge


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


# ----------------------------------------------------------------------------------------- the slot for a network


def save_model(
    path: Path, nodes: list[onnx.NodeProto], output: Sequence[int | str], shape: Sequence[int | str] = (1, 3, 8, 6)
) -> Path:
    """A graph from `x` to `y`."""
    graph = helper.make_graph(
        nodes,
        "check",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, output)],
        [
            helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3]),
            helper.make_tensor("places", TensorProto.INT64, [2], [2, 3]),
            helper.make_tensor("five", TensorProto.FLOAT, [1], [5.0]),
            helper.make_tensor("red_green", TensorProto.INT64, [2], [0, 1]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(path))
    return path


MEAN = [helper.make_node("ReduceMean", ["x", "axes"], ["m"], keepdims=1), helper.make_node("Flatten", ["m"], ["y"])]
RED_GREEN = [
    helper.make_node("ReduceMean", ["x", "places"], ["m"], keepdims=0),
    helper.make_node("Gather", ["m", "red_green"], ["y"], axis=1),
]
FIVEFOLD = [*MEAN[:1], helper.make_node("Flatten", ["m"], ["f"]), helper.make_node("Mul", ["f", "five"], ["y"])]
BOX = np.array([40, 30, 70, 70], np.float32)  # of the network's proportions


def lit(colour: Sequence[int] = (255, 255, 255)) -> NDArray[np.uint8]:
    """A black picture whose face is of one colour."""
    picture = np.zeros((100, 110, 3), np.uint8)
    picture[30:70, 40:70] = colour
    return picture


def test_a_probability_is_held_against_the_threshold(tmp_path: Path) -> None:
    path = save_model(tmp_path / "mean.onnx", MEAN, (1, 1))
    check = NetworkCheck(PresentationConfig(model=path, model_crop=1.0, model_threshold=128 / 255))
    assert_allclose(check.score(lit(), BOX), 1.0, atol=1e-6)
    assert check.judge(lit((128,) * 3), BOX).state is PASSED  # exactly on the threshold
    verdict = check.judge(lit((127,) * 3), BOX)
    assert verdict.state is FAILED
    assert "bona fide 0.50" in verdict.reason


def test_the_crop_is_as_large_as_the_settings_say_and_black_beyond_the_edge(tmp_path: Path) -> None:
    path = save_model(tmp_path / "mean.onnx", MEAN, (1, 1))
    check = NetworkCheck(PresentationConfig(model=path, model_crop=2.0))
    assert_allclose(check.score(lit(), BOX), 0.25, atol=0.02)
    corner = np.full((50, 50, 3), 255, np.uint8)
    check = NetworkCheck(PresentationConfig(model=path, model_crop=1.0))
    assert_allclose(check.score(corner, np.array([-15, -20, 15, 20], np.float32)), 0.25, atol=0.02)
    assert check.score(corner, np.array([200, 200, 230, 240], np.float32)) == 0.0


def test_two_logits_are_attack_and_bona_fide_and_colours_are_red_first(tmp_path: Path) -> None:
    check = NetworkCheck(PresentationConfig(model=save_model(tmp_path / "two.onnx", RED_GREEN, (1, 2)), model_crop=1.0))
    share = 1 / (1 + math.exp(-1))
    assert_allclose(check.score(lit((0, 255, 0)), BOX), share, atol=1e-5)
    assert_allclose(check.score(lit((255, 0, 0)), BOX), 1 - share, atol=1e-5)
    assert_allclose(check.score(lit((0, 0, 255)), BOX), 0.5, atol=1e-5)


def test_an_answer_that_is_no_probability_is_an_error(tmp_path: Path) -> None:
    check = NetworkCheck(PresentationConfig(model=save_model(tmp_path / "five.onnx", FIVEFOLD, (1, 1)), model_crop=1.0))
    with pytest.raises(ConfigError, match=r"expected a probability from 0 to 1, the network gave 5"):
        check.score(lit(), BOX)


@pytest.mark.parametrize(
    ("output", "shape", "message"),
    [
        ((1, 1), (1, 1, 8, 6), r"expected one input, float32 \(1, 3, H, W\).*found x tensor\(float\) \[1, 1, 8, 6\]"),
        ((1, 1), (1, 3, "h", "w"), r"fixed H and W, found x tensor\(float\) \[1, 3, 'h', 'w'\]"),
        ((1, 1), (2, 3, 8, 6), r"found x tensor\(float\) \[2, 3, 8, 6\]"),
    ],
)
def test_a_network_of_another_input_is_refused_by_name(
    tmp_path: Path, output: Sequence[int], shape: Sequence[int | str], message: str
) -> None:
    path = save_model(tmp_path / "odd.onnx", MEAN, ("n", 1) if shape[0] == 2 else output, shape)
    with pytest.raises(ConfigError, match=message) as caught:
        NetworkCheck(PresentationConfig(model=path))
    assert "odd.onnx" in caught.value.message
    assert caught.value.hint


def test_a_network_of_another_output_is_refused_by_name(tmp_path: Path) -> None:
    nodes = [helper.make_node("ReduceMean", ["x", "places"], ["y"], keepdims=0)]
    path = save_model(tmp_path / "three.onnx", nodes, (1, 3))
    with pytest.raises(ConfigError, match=r"expected one output, .*found y tensor\(float\) \[1, 3\]"):
        NetworkCheck(PresentationConfig(model=path))


def test_a_missing_or_damaged_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"presentation\.model is empty"):
        NetworkCheck(CONFIG)
    with pytest.raises(ConfigError, match="there is no such file"):
        NetworkCheck(PresentationConfig(model=tmp_path / "none.onnx"))
    (tmp_path / "bad.onnx").write_bytes(b"not a graph")
    with pytest.raises(ConfigError, match="not an ONNX graph that runs here"):
        NetworkCheck(PresentationConfig(model=tmp_path / "bad.onnx"))


# ----------------------------------------------------------------------------------------- settings


def test_the_section_is_read_from_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text('[presentation]\npolicy = "require"\nstill_s = 20\n', encoding="utf-8")
    config: Config = load_config(tmp_path)
    assert (config.presentation.policy, config.presentation.still_s, config.presentation.model) == (
        "require",
        20.0,
        None,
    )


@pytest.mark.parametrize(
    "line", ['policy = "block"', "still_s = 3", "min_turn_deg = 5", "model_threshold = 1", "blink = 1"]
)
def test_a_setting_that_makes_no_sense_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "muster.toml").write_text(f"[presentation]\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"presentation\.{line.split(' ', maxsplit=1)[0]}"):
        load_config(tmp_path)


def test_times_are_any_zone_s() -> None:
    track = TrackLiveness(CONFIG)
    for index in range(100):
        time: datetime = at(index / FPS).astimezone()
        track.observe(time, seen(HEAD, swing(50)(index / FPS)))
    assert track.verdict.state is PASSED
