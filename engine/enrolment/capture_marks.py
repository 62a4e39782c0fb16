"""What to draw over the preview of a guided capture: an oval for the face, an arrow where to turn, a tick when a picture was taken.

The page shows the words beside the picture in its own language. Whoever draws must not let colour be the only sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.enrolment.capture import Guidance


@dataclass(frozen=True)
class GuideMark:
    """What is drawn for the person in a guided capture.

    Attributes:
        state: `taken` (a moment ago, or all pictures), `good`, `wrong`, or `looking` while there is no face.
        held: share of the good frames that a picture needs, 0 to 1.
        turn: where an arrow points, as the person sees it in a mirror; empty: no arrow.
    """

    state: Literal["taken", "good", "wrong", "looking"]
    held: float = 0.0
    turn: Literal["", "left", "right", "up"] = ""


def guide_mark(guidance: Guidance) -> GuideMark:
    """What to draw for the guidance of a frame."""
    if guidance.step is None or guidance.just_taken:
        return GuideMark("taken")
    if not guidance.reason:
        return GuideMark("good", guidance.held)
    if guidance.box is None:
        return GuideMark("looking")
    if guidance.step == "front" or guidance.reason not in {"not turned yet", "other way"}:
        return GuideMark("wrong")
    return GuideMark("wrong", turn=guidance.step)
