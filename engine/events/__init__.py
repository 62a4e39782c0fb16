"""From tracks and time to events.

Not here: writing events down (`engine.pipeline`), what a day comes to (`engine.attendance`).
"""

from engine.events.maker import EventMaker
from engine.events.rules import LOOKED_AT, Episodes, almost, classify, living_person

__all__ = ["LOOKED_AT", "Episodes", "EventMaker", "almost", "classify", "living_person"]
