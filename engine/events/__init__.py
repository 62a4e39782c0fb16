"""From tracks and time to events."""

from engine.events.maker import EventMaker
from engine.events.passages import classify

__all__ = ["EventMaker", "classify"]
