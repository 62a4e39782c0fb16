"""What another threshold would have changed: decisions of the past made again from the log of sightings."""

from engine.replay.changes import Past
from engine.replay.result import Change, ChangeKind, Limits, Replay, ReplayedDay
from engine.replay.votes import Outcome, Progress, no_progress, rerun

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
