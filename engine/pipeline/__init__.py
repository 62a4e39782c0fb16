"""The main job, from frames to rows in the logs: identification, stages in threads, scenes, the recorder, and what they need.

Not here: the stations themselves, and which camera is watched when (`engine.workbench`, the app).
"""

from engine.pipeline.identification import Offers
from engine.pipeline.pipeline import FrameResult, Pipeline, RunStats, Services

__all__ = [
    "FrameResult",
    "Offers",
    "Pipeline",
    "RunStats",
    "Services",
]
