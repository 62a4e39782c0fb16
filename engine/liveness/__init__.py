"""Liveness checks without trained weights: does the camera see a live person, or a picture of one?

They deter attacks; they are not certified attack detection. docs/liveness.md lists what each check can and cannot detect, with
measured error rates.

Not here: what happens after an attack (`engine.events`, `engine.incidents`).
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
