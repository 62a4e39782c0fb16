"""Guided capture: what it says of a frame, and which pictures it takes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from clips import guided_frames
from fakes import OneWayDetector, PaletteEmbedder
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from engine.config import QualityConfig
from engine.enrolment import STEPS, GuidedCapture, GuideMark, Step, guide_mark
from engine.enrolment.capture import CaptureLimits
from engine.enrolment.drafts import draft
from engine.enrolment.photos import examine_all
from engine.face_reader import FaceReader
from engine.gallery import Gallery
from engine.imaging import read_image
from engine.types import Detections

Image = NDArray[np.uint8]
HIGH, WIDE = 360, 640
POSES: dict[Step, tuple[float, float]] = {"front": (0, 0), "left": (20, 0), "right": (-20, 0), "up": (0, -14)}


def face(
    yaw: float = 0, pitch: float = 0, *, x: float = WIDE / 2, y: float = HIGH / 2, side: float = 140
) -> tuple[list[float], list[list[float]]]:
    """A face's box and landmarks that measure as this pose."""
    eye, down = 0.4 * side, 0.45 * side
    nose = (
        math.tan(math.radians(yaw)) * 0.45 * eye,
        (0.495 + math.tan(math.radians(pitch)) * 0.45) * down,
    )
    points = [(-eye / 2, 0), (eye / 2, 0), nose, (-eye / 2.5, down), (eye / 2.5, down)]
    half = side / 2
    return [x - half, y - half, x + half, y + half], [[x + px, y - 0.1 * side + py] for px, py in points]


class Shows(OneWayDetector):
    """A detector that finds what it was last told to."""

    def __init__(self) -> None:
        self.faces: list[tuple[list[float], list[list[float]]]] = [face()]
        self.calls = 0

    def detect(self, image: Image, min_face_px: int | None = None) -> Detections:
        """See `Detector`."""
        del image
        assert min_face_px is not None
        assert min_face_px >= 20
        self.calls += 1
        if not self.faces:
            return Detections.empty()
        boxes, landmarks = zip(*self.faces, strict=True)
        return Detections(
            np.array(boxes, np.float32), np.array(landmarks, np.float32), np.full(len(boxes), 0.99, np.float32)
        )


def picture(seed: int = 0, *, high: int = HIGH, wide: int = WIDE) -> Image:
    """A picture full of detail."""
    return np.random.default_rng(seed).integers(30, 220, (high, wide, 3), dtype=np.uint8)


DETAILED = picture()


def smooth() -> Image:
    """A picture without an edge."""
    return np.broadcast_to(np.linspace(20, 235, WIDE).astype(np.uint8)[None, :, None], (HIGH, WIDE, 3)).copy()


def capture(limits: CaptureLimits | None = None, steps: Sequence[Step] = STEPS) -> tuple[GuidedCapture, Shows]:
    """A capture, and what its detector shows."""
    shows = Shows()
    return GuidedCapture(FaceReader(shows, PaletteEmbedder(), QualityConfig()), limits or CaptureLimits(), steps), shows


def hold(guided: GuidedCapture, start: float, frames: int = 6, image: Image = DETAILED) -> float:
    """Feed the same picture for so many tenths of a second; the time after them."""
    for index in range(frames):
        guided.feed(image, start + 0.1 * index)
    return start + 0.1 * frames


def take_all(guided: GuidedCapture, shows: Shows, start: float = 0.0) -> float:
    """Hold each pose that is asked for."""
    time = start
    while (step := guided.guidance.step) is not None:
        shows.faces = [face(*POSES[step])]
        time = hold(guided, time, 14)
    return time


def test_it_takes_a_picture_of_each_pose_and_is_done() -> None:
    guided, shows = capture()
    asked = []
    time = 0.0
    while (step := guided.guidance.step) is not None:
        asked.append(step)
        assert guided.guidance.progress == pytest.approx((len(asked) - 1) / 4)
        shows.faces = [face(*POSES[step])]
        time = hold(guided, time, 14)
    assert asked == ["front", "left", "right", "up"]
    done = guided.guidance
    assert (done.progress, done.reason) == (1.0, "")
    assert [take.step for take in done.takes] == asked
    assert [round(take.quality.yaw_deg) for take in done.takes] == [0, 20, -20, 0]
    calls = shows.calls
    hold(guided, time)
    assert shows.calls == calls  # nothing is looked for any more


