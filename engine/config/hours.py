"""Hours of the day and days of the week as people write them: `20:00-06:00`, `mon-fri`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from engine.words import phrase

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))", re.ASCII)


def days_of_week(text: str) -> frozenset[int]:
    """Parse days of the week such as `mon-fri` or `sat,sun` into numbers, 0 Monday to 6 Sunday; `fri-mon` spans the weekend.

    Raises:
        ValueError: the text names no days.
    """
    found: set[int] = set()
    for part in text.lower().replace(" ", "").split(","):
        names = part.split("-")
        if len(names) > 2 or any(name not in DAYS for name in names):
            raise ValueError(phrase("{text} names no days: write mon-fri or sat,sun", text=repr(text)))
        first, last = DAYS.index(names[0]), DAYS.index(names[-1])
        found |= {(first + offset) % 7 for offset in range((last - first) % 7 + 1)}
    return frozenset(found)


def minutes_of_day(text: str) -> tuple[int, int]:
    """Parse a window of hours into its begin and end in minutes after midnight; an end that is not later is on the next day.

    Raises:
        ValueError: the text is not a window, or the window is empty.
    """
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise ValueError(phrase("{text} is not a window of hours such as 08:00-17:30 or 20:00-06:00", text=repr(text)))
    begin_h, begin_m, end_h, end_m = (int(part) for part in match.groups() if part is not None)
    if (begin_h, begin_m) == (end_h, end_m):
        raise ValueError(phrase("{text} is empty; leave hours out for the whole day", text=repr(text)))
    return 60 * begin_h + begin_m, 60 * end_h + end_m


def within(windows: Iterable[str], local: datetime, weekdays: Iterable[int] = range(7)) -> bool:
    """Return whether a local time is in one of the windows: the first minute counts, the last does not.

    A window over midnight belongs to the day on which it begins.

    Args:
        windows: such as `20:00-06:00`.
        local: time in the workplace's zone.
        weekdays: days on which windows begin, 0 Monday.
    """
    today, minute, days = local.weekday(), 60 * local.hour + local.minute, frozenset(weekdays)
    for text in windows:
        begin, end = minutes_of_day(text)
        if begin < end:
            hit = today in days and begin <= minute < end
        else:
            hit = (today in days and minute >= begin) or ((today - 1) % 7 in days and minute < end)
        if hit:
            return True
    return False
