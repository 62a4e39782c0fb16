"""Read iCalendar files (RFC 5545) as spans of whole days, with repetitions, exceptions and cancellations applied.

`engine.people.leave` decides whom an event concerns and which kind of absence it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from engine.errors import ConfigError, InputError
from engine.people.tables import RowMessage
from engine.people.text_files import read_text
from engine.words import Phrase, phrase

if TYPE_CHECKING:
    from icalendar import Event

MAX_SPAN_DAYS = 1100  # three years of parental leave; anything longer is a mistyped year
MAX_SPANS = 100_000
_DAMAGED = (ValueError, TypeError, KeyError, AttributeError, OverflowError)  # what the parsers raise for damaged events


@dataclass(frozen=True)
class CalendarSpan:
    """The whole days of an event, or of one repetition.

    Attributes:
        uid: of the event; repetitions share it.
        line: where the event begins in the file.
        first_day, last_day: both included, in the workplace's zone.
        title: the summary, cut to 60 characters.
        summary: the full summary and the categories.
        attendees: e-mail addresses of everybody who has not declined, lower case.
        organiser: e-mail address, lower case; may be empty.
    """

    uid: str
    line: int
    first_day: date
    last_day: date
    title: str
    summary: str
    attendees: frozenset[str]
    organiser: str


@dataclass(frozen=True)
class CalendarFile:
    """What a calendar holds for a range of days.

    Attributes:
        uids: of all readable events, cancelled ones included.
        damaged: UIDs of unreadable events.
        spans: in the order of the file.
        messages: what was left out, by line of the file.
    """

    uids: frozenset[str]
    damaged: frozenset[str]
    spans: tuple[CalendarSpan, ...]
    messages: tuple[RowMessage, ...]


class _Skip(Exception):
    """An event yields no days; `error` if a person should look at it."""

    def __init__(self, reason: Phrase, *, error: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.error = reason, error


def read_calendar(path: Path, zone: ZoneInfo, first: date, last: date) -> CalendarFile:
    """Read an iCalendar file.

    Args:
        zone: of the workplace; days begin and end in it, and times without a known zone are read as its local time.
        first, last: range in which repetitions count, both included.

    Raises:
        InputError: the file is not a calendar, or has more than 100,000 spans.
        ConfigError: the packages for calendars are not installed.
    """
    try:
        from icalendar import Calendar, Event  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError("reading calendars needs extra packages", hint="pip install 'muster[office]'") from error
    text, warning = read_text(path)
    try:
        calendars = Calendar.from_ical(text, multiple=True)
    except _DAMAGED as error:
        raise InputError(
            phrase("{path} is not an iCalendar file: {error}", path=path.name, error=str(error)),
            hint=phrase("export the calendar as .ics again"),
        ) from error
    if not calendars:
        raise InputError(
            phrase("{path} has no complete calendar", path=path.name), hint=phrase("export the calendar as .ics again")
        )
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.strip().upper() == "BEGIN:VEVENT"]
    messages = [RowMessage(0, "", "warning", warning)] if warning else []
    groups: dict[str, list[Event]] = {}
    places: dict[str, int] = {}
    events = [(str(calendar.get("METHOD", "")), event) for calendar in calendars for event in calendar.walk("VEVENT")]
    for index, (method, event) in enumerate(events):
        assert isinstance(event, Event)
        line = lines[index] if index < len(lines) else 0
        uid = _text(event, "UID") or f"line {line}"
        places.setdefault(uid, line)
        members = groups.setdefault(uid, [])
        if method.upper() != "CANCEL":
            members.append(event)
    damaged: set[str] = set()
    spans: list[CalendarSpan] = []
    for uid, members in groups.items():
        line = places[uid]
        try:
            spans += _spans(uid, line, members, zone, (first, last))
        except _Skip as skip:
            title = _title(members[0])
            text = phrase("{title!r}: {what}", title=title, what=skip.reason)
            messages.append(RowMessage(line, "", "error" if skip.error else "warning", text))
            if skip.error:
                damaged.add(uid)
        if len(spans) > MAX_SPANS:
            raise InputError(
                phrase("{path} repeats events more than {count} times", path=path.name, count=MAX_SPANS),
                hint="give a smaller --horizon",
            )
    return CalendarFile(frozenset(groups.keys() - damaged), frozenset(damaged), tuple(spans), tuple(messages))


def _text(event: Event, name: str) -> str:
    """Return a property as one line; the first if there are several."""
    values = _all(event, name)
    return " ".join(str(values[0]).split()) if values else ""


def _all(event: Event, name: str) -> list[Any]:
    value = event.get(name)
    return value if isinstance(value, list) else [] if value is None else [value]


def _spans(uid: str, line: int, events: list[Event], zone: ZoneInfo, days: tuple[date, date]) -> Iterable[CalendarSpan]:
    """Return the spans of the events that share a UID: a series and its exceptions.

    Raises:
        _Skip: there are none; the text says why.
    """
    if not events or all(_is(event, "CANCELLED") for event in events):
        return []
    if all(_is(event, "TENTATIVE") for event in events):
        raise _Skip(phrase("is only tentative"))
    found = []
    reason: Phrase | None = None
    try:
        for event in events:
            _check(event, zone)
        for event in _unrolled(events, days):
            if _is(event, "CANCELLED") or _is(event, "TENTATIVE"):
                continue
            start, end = _days(event, zone)
            if start is None or end is None:
                reason = phrase("is shorter than a day")
                continue
            found.append(CalendarSpan(uid, line, start, end, _title(event), _summary(event), *_addresses(event)))
    except _DAMAGED as error:
        raise _Skip(phrase("cannot be read: {error}", error=str(error)), error=True) from error
    if reason and not found:
        raise _Skip(reason)
    return found


def _is(event: Event, status: str) -> bool:
    return _text(event, "STATUS").upper() == status


def _check(event: Event, zone: ZoneInfo) -> None:
    """Refuse an event that would be misread or would repeat for ever.

    Raises:
        _Skip: the event cannot be used.
    """
    for rule in _all(event, "RRULE"):
        parts = {str(key).upper(): value for key, value in rule.items()} if isinstance(rule, dict) else {}
        often = {"SECONDLY", "MINUTELY", "HOURLY"} & {str(value).upper() for value in parts.get("FREQ", ())}
        if often or parts.keys() & {"BYHOUR", "BYMINUTE", "BYSECOND"}:
            raise _Skip(phrase("repeats within a day"))
        if any(int(value) < 1 for value in parts.get("INTERVAL", ())):
            raise _Skip(phrase("repeats at an interval below 1"), error=True)  # which would never end
    try:
        start, end = event.start, event.end
        backwards = (
            _local(start, zone) > _local(end, zone)
            if isinstance(start, datetime) and isinstance(end, datetime)
            else _day(start) > _day(end)
        )
    except _DAMAGED as error:
        raise _Skip(phrase("has no readable time: {error}", error=str(error)), error=True) from error
    if backwards:
        raise _Skip(phrase("ends before it begins"), error=True)
    if (_day(end) - _day(start)).days > MAX_SPAN_DAYS:
        raise _Skip(phrase("is longer than {days} days", days=MAX_SPAN_DAYS), error=True)


def _unrolled(events: list[Event], days: tuple[date, date]) -> Iterator[Event]:
    import recurring_ical_events  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra, beside icalendar
    from icalendar import Calendar  # noqa: PLC0415

    calendar = Calendar()
    for event in events:
        calendar.add_component(event)
    yield from recurring_ical_events.of(calendar).between(days[0], days[1] + timedelta(days=1))


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _local(value: datetime, zone: ZoneInfo) -> datetime:
    """Return a time as the workplace's clocks show it, without a zone."""
    return (value.astimezone(zone) if value.tzinfo else value).replace(tzinfo=None)


