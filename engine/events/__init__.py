"""From tracks and time to events."""

from engine.events.maker import EventMaker, almost
from engine.events.passages import classify

__all__ = ["EventMaker", "almost", "classify"]
