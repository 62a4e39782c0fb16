"""Which shift of the settings holds for whom on a day: assigned, by rotation, by id, by department, or for everybody. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Protocol

from engine.config import RotaConfig, ShiftConfig
from engine.config.hours import days_of_week
from engine.types import same_department


class Named(Protocol):
    """A section of the settings that names people or departments."""

    @property
    def people(self) -> tuple[str, ...]:
        """Employee ids."""

    @property
    def departments(self) -> tuple[str, ...]:
        """Departments."""


def closeness(section: Named, employee_id: str, department: str) -> int | None:
    """How closely a section names somebody: 0 by id, 1 by department; None: it does not."""
    if employee_id in section.people:
        return 0
    wanted = same_department(department)
    return 1 if wanted and any(same_department(each) == wanted for each in section.departments) else None


class ShiftRules:
    """The shifts and rotas of the settings."""

    def __init__(self, shifts: Mapping[str, ShiftConfig], rotas: Mapping[str, RotaConfig]) -> None:
        self._shifts, self._rotas = dict(shifts), dict(rotas)
        self._days = {name: days_of_week(shift.days) for name, shift in self._shifts.items()}
        self._in_cycles = {name for rota in self._rotas.values() for name in rota.cycle}

    @property
    def names(self) -> tuple[str, ...]:
        """What can be assigned to people."""
        return (*self._shifts, *self._rotas)

    @property
    def rules(self) -> object:
        """All of it, to compare."""
        return (self._shifts, self._rotas) if self._rotas else self._shifts

    def of(self, employee_id: str, department: str, assigned: str, day: date) -> str:
        """The shift of somebody on a day; empty: none.

        Args:
            assigned: name of a shift or a rota that counts before all others; a name that is not in the settings does not count.
        """
        if assigned in self._rotas:
            return self._turn(self._rotas[assigned], day)
        if assigned in self._shifts:
            return assigned if self._holds(assigned, day) else ""
        best, found = 3, ""
        for rota in self._rotas.values():
            rank = closeness(rota, employee_id, department)
            if rank is not None and rank < best and _valid(rota, day):
                best, found = rank, self._turn(rota, day)
        for name in self._shifts:
            rank = self._rank(name, employee_id, department)
            if rank is not None and rank < best and self._holds(name, day):
                best, found = rank, name
        return found

    def unused(self, people: Iterable[tuple[str, str]], assigned: Iterable[str]) -> list[str]:
        """Names of shifts and rotas that hold for nobody among these people (id, department)."""
        used, everybody = set(assigned) | self._in_cycles, list(people)
        ranks: dict[str, bool] = {
            name: any(self._rank(name, *each) is not None for each in everybody) for name in self._shifts
        }
        ranks |= {
            name: any(closeness(rota, *each) is not None for each in everybody) for name, rota in self._rotas.items()
        }
        return [name for name, holds in ranks.items() if not holds and name not in used]

    def _rank(self, name: str, employee_id: str, department: str) -> int | None:
        shift = self._shifts[name]
        rank = closeness(shift, employee_id, department)
        for_all = not (shift.people or shift.departments or shift.assigned_only or name in self._in_cycles)
        return 2 if rank is None and for_all else rank

    def _holds(self, name: str, day: date) -> bool:
        return day.weekday() in self._days[name] and _valid(self._shifts[name], day)

    def _turn(self, rota: RotaConfig, day: date) -> str:
        """The shift whose turn it is."""
        name = rota.cycle[(day - rota.anchor).days // rota.days_each % len(rota.cycle)]
        return name if name in self._shifts and self._holds(name, day) else ""


def _valid(section: ShiftConfig | RotaConfig, day: date) -> bool:
    return (section.valid_from is None or day >= section.valid_from) and (
        section.valid_until is None or day <= section.valid_until
    )
