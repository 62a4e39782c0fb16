"""Turn tracks and time into events.

Not here: recording events (`engine.pipeline`) and deriving the day sheet (`engine.attendance`).
"""

from engine.events.maker import EventMaker
from engine.events.rules import LOOKED_AT, Episodes, almost, classify, living_person

__all__ = ["LOOKED_AT", "Episodes", "EventMaker", "almost", "classify", "living_person"]
