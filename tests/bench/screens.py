"""What a camera sees of a lit screen or a printed sheet beside the picture itself: its grid, its flicker, its light.

Grids are finer than the camera's pixels, so they are not drawn and resampled: each harmonic of the grid reaches a pixel weakened by
the lens (a Gaussian) and by the pixel's own size (a box), and what is left of it is sampled where the pixel stands, red and blue at
every second one. So a moiré appears where, and only where, one would. The same holds along time: a light that flickers is averaged
over the exposure, and each row of the sensor is exposed a little later than the one above it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["DEVICES", "Flicker", "Shutter", "Surface", "mains", "on_device"]

RGB = NDArray[np.uint8]
Picture = NDArray[np.float32]
Device = Literal["phone", "tablet", "monitor", "paper"]

DEVICES: dict[Device, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "phone": ((300, 460), (0.30, 0.45), (1.4, 2.1)),
    "tablet": ((220, 330), (0.6, 0.9), (2.0, 3.0)),
    "monitor": ((90, 140), (0.7, 1.0), (4.5, 6.0)),
    "paper": ((130, 300), (0.8, 1.0), (1.8, 3.0)),
}
"""Pixels an inch (of paper: dots of the halftone), size of the face shown relative to life, half the width in eye distances."""

_EYES_MM = 63.0
_WEAKEST = 0.002  # a harmonic weaker than this is below a grey level


@dataclass(frozen=True)
class Shutter:
    """How a camera exposes.

    Attributes:
        exposure_s: of each row.
        row_s: from one row to the next.
        lens_px: scatter of a point through the lens, in pixels.
    """

    exposure_s: float
    row_s: float
    lens_px: float

    @classmethod
    def drawn(cls, generator: np.random.Generator) -> Shutter:
        """Of some camera indoors; half of them choose exposures in which lights of 100 or 120 Hz do not show."""
        exposure_s = float(generator.choice([1 / 30, 1 / 50, 1 / 60, 1 / 100, 1 / 120, 1 / 150, 1 / 250, 1 / 500]))
        return cls(
            exposure_s,
            float(generator.uniform(0.008, 0.030) / generator.uniform(480, 1080)),
            float(generator.uniform(0.4, 0.9)),
        )


@dataclass(frozen=True)
class Flicker:
    """A light that goes up and down: frequencies in Hz with amplitudes relative to the mean and phases."""

    waves: tuple[tuple[float, float, float], ...] = ()

    def rows(self, count: int, time_s: float, shutter: Shutter) -> NDArray[np.float32]:
        """Factors of the rows (count, 1, 1) in a frame."""
        when = time_s + shutter.row_s * np.arange(count)
        light = np.ones(count)
        for hertz, amplitude, phase in self.waves:
            left = amplitude * float(np.sinc(hertz * shutter.exposure_s))
            light += left * np.cos(2 * math.pi * hertz * when + phase)
        return np.maximum(light, 0).astype(np.float32)[:, None, None]


def mains(generator: np.random.Generator) -> Flicker:
    """A lamp on 50 or 60 Hz mains: fluorescent or a plain LED, 10 to 40%."""
    hertz = float(generator.choice([100.0, 120.0]))
    return Flicker(((hertz, float(generator.uniform(0.1, 0.4)), float(generator.uniform(0, 6.28))),))


def _backlight(generator: np.random.Generator) -> Flicker:
    """A screen's: half of them steady, the others dimmed by pulses; most dip a little with each new picture."""
    waves: list[tuple[float, float, float]] = []
    phase = float(generator.uniform(0, 6.28))
    if generator.random() < 0.5:
        hertz, duty = float(generator.choice([200.0, 240.0, 360.0, 480.0, 1000.0])), float(generator.uniform(0.3, 0.95))
        waves += [(hertz * n, 2 * abs(float(np.sinc(n * duty))), n * phase) for n in (1, 2, 3)]
    refresh = float(generator.choice([60.0, 90.0, 120.0]))
    return Flicker((*waves, (refresh, float(generator.uniform(0, 0.04)), phase)))


