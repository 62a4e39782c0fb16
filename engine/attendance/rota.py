"""Who is expected when: shifts, public holidays, and which moments belong to which working day. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from itertools import pairwise
from typing import Protocol
from zoneinfo import ZoneInfo

from engine.attendance.holidays import PublicHolidays
from engine.attendance.shift_rules import ShiftRules
from engine.config import HolidaysConfig, RotaConfig, ShiftConfig
from engine.types import NOTHING_DATED, Position

_DAY = timedelta(days=1)
_WEEK = tuple(sign * days for days in range(1, 8) for sign in (-1, 1))
"""The days within a week of a day, the nearest first."""
_ALONE = timedelta(hours=4)
"""Distance of a boundary from a shift whose neighbouring day has none."""
_EARLY = timedelta(hours=2)
"""People come at most this long before a shift that begins right after the boundary."""
_LATEST = timedelta(hours=2, minutes=1)
"""A day begins at least this long before its midnight is over, so that every day begins after the previous one."""


class Employment(Protocol):
    """What is dated of people's work, see `engine.people.EmploymentBook`."""

    rules: str
    """A text that differs after every change."""

    def on(self, employee_id: str, day: date) -> Position:
        """What is dated of somebody's work on a day."""


@dataclass(frozen=True)
class Planned:
    """A shift on a day, with clock changes taken into account.

    Attributes:
        start, end: local times with a fixed offset, `end` not before `start`.
        holiday: name of the person's public holiday on that day; empty: none.
        spans: of a split shift, all of its parts, those that leave takes included; empty: it is not split.
    """

    shift: str
    start: datetime
    end: datetime
    config: ShiftConfig
    holiday: str = ""
    spans: tuple[tuple[datetime, datetime], ...] = ()

    @property
    def parts(self) -> tuple[Planned, ...]:
        """The parts of a split shift from `start` to `end`, in order; otherwise the shift itself."""
        cut = ((max(self.start, first), min(self.end, last)) for first, last in self.spans)
        return tuple(replace(self, start=first, end=last, spans=()) for first, last in cut if first < last) or (self,)

    @property
    def gaps(self) -> tuple[tuple[datetime, datetime], ...]:
        """The unpaid time between the parts."""
        return tuple((before.end, after.start) for before, after in pairwise(self.parts))

    @property
    def grace(self) -> timedelta:
        """Time after the start within which an arrival is on time."""
        return timedelta(minutes=self.config.grace_min)

    @property
    def leave_grace(self) -> timedelta:
        """Time before the end within which leaving is not early."""
        return timedelta(minutes=self.config.leave_grace_min)

    @property
    def hours(self) -> float:
        """Planned working hours without the break."""
        length = sum((part.end - part.start).total_seconds() for part in self.parts)
        return (length - planned_break_s(self.config, length)) / 3600


def planned_break_s(shift: ShiftConfig, presence_s: float) -> float:
    """Seconds of the shift's break that a presence of so many seconds, breaks included, must have at least."""
    beyond = presence_s - shift.break_after_h * 3600
    if beyond <= 0:
        return 0.0
    return min(shift.break_min * 60, beyond if shift.break_floor else presence_s)


def fixed(moment: datetime, zone: ZoneInfo) -> datetime:
    """A moment as local time with the offset that holds then."""
    local = moment.astimezone(zone)
    return local.replace(tzinfo=timezone(local.utcoffset() or timedelta()))


