"""A year of incidents, written in bulk through the incident log."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from engine.storage import new_id
from engine.workbench import Workbench

__all__ = ["year"]

_KINDS = ("unknown",) * 6 + ("tailgating",) * 3 + ("watch_list",)


def year(workbench: Workbench, now: datetime, *, days: int, a_day: int = 10) -> None:
    """Incidents of so many days before `now`; older ones are mostly settled."""
    dice = random.Random(1)
    for back in range(days, 0, -1):
        rows: list[dict[str, object]] = []
        for number in range(a_day):
            moment = (now - timedelta(days=back)).replace(hour=7, minute=0) + timedelta(minutes=40 * number)
            incident_id, kind = new_id(moment), dice.choice(_KINDS)
            rows.append(
                {
                    "incident_id": incident_id,
                    "timestamp": _stamp(moment),
                    "kind": kind,
                    "camera": dice.choice(("door", "gate")),
                    "employee_ids": "" if kind == "unknown" else "E1",
                    "image": f"images/{kind}/{incident_id}.jpg",
                    "unknown_ids": "" if kind == "watch_list" else f"unknown-{dice.randrange(1, 400)}",
                    "state": "open",
                    "severity": dice.choice(("high", "medium", "low")),
                    "author": "engine",
                    "similarity": 0.2,
                    "threshold": 0.5,
                }
            )
            if back > 2 and dice.random() < 0.97:
                later = moment + timedelta(minutes=30)
                rows.append(
                    {
                        "incident_id": new_id(later),
                        "timestamp": _stamp(later),
                        "kind": "review",
                        "refers_to": incident_id,
                        "state": dice.choice(("resolved", "false alarm")),
                        "author": "sam",
                        "detail": "a courier",
                    }
                )
        with workbench.incidents.log.exclusive():
            workbench.incidents.log.raw.append((now - timedelta(days=back)).date(), rows)


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
