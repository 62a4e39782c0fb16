"""A head or a picture of one: geometry on synthetic landmarks, and faces that do not change."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import at
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from shapes import CONFIG, FAILED, FLAT, FPS, HEAD, PASSED, UNPROVEN, seen, swing

from engine.config import Config, load_config
from engine.errors import ConfigError
from engine.liveness import Liveness, LivenessState, TrackLiveness, combined
from engine.liveness.geometry import Views, head_pose, upright


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


def glance(angle_deg: float) -> Callable[[float], float]:
    """Straight, to one side, and back."""
    return lambda time_s: angle_deg * max(0.0, math.sin(math.pi * (time_s - 2) / 4)) if 2 < time_s < 6 else 0.0


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


# --------------------------------------------------------------------------------------------- settings


def test_the_section_is_read_from_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text('[presentation]\npolicy = "require"\nstill_s = 20\n', encoding="utf-8")
    config: Config = load_config(tmp_path)
    assert (config.presentation.policy, config.presentation.still_s) == ("require", 20.0)


@pytest.mark.parametrize("line", ['policy = "block"', "still_s = 3", "min_turn_deg = 5", "blink = 1"])
def test_a_setting_that_makes_no_sense_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "muster.toml").write_text(f"[presentation]\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"presentation\.{line.split(' ', maxsplit=1)[0]}"):
        load_config(tmp_path)


def test_settings_of_the_retired_network_are_ignored_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = '[presentation]\npolicy = "require"\nmodel = "gone.onnx"\nmodel_threshold = 0.7\n'
    (tmp_path / "muster.toml").write_text(old, encoding="utf-8")
    assert load_config(tmp_path).presentation.policy == "require"
    (record,) = caplog.records
    assert "presentation.model, presentation.model_threshold ignored" in record.getMessage()


def test_times_are_any_zone_s() -> None:
    track = TrackLiveness(CONFIG)
    for index in range(100):
        time: datetime = at(index / FPS).astimezone()
        track.observe(time, seen(HEAD, swing(50)(index / FPS)))
    assert track.verdict.state is PASSED
