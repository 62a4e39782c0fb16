"""Who is who over time: the tracker, the vote on a track, the log of what each decision was made of, and
the log of what people say of decisions near the threshold.

Not here: what a decided track leads to (`engine.events`), and who drives all of it (`engine.pipeline`).
"""

from engine.tracking.answers import ANSWER, AnswerBook, AnswerRow, Asked, Said
from engine.tracking.appearance import SAME_FACE, appearance
from engine.tracking.breaks import BreakWatch
from engine.tracking.sightings import SIGHTING, TOP, SightingBook, SightingRow, TrackSighting, Vote
from engine.tracking.tracker import Tracker, Trail
from engine.tracking.voting import Voter, assign, one_place_each, passage_factor

__all__ = [
    "ANSWER",
    "SAME_FACE",
    "SIGHTING",
    "TOP",
    "AnswerBook",
    "AnswerRow",
    "Asked",
    "BreakWatch",
    "Said",
    "SightingBook",
    "SightingRow",
    "TrackSighting",
    "Tracker",
    "Trail",
    "Vote",
    "Voter",
    "appearance",
    "assign",
    "one_place_each",
    "passage_factor",
]
