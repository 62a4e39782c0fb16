"""Made-up alerts of past days for sample workspaces: strangers who come again, people who slip in behind others, what became of it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

from engine.demo.run import CAMERA
from engine.gallery import Gallery
from engine.workbench import Workbench

__all__ = ["SampleAlerts"]

Row = dict[str, object]

_REVIEWER = "sample.security"
_STRANGERS = 3
_PER_DAY = (("unknown", 0.8), ("tailgating", 0.45), ("presentation_attack", 0.1))
_HOURS = ((7, 3), (8, 8), (9, 5), (12, 3), (13, 3), (16, 2), (17, 5), (19, 1))  # of the day, and how often
_MADE_UP = "made up for the sample"


class SampleAlerts:
    """Draws alerts, all of them settled by somebody: what is open in a sample workspace is real, and has pictures.

    Args:
        bench: the workspace.
        people: ids of those who may be followed.
        rng: where chance comes from.
    """

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

    def day(self, day: date) -> list[Row]:
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

    def _alert(self, kind: str, day: date) -> Row:
        rng, at = self._rng, self._moment(day)
        row: Row = {
            "incident_id": self._identifier(at),
            "timestamp": at.isoformat(timespec="milliseconds"),
            "ended": (at + timedelta(seconds=rng.uniform(2, 20))).isoformat(timespec="milliseconds"),
            "kind": kind,
            "camera": CAMERA,
            "severity": {"unknown": "medium", "tailgating": "low", "presentation_attack": "high"}[kind],
            "state": "open",
            "author": "engine",
            "detail": _MADE_UP,
        }
        if kind == "unknown":
            row["unknown_ids"] = rng.choice(self._strangers)
        elif kind == "tailgating":
            both = rng.random() < 0.6 and len(self._people) > 1
            row["employee_ids"] = ";".join(sorted(rng.sample(self._people, 2 if both else 1))) if self._people else ""
            row |= {"people": 2, "classification": "known+known" if both else "known+unknown"}
            row["severity"] = "low" if both else "high"
        return row

    def _review(self, alert: Mapping[str, object]) -> Row:
        """What somebody made of it within two hours: about one in five was for nothing, of pictures held up none."""
        rng = self._rng
        at = datetime.fromisoformat(str(alert["timestamp"])) + timedelta(minutes=rng.randint(3, 120))
        false = rng.random() < {"unknown": 0.2, "tailgating": 0.35, "presentation_attack": 0.0}[str(alert["kind"])]
        return {
            "incident_id": self._identifier(at),
            "timestamp": at.isoformat(timespec="milliseconds"),
            "kind": "review",
            "camera": alert["camera"],
            "state": "false alarm" if false else "resolved",
            "detail": _MADE_UP,
            "refers_to": alert["incident_id"],
            "author": _REVIEWER,
        }
