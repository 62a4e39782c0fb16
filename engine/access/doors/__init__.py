"""Doors that open for a moment for chosen people: the rule, who stands before the camera, pulses, and their log.

What opens a door must be true now: nothing waits here, nothing is sent later, and whatever is in doubt stays closed.

Not here: the connection to the relay, which is injected (`engine.operations.doors`), and who somebody is (`engine.pipeline`).
"""

from engine.access.doors.keeper import DoorKeeper, Line
from engine.access.doors.log import DOORS, DoorBook, DoorRow
from engine.access.doors.rule import WORDS, Decision, Facts, Refusal, chosen, decide
from engine.access.doors.watch import DoorWatch

__all__ = [
    "DOORS",
    "WORDS",
    "Decision",
    "DoorBook",
    "DoorKeeper",
    "DoorRow",
    "DoorWatch",
    "Facts",
    "Line",
    "Refusal",
    "chosen",
    "decide",
]
