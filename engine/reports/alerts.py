"""How often cameras call somebody, at what hour, and how often for nothing."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from engine.evaluation import Rate
from engine.incidents import ALERT_KINDS, Incident
from engine.records.alerts import UNSETTLED, settled_by_people

_HOUR = timedelta(hours=1)
_LEAST_H = 1.0


@dataclass(frozen=True)
class AlertRate:
    """Alerts of one camera at one hour of the day.

    Attributes:
        hour: of the day, local, 0 to 23.
        alerts: that began in it, summed over days.
        watched_h: hours during which the camera was watching then, summed over days.
    """

    camera: str
    hour: int
    alerts: int
    watched_h: float

    @property
    def per_100h(self) -> float:
        """Alerts in a hundred hours of watching; NaN where it watched for less than one: a rate of so little says nothing."""
        return 100 * self.alerts / self.watched_h if self.watched_h >= _LEAST_H else math.nan


def alert_rates(
    alerts: Iterable[Incident],
    watched: Mapping[str, Sequence[tuple[datetime, datetime]]],
    first: date,
    last: date,
    zone: ZoneInfo,
) -> list[AlertRate]:
    """Alerts per hour of watching, by camera and hour of the day; hours without either are left out.

    A camera that is off at night is not a quiet camera: counts alone would say so.

    Args:
        alerts: incidents that somebody must look at; those of other days are left out.
        watched: when each camera was watching (`CoverageBook.watched`): spans that do not overlap.
        first, last: workplace days, both included.
    """
    counts: Counter[tuple[str, int]] = Counter()
    for each in alerts:
        local = each.row.timestamp.astimezone(zone)
        if first <= local.date() <= last:
            counts[each.row.camera, local.hour] += 1
    seconds: dict[tuple[str, int], float] = defaultdict(float)
    for camera, spans in watched.items():
        for begin, end in spans:
            for day, hour, length in _hours(begin, end, zone):
                if first <= day <= last:
                    seconds[camera, hour] += length
    return [
        AlertRate(camera, hour, counts[camera, hour], seconds[camera, hour] / 3600)
        for camera, hour in sorted(counts.keys() | seconds.keys())
    ]


def _hours(begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[date, int, float]]:
    """A span cut at full local hours: day, hour and seconds of each piece."""
    while begin < end:
        local = begin.astimezone(zone)
        into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        until = min(end, begin + (_HOUR - into))
        yield local.date(), local.hour, (until - begin).total_seconds()
        begin = until


@dataclass(frozen=True)
class FalseAlarms:
    """What people made of alerts of one sort.

    Attributes:
        what: the kind, or the camera.
        rate: alerts that people called a false alarm, of those that people settled, with its Clopper–Pearson interval. What the engine
            settled by itself is no judgement of it, and counts nowhere.
        waiting: open or acknowledged: not settled yet.
    """

    what: str
    rate: Rate
    waiting: int


def false_alarms(alerts: Iterable[Incident], by: Literal["kind", "camera"] = "kind") -> list[FalseAlarms]:
    """How many alerts were for nothing, as reviews say.

    The interval takes alerts for independent of each other. Ten alerts of one poster on one morning are not: read it as the
    narrowest that can be defended.

    Args:
        by: kinds in the order of `ALERT_KINDS`, or cameras by name.
    """
    false, settled, waiting = Counter[str](), Counter[str](), Counter[str]()
    for each in alerts:
        what = each.row.kind.value if by == "kind" else each.row.camera
        if each.state in UNSETTLED:
            waiting[what] += 1
        elif settled_by_people(each):
            settled[what] += 1
            false[what] += each.state == "false alarm"
    found = settled.keys() | waiting.keys()
    order = [kind for kind in ALERT_KINDS if kind in found] if by == "kind" else sorted(found)
    return [FalseAlarms(what, Rate(false[what], settled[what]), waiting[what]) for what in order]
