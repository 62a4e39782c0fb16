"""Presentation-attack checks without trained weights: is a live person before the camera, or a picture of one?

They deter; they are not a certified detection. What each sees and what it cannot, with measured error rates: docs/liveness.md.

Not here: what is done about an attack (`engine.events`, `engine.incidents`).
"""

from engine.liveness.challenge import PROMPTS, HeadTurnChallenge
from engine.liveness.stream import StreamWatch
from engine.liveness.track import Liveness, LivenessState, TrackLiveness, combined

__all__ = [
    "PROMPTS",
    "HeadTurnChallenge",
    "Liveness",
    "LivenessState",
    "StreamWatch",
    "TrackLiveness",
    "combined",
]
