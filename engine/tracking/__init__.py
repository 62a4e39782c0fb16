"""Who is who over time: the tracker, the vote on a track, and the log of what each decision was made of.

Not here: what a decided track leads to (`engine.events`), and who drives all of it (`engine.pipeline`).
"""

from engine.tracking.sightings import TOP, SightingBook, TrackSighting, Vote, parse_sighting
from engine.tracking.tracker import Tracker, Trail
from engine.tracking.voting import Voter, assign, one_place_each

__all__ = [
    "TOP",
    "SightingBook",
    "TrackSighting",
    "Tracker",
    "Trail",
    "Vote",
    "Voter",
    "assign",
    "one_place_each",
    "parse_sighting",
]
