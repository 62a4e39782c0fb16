"""Traffic at the entrance, and what logged punches show about strangers and mistakes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.attendance import IMPORTED
from engine.evaluation import Estimate, Rate, Resampling
from engine.incidents import IncidentKind
from engine.records import Records

WINDOW = timedelta(days=28)
_ENOUGH_DAYS = 5
_DAYS_PER_MONTH = 365.25 / 12
_WORKING_DAYS = 5 / 7 * _DAYS_PER_MONTH


@dataclass(frozen=True)
class Traffic:
    """Traffic at the entrance.

    Attributes:
        arrivals_per_day: arrivals and departures of known people on a working day.
        strangers_per_day: strangers on a working day.
        days_per_month: working days.
        source: `logs` of the last four weeks, `assumed` if these hold fewer than five working days, or `given` by the caller.
        days: working days in the logs.
    """

    arrivals_per_day: float
    strangers_per_day: float
    days_per_month: float
    source: Literal["logs", "assumed", "given"] = "given"
    days: int = 0

    @property
    def known(self) -> bool:
        """Whether somebody counted it: nothing per month follows from an assumption."""
        return self.source != "assumed"


def traffic_of(records: Records, people: int, now: datetime) -> Traffic:
    """Return the traffic of the last four weeks; without enough days assume two arrivals per person and one stranger a day."""
    today = records.attendance.day_of(now)
    first = today - WINDOW + timedelta(days=1)
    rows = [row for row in records.attendance.log.read(first, today) if row.method != IMPORTED]  # cameras' traffic
    days = Counter(row.timestamp.date() for row in rows if row.event == "punch")
    if len(days) < _ENOUGH_DAYS:
        return Traffic(2.0 * people, 1.0, _WORKING_DAYS, "assumed", len(days))
    strangers = [row for row in records.incidents.log.read(first, today) if row.kind is IncidentKind.UNKNOWN]
    span = max((today - min(days)).days + 1, 7)
    return Traffic(
        sum(days.values()) / len(days),
        len(strangers) / len(days),
        len(days) / span * _DAYS_PER_MONTH,
        "logs",
        len(days),
    )


@dataclass(frozen=True, eq=False)
class PunchHistory:
    """What the punches of the last four weeks show about mistakes.

    A punch's similarity with its own person shows nothing about FNMR, because only accepted matches became punches. Its similarity with
    the runner-up is the best score of a search among the other people with a camera's picture.

    Attributes:
        punches: including retracted ones.
        wrong: share that people retracted as somebody else's; unnoticed mistakes are missing.
        people: ids of those who punched.
        owners: (n,) index of each punch's person.
        runner_up: (n,) similarity with the runner-up, of punches that nobody retracted.
    """

    punches: int
    wrong: Rate
    people: tuple[str, ...]
    owners: NDArray[np.intp]
    runner_up: NDArray[np.float64]

    def fpir(self, threshold: float) -> Estimate:
        """Return the share of the cameras' searches in which somebody else reaches the threshold (`>=`), as a stranger would."""
        people = len(self.people)
        wrong = np.bincount(self.owners[self.runner_up >= threshold], minlength=people)
        return Resampling(people).rate(wrong, np.bincount(self.owners, minlength=people))


def punch_history(records: Records, model_id: str, now: datetime) -> PunchHistory:
    """Return the punches of the last four weeks that a model decided."""
    today = records.attendance.day_of(now)
    rows = records.attendance.log.read(today - WINDOW + timedelta(days=1), today)
    taken_back = {row.refers_to: row.author for row in rows if row.event == "retract"}
    punches = [row for row in rows if row.event == "punch" and row.model == model_id]
    wrong = sum(taken_back.get(row.event_id, "engine") != "engine" for row in punches)
    held = [
        (row.employee_id, row.runner_up_similarity)
        for row in punches
        if row.event_id not in taken_back
        and row.runner_up_similarity is not None
        and -1.01 <= row.runner_up_similarity <= 1.01
    ]
    people = tuple(dict.fromkeys(person for person, _ in held))
    number = {person: index for index, person in enumerate(people)}
    return PunchHistory(
        len(punches),
        Rate(wrong, len(punches)),
        people,
        np.array([number[person] for person, _ in held], np.intp),
        np.array([similarity for _, similarity in held], np.float64),
    )
