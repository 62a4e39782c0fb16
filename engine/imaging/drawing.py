"""Overlays: what is drawn for tracks. Thin box, name tag below the chin, a ring that fills with agreeing frames.

Colours (Okabe–Ito): grey pending, green known, amber unknown, red tailgating or conflict. Pillow draws the text, so it can show
any script.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from engine.imaging.broadcast import shrunk
from engine.types import Track, TrackState

COLOURS: Mapping[TrackState, tuple[int, int, int]] = {
    TrackState.PENDING: (170, 170, 170),
    TrackState.KNOWN: (0, 158, 115),
    TrackState.UNKNOWN: (230, 159, 0),
    TrackState.CONFLICT: (213, 94, 0),
}
_TAILGATING = (213, 60, 0)
_COVER, _GREY = 0.3, 128
"""Margin around a face that is covered, in box sides, and what covers it."""


_font = lru_cache(maxsize=16)(ImageFont.load_default)

WORDS: Mapping[str, str] = {"pending": "looking…", "conflict": "not sure", "unknown": "unknown"}
"""Labels for people without a name."""


def _legible(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return black or white, whichever has more contrast on a colour (WCAG 2.2, relative luminance)."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in np.divide(colour, 255)
    ]
    luminance = float(np.dot(linear, [0.2126, 0.7152, 0.0722]))
    return (0, 0, 0) if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else (255, 255, 255)


@dataclass(frozen=True)
class PersonMark:
    """What is drawn for one person in view.

    Attributes:
        box: x1, y1, x2, y2 in pixels.
        text: on the name tag. colour: of box and tag, RGB. ink: of the text, RGB.
        decided: False while Muster is still looking. ring: share of the agreeing frames that a decision needs, 0 to 1.
        similarity, threshold: for the bar under the name; None before there are any.
    """

    box: tuple[float, float, float, float]
    text: str
    colour: tuple[int, int, int]
    ink: tuple[int, int, int]
    decided: bool
    ring: float
    similarity: float | None = None
    threshold: float | None = None


def _text(track: Track, names: Mapping[str, str], words: Mapping[str, str]) -> str:
    if track.identity.state is TrackState.KNOWN and track.identity.person:
        return names.get(track.identity.person) or track.identity.person
    if track.unknown_id:
        return track.unknown_id.replace("unknown-", f"{words['unknown']} ")
    return words.get(track.identity.state.value, track.identity.state.value)


def person_marks(
    tracks: Sequence[Track],
    names: Mapping[str, str] | None = None,
    *,
    alarmed: Collection[int] = (),
    needed: int = 3,
    words: Mapping[str, str] = WORDS,
) -> list[PersonMark]:
    """What to draw for the visible tracks; see `draw_tracks`."""
    marks = []
    for track in tracks:
        if not track.visible:
            continue
        identity = track.identity
        colour = _TAILGATING if track.track_id in alarmed else COLOURS[identity.state]
        x1, y1, x2, y2 = (float(value) for value in track.box)
        marks.append(
            PersonMark(
                (x1, y1, x2, y2),
                _text(track, names or {}, words),
                colour,
                _legible(colour),
                identity.state is not TrackState.PENDING,
                min(1.0, identity.agreeing / max(needed, 1)),
                identity.similarity,
                identity.threshold,
            )
        )
    return marks


def draw_tracks(
    image: NDArray[np.uint8],
    tracks: Sequence[Track],
    names: Mapping[str, str] | None = None,
    *,
    alarmed: Collection[int] = (),
    needed: int = 3,
    caption: str = "",
    words: Mapping[str, str] = WORDS,
    longest_px: int | None = None,
) -> NDArray[np.uint8]:
    """Return a copy of the picture, RGB uint8 (H, W, 3), with the visible tracks drawn on it.

    Args:
        names: display name by employee id.
        alarmed: tracks drawn in red.
        needed: agreeing frames that fill the ring.
        caption: one line at the lower edge.
        words: labels for `pending`, `conflict` and `unknown`.
        longest_px: make a larger picture smaller first, and the names on it larger, for one picture among many.
    """
    image, factor = (image, 1.0) if longest_px is None else shrunk(image, longest_px)
    picture = Image.fromarray(image)
    pen = ImageDraw.Draw(picture)
    width, height = picture.size
    line = max(2, round(height / 300))
    font = _font(max(12, round(height / (32 if longest_px is None else 17))))
    for mark in person_marks(tracks, names, alarmed=alarmed, needed=needed, words=words):
        x1, y1, x2, y2 = box = tuple(value / factor for value in mark.box)
        pen.rectangle(box, outline=mark.colour, width=line)
        _ring(pen, x2, y1, 3.5 * line, mark.ring, mark.colour)
        left, top, right, bottom = pen.textbbox((0, 0), mark.text, font=font)
        pad = 2 * line
        tag_width, tag_height = right - left + 2 * pad, bottom - top + 2 * pad
        x = min(max(0.0, (x1 + x2 - tag_width) / 2), max(0.0, width - tag_width))
        y = min(y2 + line, height - tag_height)
        pen.rectangle((x, y, x + tag_width, y + tag_height), fill=mark.colour)
        pen.text((x + pad - left, y + pad - top), mark.text, font=font, fill=mark.ink)
        _bar(pen, (x, y + tag_height, x + tag_width, y + tag_height + 2 * line), mark)
    if caption:
        left, top, right, bottom = pen.textbbox((0, 0), caption, font=font)
        pen.rectangle((0, height - (bottom - top) - 6 * line, width, height), fill=(20, 20, 20))
        pen.text((3 * line - left, height - (bottom - top) - 3 * line - top), caption, font=font, fill=(255, 255, 255))
    return np.asarray(picture, np.uint8)


def _bar(pen: ImageDraw.ImageDraw, place: tuple[float, float, float, float], mark: PersonMark) -> None:
    """Draw the similarity as a bar from 0 to 1 under the name, with a tick at the threshold; nothing before there is a similarity."""
    if mark.similarity is None or mark.threshold is None:
        return
    x1, y1, x2, y2 = place
    pen.rectangle(place, fill=(20, 20, 20))
    pen.rectangle((x1, y1, x1 + (x2 - x1) * min(1.0, max(0.0, mark.similarity)), y2), fill=mark.colour)
    tick = x1 + (x2 - x1) * min(1.0, max(0.0, mark.threshold))
    pen.rectangle((tick, y1, tick + 1, y2), fill=(255, 255, 255))


def _ring(
    pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, share: float, colour: tuple[int, int, int]
) -> None:
    place = (x - radius, y - radius, x + radius, y + radius)
    pen.ellipse(place, fill=(255, 255, 255), outline=colour)
    if share > 0:
        pen.pieslice(place, -90, -90 + 360 * share, fill=colour)


def crop_around(
    image: NDArray[np.uint8],
    box: NDArray[np.float32],
    *,
    grow: float = 0.6,
    side: int = 320,
    hidden: NDArray[np.float32] | None = None,
) -> NDArray[np.uint8]:
    """Return a square picture around a face, (≤side, ≤side, 3).

    Args:
        image: RGB uint8 (H, W, 3).
        box: (4,) xyxy in pixels.
        grow: margin on each side, in box sides.
        side: longest side of the result in pixels.
        hidden: (n, 4) boxes of faces that must not be seen in it, except for this one.
    """
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (float(value) for value in box)
    half = max(x2 - x1, y2 - y1) * (0.5 + grow)
    cx, cy = (x1 + x2) / 2, (y1 + y2) / 2
    left, right = int(max(0, min(cx - half, width - 1))), int(min(width, max(cx + half, 1)))
    top, bottom = int(max(0, min(cy - half, height - 1))), int(min(height, max(cy + half, 1)))
    part = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    if hidden is not None:
        part = _covered(
            part, hidden - np.array([left, top, left, top]), np.array([x1, y1, x2, y2]) - [left, top, left, top]
        )
    factor = side / max(part.shape[:2])
    if factor >= 1:
        return part.copy()
    size = (max(1, round(part.shape[1] * factor)), max(1, round(part.shape[0] * factor)))
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)


def _covered(part: NDArray[np.uint8], boxes: NDArray[np.floating], own: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A picture with grey in place of the faces at some boxes, each with a margin around it; what is at `own` stays."""

    def inner(box: NDArray[np.floating], margin: float) -> tuple[slice, slice]:
        reach = margin * max(float(box[2] - box[0]), float(box[3] - box[1]))
        x1, y1, x2, y2 = (max(0, round(float(edge))) for edge in (*(box[:2] - reach), *(box[2:] + reach)))
        return slice(y1, y2), slice(x1, x2)

    shown = part.copy()
    for box in boxes:
        if not np.allclose(box, own):
            shown[inner(box, _COVER)] = _GREY
    shown[inner(own, 0.0)] = part[inner(own, 0.0)]
    return shown
