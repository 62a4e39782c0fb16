"""Who walks through the demo's entrance, and when: the script for the video and for judging its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FPS = 12.5
STRANGER = "madonna"
DURATION_S = 63.0


@dataclass(frozen=True)
class Pass:
    """One walk across the picture.

    Attributes:
        person, photo: folder of the sample photos, and the validation photo that is shown.
        start_s, end_s: when they come in at one side and leave at the other.
        depth: 0 far to 1 near; decides the size.
        blur: strength of motion and focus blur, 0 none to 1.
        light: brightness, 1 as photographed.
        turn_deg: how far the head turns to either side on the way.
        printed: somebody else holds up the person's photo, turned likewise.
    """

    person: str
    photo: str
    start_s: float
    end_s: float
    leftwards: bool = False
    depth: float = 0.5
    blur: float = 0.3
    light: float = 1.0
    turn_deg: float = 0.0
    printed: bool = False


PASSES: tuple[Pass, ...] = (
    Pass("ben_afflek", "03", 3.0, 9.0, depth=0.6),
    Pass("elton_john", "03", 12.0, 18.0, leftwards=True, depth=0.4, light=1.1),
    Pass(STRANGER, "03", 21.0, 27.0, depth=0.5, blur=0.4),
    Pass("jerry_seinfeld", "03", 31.0, 37.0, depth=0.7),
    Pass("mindy_kaling", "02", 32.6, 38.6, depth=0.4, light=0.95),
    Pass("ben_afflek", "03", 42.0, 48.0, leftwards=True, depth=0.3, blur=0.5, light=0.85),
    Pass("elton_john", "03", 52.0, 58.0, depth=0.6, light=0.9),
    Pass(STRANGER, "01", 53.6, 59.6, depth=0.5, light=1.1),
)

EXPECTED: dict[str, Any] = {
    "punches": sorted({row.person for row in PASSES if row.person != STRANGER}),
    "strangers": 1,
    "stranger_episodes": sum(row.person == STRANGER for row in PASSES),
    "tailgating": ["known+known", "known+unknown"],
}
"""What a correct run finds."""


def truth() -> dict[str, object]:
    """What a correct run finds, with the passes."""
    return {
        "fps": FPS,
        "duration_s": DURATION_S,
        "passes": [
            {
                "person": row.person,
                "photo": f"val/{row.person}/{row.photo}.jpg",
                "from_s": row.start_s,
                "to_s": row.end_s,
            }
            for row in PASSES
        ],
        "expected": EXPECTED,
    }
