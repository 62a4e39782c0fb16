"""When people were inside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from engine.attendance.corrections import Correction
from engine.attendance.periods import Periods, forces, reach
from engine.attendance.presence import times_inside
from engine.attendance.rota import Rota
from engine.attendance.rows import PunchRow, valid_rows
from engine.config import AttendanceConfig
from engine.types import NOBODY, Person


@dataclass(frozen=True)
class Stay:
    """A time that somebody was inside, on a working day.

    Attributes:
        end: the departure or, if `open` (nobody saw them leave), the last moment at which a camera saw them.
    """

    employee_id: str
    day: date
    begin: datetime
    end: datetime
    open: bool = False


def stays(
    rows: Sequence[PunchRow],
    corrections: Sequence[Correction],
    first: date,
    last: date,
    rota: Rota,
    people: Mapping[str, Person],
    config: AttendanceConfig,
) -> list[Stay]:
    """When people were inside on the working days from `first` to `last`, both included, by person and time, as corrected.

    Args:
        rows: of the attendance log, from three days before `first` to two days after `last`.
        corrections: of these days, oldest first.
    """
    own: dict[str, tuple[list[PunchRow], list[Correction]]] = {}
    for row in valid_rows(rows):
        own.setdefault(row.employee_id, ([], []))[0].append(row)
    for correction in corrections:
        own.setdefault(correction.employee_id, ([], []))[1].append(correction)
    found: list[Stay] = []
    for employee_id, (passages, corrected) in own.items():
        who = (employee_id, people.get(employee_id, NOBODY).department)
        counted = forces(corrected, approved=config.approval_first)
        periods = Periods(rota, *who, passages, counted, config.longest_day_h)
        for day in (first + timedelta(days=offset) for offset in range((last - first).days + 1)):
            here = times_inside(periods.marks(day), reach(rota.planned(*who, day), config.longest_day_h))
            found += [Stay(employee_id, day, begin, end) for begin, end in here.spans]
            if here.open_since is not None:
                found.append(Stay(employee_id, day, here.open_since, here.last_seen or here.open_since, open=True))
    return sorted(found, key=lambda stay: (stay.employee_id, stay.begin))


_QUARTER = timedelta(minutes=15)  # every zone's offset is a multiple of it
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def occupancy(found: Iterable[Stay], zone: ZoneInfo) -> dict[tuple[date, int], int]:
    """Number of people inside at the beginning of a quarter hour, by working day and quarter hour of the local day (0 to 95).

    Stays without a known end, and moments without anybody, are left out. In the hour that comes twice when the clocks go back, the
    greater number counts.
    """
    moments: Counter[tuple[date, datetime]] = Counter()
    for stay in found:
        at = _EPOCH - ((_EPOCH - stay.begin) // _QUARTER) * _QUARTER  # the first one from `begin` on
        while not stay.open and at < stay.end:
            moments[stay.day, at] += 1
            at += _QUARTER
    counts: dict[tuple[date, int], int] = {}
    for (day, at), people in moments.items():
        local = at.astimezone(zone)
        key = day, (local.hour * 60 + local.minute) // 15
        counts[key] = max(people, counts.get(key, 0))
    return counts
