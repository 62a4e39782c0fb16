"""Moments as terminals and spreadsheets write them, and what a local time is where the clocks change."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from engine.people.dates import DateOrder, NotADay, read_day
from engine.words import Phrase, phrase

_CLOCK = re.compile(
    r"(?:^|[T ,]+)(?P<hour>\d{1,2})[:h](?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?:(?P<half>[ap])\.?m\.?)?\s*(?:uhr|h)?\s*(?P<offset>z|utc|[+-]\d{2}:?\d{2})?$",
    re.IGNORECASE,
)
_WITH_DOTS = re.compile(r"^(\d{1,2})\.(\d{2})(?:\.(\d{2}))?(?=\s*(?:uhr)?$)", re.IGNORECASE)
_DIGITS = re.compile(r"^(\d{1,2})(\d{2})(\d{2})?$")
_COMPACT = re.compile(r"(\d{8})[T ]?(\d{4}|\d{6})")
_SERIAL = re.compile(r"(\d{5})[.,](\d+)")


class LocalMoment(NamedTuple):
    """A moment in a time zone; `note`: what to say about it where the clocks change."""

    time: datetime
    note: Phrase | None


def read_moment(text: str, order: DateOrder | None) -> datetime:
    """Return the day and time that a cell says, without a zone unless the cell has an offset from UTC.

    Args:
        text: a day as `read_day` reads it and a time of day, or a spreadsheet's number such as `46328.373`.
        order: of day and month where they are written with slashes or dashes.

    Raises:
        NotADay: it is no moment, or its day may be two.
    """
    bare = text.strip()
    if bare[4:5] == "-" and len(bare) == 19:  # terminals write this one
        try:
            return datetime.fromisoformat(bare)
        except ValueError:
            pass
    if match := _SERIAL.fullmatch(bare):
        seconds = round(float(f"0.{match[2]}") * 86400)
        return datetime.combine(read_day(match[1], order), time()) + timedelta(seconds=seconds)
    if match := _COMPACT.fullmatch(bare):
        return combined(match[1], match[2], order)
    match = _CLOCK.search(bare)
    if match is None or not bare[: match.start()].strip():
        raise NotADay(phrase("{text!r} is not a day with a time: write it as 2026-11-22 08:57", text=text))
    return _joined(read_day(bare[: match.start()].strip(" ,T"), order), match, text)


def read_clock(text: str) -> re.Match[str] | None:
    """Return the match of a time of day that stands alone, such as `08:57`, `8h57`, `8.57 Uhr` or `0857`; None: it is none."""
    bare = text.strip()
    bare = _WITH_DOTS.sub(lambda found: ":".join(filter(None, found.groups())), bare)
    bare = _DIGITS.sub(lambda found: ":".join(filter(None, found.groups())), bare)
    match = _CLOCK.match(bare)
    return match if match is not None and match.start("hour") == 0 else None


def combined(day: str, clock: str, order: DateOrder | None) -> datetime:
    """Return the moment of a day and a time of day in two cells; the second may repeat the day.

    Raises:
        NotADay: they are no moment.
    """
    alone = read_clock(clock)
    if alone is None:
        return read_moment(clock, order)
    if not day:
        raise NotADay(
            phrase("{text!r} has no day: write it as 2026-11-22 08:57, or give the column of the day", text=clock)
        )
    return _joined(read_day(day, order), alone, clock)


def _joined(day: date, match: re.Match[str], text: str) -> datetime:
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    if match["half"] and 1 <= hour <= 12:
        hour = hour % 12 + (12 if match["half"].lower() == "p" else 0)
    elif match["half"]:
        hour = 99
    later = timedelta(days=1) if (hour, minute, second) == (24, 0, 0) else timedelta()
    try:
        found = datetime.fromisoformat(f"{day}T{0 if later else hour:02}:{minute:02}:{second:02}") + later
        offset = match["offset"] or ""
        return found if not offset else found.replace(tzinfo=_zone(offset))
    except (ValueError, OverflowError) as error:
        raise NotADay(phrase("{text!r} is not a time: write it as 2026-11-22 08:57", text=text)) from error


def _zone(offset: str) -> tzinfo | None:
    return UTC if offset[0] not in "+-" else datetime.fromisoformat(f"2000-01-01T00:00{offset}").tzinfo


def in_zone(written: datetime, zone: ZoneInfo) -> LocalMoment:
    """Return the moment of a time on a clock of a zone.

    A time that comes twice, because the clocks go back, is the first of the two. A time that does not exist, because they go forward, is
    read as if the clock had not been put forward yet: 02:30 is 03:30.

    Args:
        written: a time with its own offset is that moment.
    """
    if written.tzinfo is not None:
        return LocalMoment(written.astimezone(zone), None)
    first, second = (written.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return LocalMoment(first, None)
    found = first.astimezone(UTC).astimezone(zone)
    read = f"{found:%H:%M:%S} {found.isoformat()[-6:]}"
    told = {"time": f"{written:%H:%M:%S}", "day": f"{written:%Y-%m-%d}", "read": read}
    if found.replace(tzinfo=None) == written:
        return LocalMoment(found, phrase("{time} comes twice on {day}, read as the first, {read}", **told))
    return LocalMoment(found, phrase("{time} does not exist on {day}, read as {read}", **told))
