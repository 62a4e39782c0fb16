"""The hours of a day that count: rounded times, planned breaks, and what lies in the night, on a Sunday or on a public holiday. Pure.

Times inside are spans without the breaks that cameras saw. A break that the plan subtracts beyond them has no time of its own, so it
shortens the hours of the night, of a Sunday and of a holiday in proportion: half an hour of eight takes a sixteenth of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from engine.attendance.day import Status
from engine.attendance.explain import Part
from engine.attendance.presence import TimesInside
from engine.attendance.rota import Rota, planned_break_s
from engine.config import AttendanceConfig, Rounding, ShiftConfig
from engine.config.hours import minutes_of_day
from engine.words import N_

Times = tuple[datetime, datetime]
_minutes = lru_cache(maxsize=8)(minutes_of_day)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Counted:
    """What counts of the times inside.

    Attributes:
        worked_s: seconds worked; None: unknown.
        break_s: seconds of breaks, seen or planned.
        spans: times inside without the breaks that cameras saw, rounded if the settings say so.
        begin, end: the rounded arrival and departure; None where rounding changes nothing.
    """

    worked_s: float | None = None
    break_s: float = 0.0
    spans: tuple[Times, ...] = ()
    begin: datetime | None = None
    end: datetime | None = None


NOTHING_COUNTED = Counted()


def counted(
    here: TimesInside, rules: ShiftConfig | None, config: AttendanceConfig, zone: ZoneInfo, gaps: Sequence[Times] = ()
) -> Counted:
    """What counts of the times inside.

    Args:
        rules: the shift whose break holds; None: there is none.
        gaps: unpaid time between the parts of a split shift, which is no break.
    """
    if not here.spans:
        return NOTHING_COUNTED
    first, last = here.spans[0][0], here.spans[-1][1]
    begin = _rounded(first, config.round_in_min, config.round_in, zone)
    end = max(begin, _rounded(last, config.round_out_min, config.round_out, zone))
    spans = _clipped(here.spans, begin, end)
    inside = _seconds(spans)
    middles = [first + (last - first) / 2 for first, last in gaps]
    outside = [(earlier[1], later[0]) for earlier, later in pairwise(spans)]
    measured = _seconds(
        (first, last) for first, last in outside if not any(first < middle < last for middle in middles)
    )
    pause = max(measured, planned_break_s(rules, inside + measured) if rules else 0.0)
    worked = max(0.0, inside - (pause - measured))
    return Counted(worked, pause, spans, begin if begin != first else None, end if end != last else None)


def _clipped(spans: Sequence[Times], begin: datetime, end: datetime) -> tuple[Times, ...]:
    """Times inside from a rounded arrival to a rounded departure; what lies between stays."""
    moved = [list(span) for span in spans]
    moved[0][0], moved[-1][1] = begin, end
    clipped = ((max(first, begin), min(last, end)) for first, last in moved)
    return tuple((first, last) for first, last in clipped if first < last)


def _rounded(moment: datetime, step: int, way: Rounding, zone: ZoneInfo) -> datetime:
    """A moment rounded to whole steps of minutes on the local clock; its seconds do not count."""
    if not step:
        return moment
    local = moment.astimezone(zone)
    whole = local.replace(second=0, microsecond=0, tzinfo=timezone(local.utcoffset() or timedelta()))
    minute = 60 * whole.hour + whole.minute
    steps = {"down": minute // step, "up": -(-minute // step), "nearest": (2 * minute + step) // (2 * step)}[way]
    return whole + timedelta(minutes=steps * step - minute)


@dataclass(frozen=True)
class TooShort:
    """A day of fewer hours than a whole one, or than half of one, must have.

    Attributes:
        status: what it is instead.
        share: what it counts as, 0.5 or 0.
    """

    status: Status
    share: float
    note: Part


def too_short(worked_s: float, shift: ShiftConfig, expected: float) -> TooShort | None:
    """What a day is that has too few hours; None: it has enough.

    Args:
        expected: share of the day that leave does not take; the hours that it must have shrink with it.
    """
    for least, status, share, text in (
        (shift.half_day_h, Status.ABSENT, 0.0, N_("{hours} h are less than half a day ({least} h)")),
        (shift.full_day_h, Status.HALF_DAY, 0.5, N_("{hours} h are less than a day ({least} h)")),
    ):
        if worked_s < least * expected * 3600:
            values = {"hours": f"{worked_s / 3600:.2f}", "least": f"{least * expected:g}"}
            return TooShort(status, share, Part(text, values))
    return None


@dataclass(frozen=True)
class KindsOfHours:
    """Hours worked at night, on Sundays and on public holidays; one hour may be all of these."""

    night: timedelta = timedelta()
    sunday: timedelta = timedelta()
    holiday: timedelta = timedelta()


def hours_by_kind(
    spans: Sequence[Times], worked: timedelta, night: str, rota: Rota, employee_id: str, department: str
) -> KindsOfHours:
    """Hours worked by kind, in elapsed time.

    Args:
        spans: times inside that count; planned breaks are not taken off.
        worked: time worked within them.
        night: hours of the night such as `23:00-06:00`; empty: none.
        rota: knows the person's holidays.
    """
    inside = timedelta(seconds=_seconds(spans))
    if not inside or not worked:
        return KindsOfHours()
    first, last = (edge.astimezone(rota.zone).date() for edge in (spans[0][0], spans[-1][1]))
    days = [first + timedelta(days=offset) for offset in range(-1, (last - first).days + 1)]

    def within(windows: Iterable[Times]) -> timedelta:
        return timedelta(seconds=_overlap_s(spans, windows)) * (worked / inside)

    def whole(kind: Callable[[date], object]) -> timedelta:
        return within((rota.moment(day, time()), rota.moment(day + _DAY, time())) for day in days[1:] if kind(day))

    return KindsOfHours(
        night=within(_window(day, night, rota) for day in days) if night else timedelta(),
        sunday=whole(lambda day: day.weekday() == 6),
        holiday=whole(lambda day: rota.holiday(day, employee_id, department)),
    )


def _window(day: date, hours: str, rota: Rota) -> Times:
    """A window of hours that begins on a day."""
    begin, end = _minutes(hours)

    def at(minutes: int) -> datetime:
        return rota.moment(day + timedelta(days=minutes // 1440), time(minutes % 1440 // 60, minutes % 60))

    return at(begin), at(end if end > begin else end + 1440)


def _seconds(spans: Iterable[Times]) -> float:
    return sum((last - first).total_seconds() for first, last in spans)


def _overlap_s(spans: Sequence[Times], windows: Iterable[Times]) -> float:
    """Seconds of spans within windows that do not overlap each other."""
    total = 0.0
    for begin, end in windows:
        for first, last in spans:
            if first < end and last > begin:
                # in UTC, because between two times of one `ZoneInfo` Python counts hours on the clock
                total += (min(last, end).astimezone(UTC) - max(first, begin).astimezone(UTC)).total_seconds()
    return total
