"""The main job, from frames to rows in the logs: the stages that a frame goes through, and how they are put together.

Not here: the stations themselves, and which camera is watched when (`engine.workbench`, the app).
"""

from engine.pipeline.camera_check import CameraNote
from engine.pipeline.faces import Offers
from engine.pipeline.opening import open_pipeline
from engine.pipeline.pipeline import Pipeline
from engine.pipeline.search_beside import SearchBeside
from engine.pipeline.services import IdentifiedFace, Services
from engine.pipeline.stats import FrameResult, RunStats

__all__ = [
    "CameraNote",
    "FrameResult",
    "IdentifiedFace",
    "Offers",
    "Pipeline",
    "RunStats",
    "SearchBeside",
    "Services",
    "open_pipeline",
]
