"""How often cameras raise alerts, at which hours, and how many are false."""

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
    """Alerts of one camera that began in one local hour of the day (0 to 23), and the hours watched in it, summed over days."""

    camera: str
    hour: int
    alerts: int
    watched_h: float

    @property
    def per_100h(self) -> float:
        """Alerts per hundred hours of watching; NaN if the camera watched for less than one hour, which says nothing."""
        return 100 * self.alerts / self.watched_h if self.watched_h >= _LEAST_H else math.nan


def alert_rates(
    alerts: Iterable[Incident],
    watched: Mapping[str, Sequence[tuple[datetime, datetime]]],
    first: date,
    last: date,
    zone: ZoneInfo,
) -> list[AlertRate]:
    """Alerts and hours of watching, by camera and hour of the day; hours without either are left out.

    Counts alone would call a camera quiet that is off at night.

    Args:
        alerts: incidents that somebody must look at, on any day.
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
    """Split a span at full local hours: day, hour and seconds of each piece."""
    while begin < end:
        local = begin.astimezone(zone)
        into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        until = min(end, begin + (_HOUR - into))
        yield local.date(), local.hour, (until - begin).total_seconds()
        begin = until


@dataclass(frozen=True)
class FalseAlarms:
    """How people judged the alerts of one kind or camera.

    Attributes:
        what: the kind, or the camera.
        rate: false alarms among the alerts that people settled, with its Clopper–Pearson interval. Alerts that the engine settled by
            itself do not count.
        waiting: alerts that are open or acknowledged, so not settled yet.
    """

    what: str
    rate: Rate
    waiting: int


def false_alarms(alerts: Iterable[Incident], by: Literal["kind", "camera"] = "kind") -> list[FalseAlarms]:
    """How many alerts were false according to reviews, by kind in the order of `ALERT_KINDS`, or by camera.

    The interval assumes that alerts are independent. Ten alerts about one poster on one morning are not, so the true interval may be
    wider.
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
