"""Made-up people for sample workspaces: names from many countries, departments, and habits."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources

from engine.people import Person


@dataclass(frozen=True)
class Habit:
    """How somebody usually comes and goes.

    Attributes:
        offset_min, spread_min: of arrivals around the planned start.
        late_share: of days on which something goes wrong on the way.
        lunch_out: share of days on which they go out at noon.
        remote_day: day of the week worked from elsewhere, 0 Monday; -1: none.
        similarity: of their face, usually.
    """

    offset_min: float
    spread_min: float
    late_share: float
    lunch_out: float
    remote_day: int
    similarity: float


def made_up(count: int, rng: random.Random, since: datetime) -> list[Person]:
    """Make up people with ids from S001 on and different names, known since then."""
    lists = json.loads(resources.files("engine.demo").joinpath("names.json").read_text(encoding="utf-8"))
    given, family, departments = lists["given"], lists["family"], lists["departments"]
    names: dict[str, None] = {}
    while len(names) < min(count, len(given) * len(family)):
        names.setdefault(f"{rng.choice(given)} {rng.choice(family)}")
    stamp = (since - timedelta(days=7)).isoformat(timespec="seconds")
    return [
        Person(f"S{number:03d}", name, department, enrolled_at=stamp, consent_at=stamp[:10])
        for number, (name, department) in enumerate(zip(names, itertools.cycle(departments), strict=False), 1)
    ]


def habits_of(people: Sequence[Person], rng: random.Random) -> dict[str, Habit]:
    """A habit for each, by id."""
    return {
        person.employee_id: Habit(
            offset_min=rng.uniform(-16, -6),
            spread_min=rng.uniform(2.5, 7),
            late_share=0.18 if rng.random() < 0.1 else rng.uniform(0.005, 0.05),
            lunch_out=rng.choice((0.1, 0.5, 0.8)),
            remote_day=rng.choice((1, 2, 3, 4))
            if person.department in {"Engineering", "Sales"} and rng.random() < 0.4
            else -1,
            similarity=rng.uniform(0.66, 0.82),
        )
        for person in people
    }
