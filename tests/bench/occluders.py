"""Things that cover a face, drawn at random over aligned faces (160×160): what the check of covered faces is fitted on.

Each drawing takes a picture and a generator, and changes the picture. Coordinates are those of `engine.alignment.TEMPLATE`: eyes at
(55, 73) and (105, 73), nose at (80, 101), corners of the mouth at (59, 130) and (101, 130).
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["EYES", "HARMLESS", "MOUTH", "seen_by_a_camera"]

RGB = NDArray[np.uint8]
Draw = Callable[[RGB, np.random.Generator], RGB]

_CLOTH = [
    (200, 215, 225),
    (120, 170, 210),
    (110, 190, 180),
    (240, 240, 240),
    (25, 25, 28),
    (60, 70, 110),
    (150, 40, 50),
]


def _between(generator: np.random.Generator, low: float, high: float) -> float:
    return float(generator.uniform(low, high))


def _points(*pairs: tuple[float, float]) -> NDArray[np.int32]:
    return np.array(pairs, np.float32).round().astype(np.int32)


def _filled(image: RGB, shape: NDArray[np.int32], stuff: NDArray[np.float32], cover: float, soft: float) -> RGB:
    mask = np.zeros(image.shape[:2], np.float32)
    cv2.fillPoly(mask, [shape], cover)
    if soft > 0.3:
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), soft), np.float32)
    return np.asarray(image * (1 - mask[..., None]) + stuff * mask[..., None]).clip(0, 255).astype(np.uint8)


def _stuff(generator: np.random.Generator, colour: tuple[float, float, float] | None = None) -> NDArray[np.float32]:
    """A piece of material: plain, shaded, folded, striped or printed; (160, 160, 3)."""
    if colour is None:
        known = generator.random() < 0.6
        colour = _CLOTH[int(generator.integers(len(_CLOTH)))] if known else tuple(generator.uniform(0, 255, 3))
    base = np.ones((160, 160, 3), np.float32) * (np.array(colour, np.float32) + generator.normal(0, 12, 3))
    y, x = np.mgrid[:160, :160].astype(np.float32)
    kind = generator.random()
    if kind < 0.6:  # light from the side, folds
        angle = _between(generator, 0, 2 * np.pi)
        base *= (
            1 + _between(generator, 0, 0.4) * ((np.cos(angle) * (x - 80) + np.sin(angle) * (y - 110)) / 80)[..., None]
        )
        base += (generator.normal(0, 14) * np.sin(y / _between(generator, 2, 7) + generator.normal(0, 3)))[..., None]
    elif kind < 0.75:  # a print
        coarse = generator.uniform(0, 255, (int(generator.integers(4, 24)), int(generator.integers(4, 24)), 3))
        share = _between(generator, 0.2, 1.0)
        base = base * (1 - share) + share * cv2.resize(
            coarse.astype(np.float32), (160, 160), interpolation=cv2.INTER_CUBIC
        )
    base += generator.normal(0, _between(generator, 0, 8), base.shape)
    return np.asarray(base, np.float32)


def mask(image: RGB, generator: np.random.Generator) -> RGB:
    """A mask or scarf from the nose, or from below it, to the chin or beyond."""
    top, bottom = _between(generator, 84, 113), _between(generator, 148, 175)
    left, right = _between(generator, 14, 42), _between(generator, 118, 146)
    side = top + _between(generator, -4, 18)
    if generator.random() < 0.3:
        shape = _points((left, top), (right, top), (right, bottom), (left, bottom))
    else:
        low = _between(generator, 128, 146)
        shape = _points(
            (left, side), (80, top), (right, side), (right - 3, low), (110, bottom), (50, bottom), (left + 3, low)
        )
    drawn = _filled(image, shape, _stuff(generator), _between(generator, 0.93, 1), _between(generator, 0, 1.5))
    if generator.random() < 0.5:  # its straps
        colour = [int(value) for value in generator.integers(120, 255, 3)]
        for x, edge in ((left, 0.0), (right, 159.0)):
            cv2.line(drawn, (int(x), int(side)), (int(edge), int(_between(generator, 70, 100))), colour, 1, cv2.LINE_AA)
    return drawn


def dark_glasses(image: RGB, generator: np.random.Generator) -> RGB:
    """Dark glasses of any shape; their lenses let up to a quarter of the light through."""
    wide, high = _between(generator, 15, 27), _between(generator, 9, 20)
    down, round_ = _between(generator, -3, 7), _between(generator, 1.6, 5)
    angles = np.linspace(0, 2 * np.pi, 40)
    tint = tuple(generator.uniform(0, 60) + generator.normal(0, 10, 3)) if generator.random() < 0.85 else None
    stuff, cover = _stuff(generator, tint), _between(generator, 0.78, 1)
    droop, drawn = _between(generator, 0, 0.35), image
    for x in (54.7, 105.0):
        cos, sin = np.cos(angles), np.sin(angles)
        across = np.sign(cos) * np.abs(cos) ** (2 / round_) * wide * (1 - droop * np.maximum(sin, 0))
        along = np.sign(sin) * np.abs(sin) ** (2 / round_) * high
        outline = np.stack([x + across + np.sign(x - 80) * 2, 72.6 + down + along], -1).round().astype(np.int32)
        drawn = _filled(drawn, outline, stuff, cover, _between(generator, 0, 1.2))
    frame = [int(value) for value in generator.integers(0, 90, 3)]
    height = int(72.6 + down - high * _between(generator, 0, 0.8))
    cv2.line(
        drawn, (int(54 + wide), height), (int(106 - wide), height), frame, int(generator.integers(1, 5)), cv2.LINE_AA
    )
    if generator.random() < 0.6:
        for start, end in ((54 - wide, 0.0), (106 + wide, 159.0)):
            cv2.line(
                drawn, (int(start), height), (int(end), height + int(generator.integers(-6, 7))), frame, 2, cv2.LINE_AA
            )
    if generator.random() < 0.3:  # a reflection
        place = (int(_between(generator, 40, 120)), int(_between(generator, 64, 80)))
        cv2.ellipse(
            drawn, place, (int(generator.integers(2, 8)), 3), _between(generator, 0, 180), 0, 360, (210,) * 3, -1
        )
    return drawn


def bar(image: RGB, generator: np.random.Generator) -> RGB:
    """Something across both eyes: a bar, a cloth, a hand, or a blur that hides them."""
    top, bottom = _between(generator, 44, 64), _between(generator, 81, 99)
    left, right = _between(generator, -10, 36), _between(generator, 124, 170)
    tilt = generator.normal(0, 4)
    shape = _points((left, top + tilt), (right, top - tilt), (right, bottom - tilt), (left, bottom + tilt))
    kind = generator.random()
    if kind < 0.2:
        cells = int(generator.integers(5, 12))
        small = cv2.resize(image, (cells, cells), interpolation=cv2.INTER_AREA)
        stuff = cv2.resize(small, (160, 160), interpolation=cv2.INTER_NEAREST).astype(np.float32)
    elif kind < 0.4:  # skin: a hand
        skin = image[90:125, 45:115].reshape(-1, 3).mean(0)
        stuff = _stuff(generator, tuple(skin * _between(generator, 0.75, 1.1)))
        y = np.mgrid[:160, :160][0]
        stuff *= (1 - 0.25 * np.exp(-(((y - top) % _between(generator, 9, 16)) ** 2) / 3))[..., None]
    else:
        stuff = _stuff(generator, (10.0, 10.0, 10.0) if generator.random() < 0.4 else None)
    return _filled(image, shape, stuff, 1.0, _between(generator, 0, 2))


def clear_glasses(image: RGB, generator: np.random.Generator) -> RGB:
    """Glasses through which the eyes are seen."""
    drawn = image.copy()
    wide, high, thick = int(_between(generator, 14, 24)), int(_between(generator, 9, 17)), int(generator.integers(1, 4))
    frame = [int(value) for value in generator.integers(0, 160, 3)]
    tint = _between(generator, 0, 0.25)
    for x in (54, 105):
        lens = drawn.copy()
        cv2.ellipse(lens, (x, 74), (wide, high), 0, 0, 360, frame, -1, cv2.LINE_AA)
        drawn = np.asarray(cv2.addWeighted(drawn, 1 - tint, lens, tint, 0), np.uint8)
        cv2.ellipse(drawn, (x, 74), (wide, high), 0, 0, 360, frame, thick, cv2.LINE_AA)
    cv2.line(drawn, (54 + wide, 72), (105 - wide, 72), frame, thick, cv2.LINE_AA)
    return drawn


def elsewhere(image: RGB, generator: np.random.Generator) -> RGB:
    """Something that leaves eyes, nose and mouth free: a cap, hair, a collar, a caption, a microphone."""
    kind = generator.random()
    if kind < 0.4:
        edge = _between(generator, 15, 48)
        shape = _points(
            (-5, -5), (165, -5), (165, edge + generator.normal(0, 6)), (80, edge), (-5, edge + generator.normal(0, 6))
        )
    elif kind < 0.65:
        edge = _between(generator, 150, 158)
        shape = _points((-5, edge), (165, edge), (165, 165), (-5, 165))
    else:
        x = _between(generator, 12, 30) if generator.random() < 0.5 else _between(generator, 130, 148)
        side = -5 if x < 80 else 165
        shape = _points((side, 0), (x, 0), (x + generator.normal(0, 4), 160), (side, 160))
    return _filled(image, shape, _stuff(generator), 1.0, _between(generator, 0, 2))


def dark_side(image: RGB, generator: np.random.Generator) -> RGB:
    """Light from one side, or from above: deep shadows in the eyes."""
    y, x = np.mgrid[:160, :160].astype(np.float32)
    if generator.random() < 0.5:
        light = 1 / (
            1 + np.exp(generator.choice([-1, 1]) * (x - _between(generator, 60, 100)) / _between(generator, 8, 30))
        )
    else:
        eyes = sum(np.exp(-(((x - at) / 20) ** 2) - ((y - 72) / 10) ** 2) for at in (55, 105))
        light = 1 - np.asarray(eyes)
    low = _between(generator, 0.3, 0.9)
    return np.asarray(image * (low + (1 - low) * light)[..., None]).clip(0, 255).astype(np.uint8)


def seen_by_a_camera(image: RGB, generator: np.random.Generator) -> RGB:
    """The face as landmarks a little beside the truth cut it, in some light, blurred, noisy, compressed, grey."""
    turn = cv2.getRotationMatrix2D((80, 95), generator.normal(0, 4), _between(generator, 0.86, 1.16))
    turn[:, 2] += generator.normal(0, 3.5, 2)
    seen = cv2.warpAffine(image, turn, (160, 160), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    if generator.random() < 0.5:
        seen = seen[:, ::-1]
    if generator.random() < 0.4:
        side = int(_between(generator, 24, 100))
        seen = cv2.resize(cv2.resize(seen, (side, side), interpolation=cv2.INTER_AREA), (160, 160))
    if generator.random() < 0.25:
        seen = np.repeat(seen.mean(-1, keepdims=True), 3, -1)
    seen = seen * _between(generator, 0.6, 1.35) * (1 + generator.normal(0, 0.07, 3)) + generator.normal(0, 12)
    seen = seen + generator.normal(0, _between(generator, 0, 8), seen.shape)
    shot = seen.clip(0, 255).astype(np.uint8)
    if generator.random() < 0.5:
        kept = cv2.imencode(".jpg", shot, [cv2.IMWRITE_JPEG_QUALITY, int(generator.integers(25, 95))])[1]
        shot = np.asarray(cv2.imdecode(kept, cv2.IMREAD_COLOR), np.uint8)
    return shot


EYES: tuple[Draw, ...] = (dark_glasses, dark_glasses, bar)
MOUTH: tuple[Draw, ...] = (mask,)
HARMLESS: tuple[Draw, ...] = (clear_glasses, elsewhere, dark_side)
