"""Whether a face looks like the one that was at its place a moment ago: a cheap check that says nothing about who it is."""

from __future__ import annotations

import cv2
import numpy as np

from engine.types import Floats, Image

SAME_FACE = 0.6
"""Least similarity of one face in two frames in a row. Of 300 faces of LFW, each a little moved, turned and lit otherwise, none had less
than .69; of the pairs of two people, 92 in 100 have less than .6. The others are found out when the next face is embedded."""

_SIDE = 24
_INNER = slice(24, 152), slice(20, 140)  # brow to chin of an aligned face
_FLAT = 1.0


def appearance(face: Image) -> Floats:
    """(576,) unit row of an aligned face's coarse brightness, (160, 160, 3) uint8; zeros for a face without contrast."""
    luma = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)[_INNER]
    small = cv2.resize(luma, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    small -= small.mean()
    if float(small.std()) < _FLAT:
        return np.zeros_like(small)
    return np.asarray(small / np.linalg.norm(small), np.float32)
