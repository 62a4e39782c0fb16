"""From tracks and time to events.

Not here: writing events down (`engine.pipeline`), what a day comes to (`engine.attendance`).
"""

from engine.events.maker import EventMaker, almost
from engine.events.passages import classify

__all__ = ["EventMaker", "almost", "classify"]
