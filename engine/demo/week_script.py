"""A working week at the demo's entrance: who comes and goes when, what goes wrong, and what a correct run finds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.demo.script import STRANGER, Pass

BEN, ELTON, JERRY, MINDY = "ben_afflek", "elton_john", "jerry_seinfeld", "mindy_kaling"
_PHOTOS = {BEN: "03", ELTON: "03", JERRY: "03", MINDY: "02", STRANGER: "03"}
_SECONDS = 4.0

SETTINGS = """# settings of the demonstration's week
timezone = "Europe/Berlin"
organisation = "Demo Works"

[shifts.office]
start = 09:00:00
end = 17:00:00
grace_min = 5
break_min = 30

[cameras.entrance]
direction = "both"

[encryption]
at_rest = false                 # the pictures are there to be looked at

[attendance]
gap_s = 900                     # between visits one frame every 14 minutes stands for an empty hall
"""

CAMERA_ON = (time(7, 0), time(19, 0))
OFF = (3, time(8, 30), time(9, 30))
"""Day of the week, from and to when the camera is off."""
LEAVE = ((MINDY, 3),)
"""Who is on leave on which day of the week."""


@dataclass(frozen=True)
class Visit:
    """Somebody passes the entrance.

    Attributes:
        person, photo: folder of the sample photos, and the validation photo; empty: the usual one.
        day: of the week, 0 Monday.
        at: local time at which they come into the picture.
        leaves: goes out instead of in.
        printed: somebody else holds up their photo.
    """

    person: str
    day: int
    at: time
    leaves: bool = False
    printed: bool = False
    photo: str = ""


def _day(day: int, *times: tuple[str, str, str]) -> list[Visit]:
    """Arrivals and departures: person, came, went."""
    found = []
    for person, came, went in times:
        found += [Visit(person, day, time.fromisoformat(came))] if came else []
        found += [Visit(person, day, time.fromisoformat(went), leaves=True)] if went else []
    return found


VISITS: tuple[Visit, ...] = (
    *_day(0, (BEN, "08:51:20", "17:04:10"), (ELTON, "08:55:40", "17:02:00")),
    *_day(0, (JERRY, "09:03:00", "17:08:30"), (MINDY, "08:47:05", "17:11:00")),
    # Ben is late, Elton goes early, a stranger comes by
    *_day(1, (BEN, "09:21:00", "17:05:00"), (ELTON, "08:53:00", "15:58:00")),
    *_day(1, (JERRY, "08:58:10", "17:01:00"), (MINDY, "08:49:30", "17:09:20")),
    Visit(STRANGER, 1, time.fromisoformat("11:02:00")),
    # Jerry is absent; Ben and Mindy come in together; Elton is not seen leaving
    *_day(2, (BEN, "08:55:00", "17:06:00"), (MINDY, "08:55:01", "17:10:00"), (ELTON, "08:59:00", "")),
    # the camera is off when Elton comes; Jerry is first seen after it; Mindy is on leave; the stranger is back
    *_day(3, (BEN, "08:25:00", "17:03:30"), (ELTON, "", "17:07:00"), (JERRY, "09:36:00", "17:15:00")),
    Visit(STRANGER, 3, time.fromisoformat("14:20:00"), photo="01"),
    # Ben is not there, but somebody holds his photo up; Mindy comes late and goes early
    *_day(4, (ELTON, "08:54:00", "17:00:30"), (JERRY, "08:52:00", "17:12:00"), (MINDY, "09:40:00", "16:10:00")),
    Visit(BEN, 4, time.fromisoformat("10:30:00"), printed=True),
)

_STATUSES = {
    BEN: ("on time", "late", "on time", "on time", "not identified"),
    ELTON: ("on time", "left early", "missing out", "not covered", "on time"),
    JERRY: ("on time", "on time", "absent", "not covered", "on time"),
    MINDY: ("on time", "on time", "on time", "on leave", "late, left early"),
}
EXPECTED_STATUS = {(person, day): row[day] for day in range(5) for person, row in _STATUSES.items()}
"""By person and day. Ben's photo on Friday is a reason to ask him, not to call him present or absent."""

EXPECTED_INCIDENTS: tuple[tuple[int, str, str], ...] = (
    (1, "unknown", "unknown-1"),
    (2, "tailgating", f"{BEN};{MINDY}"),
    (3, "camera_lost", ""),
    (3, "camera_back", ""),
    (3, "unknown", "unknown-1"),
    (4, "presentation_attack", BEN),
)
"""Day, kind and who, in the order in which they happen."""


def walk(visit: Visit) -> Pass:
    """How a visit looks, in seconds from its beginning."""
    number = sum(map(ord, visit.person)) + visit.day
    return Pass(
        visit.person,
        visit.photo or _PHOTOS[visit.person],
        0.0,
        7.0 if visit.printed else _SECONDS,
        leftwards=visit.leaves,
        depth=0.5 + 0.1 * (number % 3),
        blur=0.15,
        light=0.9 + 0.05 * (number % 4),
        turn_deg=32.0 if visit.printed else 24.0,
        printed=visit.printed,
    )


def moment(monday: date, day: int, at: time, zone: ZoneInfo) -> datetime:
    """A local time of the week."""
    return datetime.combine(monday + timedelta(days=day), at, zone)
