"""Presentation-attack checks without trained weights: is a live person before the camera, or a picture of one?

They deter; they are not a certified detection. What each sees and what it cannot, with measured error rates: docs/liveness.md.
"""

from engine.presentation.challenge import PROMPTS, HeadTurnChallenge
from engine.presentation.liveness import Liveness, LivenessState, TrackLiveness, combined
from engine.presentation.stream import StreamWatch

__all__ = [
    "PROMPTS",
    "HeadTurnChallenge",
    "Liveness",
    "LivenessState",
    "StreamWatch",
    "TrackLiveness",
    "combined",
]