def _days(event: Event, zone: ZoneInfo) -> tuple[date | None, date | None]:
    """Return the first and last day, both included; None for a timed event that takes less than 24 hours on the clock.

    Clock time counts because a day on which the clocks change has 23 or 25 hours.
    """
    start, end = event.start, event.end
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return start, max(start, _day(end) - timedelta(days=1))  # the end of whole days is exclusive
    begin, finish = _local(start, zone), _local(end, zone)
    if finish - begin < timedelta(days=1):
        return None, None
    return begin.date(), (finish - timedelta(microseconds=1)).date()


def _title(event: Event) -> str:
    return _text(event, "SUMMARY")[:60]


def _summary(event: Event) -> str:
    categories = [str(name) for group in _all(event, "CATEGORIES") for name in getattr(group, "cats", ())]
    return " · ".join([_text(event, "SUMMARY"), *categories])


def _addresses(event: Event) -> tuple[frozenset[str], str]:
    """Return the e-mail addresses of attendees who have not declined, and the organiser's."""

    def address(value: Any) -> str:
        return re.sub(r"^mailto:", "", str(value).strip(), flags=re.IGNORECASE).casefold()

    coming = [value for value in _all(event, "ATTENDEE") if str(value.params.get("PARTSTAT", "")).upper() != "DECLINED"]
    organisers = [address(value) for value in _all(event, "ORGANIZER")]
    return frozenset(map(address, coming)), organisers[0] if organisers else ""
