"""Who is expected when: shifts, public holidays, and which moments belong to which working day. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from engine.attendance.holidays import PublicHolidays
from engine.attendance.shift_rules import ShiftRules
from engine.config import HolidaysConfig, RotaConfig, ShiftConfig
from engine.types import NOTHING_DATED, Position

_AFTER = timedelta(hours=6)
"""Overtime after a night shift belongs to it for this long."""
_BEFORE = timedelta(hours=2)
"""People who begin shortly after midnight come before it, and people who end shortly before it leave after it."""
_LONGEST = timedelta(hours=20)
"""Latest beginning of a day after its midnight, so that every day begins after the previous one."""


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
    """

    shift: str
    start: datetime
    end: datetime
    config: ShiftConfig
    holiday: str = ""

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
        length = (self.end - self.start).total_seconds() / 3600
        return max(0.0, length - (self.config.break_min / 60 if length > self.config.break_after_h else 0.0))


class Rota:
    """The plan of a workplace.

    Raises:
        ConfigError: the country or subdivision of the holidays is not known.
    """

    def __init__(
        self,
        shifts: Mapping[str, ShiftConfig],
        holidays: HolidaysConfig,
        zone: ZoneInfo,
        *,
        rotas: Mapping[str, RotaConfig] | None = None,
        employment: Employment | None = None,
    ) -> None:
        self._shifts = dict(shifts)
        self.choice = ShiftRules(shifts, rotas or {})
        self._holidays, self._public = holidays, PublicHolidays(holidays)
        self.zone = zone
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
        return repr((self.choice.rules, self._holidays, self.zone.key, self._employment and self._employment.rules))

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

    def expected(self, planned: Planned, day: date) -> bool:
        """Whether the plan holds on that day; False: it is a public holiday."""
        del day
        return planned.config.on_holidays or not planned.holiday

    def _planned(self, name: str, day: date) -> Planned:
        shift = self._shifts[name]
        last = day + timedelta(days=1) if shift.end <= shift.start else day
        start = self._moment(day, shift.start)
        # a shift within the hour that a clock change skips would end before it begins
        return Planned(name, start, max(start, self._moment(last, shift.end)), shift)

    def _moment(self, day: date, at: time) -> datetime:
        """A local time as a moment; a time that a clock change skips is as far after midnight as the clock says.

        Its offset is fixed, because between two times of one `ZoneInfo` Python counts hours on the clock, not elapsed hours.
        """
        moment = datetime.combine(day, at, self.zone).astimezone(UTC).astimezone(self.zone)
        return moment.replace(tzinfo=timezone(moment.utcoffset() or timedelta()))

    def window(self, employee_id: str, department: str, day: date) -> tuple[datetime, datetime]:
        """The begin and the end (exclusive) of somebody's working day.

        A day begins at midnight, unless the previous shift ends after it (then half-way to the next shift, at most six hours after
        that end) or the day's own shift begins so early that people come before midnight. Windows neither overlap nor leave gaps.
        """
        names = tuple(self.shift(employee_id, department, day + timedelta(days=offset)) for offset in (-1, 0, 1))
        return self._boundary(names[0], names[1], day), self._boundary(names[1], names[2], day + timedelta(days=1))

    def moment_on(self, employee_id: str, department: str, day: date, at: time) -> datetime:
        """A time of day within somebody's working day: in a night shift, 05:30 is on the next day.

        A time outside the working day is one of `day` itself.
        """
        begin, end = self.window(employee_id, department, day)
        moments = [self._moment(day + timedelta(days=offset), at) for offset in (0, 1, -1)]
        return next((moment for moment in moments if begin <= moment < end), moments[0])

    def _boundary_of(self, before: str, after: str, day: date) -> datetime:
        """The begin of `day` for somebody with shift `before` on the previous day and `after` on the day."""
        midnight = self._moment(day, time())
        earlier = self._planned(before, day - timedelta(days=1)) if before else None
        later = self._planned(after, day) if after else None
        bound = midnight
        if later is not None and later.start - _BEFORE < midnight:
            bound = later.start - _BEFORE
        if earlier is not None and earlier.end + _BEFORE > bound:
            bound = earlier.end + _AFTER
            if later is not None:
                bound = min(bound, earlier.end + max((later.start - earlier.end) / 2, timedelta(0)))
        return min(bound, midnight + _LONGEST)

    def day_of(self, moment: datetime, employee_id: str, department: str) -> date:
        """The working day that a moment belongs to."""
        day = moment.astimezone(self.zone).date()
        for candidate in (day - timedelta(days=1), day, day + timedelta(days=1)):
            begin, end = self.window(employee_id, department, candidate)
            if begin <= moment < end:
                return candidate
        return day