def test_the_pictures_are_crops_around_the_face() -> None:
    guided, shows = capture()
    take_all(guided, shows)
    for take in guided.guidance.takes:
        assert take.picture.shape[0] <= HIGH
        assert take.picture.shape[1] == pytest.approx(2.6 * 140, abs=3)


def test_the_persons_left_is_the_right_of_a_picture_that_is_not_mirrored() -> None:
    guided, shows = capture()
    shows.faces = [face()]
    time = hold(guided, 0.0, 14)
    assert guided.guidance.step == "left"
    shows.faces = [face(yaw=-20)]
    assert guided.feed(DETAILED, time).reason == "other way"
    shows.faces = [face(yaw=20)]
    assert guided.feed(DETAILED, time + 0.1).reason == ""


@pytest.mark.parametrize(
    ("step", "pose", "reason"),
    [
        ("front", (16, 0), "turned too far"),
        ("front", (-16, 0), "turned too far"),
        ("front", (0, 36), "looking up or down too far"),
        ("front", (0, -18), "looking up or down too far"),
        ("front", (8, 20), ""),
        ("left", (0, 0), "not turned yet"),
        ("left", (7, 0), "not turned yet"),
        ("left", (-15, 0), "other way"),
        ("left", (42, 0), "turned too far"),
        ("left", (20, 20), "turned aside"),
        ("right", (-20, 0), ""),
        ("right", (15, 0), "other way"),
        ("up", (0, 0), "not turned yet"),
        ("up", (0, 15), "other way"),
        ("up", (0, -40), "turned too far"),
        ("up", (18, -14), "turned aside"),
        ("up", (0, -14), ""),
    ],
)
def test_a_pose_is_judged_by_what_is_asked_for(step: Step, pose: tuple[float, float], reason: str) -> None:
    guided, shows = capture()
    time = 0.0
    while (now := guided.guidance.step) != step:
        assert now is not None
        shows.faces = [face(*POSES[now])]
        time = hold(guided, time, 14)
    shows.faces = [face(*pose)]
    assert guided.feed(DETAILED, time + 2).reason == reason


