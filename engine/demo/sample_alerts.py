"""Made-up alerts of past days for sample workspaces: returning strangers, tailgating, attacks, and their reviews."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from engine.demo.run import CAMERA
from engine.gallery import Gallery
from engine.incidents import IncidentKind, IncidentRow
from engine.types import Severity, TailgatingClass
from engine.workbench import Workbench

_REVIEWER = "sample.security"
_STRANGERS = 3
_PER_DAY = ((IncidentKind.UNKNOWN, 0.8), (IncidentKind.TAILGATING, 0.45), (IncidentKind.PRESENTATION_ATTACK, 0.1))
_FALSE = {IncidentKind.UNKNOWN: 0.2, IncidentKind.TAILGATING: 0.35, IncidentKind.PRESENTATION_ATTACK: 0.0}
_SEVERITY = {IncidentKind.UNKNOWN: Severity.MEDIUM, IncidentKind.PRESENTATION_ATTACK: Severity.HIGH}
_HOURS = ((7, 3), (8, 8), (9, 5), (12, 3), (13, 3), (16, 2), (17, 5), (19, 1))  # of the day, and how often
_MADE_UP = "made up for the sample"


class SampleAlerts:
    """Draws alerts that somebody has settled: open ones in a sample workspace are real and have pictures."""

    def __init__(self, bench: Workbench, people: Sequence[str], rng: random.Random) -> None:
        self._people, self._rng, self._zone = people, rng, bench.config.zone
        self._strangers: list[str] = []

        def issue(gallery: Gallery) -> Gallery:
            self._strangers = list(gallery.people)
            for _ in range(_STRANGERS):
                stranger, gallery = gallery.next_stranger()
                self._strangers.append(stranger)
            return gallery

        bench.strangers.update(issue)

    def day(self, day: date) -> list[IncidentRow]:
        """Alerts of a day and their reviews."""
        counts = [(kind, int(often + self._rng.random())) for kind, often in _PER_DAY]
        alerts = [self._alert(kind, day) for kind, count in counts for _ in range(count)]
        return [*alerts, *map(self._review, alerts)]

    def _moment(self, day: date) -> datetime:
        rng = self._rng
        hour = rng.choices([hour for hour, _ in _HOURS], [often for _, often in _HOURS])[0]
        return datetime.combine(day, time(hour, rng.randint(0, 59), rng.randint(0, 59)), self._zone)

    def _identifier(self, moment: datetime) -> str:
        return f"{moment:%Y%m%dT%H%M%S}-{self._rng.getrandbits(32):08x}"

    def _alert(self, kind: IncidentKind, day: date) -> IncidentRow:
        rng, at = self._rng, self._moment(day)
        row = IncidentRow(
            self._identifier(at),
            at,
            kind,
            CAMERA,
            ended=at + timedelta(seconds=rng.uniform(2, 20)),
            severity=_SEVERITY.get(kind),
            state="open",
            author="engine",
            detail=_MADE_UP,
        )
        if kind is IncidentKind.UNKNOWN:
            return replace(row, unknown_ids=(rng.choice(self._strangers),))
        if kind is IncidentKind.TAILGATING:
            both = rng.random() < 0.6 and len(self._people) > 1
            people = sorted(rng.sample(self._people, 2 if both else 1)) if self._people else []
            row = replace(row, employee_ids=tuple(people), people=2)
            if both:
                return replace(row, classification=TailgatingClass.TWO_KNOWN, severity=Severity.LOW)
            return replace(row, classification=TailgatingClass.KNOWN_UNKNOWN, severity=Severity.HIGH)
        return row

    def _review(self, alert: IncidentRow) -> IncidentRow:
        """A review within two hours: about one alert in five is false, but no attack."""
        at = alert.timestamp + timedelta(minutes=self._rng.randint(3, 120))
        false = self._rng.random() < _FALSE[alert.kind]
        return IncidentRow(
            self._identifier(at),
            at,
            IncidentKind.REVIEW,
            alert.camera,
            state="false alarm" if false else "resolved",
            detail=_MADE_UP,
            refers_to=alert.incident_id,
            author=_REVIEWER,
        )