class Rota:
    """The plan of a workplace.

    Args:
        day_starts: local time at which days without a shift begin.
        language: of the names of public holidays.

    Raises:
        ConfigError: the country or subdivision of the holidays is not known.
    """

    def __init__(
        self,
        shifts: Mapping[str, ShiftConfig],
        holidays: HolidaysConfig,
        zone: ZoneInfo,
        *,
        day_starts: time = time(),
        rotas: Mapping[str, RotaConfig] | None = None,
        employment: Employment | None = None,
        language: str = "en",
    ) -> None:
        self._shifts = dict(shifts)
        self.choice = ShiftRules(shifts, rotas or {})
        self._holidays, self._public = holidays, PublicHolidays(holidays, language)
        self.zone, self._day_starts = zone, day_starts
        self._moment = lru_cache(maxsize=20_000)(self._moment_of)
        self._boundary = lru_cache(maxsize=20_000)(self._boundary_of)
        self._shift = lru_cache(maxsize=100_000)(self.choice.of)
        self._employment = employment

    @property
    def names(self) -> tuple[str, ...]:
        """What can be assigned to people."""
        return self.choice.names

    @property
    def rules(self) -> str:
        """All of it as a text to compare."""
        employment = self._employment and self._employment.rules
        return repr(
            (self.choice.rules, self._holidays, self._public.language, self.zone.key, self._day_starts, employment)
        )

    def __bool__(self) -> bool:
        """True if there are shifts, so that somebody can be late or absent."""
        return bool(self._shifts)

    def holiday(self, day: date, employee_id: str = "", department: str = "") -> str:
        """The name of somebody's public holiday, or by default of everybody's; empty on other days."""
        return self._public.of(employee_id, department, day)

    def position(self, employee_id: str, day: date) -> Position:
        """What is dated of somebody's work on a day."""
        return NOTHING_DATED if self._employment is None else self._employment.on(employee_id, day)

    def shift(self, employee_id: str, department: str, day: date) -> str:
        """The name of somebody's shift on a day, regardless of holidays; empty: none, or not employed.

        Args:
            department: counts if none is dated for that day.
        """
        at = self.position(employee_id, day)
        if at.employed is False:
            return ""
        return self._shift(employee_id, department if at.department is None else at.department, at.shift, day)

    def planned(self, employee_id: str, department: str, day: date) -> Planned | None:
        """The shift on which somebody is expected on a day, regardless of holidays; None: none."""
        name = self.shift(employee_id, department, day)
        if not name:
            return None
        at = self.position(employee_id, day).department
        holiday = self.holiday(day, employee_id, department if at is None else at)
        planned = self._planned(name, day)
        return replace(planned, holiday=holiday) if holiday else planned

    def break_rules(self, employee_id: str, department: str, day: date) -> ShiftConfig | None:
        """The shift whose break holds for work on a day: that of the day or, off the plan, of the nearest day within a week."""
        for offset in (0, *_WEEK):
            if name := self.shift(employee_id, department, day + timedelta(days=offset)):
                shift = self._shifts[name]
                off_plan = offset or (self.holiday(day, employee_id, department) and not shift.on_holidays)
                return shift if shift.break_off_plan or not off_plan else None
        return None

    def works_by_plan(self, employee_id: str, department: str, day: date) -> bool:
        """Whether somebody has a shift on a day or within a week before or after."""
        return any(self.shift(employee_id, department, day + timedelta(days=offset)) for offset in (0, *_WEEK))

    def expected(self, planned: Planned, day: date) -> bool:
        """Whether the plan holds on that day; False: it is a public holiday."""
        del day
        return planned.config.on_holidays or not planned.holiday

    def counts_as_leave(self, employee_id: str, department: str, day: date) -> bool:
        """Whether leave on a day takes a working day: a shift is planned, and it is no public holiday.

        For somebody without any shift within a week before or after, Monday to Friday count.
        """
        planned = self.planned(employee_id, department, day)
        if planned is not None:
            return self.expected(planned, day)
        at = self.position(employee_id, day)
        if at.employed is False:
            return False
        if self.works_by_plan(employee_id, department, day):
            return False
        dated = department if at.department is None else at.department
        return day.weekday() < 5 and not self.holiday(day, employee_id, dated)

    def _planned(self, name: str, day: date) -> Planned:
        shift = self._shifts[name]
        until = day + timedelta(days=1) if shift.end <= shift.start else day
        start = self.moment(day, shift.start)
        # a shift within the hour that a clock change skips would end before it begins
        end = max(start, self.moment(until, shift.end))
        spans = tuple((self._at(day, first), self._at(day, last)) for first, last in shift.parts_min)
        return Planned(name, start, end, shift, spans=spans)

    def _at(self, day: date, minutes: int) -> datetime:
        """A local time in minutes after the midnight of a day."""
        days, minute = divmod(minutes, 1440)
        return self.moment(day + timedelta(days=days), time(minute // 60, minute % 60))

    def moment(self, day: date, at: time) -> datetime:
        """A local time as a moment; a time that a clock change skips is as far after midnight as the clock says.

        Its offset is fixed, because between two times of one `ZoneInfo` Python counts hours on the clock, not elapsed hours.
        """
        return self._moment(day, at)

    def _moment_of(self, day: date, at: time) -> datetime:
        return fixed(datetime.combine(day, at, self.zone).astimezone(UTC), self.zone)

    def begins(self, employee_id: str, department: str, day: date) -> datetime:
        """The boundary before somebody's working day: half-way between two shifts, or when days without a shift begin.

        Between a day with a shift and one without, it lies where it would if both had this shift, but at least four hours from it. It
        lies before the day's `day_starts` only where the shift begins within two hours after that.
        """
        before, after = self.shift(employee_id, department, day - _DAY), self.shift(employee_id, department, day)
        return self._boundary(before, after, day)

    def window(self, employee_id: str, department: str, day: date) -> tuple[datetime, datetime]:
        """The begin and the end (exclusive) of somebody's working day. Windows neither overlap nor leave gaps.

        A presence may go on beyond the end, see `engine.attendance.periods`.
        """
        return self.begins(employee_id, department, day), self.begins(employee_id, department, day + _DAY)

    def _boundary_of(self, before: str, after: str, day: date) -> datetime:
        """The begin of `day` for somebody with shift `before` on the previous day and `after` on the day."""
        day_starts = self.moment(day, self._day_starts)
        if not before and not after:
            return day_starts
        end = self._planned(before or after, day - timedelta(days=1)).end
        start = self._planned(after or before, day).start
        bound = end + (start - end) / 2
        if not before:
            bound = min(bound, start - _ALONE)
        elif not after:
            bound = max(bound, end + _ALONE)
        bound = max(bound, min(day_starts, start - _EARLY))
        return min(bound, self.moment(day + timedelta(days=1), time()) - _LATEST)

    def day_of(self, moment: datetime, employee_id: str, department: str) -> date:
        """The working day that a moment belongs to."""
        day = moment.astimezone(self.zone).date()
        for candidate in (day - timedelta(days=1), day, day + timedelta(days=1)):
            begin, end = self.window(employee_id, department, candidate)
            if begin <= moment < end:
                return candidate
        return day