@pytest.mark.parametrize(
    ("reason", "faces", "image"),
    [
        ("no face", [], DETAILED),
        ("too dark", [], DETAILED // 16),
        ("too bright", [], 255 - DETAILED // 32),
        ("two faces", [face(), face(x=120, side=60)], DETAILED),
        ("", [face(), face(x=120, side=40)], DETAILED),  # somebody in the background
        ("too small", [face(side=70)], DETAILED),
        ("too close", [face(side=320)], DETAILED),
        ("off centre", [face(x=450)], DETAILED),
        ("off centre", [face(y=80)], DETAILED),
        ("too dark", [face()], DETAILED // 16),
        ("too bright", [face()], 255 - DETAILED // 32),
        ("too little contrast", [face()], np.full_like(DETAILED, 128)),
        ("blurred", [face()], smooth()),
    ],
)
def test_every_frame_that_will_not_do_is_told_why(
    reason: str, faces: list[tuple[list[float], list[list[float]]]], image: Image
) -> None:
    guided, shows = capture()
    shows.faces = faces
    guidance = guided.feed(image, 0.0)
    assert guidance.reason == reason
    assert (guidance.box is None) == (not faces)
    hold(guided, 0.2, 10, image)
    assert bool(guided.guidance.takes) == (reason == "")


def test_a_face_that_reaches_over_the_edge_is_cut_off() -> None:
    guided, shows = capture(CaptureLimits(off_centre=1.0))
    shows.faces = [face(x=30)]
    assert guided.feed(DETAILED, 0.0).reason == "cut off by the edge"


def test_a_face_between_the_gate_and_the_limit_is_blurred() -> None:
    sharpness = capture()[0]._look(DETAILED, "front").quality
    assert sharpness is not None
    for limit, reason in ((sharpness.sharpness, ""), (math.nextafter(sharpness.sharpness, 9), "blurred")):
        guided, _ = capture(CaptureLimits(min_sharpness=limit))
        assert guided.feed(DETAILED, 0.0).reason == reason


def test_turns_are_measured_from_the_persons_own_straight_look() -> None:
    guided, shows = capture(steps=("front", "up"))
    shows.faces = [face(0, 24)]
    time = hold(guided, 0.0, 14)
    assert guided.guidance.step == "up"
    shows.faces = [face(0, 12)]  # still reads as looking down
    assert guided.feed(DETAILED, time).reason == ""


def test_a_turn_exactly_on_the_limit_is_far_enough() -> None:
    guided, shows = capture()
    hold(guided, 0.0, 14)
    front = guided.guidance.takes[0].quality.yaw_deg
    shows.faces = [face(17)]
    turned = guided._look(DETAILED, "left").quality
    assert turned is not None
    exactly = turned.yaw_deg - front
    for limit, reason in ((exactly, ""), (math.nextafter(exactly, 90), "not turned yet")):
        again, shows = capture(CaptureLimits(turn_deg=limit))
        hold(again, 0.0, 14)
        shows.faces = [face(17)]
        assert again.feed(DETAILED, 5.0).reason == reason


def test_a_pose_that_was_reached_may_tremble() -> None:
    guided, shows = capture()
    time = hold(guided, 0.0, 14)
    shows.faces = [face(11)]
    assert guided.feed(DETAILED, time).reason == ""
    shows.faces = [face(8)]
    assert guided.feed(DETAILED, time + 0.1).reason == ""


def test_the_picture_is_taken_when_the_face_is_still() -> None:
    guided, shows = capture()
    for index in range(20):
        shows.faces = [face(x=WIDE / 2 + 15 * (-1) ** index)]
        reason = guided.feed(DETAILED, 0.1 * index).reason
        assert reason == ("" if index == 0 else "hold still")
    assert guided.guidance.takes == ()
    hold(guided, 2.0, 5)
    assert len(guided.guidance.takes) == 1


def test_it_takes_three_frames_and_some_time() -> None:
    for gap, needed in ((0.1, 5), (0.2, 3), (0.5, 3)):
        guided, _ = capture()
        for index in range(needed):
            assert guided.guidance.takes == ()
            guided.feed(DETAILED, gap * index)
        assert len(guided.guidance.takes) == 1, gap


@pytest.mark.parametrize("then", [1.5, -0.5])
def test_a_gap_in_time_begins_anew(then: float) -> None:
    guided, _ = capture()
    hold(guided, 1.0, 4)
    assert guided.guidance.held > 0.6
    assert guided.feed(DETAILED, 1.0 + then).held == 0.0


def test_frames_that_come_too_soon_are_not_looked_at() -> None:
    guided, shows = capture()
    for index in range(30):
        guided.feed(DETAILED, index / 30)
    assert shows.calls <= 11


def test_the_sharpest_of_the_good_frames_is_taken() -> None:
    guided, _ = capture(CaptureLimits(frames=3, hold_s=0.2))
    soft = np.repeat(np.repeat(picture(5, high=HIGH // 2, wide=WIDE // 2), 2, 0), 2, 1)
    for index, image in enumerate((soft, DETAILED, soft)):
        assert guided.feed(image, 0.1 * index).reason == ""
    (take,) = guided.guidance.takes
    part = take.picture
    assert (part == DETAILED[: part.shape[0], WIDE // 2 - part.shape[1] // 2 :][:, : part.shape[1]]).mean() > 0.99


def test_after_a_picture_it_waits_a_moment_and_says_so() -> None:
    guided, shows = capture()
    time = hold(guided, 0.0, 5)
    assert guided.guidance.just_taken == "front"
    shows.faces = [face(20)]
    hold(guided, time, 6)
    assert guided.guidance.just_taken == "front"
    assert guided.guidance.held == 0.0
    hold(guided, time + 0.9, 8)
    assert [take.step for take in guided.guidance.takes] == ["front", "left"]


def test_one_picture_can_be_taken_again() -> None:
    guided, shows = capture()
    time = take_all(guided, shows)
    before = {take.step: take for take in guided.guidance.takes}
    guidance = guided.retake("right")
    assert guidance.step == "right"
    assert [take.step for take in guidance.takes] == ["front", "left", "up"]
    take_all(guided, shows, time + 2)
    after = {take.step: take for take in guided.guidance.takes}
    assert {step for step in STEPS if after[step] is not before[step]} == {"right"}


def test_guidance_does_not_change_under_whoever_reads_it() -> None:
    guided, shows = capture()
    first = guided.guidance
    take_all(guided, shows)
    assert first.takes == ()
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.reason = "x"  # type: ignore[misc]


def test_two_captures_know_nothing_of_each_other() -> None:
    (one, shows), (two, _) = capture(), capture()
    take_all(one, shows)
    assert two.guidance.takes == ()
    assert two.guidance.step == "front"


def test_a_frame_is_not_changed_and_may_be_upright() -> None:
    guided, shows = capture()
    frame = picture(2, high=640, wide=360)
    before = frame.copy()
    shows.faces = [face(x=180, y=320)]
    guidance = guided.feed(frame, 0.0)
    assert guidance.reason == ""
    assert_array_equal(frame, before)


# --------------------------------------------------------------------------------------------- what is drawn


def test_what_is_drawn_tells_good_wrong_and_nobody_apart() -> None:
    guided, shows = capture()
    assert guide_mark(guided.feed(DETAILED, 0.0)) == GuideMark("good", 0.0)
    held = guide_mark(guided.feed(DETAILED, 0.2))
    assert held.state == "good"
    assert 0 < held.held < 1
    shows.faces = [face(30)]
    assert guide_mark(guided.feed(DETAILED, 0.4)) == GuideMark("wrong")
    shows.faces = []
    assert guide_mark(guided.feed(DETAILED, 0.6)) == GuideMark("looking")


def test_a_tick_is_drawn_after_a_picture_and_at_the_end() -> None:
    guided, shows = capture(steps=("front", "left"))
    time = 0.0
    while not guided.guidance.takes:
        time = hold(guided, time, 1)
    assert guide_mark(guided.guidance) == GuideMark("taken")
    take_all(guided, shows, time + 2)
    assert guided.guidance.step is None
    assert guide_mark(guided.guidance) == GuideMark("taken")


@pytest.mark.parametrize(("step", "other"), [("left", (-20, 0)), ("right", (20, 0)), ("up", (0, 10))])
def test_an_arrow_is_drawn_where_to_turn_and_only_for_a_turn(step: Step, other: tuple[float, float]) -> None:
    guided, shows = capture(steps=("front", step))
    time = hold(guided, 0.0, 14) + 1
    assert guide_mark(guided.feed(DETAILED, time)) == GuideMark("wrong", turn=step)  # not turned yet
    shows.faces = [face(*other)]
    assert guide_mark(guided.feed(DETAILED, time + 0.2)).turn == step
    shows.faces = [face(*POSES[step], x=60)]
    assert guide_mark(guided.feed(DETAILED, time + 0.4)) == GuideMark("wrong")  # off centre: no turn helps


# --------------------------------------------------------------------------------------------- real faces


@pytest.mark.models
@pytest.mark.parametrize("photo", ["train/madonna/05.jpg", "train/jerry_seinfeld/20.jpg", "train/mindy_kaling/01.jpg"])
def test_somebody_who_does_what_is_asked_is_captured_and_is_one_person(
    reader: FaceReader, samples: Path, photo: str
) -> None:
    guided = GuidedCapture(reader)
    for index, frame in enumerate(guided_frames(read_image(samples / photo), reader.detector, fps=6)):
        if guided.feed(frame, index / 6).step is None:
            break
    assert [take.step for take in guided.guidance.takes] == list(STEPS)
    shots, refused = examine_all(reader, [(take.step, take.picture) for take in guided.guidance.takes])
    assert refused == []
    drafted = draft(
        "7", "Ann", shots, Gallery.empty("m", "a", shots[0].embedding.size), threshold=0.44, same_person=0.23
    )
    assert drafted.verdict == "safe"
    assert drafted.coherence is not None
    assert drafted.coherence > 0.8


@pytest.mark.models
def test_natural_poses_of_sample_photos_are_told_apart(reader: FaceReader, sample_photos: list[Path]) -> None:
    """Most straight faces pass the limits for a straight look; none that is clearly turned does."""
    straight = turned = passed = let_in = 0
    guided = GuidedCapture(reader)
    for path in sample_photos:
        image = read_image(path)
        found = reader.detector.detect_photo(image)
        if not len(found):
            continue
        quality = reader.cut(image, found[[int(found.areas.argmax())]]).qualities[0]
        good = guided._pose(quality, "front") == ""
        if abs(quality.yaw_deg) < 10:
            straight, passed = straight + 1, passed + good
        elif abs(quality.yaw_deg) > 20:
            turned, let_in = turned + 1, let_in + good
    assert straight > 30
    assert passed >= 0.9 * straight
    assert turned > 20
    assert let_in == 0
