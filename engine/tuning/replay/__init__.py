"""What another threshold would have changed: decisions of the past made again from the log of sightings."""

from engine.tuning.replay.changes import Past
from engine.tuning.replay.result import Change, ChangeKind, Limits, Replay, ReplayedDay
from engine.tuning.replay.votes import Outcome, Progress, no_progress, rerun

__all__ = [
    "Change",
    "ChangeKind",
    "Limits",
    "Outcome",
    "Past",
    "Progress",
    "Replay",
    "ReplayedDay",
    "no_progress",
    "rerun",
]
