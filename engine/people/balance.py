"""Days of leave per person, kind and year: entitled, taken, planned, left. Only working days count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from engine.config import Away
from engine.people.kinds import LeaveKinds


@dataclass(frozen=True)
class Balance:
    """Working days of one kind in one year.

    Attributes:
        entitled: opening value of the year, carried days included; None: the kind has no balance.
        own: somebody entered it for this person; else it is the setting.
        taken, planned: approved, up to today and after it.
        pending: asked for, and not approved yet.
    """

    employee_id: str
    kind: str
    year: int
    entitled: float | None
    own: bool
    taken: float
    planned: float
    pending: float

    @property
    def left(self) -> float | None:
        """What can still be taken, with what is planned taken off; negative if too much was taken."""
        return None if self.entitled is None else round(self.entitled - self.taken - self.planned, 2)


def balances(
    people: Iterable[str],
    kinds: LeaveKinds,
    year: int,
    today: date,
    *,
    approved: Mapping[tuple[str, date], Away],
    pending: Mapping[tuple[str, date], Away],
    entitlements: Mapping[tuple[str, str], float],
    counts: Callable[[str, date], bool],
) -> list[Balance]:
    """Return balances of kinds that somebody is entitled to, or has taken or planned, by person.

    Args:
        approved, pending: leave of the year's days.
        entitlements: days by person and kind, see `LeaveBook.entitlements`.
        counts: whether a day is a working day of a person.
    """
    sums: dict[tuple[str, str], list[float]] = {}
    wanted = set(people)
    for source, place in ((approved, 0), (pending, 2)):
        for (employee_id, day), away in source.items():
            if employee_id not in wanted or day.year != year or not counts(employee_id, day):
                continue
            for part in away.parts:
                own = sums.setdefault((employee_id, part.kind), [0.0, 0.0, 0.0])
                own[1 if place == 0 and day > today else place] += part.share
    found = []
    for employee_id in sorted(wanted):
        for kind, config in kinds.all.items():
            key = (employee_id, kind)
            entitled = entitlements.get(key, config.days_per_year)
            if entitled is None and key not in sums:
                continue
            taken, planned, asked = (round(value, 2) for value in sums.get(key, (0.0, 0.0, 0.0)))
            found.append(Balance(employee_id, kind, year, entitled, key in entitlements, taken, planned, asked))
    return found
