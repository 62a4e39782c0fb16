"""Video files that a browser takes for its camera: somebody before it who turns the head, or a picture that stands still.

Chromium plays raw Y4M files in a loop: `--use-file-for-fake-video-capture=FILE`, with `--use-fake-device-for-media-stream`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.demo.heads import warp_head
from engine.detection import Detector

__all__ = ["guided_clip", "guided_frames", "person_frame", "still_clip", "write_y4m"]

Image = NDArray[np.uint8]

WIDTH, HEIGHT = 1280, 720
POSES: Sequence[tuple[float, float]] = ((0, 0), (30, 0), (0, 0), (-30, 0), (0, 0), (0, -22))
"""Yaw and pitch, one after the other: straight, to the person's left, straight, to their right, straight, up."""


def person_frame(photo: Image, detector: Detector, *, face: float = 0.42) -> tuple[Image, NDArray[np.float32]]:
    """A photo as a camera's frame, the face in the middle.

    Args:
        photo: RGB uint8 (H, W, 3).
        detector: finds the face.
        face: its height, as a share of the frame's.

    Returns:
        RGB uint8 (720, 1280, 3), and the face's (5, 2) landmarks in it.
    """
    found = detector.detect_photo(photo)
    box, landmarks = found.boxes[found.areas.argmax()], found.landmarks[found.areas.argmax()]
    scale = face * HEIGHT / float(box[3] - box[1])
    shift = np.array([WIDTH / 2, HEIGHT / 2]) - scale * (box[:2] + box[2:]) / 2
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    frame = cv2.warpAffine(
        photo,
        matrix,
        (WIDTH, HEIGHT),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(96, 104, 110),
    )
    return np.asarray(frame, np.uint8), np.asarray(landmarks * scale + shift, np.float32)


def guided_frames(
    photo: Image, detector: Detector, *, fps: int = 10, hold_s: float = 2.4, move_s: float = 0.5
) -> Iterator[Image]:
    """Somebody who does what a guided capture asks for, and holds each pose for a while.

    Args:
        photo: RGB uint8 (H, W, 3) from the front.
        detector: finds the face.
        fps: frames a second.
        hold_s, move_s: how long a pose and the way to the next last.
    """
    frame, landmarks = person_frame(photo, detector)
    noises = [np.random.default_rng(seed).normal(0, 2, frame.shape).astype(np.int16) for seed in range(4)]
    count = 0
    for index, pose in enumerate(POSES):
        after = POSES[(index + 1) % len(POSES)]
        held = [pose] * round(hold_s * fps)
        moved = [
            (pose[0] + share * (after[0] - pose[0]), pose[1] + share * (after[1] - pose[1]))
            for share in np.linspace(0, 1, max(2, round(move_s * fps)) + 1)[1:-1].tolist()
        ]
        last, picture = None, frame
        for yaw, pitch in (*held, *moved):
            if (yaw, pitch) != last:
                picture, last = (
                    warp_head(frame, landmarks, yaw, pitch) if (yaw, pitch) != (0, 0) else frame,
                    (yaw, pitch),
                )
            yield np.asarray(np.clip(picture.astype(np.int16) + noises[count % 4], 0, 255), np.uint8)
            count += 1


def write_y4m(path: Path, frames: Iterator[Image] | Sequence[Image], fps: int = 10) -> None:
    """Write RGB uint8 (720, 1280, 3) frames as raw video."""
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in frames:
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())


def guided_clip(path: Path, photo: Image, detector: Detector, *, fps: int = 10) -> None:
    """Write a clip of somebody doing what a guided capture asks for, about 17 s."""
    write_y4m(path, guided_frames(photo, detector, fps=fps), fps)


def still_clip(path: Path, photo: Image, detector: Detector, *, fps: int = 10, seconds: float = 2.0) -> None:
    """Write a clip of somebody who looks into the camera and does not move."""
    frame, _ = person_frame(photo, detector)
    noises = [np.random.default_rng(seed).normal(0, 2, frame.shape).astype(np.int16) for seed in range(4)]
    frames = [np.asarray(np.clip(frame.astype(np.int16) + noise, 0, 255), np.uint8) for noise in noises]
    write_y4m(path, [frames[index % 4] for index in range(round(seconds * fps))], fps)
