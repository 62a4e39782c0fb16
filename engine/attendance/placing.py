"""Where a time that somebody adds by hand lies: one rule for the command and the page. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from engine.attendance.periods import Periods, reach
from engine.attendance.presence import Direction
from engine.attendance.rota import Rota
from engine.errors import InputError

_DAY = timedelta(days=1)
_AROUND = timedelta(hours=4)
"""People come this long before a shift and stay this long after it."""
_LONG = timedelta(hours=16)
"""A departure before the arrival is the next day's, if that is at most this long after the arrival."""


@dataclass(frozen=True)
class Room:
    """The times that can be added to somebody's working day, both ends included.

    Attributes:
        widest: the latest time that is accepted with its date.
        before, after: whether a passage of the neighbouring working day is the limit.
    """

    first: datetime
    last: datetime
    widest: datetime
    before: bool
    after: bool


class Placing:
    """Places times in one working day of one person."""

    def __init__(
        self, rota: Rota, employee_id: str, department: str, day: date, periods: Periods, longest_day_h: float
    ) -> None:
        self._rota, self._day = rota, day
        self._planned = planned = rota.planned(employee_id, department, day)
        self._arrival = next((mark.time for mark in periods.marks(day) if mark.direction != "out"), None)
        begin, end = rota.window(employee_id, department, day)
        longest = reach(planned, longest_day_h)
        first, last, widest = begin, end, end + longest.arrival
        if planned is not None:
            first, last = min(first, planned.start - _AROUND), max(last, planned.end + _AROUND)
        if self._arrival is not None:
            last = max(last, self._arrival + longest.day)
        following = rota.planned(employee_id, department, day + _DAY)
        if following is not None:
            limit = max(following.start, planned.end + _AROUND) if planned else following.start
            last, widest = min(last, limit), min(widest, limit)
        earlier, later = periods.marks(day - _DAY), periods.marks(day + _DAY)
        before, after = bool(earlier) and earlier[-1].time > first, bool(later) and later[0].time < max(last, widest)
        if before:
            first = earlier[-1].time
        if after:
            last, widest = min(last, later[0].time), min(widest, later[0].time)
        self.room = Room(first, last, max(last, widest), before, after)

    def moment(self, at: time, direction: Direction) -> datetime:
        """A time of day as a moment: in a night shift, 05:30 is on the next date.

        With a shift, an arrival is the one nearest to its start, and a departure the one nearest to its end. Without one, a departure
        before the arrival is the next day's.

        Raises:
            InputError: there is no such time in the working day.
        """
        dates = [self._rota.moment(self._day + timedelta(days=offset), at) for offset in (0, -1, 1, 2)]
        room = [each for each in dates if self.room.first <= each <= self.room.last]
        if not room:
            raise self._refusal(f"{at:%H:%M}")
        if direction == "out" and self._arrival is not None:
            room = self._leaving(room, self._arrival)
        if self._planned is None:
            return room[0]
        edge = self._planned.end if direction == "out" else self._planned.start
        return min(room, key=lambda each: (abs(each - edge), -each.timestamp()))

    def _leaving(self, room: list[datetime], arrival: datetime) -> list[datetime]:
        """Departures that make sense: after the arrival or, if an earlier arrival may have been missed, during the shift."""
        if self._planned is not None:
            found = [each for each in room if each > min(arrival, self._planned.start)]
        else:
            found = [each for each in room if arrival < each <= arrival + _LONG]
        if not found:
            came = arrival.astimezone(self._rota.zone)
            raise InputError(
                f"{min(room).astimezone(self._rota.zone):%H:%M} lies before the arrival at {came:%H:%M}",
                hint="give the date, too, such as 2026-11-23T00:40, or add the earlier arrival first",
            )
        return found

    def check(self, moment: datetime) -> None:
        """Refuse a time that cannot belong to the working day.

        Raises:
            InputError: says why.
        """
        if not self.room.first <= moment <= self.room.widest:
            raise self._refusal(f"{moment.astimezone(self._rota.zone):%Y-%m-%d %H:%M}")

    def _refusal(self, wanted: str) -> InputError:
        room, zone = self.room, self._rota.zone
        first, last = (f"{each.astimezone(zone):%Y-%m-%d %H:%M}" for each in (room.first, room.widest))
        why = f"the passage at {first} belongs to the day before; " if room.before else ""
        why += f"the passage at {last} belongs to the next day; " if room.after else ""
        return InputError(
            f"{wanted} is not within the working day {self._day}",
            hint=f"{why}give a time from {first} to {last}, or correct another day",
        )