class Surface:
    """A screen or a sheet of paper that shows a picture.

    Attributes:
        flicker: of its own light; None: it has none and is lit by the room.
    """

    def __init__(self, device: Device, generator: np.random.Generator) -> None:
        fineness, size, half = (float(generator.uniform(*limits)) for limits in DEVICES[device])
        self._pitch = 25.4 / fineness / (_EYES_MM * size)  # in eye distances of the face shown
        self.half, self.upright = half, device in {"phone", "paper"}
        self.lit = device != "paper"
        self.bezel = float(generator.uniform(0.06, 0.35))
        self.edge = float(generator.uniform(5, 60)) if self.lit else float(generator.uniform(215, 250))
        self.flicker = _backlight(generator) if self.lit else None
        self._peak = float(generator.uniform(0.85, 1.25)) if self.lit else float(generator.uniform(0.8, 1.0))
        self._black = float(generator.uniform(3, 20)) if self.lit else float(generator.uniform(15, 35))
        self._gamma = float(generator.uniform(0.85, 1.2))
        self._tint = generator.uniform(0.93, 1.07, 3).astype(np.float32)
        self._glare = float(generator.uniform(10, 60)) * float(generator.random() < 0.5)
        self._glint = generator.uniform(-1.5, 1.5, 2)
        # an element is lit over this share of its cell: stripes of a third for each colour on a screen, a dot on paper
        self._fill = (0.3, 0.85) if self.lit else (0.6, 0.6)

    def looks(self, picture: RGB) -> RGB:
        """The picture as it is shown, with the device's tones."""
        tones = self._black + 255 * self._peak * (np.arange(256) / 255) ** self._gamma
        table = np.clip(tones[:, None] * self._tint, 0, 255).astype(np.uint8)
        return np.dstack([cv2.LUT(np.ascontiguousarray(picture[..., c]), table[:, c]) for c in range(3)])

    def grid(self, places: NDArray[np.float32], shutter: Shutter) -> Picture | None:
        """Factors of the device's grid, (H, W, 3), at pixels that see these places; None: nothing is left of it.

        Args:
            places: (H, W, 2) in eye distances.
            shutter: of the camera.
        """
        middle = places[
            places.shape[0] // 2 - 8 : places.shape[0] // 2 + 8, places.shape[1] // 2 - 8 : places.shape[1] // 2 + 8
        ]
        step = float(np.abs(np.diff(middle, axis=1)).mean(axis=(0, 1)).max())  # eye distances a pixel
        found: Picture | None = None
        for across, down in ((1, 0), (0, 1), (1, 1), (2, 0), (0, 2)):
            cycles = step / self._pitch * math.hypot(across, down)
            lens = math.exp(-2 * (math.pi * shutter.lens_px * cycles) ** 2)
            strength = 2 * float(np.sinc(across * self._fill[0]) * np.sinc(down * self._fill[1])) * lens
            strength *= float(np.sinc(step / self._pitch * across) * np.sinc(step / self._pitch * down))
            if abs(strength) < _WEAKEST:
                continue
            phase = (across * places[..., 0] + down * places[..., 1]) * np.float32(2 * math.pi / self._pitch)
            shift = 2 * math.pi / 3 * across if self.lit else 0.0
            waves = np.dstack([np.cos(phase + shift * colour) for colour in range(3)]).astype(np.float32)
            found = np.float32(strength) * waves + (1 if found is None else found)
        if found is None:
            return None
        size = (found.shape[1], found.shape[0])
        for colour, begin in ((0, 0), (2, 1)):  # red and blue are known at every second pixel
            found[..., colour] = cv2.resize(np.ascontiguousarray(found[begin::2, begin::2, colour]), size)
        return np.asarray(found, np.float32)

    def glare(self, places: NDArray[np.float32]) -> Picture | None:
        """Light that the surface reflects, (H, W, 1) grey levels; None: none."""
        if not self._glare:
            return None
        far = ((places - self._glint.astype(np.float32)) ** 2).sum(-1)
        return np.asarray(self._glare * np.exp(-far / 0.8), np.float32)[..., None]


def on_device(
    picture: RGB, middle: NDArray[np.float64], unit: float, surface: Surface
) -> tuple[RGB, NDArray[np.float64]]:
    """A device that shows a picture, cut or filled up to its size, in its frame.

    Args:
        picture: RGB uint8 (h, w, 3).
        middle: of the face, in pixels of it.
        unit: eye distance in pixels.
        surface: what shows it.

    Returns:
        RGB uint8 of the device, and where the picture's first pixel lies in it: (2,) in pixels.
    """
    wide = surface.half
    high = wide * (1.5 if surface.upright else 0.7)
    left, right = round(middle[0] - wide * unit), round(middle[0] + wide * unit)
    top, bottom = round(middle[1] - 0.95 * high * unit), round(middle[1] + 1.05 * high * unit)
    frame = round(surface.bezel * unit)
    grown = (max(0, -top), max(0, bottom - picture.shape[0]), max(0, -left), max(0, right - picture.shape[1]))
    full = cv2.copyMakeBorder(picture, *grown, cv2.BORDER_REPLICATE)
    inner = full[top + grown[0] : bottom + grown[0], left + grown[2] : right + grown[2]]
    shown = cv2.copyMakeBorder(
        surface.looks(inner), frame, frame, frame, frame, cv2.BORDER_CONSTANT, value=(surface.edge,) * 3
    )
    return np.asarray(shown, np.uint8), np.array([frame - left, frame - top], np.float64)
