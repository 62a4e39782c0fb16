"""What another threshold would have changed: past decisions, repeated from the log of sightings."""

from engine.tuning.replay.changes import Past
from engine.tuning.replay.desk import ReplayDesk
from engine.tuning.replay.result import Change, ChangeKind, Limits, Replay, ReplayedDay
from engine.tuning.replay.votes import TrackDecision, TrackProgress, no_progress, rerun

__all__ = [
    "Change",
    "ChangeKind",
    "Limits",
    "Past",
    "Replay",
    "ReplayDesk",
    "ReplayedDay",
    "TrackDecision",
    "TrackProgress",
    "no_progress",
    "rerun",
]
