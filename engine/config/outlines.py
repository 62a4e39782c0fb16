"""Parts of a picture as the settings write them: corners as shares of its sides, such as `0.1,0.2 0.5,0.2 0.5,0.6`."""

from __future__ import annotations

import re

from engine.words import phrase

_CORNER = re.compile(r"(\d*\.?\d+),(\d*\.?\d+)")
_FEWEST, _MOST = 3, 100

Outline = tuple[tuple[float, float], ...]
"""Corners, each from the left and from the top."""


def corners(text: str) -> Outline:
    """Parse an outline.

    Raises:
        ValueError: the text is none, has fewer than three corners, or reaches out of the picture.
    """
    found = [_CORNER.fullmatch(part) for part in text.split()]
    given = [(float(each[1]), float(each[2])) for each in found if each is not None]
    if len(given) < len(found) or not _FEWEST <= len(given) <= _MOST:
        raise ValueError(
            phrase("{text} is no outline: give three corners or more, such as 0.1,0.2 0.5,0.2 0.5,0.6", text=repr(text))
        )
    if any(share > 1 for corner in given for share in corner):
        raise ValueError(phrase("{text} reaches out of the picture: corners are shares from 0 to 1", text=repr(text)))
    return tuple(given)
